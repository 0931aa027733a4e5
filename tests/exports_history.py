"""From events to the history of an export, without Kafka and Redis in between."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.books import Book
from streams.events import Heartbeat
from streams.exports.history import History
from streams.exports.truth import Truth
from streams.reports import until
from streams.rollups import days_of, opens_by_place, places_of_day, rollups
from streams.statements import fact_of
from streams.topics import CHANNEL_OF_EVENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from streams.events import Event
    from streams.exports.periods import Period
    from streams.organisations import Channel, Organisation

Rollup = tuple["Channel", int, str, bytes]
"""Channel, hour since 1970, part, and the value that Redis keeps."""

Truths = dict["Channel", Truth]


def books_of(
    events: Iterable[Event], organisation: Organisation, as_of: int
) -> dict[Channel, Book]:
    """A book for each channel that something was told about by `as_of`."""
    books: dict[Channel, Book] = {}
    for event in events:
        if isinstance(event, Heartbeat):
            continue
        contact_id, fact = fact_of(event)
        kept = until(fact, as_of)
        if kept is not None:
            channel = CHANNEL_OF_EVENT[type(event)]
            book = books.setdefault(channel, Book(organisation, channel, "arrivals"))
            book.add(contact_id, kept, kept.at)
    for book in books.values():
        book.settle()
    return books


def rollups_of(books: dict[Channel, Book], as_of: int) -> Iterator[Rollup]:
    """What a worker would have written by `as_of`."""
    for channel, book in books.items():
        opens = opens_by_place(book)
        for day in sorted(days_of(book, opens)):
            told = rollups(book, places_of_day(book, day, opens), as_of, opens)
            for field, value in told.items():
                hour, _, part = field.partition("|")
                if value is not None:
                    yield channel, int(hour), part, value


def truths_of(organisation: Organisation, channels: Iterable[Channel], as_of: int) -> Truths:
    """Every source of some channels has told everything until `as_of`."""
    return {
        channel: Truth(as_of, {s.name: as_of for s in organisation.sources if s.channel == channel})
        for channel in channels
    }


def history_of(
    events: Iterable[Event],
    organisation: Organisation,
    period: Period,
    as_of: int,
    made_at: int | None = None,
) -> tuple[History, Truths]:
    """What an export of a period knows of events, and how far.

    Args:
        events: of one organisation, in any order.
        organisation: whose.
        period: the exported one.
        as_of: instant up to which all sources have told everything.
        made_at: of the export; `as_of` unless it is made later.
    """
    books = books_of(events, organisation, as_of)
    history = History(organisation, period, as_of if made_at is None else made_at)
    for row in rollups_of(books, as_of):
        history.add(*row)
    return history, truths_of(organisation, history.channels, as_of)
