"""Folded hours: the past of one channel of one organisation, kept as it is stored.

Years of it must neither slow a restart nor fill the memory. So the rows stay bytes, which the table
of rows holds anyway, and are read when somebody asks what became of those who arrived in an hour.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

from streams.folded_rows import decode_folded, folded_cells
from streams.instants import DAY, HOUR

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from streams.cells import Cell
    from streams.plans import Plan

KEPT = 1096 * DAY
"""Three years, one of them a leap year."""

HOURS_READ = 4 * 24
"""How many hours are remembered as they were read: a day is asked for more than once."""
NOBODY: Mapping[str, Cell] = {}
LAYOUT = 1
"""Raised when the same rows come to other rollups than before."""


class Row(NamedTuple):
    """A stored row: its key, the offset it carries and its value."""

    key: bytes
    offset: int
    value: bytes


class FoldedHours:
    """Rows of folded hours, the one that knows most of each.

    Attributes:
        rows: by the hour in which their contacts were first seen.
        begins: instant before which nothing is kept.
        checksum: of all rows together, whatever order they came in, and of how they are laid out.
    """

    def __init__(self, plan: Plan) -> None:
        """Nothing folded yet."""
        self.rows: dict[int, Row] = {}
        self.begins = 0
        layout = repr((LAYOUT, plan.promise_names, str(plan.zone)))
        self.checksum = _checksum(0, layout.encode())
        self._plan = plan
        self._rows_of: dict[int, tuple[int, ...]] = {}
        """For each hour of arrival the hours of first sight whose rows tell of it."""
        self._read: dict[int, Mapping[str, Cell]] = {}
        """Hours of arrival that were asked for of late."""

    def keep(self, hour: int, key: bytes, value: bytes) -> bytes | None:
        """Take in a row; the key of the one that it supersedes, or its own if it is superseded.

        Two writers may have folded the same hour. Whoever had read further knows every fact that
        the other knew.

        Raises:
            StateError: the row cannot be read.
        """
        folded = decode_folded(value)
        row, known = Row(key, folded.offset, value), self.rows.get(hour)
        if known is not None:
            if (known.offset, known.value) >= (row.offset, row.value):
                return None if known.key == key else key
            self._let_go(hour)
        self.rows[hour] = row
        self.checksum ^= _checksum(hour, value)
        for arrived in folded.hours:
            self._rows_of[arrived] = (*self._rows_of.get(arrived, ()), hour)
        self._read.clear()
        return None if known is None or known.key == key else known.key

    def at(self, hour: int) -> Mapping[str, Cell]:
        """What became of everybody in these rows who arrived in an hour, by part; only to be read.

        Raises:
            StateError: a row cannot be read.
        """
        telling = self._rows_of.get(hour)
        if telling is None:
            return NOBODY
        read = self._read.get(hour)
        if read is not None:
            return read
        cells: dict[str, Cell] = {}
        for first_seen in telling:
            row = decode_folded(self.rows[first_seen].value)
            for part, cell in folded_cells(self._plan, row, hour):
                if part in cells:
                    cells[part].include(cell)
                else:
                    cells[part] = cell
        if len(self._read) >= HOURS_READ:
            self._read.clear()
        self._read[hour] = cells
        return cells

    def forget_read(self) -> None:
        """Give back the memory of what was read."""
        self._read.clear()

    def hours(self) -> Iterable[int]:
        """The hours in which somebody arrived of whom these rows tell."""
        return self._rows_of.keys()

    def expire(self, before: int) -> list[bytes]:
        """Let go of what is older than an instant, by whole UTC days; the keys of these rows.

        A row stays as long as one of the hours it tells of.
        """
        begins = before // DAY * DAY
        if begins <= self.begins:
            return []
        self.begins = begins
        first = begins // HOUR
        return [
            self._let_go(hour).key
            for hour in [hour for hour in self.rows if hour < first]
            if max(decode_folded(self.rows[hour].value).hours, default=hour) < first
        ]

    def _let_go(self, hour: int) -> Row:
        row = self.rows.pop(hour)
        self.checksum ^= _checksum(hour, row.value)
        for arrived in decode_folded(row.value).hours:
            left = tuple(one for one in self._rows_of.pop(arrived) if one != hour)
            if left:
                self._rows_of[arrived] = left
        self._read.clear()
        return row


def _checksum(hour: int, value: bytes) -> int:
    return int.from_bytes(blake2b(value, digest_size=8, salt=hour.to_bytes(8)).digest())
