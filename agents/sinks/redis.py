"""Redis as a view: live snapshots with a time to live, and hourly rollups.

Nothing here is needed to be right: when Redis is down or empty, KPIs and alerts stay as they are,
and everything is written again from memory once it is back. Rollups are compared and set on the
input offset, so that a worker which lost its partition and does not know it yet loses.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING

import msgspec
import structlog
from redis.asyncio import Redis
from redis.exceptions import WatchError

from agents.redis_clients import redis_options
from streams.conventions import PREFIX, redis_rollups, redis_snapshot
from streams.instants import HOUR, SECOND, to_datetime
from streams.rollups import rollup_view, touch_passed
from streams.views import live_snapshot, opens_by_part

if TYPE_CHECKING:
    from collections.abc import Callable

    from agents.settings import Cluster, Settings
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
        marker = f"{PREFIX}:filled:{desk.channel}:{desk.partition}"
        is_filled = await self._redis.get(marker) == desk.incarnation.encode()
        if not is_filled:
            _touch_everything(desk)
        now = self._clock() if self._clock else None
        complete = desk.offset >= 0
        for organisation, book in list(desk.books.items()):
            began = monotonic()
            as_of = book.as_of(now)
            if as_of is None:
                continue
            # Before its first record a desk cannot prove that it is not a worker of the past.
            if desk.offset >= 0:
                complete &= await self._write_rollups(desk, book, as_of)
            snapshot = msgspec.json.encode(live_snapshot(book, as_of))
            key = redis_snapshot(organisation, desk.channel)
            await self._redis.set(key, snapshot, ex=self._ttl)
            # A large partition gets half of the event loop at most.
            await asyncio.sleep(monotonic() - began)
        if complete and not is_filled:
            log.info("redis is filled", channel=desk.channel, partition=desk.partition)
            await self._redis.set(marker, desk.incarnation, ex=KEPT)

    async def close(self) -> None:
        """Give the connection back."""
        await self._redis.aclose()

    async def _write_rollups(self, desk: Desk, book: Book, as_of: int) -> bool:
        """Write the hours that changed; those that could not be written are kept for next time."""
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
        written = False
        try:
            written = all(
                [
                    await self._compare_and_set(redis_rollups(*place, day), desk.offset, fields)
                    for day, fields in by_day.items()
                ]
            )
        finally:
            if not written:
                for touched, hours in taken:
                    touched.update(hours)
        if written:
            self._read_at[place] = as_of
        return written

    async def _compare_and_set(self, key: str, offset: int, fields: dict[str, bytes]) -> bool:
        async with self._redis.pipeline() as transaction:
            for _ in range(3):
                await transaction.watch(key)
                written = await transaction.hget(key, OFFSET)
                if written is not None and int(written) > offset:
                    log.warning("a newer writer holds these rollups", key=key)
                    return False
                transaction.multi()  # type: ignore[no-untyped-call]
                stamped: dict[Stored, Stored] = {OFFSET: offset}
                stamped.update(fields)
                transaction.hset(key, mapping=stamped)
                transaction.expire(key, KEPT)
                try:
                    await transaction.execute()
                except WatchError:
                    continue
                return True
        log.warning("rollups are contended", key=key)
        return False


def _touch_everything(desk: Desk) -> None:
    """A Redis without this desk's marker was flushed or replaced, or another worker filled it."""
    for book in desk.books.values():
        for tally in book.tallies.values():
            tally.touched.update(tally.arrivals)
        for item in book.opens():
            book.tally(item.part).touched.add(item.opened // HOUR)


def create_redis_sink(settings: Settings, redis_url: str, clock: Callable[[], int]) -> RedisSink:
    """The sink as configured."""
    cluster = settings.cluster
    own_clock = clock if cluster.clock == "wall" else None
    redis = connect_redis(cluster, redis_url)
    return RedisSink(redis, clock=own_clock, snapshot_ttl=cluster.redis_ttl)


def connect_redis(cluster: Cluster, redis_url: str) -> Redis:
    """A connection of one's own, with the configured password and time-outs."""
    redis: Redis = Redis.from_url(redis_url, **redis_options(cluster))
    return redis
