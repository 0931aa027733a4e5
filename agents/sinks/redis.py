"""Redis as a view: live snapshots with a time to live, and hourly rollups.

Nothing here is needed to be right: when Redis is down or empty, KPIs and alerts stay as they are,
and everything is written again from memory once it is back. Rollups are compared and set on the
input offset, so that a worker which lost its partition and does not know it yet loses.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
import structlog
from redis.asyncio import Redis
from redis.exceptions import WatchError

from streams.conventions import PREFIX, redis_rollups, redis_snapshot
from streams.instants import HOUR, SECOND, to_datetime
from streams.rollups import rollup_view, touch_passed
from streams.views import live_snapshot, opens_by_part

if TYPE_CHECKING:
    from collections.abc import Callable

    from agents.settings import Settings
    from streams.books import Book
    from streams.desk import Desk

Stored = bytes | bytearray | memoryview | str | int | float

OFFSET = "offset"
"""Field of a hash of rollups: the input offset of whoever wrote it last."""

KEPT = timedelta(days=3 * 366)
NO_INSTANT = -(2**62)

log = structlog.stdlib.get_logger(__name__)


class RedisSink:
    """Writes what a desk knows after each of its flushes."""

    def __init__(self, redis: Redis, *, clock: Callable[[], int] | None, snapshot_ttl: int) -> None:
        """A sink on a connection that belongs to it.

        Args:
            redis: with time-outs set.
            clock: the instant now, or `None` where events tell the time.
            snapshot_ttl: microseconds for which a snapshot counts as live.
        """
        self._redis = redis
        self._clock = clock
        self._ttl = max(1, snapshot_ttl // SECOND)
        self._read_at: dict[tuple[str, str], int] = {}

    async def __call__(self, desk: Desk) -> None:
        """Write snapshots and the rollups that changed; raises what Redis raises."""
        await self._refill_if_empty(desk)
        now = self._clock() if self._clock else None
        for organisation, book in list(desk.books.items()):
            as_of = book.as_of(now)
            if as_of is None:
                continue
            await self._write_rollups(desk, book, as_of)
            snapshot = msgspec.json.encode(live_snapshot(book, as_of))
            key = redis_snapshot(organisation, desk.channel)
            await self._redis.set(key, snapshot, ex=self._ttl)
            await asyncio.sleep(0)  # a large partition must not hold up the intake

    async def close(self) -> None:
        """Give the connection back."""
        await self._redis.aclose()

    async def _refill_if_empty(self, desk: Desk) -> None:
        """A marker tells a Redis that was flushed or replaced from one that has everything."""
        marker = f"{PREFIX}:filled:{desk.channel}:{desk.partition}"
        if await self._redis.get(marker) == desk.incarnation.encode():
            return
        log.info("redis is filled", channel=desk.channel, partition=desk.partition)
        for book in desk.books.values():
            for tally in book.tallies.values():
                tally.touched.update(tally.arrivals)
            for item in book.opens():
                book.tally(item.part).touched.add(item.opened // HOUR)
        await self._redis.set(marker, desk.incarnation, ex=KEPT)

    async def _write_rollups(self, desk: Desk, book: Book, as_of: int) -> None:
        place = (book.plan.organisation.name, desk.channel)
        opens = opens_by_part(book)
        since = self._read_at.get(place, NO_INSTANT)
        touch_passed(book, since, as_of, [item for items in opens.values() for item in items])
        by_day: dict[str, dict[str, bytes]] = defaultdict(dict)
        taken: list[tuple[set[int], set[int]]] = []
        for part, tally in list(book.tallies.items()):
            hours, tally.touched = tally.touched, set()
            taken.append((tally.touched, hours))
            here = opens.get(part, [])
            for hour in hours:
                view = rollup_view(book, part, hour, as_of, here)
                day = to_datetime(hour * HOUR).date().isoformat()
                by_day[day][f"{hour}|{part}"] = msgspec.json.encode(view)
        try:
            for day, fields in by_day.items():
                key = redis_rollups(place[0], desk.channel, day)
                await self._compare_and_set(key, desk.offset, fields)
        except BaseException:
            for touched, hours in taken:
                touched.update(hours)
            raise
        self._read_at[place] = as_of

    async def _compare_and_set(self, key: str, offset: int, fields: dict[str, bytes]) -> None:
        async with self._redis.pipeline() as transaction:
            for _ in range(3):
                await transaction.watch(key)
                written = await transaction.hget(key, OFFSET)
                if written is not None and int(written) > offset:
                    log.warning("a newer writer holds these rollups", key=key)
                    return
                transaction.multi()  # type: ignore[no-untyped-call]
                stamped: dict[Stored, Stored] = {OFFSET: offset}
                stamped.update(fields)
                transaction.hset(key, mapping=stamped)
                transaction.expire(key, KEPT)
                try:
                    await transaction.execute()
                except WatchError:
                    continue
                return
        log.warning("rollups are contended", key=key)


def create_redis_sink(settings: Settings, redis_url: str, clock: Callable[[], int]) -> RedisSink:
    """The sink as configured."""
    cluster = settings.cluster
    password = cluster.redis_password
    timeout = cluster.redis_timeout / SECOND
    redis = Redis.from_url(
        redis_url,
        password=password.get_secret_value() if password else None,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
    )
    own_clock = clock if cluster.clock == "wall" else None
    return RedisSink(redis, clock=own_clock, snapshot_ttl=cluster.redis_ttl)
