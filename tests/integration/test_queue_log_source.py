"""A live queue_log with everything that goes wrong: nothing is missing on the topic, nothing extra.

`EXCHANGE_SEED=7 pytest ...` plays the same order of mishaps again; the seed of a run is printed.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from kafka import KafkaConsumer, TopicPartition

from agents.children import Child
from streams.codec import decode_event
from streams.events import CallAnswered, CallEnded, CallEntered, CallLeft, Heartbeat
from streams.topics import CALLS
from tests.rotated_log import RotatedLog

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.kafka_server import Kafka

ROOT = Path(__file__).parents[2]
TOWN = "exempelkommun"
PARTITIONS = 2
ROUNDS = 10
LINES_A_SECOND = 200
BATCHES_A_SECOND = 20
BURST = 2_000
RSS_TOLERANCE_KB = 20_000

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]


class Exchange(threading.Thread):
    """Takes calls at random, writes what becomes of them as it happens, and has its log rotated.

    Attributes:
        log: its files.
        lines: how many it has written.
    """

    def __init__(self, folder: Path, chance: random.Random) -> None:
        super().__init__(name="exchange", daemon=True)
        self.log = RotatedLog(folder / "queue_log")
        self.lines = 0
        self._chance = chance
        self._calls = 0
        self._waiting: list[str] = []
        self._talking: list[str] = []
        self._hung_up = threading.Event()
        # Rotation is no moment between two lines for Asterisk, but copy-truncate has to be one.
        self._writing = threading.Lock()

    def run(self) -> None:
        """Write until it is told to stop."""
        while not self._hung_up.wait(1 / BATCHES_A_SECOND):
            self.write(LINES_A_SECOND // BATCHES_A_SECOND)

    def write(self, lines: int) -> None:
        """Some lines of this second."""
        with self._writing:
            for _ in range(lines):
                self._append(self._something_happens())

    def hang_up(self) -> None:
        """Stop writing."""
        self._hung_up.set()
        self.join()
        self.log.close()

    def rename_log(self) -> None:
        """Rotate by renaming; the exchange writes on until it opens the new file."""
        with self._writing:
            self.log.rename()
        time.sleep(self._chance.uniform(0, 0.5))
        with self._writing:
            self.log.reopen()
            self._append("NONE|NONE|NONE|CONFIGRELOAD|")

    def copy_log(self) -> None:
        """Rotate by copying."""
        with self._writing:
            self.log.copy()
            self.log.empty()

    def _append(self, rest: str) -> None:
        self.lines += 1
        self.log.append(f"{int(time.time())}|{rest}\n".encode())

    def _something_happens(self) -> str:
        chance = self._chance
        kind = chance.random()
        if self._talking and kind < 0.2:
            call = self._talking.pop(chance.randrange(len(self._talking)))
            return f"{call}|vaxel|SIP/101|COMPLETECALLER|3|40|1"
        if self._waiting and kind < 0.4:
            call = self._waiting.pop(0)
            self._talking.append(call)
            return f"{call}|vaxel|SIP/101|CONNECT|3|{call}9|2"
        if self._waiting and kind < 0.5:
            call = self._waiting.pop(chance.randrange(len(self._waiting)))
            return f"{call}|vaxel|NONE|ABANDON|1|1|3"
        if self._waiting and kind < 0.6:
            return f"{chance.choice(self._waiting)}|vaxel|SIP/102|RINGNOANSWER|15000"
        if kind < 0.602:
            self._waiting.clear()
            self._talking.clear()
            return "NONE|NONE|NONE|QUEUESTART|"
        self._calls += 1
        call = f"{int(time.time())}.{self._calls}"
        self._waiting.append(call)
        return f"{call}|vaxel|NONE|ENTERQUEUE||0511{self._calls % 500:06}|1"


class Source:
    """`kontaktpuls source asterisk-queue-log`, killed and started as often as it takes.

    Attributes:
        peaks: the most memory it held (KiB), of each life in which it delivered something.
    """

    def __init__(self, log: Path, folder: Path, environment: dict[str, str]) -> None:
        self.peaks: list[int] = []
        self.checkpoint = folder / "state" / "queue_log.json"
        self._log = log
        self._folder = folder
        self._environment = environment
        self._lives = 0
        self._child: Child | None = None
        self._checkpoint_before = b""

    def progress(self) -> bytes:
        """What it has written down last."""
        return self.checkpoint.read_bytes() if self.checkpoint.exists() else b""

    def start(self) -> None:
        """Start it, where it stopped."""
        self._lives += 1
        self._checkpoint_before = self.progress()
        self._child = Child(
            "source",
            [
                *(sys.executable, "-m", "agents", "source", "asterisk-queue-log", str(self._log)),
                *("--organisation", TOWN, "--state", str(self.checkpoint.parent)),
            ],
            log=self._folder / f"source-{self._lives}.log",
            environment=self._environment,
        )

    def kill(self) -> None:
        """As `kill -9` does."""
        if self._child is not None:
            self._note_memory(self._child)
            self._child.kill()
            self._child = None

    def stop(self) -> int:
        """As systemd does; the exit code."""
        assert self._child is not None
        self._note_memory(self._child)
        return self._child.stop(grace=10)

    def logged(self) -> str:
        """What it has said in all its lives."""
        return "".join(
            (self._folder / f"source-{life}.log").read_text() for life in range(1, self._lives + 1)
        )

    def _note_memory(self, child: Child) -> None:
        if self.progress() == self._checkpoint_before:
            return
        status = Path(f"/proc/{child.pid}/status").read_text(encoding="ascii")
        fields = dict(line.split(":", 1) for line in status.splitlines())
        self.peaks.append(int(fields["VmHWM"].split()[0]))


class Topic:
    """What is on the topic of calls since this was made."""

    def __init__(self, kafka: Kafka) -> None:
        self._kafka = kafka
        self._places = [TopicPartition(CALLS, number) for number in range(PARTITIONS)]
        consumer = self._consumer()
        self._begins = consumer.end_offsets(self._places)
        consumer.close()

    def records(self) -> list[bytes]:
        """All values of our organisation, in the order in which they were appended."""
        consumer = self._consumer()
        ends = consumer.end_offsets(self._places)
        consumer.assign(self._places)
        for place in self._places:
            consumer.seek(place, self._begins[place])
        found: list[bytes] = []
        while any(consumer.position(place) < ends[place] for place in self._places):
            for batch in consumer.poll(timeout_ms=500).values():
                found += [record.value for record in batch if record.key == TOWN.encode()]
        consumer.close()
        return found

    def _consumer(self) -> KafkaConsumer:
        return KafkaConsumer(bootstrap_servers=self._kafka.brokers, group_id=None)


def test_kills_rotations_and_a_broker_that_comes_and_goes_lose_nothing(
    kafka: Kafka, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """After ten rounds of mishaps the topic holds, as a set, what `convert` makes of the files."""
    seed = int(os.environ.get("EXCHANGE_SEED") or random.SystemRandom().randrange(1_000_000))
    tell(capsys, f"EXCHANGE_SEED={seed}")
    chance = random.Random(seed)  # noqa: S311 - a game, no secret
    environment = {
        "KONTAKTPULS_BROKERS": kafka.brokers,
        "KONTAKTPULS_PARTITIONS": str(PARTITIONS),
        "KONTAKTPULS_REPLICATION": "1",
        "KONTAKTPULS_PSEUDONYM_KEY": "sixteen characters or more",
    }
    kontaktpuls("topics", "create", environment=environment)
    topic = Topic(kafka)
    exchange = Exchange(tmp_path, chance)
    source = Source(exchange.log.path, tmp_path, environment)
    exchange.start()
    source.start()
    wait_until(source.checkpoint.exists, 40, source)
    started = time.monotonic()
    for _ in range(ROUNDS):
        before = source.progress()
        for mishap in schedule(exchange, source, kafka, chance):
            mishap()
            time.sleep(chance.uniform(0, 0.4))
        wait_until(lambda: source.progress() != before, 40, source)  # noqa: B023 - at once
    exchange.hang_up()
    pieces = [str(path) for path in exchange.log.pieces()]
    expected = kontaktpuls(
        *("convert", "asterisk-queue-log", *pieces, "--organisation", TOWN),
        environment=environment,
    ).splitlines()
    delivered: list[bytes] = []

    def all_is_there() -> bool:
        delivered[:] = topic.records()
        return set(expected) <= set(delivered)

    wait_until(all_is_there, 60, source)
    code = source.stop()
    facts = [value for value in delivered if not isinstance(decode_event(value), Heartbeat)]
    tell(
        capsys,
        f"{exchange.lines:,} lines in {len(pieces)} files, {len(expected):,} events, "
        f"{len(facts) - len(set(facts)):,} of them sent again, "
        f"{len(delivered) - len(facts)} heartbeats in {time.monotonic() - started:.0f} s; "
        f"memory of each life (KiB): {source.peaks}",
    )

    assert set(facts) == set(expected)
    assert code == 0, source.logged()
    assert "was gone before" not in source.logged()
    assert unvouched(delivered) == []
    assert max(source.peaks) - min(source.peaks) < RSS_TOLERANCE_KB


def schedule(
    exchange: Exchange, source: Source, kafka: Kafka, chance: random.Random
) -> list[Callable[[], object]]:
    """The mishaps of one round in a random order; what is ended is started again after it."""
    fall = kafka.kill if chance.random() < 0.3 else kafka.stop

    def kill_while_it_reads() -> None:
        """Let it be in the middle of many lines."""
        exchange.write(BURST)
        time.sleep(chance.uniform(0, 0.5))
        source.kill()

    pairs: list[tuple[Callable[[], object], Callable[[], object]]] = [
        (kill_while_it_reads, source.start),
        (fall, kafka.launch),
    ]
    mishaps = [first for first, _ in pairs]
    mishaps.append(chance.choice([exchange.rename_log, exchange.copy_log]))
    if chance.random() < 0.3:
        mishaps.append(exchange.log.pack)
    chance.shuffle(mishaps)
    for first, then in pairs:
        mishaps.insert(chance.randint(mishaps.index(first) + 1, len(mishaps)), then)
    return mishaps


def tell(capsys: pytest.CaptureFixture[str], text: str) -> None:
    """Print it in any case, not only where the test fails."""
    with capsys.disabled():
        sys.stdout.write(f"\n{text}\n")


def unvouched(records: list[bytes]) -> list[str]:
    """Facts that first came after a heartbeat had said that everything so far was there."""
    seen: set[bytes] = set()
    through = None
    late = []
    for value in records:
        event = decode_event(value)
        if isinstance(event, Heartbeat):
            through = event.through if through is None else max(through, event.through)
        elif value not in seen:
            seen.add(value)
            assert isinstance(event, (CallEntered, CallAnswered, CallLeft, CallEnded))
            if through is not None and event.at <= through:
                late.append(f"{event.at} after a heartbeat through {through}")
    return late


def wait_until(condition: Callable[[], bool], seconds: float, source: Source) -> None:
    """Wait for a condition; what the source said is in the failure."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, source.logged()[-3000:]
        time.sleep(0.2)


def kontaktpuls(*arguments: str, environment: dict[str, str]) -> bytes:
    """Run a command to its end and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "agents", *arguments],
        capture_output=True,
        check=False,
        cwd=ROOT,
        env=os.environ | environment,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout
