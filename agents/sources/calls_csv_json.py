"""Files of JSON objects -> rows, an object at a time.

One object a line, objects without anything between them (as Amazon Data Firehose stores them), a
list of objects, spread over lines or not: whatever stands between braces is a record.
"""

from __future__ import annotations

import re
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import unquote

import msgspec

from streams.parsers.rows import RowError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.parsers.calls_csv_mapping import CallsCsvMapping

LONGEST_OBJECT = 1024 * 1024
CHUNK = 64 * 1024
BETWEEN = b" \t\r\n,[]\xef\xbb\xbf"
"""What may stand between objects; the last three say UTF-8 at the beginning of a file."""

_TOKEN = re.compile(rb'"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"|["{}]')
"""A whole text, a text that does not end on its line, or a brace."""


class ObjectReader:
    """Reads a stream of objects by one mapping.

    Attributes:
        seen: columns of the mapping that some object had.
        names: what the first object calls its columns.
    """

    def __init__(self, mapping: CallsCsvMapping) -> None:
        self.seen: set[str] = set()
        self.names: tuple[str, ...] = ()
        self._ignore_case = mapping.ignore_case
        self._percent_encoded = mapping.percent_encoded
        self._paths = {
            name: tuple((name.casefold() if mapping.ignore_case else name).split("."))
            for name in mapping.wanted()
        }

    def rows(self, stream: IO[bytes]) -> Iterator[tuple[int, dict[str, str] | RowError]]:
        """Each object as a row with the line it begins on, or what is wrong with it."""
        for line, piece in _pieces(stream):
            if isinstance(piece, RowError):
                yield line, piece
                continue
            try:
                found = msgspec.json.decode(piece)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                yield line, RowError("is not JSON; a brace, a quote or a comma is missing")
                continue
            if not self.names:
                self.names = tuple(_names(found))
            yield line, self._row(_folded(found) if self._ignore_case else found)

    def _row(self, found: dict[str, Any]) -> dict[str, str]:
        row = {}
        for name, path in self._paths.items():
            value: Any = found
            for step in path:
                if not isinstance(value, dict) or step not in value:
                    value = None
                    break
                value = value[step]
            else:
                self.seen.add(name)
            text = _text(value)
            row[name] = unquote(text) if self._percent_encoded else text
        return row


def _text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _folded(value: object) -> Any:
    if not isinstance(value, dict):
        return value
    return {key.casefold(): _folded(inner) for key, inner in value.items()}


def _names(value: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """The dotted names of everything in an object."""
    for key, inner in value.items():
        yield f"{prefix}{key}"
        if isinstance(inner, dict):
            yield from _names(inner, f"{prefix}{key}.")


def _pieces(stream: IO[bytes]) -> Iterator[tuple[int, bytes | RowError]]:
    """The bytes of each object with the line it begins on, or what else stood there."""
    splitter = _Splitter()
    while chunk := stream.read(CHUNK):
        yield from splitter.feed(chunk)
    yield from splitter.close()


class _Splitter:
    """Finds where objects begin and end; keeps no more than one of them, and none too long."""

    def __init__(self) -> None:
        self._buffer = b""
        self._cut = 0
        self._at = 0
        self._line = 1
        self._depth = 0
        self._begun_on = 1
        self._too_long = False
        self._strange_on: int | None = None

    def feed(self, chunk: bytes) -> Iterator[tuple[int, bytes | RowError]]:
        """What became whole with these bytes."""
        self._buffer += chunk
        yield from self._scan(last=False)
        self._forget()

    def close(self) -> Iterator[tuple[int, bytes | RowError]]:
        """What the end of the file leaves."""
        yield from self._scan(last=True)
        if self._depth:
            yield self._end(len(self._buffer), whole=False)
        else:
            yield from self._gap(len(self._buffer))

    def _scan(self, *, last: bool) -> Iterator[tuple[int, bytes | RowError]]:
        for token in _TOKEN.finditer(self._buffer, self._at):
            start, sign = token.start(), token[0]
            if sign == b'"' and not last and self._buffer.find(b"\n", start) < 0:
                # The next bytes may hold the rest of this text.
                self._at = start
                return
            if sign == b"{":
                # A line that begins like a record is one: so half a line costs itself only.
                if self._depth and self._buffer[start - 1 : start] == b"\n":
                    yield self._end(start, whole=False)
                if not self._depth:
                    yield from self._gap(start)
                    self._begun_on = self._line
                self._depth += 1
            elif sign == b"}" and self._depth:
                self._depth -= 1
                if not self._depth:
                    yield self._end(token.end(), whole=True)
        self._at = len(self._buffer)

    def _end(self, end: int, *, whole: bool) -> tuple[int, bytes | RowError]:
        piece = self._take(end)
        too_long = self._too_long or len(piece) > LONGEST_OBJECT
        self._depth, self._too_long = 0, False
        if too_long:
            wrong = f"longer than {LONGEST_OBJECT:,} bytes; is this a record of a call?"
            return self._begun_on, RowError(wrong)
        if not whole:
            return self._begun_on, RowError("breaks off; a closing brace is missing")
        return self._begun_on, piece

    def _gap(self, end: int) -> Iterator[tuple[int, bytes | RowError]]:
        """What stands between two objects, if it is more than nothing."""
        self._note_strange(end)
        if self._strange_on is not None:
            wrong = "is no JSON object; does the mapping's `format` fit?"
            yield self._strange_on, RowError(wrong)
        self._strange_on = None

    def _note_strange(self, end: int) -> None:
        line, piece = self._line, self._take(end)
        rest = piece.lstrip(BETWEEN)
        if rest and self._strange_on is None:
            self._strange_on = line + piece.count(b"\n", 0, len(piece) - len(rest))

    def _take(self, end: int) -> bytes:
        piece = self._buffer[self._cut : end]
        self._cut = end
        self._line += piece.count(b"\n")
        return piece

    def _forget(self) -> None:
        """Keep what is not whole yet, unless it is nothing or too much."""
        if not self._depth:
            self._note_strange(self._at)
        elif len(self._buffer) - self._cut > LONGEST_OBJECT:
            self._too_long = True
            self._take(self._at - 1)
        self._buffer = self._buffer[self._cut :]
        self._at -= self._cut
        self._cut = 0
        if len(self._buffer) > LONGEST_OBJECT:
            self._shorten_text()

    def _shorten_text(self) -> None:
        """Leave out the middle of a text that goes on and on."""
        text = self._buffer[self._at :]
        escapes = len(text) - len(text.rstrip(b"\\"))
        self._buffer = self._buffer[: self._at + 1] + b"\\" * (escapes % 2)
