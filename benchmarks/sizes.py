"""Measure how recovery, scrapes and memory grow: curves over retained contacts and over queues.

    python benchmarks/sizes.py [--write] [CONTACTS...]

Each point is a worker process on an Apache Kafka of its own, killed with SIGKILL when it has stored
so many contacts of the last 35 days, and started again with the same static
`consumer_group_instance_id`; the time is from the start of the process until `/readyz` says yes.
Promised: 30,000 calls, 35 days of one municipality, within 10 seconds, and a million within 60.
`core.py` measures the parts of it that are ours alone, without Kafka.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from rig.broker import Broker, kafka_version
from rig.history import ORGANISATIONS, PARTITIONS, Told
from rig.page import WRITE, machine, show
from rig.process import Cost, cost_of
from rig.publishing import publish
from rig.running import recovered, watch
from rig.site import Progress, Site

from streams.instants import DAY, SECOND, parse_rfc3339, to_rfc3339
from streams.topics import CALLS

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTACTS = (10_000, 30_000, 100_000, 300_000, 1_000_000)
QUEUES = (12, 50, 200)
QUEUES_AT = 30_000
"""Contacts for the curve over queues."""

SPAN = 35 * DAY
START = parse_rfc3339("2026-09-07T00:00:00Z")
PROMISED = {30_000: 10.0, 1_000_000: 60.0}
SCRAPES = 5


class Point(NamedTuple):
    """What was measured at one size.

    Attributes:
        ready: seconds from start to ready after a SIGKILL.
        empty: megabytes of a worker that has recovered nothing.
        full: megabytes of one that has recovered all.
        scrape: seconds that one scrape takes, the median of some.
        lines: of its text.
    """

    contacts: int
    queues: int
    ready: float
    empty: float
    full: float
    scrape: float
    lines: int

    @property
    def each(self) -> float:
        """Kilobytes a contact."""
        return (self.full - self.empty) * 1e3 / self.contacts


def calls(count: int, queues: dict[str, tuple[str, ...]]) -> Iterator[Told]:
    """Whole calls in order of time: a record tells in one event what four facts tell."""
    chance = random.Random(1)  # noqa: S311 - no secret
    for number, entered in enumerate(
        sorted(START + int(chance.random() * SPAN) for _ in range(count))
    ):
        name = ORGANISATIONS[number % len(ORGANISATIONS)]
        answered = entered + int(chance.expovariate(1 / 45) * SECOND)
        event = {
            "type": "call.record",
            "organisation": name,
            "call": f"1790000000.{number}",
            "queue": chance.choice(queues[name]),
            "entered_at": to_rfc3339(entered),
            "caller": f"{chance.getrandbits(64):016x}",
            "answered_at": to_rfc3339(answered),
            "ended_at": to_rfc3339(answered + int(chance.expovariate(1 / 180) * SECOND)),
            "resolved": chance.random() < 0.7,
        }
        yield Told(entered, CALLS, name, msgspec.json.encode(event))


def queues_of(count: int) -> dict[str, tuple[str, ...]]:
    """So many queues, over all organisations."""
    return {
        name: tuple(f"q{n:03}" for n in range(place, count, len(ORGANISATIONS)))
        for place, name in enumerate(ORGANISATIONS)
    }


def measure(contacts: int, queues: int) -> Point:
    """One point, on a Kafka of its own."""
    with ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory()))
        brokers = running.enter_context(Broker()).brokers
        parts = queues_of(queues)
        site = Site(folder, brokers, queues=parts)
        with site.worker() as child:
            site.wait_until_ready(child)
            empty = _memory(child.pid)
        publish(brokers, calls(contacts, parts), partitions=PARTITIONS)
        progress = Progress(brokers, "kontaktpuls")
        running.callback(progress.close)
        with site.worker() as child:
            watch(child, contacts, began=lambda: recovered(child), done=lambda: not progress.left())
            child.kill()
        began = time.monotonic()
        with site.worker() as child:
            site.wait_until_ready(child)
            ready = time.monotonic() - began
            found = site.metrics()
            kept = sum(
                value
                for name, value in found.items()
                if name.startswith("kontaktpuls_contacts_retained{")
            )
            if kept != contacts:
                sys.exit(f"{kept:,.0f} of {contacts:,} contacts came back")
            full = _memory(child.pid)
            scrapes = sorted(_scrape(site.port) for _ in range(SCRAPES))
        scrape = scrapes[SCRAPES // 2]
    return Point(contacts, queues, ready, empty, full, scrape, len(found))


def _scrape(port: int) -> float:
    """Seconds until a fresh text is there; one of half a second ago would be served again."""
    time.sleep(1.0)
    began = time.monotonic()
    urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60).read()
    return time.monotonic() - began


def _memory(pid: int) -> float:
    cost = cost_of(pid)
    return (cost or Cost(0, 0)).peak


def main() -> None:
    """Measure, print, and fail if a promise is broken."""
    sizes = [int(argument) for argument in sys.argv[1:] if argument != WRITE] or CONTACTS
    points = []
    for contacts, queues in (
        *((size, QUEUES[1]) for size in sizes),
        *((QUEUES_AT, count) for count in QUEUES if count != QUEUES[1]),
    ):
        print(f"{contacts:,} contacts in {queues} queues", flush=True)
        points.append(measure(contacts, queues))
    rows = [
        [
            f"{point.contacts:,}",
            f"{point.queues}",
            f"{point.ready:.1f} s",
            f"{PROMISED[point.contacts]:.0f} s" if point.contacts in PROMISED else "",
            f"{point.full:,.0f} MB",
            f"{point.each:.2f} kB",
            f"{point.scrape * 1e3:,.0f} ms",
            f"{point.lines:,}",
        ]
        for point in points
    ]
    headings = [
        "contacts", "queues", "ready after SIGKILL", "promised", "memory, highest", "each contact",
        "scrape", "series",
    ]  # fmt: skip
    show(
        headings,
        rows,
        block="sizes.py",
        notes=f"Measured on {machine()}; Apache Kafka {kafka_version()} on the same cores, "
        f"{PARTITIONS} partitions on one worker. Starting Python and joining the group is in the "
        "time; the highest memory is that of the recovery.",
        write=WRITE in sys.argv,
    )
    if any(point.ready > PROMISED.get(point.contacts, 1e9) for point in points):
        sys.exit("slower than promised")


if __name__ == "__main__":
    main()
