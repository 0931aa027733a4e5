"""Whatever a log's files go through, its lines are read in order and none is lost in silence."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from hypothesis import event, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from agents.sources import log_files, log_siblings
from agents.sources.rotation import Follower, Loss
from tests.rotated_log import RotatedLog

if TYPE_CHECKING:
    from collections.abc import Callable

    from agents.sources.log_files import Position

LINE = b"%d|call-%d|vaxel|NONE|ENTERQUEUE||0511-32000|1"
LINE_WITHOUT_ITS_END = 20
SECONDS_BETWEEN_READS = 0.6
LINGER = 1.0
PATIENCE = 2.0


class Exchange:
    """Writes numbered lines, now and then half of one.

    Attributes:
        log: its files.
        written: every line, in the order in which it was written.
    """

    def __init__(self, folder: Path) -> None:
        self.log = RotatedLog(folder / "queue_log")
        self.written: list[bytes] = []
        self._rest = b""
        # The first line is later than the file; each line has a second of its own.
        self._began = int(time.time()) + 1

    @property
    def between_lines(self) -> bool:
        """Whether the last line has its end."""
        return not self._rest

    def write(self, lines: int = 1, *, half: bool = False) -> None:
        """Write some lines; `half` leaves the last without its end until the next write."""
        self.log.append(self._rest)
        self._rest = b""
        for turn in range(lines):
            number = len(self.written)
            self.written.append(LINE % (self._began + number, number))
            line = self.written[-1] + b"\n"
            if half and turn == lines - 1:
                line, self._rest = line[:LINE_WITHOUT_ITS_END], line[LINE_WITHOUT_ITS_END:]
            self.log.append(line)

    def reopen(self) -> None:
        """Open the log anew and begin it with a line about that, as Asterisk does."""
        self.log.reopen()
        self.write()


class Reading:
    """Reads with checkpoints, as the source does.

    Attributes:
        lines: as they were handed on.
        losses: as they were told.
    """

    def __init__(self, path: Path) -> None:
        self.lines: list[bytes] = []
        self.losses: list[Loss] = []
        self._path = path
        self._now = 0.0
        self._checkpoint: Position | None = None
        self._kept = 0
        self.follower = self._follow()

    def begin(self) -> None:
        """Note where the log begins, before anything is read."""
        self.follower.begin()
        self._checkpoint = self.follower.position

    def read(self, *, checkpoint: bool = True) -> None:
        """One call; without a checkpoint it is as if it were killed before that was written."""
        self._now += SECONDS_BETWEEN_READS
        self.lines += self.follower.read()
        self.losses += self.follower.told_losses()
        if checkpoint:
            self._checkpoint, self._kept = self.follower.position, len(self.lines)

    def kill(self) -> None:
        """Begin anew from the checkpoint."""
        self.follower.close()
        del self.lines[self._kept :]
        self.follower = self._follow()

    def read_to_the_end(self) -> None:
        """Read until it says that nothing is left; a bounded number of calls is enough."""
        for _ in range(500):
            self.read()
            if self.follower.at_end:
                return
        raise AssertionError(self.follower.trouble)

    def _follow(self) -> Follower:
        return Follower(
            self._path,
            self._checkpoint,
            linger=LINGER,
            patience=PATIENCE,
            monotonic=lambda: self._now,
        )


class MeddledSystem:
    """The module `os`, but something happens just before its n-th call."""

    def __init__(self, calls: int, meddle: Callable[[], object]) -> None:
        self._left = calls
        self._meddle = meddle

    def __getattr__(self, name: str) -> Any:
        if name not in {"pread", "fstat", "scandir"}:
            return getattr(os, name)
        self._left -= 1
        if self._left == 0:
            self._meddle()
        return getattr(os, name)


class Rotations(RuleBasedStateMachine):
    """Writing, rotating, packing, reading and killing in any order, also inside each other."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.exchange = Exchange(self.folder)
        self.reading = Reading(self.exchange.log.path)
        self.reading.begin()
        self.stage = "whole"

    @precondition(lambda self: self.stage != "copied")
    @rule(lines=st.integers(1, 5), half=st.booleans())
    def write(self, lines: int, half: bool) -> None:  # noqa: FBT001 - Hypothesis passes it by name
        """Lines are written."""
        self.exchange.write(lines, half=half)

    @precondition(lambda self: self.stage != "whole" or self.exchange.between_lines)
    @rule()
    def rotate(self) -> None:
        """The next step of a rotation that is under way, or the first of one by renaming."""
        if self.stage == "copied":
            self.exchange.log.empty()
            self.stage = "whole"
        elif self.stage == "whole":
            self.exchange.log.rename()
            self.stage = "renamed"
        elif self.exchange.between_lines:
            self.exchange.reopen()
            self.stage = "whole"

    @precondition(lambda self: self.stage == "whole" and self.exchange.between_lines)
    @rule()
    def copy(self) -> None:
        """The first step of a rotation by copying."""
        self.exchange.log.copy()
        self.stage = "copied"

    @precondition(lambda self: self.stage == "whole")
    @rule()
    def pack(self) -> None:
        """Nobody writes to the older pieces now."""
        self.exchange.log.pack()

    @rule(checkpoint=st.booleans())
    def read(self, checkpoint: bool) -> None:  # noqa: FBT001 - Hypothesis passes it by name
        """The source reads."""
        self.reading.read(checkpoint=checkpoint)

    @rule()
    def kill(self) -> None:
        """The source is killed and started."""
        self.reading.kill()

    @rule(calls=st.integers(1, 12), steps=st.lists(st.sampled_from("wrrcp"), max_size=6))
    def read_meanwhile(self, calls: int, steps: list[str]) -> None:
        """Something happens while the source is in the middle of reading."""
        happened = False

        def meddle() -> None:
            nonlocal happened
            happened = True
            for step in steps:
                self._step(step)

        system = MeddledSystem(calls, meddle)
        with (
            mock.patch.object(log_files, "os", system),
            mock.patch.object(log_siblings, "os", system),
        ):
            self.reading.read()
        event(f"meddled: {happened}")

    def _step(self, step: str) -> None:
        if step == "w" and self.stage != "copied":
            self.exchange.write()
        elif step == "r" and (self.stage != "whole" or self.exchange.between_lines):
            self.rotate()
        elif step == "c" and self.stage == "whole" and self.exchange.between_lines:
            self.copy()
        elif step == "p" and self.stage == "whole":
            self.pack()

    @invariant()
    def what_was_read_was_written(self) -> None:
        """Lines come in their order, each once since the last checkpoint, and none is skipped."""
        assert self.reading.lines == self.exchange.written[: len(self.reading.lines)]

    def teardown(self) -> None:
        """In the end every line was read and nothing was reported as lost."""
        if self.stage == "copied":
            self.exchange.log.empty()
        self.exchange.write()
        if self.stage == "renamed":
            self.exchange.reopen()
        self.reading.read_to_the_end()
        self.reading.follower.close()
        self.exchange.log.close()
        shutil.rmtree(self.folder)

        assert self.reading.lines == self.exchange.written
        assert self.reading.losses == []


TestRotations = Rotations.TestCase
TestRotations.settings = settings(max_examples=300, stateful_step_count=40)


@given(
    before=st.integers(1, 30),
    unseen=st.integers(0, 5),
    after=st.integers(1, 30),
    reads=st.integers(1, 30),
    killed=st.booleans(),
)
@settings(max_examples=60)
def test_a_log_that_was_emptied_without_a_copy_is_a_counted_loss(
    before: int,
    unseen: int,
    after: int,
    reads: int,
    killed: bool,  # noqa: FBT001 - Hypothesis passes it by name
) -> None:
    """The loss is what was seen and not read, to the byte; what comes after is read."""
    with tempfile.TemporaryDirectory() as folder, mock.patch.object(log_files, "CHUNK", 128):
        exchange = Exchange(Path(folder))
        exchange.write(before)
        reading = Reading(exchange.log.path)
        for _ in range(reads):
            reading.read()
        done = len(reading.lines)
        seen = exchange.log.path.stat().st_size
        exchange.write(unseen)
        exchange.log.empty()
        if killed:
            reading.kill()
        exchange.write(after)
        reading.read_to_the_end()
        reading.follower.close()
        exchange.log.close()

    left = seen - sum(len(line) + 1 for line in exchange.written[:done])
    assert reading.lines == exchange.written[:done] + exchange.written[before + unseen :]
    assert reading.losses == [Loss(left)]
