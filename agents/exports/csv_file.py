"""An export as one long table: a row for each value, for programs and for pivot tables.

UTF-8 with a byte order mark, which is how Excel tells it from the code page of Windows; commas, a
dot as decimal sign, no separators of thousands; an empty cell is no data. docs/exports.md lists the
columns.
"""

from __future__ import annotations

import csv
from codecs import BOM_UTF8
from io import StringIO
from itertools import islice
from typing import TYPE_CHECKING, Final

from agents.exports.csv_columns import COLUMNS
from agents.exports.csv_rows import rows_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from streams.exports.model import Export
    from streams.organisations import Language

ROWS_A_CHUNK: Final = 2_000


def csv_file(export: Export, language: Language) -> bytes:
    """The table of one export."""
    return b"".join(csv_chunks((export,), language))


def csv_chunks(exports: Iterable[Export], language: Language) -> Iterator[bytes]:
    """The table of one or more exports, one below the other under one head, piece by piece."""
    buffer = StringIO()
    write = csv.writer(buffer, lineterminator="\n").writerows
    write([tuple(COLUMNS)])
    yield BOM_UTF8 + buffer.getvalue().encode()
    for export in exports:
        rows = rows_of(export, language)
        while chunk := tuple(islice(rows, ROWS_A_CHUNK)):
            buffer.seek(0)
            buffer.truncate()
            write(chunk)
            yield buffer.getvalue().encode()
