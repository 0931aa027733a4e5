"""Files given on the command line: compressed or not, or `-` for standard input."""

from __future__ import annotations

import contextlib
import gzip
import sys
import zlib
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple, cast

import msgspec

from streams.events import MAX_EVENT_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedReader

GZIP_MAGIC = b"\x1f\x8b"
BOM = b"\xef\xbb\xbf"
DAMAGED = (OSError, EOFError, zlib.error)
"""What reading a file may raise: it is gone, or its gzip breaks off or is none."""

STANDARD_INPUT = Path("-")


class Input(NamedTuple):
    """An opened file.

    Attributes:
        name: how messages call it.
        stream: its bytes, decompressed.
        length: how many they are, where the file itself says it.
    """

    name: str
    stream: IO[bytes]
    length: int | None


def shown_name(path: Path) -> str:
    """How messages call a file."""
    return "<stdin>" if path == STANDARD_INPUT else str(path)


@contextlib.contextmanager
def open_input(path: Path) -> Iterator[Input]:
    """A file opened for reading, decompressed if its first two bytes say gzip.

    Raises `OSError` if there is none; reading it may raise any of `DAMAGED`.
    """
    with contextlib.ExitStack() as opened:
        if path == STANDARD_INPUT:
            raw, length = cast("BufferedReader", sys.stdin.buffer), None
        else:
            raw, length = opened.enter_context(path.open("rb")), path.stat().st_size
        if raw.peek(2)[:2] == GZIP_MAGIC:
            packed = opened.enter_context(gzip.GzipFile(fileobj=raw))
            yield Input(shown_name(path), cast("IO[bytes]", packed), None)
        else:
            yield Input(shown_name(path), raw, length)


def numbered_lines(stream: IO[bytes], *, longest: int) -> Iterator[tuple[int, bytes]]:
    """Lines with their numbers from 1, without their ends.

    What goes on beyond `longest` bytes is cut off at the next one, so that a file without line ends
    costs no memory; whoever reads the line can tell by its length.
    """
    number = 0
    while line := stream.readline(longest + 2):
        number += 1
        rest = line
        while rest and not rest.endswith(b"\n"):
            rest = stream.readline(longest + 2)
        yield number, line.rstrip(b"\r\n")[: longest + 1]


def event_lines(stream: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Lines of events that are not blank, with their numbers."""
    for number, line in numbered_lines(stream, longest=MAX_EVENT_BYTES):
        # Windows programs begin a file with three bytes that say UTF-8.
        if content := line.removeprefix(BOM).strip():
            yield number, content


def with_organisation(line: bytes, organisation: str) -> bytes:
    """An event with its organisation filled in, if it names none; other lines as they are."""
    try:
        event = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return line
    if not isinstance(event, dict) or "organisation" in event:
        return line
    return msgspec.json.encode(event | {"organisation": organisation})
