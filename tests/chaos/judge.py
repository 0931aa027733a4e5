"""What must be true after every round: the KPIs of whoever read every fact once, in order.

The reference is the core alone, told the distinct facts in one process without Kafka, Faust or
Redis; that the core itself is right is told by the properties against the batch twin.
"""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any

from agents.exposition import Exposition
from streams.codec import encode_event
from streams.conventions import redis_rollups, redis_snapshot
from streams.desk import Desk
from streams.instants import SECOND, to_datetime
from streams.rollups import opens_by_place, rollups
from streams.topics import TOPIC_OF_CHANNEL
from streams.views import live_snapshot
from tests.chaos.site import PARTITIONS
from tests.kafka_records import Record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redis import Redis

    from streams.books import Book
    from tests.chaos.site import Site
    from tests.chaos.workload import Workload

KPI = re.compile(r"kontaktpuls_(?:calls|queue|emails|mailbox|visits|desk|surveys|survey)_")
SAMPLE = re.compile(
    r'kontaktpuls_as_of_timestamp_seconds\{channel="calls",organisation="(\w+)"\} (\S+)'
)
MISSED = re.compile(
    r'kontaktpuls_calls_missed\{organisation="(\w+)",window="28d",'
    r'promise="answered-in-2-minutes"\} (\S+)'
)
OWNED = re.compile(r'^kontaktpuls_partition_owned\{partition="(\d+)"\} 1', re.MULTILINE)
COUNTED = re.compile(
    r"^kontaktpuls_events_(in|applied|unchanged|forwarded|rejected)_total\{(.*)\} (\S+)$",
    re.MULTILINE,
)
CAUGHT_UP = 150.0
"""Seconds within which everything published must be acknowledged once nothing is broken."""


class UnequalError(AssertionError):
    """What a worker, Redis or Kafka says is not what the facts say."""


class Judge:
    """Knows what the facts come to.

    Attributes:
        sampled: how many times misses were compared while things were broken.
    """

    def __init__(self, site: Site, workload: Workload) -> None:
        self.sampled = 0
        self._site = site
        self._workload = workload
        self._known = 0
        cluster = site.settings.cluster
        self._desks = {
            TOPIC_OF_CHANNEL[channel]: Desk(
                channel=channel,
                partition=0,
                organisations=site.settings.organisations,
                owns=lambda _name: True,
                incarnation="reference",
                horizon=cluster.horizon,
                clock=cluster.clock,
            )
            for channel in TOPIC_OF_CHANNEL
        }

    def sample(self) -> None:
        """Whatever a worker shows now, it shows the misses of its own `as_of`."""
        for slot in self._site.slots:
            text = slot.metrics()
            as_of = {name: float(value) for name, value in SAMPLE.findall(text)}
            for name, value in MISSED.findall(text):
                expected = self._workload.missed(name, round(as_of[name] * SECOND))
                if float(value) != expected:
                    msg = f"{slot.name} shows {value} misses of {name} as of "
                    msg += f"{to_datetime(round(as_of[name] * SECOND))}; {expected} are right"
                    raise UnequalError(msg)
                self.sampled += 1

    def wait_until_caught_up(self, *, within: float = CAUGHT_UP) -> float:
        """Everything is acknowledged, to the end; seconds that it took."""
        began = time.monotonic()
        while left := self._left():
            self._site.supervise()
            if time.monotonic() - began > within:
                msg = f"{left} records are not acknowledged after {within:.0f} s\n"
                raise UnequalError(msg + self._site.last_lines())
            self.sample()
            time.sleep(0.2)
        return time.monotonic() - began

    def compare(self, *, within: float = 60.0) -> dict[str, int]:
        """How many things were compared and found equal, by kind.

        Raises:
            UnequalError: some are not, also after `within` seconds.
        """
        self._learn()
        done: dict[str, int] = {}
        deadline = time.monotonic() + within
        for kind, look in (
            ("metrics", self._metrics),
            ("snapshots", self._snapshots),
            ("rollups", self._rollups),
            ("dead letters", self._letters),
            ("conservation", self._conservation),
        ):
            while True:
                self._site.supervise()
                expected, found = look()
                if expected == found:
                    break
                if time.monotonic() > deadline:
                    msg = f"{kind}: {_difference(expected, found)}"
                    raise UnequalError(msg)
                time.sleep(0.5)
            done[kind] = len(expected)
        return done

    def _left(self) -> int:
        try:
            return self._site.left()
        except Exception:  # noqa: BLE001 - brokers that come back are rude in many ways
            return 1

    def _learn(self) -> None:
        """The reference reads what was published since."""
        fresh = self._workload.distinct[self._known :]
        self._known += len(fresh)
        for topic, desk in self._desks.items():
            desk.apply(
                [
                    Record(encode_event(event), None, 2**52, 0, topic, 0)
                    for on, event in fresh
                    if on == topic
                ]
            )

    def _books(self) -> Iterator[tuple[Book, int]]:
        for desk in self._desks.values():
            for book in desk.books.values():
                as_of = book.as_of()
                if as_of is not None:
                    yield book, as_of

    def _metrics(self) -> tuple[dict[str, str], dict[str, str]]:
        """Every KPI line, and who owns what."""
        exposition = Exposition()
        for book, as_of in self._books():
            exposition.add_book(book, as_of)
        expected = _lines(exposition.render().decode())
        expected |= {f"partition {number}": "owned once" for number in range(PARTITIONS)}
        found: dict[str, str] = {}
        for slot in self._site.slots:
            text = slot.metrics()
            found |= _lines(text)
            for number in OWNED.findall(text):
                key = f"partition {number}"
                found[key] = "owned twice" if key in found else "owned once"
        return expected, found

    def _snapshots(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The live snapshots in Redis."""
        expected: dict[str, Any] = {}
        found: dict[str, Any] = {}
        with self._site.client() as redis:
            for book, as_of in self._books():
                name = redis_snapshot(book.plan.organisation.name, book.plan.channel)
                expected[name] = json.loads(_json(live_snapshot(book, as_of)))
                found[name] = _loaded(redis.get(name))
        return expected, found

    def _rollups(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Every hour of arrival in Redis, topics included."""
        expected: dict[str, Any] = {}
        found: dict[str, Any] = {}
        with self._site.client() as redis:
            for book, as_of in self._books():
                opens = opens_by_place(book)
                name = f"{book.plan.organisation.name}:{book.plan.channel}"
                places = {
                    (hour, part)
                    for part, tally in book.every_tally()
                    for hour in tally.hours_of_arrival()
                }
                for field, row in rollups(book, sorted({*places, *opens}), as_of, opens).items():
                    if row is not None:
                        expected[f"{name}:{field}"] = json.loads(row)
                found |= _rollups_of(redis, *name.split(":"))
        return expected, found

    def _letters(self) -> tuple[range, range]:
        """Each bad record has a dead letter; what was read twice may have two."""
        origins = set()
        for value in self._site.letters():
            letter = json.loads(value)
            origins.add((letter["topic"], letter["partition"], letter["offset"]))
        return range(self._workload.poison), range(len(origins))

    def _conservation(self) -> tuple[dict[str, float], dict[str, float]]:
        """Every event read was applied, known, forwarded or rejected."""
        read: dict[str, float] = {}
        told: dict[str, float] = {}
        for slot in self._site.slots:
            for what, labels, value in COUNTED.findall(slot.metrics()):
                place = f"{slot.name} {labels.split(',reason')[0]}"
                which = read if what == "in" else told
                which[place] = which.get(place, 0.0) + float(value)
        return read, told


def _lines(text: str) -> dict[str, str]:
    """KPI samples by name and labels."""
    samples = (line.rpartition(" ") for line in text.splitlines() if KPI.match(line))
    return {name: value for name, _, value in samples}


def _rollups_of(redis: Redis, organisation: str, channel: str) -> dict[str, Any]:
    rows: dict[str, Any] = {}
    for key in redis.scan_iter(redis_rollups(organisation, channel, "*")):
        fields: Any = redis.hgetall(key)
        for field, value in fields.items():
            if field != b"offset":
                rows[f"{organisation}:{channel}:{field.decode()}"] = json.loads(value)
    return rows


def _json(view: Any) -> str:
    return json.dumps(view, default=str)


def _loaded(value: Any) -> Any:
    return None if value is None else json.loads(value)


def _difference(expected: Any, found: Any) -> str:
    """The first few differences."""
    if not isinstance(expected, dict):
        return f"{len(found)} instead of {len(expected)}"
    wrong = [
        f"{key}: {str(found.get(key))[:200]} instead of {str(expected.get(key))[:200]}"
        for key in [*expected, *(key for key in found if key not in expected)]
        if found.get(key) != expected.get(key)
    ]
    return f"{len(wrong)} of {len(expected)} differ\n" + "\n".join(wrong[:5])
