"""Folding: what is left of an hour's cohorts once their contacts can no longer change.

When every contact first seen in an hour has its last fact and last due instant behind the horizon,
the hour becomes counts by part and hour of arrival: one row, assigned and never added to. From then
on it stands for the hour's cohorts, whatever rows of theirs are still found. An unanswered mail
keeps its hour from being folded, but not for ever.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from streams.cells import Cell
from streams.cohorts import FRONTIERS
from streams.instants import DAY, HOUR

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streams.books import Book
    from streams.outcomes import Mark

LONGEST_OPEN = 400 * DAY
"""An obligation nobody answered or closed for longer than this is history like the others."""

CellsByPlace = dict[tuple[str, int], Cell]
"""Cells by part and hour of arrival."""


class Fold(NamedTuple):
    """What the contacts first seen in one hour came to.

    Attributes:
        decided: what their facts decided, as it is counted while they are kept.
        cells: the same, and what time alone decided of what nobody ever closed.
    """

    decided: CellsByPlace
    cells: CellsByPlace


def folded_number(hour: int) -> int:
    """The cohort number under which a folded hour is stored; its own inverse.

    >>> folded_number(folded_number(7))
    7
    """
    return FRONTIERS - 1 - hour


def fold(book: Book, cohorts: Iterable[int], *, as_of: int, horizon: int) -> Fold | None:
    """The counts of an hour's cohorts, or `None` while a contact of them can still change."""
    before = as_of - horizon
    decided: CellsByPlace = {}
    passed: list[Mark] = []
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
        known = len(outcome.marks)
        _add(decided, marks[:known], book.plan.width)
        passed += marks[known:]
    if not passed:
        return Fold(decided, decided)
    cells: CellsByPlace = {}
    for place, cell in decided.items():
        cells[place] = Cell(book.plan.width)
        cells[place].include(cell)
    _add(cells, passed, book.plan.width)
    return Fold(decided, cells)


def _add(cells: CellsByPlace, marks: Iterable[Mark], width: int) -> None:
    for mark in marks:
        place = (mark[0], mark[1] // HOUR)
        cell = cells.get(place)
        if cell is None:
            cell = cells[place] = Cell(width)
        cell.add(mark)
