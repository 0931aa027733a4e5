"""A desk: one channel of one partition, with the books of every organisation that lives there.

It takes records as they come from Kafka, tells what to reject and what to forward, and says which
rows must be stored. It does no IO: the agent that owns it writes, waits for acknowledgements, and
comes back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Never

from streams import events
from streams.books import UNTOLD, Book
from streams.codec import UNREADABLE, read_event, reason_of
from streams.cohorts import FRONTIERS
from streams.conventions import OTHER, Reason
from streams.errors import RejectedError
from streams.facts import Recorded
from streams.folded_hours import KEPT
from streams.instants import DAY, MILLISECOND, MINUTE, from_datetime
from streams.records import Applied, Rejection, Totals
from streams.statements import STATEMENTS
from streams.storage import Storage
from streams.topics import CHANNEL_OF_EVENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

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

    def apply(self, records: Iterable[KafkaRecord]) -> Applied:
        """Take in records, in order of offset, and bring the books up to date."""
        result = Applied()
        totals, own, rejected = self.totals, self._own, result.rejected
        touched: set[str] = set()
        count = unchanged = 0
        for record in records:
            count += 1
            value = record.value
            try:
                event = read_event(value) if value else _refuse_empty()
            except RejectedError as refusal:
                rejected.append(Rejection(record, refusal.reason, refusal.detail))
                continue
            except UNREADABLE as fault:
                rejected.append(Rejection(record, *reason_of(fault)))
                continue
            try:
                name = event.organisation
                if name in own:
                    if self._accept(event, record.timestamp * MILLISECOND):
                        touched.add(name)
                    else:
                        unchanged += 1
                elif name in self._organisations:
                    result.forwarded.append((name, record))
                else:
                    _refuse_unknown_organisation()
            except RejectedError as refusal:
                rejected.append(Rejection(record, refusal.reason, refusal.detail))
        if count:
            self.offset = max(self.offset, record.offset)
        result.count = count
        totals.events_in += count
        totals.unchanged += unchanged
        totals.forwarded += len(result.forwarded)
        totals.applied += count - unchanged - len(result.forwarded) - len(rejected)
        totals.rejected.update([rejection.reason for rejection in rejected])
        for organisation in touched:
            self.books[organisation].settle()
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
        """Apply one event of an organisation that lives here; whether it told anything new."""
        read = self._read.get(type(event))
        if read is None:
            return self._accept_other(event, appended_at)
        contact_id, fact, part = read(event)
        first = fact.at
        # Only a record of a whole call tells of more than one instant.
        last = fact.last if type(fact) is Recorded else first
        if last > appended_at + CLOCK_TOLERANCE:
            _refuse_future(last, appended_at, "`at`" if first == last else "its last instant")
        book = self.books.get(event.organisation) or self.book(event.organisation)
        # Nobody is known further than the source that has read most, which is quicker to tell.
        newest = appended_at if self._clock == "wall" else book.furthest
        # A zero of some clock (1970) in one field makes the whole record worthless.
        if first < 0 or (last < newest - self._horizon and self._is_beyond_horizon(book, last)):
            detail = f"older than the horizon of {self._horizon // DAY} days"
            raise RejectedError(Reason.BEYOND_HORIZON, detail)
        is_new = book.add(contact_id, fact, first)
        plan = book.plan
        source = plan.source_of.get(part, plan.default_source)
        known = book.frontiers.get(source, UNTOLD)
        if last > known:
            book.advance(source, last)
            book.unstored.add(FRONTIERS)
        elif last < known - LATE:
            self.totals.late += 1
        if not is_new:
            return False
        if part is not None and part not in plan.parts and self.channel != "surveys":
            self.totals.unknown_part += 1
        return True

    def _accept_other(self, event: events.AnyEvent, appended_at: int) -> bool:
        """Apply a heartbeat, or say why the event cannot be applied."""
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

    def _is_beyond_horizon(self, book: Book, last: int) -> bool:
        """Whether what is older than the horizon seen from the newest is so from everywhere."""
        if self._clock == "wall":
            return True
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


def _refuse_unknown_organisation() -> Never:
    raise RejectedError(Reason.UNKNOWN_ORGANISATION, "no file for it in config/organisations")


def _refuse_empty() -> Never:
    raise RejectedError(Reason.EMPTY, "the record has no value")
