"""A cluster to measure: topics on a broker, a configuration, and workers as operators run them."""

from __future__ import annotations

import sys
import time
import urllib.request
from typing import TYPE_CHECKING

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from agents.children import Child
from agents.embedded import free_port
from agents.settings import load_settings
from agents.topic_admin import create_topics
from rig.history import PARTITIONS, QUEUES_OF
from streams.topics import EVENT_TOPICS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PATIENCE = 300.0


class Site:
    """A folder with a configuration for one application id; its topics exist.

    Attributes:
        settings: as a worker reads them.
        port: where its worker serves metrics.
    """

    def __init__(
        self,
        folder: Path,
        brokers: str,
        *,
        application: str = "kontaktpuls",
        redis_url: str | None = None,
        queues: Mapping[str, tuple[str, ...]] = QUEUES_OF,
        partitions: int = PARTITIONS,
        clock: str = "events",
    ) -> None:
        self.folder = folder / application
        self.port = free_port()
        (self.folder / "organisations").mkdir(parents=True)
        for name, parts in queues.items():
            (self.folder / "organisations" / f"{name}.yaml").write_text(
                organisation(name, parts), encoding="utf-8"
            )
        redis = f"{{url: '{redis_url}'}}" if redis_url else "{enabled: false}"
        (self.folder / "kontaktpuls.yaml").write_text(
            f"brokers: ['{brokers}']\napplication_id: {application}\ninstance_id: worker-1\n"
            f"partitions: {partitions}\nreplication: 1\nclock: {clock}\nredis: {redis}\n"
            f"data_dir: {self.folder / 'data'}\nweb: {{port: {self.port}}}\n",
            encoding="utf-8",
        )
        self.settings = load_settings(self.folder, environ={})
        create_topics(self.settings.cluster)
        self._starts = 0

    @property
    def command(self) -> list[str]:
        """How the worker is started; the same as `kontaktpuls worker --config FOLDER`."""
        return [sys.executable, "-m", "agents", "worker", "--config", str(self.folder)]

    def worker(self) -> Child:
        """Start the worker; a context manager that stops it."""
        self._starts += 1
        return Child("worker", self.command, log=self.folder / f"worker.{self._starts}.log")

    def wait_until_ready(self, child: Child) -> None:
        """Return when the worker says that it serves its partitions."""
        deadline = time.monotonic() + PATIENCE
        while not fetch(f"http://127.0.0.1:{self.port}/readyz"):
            if child.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"the worker does not become ready:\n{child.last_lines()}")
            time.sleep(0.02)

    def metrics(self) -> dict[str, float]:
        """What a scrape gets: each series, as it is written, with its value."""
        text = fetch(f"http://127.0.0.1:{self.port}/metrics")
        lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
        return {series: float(value) for series, _, value in lines}


class Progress:
    """How far a consumer group has committed what it reads."""

    def __init__(self, brokers: str, group: str, topics: tuple[str, ...] = EVENT_TOPICS) -> None:
        options = {"bootstrap_servers": brokers}
        consumer = KafkaConsumer(**options, group_id=None)
        places = [
            TopicPartition(topic, partition)
            for topic in topics
            for partition in sorted(consumer.partitions_for_topic(topic) or ())
        ]
        self._ends = {place: end for place, end in consumer.end_offsets(places).items() if end}
        consumer.close()
        self._admin = KafkaAdminClient(**options)
        self._group = group

    def left(self) -> int:
        """Records that nobody has committed."""
        try:
            offsets = self._admin.list_group_offsets({self._group: list(self._ends)})[self._group]
        except KafkaError:
            return sum(self._ends.values())
        return sum(end - max(0, offsets[place].offset) for place, end in self._ends.items())

    def close(self) -> None:
        """Give the connection back."""
        self._admin.close()


def organisation(name: str, queues: tuple[str, ...]) -> str:
    """The file of an organisation that is always open, with the promise of two minutes."""
    parts = ", ".join(f"{queue}: Kö {queue}" for queue in queues)
    return (
        f"display_name: {name}\nqueues: {{{parts}}}\nmailboxes: {{mail-{name}: {name}}}\n"
        'calendars: {default: {hours: {mon-sun: "00:00-24:00"}}}\n'
        "promises:\n"
        "  - {name: answered-in-2-minutes, channel: calls, within: 2 min, target: 80 %}\n"
        "  - {name: reply-in-2-days, channel: emails, within: 2 working days, target: 85 %}\n"
    )


def fetch(url: str) -> str:
    """The body at a loopback address; empty while nobody answers well."""
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - loopback
            text: str = answer.read().decode()
            return text
    except OSError:
        return ""
