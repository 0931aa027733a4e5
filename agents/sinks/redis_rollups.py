"""Rollups, their days and their truth in Redis: written by whoever had read furthest.

Every key is compared and set on the input offset of its writer, so that a worker which lost its
partition and does not know it yet loses.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import msgspec
import structlog
from redis.exceptions import WatchError

from streams.conventions import redis_days, redis_rollups, redis_truth
from streams.instants import DAY, SECOND
from streams.rollups import HOURS_A_DAY, day_of, rollups, truth_view, utc_day

if TYPE_CHECKING:
    from collections.abc import Iterable

    from redis.asyncio import Redis
    from redis.asyncio.client import Pipeline

    from streams.books import Book
    from streams.rollups import Opens, Place

Stored = bytes | bytearray | memoryview | str | int | float
Fields = dict[str, bytes | None]
"""Rollups by field; `None` = there is none any more."""

OFFSET = "offset"
"""Field of a hash of rollups: the input offset of whoever wrote it last."""

ATTEMPTS = 3

log = structlog.stdlib.get_logger(__name__)


class _Told(msgspec.Struct):
    """What matters of a truth that somebody else wrote."""

    offset: int = -1
    history: str = ""


class RollupWriter:
    """Writes what books know of the past.

    Args:
        redis: with time-outs set.
        history: how long a day's rollups are kept after it, judged by the truth (microseconds).
    """

    def __init__(self, redis: Redis, *, history: int) -> None:
        self.redis = redis
        self._history = history
        self._longest = (history + DAY) // SECOND

    def seconds_left(self, day: int, as_of: int) -> int:
        """How long the rollups of a UTC day are to be kept; 0 or less = no longer."""
        return -((as_of - (day + 1) * DAY - self._history) // SECOND)

    async def write(
        self, book: Book, places: Iterable[Place], *, as_of: int, offset: int, opens: Opens
    ) -> bool:
        """Write some rollups; whether nobody had written newer ones."""
        by_day: dict[int, list[Place]] = defaultdict(list)
        for place in sorted(places):
            by_day[place[0] // HOURS_A_DAY].append(place)
        written = [
            await self.put(
                book, day, rollups(book, of_day, as_of, opens), as_of=as_of, offset=offset
            )
            for day, of_day in by_day.items()
        ]
        return all(written)

    async def put(
        self, book: Book, day: int, fields: Fields, *, as_of: int, offset: int, whole: bool = False
    ) -> bool:
        """Write rollups of a UTC day, or, if they are the whole of it, nothing but them.

        False when somebody had read further.
        """
        left = self.seconds_left(day, as_of)
        if left <= 0:
            return True
        place = (book.plan.organisation.name, book.plan.channel)
        key = redis_rollups(*place, utc_day(day))
        new: dict[Stored, Stored] = {f: value for f, value in fields.items() if value is not None}
        async with self.redis.pipeline() as transaction:
            for _ in range(ATTEMPTS):
                await transaction.watch(key)
                written = await transaction.hget(key, OFFSET)
                if written is not None and int(written) > offset:
                    log.warning("a newer writer holds these rollups", key=key)
                    return False
                known: set[str] = set()
                if whole or len(new) < len(fields):
                    known = {_text(name) for name in await transaction.hkeys(key)} - {OFFSET}
                if not new and not known:
                    return True
                gone = known - new.keys() if whole else known & (fields.keys() - new.keys())
                transaction.multi()  # type: ignore[no-untyped-call]
                if gone:
                    transaction.hdel(key, *sorted(gone))
                transaction.hset(key, mapping={OFFSET: offset, **new})
                transaction.expire(key, left)
                self._note_day(transaction, place, day, is_empty=not new and known == gone)
                try:
                    await transaction.execute()
                except WatchError:
                    continue
                return True
        log.warning("rollups are contended", key=key)
        return False

    async def put_truth(self, book: Book, *, as_of: int, offset: int) -> bool:
        """Say how far everything that was written holds; false when somebody had read further."""
        key = redis_truth(book.plan.organisation.name, book.plan.channel)
        value = msgspec.json.encode(truth_view(book, as_of, offset))
        async with self.redis.pipeline() as transaction:
            for _ in range(ATTEMPTS):
                await transaction.watch(key)
                if _told(await transaction.get(key)).offset > offset:
                    log.warning("a newer writer holds this truth", key=key)
                    return False
                transaction.multi()  # type: ignore[no-untyped-call]
                transaction.set(key, value, ex=self._longest)
                try:
                    await transaction.execute()
                except WatchError:
                    continue
                return True
        log.warning("the truth is contended", key=key)
        return False

    async def has_history(self, book: Book) -> bool:
        """Whether the rollups of the hours folded since are there, and the same."""
        key = redis_truth(book.plan.organisation.name, book.plan.channel)
        told = _told(await self.redis.get(key))
        return told.history == truth_view(book, 0, 0)["history"]

    async def days(self, organisation: str, channel: str) -> set[str]:
        """The days of which Redis has rollups."""
        members = await self.redis.smembers(redis_days(organisation, channel))
        return {_text(member) for member in members}

    async def judge_days(self, book: Book, as_of: int, *, anew: bool) -> None:
        """Strike days off the list that are kept no longer.

        Args:
            book: of the channel.
            as_of: truth to judge them by.
            anew: set the time they have left, since it does not pass as it does on the wall.
        """
        place = (book.plan.organisation.name, book.plan.channel)
        async with self.redis.pipeline(transaction=False) as pipeline:
            for name in sorted(await self.days(*place)):
                left = self.seconds_left(day_of(name), as_of)
                if left <= 0:
                    pipeline.delete(redis_rollups(*place, name))
                    pipeline.srem(redis_days(*place), name)
                elif anew:
                    pipeline.expire(redis_rollups(*place, name), left)
            await pipeline.execute()

    def _note_day(
        self, transaction: Pipeline, place: tuple[str, str], day: int, *, is_empty: bool
    ) -> None:
        days = redis_days(*place)
        if is_empty:
            transaction.srem(days, utc_day(day))
        else:
            transaction.sadd(days, utc_day(day))
            transaction.expire(days, self._longest)


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _told(value: bytes | str | None) -> _Told:
    return _Told() if value is None else msgspec.json.decode(value, type=_Told)
