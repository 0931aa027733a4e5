"""The rows of a desk: which to write, which are superseded, and how to read them back.

Every cohort is written whole under a key that ends in the writer's incarnation. Rows found at the
start are inherited: they go once a row of our own that holds the same facts is acknowledged.
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
from streams.folding import Folded, decode_folded, encode_folded, fold, folded_number
from streams.instants import HOUR
from streams.tally import Cell

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
        books: dict[str, Book],
        book: Callable[[str], Book],
        configured: Container[str],
    ) -> None:
        """Nothing stored and nothing inherited yet.

        Args:
            partition: part of every key.
            channel: likewise.
            incarnation: likewise, and its end.
            horizon: what has been over for longer is folded, in microseconds.
            books: by organisation.
            book: the book of an organisation, new if need be.
            configured: the organisations whose rows are taken in.
        """
        self._partition = partition
        self._channel = channel
        self._incarnation = incarnation
        self._horizon = horizon
        self._books = books
        self._book = book
        self._configured = configured
        self._dirty: set[Place] = set()
        self._flushing: set[Place] = set()
        self._written: set[Place] = set()
        self._inherited: dict[Place, list[bytes]] = {}
        self._dropped: list[bytes] = []
        self._folded_at: dict[str, int] = {}

    @property
    def dirty(self) -> bool:
        """Whether something is not stored yet."""
        return bool(self._dirty)

    def mark(self, organisation: str, cohort: int) -> None:
        """A cohort has changed and must be stored."""
        self._dirty.add((organisation, cohort))

    def flush(self, offset: int) -> list[tuple[bytes, bytes]]:
        """The rows to store now: every cohort that changed, whole.

        Args:
            offset: of the last input record that was applied.
        """
        rows = self._fold(offset)
        for place in sorted(self._dirty):
            value = self._value(*place)
            if value is None:
                self._drop(place)
            else:
                rows.append((self._key(*place), value))
                self._written.add(place)
        self._flushing |= self._dirty
        self._dirty.clear()
        return rows

    def acknowledged(self) -> list[bytes]:
        """The rows that are superseded, now that Kafka has acknowledged the flush."""
        superseded = [
            key for place in sorted(self._flushing) for key in self._inherited.pop(place, ())
        ]
        superseded += self._dropped
        self._flushing.clear()
        self._dropped.clear()
        return superseded

    def restoring(self, rows: Iterable[tuple[bytes, bytes]]) -> Iterator[None]:
        """Take in stored rows, in steps of well under a second; complete only when exhausted.

        Raises `StateError` for a row that cannot be read.
        """
        decoded = [(RowKey.decode(key), key, value) for key, value in rows]
        known = [row for row in decoded if row[0].organisation in self._configured]
        # Folded hours first: they stand for what is left of their cohorts.
        known.sort(key=lambda row: row[0].cohort)
        self._restore_folded([row for row in known if row[0].cohort < FRONTIERS])
        for count, (key, raw_key, value) in enumerate(known):
            book = self._book(key.organisation)
            if key.cohort < FRONTIERS:
                continue
            if key.cohort == FRONTIERS:
                for source, through in decode_frontiers(value).items():
                    book.advance(source, through)
            elif key.cohort // SLICES in book.folded:
                self._dropped.append(raw_key)
                continue
            else:
                for cohort in book.restore(key.cohort, decode_contacts(value)):
                    self._dirty.add((key.organisation, cohort))
            self._inherited.setdefault((key.organisation, key.cohort), []).append(raw_key)
            if count % ROWS_A_STEP == 0:
                yield
        for book in self._books.values():
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
                if any((organisation, cohort) in self._dirty for cohort in cohorts):
                    continue
                folded = fold(book, cohorts, as_of=as_of, horizon=self._horizon, offset=offset)
                if folded is None:
                    continue
                place = (organisation, folded_number(hour))
                rows.append((self._key(*place), encode_folded(folded)))
                # Rows of the same hour that others folded are superseded as well.
                self._flushing.add(place)
                for cohort in cohorts:
                    self._drop((organisation, cohort))
                    book.forget(cohort, as_of)
            book.prune(as_of - self._horizon)
        return rows

    def _restore_folded(self, rows: list[tuple[RowKey, bytes, bytes]]) -> None:
        newest: dict[Place, Folded] = {}
        for key, raw_key, value in rows:
            place, folded = (key.organisation, key.cohort), decode_folded(value)
            self._inherited.setdefault(place, []).append(raw_key)
            if place not in newest or folded.offset > newest[place].offset:
                newest[place] = folded
        for (organisation, number), folded in newest.items():
            book = self._book(organisation)
            book.folded.add(folded_number(number))
            for part, hour, counts, waits in folded.cells:
                book.include(part, hour, Cell.of(counts, waits))

    def _value(self, organisation: str, cohort: int) -> bytes | None:
        """What to store of a cohort; `None` if all its contacts live elsewhere."""
        book = self._books[organisation]
        if cohort == FRONTIERS:
            return encode_frontiers(book.frontiers)
        contacts = book.snapshot(cohort)
        return encode_contacts(contacts) if contacts else None

    def _drop(self, place: Place) -> None:
        """Take a cohort's rows out of the table once the flush is acknowledged."""
        self._dropped += self._inherited.pop(place, ())
        if place in self._written:
            self._written.discard(place)
            self._dropped.append(self._key(*place))

    def _key(self, organisation: str, cohort: int) -> bytes:
        key = RowKey(self._partition, self._channel, organisation, cohort, self._incarnation)
        return key.encode()
