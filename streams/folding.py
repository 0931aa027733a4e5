"""Folding: what is left of a cohort once its contacts can no longer change.

When every contact of a cohort has its last fact and last due instant behind the horizon, the
cohort becomes counts by part and hour of arrival: a row that is assigned, never added to, and
that is ignored while the cohort itself still exists. An unanswered mail keeps its cohort from
being folded, but not for ever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from streams.cohorts import FRONTIERS
from streams.errors import StateError
from streams.instants import DAY, HOUR
from streams.tally import Cell

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streams.books import Book
    from streams.outcomes import Mark

LONGEST_OPEN = 400 * DAY
"""An obligation nobody answered or closed for longer than this is history like the others."""

FoldedCell = tuple[str, int, list[int], dict[int, int]]
"""Part, hour of arrival, counts, waits by whole second."""


class Folded(msgspec.Struct, frozen=True, array_like=True):
    """What one cohort came to.

    Attributes:
        offset: of the last input record its writer had applied; the highest wins.
        cells: one for each part and hour of arrival.
    """

    offset: int
    cells: list[FoldedCell]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Folded)


def folded_number(cohort: int) -> int:
    """The number under which a folded cohort is stored; its own inverse.

    >>> folded_number(folded_number(7))
    7
    """
    return FRONTIERS - 1 - cohort


def fold(book: Book, cohort: int, *, as_of: int, horizon: int, offset: int) -> Folded | None:
    """The counts of a cohort, or `None` while a contact of it can still change."""
    before = as_of - horizon
    cells: dict[tuple[str, int], Cell] = {}
    for contact_id in book.cohorts[cohort]:
        facts = book.contacts[contact_id].facts
        outcome = book.outcome(facts)
        marks = list(outcome.marks)
        for item in outcome.opens:
            if not item.expired(before) and item.opened >= as_of - LONGEST_OPEN:
                return None
            marks += item.marks(as_of)
        if any(mark[2] >= before for mark in marks) or any(f.last >= before for f in facts):
            return None
        _add(cells, marks, book.plan.width)
    folded = [(part, hour, c.counts, c.waits) for (part, hour), c in sorted(cells.items())]
    return Folded(offset, folded)


def encode_folded(folded: Folded) -> bytes:
    """The value of a folded cohort."""
    return _encoder.encode(folded)


def decode_folded(value: bytes) -> Folded:
    """A folded cohort's value; `StateError` when it cannot be read."""
    try:
        return _decoder.decode(value)
    except msgspec.MsgspecError as fault:
        msg = f"a folded cohort of {len(value)} bytes cannot be read: {fault}"
        raise StateError(msg) from None


def _add(cells: dict[tuple[str, int], Cell], marks: Iterable[Mark], width: int) -> None:
    for mark in marks:
        place = (mark[0], mark[1] // HOUR)
        cell = cells.get(place)
        if cell is None:
            cell = cells[place] = Cell(width)
        cell.add(mark)
