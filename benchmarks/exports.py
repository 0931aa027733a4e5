"""Measure exports: a year of every municipality as JSON and CSV, and a week of one in each format.

    python benchmarks/exports.py [ORGANISATIONS]

A year of one municipality is simulated: eight queues, 2,500 open hours, 6,500 calls a week, topics
coded. Its rollups are written to a Redis of its own under the name of each of 290 organisations, as
workers write them; then `kontaktpuls export` is run as its user runs it. Memory is that of the
command and everything it starts, added up every 20 ms (shared pages count once for each process).
There is no Kafka, so nobody is asked for dead letters.
Promised are 60 s and 1 GB for the year. Needs `redis-server` and some 4 GB of memory for it.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from redis import Redis
from rich.console import Console
from rich.table import Table

from agents.embedded import EmbeddedRedis
from agents.settings import load_settings
from agents.settings.exports import FORMATS
from streams.books import Book
from streams.conventions import redis_days, redis_rollups, redis_truth
from streams.exports.periods import Period
from streams.instants import HOUR
from streams.rollups import days_of, opens_by_place, places_of_day, rollups, truth_view, utc_day
from streams.simulation import MUNICIPAL, simulate_week
from streams.statements import fact_of
from streams.topics import CHANNEL_OF_EVENT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streams.facts import AnyFact
    from streams.organisations import Organisation

ORGANISATIONS = 290
YEAR = 2026
QUEUES = 8
WEEKLY_RUNS = 3
WEEK = "2026-W47"
AS_OF = "2027-01-11T06:00:00+01:00"
PROMISED = "promised: 60 s, 1 GB"
TEMPLATE = "kommun000"
CLUSTER = """\
version: 1
brokers: [127.0.0.1:9]
clock: events
redis: {{url: "{redis}"}}
timeouts: {{redis: 60 s}}
"""
ORGANISATION = f"""\
version: 1
display_name: {{sv: Kommun, en: Municipality}}
time_zone: Europe/Stockholm
queues: {{{", ".join(f"q{n}: Kö {n}" for n in range(QUEUES))}}}
sources: [{{name: exchange, channel: calls}}]
calendars: {{default: {{hours: {{mon-fri: "07:00-17:00"}}, holidays: SE}}}}
promises:
  - {{name: in-two-minutes, channel: calls, within: 2 min, target: 80 %}}
"""

Stored = bytes | bytearray | memoryview | str | int | float
Days = dict[str, dict[str, bytes]]


class Run(NamedTuple):
    """What one command cost."""

    seconds: float
    cpu: float
    peak_mb: float
    written_mb: float


def write_config(folder: Path, redis_url: str, organisations: int) -> Path:
    """A configuration as an operator would write it."""
    config = folder / "config"
    (config / "organisations").mkdir(parents=True)
    (config / "kontaktpuls.yaml").write_text(CLUSTER.format(redis=redis_url), encoding="utf-8")
    for number in range(organisations):
        path = config / "organisations" / f"{name_of(number)}.yaml"
        path.write_text(ORGANISATION, encoding="utf-8")
    return config


def name_of(number: int) -> str:
    """Names of one length, so that one can be put for another."""
    return f"kommun{number:03}"


def year_of(organisation: Organisation) -> tuple[Days, bytes]:
    """The rollups of a simulated year by UTC day, and how far they are known."""
    days: Days = defaultdict(dict)
    until = Period("year", YEAR).span(organisation.zone)[1] + 7 * 24 * HOUR
    monday = date.fromisocalendar(YEAR, 1, 1)
    book = Book(organisation, "calls", "arrivals")
    while monday.year <= YEAR:
        # A week at a time: nobody waits from one week to the next.
        book = Book(organisation, "calls", "arrivals")
        for contact_id, fact in calls_of_week(organisation, monday):
            book.add(contact_id, fact, fact.at)
        book.settle()
        opens = opens_by_place(book)
        for day in days_of(book, opens):
            told = rollups(book, places_of_day(book, day, opens), until, opens)
            days[utc_day(day)] |= {field: value for field, value in told.items() if value}
        monday += timedelta(weeks=1)
    book.advance("exchange", until)
    return days, msgspec.json.encode(truth_view(book, until, 1))


def calls_of_week(organisation: Organisation, monday: date) -> Iterator[tuple[str, AnyFact]]:
    """Facts about calls."""
    for _, event in simulate_week(organisation, seed=1, monday=monday, profile=MUNICIPAL):
        if CHANNEL_OF_EVENT[type(event)] == "calls":
            yield fact_of(event)


def fill(redis: Redis, days: Days, truth: bytes, organisations: int) -> None:
    """The same year for everybody, under the keys that workers use."""
    for number in range(organisations):
        name = name_of(number)
        old, new = TEMPLATE.encode(), name.encode()
        pipeline = redis.pipeline(transaction=False)
        for day, fields in days.items():
            mapping: dict[Stored, Stored] = {"offset": 1}
            mapping |= {field: value.replace(old, new, 1) for field, value in fields.items()}
            pipeline.hset(redis_rollups(name, "calls", day), mapping=mapping)
        pipeline.sadd(redis_days(name, "calls"), *days)
        pipeline.set(redis_truth(name, "calls"), truth)
        pipeline.execute()


def run(config: Path, out: Path, *arguments: str) -> Run:
    """Run the command line's program, and watch what it takes."""
    command = [str(Path(sys.executable).with_name("kontaktpuls")), "export", *arguments]
    command += ["--as-of", AS_OF, "--out", str(out), "--config", str(config)]
    # As installed: its modules are compiled, wherever this environment lets that be kept.
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(config.parent / "compiled")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    began, before = time.monotonic(), cpu_of_children()
    peak = 0.0
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(  # noqa: S603
            command, stdout=said, stderr=subprocess.STDOUT, env=environment
        ) as process,
    ):
        while process.poll() is None:
            peak = max(peak, resident_mb(process.pid))
            time.sleep(0.02)
        seconds = time.monotonic() - began
        if process.returncode:
            said.seek(0)
            sys.exit(said.read().decode())
    written = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    return Run(seconds, cpu_of_children() - before, peak, written / 1e6)


def cpu_of_children() -> float:
    """Seconds of processor time of everything that was run and has ended, Redis left out."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def resident_mb(pid: int) -> float:
    """The memory of a process and of everything it started."""
    parents: dict[int, list[int]] = defaultdict(list)
    pages: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(stat[1])].append(int(entry.name))
        pages[int(entry.name)] = int(stat[21])
    tree, total = [pid], 0
    while tree:
        one = tree.pop()
        total += pages.get(one, 0)
        tree += parents[one]
    return total * os.sysconf("SC_PAGE_SIZE") / 1e6


def weekly(config: Path, folder: Path) -> Iterator[tuple[str, Run]]:
    """Each format of one organisation's week, and all of them together."""
    for chosen in (*((form,) for form in FORMATS), FORMATS):
        arguments = [text for form in chosen for text in ("--format", form)]
        runs = [
            run(
                config, folder / f"{'-'.join(chosen)}-{n}",
                "--week", WEEK, "--organisation", name_of(0), *arguments,
            )
            for n in range(WEEKLY_RUNS)
        ]  # fmt: skip
        label = chosen[0] if len(chosen) == 1 else "all of them"
        yield label, Run(*(statistics.median(values) for values in zip(*runs, strict=True)))


def shown(told: Run) -> tuple[str, ...]:
    """A run as cells of a table."""
    return (
        f"{told.seconds:.1f}", f"{told.cpu:.1f}", f"{told.peak_mb:.0f}", f"{told.written_mb:.2f}"
    )  # fmt: skip


def main(arguments: Sequence[str]) -> None:
    """Fill, run, print."""
    organisations = int(arguments[0]) if arguments else ORGANISATIONS
    console = Console()
    with EmbeddedRedis(kind="server") as server, tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        config = write_config(folder, server.url, organisations)
        settings = load_settings(config, environ={})
        days, truth = year_of(settings.organisations[TEMPLATE])
        rows = sum(len(fields) for fields in days.values())
        size = sum(len(value) for fields in days.values() for value in fields.values())
        redis: Redis = Redis.from_url(server.url)
        began = time.monotonic()
        fill(redis, days, truth, organisations)
        memory = redis.info("memory")["used_memory"] / 1e6
        redis.close()
        console.print(
            f"{organisations} organisations x {rows:,} rollups a year of {size / rows:.0f} bytes; "
            f"filled in {time.monotonic() - began:.0f} s, Redis takes {memory:,.0f} MB "
            f"({memory / organisations:.1f} MB each a year, 290 for three years: "
            f"{memory / organisations * 290 * 3 / 1e3:.0f} GB)"
        )
        run(config, folder / "first", "--week", WEEK, "--organisation", TEMPLATE)
        year = run(
            config, folder / "year", "--year", str(YEAR), "--format", "json", "--format", "csv"
        )
        table = Table("export", "seconds", "of processors", "peak MB", "written MB")
        table.add_row(f"year of all, JSON and CSV ({PROMISED})", *shown(year))
        for label, told in weekly(config, folder):
            table.add_row(f"week of one, {label}", *shown(told))
        console.print(table)


if __name__ == "__main__":
    main(sys.argv[1:])
