"""The rows of a desk: which to write, which are superseded, and how to read them back.

Every cohort is written whole, each time under a new key. The rows before it, our own and those
found at the start, go once it is acknowledged: so whoever deletes a row knows all that is in it,
and has stored it. Rows of folded hours stay as they are until they are too old.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.cohorts import (
    FRONTIERS,
    SLICES,
    RowKey,
    decode_contacts,
    decode_frontiers,
    encode_contacts,
    encode_frontiers,
)
from streams.folded_rows import encode_folded
from streams.folding import fold, folded_number
from streams.instants import DAY, HOUR

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator

    from streams.books import Book
    from streams.organisations import Channel

ROWS_A_STEP = 500

Place = tuple[str, int]
"""Organisation and number of a cohort, of its frontiers or of a folded hour."""


class Storage:
    """What is stored of the books of one channel of one partition."""

    def __init__(
        self,
        *,
        partition: int,
        channel: Channel,
        incarnation: str,
        horizon: int,
        history: int,
        books: dict[str, Book],
        book: Callable[[str], Book],
        configured: Container[str],
    ) -> None:
        """Nothing stored and nothing inherited yet.

        Args:
            partition: part of every key.
            channel: likewise.
            incarnation: likewise.
            horizon: what has been over for longer is folded, in microseconds.
            history: what was folded is kept for this long, in microseconds.
            books: by organisation.
            book: the book of an organisation, new if need be.
            configured: the organisations whose rows are taken in.
        """
        self._partition = partition
        self._channel = channel
        self._incarnation = incarnation
        self._horizon = horizon
        self._history = history
        self._books = books
        self._book = book
        self._configured = configured
        self._flushes = 0
        self._keys: dict[Place, list[bytes]] = {}
        self._superseded: list[bytes] = []
        self._folded_at: dict[str, int] = {}
        self._pruned_at: dict[str, int] = {}

    @property
    def dirty(self) -> bool:
        """Whether something is not stored yet."""
        return any(book.unstored for book in self._books.values())

    def flush(self, offset: int) -> list[tuple[bytes, bytes]]:
        """The rows to store now: every cohort that changed, whole.

        Args:
            offset: of the last input record that was applied.
        """
        self._flushes += 1
        rows = self._fold(offset)
        # Frontiers last: a flush that is cut short must not claim more than it stored.
        places = {(name, cohort) for name, book in self._books.items() for cohort in book.unstored}
        for place in sorted(places, key=lambda place: (place[1] == FRONTIERS, place)):
            self._supersede(place)
            value = self._value(*place)
            if value is not None:
                key = self._key(*place)
                self._keys[place] = [key]
                rows.append((key, value))
        for book in self._books.values():
            book.unstored.clear()
        return rows

    def acknowledged(self) -> list[bytes]:
        """The rows that are superseded, now that Kafka has acknowledged the flush."""
        superseded, self._superseded = self._superseded, []
        return superseded

    def restoring(self, rows: Iterable[tuple[bytes, bytes]]) -> Iterator[None]:
        """Take in stored rows, in steps of well under a second; complete only when exhausted.

        Raises `StateError` for a row that cannot be read.
        """
        kept: list[tuple[RowKey, bytes, bytes]] = []
        for count, (raw_key, value) in enumerate(rows):
            key = RowKey.decode(raw_key)
            if key.organisation not in self._configured:
                continue
            if key.cohort < FRONTIERS:
                superseded = self._book(key.organisation).folded.keep(
                    folded_number(key.cohort), raw_key, value
                )
                if superseded is not None:
                    self._superseded.append(superseded)
            else:
                kept.append((key, raw_key, value))
            if count % ROWS_A_STEP == 0:
                yield
        # Folded hours are known by now: they stand for what is left of their cohorts.
        kept.sort(key=lambda row: row[0].cohort)
        for count, (key, raw_key, value) in enumerate(kept):
            book = self._book(key.organisation)
            if key.cohort == FRONTIERS:
                for source, through in decode_frontiers(value).items():
                    book.advance(source, through)
            elif key.cohort // SLICES in book.folded.rows:
                self._superseded.append(raw_key)
                continue
            else:
                book.restore(key.cohort, decode_contacts(value))
            self._keys.setdefault((key.organisation, key.cohort), []).append(raw_key)
            if count % ROWS_A_STEP == 0:
                yield
        for book in self._books.values():
            self._expire(book)
            book.settle()
            yield

    def _fold(self, offset: int) -> list[tuple[bytes, bytes]]:
        """Fold what the horizon has passed, once for every hour of the truth."""
        rows = []
        for organisation, book in self._books.items():
            as_of = book.as_of()
            if as_of is None or as_of // HOUR == self._folded_at.get(organisation):
                continue
            self._folded_at[organisation] = as_of // HOUR
            passed: dict[int, list[int]] = {}
            for cohort in book.cohorts:
                if cohort // SLICES < (as_of - self._horizon) // HOUR:
                    passed.setdefault(cohort // SLICES, []).append(cohort)
            for hour, cohorts in sorted(passed.items()):
                if not book.unstored.isdisjoint(cohorts):
                    continue
                folded = fold(book, cohorts, as_of=as_of, horizon=self._horizon)
                if folded is None:
                    continue
                key = self._key(organisation, folded_number(hour))
                value = encode_folded(book.plan, folded.cells, offset)
                book.folded.keep(hour, key, value)
                book.forget(cohorts, folded.decided)
                rows.append((key, value))
                for cohort in cohorts:
                    self._supersede((organisation, cohort))
            self._expire(book)
            if as_of // DAY != self._pruned_at.get(organisation):
                self._pruned_at[organisation] = as_of // DAY
                book.prune(as_of - self._horizon)
        return rows

    def _expire(self, book: Book) -> None:
        """Take rows out of the table that nobody keeps any longer."""
        as_of = book.as_of()
        if as_of is not None:
            self._superseded += book.folded.expire(as_of - self._history)

    def _value(self, organisation: str, cohort: int) -> bytes | None:
        """What to store of a cohort; `None` if all its contacts live elsewhere."""
        book = self._books[organisation]
        if cohort == FRONTIERS:
            return encode_frontiers(book.frontiers)
        contacts = book.snapshot(cohort)
        return encode_contacts(contacts) if contacts else None

    def _supersede(self, place: Place) -> None:
        """Have the rows of a place deleted once the flush is acknowledged."""
        self._superseded += self._keys.pop(place, ())

    def _key(self, organisation: str, cohort: int) -> bytes:
        writing = f"{self._incarnation}.{self._flushes}"
        return RowKey(self._partition, self._channel, organisation, cohort, writing).encode()
