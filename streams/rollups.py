"""Hourly rollups: what became of everybody who arrived in one hour, as raw counts.

Counts add up over hours, queues and years, which shares and percentiles do not; so history is
kept as counts and waits, and read through the same KPIs as everything else.

A rollup follows from the facts and from how far the truth reaches, and from nothing else: whoever
writes it, and whenever, writes the same bytes.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import msgspec

from streams import measures
from streams.cohorts import SLICES
from streams.conventions import OTHER, TOPIC_PREFIX
from streams.frontiers import UNATTRIBUTED
from streams.instants import DAY, EPOCH, HOUR, local_date, start_of_day, to_datetime, to_rfc3339
from streams.views import View, part_columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from zoneinfo import ZoneInfo

    from streams.books import Book
    from streams.cells import Cell
    from streams.outcomes import Open

HOURS_A_DAY = DAY // HOUR
PENDING = "pending"
END_OF_TIME = 2**62

Place = tuple[int, str]
"""Hours since 1970-01-01T00:00Z, and a part."""

Opens = dict[Place, list["Open"]]

_encode = msgspec.json.Encoder().encode


def rollup_view(book: Book, part: str, hour: int, as_of: int, opens: Iterable[Open]) -> View:
    """One hour of one part, ready to be stored; of a topic one local day.

    Counts of zero are left out. Times are sums in microseconds; `waits` counts by whole second.
    `pending` counts promises that are neither met, missed nor excluded at `as_of`.

    Args:
        book: of the channel.
        part: queue, mailbox, desk, topic or the total.
        hour: hours since 1970-01-01T00:00Z.
        as_of: instant at which open promises are judged.
        opens: the open items of that part.
    """
    here = [item for item in opens if item.opened // HOUR == hour]
    cell = book.rollup(part, hour, as_of, here)
    start, end = _span(part, hour, book.plan.zone)
    return {
        **part_columns(book, part),
        "from": to_rfc3339(start, book.plan.zone),
        "to": to_rfc3339(end, book.plan.zone),
        **named_counts(book, cell, _pending(book, here, as_of)),
        "waits": {str(second): n for second, n in sorted(cell.waits.items())},
    }


def rollup_field(hour: int, part: str) -> str:
    """The name of a rollup within its day.

    >>> rollup_field(498_000, "vaxel")
    '498000|vaxel'
    """
    return f"{hour}|{part}"


def opens_by_place(book: Book) -> Opens:
    """The open items by hour of arrival and part."""
    found: Opens = {}
    for item in book.opens():
        found.setdefault((item.opened // HOUR, item.part), []).append(item)
    return found


def rollups(
    book: Book, places: Iterable[Place], as_of: int, opens: Opens
) -> dict[str, bytes | None]:
    """Rollups as JSON by the name of their field; `None` where nobody is left.

    Args:
        book: of the channel.
        places: which; cheapest in order.
        as_of: instant at which open promises are judged.
        opens: the open items by place.
    """
    found: dict[str, bytes | None] = {}
    for hour, part in places:
        view = rollup_view(book, part, hour, as_of, opens.get((hour, part), ()))
        # Somebody who arrived is counted, so where nothing is counted nobody did.
        is_empty = not any(isinstance(value, int) for value in view.values())
        found[rollup_field(hour, part)] = None if is_empty else _encode(view)
    return found


def named_counts(book: Book, cell: Cell, pending: Mapping[str, int]) -> View:
    """A cell's counts by the names of their measures, those of promises under `promises`."""
    plan, told = book.plan, cell.counts
    names = measures.BASE[plan.channel]
    view: View = {name: n for name, n in zip(names, told, strict=False) if n}
    block = measures.PROMISE[plan.channel]
    promises: View = {}
    for promise, base in plan.base.items():
        counts = {name: n for name, n in zip(block, told[base:], strict=False) if n}
        if promise in pending:
            counts[PENDING] = pending[promise]
        if counts:
            promises[promise] = counts
    return view | {"promises": promises} if promises else view


def _pending(book: Book, opens: Iterable[Open], as_of: int) -> dict[str, int]:
    """How many promises can still be kept, by name; only what they ask for counts."""
    pending: dict[str, int] = {}
    for item in opens:
        if not item.expired(as_of):
            names = book.plan.official_misses(item.part, item.opened)
            for measure, due in item.dues:
                if due >= as_of and measure in names:
                    name = names[measure]
                    pending[name] = pending.get(name, 0) + 1
    return pending


def _span(part: str, hour: int, zone: ZoneInfo) -> tuple[int, int]:
    start = hour * HOUR
    if not part.startswith(TOPIC_PREFIX):
        return start, start + HOUR
    return start, start_of_day(local_date(start, zone) + timedelta(days=1), zone)


def touch_passed(book: Book, since: int, as_of: int, opens: Iterable[Open]) -> None:
    """Mark the hours of arrival whose promises time alone decided between two readings.

    A source that was left behind may take the truth back to where it has read; then what was
    decided in between is open again.
    """
    first, last = min(since, as_of), max(since, as_of)
    for item in opens:
        instants = [due for _, due in item.dues] + ([item.until] if item.until else [])
        if any(first <= instant <= last for instant in instants):
            book.tally(item.part).touched.add(item.opened // HOUR)


def utc_day(day: int) -> str:
    """The name of a day counted from 1970-01-01.

    >>> utc_day(20_773)
    '2026-11-16'
    """
    return to_datetime(day * DAY).date().isoformat()


def day_of(name: str) -> int:
    """The day of that name, counted from 1970-01-01; `ValueError` when it is none.

    >>> day_of("2026-11-16")
    20773
    """
    return date.fromisoformat(name).toordinal() - EPOCH.toordinal()


def days_of(book: Book, opens: Opens) -> set[int]:
    """The UTC days, counted from 1970-01-01, of which there are rollups."""
    hours = [*book.folded.hours(), *(hour for hour, _ in opens)]
    for _, tally in book.every_tally():
        hours.extend(tally.hours_of_arrival())
    return {hour // HOURS_A_DAY for hour in hours}


def first_day_kept(book: Book, opens: Opens) -> int:
    """The first UTC day that a contact which is kept one by one has to do with."""
    hours = [cohort // SLICES for cohort in book.cohorts]
    hours += [hour for hour, _ in opens]
    for _, tally in book.every_tally():
        hours.extend(tally.hours_of_arrival())
    return min(hours, default=END_OF_TIME) // HOURS_A_DAY


def places_of_day(book: Book, day: int, opens: Opens) -> list[Place]:
    """The hours of a UTC day and the parts in which somebody arrived in them, in order."""
    hours = range(day * HOURS_A_DAY, (day + 1) * HOURS_A_DAY)
    places = {(hour, part) for hour in hours for part in book.folded.at(hour)}
    for part, tally in book.every_tally():
        places.update((hour, part) for hour in tally.hours_of_arrival() & set(hours))
    places.update(place for place in opens if place[0] in hours)
    return sorted(places)


def truth_view(book: Book, as_of: int, offset: int) -> View:
    """How far the sources of a channel had told everything when its rollups were written.

    `history` changes whenever the rollups of folded hours may have changed.
    """
    zone = book.plan.zone
    return {
        "as_of": to_rfc3339(as_of, zone),
        "offset": offset,
        "sources": {
            name: to_rfc3339(through, zone)
            for name, through in sorted(book.frontiers.items())
            if name not in (UNATTRIBUTED, OTHER)
        },
        "history": f"{book.folded.checksum:016x}",
    }
