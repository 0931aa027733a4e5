"""How fast a queue_log becomes events, beside a plain read of the same file.

The log is that of a busy exchange: callers of five queues, telephones that ring in vain, hang-ups,
time-outs into the next queue, blind transfers, breaks of members. Each run is a process of its own
that reads a file and writes JSON lines to another, as `kontaktpuls convert asterisk-queue-log`
does.
"""

from __future__ import annotations

import heapq
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

LINES = 500_000
RUNS = 3
START = 1_790_000_000
GAP_SECONDS = 2.0
PLAIN_READ = """
import sys, time
began = time.process_time()
lines = 0
with open(sys.argv[1], "rb") as file:
    for line in file:
        lines += 1
print(time.process_time() - began)
"""

Row = tuple[int, int, str]
"""Second, number among the rows (so that a call's rows stay in order), text."""


def rows() -> Iterator[str]:
    """The lines of a log, in order of time and without end."""
    chance = random.Random(1)  # noqa: S311 - no secret
    clock, number = float(START), 0
    later: list[Row] = []
    while True:
        clock += chance.expovariate(1 / GAP_SECONDS)
        for second, text in call(chance, clock, number):
            number += 1
            heapq.heappush(later, (second, number, text))
        while later and later[0][0] <= clock:
            second, _, text = heapq.heappop(later)
            yield f"{second}|{text}\n"


def call(chance: random.Random, clock: float, number: int) -> Iterator[tuple[int, str]]:
    """What one caller leaves in the log."""
    entered = int(clock)
    who, queue = f"{entered}.{number}", f"15{chance.randrange(5):02}"
    yield entered, f"{who}|{queue}|NONE|ENTERQUEUE||07{chance.randrange(10**8):08}|1"
    now = clock
    for _ in range(chance.choice((0, 0, 1, 1, 2, 3, 5))):
        now += 15
        yield int(now), f"{who}|{queue}|{member(chance)}|RINGNOANSWER|15000"
    now += chance.expovariate(1 / 20)
    fate, hold = chance.random(), int(now) - entered
    if fate < 0.1:
        yield int(now), f"{who}|{queue}|NONE|ABANDON|1|1|{hold}"
        return
    if fate < 0.15:
        yield int(now), f"{who}|{queue}|NONE|EXITWITHTIMEOUT|1|1|{hold}"
        queue, entered = "1599", int(now)
        yield entered, f"{who}|{queue}|NONE|ENTERQUEUE||07{chance.randrange(10**8):08}|1"
        now, hold = now + 9, 9
    agent = member(chance)
    yield int(now), f"{who}|{queue}|{agent}|CONNECT|{hold}|{int(now)}.{number + 1}|4"
    spoke = int(chance.expovariate(1 / 180))
    end = int(now) + spoke
    if fate > 0.97:
        yield end, f"{who}|{queue}|{agent}|BLINDTRANSFER|7001|internal|{hold}|{spoke}|1"
    else:
        how = "COMPLETECALLER" if fate < 0.6 else "COMPLETEAGENT"
        yield end, f"{who}|{queue}|{agent}|{how}|{hold}|{spoke}|1"
    if fate > 0.9:
        yield end, f"NONE|NONE|{agent}|PAUSEALL|"
        yield end, f"NONE|{queue}|{agent}|PAUSE|Auto"


def member(chance: random.Random) -> str:
    """One of a hundred."""
    return f"PJSIP/7{chance.randrange(100):03}"


def write_log(path: Path, lines: int) -> None:
    """A log of so many lines."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(text for text, _ in zip(rows(), range(lines), strict=False))


def plain_read(log: Path) -> float:
    """Seconds of processor time for reading the lines and nothing else."""
    done = subprocess.run(  # noqa: S603 - ourselves
        [sys.executable, "-c", PLAIN_READ, str(log)], check=True, capture_output=True, timeout=900
    )
    return float(done.stdout)


def convert(log: Path, out: Path, *, with_people: bool) -> tuple[float, float]:
    """Seconds on the clock and of processor time for the whole command."""
    environment = {**os.environ}
    environment.pop("KONTAKTPULS_PSEUDONYM_KEY_FILE", None)
    environment.pop("KONTAKTPULS_PSEUDONYM_KEY", None)
    if with_people:
        environment["KONTAKTPULS_PSEUDONYM_KEY"] = "a secret of a benchmark, no other"
    command = [sys.executable, "-m", "agents", "convert", "asterisk-queue-log", str(log)]
    before, began = os.times(), time.monotonic()
    with out.open("wb") as file:
        subprocess.run(  # noqa: S603 - ourselves
            [*command, "--organisation", "bench"],
            check=True,
            stdout=file,
            stderr=subprocess.DEVNULL,
            env=environment,
            cwd=Path(__file__).parents[1],
            timeout=900,
        )
    after = os.times()
    used = after.children_user + after.children_system
    used -= before.children_user + before.children_system
    return time.monotonic() - began, used


def main() -> None:
    """Measure, and print a table."""
    lines = int(sys.argv[1]) if len(sys.argv) > 1 else LINES
    table = Table(f"{lines:,} lines", "median lines/s", "each run (s of processor)", "on the clock")
    with tempfile.TemporaryDirectory() as folder:
        log, out = Path(folder) / "queue_log", Path(folder) / "events.jsonl"
        write_log(log, lines)
        reads = [plain_read(log) for _ in range(RUNS)]
        table.add_row("plain read", *shown(lines, reads), "")
        nothing = Path(folder) / "empty"
        nothing.touch()
        starts = [convert(nothing, out, with_people=True)[1] for _ in range(RUNS)]
        start = statistics.median(starts)
        table.add_row("start of the command", "", ", ".join(f"{used:.2f}" for used in starts), "")
        for title, with_people in (
            ("callers and members as pseudonyms", True),
            ("without people", False),
        ):
            runs = [convert(log, out, with_people=with_people) for _ in range(RUNS)]
            clock = ", ".join(f"{clock:.2f}" for clock, _ in runs)
            seconds = [used for _, used in runs]
            table.add_row(f"whole command, {title}", *shown(lines, seconds), clock)
            table.add_row(f"its conversion, {title}", *shown(lines, [s - start for s in seconds]))
        events = out.read_bytes().count(b"\n")
        table.add_row("events written", f"{events:,}", f"{out.stat().st_size / 1e6:,.0f} MB", "")
    Console().print(table)


def shown(lines: int, seconds: list[float]) -> tuple[str, str]:
    """The median rate, and each run."""
    rate = lines / statistics.median(seconds)
    return f"{rate:,.0f}", ", ".join(f"{second:.2f}" for second in seconds)


if __name__ == "__main__":
    main()
