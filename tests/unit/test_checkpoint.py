"""How far a log was read: written down so that no crash loses it, used by one process at a time."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from agents.sources.checkpoint import Checkpoint, CheckpointError, CheckpointFile
from agents.sources.log_files import Position
from agents.sources.state_folder import StateFolderError, locked

if TYPE_CHECKING:
    from pathlib import Path

CHECKPOINT = Checkpoint(
    log="/var/log/asterisk/queue_log",
    organisation="exempelkommun",
    position=Position(device=1, inode=2, signature="ab", began=3, modified=4, offset=5, seen=6),
    parser=b"\x01\x00\xff",
)

HOLD = """
import sys, pathlib
sys.path.insert(0, {root!r})
from agents.sources.state_folder import locked
with locked(pathlib.Path({folder!r}), "lock"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def file(tmp_path: Path) -> CheckpointFile:
    """A checkpoint that was never saved."""
    return CheckpointFile(tmp_path / "queue_log.json")


def test_what_was_saved_is_loaded(file: CheckpointFile) -> None:
    """All of it, also bytes that are no text; before the first time there is nothing."""
    before = file.load()
    file.save(CHECKPOINT)

    assert before is None
    assert file.load() == CHECKPOINT


def test_only_its_owner_may_read_it(file: CheckpointFile) -> None:
    """It holds ids of calls."""
    file.save(CHECKPOINT)

    assert file.path.stat().st_mode & 0o077 == 0


def test_a_crash_while_it_is_written_leaves_the_old_one(file: CheckpointFile) -> None:
    """Half a new one lies beside it and is overwritten the next time."""
    file.save(CHECKPOINT)
    file.path.with_suffix(".new").write_bytes(b'{"version":1,"log":"/var')
    after_the_crash = file.load()
    file.save(CHECKPOINT)

    assert after_the_crash == CHECKPOINT
    assert file.load() == CHECKPOINT
    assert not file.path.with_suffix(".new").exists()


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"{}", b'{"version": 2}', b"[1]"])
def test_a_checkpoint_of_somebody_else_says_what_to_do(
    file: CheckpointFile, content: bytes
) -> None:
    """It is never taken for the beginning, since that would lie about what was read."""
    file.path.write_bytes(content)

    with pytest.raises(CheckpointError, match="Move it away to read the log anew"):
        file.load()


def test_a_folder_is_held_until_its_process_ends_however_that_is(tmp_path: Path) -> None:
    """A second one is told so; after `kill -9` of the first it may begin."""
    program = HOLD.format(root=str(sys.path[0]), folder=str(tmp_path))
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        held = holder.stdout.readline()
        with pytest.raises(StateFolderError, match="another source uses"), locked(tmp_path, "lock"):
            pass
        holder.kill()
        holder.wait(10)
    with locked(tmp_path, "lock"):
        free = True

    assert held == b"held\n"
    assert free


def test_a_folder_that_cannot_be_made_says_what_to_do(tmp_path: Path) -> None:
    """The message names the folder and the setting."""
    (tmp_path / "file").touch()

    with (
        pytest.raises(StateFolderError, match="write another `state_dir`"),
        locked(tmp_path / "file" / "state", "lock"),
    ):
        pass
