"""The site that is shaken: brokers, a Redis, workers, and somebody who publishes."""

from __future__ import annotations

import shutil
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Self

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError
from redis import Redis
from redis.exceptions import RedisError

from agents.children import Child
from agents.embedded import free_port
from agents.kafka_clients import client_options, producer_options
from agents.runtime import partition_of
from agents.settings import Settings, load_settings
from agents.topic_admin import create_topics
from streams.topics import DEAD_LETTERS, EVENT_TOPICS

if TYPE_CHECKING:
    import signal
    from collections.abc import Iterable
    from types import TracebackType

    from tests.chaos.workload import Sent
    from tests.kafka_server import Brokers, Kafka

ROOT = Path(__file__).parents[2]
ORGANISATIONS = ("k1", "k2", "k3", "k4", "k5", "k6")
PARTITIONS = 4
READY = 120.0
"""Seconds that a worker may take from its start until it serves, a rebalance included."""


class Slot:
    """A place for a worker: its port, its folder, and the process that is there now.

    Attributes:
        wanted: whether a supervisor would start it again when it ends.
        ends: exit codes of workers that ended by themselves.
    """

    def __init__(self, site: Site, name: str, *, static: bool, mend: str) -> None:
        self.name = name
        self.port = free_port()
        self.wanted = False
        self.child: Child | None = None
        self.ends: list[int] = []
        self._site = site
        self._static = static
        self._mend = mend
        self._started = 0

    @property
    def data(self) -> Path:
        """What the worker itself keeps on disk."""
        return self._site.folder / f"data-{self.name}"

    def start(self) -> None:
        """Start a worker here."""
        self.wanted = True
        self._started += 1
        environment = {
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "KONTAKTPULS_WEB_PORT": str(self.port),
            "KONTAKTPULS_DATA_DIR": str(self.data),
        }
        if self._static:
            environment["KONTAKTPULS_INSTANCE_ID"] = self.name
        self.child = Child(
            self.name,
            [sys.executable, "-m", "tests.chaos.worker", str(self._site.config), self._mend],
            log=self._site.folder / f"{self.name}.{self._started}.log",
            environment=environment,
        )

    def supervise(self) -> None:
        """Start it again when it has ended, as whoever runs it in production does."""
        if self.wanted and self.child is not None and (code := self.child.poll()) is not None:
            self.ends.append(code)
            self.start()

    def kill(self) -> None:
        """End it at once."""
        self.wanted = False
        if self.child is not None:
            self.child.kill()

    def stop(self) -> int:
        """Ask it to end; its exit code."""
        self.wanted = False
        assert self.child is not None
        return self.child.stop(grace=20.0)

    def signal(self, number: signal.Signals) -> None:
        """Freeze it or let it go on."""
        if self.child is not None and self.child.poll() is None:
            self.child.signal(number)

    def metrics(self) -> str:
        """What a scrape gets; empty while nobody answers."""
        return fetch(f"http://127.0.0.1:{self.port}/metrics")


class Site:
    """Everything that runs.

    Attributes:
        slots: places for workers.
    """

    def __init__(
        self,
        folder: Path,
        broker: Kafka | Brokers,
        *,
        replication: int = 1,
        static: bool = True,
        slots: int = 3,
        mend: str = "as it is",
    ) -> None:
        self.folder = folder
        self.broker = broker
        self.redis_port = free_port()
        self.redis: Child | None = None
        self.config = folder / "config"
        (self.config / "organisations").mkdir(parents=True)
        for name in ORGANISATIONS:
            shutil.copy(
                ROOT / "config" / "organisations" / "exempelkommun.yaml",
                self.config / "organisations" / f"{name}.yaml",
            )
        servers = ", ".join(f'"{each}"' for each in broker.brokers.split(","))
        (self.config / "kontaktpuls.yaml").write_text(
            f"""version: 1
brokers: [{servers}]
partitions: {PARTITIONS}
replication: {replication}
clock: events
redis: {{url: "redis://127.0.0.1:{self.redis_port}/0", snapshot_ttl: 1 h}}
timeouts: {{stall: 20 s, produce: 30 s, redis: 2 s}}
""",
            encoding="utf-8",
        )
        self.settings: Settings = load_settings(self.config, environ={})
        self.slots = [
            Slot(self, f"worker-{n}", static=static, mend=mend) for n in range(1, slots + 1)
        ]
        create_topics(self.settings.cluster)
        self._producer = KafkaProducer(
            **producer_options(self.settings.cluster) | {"batch_size": 65_536, "linger_ms": 5}
        )

    def __enter__(self) -> Self:
        """With Redis, without workers."""
        self.start_redis()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Everything ends."""
        for slot in self.slots:
            slot.kill()
        self._producer.close(timeout=2)
        if self.redis is not None:
            self.redis.kill()

    def start_redis(self) -> None:
        """An empty Redis, which keeps nothing on disk."""
        program = ["redis-server", "--port", str(self.redis_port), "--bind", "127.0.0.1"]
        program += ["--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction"]
        self.redis = Child("redis", program, log=self.folder / "redis.log")

    def client(self) -> Redis:
        """A connection to Redis."""
        return Redis(port=self.redis_port, socket_timeout=5, socket_connect_timeout=5)

    def publish(self, records: Iterable[Sent]) -> int:
        """Send records in order, and wait until the brokers have them; how many there were."""
        count = 0
        for record in records:
            partition = partition_of(record.organisation, PARTITIONS)
            self._producer.send(
                record.topic,
                key=record.organisation.encode(),
                value=record.value,
                partition=(partition + 1) % PARTITIONS if record.astray else partition,
            )
            count += 1
        self._producer.flush(timeout=120)
        return count

    def supervise(self) -> None:
        """Workers that ended are started again."""
        for slot in self.slots:
            slot.supervise()

    def ends(self) -> dict[TopicPartition, int]:
        """Where each partition of an event topic ends."""
        consumer = KafkaConsumer(
            **client_options(self.settings.cluster), group_id=None, enable_auto_commit=False
        )
        try:
            ends: dict[TopicPartition, int] = consumer.end_offsets(places())
        finally:
            consumer.close()
        return ends

    def committed(self) -> dict[TopicPartition, int]:
        """How far the workers have acknowledged."""
        cluster = self.settings.cluster
        admin = KafkaAdminClient(**client_options(cluster))
        try:
            offsets = admin.list_group_offsets({cluster.app_id: places()})[cluster.app_id]
        except KafkaError:
            return dict.fromkeys(places(), 0)
        finally:
            admin.close()
        return {place: max(0, offsets[place].offset) for place in places()}

    def left(self) -> int:
        """How many records nobody has acknowledged yet."""
        ends, committed = self.ends(), self.committed()
        return sum(max(0, ends[place] - committed[place]) for place in ends)

    def letters(self) -> list[bytes]:
        """Everything on the dead-letter topic."""
        consumer = KafkaConsumer(
            DEAD_LETTERS,
            **client_options(self.settings.cluster),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            consumer_timeout_ms=2_000,
        )
        try:
            return [record.value for record in consumer]
        finally:
            consumer.close(autocommit=False)

    def redis_answers(self) -> bool:
        """Whether Redis takes commands."""
        try:
            with self.client() as client:
                return bool(client.ping())
        except RedisError:
            return False

    def wait_until_ready(self) -> None:
        """Every wanted worker serves partitions, or at least says that it has none."""
        deadline = time.monotonic() + READY
        while not all("kontaktpuls_recovering 0" in s.metrics() for s in self.slots if s.wanted):
            self.supervise()
            assert time.monotonic() < deadline, self.last_lines()
            time.sleep(0.2)

    def last_lines(self) -> str:
        """The ends of all logs."""
        return "\n".join(
            f"--- {slot.name}, ended with {slot.ends}\n{slot.child.last_lines(12)}"
            for slot in self.slots
            if slot.child is not None
        )


def places() -> list[TopicPartition]:
    """Every partition of every event topic."""
    return [TopicPartition(topic, n) for topic in EVENT_TOPICS for n in range(PARTITIONS)]


def fetch(url: str) -> str:
    """The body at a loopback address; empty while nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=3) as answer:  # noqa: S310 - loopback
            text: str = answer.read().decode()
            return text
    except (urllib.error.URLError, TimeoutError, ConnectionError, OSError):
        return ""
