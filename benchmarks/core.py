"""Measure the core: a report over a million events, and a scrape over a million contacts.

    python benchmarks/core.py [EVENTS]

Each figure is the median of three runs, each in a process of its own; memory is that process's
peak. The events are calls of four facts over 28 days and 50 queues, out of order.
"""

from __future__ import annotations

import gc
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from agents.commands.report import fill
from agents.exposition import Exposition
from streams.books import Book
from streams.facts import Recorded
from streams.instants import DAY, SECOND, parse_rfc3339, to_rfc3339
from streams.organisations import Organisation, Part, Promise
from streams.promises import parse_within
from streams.reports import Report
from tests.strategies import CALENDAR

QUEUES = 50
RUNS = 3
START = parse_rfc3339("2026-09-28T00:00:00Z")


def organisation() -> Organisation:
    """Fifty queues, two promises."""
    promises = tuple(
        Promise(name=name, channel="calls", within=parse_within(within), target=0.8)
        for name, within in (("answered-in-2-minutes", "2 min"),)
    )
    queues = {f"q{n:02}": Part(f"q{n:02}", f"Kö {n}", f"Queue {n}") for n in range(QUEUES)}
    return Organisation(
        name="bench",
        sv="Bench",
        en="Bench",
        time_zone="Europe/Stockholm",
        queues=queues,
        mailboxes={},
        desks={},
        sources=(),
        calendars={"default": CALENDAR},
        promises=promises,
    )


def write_events(path: Path, events: int) -> None:
    """Calls of four facts, in the order in which the calls ended up in a file: any."""
    chance = random.Random(1)  # noqa: S311 - no secret
    with path.open("w", encoding="utf-8") as file:
        for number in range(events // 4):
            entered = START + int(chance.random() * 28 * DAY)
            answered = entered + int(chance.expovariate(1 / 45) * SECOND)
            ended = answered + int(chance.expovariate(1 / 180) * SECOND)
            queue = f"q{chance.randrange(QUEUES):02}"
            common: dict[str, object] = {
                "organisation": "bench",
                "call": f"1790000000.{number}",
                "queue": queue,
            }
            lines: list[dict[str, object]] = [
                {"type": "call.entered", **common, "at": to_rfc3339(entered)}
            ]
            if chance.random() < 0.1:
                left = {"type": "call.left", **common, "at": to_rfc3339(answered)}
                lines += [{**left, "reason": "abandoned"}, lines[0], lines[0]]
            else:
                end = {"type": "call.ended", **common, "at": to_rfc3339(ended), "resolved": True}
                lines += [
                    {"type": "call.answered", **common, "at": to_rfc3339(answered), "member": "m1"},
                    end,
                    {"type": "call.ended", **common, "at": to_rfc3339(ended), "queue": None},
                ]
            file.writelines(json.dumps(line) + "\n" for line in lines)


def report(path: Path) -> dict[str, float]:
    """`kontaktpuls report` over a file."""
    gc.disable()
    began = time.perf_counter()
    result = Report({"bench": organisation()})
    fill(result, path)
    rows = result.rows("day")
    return {"seconds": time.perf_counter() - began, "rows": len(rows)}


def scrape(contacts: int) -> dict[str, float]:
    """All KPIs of fifty queues over 35 days of contacts, as text."""
    gc.disable()
    book = Book(organisation(), "calls")
    chance = random.Random(1)  # noqa: S311 - no secret
    for number in range(contacts):
        entered = START + int(chance.random() * 35 * DAY)
        answered = entered + int(chance.expovariate(1 / 45) * SECOND)
        ended = answered + int(chance.expovariate(1 / 180) * SECOND)
        queue = f"q{chance.randrange(QUEUES):02}"
        fact = Recorded(0, queue, entered, None, answered, None, None, ended, True, None)
        book.add(f"1790000000.{number}", fact, entered)
    began = time.perf_counter()
    book.settle()
    settled = time.perf_counter() - began
    gc.enable()
    gc.freeze()
    times = []
    for second in range(10):
        as_of = START + 35 * DAY + second * SECOND
        book.add(f"now-{second}", Recorded(0, "q01", as_of), as_of)
        book.settle()
        began = time.perf_counter()
        text = Exposition()
        text.add_book(book, as_of)
        samples = text.render().count(b"\n")
        times.append(time.perf_counter() - began)
    return {
        "first scrape (ms)": times[0] * 1e3,
        "scrape (ms)": statistics.median(times[1:]) * 1e3,
        "lines of text": samples,
        "settling a contact (us)": settled / contacts * 1e6,
    }


def measured(*arguments: str) -> dict[str, float]:
    """One run of this file in a process of its own."""
    done = subprocess.run(  # noqa: S603 - ourselves
        [sys.executable, __file__, *arguments], check=True, capture_output=True, timeout=900
    )
    result: dict[str, float] = json.loads(done.stdout)
    return result


def main() -> None:
    """Run everything and print a table; with arguments, be one of the runs."""
    if sys.argv[1:2] in (["report"], ["scrape"]):
        kind, size = sys.argv[1:]
        result = report(Path(size)) if kind == "report" else scrape(int(size))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(json.dumps(result | {"peak memory (GB)": peak}))
        return
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    table = Table("measured", "median", "each run")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.jsonl"
        write_events(path, events)
        for title, arguments in (
            (f"report of {events:,} events", ("report", str(path))),
            (f"{events:,} retained contacts, {QUEUES} queues", ("scrape", str(events))),
        ):
            runs = [measured(*arguments) for _ in range(RUNS)]
            for name in runs[0]:
                values = [run[name] for run in runs]
                shown = ", ".join(f"{value:,.2f}" for value in values)
                table.add_row(f"{title}: {name}", f"{statistics.median(values):,.2f}", shown)
    Console().print(table)


if __name__ == "__main__":
    main()
