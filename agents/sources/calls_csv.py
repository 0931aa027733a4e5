"""Tables of calls from files -> events, one row at a time.

Rows that cannot be read are told and skipped; what contradicts itself is counted. The file is read
once, line by line, so its length does not matter.
"""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from agents.input_files import numbered_lines
from agents.settings.problems import suggestion
from streams.errors import KontaktpulsError
from streams.parsers.rows import RowError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from streams.events import CallRecord
    from streams.parsers.calls_csv import CallsCsvParser
    from streams.parsers.calls_csv_mapping import CallsCsvMapping

LONGEST_ROW = 64 * 1024
BYTE_ORDER_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"


class HeaderError(KontaktpulsError):
    """The first line does not name the columns the mapping reads."""


@dataclass
class Summary:
    """What became of the rows of one file.

    Attributes:
        rows: all of them, without the header and blank lines.
        events: rows that became a call.
        no_calls: rows that are none, by reason.
        contradictions: how often each check failed.
        examples: the first line on which it did.
        bad: rows that could not be read.
    """

    rows: int = 0
    events: int = 0
    no_calls: Counter[str] = field(default_factory=Counter)
    contradictions: Counter[str] = field(default_factory=Counter)
    examples: dict[str, int] = field(default_factory=dict)
    bad: int = 0


def convert_calls(
    stream: IO[bytes],
    parser: CallsCsvParser,
    *,
    on_event: Callable[[CallRecord], object],
    on_bad_row: Callable[[int, str], object],
) -> Summary:
    """Read a whole table; `on_bad_row` gets the line and what is wrong with it.

    Raises:
        HeaderError: a column is missing, or named twice.
    """
    summary = Summary()
    for line, row in read_rows(stream, parser.mapping):
        summary.rows += 1
        try:
            if isinstance(row, RowError):
                raise row
            parsed = parser.parse(row)
        except RowError as error:
            summary.bad += 1
            on_bad_row(line, str(error))
            continue
        for name in parsed.contradictions:
            summary.contradictions[name] += 1
            summary.examples.setdefault(name, line)
        if parsed.no_call is not None:
            summary.no_calls[parsed.no_call] += 1
        if parsed.event is not None:
            summary.events += 1
            on_event(parsed.event)
    return summary


def read_rows(
    stream: IO[bytes], mapping: CallsCsvMapping
) -> Iterator[tuple[int, dict[str, str] | RowError]]:
    """Each row with its line, or what is wrong with it.

    A row is a line. Quotes may hold the delimiter but no line end: so a quote that nobody closes
    costs its own row, not all that follow.

    Raises:
        HeaderError: a column is missing, or named twice.
    """
    lines = numbered_lines(stream, longest=LONGEST_ROW)
    header: list[str] | None = None
    for number, raw in lines:
        if not raw.strip():
            continue
        try:
            fields = _fields(raw, mapping)
        except RowError as error:
            if header is None:
                raise HeaderError(str(error)) from None
            yield number, error
            continue
        if header is None:
            header = _header(fields, mapping)
        elif len(fields) != len(header):
            wrong = f"{len(fields)} columns, but the first line names {len(header)}"
            yield number, RowError(wrong)
        else:
            yield number, dict(zip(header, fields, strict=True))
    if header is None:
        msg = "the file is empty; its first line should name the columns"
        raise HeaderError(msg)


def _fields(raw: bytes, mapping: CallsCsvMapping) -> list[str]:
    if len(raw) > LONGEST_ROW:
        msg = f"longer than {LONGEST_ROW:,} bytes; is this a table of calls?"
        raise RowError(msg)
    try:
        # Spreadsheets begin a file with a byte order mark, before the first column's name.
        text = raw.decode(mapping.encoding).removeprefix(BYTE_ORDER_MARK)
    except UnicodeDecodeError as error:
        msg = f"byte {error.start + 1} is not {mapping.encoding}; write the file's own `encoding`"
        raise RowError(msg) from None
    delimiter = "\t" if mapping.delimiter == "tab" else mapping.delimiter
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True))
    except csv.Error as error:
        msg = f"cannot be split into columns: {error}"
        raise RowError(msg) from None


def _header(fields: list[str], mapping: CallsCsvMapping) -> list[str]:
    header = [name.strip() for name in fields]
    wanted = mapping.columns()
    for name in wanted:
        if header.count(name) > 1:
            msg = f"the column `{name}` is there twice; rename one of them in the first line"
            raise HeaderError(msg)
    missing = [name for name in wanted if name not in header]
    if missing:
        told = "; ".join(f"no column `{name}` ({suggestion(name, header)})" for name in missing)
        msg = f"{told}; mend the mapping, or its `delimiter` if all columns came as one"
        raise HeaderError(msg)
    return header


def render_summary(summary: Summary, explain: Callable[[str], str]) -> Iterable[str]:
    """The summary in lines for a person; `explain` says what a contradiction means."""
    yield f"{summary.rows:>9,} rows read"
    yield f"{summary.events:>9,} events"
    yield f"{summary.no_calls.total():>9,} rows that are no call to a queue"
    for reason, number in summary.no_calls.most_common():
        yield f"{number:>13,} {reason}"
    yield f"{summary.bad:>9,} rows that could not be read"
    yield f"{summary.contradictions.total():>9,} contradictions, none of them mended"
    for name, number in summary.contradictions.most_common():
        line = summary.examples[name]
        yield f"{number:>13,} {name} (first on line {line:,}): {explain(name)}"
