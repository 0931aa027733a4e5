"""A desk: one channel of one partition, with the books of every organisation that lives there.

It takes records as they come from Kafka, tells what to reject and what to forward, and says which
rows must be stored. It does no IO: the agent that owns it writes, waits for acknowledgements, and
comes back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Never

from streams import events
from streams.books import Book
from streams.codec import decode_event
from streams.cohorts import (
    FRONTIERS,
)
from streams.conventions import OTHER, Reason
from streams.errors import RejectedError
from streams.folded_hours import KEPT
from streams.instants import MILLISECOND, MINUTE, from_datetime
from streams.records import Applied, Rejection, Totals
from streams.statements import STATEMENTS
from streams.storage import Storage
from streams.topics import CHANNEL_OF_EVENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from streams.organisations import Channel, Organisation
    from streams.records import KafkaRecord

LATE = MINUTE
"""A fact this much older than what its source has told already is counted as late, and applied."""

CLOCK_TOLERANCE = 5 * MINUTE
"""Exchanges' clocks drift; more than this ahead of the broker's is a fault."""

Clock = Literal["wall", "events"]


class Desk:
    """The books of one channel of one partition.

    Attributes:
        channel, partition, incarnation: whose rows it writes.
        books: by organisation.
        totals: counted since this desk was made.
        offset: of the last record applied; -1 before the first.
    """

    def __init__(
        self,
        *,
        channel: Channel,
        partition: int,
        organisations: dict[str, Organisation],
        owns: Callable[[str], bool],
        incarnation: str,
        horizon: int,
        history: int = KEPT,
        clock: Clock = "wall",
    ) -> None:
        """A desk without contacts.

        Args:
            channel: which of the four event topics it serves.
            partition: of that topic.
            organisations: every configured organisation, by name.
            owns: whether an organisation's records belong on this partition.
            incarnation: new at every assignment.
            horizon: how far back facts are accepted, in microseconds.
            history: how long counts are kept of what is older, in microseconds.
            clock: whether facts are judged by the broker's clock or by their own.
        """
        self.channel = channel
        self.partition = partition
        self.incarnation = incarnation
        self.books: dict[str, Book] = {}
        self.totals = Totals()
        self.offset = -1
        self._organisations = organisations
        self._owns = owns
        self._own = frozenset(filter(owns, organisations))
        self._horizon = horizon
        self._clock = clock
        self._read = {
            kind: read for kind, read in STATEMENTS.items() if CHANNEL_OF_EVENT[kind] == channel
        }
        self._storage = Storage(
            partition=partition,
            channel=channel,
            incarnation=incarnation,
            horizon=horizon,
            history=history,
            books=self.books,
            book=self.book,
            configured=organisations,
        )

    def apply(self, records: Sequence[KafkaRecord]) -> Applied:
        """Take in a batch of records and bring the books up to date."""
        result = Applied()
        totals, own = self.totals, self._own
        totals.events_in += len(records)
        touched: set[str] = set()
        for record in records:
            try:
                value = record.value
                event = decode_event(value) if value else _refuse_empty()
                name = event.organisation
                if name not in own and name in self._organisations:
                    result.forwarded.append((name, record))
                    totals.forwarded += 1
                elif self._accept(event, record.timestamp * MILLISECOND):
                    totals.applied += 1
                    touched.add(name)
                else:
                    totals.unchanged += 1
            except RejectedError as refusal:
                result.rejected.append(Rejection(record, refusal.reason, refusal.detail))
                totals.rejected[refusal.reason] += 1
        for organisation in touched:
            self.books[organisation].settle()
        if records:
            self.offset = max(self.offset, records[-1].offset)
        return result

    def book(self, organisation: str) -> Book:
        """The book of an organisation; a new one at its first fact."""
        book = self.books.get(organisation)
        if book is None:
            book = Book(self._organisations[organisation], self.channel)
            self.books[organisation] = book
        return book

    def organisations(self) -> Iterator[Organisation]:
        """The configured organisations that live on this partition."""
        return (o for name, o in self._organisations.items() if self._owns(name))

    @property
    def dirty(self) -> bool:
        """Whether something is not stored yet."""
        return self._storage.dirty

    def flush(self) -> list[tuple[bytes, bytes]]:
        """The rows to store now: every cohort that changed, whole."""
        return self._storage.flush(self.offset)

    def acknowledged(self) -> list[bytes]:
        """The rows that are superseded, now that Kafka has acknowledged the flush."""
        return self._storage.acknowledged()

    def restore(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """Take in stored rows of this channel and partition, whoever wrote them.

        Rows of organisations that are no longer configured are left alone. Raises `StateError`
        for a row that cannot be read.
        """
        for _ in self.restoring(rows):
            pass

    def restoring(self, rows: Iterable[tuple[bytes, bytes]]) -> Iterator[None]:
        """As `restore`, in steps of well under a second; complete only when exhausted."""
        return self._storage.restoring(rows)

    def _accept(self, event: events.AnyEvent, appended_at: int) -> bool:
        """Apply one event; whether it told anything new."""
        name = event.organisation
        read = self._read.get(type(event))
        if read is None or name not in self._organisations:
            return self._accept_other(event, appended_at)
        contact_id, fact, part = read(event)
        first, last = fact.at, fact.last
        if last > appended_at + CLOCK_TOLERANCE:
            _refuse_future(last, appended_at, "`at`" if first == last else "its last instant")
        book = self.book(name)
        # A zero of some clock (1970) in one field makes the whole record worthless.
        if first < 0 or self._is_beyond_horizon(book, last, appended_at):
            detail = f"older than the horizon of {self._horizon // (24 * 60 * MINUTE)} days"
            raise RejectedError(Reason.BEYOND_HORIZON, detail)
        is_new = book.add(contact_id, fact, first)
        source = book.plan.source_of(part or "")
        if book.advance(source, last):
            book.unstored.add(FRONTIERS)
        elif last < book.frontiers[source] - LATE:
            self.totals.late += 1
        if not is_new:
            return False
        if part is not None and part not in book.plan.parts and self.channel != "surveys":
            self.totals.unknown_part += 1
        return True

    def _accept_other(self, event: events.AnyEvent, appended_at: int) -> bool:
        """Apply a heartbeat, or say why the event cannot be applied."""
        if event.organisation not in self._organisations:
            detail = "no file for it in config/organisations"
            raise RejectedError(Reason.UNKNOWN_ORGANISATION, detail)
        if isinstance(event, events.Heartbeat):
            return self._heartbeat(event, appended_at)
        detail = f"this type belongs on the topic of {CHANNEL_OF_EVENT[type(event)]}"
        raise RejectedError(Reason.WRONG_TOPIC, detail)

    def _heartbeat(self, event: events.Heartbeat, appended_at: int) -> bool:
        through = from_datetime(event.through)
        if through > appended_at + CLOCK_TOLERANCE:
            _refuse_future(through, appended_at, "`through`")
        oldest = 0 if self._clock == "events" else appended_at - self._horizon
        if through < max(oldest, 0):
            raise RejectedError(Reason.BEYOND_HORIZON, "`through` is older than the horizon")
        book = self.book(event.organisation)
        source = event.source if event.source in book.plan.sources else OTHER
        if book.advance(source, through):
            book.unstored.add(FRONTIERS)
            return True
        return False

    def _is_beyond_horizon(self, book: Book, last: int, appended_at: int) -> bool:
        if self._clock == "wall":
            return last < appended_at - self._horizon
        # Nobody is known further than the source that has read most, which is quicker to tell.
        if last >= book.furthest - self._horizon:
            return False
        as_of = book.as_of()
        return as_of is not None and last < as_of - self._horizon


def row_belongs(key: bytes, channel: Channel, partition: int) -> bool:
    """Whether a stored row belongs to the desk of a channel and partition.

    >>> row_belongs(b"3|calls|skara|77|w1", "calls", 3)
    True
    """
    return key.startswith(f"{partition}|{channel}|".encode())


def _refuse_future(at: int, appended_at: int, what: str) -> Never:
    ahead = (at - appended_at) // MINUTE
    detail = f"{what} is {ahead:,} minutes ahead of the broker's clock"
    raise RejectedError(Reason.FROM_THE_FUTURE, detail)


def _refuse_empty() -> Never:
    raise RejectedError(Reason.EMPTY, "the record has no value")
