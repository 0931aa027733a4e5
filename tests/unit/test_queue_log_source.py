"""The live queue_log: what it delivers, vouches for, writes down and counts."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from agents.settings.queue_log import QueueLogSource
from agents.sources.checkpoint import CheckpointFile
from agents.sources.meter import Meter
from agents.sources.outbox import StoppedError
from agents.sources.queue_log import create_parser
from agents.sources.queue_log_source import LiveQueueLog
from agents.sources.rotation import Follower
from streams.events import CallEntered, Event, Heartbeat
from streams.instants import DAY, HOUR, SECOND, from_datetime

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

NOON = 1_772_449_200
SETTINGS = QueueLogSource(kind="asterisk-queue-log", organisation="skara")


def entered(number: int, *, at: int = NOON) -> bytes:
    """A caller enters a queue."""
    return b"%d|1.%d|vaxel|NONE|ENTERQUEUE||0511|1\n" % (at, number)


class Bench:
    """A source on a log in a folder, with a clock and a Kafka that are played."""

    def __init__(self, folder: Path, *, horizon: int | None = None) -> None:
        self.path = folder / "queue_log"
        self.state = folder / "queue_log.json"
        self.now = NOON * SECOND
        self.seconds = 0.0
        self.delivered: list[Event] = []
        self.is_away = False
        self.meter = Meter()
        self.stopping = threading.Event()
        self._horizon = horizon
        self.follower: Follower
        self.source: LiveQueueLog
        self.start()

    def start(self) -> None:
        """Start it from its checkpoint."""
        checkpoints = CheckpointFile(self.state)
        checkpoint = checkpoints.load()
        parser = create_parser(SETTINGS, {})
        if checkpoint is not None:
            parser.restore(checkpoint.parser)
        position = None if checkpoint is None else checkpoint.position
        self.follower = Follower(self.path, position, monotonic=lambda: self.seconds)
        self.source = LiveQueueLog(
            SETTINGS,
            follower=self.follower,
            parser=parser,
            deliver=self._deliver,
            checkpoints=checkpoints,
            meter=self.meter,
            horizon=self._horizon,
            clock=lambda: self.now,
            stopping=self.stopping,
            monotonic=lambda: self.seconds,
        )

    def write(self, data: bytes) -> None:
        """More of the log."""
        with self.path.open("ab") as file:
            file.write(data)

    def step(self, times: int = 1) -> None:
        """So many steps, a second after each other."""
        for _ in range(times):
            self.now += SECOND
            self.seconds += 1
            self.source.step()

    def counted(self, name: str, **labels: str) -> float:
        """A counter or gauge."""
        return self.meter.registry.get_sample_value(name, {"source": "exchange"} | labels) or 0

    @property
    def calls(self) -> list[str]:
        """Callers who entered, as delivered."""
        return [event.call for event in self.delivered if isinstance(event, CallEntered)]

    @property
    def throughs(self) -> list[int]:
        """What was vouched for, in seconds after noon."""
        return [
            from_datetime(event.through) // SECOND - NOON
            for event in self.delivered
            if isinstance(event, Heartbeat)
        ]

    def _deliver(self, events: Sequence[Event]) -> None:
        if self.is_away:
            raise StoppedError
        self.delivered += events


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A source on a log with two lines."""
    made = Bench(tmp_path)
    made.write(entered(1) + entered(2))
    return made


def test_it_goes_on_after_the_last_event_that_was_delivered(bench: Bench) -> None:
    """What Kafka did not take before the end is sent at the next start, and nothing else."""
    bench.step(2)
    bench.write(entered(3))
    bench.is_away = True
    bench.source.run()
    bench.is_away = False
    bench.start()
    bench.step()
    bench.follower.close()

    assert bench.calls == ["1.1", "1.2", "1.3"]


def test_the_beginning_is_written_down_before_anything_is_delivered(bench: Bench) -> None:
    """What is rotated while Kafka has been away since the first start is read all the same."""
    bench.is_away = True
    bench.source.run()
    bench.path.rename(bench.path.with_name("queue_log.1"))
    bench.write(entered(3, at=NOON + 60))
    bench.is_away = False
    bench.start()
    bench.step(5)
    bench.follower.close()

    assert bench.calls == ["1.1", "1.2", "1.3"]


def test_a_heartbeat_says_what_was_certainly_read(bench: Bench) -> None:
    """At the end of the log: now, less the time that a line may take to be written; never twice."""
    bench.step(3)
    bench.source.step()
    bench.follower.close()

    assert bench.throughs == [0, 1]


def test_nothing_is_vouched_for_while_half_a_line_is_there_or_the_log_is_not(bench: Bench) -> None:
    """What is not known is not said, however quiet it is."""
    bench.step(2)
    before = bench.throughs
    bench.write(b"1772449203|1.3|vax")
    bench.step(5)
    half = bench.throughs
    bench.path.unlink()
    bench.step(5)
    gone = bench.throughs
    bench.follower.close()

    assert before == half == gone == [0]


def test_a_single_line_of_the_future_vouches_for_nothing(bench: Bench) -> None:
    """While it catches up, the last line of the part before has to agree."""
    bench.path.write_bytes(
        b"".join(entered(n, at=NOON - HOUR // SECOND) for n in range(9_000))
        + entered(9_001, at=NOON + DAY // SECOND)
    )
    bench.step()
    read_so_far = len(bench.calls)
    bench.step()
    bench.follower.close()

    assert read_so_far < 9_000
    assert bench.throughs == [-3600 - 2]


def test_facts_beyond_the_horizon_are_counted_and_left_out(tmp_path: Path) -> None:
    """A worker would reject every one of them."""
    bench = Bench(tmp_path, horizon=35 * DAY)
    bench.write(entered(1, at=NOON - 36 * DAY // SECOND) + entered(2))
    bench.step(2)
    bench.follower.close()

    assert bench.calls == ["1.2"]
    assert bench.counted("kontaktpuls_source_left_out_total", reason="beyond_horizon") == 1


def test_a_full_disk_is_told_once_and_stops_nothing(bench: Bench) -> None:
    """Reading goes on, every failure is counted, and that it is over is told too."""
    bench.step()
    blocker = bench.state.with_suffix(".new")
    blocker.mkdir()
    with capture_logs() as logs:
        for number in (3, 4):
            bench.write(entered(number))
            bench.step()
        blocker.rmdir()
        bench.step(2)
    bench.follower.close()
    told = [entry["event"] for entry in logs]

    assert bench.calls == ["1.1", "1.2", "1.3", "1.4"]
    assert bench.counted("kontaktpuls_source_noted_total", reason="checkpoint_not_saved") == 2
    assert len(told) == 2
    assert "cannot be written down" in told[0]
    assert "written down again" in told[1]
    position = CheckpointFile(bench.state).load()
    assert position is not None
    assert position.position.offset == bench.path.stat().st_size


def test_what_keeps_it_from_reading_is_told_once_if_it_lasts(bench: Bench) -> None:
    """A log that has no name for a moment is nobody's business; one that stays away is."""
    bench.step()
    bench.path.rename(bench.path.with_name("elsewhere"))
    with capture_logs() as moment:
        bench.step(1)
    with capture_logs() as longer:
        bench.step(20)
    down = bench.counted("kontaktpuls_source_connected")
    bench.path.with_name("elsewhere").rename(bench.path)
    with capture_logs() as back:
        bench.step(5)
    bench.follower.close()

    assert moment == []
    assert [entry["event"] for entry in longer] == ["cannot read on"]
    assert down == 0
    assert [entry["event"] for entry in back] == ["reads on"]
    assert bench.counted("kontaktpuls_source_connected") == 1


def test_what_is_gone_is_told_and_counted(bench: Bench) -> None:
    """A log that was emptied without a copy: how much of it was seen, and that it happened."""
    bench.step()
    bench.path.write_bytes(entered(9, at=NOON + 60))
    with capture_logs() as logs:
        bench.step(30)
    bench.follower.close()

    assert "a part of the log was gone before it was read" in [entry["event"] for entry in logs]
    assert bench.counted("kontaktpuls_source_lost_total", unit="tails") == 1
    assert bench.calls == ["1.1", "1.2", "1.9"]


def test_lines_and_events_are_counted_and_what_becomes_none_has_a_reason(bench: Bench) -> None:
    """Every line that was read is found in one of the counters."""
    bench.write(b"%d|NONE|NONE|NONE|CONFIGRELOAD|\nnonsense\n" % NOON)
    bench.step(2)
    bench.follower.close()

    assert bench.counted("kontaktpuls_source_read_total") == 4
    assert bench.counted("kontaktpuls_source_events_delivered_total") == 2
    assert bench.counted("kontaktpuls_source_left_out_total", reason="configreload") == 1
    assert bench.counted("kontaktpuls_source_left_out_total", reason="truncated") == 1


def test_it_ends_when_it_is_told_to_and_writes_down_where(bench: Bench) -> None:
    """A stop is no crash: nothing is sent again afterwards."""
    bench.stopping.set()
    bench.source.step()
    bench.source.run()
    bench.start()
    bench.step()
    bench.follower.close()

    assert bench.calls == ["1.1", "1.2"]
