"""Folding: what is left of an hour's cohorts once their contacts can no longer change.

When every contact first seen in an hour has its last fact and last due instant behind the horizon,
the hour becomes counts by part and hour of arrival: one row, assigned and never added to. From then
on it stands for the hour's cohorts, whatever rows of theirs are still found. An unanswered mail
keeps its hour from being folded, but not for ever.
"""

from __future__ import annotations

from itertools import chain
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
    """What the contacts first seen in one hour came to.

    Attributes:
        offset: of the last input record its writer had applied; the highest wins.
        cells: one for each part and hour of arrival.
    """

    offset: int
    cells: list[FoldedCell]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Folded)


def folded_number(hour: int) -> int:
    """The cohort number under which a folded hour is stored; its own inverse.

    >>> folded_number(folded_number(7))
    7
    """
    return FRONTIERS - 1 - hour


def fold(
    book: Book, cohorts: Iterable[int], *, as_of: int, horizon: int, offset: int
) -> Folded | None:
    """The counts of an hour's cohorts, or `None` while a contact of them can still change."""
    before = as_of - horizon
    cells: dict[tuple[str, int], Cell] = {}
    for contact_id in chain.from_iterable(book.cohorts[cohort] for cohort in cohorts):
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
    """The value of a folded hour."""
    return _encoder.encode(folded)


def decode_folded(value: bytes) -> Folded:
    """A folded hour's value; `StateError` when it cannot be read."""
    try:
        return _decoder.decode(value)
    except msgspec.MsgspecError as fault:
        msg = f"a folded hour of {len(value)} bytes cannot be read: {fault}"
        raise StateError(msg) from None


def _add(cells: dict[tuple[str, int], Cell], marks: Iterable[Mark], width: int) -> None:
    for mark in marks:
        place = (mark[0], mark[1] // HOUR)
        cell = cells.get(place)
        if cell is None:
            cell = cells[place] = Cell(width)
        cell.add(mark)
