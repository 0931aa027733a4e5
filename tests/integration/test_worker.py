"""A worker in a process of its own: nothing is lost, whatever ends it.

The embedded broker proves nothing about Kafka's recovery or rebalancing; it proves that our own
order of applying, storing, acknowledging and restoring is right. So a kill is tried on both.
"""

from __future__ import annotations

import json
import re
import shutil
import signal
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import CoordinatorNotAvailableError

from agents.children import Child
from agents.embedded import Tansu, free_port
from agents.kafka_clients import client_options, producer_options
from agents.runtime import partition_of
from agents.settings import Settings, load_settings
from agents.topic_admin import create_topics
from streams.instants import SECOND, parse_rfc3339, to_rfc3339
from streams.topics import CALLS, DEAD_LETTERS, EMAILS
from tests.kafka_server import Kafka

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
ORGANISATION = "exempelkommun"
PARTITIONS = 2
START = parse_rfc3339("2026-11-20T08:00:00Z")
RUN = "import sys; from pathlib import Path; from agents.commands.worker import worker; "
RUN += "worker(Path(sys.argv[1]))"


class Running(NamedTuple):
    """A worker at work, and what it answered before it was ready."""

    site: Site
    worker: Child
    at_first: tuple[int, dict[str, Any]]


class Site:
    """A broker, a configuration, and workers that come and go."""

    def __init__(self, broker: Tansu | Kafka, folder: Path, *, create: bool = True) -> None:
        self.folder = folder
        self.port = free_port()
        self.config = folder / "config"
        shutil.copytree(ROOT / "config" / "organisations", self.config / "organisations")
        (self.config / "kontaktpuls.yaml").write_text(
            f"""version: 1
brokers: ["{broker.brokers}"]
partitions: {PARTITIONS}
replication: 1
clock: events
embedded: {str(isinstance(broker, Tansu)).lower()}
data_dir: "{folder / "data"}"
redis: {{enabled: false}}
web: {{port: {self.port}}}
timeouts: {{stall: 10 s}}
""",
            encoding="utf-8",
        )
        self.settings: Settings = load_settings(self.config, environ={})
        if create:
            create_topics(self.settings.cluster)

    def worker(self, name: str = "worker") -> Child:
        """A new worker, starting."""
        command = [sys.executable, "-c", RUN, str(self.config)]
        return Child(
            name,
            command,
            log=self.folder / f"{name}.log",
            environment={"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        )

    def publish(
        self, values: Iterable[bytes], *, topic: str = CALLS, key: str = ORGANISATION
    ) -> None:
        """Send values, and wait until the broker has them."""
        # Batches, unlike those of the changelog: nobody asks where an event topic ends.
        options = producer_options(self.settings.cluster) | {"batch_size": 16_384}
        producer = KafkaProducer(**options)
        for value in values:
            producer.send(topic, key=key.encode(), value=value)
        producer.flush(timeout=30)
        producer.close(timeout=5)

    def metric(self, name: str, **labels: str) -> float:
        """The sum of the samples of a metric that carry these labels; 0 while nothing is served."""
        try:
            url = f"http://127.0.0.1:{self.port}/metrics"
            with urllib.request.urlopen(url, timeout=5) as answer:
                text = answer.read().decode()
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            return 0.0
        found = 0.0
        for line in text.splitlines():
            match = re.fullmatch(rf"{name}(?:{{(.*)}})? (\S+)", line)
            if match and all(
                f'{key}="{value}"' in (match[1] or "") for key, value in labels.items()
            ):
                found += float(match[2])
        return found

    def health(self, path: str) -> tuple[int, dict[str, Any]]:
        """Status and body of a health check; 0 while nobody listens."""
        try:
            url = f"http://127.0.0.1:{self.port}{path}"
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            return 0, {}

    def committed(self, topic: str = CALLS) -> dict[int, int]:
        """Committed offsets of the worker's group, by partition."""
        cluster = self.settings.cluster
        places = [TopicPartition(topic, partition) for partition in range(PARTITIONS)]
        admin = KafkaAdminClient(**client_options(cluster))
        try:
            offsets = admin.list_group_offsets({cluster.app_id: places})[cluster.app_id]
        except CoordinatorNotAvailableError:
            # A new Kafka has no place for offsets until somebody commits one.
            return dict.fromkeys(range(PARTITIONS), 0)
        finally:
            admin.close()
        return {place.partition: max(0, offsets[place].offset) for place in places}

    def letters(self) -> list[dict[str, Any]]:
        """Everything on the dead-letter topic."""
        consumer = KafkaConsumer(
            DEAD_LETTERS,
            **client_options(self.settings.cluster),
            group_id=None,
            auto_offset_reset="earliest",
            consumer_timeout_ms=2_000,
        )
        try:
            return [json.loads(record.value) for record in consumer]
        finally:
            consumer.close(autocommit=False)


def wait_for(condition: Callable[[], bool], *, worker: Child, within: float = 30.0) -> None:
    """Until it is true; the worker's log tells why it never was."""
    deadline = time.monotonic() + within
    while not condition():
        assert worker.poll() is None, worker.last_lines(40)
        assert time.monotonic() < deadline, worker.last_lines(40)
        time.sleep(0.1)


def entered(first: int, count: int) -> list[bytes]:
    """Callers who entered a queue, one a second."""
    return [
        json.dumps(
            {
                "type": "call.entered",
                "organisation": ORGANISATION,
                "call": f"call-{number}",
                "queue": "vaxel",
                "at": to_rfc3339(START + number * SECOND),
            }
        ).encode()
        for number in range(first, first + count)
    ]


@pytest.fixture(params=["embedded", "kafka"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    """A broker with topics and a configuration, for one test."""
    if request.param == "embedded":
        yield Site(request.getfixturevalue("tansu"), tmp_path)
        return
    # For the reason to skip; its topics belong to others.
    request.getfixturevalue("kafka")
    with Kafka(tmp_path / "kafka") as broker:
        yield Site(broker, tmp_path)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One worker for all tests that do not end it."""
    with Tansu() as broker:
        site = Site(broker, tmp_path_factory.mktemp("running"))
        with site.worker() as worker:
            wait_for(lambda: site.health("/livez")[0] == 200, worker=worker)
            at_first = site.health("/readyz")
            wait_for(lambda: site.health("/readyz")[0] == 200, worker=worker)
            yield Running(site, worker, at_first)


@pytest.mark.timeout(240)
def test_a_killed_worker_loses_nothing_and_stores_everything_once(site: Site) -> None:
    """Killed in the middle of its work, the next one knows every call and commits to the end."""
    half, total = 20_000, 40_000
    home = partition_of(ORGANISATION, PARTITIONS)
    site.publish(entered(0, half))
    with site.worker("first") as first:
        wait_for(lambda: site.committed()[home] > 0, worker=first)
        # However fast it is, it cannot have finished what comes while it stands still.
        first.signal(signal.SIGSTOP)
        site.publish(entered(half, total - half))
        first.kill()

    assert site.committed()[home] < total, "the kill came too late to prove anything"

    with site.worker("second") as second:
        wait_for(lambda: site.committed()[home] == total, worker=second, within=60)

        # A text is served for a while.
        wait_for(lambda: site.metric("kontaktpuls_contacts_retained") == total, worker=second)
        read_again = site.metric("kontaktpuls_events_in_total")

        assert read_again < total, "the second worker must have begun with restored rows"
        assert read_again == (
            site.metric("kontaktpuls_events_applied_total")
            + site.metric("kontaktpuls_events_unchanged_total")
        )

        began = time.monotonic()
        code = second.stop(grace=15.0)

        assert code == 0, second.last_lines(40)
        assert time.monotonic() - began < 10.0


REST = b'"at":"2026-11-20T10:00:00Z","reason":"key"'
POISON: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xfe no text", "not_json"),
    (b'{"type": "call.entered", ', "not_json"),
    (b'{"type": "call.sung", "organisation": "exempelkommun"}', "unknown_type"),
    (b'{"type": "call.entered", "organisation": "exempelkommun", "call": "1"}', "missing_field"),
    (
        b'{"type":"call.left","organisation":"nowhere","call":"1","queue":"vaxel",%s}' % REST,
        "unknown_organisation",
    ),
    (b'{"type": "call.entered", "call": "' + b"x" * 900_000 + b'"}', "too_large"),
    (b"", "empty"),
)


def test_a_worker_answers_before_it_is_ready(running: Running) -> None:
    """Alive from the first second; ready only once it owns recovered partitions."""
    status, body = running.at_first

    assert status == 503

    assert set(body["failing"]) == {"owning", "recovered"}

    assert running.site.health("/readyz") == (200, {"ok": ["owning", "recovered"], "failing": {}})


def test_poison_goes_to_the_dead_letters_and_stops_nothing(running: Running) -> None:
    """Each bad record is kept with its reason and origin; the good ones around it count."""
    site, worker, _ = running
    home = partition_of(ORGANISATION, PARTITIONS)
    before = site.committed()[home]
    site.publish([*entered(0, 5), *(value for value, _ in POISON), *entered(5, 5)])
    wait_for(
        lambda: site.committed()[home] == before + 10 + len(POISON), worker=worker, within=20.0
    )
    wait_for(lambda: site.metric("kontaktpuls_events_applied_total") == 10, worker=worker)
    letters = site.letters()

    assert site.metric("kontaktpuls_events_rejected_total") == len(POISON)

    assert Counter(letter["reason"] for letter in letters) == Counter(
        reason for _, reason in POISON
    )
    assert {(letter["topic"], letter["partition"]) for letter in letters} == {(CALLS, home)}
    assert sorted(letter["offset"] - before for letter in letters) == list(
        range(5, 5 + len(POISON))
    )


def test_a_record_on_the_wrong_partition_finds_its_way(running: Running) -> None:
    """Whatever hash a producer uses, an organisation lives on one partition."""
    site, worker, _ = running
    home = partition_of(ORGANISATION, PARTITIONS)
    before = site.committed()
    known = site.metric("kontaktpuls_contacts_retained")
    producer = KafkaProducer(**producer_options(site.settings.cluster))
    for value in entered(100, 20):
        producer.send(CALLS, key=b"astray", value=value, partition=1 - home)
    producer.flush(timeout=30)
    producer.close(timeout=5)
    moved = {partition: offset + 20 for partition, offset in before.items()}
    wait_for(lambda: site.committed() == moved, worker=worker, within=20.0)

    # A text is served for a while.
    wait_for(
        lambda: site.metric("kontaktpuls_contacts_retained") == known + 20,
        worker=worker,
        within=5.0,
    )

    assert site.metric("kontaktpuls_events_forwarded_total") == 20


def test_a_worker_refuses_to_start_without_its_topics(tansu: Tansu, tmp_path: Path) -> None:
    """It names every one of them, and the command that makes them."""
    site = Site(tansu, tmp_path, create=False)
    with site.worker() as worker:
        deadline = time.monotonic() + 20.0
        while worker.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)

        assert worker.poll() == 1, worker.last_lines(40)

        said = worker.last_lines(40)
        assert f"`{EMAILS}` does not exist" in said
        assert "kontaktpuls topics create" in said
