"""Tables of calls -> rows, a line at a time."""

from __future__ import annotations

import csv
from typing import IO, TYPE_CHECKING
from urllib.parse import unquote

from agents.input_files import numbered_lines
from agents.settings.problems import suggestion
from streams.errors import KontaktpulsError
from streams.parsers.rows import RowError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.parsers.calls_csv_mapping import CallsCsvMapping

LONGEST_ROW = 64 * 1024
BYTE_ORDER_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"
DELIMITERS = {",": '","', ";": '";"', "\t": "tab", "|": '"|"'}
"""What tables are written with, as a mapping says it."""


class HeaderError(KontaktpulsError):
    """The table does not have the columns that the mapping reads."""


def read_rows(
    stream: IO[bytes], mapping: CallsCsvMapping
) -> Iterator[tuple[int, dict[str, str] | RowError]]:
    """Each row with its line, or what is wrong with it.

    A row is a line. Quotes may hold the delimiter but no line end: so a quote that nobody closes
    costs its own row, not all that follow.

    Raises:
        HeaderError: a column is missing, or named twice.
    """
    header: list[str] | None = None
    named_by = "the mapping" if mapping.columns else "the first line"
    empty = True
    for number, raw in numbered_lines(stream, longest=LONGEST_ROW):
        if not raw.strip():
            continue
        try:
            text = _text(raw, mapping)
            if empty:
                _check_delimiter(text, mapping)
            empty = False
            fields = _fields(text, mapping)
        except RowError as error:
            if header is None and not mapping.columns:
                raise HeaderError(str(error)) from None
            yield number, error
            continue
        if header is None:
            header = _header(fields, mapping)
            if not mapping.columns:
                continue
        if len(fields) != len(header):
            wrong = f"{len(fields)} columns, but {named_by} names {len(header)}"
            yield number, RowError(wrong)
        else:
            yield number, dict(zip(header, fields, strict=True))
    if empty:
        msg = "the file is empty"
        if not mapping.columns:
            msg += "; its first line should name the columns"
        raise HeaderError(msg)


def _text(raw: bytes, mapping: CallsCsvMapping) -> str:
    if len(raw) > LONGEST_ROW:
        msg = f"longer than {LONGEST_ROW:,} bytes; is this a table of calls?"
        raise RowError(msg)
    try:
        # Spreadsheets begin a file with a byte order mark, before the first column's name.
        return raw.decode(mapping.encoding).removeprefix(BYTE_ORDER_MARK)
    except UnicodeDecodeError as error:
        msg = f"byte {error.start + 1} is not {mapping.encoding}; write the file's own `encoding`"
        raise RowError(msg) from None


def _fields(text: str, mapping: CallsCsvMapping) -> list[str]:
    try:
        fields = _split(text, _delimiter(mapping))
    except csv.Error as error:
        msg = f"cannot be split into columns: {error}"
        raise RowError(msg) from None
    return [unquote(field) for field in fields] if mapping.percent_encoded else fields


def _split(text: str, delimiter: str) -> list[str]:
    return next(csv.reader([text], delimiter=delimiter, strict=True))


def _columns_by(delimiter: str, line: str) -> int:
    """How many columns a delimiter makes of a line; none if the quotes do not fit it."""
    try:
        return len(_split(line, delimiter))
    except csv.Error:
        return 0


def _delimiter(mapping: CallsCsvMapping) -> str:
    return "\t" if mapping.delimiter == "tab" else mapping.delimiter


def _check_delimiter(line: str, mapping: CallsCsvMapping) -> None:
    """Say one plain sentence of a file that is something else; the line may be a call, so no more.

    Raises:
        HeaderError: nothing in the first line separates columns, or it is JSON.
    """
    if line.lstrip()[:1] in ("{", "["):
        msg = "this is JSON; write `format: json` in the mapping"
        raise HeaderError(msg)
    found = _columns_by(_delimiter(mapping), line)
    if found > 1 or max(len(mapping.wanted()), len(mapping.columns)) < 2:
        return
    likely = max(DELIMITERS, key=lambda delimiter: _columns_by(delimiter, line))
    if _columns_by(likely, line) > 1:
        msg = f"the columns are not separated so; write `delimiter: {DELIMITERS[likely]}` in the "
        raise HeaderError(msg + "mapping")
    if found:
        msg = "the whole line is one column; is this a table of calls?"
        raise HeaderError(msg)


def _header(fields: list[str], mapping: CallsCsvMapping) -> list[str]:
    """The names of the columns, as the mapping writes them."""
    wanted = mapping.wanted()
    if mapping.columns:
        if len(fields) != len(mapping.columns):
            msg = f"{len(fields)} columns, but the mapping names {len(mapping.columns)} under "
            raise HeaderError(msg + "`columns`; name those of this file, in its order")
        header = list(mapping.columns)
    else:
        header = [name.strip() for name in fields]
    if mapping.ignore_case:
        spelt = {name.casefold(): name for name in wanted}
        header = [spelt.get(name.casefold(), name) for name in header]
    for name in wanted:
        if header.count(name) > 1:
            msg = f"the column `{name}` is there twice; rename one of them in the first line"
            raise HeaderError(msg)
    missing = [name for name in wanted if name not in header]
    if missing == list(wanted):
        # Then it may be a call, with names and numbers of people.
        msg = "no column of the mapping is named here; if this is a call, write the names of the "
        raise HeaderError(msg + "columns as `columns` in the mapping")
    if missing:
        told = "; ".join(f"no column `{name}` ({suggestion(name, header)})" for name in missing)
        msg = f"{told}; mend the mapping"
        raise HeaderError(msg)
    return header
