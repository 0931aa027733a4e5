"""Measure how many events a second a worker takes in durably, beside other stream processors.

    python benchmarks/throughput.py [--write] [EVENTS] [ROUNDS]

One history (`rig/history.py`) on one Apache Kafka; every program reads it alone, from the start,
on the same cores. The clock runs from a program's first record (a worker's: from the end of its
recovery, which is earlier) until everything is committed, so starting counts for nobody. What each
counted is compared with what the history comes to. A round runs all of them; the table shows
medians over rounds, and ratios within a round. Faust reads the first part of the history, so that
a round stays short. Their libraries go into `.bench/venv`.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from kafka import KafkaAdminClient
from kafka.admin import NewTopic
from rig.broker import ROOT, Broker, kafka_version
from rig.history import PARTITIONS, History
from rig.page import WRITE, machine, show
from rig.publishing import publish
from rig.running import FailedError, Ran, recovered, watch
from rig.site import Progress, Site

from agents.children import Child
from agents.embedded import EmbeddedRedis
from streams.topics import CALLS, EMAILS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rig.history import Numbers

EVENTS = 900_000
ROUNDS = 5
SLOW = {"Faust": 15}
"""What part of the history they read: a fifteenth."""

HERE = Path(__file__).parent
VENV = ROOT / ".bench" / "venv"
PYTHON = VENV / "bin" / "python"
REQUIREMENTS = HERE / "peers" / "requirements.txt"
OURS, REDIS, BARE = "Kontaktpuls", "Kontaktpuls with Redis", "aiokafka and msgspec, nothing else"
ANSWER = re.compile(
    r'_queue_(offered|answered|abandoned|answered_within){.*queue="(\w+)",window="28d"'
)
MAIL = re.compile(r'_mailbox_(received|first_replies){.*mailbox="([\w-]+)",window="28d"')
NAMES = {"answered_within": "within", "first_replies": "replied"}


class Place(NamedTuple):
    """Where a program finds its events, and what they come to.

    Attributes:
        prefix: of the topics.
        events: how many there are.
        numbers: what they come to.
    """

    prefix: str
    events: int
    numbers: Numbers


class Peer(NamedTuple):
    """Somebody else's way to do it.

    Attributes:
        name: with the version.
        command: as its documentation has it, for a folder of this run.
        ends: whether it ends by itself at the end of the topics; what it commits is its own.
        tells: whether it has numbers to tell.
    """

    name: str
    command: Callable[[Path], Sequence[str]]
    ends: bool = False
    tells: bool = True


PEERS = (
    Peer(
        "Faust",
        lambda folder: [
            str(PYTHON), "-m", "peers.faust_windows", "--datadir", str(folder / "data"),
            "worker", "--loglevel", "warn", "--without-web",
        ],
    ),
    Peer("Quix Streams", lambda _: [str(PYTHON), "-m", "peers.quix"]),
    Peer(
        "Bytewax",
        lambda folder: [
            str(PYTHON), "-m", "bytewax.run", "peers.bytewax_flow", "-r", str(folder / "recovery"),
            "-s", "1", "-b", "0",
        ],
        ends=True,
    ),
    Peer(BARE, lambda _: [sys.executable, "-m", "peers.bare"], tells=False),
)  # fmt: skip


class Result(NamedTuple):
    """One run: how it went, and whether the numbers were right."""

    ran: Ran
    verdict: str


def run_worker(
    folder: Path, brokers: str, name: str, place: Place, redis_url: str | None
) -> Result:
    """A worker as operators run it."""
    site = Site(folder, brokers, application=name, redis_url=redis_url)
    progress = Progress(brokers, name)
    with site.worker() as child:
        ran = watch(
            child, place.events, began=lambda: recovered(child), done=lambda: not progress.left()
        )
        right = totals(place.numbers)
        wrong = _compare(right, lambda: _shown(site.metrics()))
    progress.close()
    return Result(ran, wrong)


def run_peer(folder: Path, brokers: str, name: str, place: Place, peer: Peer) -> Result:
    """Another program, with what it has to be told in its environment."""
    folder = folder / name
    folder.mkdir()
    topics = place.prefix + CALLS, place.prefix + EMAILS
    environment = {
        "BENCH_BROKER": brokers, "BENCH_CALLS": topics[0], "BENCH_MAILS": topics[1],
        "BENCH_GROUP": name, "BENCH_FOLDER": str(folder), "PYTHONPATH": str(HERE),
    }  # fmt: skip
    if peer.ends:
        (folder / "recovery").mkdir()
        command = [str(PYTHON), "-m", "bytewax.recovery", str(folder / "recovery"), str(PARTITIONS)]
        subprocess.run(command, check=True)  # noqa: S603 - its own way to make its folder
    progress = Progress(brokers, name, topics)
    with Child(
        peer.name, peer.command(folder), log=folder / "log", environment=environment
    ) as child:
        ran = watch(
            child,
            place.events,
            began=lambda: _read(folder / "began"),
            done=lambda: child.poll() == 0 if peer.ends else not progress.left(),
        )
        child.stop(grace=30)
    progress.close()
    if not peer.tells:
        return Result(ran, "nothing to compare")
    return Result(ran, _compare(place.numbers, lambda: _told(folder / "numbers")))


def totals(numbers: Numbers) -> Numbers:
    """The same over the whole run, which is what `/metrics` shows over 28 days."""
    sums: Numbers = {}
    for (name, part, _), count in numbers.items():
        sums[name, part, 0] = sums.get((name, part, 0), 0) + count
    return sums


def prepare() -> str | None:
    """Install what the peers need; why that is not possible, if it is not."""
    uv = Path(sys.executable).with_name("uv")
    if not PYTHON.exists():
        subprocess.run([str(uv), "venv", "--python", sys.executable, str(VENV)], check=True)  # noqa: S603 - as above
    done = subprocess.run(  # noqa: S603 - the tool that `make lock` uses
        [str(uv), "pip", "install", "--python", str(PYTHON), "-r", str(REQUIREMENTS)],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    return done.stderr.strip().splitlines()[-1] if done.returncode else None


def measure(events: int, rounds: int) -> dict[str, list[Result | str]]:
    """Every program in every round."""
    missing = prepare()
    history = History(events)
    results: dict[str, list[Result | str]] = {OURS: [], REDIS: []}
    results |= {peer.name: [] for peer in PEERS}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        brokers = stack.enter_context(Broker()).brokers
        places = {1: Place("", events, history.numbers())}
        Site(folder, brokers)
        publish(brokers, history.events, partitions=PARTITIONS)
        for part in set(SLOW.values()):
            first = events // part
            places[part] = Place(f"first-{part}.", first, history.numbers(first))
            create(brokers, [places[part].prefix + topic for topic in (CALLS, EMAILS)])
            told = history.events[:first]
            publish(brokers, told, partitions=PARTITIONS, prefix=places[part].prefix)
        for number in range(rounds):
            print(f"round {number + 1} of {rounds}", flush=True)
            with EmbeddedRedis() as redis:
                for name, url in ((OURS, None), (REDIS, redis.url)):
                    run = f"ours-{'redis' if url else 'plain'}-{number}"
                    results[name].append(run_worker(folder, brokers, run, places[1], url))
            for place, peer in enumerate(PEERS):
                if missing and peer.name != BARE:
                    results[peer.name].append(f"cannot be installed here: {missing}")
                    continue
                where = places[SLOW.get(peer.name, 1)]
                try:
                    result = run_peer(folder, brokers, f"peer-{place}-{number}", where, peer)
                except FailedError as failure:
                    print(failure)
                    results[peer.name].append("failed")
                else:
                    results[peer.name].append(result)
    return results


def create(brokers: str, names: list[str]) -> None:
    """Topics like those of events."""
    admin = KafkaAdminClient(bootstrap_servers=brokers)
    admin.create_topics([NewTopic(name, PARTITIONS, 1) for name in names])
    admin.close()


def rows(results: dict[str, list[Result | str]]) -> list[list[str]]:
    """Medians over the rounds, and how many times as fast ours was in the same round."""
    ours = [result.ran.rate for result in results[OURS] if isinstance(result, Result)]
    table = []
    for name, each in results.items():
        good = [(n, result) for n, result in enumerate(each) if isinstance(result, Result)]
        if not good:
            table.append([name, *["-"] * 6, str(each[0])])
            continue
        runs = [result.ran for _, result in good]
        ratio = statistics.median(ours[n] / result.ran.rate for n, result in good)
        verdicts = sorted({result.verdict for _, result in good})
        if len(good) < len(each):
            verdicts.append(f"{len(each) - len(good)} of {len(each)} runs failed")
        table.append(
            [
                name,
                f"{runs[0].events:,}",
                f"{statistics.median(run.seconds for run in runs):.1f}",
                f"{statistics.median(run.cost.cpu for run in runs):.1f}",
                f"{statistics.median(run.rate for run in runs):,.0f}",
                f"{max(run.cost.peak for run in runs):,.0f}",
                f"{ratio:.2f}",
                "; ".join(verdicts),
            ]
        )
    return table


def notes() -> str:
    """Versions and command lines."""
    kafka = f"Apache Kafka {kafka_version()}, one broker on the same cores"
    folder = Path("FOLDER")
    lines = [f"Measured on {machine()}; {kafka}; aiokafka {version('aiokafka')}, msgspec "]
    lines[0] += f"{version('msgspec')}, faust-streaming {version('faust-streaming')}."
    lines.append("\n    kontaktpuls worker --config FOLDER")
    for peer in PEERS:
        command = " ".join(peer.command(folder))
        command = command.replace(str(PYTHON), "python").replace(sys.executable, "python")
        lines.append(f"    {command}")
    pinned = REQUIREMENTS.read_text(encoding="utf-8").split()
    wanted = ("faust-streaming==", "quixstreams==", "bytewax==", "confluent-kafka==")
    named = ", ".join(pin.replace("==", " ") for pin in pinned if pin.startswith(wanted))
    return "\n".join([*lines, f"\nPeers: {named}."])


def _read(path: Path) -> float | None:
    return float(path.read_text(encoding="utf-8")) if path.exists() else None


def _told(path: Path) -> Numbers:
    rows = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    return {(name, part, hour): count for name, part, hour, count in rows}


def _shown(series: dict[str, float]) -> Numbers:
    found = ((ANSWER.search(name) or MAIL.search(name), value) for name, value in series.items())
    return {
        (NAMES.get(match[1], match[1]), match[2], 0): int(value)
        for match, value in found
        if match and value
    }


def _compare(right: Numbers, shown: Callable[[], Numbers]) -> str:
    """Whether the numbers are right; a worker shows a text of half a second ago at times."""
    for _ in range(3):
        numbers = shown()
        if numbers == right:
            return "right"
        time.sleep(1.0)
    wrong = sum(numbers.get(key) != right.get(key) for key in numbers.keys() | right.keys())
    return f"WRONG: {wrong} of {len(right)} numbers"


def main() -> None:
    """Measure, print, and write the page when asked to."""
    arguments = [argument for argument in sys.argv[1:] if argument != WRITE]
    events = int(arguments[0]) if arguments else EVENTS
    rounds = int(arguments[1]) if len(arguments) > 1 else ROUNDS
    os.chdir(ROOT)
    table = rows(measure(events, rounds))
    headings = [
        "program", "events", "seconds", "CPU seconds", "events/s", "memory (MB)",
        "ours is times as fast", "its numbers",
    ]  # fmt: skip
    show(headings, table, block="throughput.py", notes=notes(), write=WRITE in sys.argv)


if __name__ == "__main__":
    main()
