"""Measure what a flood of bad records costs: half of all are bad, in one run with none.

    python benchmarks/poison.py [--write] [EVENTS] [ROUNDS]

The good events are the same history both times, on topics of their own. Bad records are cut off,
of no known type, without a field, with a time that is none, or no text at all; each goes to the
dead letters, which are acknowledged before its offset is. The promise is that good events flow at
no less than half their clean speed.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from rig.broker import Broker, kafka_version
from rig.history import PARTITIONS, History, Told
from rig.page import WRITE, machine, show
from rig.publishing import publish
from rig.running import Ran, recovered, watch
from rig.site import Progress, Site

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

EVENTS = 100_000
ROUNDS = 3
PROMISED = 0.5
POISON = (
    b"\xff\xfe no text",
    b'{"type": "call.entered", ',
    b'{"type": "call.sung", "organisation": "lund"}',
    b'{"type": "call.entered", "organisation": "lund", "call": "1"}',
    b'{"type": "heartbeat", "organisation": "lund", "source": "exchange", "through": "soon"}',
)


def flooded(good: Sequence[Told]) -> Iterator[Told]:
    """The same with as many bad records in between."""
    chance = random.Random(1)  # noqa: S311 - no secret
    for event in good:
        yield event
        yield event._replace(value=chance.choice(POISON))


def run(told: Sequence[Told]) -> tuple[Ran, float, float]:
    """One worker on a Kafka of its own: how it went, what it applied and what it rejected."""
    with ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory()))
        brokers = running.enter_context(Broker()).brokers
        site = Site(folder, brokers)
        publish(brokers, told, partitions=PARTITIONS)
        progress = Progress(brokers, "kontaktpuls")
        running.callback(progress.close)
        child = running.enter_context(site.worker())
        ran = watch(
            child, len(told), began=lambda: recovered(child), done=lambda: not progress.left()
        )
        series = site.metrics()
        applied, rejected = (
            sum(value for name, value in series.items() if name.startswith(f"{total}_total{{"))
            for total in ("kontaktpuls_events_applied", "kontaktpuls_events_rejected")
        )
        return ran, applied, rejected


def main() -> None:
    """Measure, print, and fail if the promise is broken."""
    arguments = [int(argument) for argument in sys.argv[1:] if argument != WRITE]
    events = arguments[0] if arguments else EVENTS
    rounds = arguments[1] if len(arguments) > 1 else ROUNDS
    good = History(events).events
    bad = list(flooded(good))
    pairs = []
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", flush=True)
        clean, flood = run(good), run(bad)
        if clean[1:] != (events, 0) or flood[1:] != (events, events):
            sys.exit(f"not every good event was applied: {clean[1:]} and {flood[1:]} of {events}")
        pairs.append((clean[0], flood[0]))
    shares = [clean.seconds / flood.seconds for clean, flood in pairs]
    rows = [
        [
            title,
            f"{events:,}",
            f"{records:,}",
            f"{statistics.median(events / ran.seconds for ran in runs):,.0f}",
            f"{statistics.median(ran.cost.cpu for ran in runs):.1f}",
        ]
        for title, records, runs in (
            ("clean", events, [clean for clean, _ in pairs]),
            ("half of all records bad", 2 * events, [flood for _, flood in pairs]),
        )
    ]
    share = statistics.median(shares)
    show(
        ["topics", "good events", "records", "good events/s", "CPU seconds"],
        rows,
        block="poison.py",
        notes=f"Good events flow at {share:.2f} of their clean speed (median of {rounds} rounds; "
        f"promised {PROMISED}). Measured on {machine()}; Apache Kafka {kafka_version()} on the "
        "same cores.",
        write=WRITE in sys.argv,
    )
    if share < PROMISED:
        sys.exit("slower than promised")


if __name__ == "__main__":
    main()
