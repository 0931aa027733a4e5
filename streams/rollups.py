"""Hourly rollups: what became of everybody who arrived in one hour, as raw counts.

Counts add up over hours, queues and years, which shares and percentiles do not; so history is
kept as counts and waits, and read through the same KPIs as everything else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams import measures
from streams.instants import HOUR, to_rfc3339
from streams.views import View, part_columns

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streams.books import Book
    from streams.outcomes import Open
    from streams.tally import Cell


def rollup_view(book: Book, part: str, hour: int, as_of: int, opens: Iterable[Open]) -> View:
    """One hour of one part, ready to be stored.

    Counts of zero are left out. Times are sums in microseconds; `waits` counts by whole second.
    """
    cell = book.rollup(part, hour, as_of, opens)
    zone = book.plan.zone
    return {
        **part_columns(book, part),
        "from": to_rfc3339(hour * HOUR, zone),
        "to": to_rfc3339((hour + 1) * HOUR, zone),
        "as_of": to_rfc3339(as_of, zone),
        **named_counts(book, cell),
        "waits": {str(second): n for second, n in sorted(cell.waits.items())},
    }


def named_counts(book: Book, cell: Cell) -> View:
    """A cell's counts by the names of their measures, those of promises under `promises`."""
    plan = book.plan
    names = measures.BASE[plan.channel]
    view: View = {name: n for name, n in zip(names, cell.counts, strict=False) if n}
    block = measures.PROMISE[plan.channel]
    promises = {
        promise: counts
        for promise, base in plan.base.items()
        if (counts := {name: n for name, n in zip(block, cell.counts[base:], strict=False) if n})
    }
    return view | {"promises": promises} if promises else view


def touch_passed(book: Book, since: int, as_of: int, opens: Iterable[Open]) -> None:
    """Mark the hours of arrival whose promises time alone decided between two readings."""
    for item in opens:
        instants = [due for _, due in item.dues] + ([item.until] if item.until else [])
        if any(since <= instant <= as_of for instant in instants):
            book.tally(item.part).touched.add(item.opened // HOUR)
