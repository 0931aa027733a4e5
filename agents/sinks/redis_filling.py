"""Filling: everything that a desk knows of the past into a Redis that may have none of it.

One organisation after the other and one day after the other, the newest first, so that it can stop
at any day and go on there: a worker does it beside its other work, and Redis may go away meanwhile.
An organisation's truth is written when all of its days are there, so that nobody takes half of a
history for the whole.
"""

from __future__ import annotations

import asyncio
from collections import deque
from enum import Enum, auto
from time import monotonic
from typing import TYPE_CHECKING

import msgspec

from streams.rollups import (
    day_of,
    days_of,
    first_day_kept,
    opens_by_place,
    places_of_day,
    rollups,
    utc_day,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agents.sinks.redis_rollups import Fields, RollupWriter
    from streams.books import Book
    from streams.desk import Desk
    from streams.rollups import Opens

FOREVER = float("inf")


class Progress(Enum):
    """How a filling got on.

    Attributes:
        DONE: everything is written.
        MORE: its time was over.
        REFUSED: somebody had read further than this desk.
    """

    DONE = auto()
    MORE = auto()
    REFUSED = auto()


class Written(msgspec.Struct):
    """What was written of one book.

    Attributes:
        days, rollups: so many.
        newer: days, or the truth, that were left as somebody wrote them who had read further.
    """

    days: int = 0
    rollups: int = 0
    newer: int = 0


class Filling:
    """What is still to be written of a desk.

    Attributes:
        left: organisations, the first of them perhaps half done.
        written: by organisation.
    """

    def __init__(self, writer: RollupWriter, desk: Desk, *, beside: bool) -> None:
        """Nothing is written yet.

        Args:
            writer: writes it.
            desk: what is known, and the offset that is claimed.
            beside: a worker has other things to do, Redis may have most of it already, and who has
                read further wins in the end; else everything is written that nobody newer has.
        """
        self.left = deque(sorted(desk.books))
        self.written: dict[str, Written] = {}
        self._writer = writer
        self._desk = desk
        self._beside = beside
        self._days: list[int] | None = None

    async def go_on(self, as_ofs: Mapping[str, int], until: float = FOREVER) -> Progress:
        """Write as much as there is time for, at least a day.

        Args:
            as_ofs: instant up to which each organisation is known; others are passed over.
            until: when to stop, on the monotonic clock in seconds.
        """
        while self.left:
            name = self.left[0]
            if name in as_ofs:
                progress = await self._fill(self._desk.books[name], as_ofs[name], until)
                self._desk.books[name].folded.forget_read()
                if progress is not Progress.DONE:
                    return progress
            self.left.popleft()
            self._days = None
            if self.left and monotonic() >= until:
                return Progress.MORE
        return Progress.DONE

    async def _fill(self, book: Book, as_of: int, until: float) -> Progress:
        writer, offset, opens = self._writer, self._desk.offset, opens_by_place(book)
        written = self.written.setdefault(book.plan.organisation.name, Written())
        if self._days is None:
            self._days = await self._days_to_write(book, opens)
        while self._days:
            began, day = monotonic(), self._days[-1]
            fields = rollups(book, places_of_day(book, day, opens), as_of, opens)
            if await writer.put(book, day, fields, as_of=as_of, offset=offset, whole=True):
                if writer.seconds_left(day, as_of) > 0:
                    written.days += 1
                    written.rollups += len(fields)
            elif self._beside:
                return Progress.REFUSED
            else:
                written.newer += 1
            self._days.pop()
            # Whoever else has something to do gets half of the time.
            await asyncio.sleep(monotonic() - began if self._beside else 0)
            if self._days and monotonic() >= until:
                return Progress.MORE
        known = {utc_day(day) for day in days_of(book, opens)}
        for name in await writer.days(book.plan.organisation.name, book.plan.channel) - known:
            nothing: Fields = {}
            await writer.put(book, day_of(name), nothing, as_of=as_of, offset=offset, whole=True)
        if not await writer.put_truth(book, as_of=as_of, offset=offset):
            if self._beside:
                return Progress.REFUSED
            written.newer += 1
        return Progress.DONE

    async def _days_to_write(self, book: Book, opens: Opens) -> list[int]:
        """In order; where Redis has the folded hours already only those that may differ."""
        days = sorted(days_of(book, opens))
        if self._beside and await self._writer.has_history(book):
            first = first_day_kept(book, opens)
            return [day for day in days if day >= first]
        return days
