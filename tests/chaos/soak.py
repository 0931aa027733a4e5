"""`python -m tests.chaos.soak --minutes 30 --rate 150`: what grows while nothing happens?

One worker with a real Kafka and a real Redis takes in events at twice the national peak. Their time
runs so fast that the whole horizon passes in the first minutes: from then on as much is folded as
arrives, and whatever still grows is a leak.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from random import Random
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from streams.instants import SECOND
from tests.chaos.judge import CAUGHT_UP
from tests.chaos.site import ORGANISATIONS, Site, Slot
from tests.chaos.workload import Workload
from tests.kafka_server import Kafka, fetch_kafka

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.chaos.workload import Sent

EVENTS_A_STEP = 36
"""Of all organisations together, heartbeats and duplicates included; about."""
HORIZON_PASSES_IN = 300.0
LOOK_EVERY = 10.0
MAY_GROW = 1.1
"""The last third of the time may need this much of what the middle third needed."""


class Look(NamedTuple):
    """How the worker is at one moment."""

    second: float
    memory: float
    files: int
    loop_lag: float
    contacts: float
    cohorts: float
    lag: float


def main() -> int:
    """Soak, print a line every ten seconds and the verdict; 1 when something grew."""
    parser = argparse.ArgumentParser(prog="tests.chaos.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--rate", type=float, default=150.0)
    asked = parser.parse_args()
    fetch_kafka()
    with tempfile.TemporaryDirectory(prefix="kontaktpuls-soak-") as folder:
        looks = soak(Path(folder), asked.minutes * 60, asked.rate)
    return verdict(looks)


def soak(folder: Path, seconds: float, rate: float) -> list[Look]:
    """Play it; one look every ten seconds."""
    looks: list[Look] = []
    with ExitStack() as running:
        broker = running.enter_context(Kafka(folder / "kafka"))
        site = running.enter_context(Site(folder, broker, slots=1))
        steps_a_second = rate / EVENTS_A_STEP
        step = round(site.settings.cluster.horizon / SECOND / HORIZON_PASSES_IN / steps_a_second)
        workload = Workload(
            Random(1),  # noqa: S311 - facts, not secrets
            ORGANISATIONS,
            step=(step // 2, step + step // 2),
            replied=1.0,
        )
        slot = site.slots[0]
        slot.start()
        site.wait_until_ready()
        began = time.monotonic()
        sent, told = 0, _for_ever(workload)
        while (now := time.monotonic() - began) < seconds:
            sent += site.publish(islice(told, max(0, round(now * rate) - sent)))
            if len(looks) * LOOK_EVERY <= now:
                looks.append(look(slot, now))
                sys.stdout.write(f"{looks[-1]}\n")
                sys.stdout.flush()
            assert slot.child is not None
            assert slot.child.poll() is None, site.last_lines()
            time.sleep(0.05)
        sys.stdout.write(f"{sent} events, {sent / now:.0f} a second\n")
        site.publish(workload.beat())
        deadline = time.monotonic() + CAUGHT_UP
        while site.left():
            assert time.monotonic() < deadline, site.last_lines()
            time.sleep(0.5)
    return looks


def look(slot: Slot, second: float) -> Look:
    """Read it from `/metrics` and from the system."""
    text = slot.metrics()
    assert slot.child is not None
    return Look(
        round(second),
        _value(text, "process_resident_memory_bytes") / 2**20,
        len(list(Path(f"/proc/{slot.child.pid}/fd").iterdir())),
        _value(text, "kontaktpuls_event_loop_lag_seconds"),
        _value(text, "kontaktpuls_contacts_retained"),
        _value(text, "kontaktpuls_cohorts_retained"),
        _value(text, "kontaktpuls_consumer_lag_records"),
    )


def verdict(looks: list[Look]) -> int:
    """Compare the last third with the middle one; 1 when something grew."""
    third = len(looks) // 3
    grew = 0
    for place, name in enumerate(Look._fields[1:], start=1):
        middle = median(one[place] for one in looks[third : 2 * third])
        last = median(one[place] for one in looks[2 * third :])
        more = name != "loop_lag" and last > MAY_GROW * middle + 1
        grew += more
        sys.stdout.write(f"{name:>10}: {middle:12.3f} {last:12.3f} {'GREW' if more else 'flat'}\n")
    return min(grew, 1)


def _for_ever(workload: Workload) -> Iterator[Sent]:
    while True:
        yield from workload.more(1)


def _value(text: str, name: str) -> float:
    """The sum of a metric's samples."""
    found = re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE)
    return sum(map(float, found))


if __name__ == "__main__":
    sys.exit(main())
