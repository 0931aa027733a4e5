"""Measure the core: reports over events, a restart and scrapes over as many contacts.

    python benchmarks/core.py [EVENTS]

Each figure is the median of three runs, each in a process of its own; times are of the processor,
memory is that process's peak. Events and contacts lie in 28 or 35 days and 50 queues; a report
gets them out of order.
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
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from agents.commands.report import fill
from agents.exposition import Exposition
from streams.books import Book
from streams.calendars import Calendar, CalendarVersion, Hours
from streams.cohorts import Contacts, RowKey, cohort_of, encode_contacts, encode_frontiers
from streams.desk import Desk
from streams.facts import Recorded
from streams.instants import DAY, HOUR, SECOND, parse_rfc3339, to_rfc3339
from streams.organisations import Organisation, Part, Promise
from streams.promises import parse_within
from streams.reports import Report

if TYPE_CHECKING:
    from collections.abc import Iterator

QUEUES = 50
RUNS = 3
HORIZON = 35 * DAY
WEEKDAYS = tuple([(Hours(8 * 60, 17 * 60),)] * 5 + [(), ()])
CALENDAR = Calendar("default", "Europe/Stockholm", (CalendarVersion(weekdays=WEEKDAYS),))
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


def write_records(path: Path, events: int) -> None:
    """Calls of one fact: a whole call-detail record."""
    with path.open("w", encoding="utf-8") as file:
        for call, fact in contacts(events, 28 * DAY):
            line = {
                "type": "call.record",
                "organisation": "bench",
                "call": call,
                "queue": fact.queue,
                "entered_at": to_rfc3339(fact.at),
                "answered_at": to_rfc3339(fact.answered_at or fact.at),
                "ended_at": to_rfc3339(fact.last),
                "resolved": True,
            }
            file.write(json.dumps(line) + "\n")


def contacts(count: int, span: int) -> Iterator[tuple[str, Recorded]]:
    """Answered calls in any order."""
    chance = random.Random(1)  # noqa: S311 - no secret
    for number in range(count):
        entered = START + int(chance.random() * span)
        answered = entered + int(chance.expovariate(1 / 45) * SECOND)
        ended = answered + int(chance.expovariate(1 / 180) * SECOND)
        queue = f"q{chance.randrange(QUEUES):02}"
        fact = Recorded(0, queue, entered, None, answered, None, None, ended, True, None)
        yield f"1790000000.{number}", fact


def report(path: Path) -> dict[str, float]:
    """`kontaktpuls report` over a file."""
    gc.disable()
    began = time.process_time()
    result = Report({"bench": organisation()})
    fill(result, path)
    rows = result.rows("day")
    return {"seconds": time.process_time() - began, "rows": len(rows)}


def restart(count: int) -> dict[str, float]:
    """A worker takes its contacts from stored cohorts, the oldest first as in a changelog."""
    cohorts: dict[int, Contacts] = {}
    for contact, fact in contacts(count, HORIZON):
        cohorts.setdefault(cohort_of(contact, fact.at), []).append((contact, [fact]))
    rows = [
        (RowKey(0, "calls", "bench", cohort, "w1").encode(), encode_contacts(cohorts[cohort]))
        for cohort in sorted(cohorts)
    ]
    frontier = RowKey(0, "calls", "bench", -1, "w1").encode()
    rows.append((frontier, encode_frontiers({"": START + HORIZON})))
    del cohorts
    desk = Desk(
        channel="calls",
        partition=0,
        organisations={"bench": organisation()},
        owns=lambda _: True,
        incarnation="w2",
        horizon=HORIZON,
    )
    gc.collect()
    gc.disable()
    began = time.process_time()
    desk.restore(rows)
    return {"seconds": time.process_time() - began}


def scrape(count: int) -> dict[str, float]:
    """All KPIs of fifty queues over 35 days of contacts, as text."""
    gc.disable()
    book = Book(organisation(), "calls")
    for contact, fact in contacts(count, HORIZON):
        book.add(contact, fact, fact.at)
    began = time.process_time()
    book.settle()
    settled = time.process_time() - began
    gc.enable()
    gc.freeze()

    def scraped(as_of: int) -> tuple[float, int]:
        book.add(f"now-{as_of}", Recorded(0, "q01", as_of), as_of)
        book.settle()
        began = time.process_time()
        text = Exposition()
        text.add_book(book, as_of)
        samples = text.render().count(b"\n")
        return (time.process_time() - began) * 1e3, samples

    end = START + HORIZON
    first, samples = scraped(end)
    steady = [scraped(end + second * SECOND)[0] for second in range(1, 10)]
    hourly = []
    for hour in range(1, 6):
        book.prune(end + hour * HOUR - HORIZON)
        hourly.append(scraped(end + hour * HOUR)[0])
    return {
        "first scrape (ms)": first,
        "scrape (ms)": statistics.median(steady),
        "first scrape of an hour (ms)": statistics.median(hourly),
        "lines of text": samples,
        "settling a contact (us)": settled / count * 1e6,
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
    if sys.argv[1:2] in (["report"], ["restart"], ["scrape"]):
        kind, size = sys.argv[1:]
        if kind == "report":
            result = report(Path(size))
        else:
            result = restart(int(size)) if kind == "restart" else scrape(int(size))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(json.dumps(result | {"peak memory (GB)": peak}))
        return
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    table = Table("measured", "median", "each run")
    with tempfile.TemporaryDirectory() as folder:
        calls, records = Path(folder) / "calls.jsonl", Path(folder) / "records.jsonl"
        write_events(calls, events)
        write_records(records, events)
        for title, arguments in (
            (f"report of {events:,} events, four a call", ("report", str(calls))),
            (f"report of {events:,} call records", ("report", str(records))),
            (f"restart with {events:,} contacts", ("restart", str(events))),
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
