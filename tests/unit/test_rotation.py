"""What can happen to the files of a log, one thing at a time."""

from __future__ import annotations

import gzip
import os
import shutil
import time
from typing import TYPE_CHECKING, ClassVar
from unittest import mock

import pytest

from agents.sources.rotation import Follower, Loss
from tests.rotated_log import RotatedLog

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agents.sources.log_files import Position

START = int(time.time()) - 1_000


def line(number: int) -> bytes:
    """A line of a second of its own."""
    return b"%d|1.%d|vaxel|NONE|ENTERQUEUE||0511|1" % (START + number, number)


def text(*numbers: int) -> bytes:
    """Some lines with their ends."""
    return b"".join(line(number) + b"\n" for number in numbers)


class Reader:
    """A follower whose clock goes on by a second at each call."""

    followers: ClassVar[list[Follower]] = []

    def __init__(self, path: Path, position: Position | None = None) -> None:
        self.now = 0.0
        self.losses: list[Loss] = []
        self.follower = Follower(path, position, monotonic=lambda: self.now)
        self.followers.append(self.follower)

    def read(self, times: int = 30) -> list[bytes]:
        """What some calls give."""
        found: list[bytes] = []
        for _ in range(times):
            self.now += 1
            found += self.follower.read()
            self.losses += self.follower.told_losses()
        return found

    def stop(self) -> Position:
        """Where it stopped."""
        self.follower.close()
        assert self.follower.position is not None
        return self.follower.position


@pytest.fixture(autouse=True)
def _close() -> Iterator[None]:
    """No test leaves a file open."""
    yield
    while Reader.followers:
        Reader.followers.pop().close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the log is."""
    return tmp_path / "queue_log"


def read_some(path: Path, *numbers: int) -> Position:
    """A log with some lines, all of them read by somebody who then stopped."""
    path.write_bytes(text(*numbers))
    reader = Reader(path)
    assert reader.read(2) == [line(number) for number in numbers]
    return reader.stop()


def test_a_log_that_is_not_there_yet_is_waited_for(path: Path) -> None:
    """It says what it waits for, and begins when the log is there."""
    reader = Reader(path)
    before, trouble = reader.read(3), reader.follower.trouble
    path.write_bytes(text(1))
    after = reader.read(3)

    assert before == []
    assert trouble == f"`{path}` is not there; it is waited for"
    assert after == [line(1)]
    assert reader.follower.trouble is None
    assert reader.follower.at_end


def test_older_files_are_not_read_at_the_first_start(path: Path) -> None:
    """The log is read from its beginning; what was rotated away before is left to `convert`."""
    path.with_name("queue_log.1").write_bytes(text(1, 2))
    path.write_bytes(text(3))

    assert Reader(path).read() == [line(3)]


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(["queue_log.3", "queue_log.2", "queue_log.1"], id="logrotate"),
        pytest.param(["queue_log.3.gz", "queue_log.2.gz", "queue_log.1"], id="packed"),
        pytest.param(["queue_log.0", "queue_log.1", "queue_log.2"], id="Asterisk, sequential"),
        pytest.param(
            ["queue_log.1772438400", "queue_log.1772524800", "queue_log.1772611200"],
            id="Asterisk, timestamp",
        ),
        pytest.param(
            ["queue_log-20260302.gz", "queue_log-20260303.gz", "queue_log-20260304"], id="dateext"
        ),
    ],
)
def test_several_rotations_while_nobody_looked_are_all_read(path: Path, names: list[str]) -> None:
    """The rest of the file that was read last, then each one after it, then the log itself."""
    position = read_some(path, 1, 2)
    for name, numbers in zip(names, [(1, 2, 3), (4, 5), (6,)], strict=True):
        piece = path.with_name(name)
        content = text(*numbers)
        piece.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    path.unlink()
    path.write_bytes(text(7))
    reader = Reader(path, position)

    assert reader.read() == [line(number) for number in (3, 4, 5, 6, 7)]
    assert reader.losses == []


def test_what_is_written_to_a_renamed_log_comes_before_the_new_one(path: Path) -> None:
    """The writer goes on under the old name until it opens the new one, which may be made early."""
    log = RotatedLog(path)
    log.append(text(1))
    reader = Reader(path)
    found = reader.read(2)
    log.rename()
    path.touch()
    log.append(text(2))
    found += reader.read(20)
    vouched = reader.follower.at_end
    log.append(text(3))
    log.reopen()
    log.append(text(4))
    found += reader.read(20)
    log.close()

    assert found == [line(number) for number in (1, 2, 3, 4)]
    assert vouched


def test_a_line_written_between_two_looks_at_the_files_is_not_passed_over(path: Path) -> None:
    """The old file is read once more after the new one was seen."""
    log = RotatedLog(path)
    log.append(text(1))
    reader = Reader(path)
    found = reader.read(2)
    log.rename()
    look = reader.follower._siblings.status

    def look_late() -> os.stat_result | None:
        if not path.exists():
            log.append(text(2))
            log.reopen()
            log.append(text(3))
        return look()

    with mock.patch.object(reader.follower._siblings, "status", look_late):
        found += reader.read()
    log.close()

    assert found == [line(number) for number in (1, 2, 3)]


def test_the_tail_of_an_emptied_log_is_read_from_its_copy(path: Path) -> None:
    """What was not read before the emptying comes from the copy, and once."""
    log = RotatedLog(path)
    log.append(text(1))
    reader = Reader(path)
    found = reader.read(2)
    log.append(text(2))
    log.copy()
    log.empty()
    log.append(text(3))
    found += reader.read()
    log.close()

    assert found == [line(number) for number in (1, 2, 3)]
    assert reader.losses == []


def test_a_copy_that_is_shorter_than_what_was_read_is_no_loss(path: Path) -> None:
    """Lines that came between the copying and the emptying were read in time."""
    log = RotatedLog(path)
    log.append(text(1))
    log.copy()
    log.append(text(2))
    reader = Reader(path)
    found = reader.read(2)
    log.empty()
    log.append(text(3))
    found += reader.read()
    log.close()

    assert found == [line(number) for number in (1, 2, 3)]
    assert reader.losses == []


def test_a_tail_whose_copy_is_gone_is_told_as_lost(path: Path) -> None:
    """It waits for a while, since files are renamed and packed; then it tells, and goes on."""
    position = read_some(path, 1)
    path.write_bytes(text(3))
    reader = Reader(path, position)
    early = reader.read(9)
    late = reader.read(9)

    assert early == []
    assert late == [line(3)]
    assert reader.losses == [Loss(0)]


def test_a_log_that_disappears_for_a_while_is_no_loss(path: Path) -> None:
    """Its folder may not be mounted; it goes on where it stopped when it is back."""
    position = read_some(path, 1)
    away = path.with_name("somewhere else")
    path.rename(away)
    reader = Reader(path, position)
    missing = reader.read(100), reader.follower.trouble
    away.rename(path)
    with path.open("ab") as file:
        file.write(text(2))
    back = reader.read(3)

    assert missing == ([], f"`{path}` is not there; it is waited for")
    assert back == [line(2)]
    assert reader.losses == []


def test_a_log_that_was_cut_shorter_is_read_anew(path: Path) -> None:
    """Somebody edited it: what is gone is told, and what is left is read from its start."""
    position = read_some(path, 1, 2, 3)
    path.write_bytes(text(1, 2))
    reader = Reader(path, position)

    assert reader.read() == [line(1), line(2)]
    assert reader.losses == [Loss(0)]


def test_a_log_that_is_copied_here_from_elsewhere_is_followed(path: Path) -> None:
    """Each run of rsync makes a new file of the same log, a little longer."""
    path.write_bytes(text(1))
    reader = Reader(path)
    found = reader.read(3)
    for numbers in ((1, 2), (1, 2, 3)):
        fresh = path.with_name("fresh")
        fresh.write_bytes(text(*numbers))
        fresh.replace(path)
        found += reader.read(5)

    assert found == [line(1), line(2), line(3)]
    assert reader.losses == []


def test_copies_that_somebody_keeps_beside_the_log_are_not_read(path: Path) -> None:
    """A file with the same first line is the same log; older ones were read already."""
    path.with_name("queue_log.old").write_bytes(text(-5, -4))
    path.write_bytes(text(1))
    reader = Reader(path)
    found = reader.read(2)
    shutil.copy(path, path.with_name("queue_log.bak"))
    with path.open("ab") as file:
        file.write(text(2))
    found += reader.read(5)
    path.rename(path.with_name("queue_log.1"))
    path.write_bytes(text(3))
    shutil.copy(path, path.with_name("queue_log.save"))
    found += reader.read()

    assert found == [line(1), line(2), line(3)]


def test_a_file_that_may_hold_unread_lines_and_cannot_be_read_stops_the_reading(path: Path) -> None:
    """It says which and why, and goes on once it is readable, or away."""
    position = read_some(path, 1)
    damaged = path.with_name("queue_log.1.gz")
    packed = gzip.compress(text(1, 2))
    damaged.write_bytes(packed[:-6])
    path.write_bytes(text(3))
    reader = Reader(path, position)
    stuck = reader.read()
    trouble = reader.follower.trouble
    damaged.write_bytes(packed)
    found = reader.read()

    assert stuck == []
    assert trouble is not None
    assert str(damaged) in trouble
    assert "unpack it or pack it with gzip" in trouble
    assert found == [line(2), line(3)]
    assert reader.losses == []


def test_a_log_that_may_not_be_read_says_what_to_do(path: Path) -> None:
    """The remedy is a group, not the user of root."""
    path.write_bytes(text(1))
    reader = Reader(path)
    denied = PermissionError(13, "Permission denied", str(path))
    with mock.patch("agents.sources.log_files.LogFile.take", side_effect=denied):
        found = reader.read(3)
    trouble = reader.follower.trouble

    assert found == []
    assert trouble == (
        f"`{path}`: may not be read; make the user that this runs as a member of the file's group"
    )
    assert reader.read(3) == [line(1)]


def test_a_link_to_nowhere_beside_the_log_does_no_harm(path: Path) -> None:
    """Neither is it a piece of the log, nor a folder that does not stand still."""
    position = read_some(path, 1)
    path.with_name("queue_log.old").symlink_to("nowhere")
    path.rename(path.with_name("queue_log.1"))
    path.write_bytes(text(2))

    assert Reader(path, position).read() == [line(2)]


def test_half_a_line_at_the_end_of_a_finished_file_is_counted(path: Path) -> None:
    """Its other half will not come; the first line of the next file is not glued to it."""
    position = read_some(path, 1)
    path.rename(path.with_name("queue_log.1"))
    with path.with_name("queue_log.1").open("ab") as file:
        file.write(b"17724")
    path.write_bytes(text(2))
    reader = Reader(path, position)

    assert reader.read() == [line(2)]
    assert reader.follower.torsos == 1


def test_a_log_that_was_empty_at_first_is_found_after_its_rotation(path: Path) -> None:
    """What was begun since is read, whatever it is called by now."""
    path.touch()
    os.utime(path, (START, START))
    reader = Reader(path)
    reader.follower.begin()
    position = reader.stop()
    path.with_name("queue_log.1.gz").write_bytes(gzip.compress(text(1, 2)))
    path.write_bytes(text(3))

    assert Reader(path, position).read() == [line(1), line(2), line(3)]
