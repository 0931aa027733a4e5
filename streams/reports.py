"""Reports: the same core without Kafka, from events to rows."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from streams import events
from streams.books import Book
from streams.cells import Cell
from streams.conventions import OTHER, Reason
from streams.errors import RejectedError
from streams.facts import AnyFact, Recorded
from streams.instants import (
    HOUR,
    from_datetime,
    local_date,
    start_of_day,
    to_rfc3339,
)
from streams.kpis.readings import read_now, read_window
from streams.statements import fact_of, refuse_implausible
from streams.topics import CHANNEL_OF_EVENT
from streams.views import View, mapping, opens_by_part, part_columns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.organisations import Channel, Organisation
    from streams.outcomes import Open
    from streams.tally import Keeps

By = Literal["hour", "day", "week", "all"]
Attribute = Literal["arrival", "decision"]
KEEPS: dict[Attribute, Keeps] = {"arrival": "arrivals", "decision": "hours"}


class Report:
    """Books filled from events, read at one instant."""

    def __init__(
        self,
        organisations: dict[str, Organisation],
        as_of: int | None = None,
        attribute: Attribute = "arrival",
    ) -> None:
        """No events yet.

        Args:
            organisations: by name.
            as_of: facts after it will be left out, as if they had not happened.
            attribute: whether a contact counts in the period it arrived in, or each thing in the
                period it was decided in (a miss at its due instant, an answer at the answer).
        """
        self._organisations = organisations
        self._attribute = attribute
        self._as_of = as_of
        self._newest: int | None = None
        self._books: dict[tuple[str, Channel], Book] = {}

    def add(self, event: events.AnyEvent) -> None:
        """Take in an event.

        Raises:
            RejectedError: nobody has configured its organisation, or no clock can mean its time.
        """
        if event.organisation not in self._organisations:
            detail = f"no organisation `{event.organisation}` in the configuration"
            raise RejectedError(Reason.UNKNOWN_ORGANISATION, detail)
        if isinstance(event, events.Heartbeat):
            through = from_datetime(event.through)
            refuse_implausible(through, through)
            self._advance(through)
            return
        contact_id, fact = fact_of(event)
        refuse_implausible(fact.at, fact.last)
        self._advance(fact.last)
        kept = fact if self._as_of is None else until(fact, self._as_of)
        if kept is not None:
            key = (event.organisation, CHANNEL_OF_EVENT[type(event)])
            book = self._books.get(key)
            if book is None:
                book = self._books[key] = Book(
                    self._organisations[key[0]], key[1], KEEPS[self._attribute]
                )
            book.add(contact_id, kept, kept.at)

    @property
    def as_of(self) -> int:
        """The instant the report is read at: as asked for, or the newest that any event tells."""
        return self._as_of if self._as_of is not None else self._newest or 0

    def rows(self, by: By) -> list[View]:
        """One row for each part and period of local time."""
        rows: list[View] = []
        for key in sorted(self._books):
            book = self._books[key]
            book.settle()
            rows.extend(self._rows_of(book, by))
        return rows

    def _rows_of(self, book: Book, by: By) -> Iterator[View]:
        opens = opens_by_part(book)
        parts = [p for p in book.shown_parts() if p in book.tallies]
        if OTHER in parts:
            parts.append(parts.pop(parts.index(OTHER)))
        hours = {part: self._hours(book, part, opens.get(part, [])) for part in parts}
        known = [hour for cells in hours.values() for hour in cells]
        if not known:
            return
        whole = (min(known) * HOUR, (max(known) + 1) * HOUR)
        sums = {part: _periods(book, cells, by, whole) for part, cells in hours.items()}
        zone = book.plan.zone
        primary = book.plan.promise_names[0] if book.plan.promise_names else ""
        for start, end in sorted({span for cells in sums.values() for span in cells}):
            for part in parts:
                cell = sums[part].get((start, end))
                if cell is None:
                    continue
                readings = list(read_window(book.plan, part, cell, min(end - 1, self.as_of)))
                if by == "all":
                    readings += read_now(book.plan, part, opens.get(part, []), self.as_of)
                yield {
                    **part_columns(book, part),
                    "from": to_rfc3339(start, zone),
                    "to": to_rfc3339(end, zone),
                    "as_of": to_rfc3339(self.as_of, zone),
                    **mapping(readings, primary),
                }

    def _hours(self, book: Book, part: str, opens: list[Open]) -> dict[int, Cell]:
        """Cells by hour, what time alone has decided by `as_of` included."""
        tally = book.tally(part)
        by_arrival = self._attribute == "arrival"
        hours = dict(tally.by_arrival() if by_arrival else tally.decided())
        for item in opens:
            for mark in item.marks(self.as_of):
                cell = Cell(tally.width)
                cell.add(mark)
                hour = (mark[1] if by_arrival else mark[2]) // HOUR
                if hour in hours:
                    cell.include(hours[hour])
                hours[hour] = cell
        return hours

    def _advance(self, instant: int) -> None:
        if self._newest is None or instant > self._newest:
            self._newest = instant


def _periods(
    book: Book, hours: dict[int, Cell], by: By, whole: tuple[int, int]
) -> dict[tuple[int, int], Cell]:
    periods: dict[tuple[int, int], Cell] = {}
    for hour, cell in hours.items():
        span = whole if by == "all" else period_of(hour * HOUR, by, book)
        total = periods.get(span)
        if total is None:
            total = periods[span] = Cell(book.plan.width)
        total.include(cell)
    return periods


def period_of(instant: int, by: By, book: Book) -> tuple[int, int]:
    """The local hour, day or ISO week an instant lies in, half-open."""
    if by == "hour":
        return instant, instant + HOUR
    zone = book.plan.zone
    day = local_date(instant, zone)
    length = 1
    if by == "week":
        day -= timedelta(days=day.weekday())
        length = 7
    return start_of_day(day, zone), start_of_day(day + timedelta(days=length), zone)


def until(fact: AnyFact, as_of: int) -> AnyFact | None:
    """What was known of a fact at an instant; `None` if nothing."""
    if fact.at > as_of:
        return None
    if not isinstance(fact, Recorded):
        return fact
    left = fact.left_at is not None and fact.left_at <= as_of
    ended = fact.ended_at is not None and fact.ended_at <= as_of
    return Recorded(
        fact.revision,
        fact.queue,
        fact.at,
        fact.caller,
        fact.answered_at if fact.answered_at is not None and fact.answered_at <= as_of else None,
        fact.left_at if left else None,
        fact.reason if left else None,
        fact.ended_at if ended else None,
        fact.resolved if ended else None,
        fact.topic if ended else None,
    )
