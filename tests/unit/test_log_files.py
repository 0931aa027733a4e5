"""One log on the disk: whole lines, packed or not, and how it is told from others."""

from __future__ import annotations

import bz2
import gzip
import lzma
from typing import TYPE_CHECKING

import pytest

from agents.sources.log_files import CHUNK, LONGEST_LINE, DamagedLogError, LogFile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LINES = [b"%d|1.%d|vaxel|NONE|ENTERQUEUE||0511|1" % (1_772_438_400 + n, n) for n in range(20_000)]
TEXT = b"\n".join(LINES) + b"\n"


def lines_of(log: LogFile) -> list[bytes]:
    """All that it hands on."""
    found: list[bytes] = []
    while lines := log.take():
        found += lines
    return found


@pytest.mark.parametrize(
    "pack", [bytes, gzip.compress, bz2.compress, lzma.compress], ids=["plain", "gz", "bz2", "xz"]
)
def test_a_log_is_read_whole_and_from_any_line_packed_or_not(
    tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    """Read in two parts by two readers, it has the lines that were written, in their order."""
    path = tmp_path / "queue_log"
    path.write_bytes(pack(TEXT))
    with LogFile(path) as log:
        first = log.take()
        position = log.position
    with LogFile(path) as log:
        log.go_to(position)
        rest = lines_of(log)

    assert 0 < len(first) < len(LINES)
    assert first + rest == LINES
    assert position.offset == sum(len(line) + 1 for line in first)


def test_the_same_log_has_the_same_signature_packed_or_not(tmp_path: Path) -> None:
    """What it begins with is what was written, however it is stored; and when it was begun."""
    plain, packed = tmp_path / "queue_log", tmp_path / "queue_log.1.gz"
    plain.write_bytes(TEXT)
    packed.write_bytes(gzip.compress(TEXT[: len(TEXT) // 2]))
    with LogFile(plain) as one, LogFile(packed) as other:
        heads = one.head, other.head

    assert heads[0] == heads[1]
    assert heads[0].began == 1_772_438_400


def test_half_a_line_waits_for_its_other_half(tmp_path: Path) -> None:
    """A line is handed on when its end is there, and then in one piece."""
    path = tmp_path / "queue_log"
    path.write_bytes(LINES[0] + b"\n" + LINES[1][:20])
    with LogFile(path) as log, path.open("ab") as file:
        before, pending, offset = lines_of(log), log.pending, log.position.offset
        file.write(LINES[1][20:] + b"\n")
        file.flush()
        after = lines_of(log)

    assert before == [LINES[0]]
    assert (pending, offset) == (20, len(LINES[0]) + 1)
    assert after == [LINES[1]]


def test_a_line_that_never_ends_costs_no_memory_and_no_other_line(tmp_path: Path) -> None:
    """It is handed on once, cut off; whoever begins in the middle of it leaves the rest out."""
    path = tmp_path / "queue_log"
    endless = b"x" * (3 * CHUNK)
    path.write_bytes(LINES[0] + b"\n" + endless)
    with LogFile(path) as log:
        before = lines_of(log)
        position = log.position
    with path.open("ab") as file:
        file.write(endless + b"\n" + LINES[1] + b"\n")
    with LogFile(path) as log:
        log.go_to(position)
        after = lines_of(log)

    assert [len(line) for line in before] == [len(LINES[0]), LONGEST_LINE + 1]
    assert position.overlong
    assert after == [LINES[1]]


@pytest.mark.parametrize(
    ("text", "emptied"),
    [
        pytest.param(TEXT, False, id="nothing happened"),
        pytest.param(TEXT + LINES[0] + b"\n", False, id="it grew"),
        pytest.param(b"", True, id="emptied"),
        pytest.param(LINES[5] + b"\n", True, id="emptied and begun anew"),
        pytest.param(b"\n".join(LINES[5:]) + b"\n" + TEXT, True, id="grown longer since"),
        pytest.param(TEXT[:-100], True, id="shorter"),
    ],
)
def test_a_log_that_is_begun_anew_in_place_is_noticed(
    tmp_path: Path,
    text: bytes,
    emptied: bool,  # noqa: FBT001 - a parameter
) -> None:
    """By its length or by its first line, whichever tells."""
    path = tmp_path / "queue_log"
    path.write_bytes(TEXT)
    with LogFile(path) as log:
        lines_of(log)
        path.write_bytes(text)

        assert log.was_emptied() == emptied


def test_a_packed_log_that_breaks_off_says_so(tmp_path: Path) -> None:
    """What could be unpacked is handed on first; then comes an error with the file's name."""
    path = tmp_path / "queue_log.1.gz"
    path.write_bytes(gzip.compress(TEXT)[:-2_000])
    with LogFile(path) as log, pytest.raises(DamagedLogError) as raised:
        lines_of(log)

    assert raised.value.filename == str(path)


@pytest.mark.parametrize("start", [b"\x28\xb5\x2f\xfd", b"\x1f\x8bno gzip at all"])
def test_what_cannot_be_unpacked_is_refused_at_once(tmp_path: Path, start: bytes) -> None:
    """Neither zstd nor a file that only looks like gzip passes for an empty log."""
    path = tmp_path / "queue_log.1.zst"
    path.write_bytes(start + TEXT)

    with pytest.raises(DamagedLogError):
        LogFile(path)
