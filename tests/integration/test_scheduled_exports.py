"""Scheduled exports on a real Kafka and Redis: killed, frozen out and raced, they end as one."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from kafka import KafkaProducer
from redis import Redis, RedisError
from redis.asyncio import Redis as AsyncRedis

from agents import kafka_clients
from agents.children import Child
from agents.clock import wall_clock
from agents.embedded import free_port
from agents.envelopes import seal
from agents.exports.files import read_manifest
from agents.exports.marks import Mark, Marks, MarksError
from agents.exports.rejected import count_rejected
from agents.kafka_clients import producer_options
from agents.settings import load_settings
from agents.sinks.redis import RedisSink
from agents.topic_admin import create_topics
from streams.conventions import Reason
from streams.desk import Desk
from streams.events import CallAnswered, CallEntered, Heartbeat
from streams.exports.periods import Period
from streams.instants import DAY, HOUR, MILLISECOND, MINUTE, SECOND, parse_rfc3339, to_datetime
from streams.records import Rejection
from streams.topics import DEAD_LETTERS, EXPORTS
from tests import export_worker
from tests.kafka_records import Record, records
from tests.kafka_server import Kafka
from tests.post_office import PostOffice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from email.message import EmailMessage

    from agents.settings import Settings
    from agents.settings.cluster import Cluster

pytestmark = pytest.mark.integration

KEY = "skara|2026-W47"
NOW = "2026-11-23T06:30:00+01:00"
MONDAY = parse_rfc3339("2026-11-09T09:00:00+01:00")
PATIENCE = 90.0
ORGANISATION = """\
display_name: Skara
queues: {vaxel: Växel}
sources: [{name: exchange, channel: calls}]
calendars: {default: {hours: {mon-fri: 08:00-16:30}}}
promises:
  - {name: answered-in-2-minutes, channel: calls, within: 2 min, target: 80 %}
exports: {mail: kvalitet@skara.example}
"""


@pytest.fixture(scope="module")
def broker(kafka: Kafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    """A broker for these tests: topics of others have other partitions."""
    del kafka  # for the reason to skip
    with Kafka(tmp_path_factory.mktemp("broker")) as server:
        yield server


def settings_on(folder: Path, brokers: str, *, more: str = "redis: {enabled: false}\n") -> Settings:
    """A configuration with one organisation."""
    (folder / "organisations").mkdir(parents=True)
    (folder / "organisations" / "skara.yaml").write_text(ORGANISATION, "utf-8")
    (folder / "kontaktpuls.yaml").write_text(
        f"brokers: ['{brokers}']\npartitions: 2\nreplication: 1\n"
        f"data_dir: {folder / 'data'}\ntimeouts: {{request: 20 s}}\n{more}",
        "utf-8",
    )
    return load_settings(folder, environ={})


# -- marks ------------------------------------------------------------------------------------


def mark(token: int, *, name: str = "a.csv") -> Mark:
    """One mark."""
    return Mark(token, "2026-11-23T06:00:09+01:00", {name: "00ff"}, "<a@b.example>")


@pytest.fixture
def settings(broker: Kafka, tmp_path: Path) -> Settings:
    """A configuration, its topics made."""
    found = settings_on(tmp_path / "config", broker.brokers)
    create_topics(found.cluster)
    return found


async def test_a_mark_is_there_for_everybody_who_reads_afterwards(settings: Settings) -> None:
    """Also for a worker that has read before, which reads on only."""
    writer, reader = Marks(settings.cluster), Marks(settings.cluster)
    await reader.read_on()
    before = dict(reader.by_key)
    await writer.write("orust|2026-W46", mark(7))
    await writer.write("orust|2026-W47", mark(8))
    await reader.read_on()
    again = Marks(settings.cluster)
    await again.read_on()

    assert reader.by_key == before | {"orust|2026-W46": mark(7), "orust|2026-W47": mark(8)}
    assert again.by_key == reader.by_key
    assert reader.highest_token >= 8


async def test_a_lower_token_never_replaces_a_higher_one(settings: Settings) -> None:
    """A worker that thaws after another one has finished changes nothing."""
    marks = Marks(settings.cluster)
    for token, name in ((9, "theirs"), (8, "of the past"), (9, "the same token"), (10, "later")):
        await marks.write("lerum|2026-W47", mark(token, name=name))
        reader = Marks(settings.cluster)
        await reader.read_on()

        assert reader.by_key["lerum|2026-W47"] == marks.by_key["lerum|2026-W47"]
    assert marks.by_key["lerum|2026-W47"].files == {"later": "00ff"}


async def test_what_is_no_mark_is_passed_over(settings: Settings) -> None:
    """Somebody else's record on the topic stops no export, and a mark can be taken back."""
    producer = KafkaProducer(**producer_options(settings.cluster))
    for key, value in (
        (b"x", b"{"),
        (None, msgspec.json.encode(mark(1))),
        (b"\xff", b"{}"),
        (b"ale|2026-W47", msgspec.json.encode(mark(1))),
        (b"ale|2026-W47", None),
    ):
        producer.send(EXPORTS, value, key=key)
    producer.flush(timeout=30)
    producer.close(timeout=5)
    marks = Marks(settings.cluster)
    await marks.read_on()

    assert "x" not in marks.by_key
    assert "ale|2026-W47" not in marks.by_key


async def test_a_kafka_that_does_not_answer_is_said(tmp_path: Path) -> None:
    """With what to look at, after the configured time at most."""
    marks = Marks(settings_on(tmp_path / "config", "127.0.0.1:1").cluster)

    with pytest.raises(MarksError, match="is Kafka running there"):
        await marks.read_on()
    with pytest.raises(MarksError, match="did not take a mark"):
        await marks.write(KEY, mark(1))


# -- dead letters -------------------------------------------------------------------------------


def letter(offset: int, organisation: str, *, reason: Reason = Reason.EMPTY) -> bytes:
    """A rejected event of an organisation."""
    value = msgspec.json.encode({"organisation": organisation})
    record = Record(value, b"a key", MONDAY // MILLISECOND, offset, "kontaktpuls.calls", 0)
    return seal(Rejection(record, reason, "why"), record.topic, record.partition)


def test_rejected_events_of_the_week_are_counted_once_and_by_organisation(
    settings: Settings,
) -> None:
    """Others' weeks, others' events, repeated letters and what is no letter count for nobody."""
    zone = settings.organisations["skara"].zone
    # The last one that is over: Kafka takes no letters from the future.
    start, end = Period.at(wall_clock(), "week", zone).before.span(zone)
    producer = KafkaProducer(**producer_options(settings.cluster))
    for instant, content in (
        (start - SECOND, letter(1, "skara")),
        (start, letter(2, "skara")),
        (start + DAY, letter(2, "skara")),
        (start + DAY, letter(3, "skara")),
        (start + DAY, letter(4, "skara", reason=Reason.TOO_LONG)),
        (start + DAY, letter(5, "nowhere")),
        (start + DAY, b"{"),
        (end - SECOND, letter(6, "skara")),
        (end, letter(7, "skara")),
    ):
        producer.send(DEAD_LETTERS, content, timestamp_ms=instant // MILLISECOND)
    producer.flush(timeout=30)
    producer.close(timeout=5)

    def counted(now: int, cluster: Cluster = settings.cluster) -> object:
        return count_rejected(cluster, (start, end), settings.organisations, now=now)

    assert counted(end) == {"skara": {"empty": 3, "too_long": 1}}
    assert counted(start + settings.cluster.horizon + SECOND) is None, "Kafka may have let go"

    replayed = msgspec.structs.replace(settings.cluster, clock="events")
    assert counted(end, replayed) is None, "the time of a letter is that of the replay"


def test_without_kafka_nobody_knows_what_was_rejected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The export is made all the same, and says so."""
    monkeypatch.setattr(kafka_clients, "BOOTSTRAP_PATIENCE_MS", 500)
    settings = settings_on(tmp_path / "config", "127.0.0.1:1")
    span = Period("week", 2026, 47).span(settings.organisations["skara"].zone)

    assert count_rejected(settings.cluster, span, settings.organisations, now=span[1]) is None


# -- the whole story --------------------------------------------------------------------------


class LastingRedis:
    """The system's Redis, which remembers everything when it is killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = folder
        self._child: Child | None = None
        folder.mkdir()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        program = shutil.which("redis-server")
        assert program is not None
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder)]
        options += ["--save", "", "--appendonly", "yes", "--appendfsync", "always"]
        self._child = Child("redis", [program, *options], log=self._folder / "redis.log")
        wait_for(self._answers)

    def kill(self) -> None:
        """As a power cut does."""
        if self._child is not None:
            self._child.kill()

    def _answers(self) -> bool:
        try:
            with Redis.from_url(self.url, socket_timeout=5) as client:
                return bool(client.ping())
        except RedisError:
            return False


class Site:
    """Everything around the workers, and what they leave behind."""

    def __init__(self, folder: Path, broker: Kafka, office: PostOffice) -> None:
        self.folder = folder
        self.office = office
        self.redis = LastingRedis(folder / "redis")
        self.out = folder / "exports"
        self.place = self.out / "skara" / "2026-W47"
        self.settings = settings_on(
            folder / "config",
            broker.brokers,
            more=f"redis: {{url: '{self.redis.url}'}}\n"
            f"exports:\n  folder: {self.out}\n  formats: [json, xlsx]\n  catch_up: 0\n"
            f"  retry: 1 s\n  smtp: {{host: '{office.address}', sender: k@skara.example}}\n",
        )
        self._started = 0

    def worker(self) -> Child:
        """One more, on a machine of its own as far as its files go."""
        self._started += 1
        environment = {
            "PYTHONPATH": str(Path(__file__).parents[2]),
            export_worker.NOW: NOW,
            "KONTAKTPULS_DATA_DIR": str(self.folder / f"data-{self._started}"),
        }
        command = [sys.executable, export_worker.__file__, str(self.folder / "config")]
        log = self.folder / f"worker-{self._started}.log"
        return Child(f"worker {self._started}", command, log=log, environment=environment)

    def reported(self, outcome: str) -> bool:
        """Whether the worker that was started last has an export with this outcome."""
        reports = (self.folder / f"data-{self._started}").glob("*/report.jsonl")
        return any(f'"{outcome}"' in report.read_text("utf-8") for report in reports)

    def hidden(self) -> list[Path]:
        """What is being written, or was left behind."""
        return [path for path in self.out.glob("skara/.*") if path.is_dir()]

    def marks(self) -> dict[str, Mark]:
        """What is marked as done for the organisation."""
        marks = Marks(self.settings.cluster)
        asyncio.run(marks.read_on())
        return {key: found for key, found in marks.by_key.items() if key.startswith("skara|")}

    def logs(self) -> str:
        """What everybody said last."""
        paths = sorted(self.folder.glob("*.log")) + sorted(self.folder.glob("data-*/*/*.log"))
        return "\n".join(f"{path}:\n{path.read_text('utf-8')[-1500:]}" for path in paths)


def wait_for(condition: Callable[[], bool], *, otherwise: Callable[[], str] = str) -> None:
    """Until it is true."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, otherwise()
        time.sleep(0.01)


def fill(settings: Settings, url: str) -> None:
    """Two weeks of calls, as a worker writes them."""
    desk = Desk(
        channel="calls",
        partition=0,
        organisations=settings.organisations,
        owns=lambda _name: True,
        incarnation="w",
        horizon=35 * DAY,
        clock="events",
    )
    events: list[CallEntered | CallAnswered | Heartbeat] = []
    for day in range(12):
        for n in range(20):
            at = MONDAY + day * DAY + n * MINUTE
            who: dict[str, Any] = {"organisation": "skara", "call": f"{day}-{n}", "queue": "vaxel"}
            events.append(CallEntered(**who, at=to_datetime(at)))
            events.append(CallAnswered(**who, at=to_datetime(at + n * 10 * SECOND)))
    through = parse_rfc3339("2026-11-23T06:00:00+01:00")
    events.append(Heartbeat(organisation="skara", source="exchange", through=to_datetime(through)))
    appended_at = through + HOUR
    desk.apply(records(events, appended_at))

    async def show() -> None:
        connection = AsyncRedis.from_url(url, socket_timeout=10, socket_connect_timeout=10)
        sink = RedisSink(connection, clock=None, snapshot_ttl=30 * SECOND)
        while await sink(desk):
            pass
        await sink.close()

    asyncio.run(show())


@pytest.fixture
def site(broker: Kafka, tmp_path: Path) -> Iterator[Site]:
    """A Monday morning on which a week is due."""
    if shutil.which("redis-server") is None:
        reason = "`redis-server` is not installed (package `redis-server`)"
        if os.environ.get("REQUIRE_KAFKA"):
            pytest.fail(reason)
        pytest.skip(reason)
    with PostOffice() as office:
        found = Site(tmp_path, broker, office)
        create_topics(found.settings.cluster)
        found.redis.start()
        fill(found.settings, found.redis.url)
        try:
            yield found
        finally:
            found.redis.kill()


@pytest.mark.timeout(600)
def test_killed_anywhere_and_raced_an_export_ends_as_one(site: Site) -> None:
    """One whole set of files, one mail as far as its reader can tell, one mark."""
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")  # noqa: T201 - shown when it fails
    chance = random.Random(seed)  # noqa: S311 - nothing secret
    arrived, gone = threading.Event(), threading.Event()
    stages: list[Callable[[], bool]] = [
        lambda: site.reported("begun"),
        lambda: bool(site.hidden()) or site.place.exists(),
        site.place.exists,
        # Whoever is killed here never hears whether the mail was taken.
        arrived.is_set,
        # It may have been quicker than we are.
        lambda: arrived.is_set() or site.reported("done"),
    ]
    for number, reached in enumerate(stages):
        arrived.clear()
        gone.clear()
        with site.worker() as worker:
            if number < 3:
                # A mail that is quicker than we are is not answered before its sender is dead:
                # nothing would be left to do for those who are killed later.
                site.office.when_received = _keeping(gone)
            else:
                site.office.when_received = _told(arrived, worker if number == 3 else None)
            wait_for(reached, otherwise=site.logs)
            if number != 3:
                time.sleep(chance.uniform(0.0, 0.1))

                assert worker.poll() is None, site.logs()
            worker.kill()
        gone.set()
        if number == 0:
            with site.worker():
                wait_for(lambda: site.reported("begun"), otherwise=site.logs)
                site.redis.kill()
                wait_for(lambda: site.reported("failed"), otherwise=site.logs)
                site.redis.start()
    site.office.when_received = None
    with site.worker() as first, site.worker() as second:
        wait_for(lambda: bool(site.marks()), otherwise=site.logs)
        first.signal(signal.SIGTERM)
        second.signal(signal.SIGTERM)
    manifest = read_manifest(site.place)
    marks = site.marks()

    assert manifest is not None, site.logs()
    assert manifest.complete
    assert manifest.final
    assert {path.name for path in site.place.iterdir()} == {"manifest.json", *manifest.sums}
    assert [path.name for path in site.place.parent.iterdir() if path not in site.hidden()] == [
        "2026-W47"
    ]
    assert list(marks) == [KEY]
    assert marks[KEY].files == manifest.sums
    assert len(site.office.received) >= 1
    assert {mail["Message-ID"] for mail in site.office.received} == {marks[KEY].message_id}


def _keeping(gone: threading.Event) -> Callable[[EmailMessage], None]:
    """Whoever sends a mail hears nothing before somebody is gone."""

    def keep(_mail: EmailMessage) -> None:
        gone.wait(PATIENCE)

    return keep


def _told(arrived: threading.Event, victim: Child | None) -> Callable[[EmailMessage], None]:
    """What happens when a mail has arrived, before the server says so."""

    def tell(_mail: EmailMessage) -> None:
        if victim is not None:
            victim.kill()
        arrived.set()

    return tell
