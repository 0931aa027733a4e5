"""Redis as a view: live snapshots with a time to live, and the rollups of all that is known.

Nothing here is needed to be right: when Redis is down or empty, KPIs and alerts stay as they are,
and everything is written again once it is back.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING

import msgspec
import structlog
from redis.asyncio import Redis

from agents.redis_clients import redis_options
from agents.sinks.redis_filling import Filling, Progress
from agents.sinks.redis_rollups import RollupWriter
from streams.conventions import redis_filled, redis_snapshot
from streams.folded_hours import KEPT
from streams.instants import DAY, SECOND
from streams.rollups import opens_by_place, touch_passed
from streams.views import live_snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agents.settings import Cluster, Settings
    from streams.books import Book
    from streams.desk import Desk
    from streams.rollups import Place

NO_INSTANT = -(2**62)

SLICE = 1.0
"""Seconds of filling before live snapshots have their turn again."""

log = structlog.stdlib.get_logger(__name__)


class _Shown:
    """What Redis was shown of one desk.

    Attributes:
        incarnation: of the desk.
        read_at: instant at which each organisation's promises were last judged.
        judged: day on which the age of its rollups was last judged, by organisation.
        filling: what is still to be written since Redis was found without anything.
    """

    def __init__(self, incarnation: str) -> None:
        self.incarnation = incarnation
        self.read_at: dict[str, int] = {}
        self.judged: dict[str, int] = {}
        self.filling: Filling | None = None

    def is_whole(self, organisation: str) -> bool:
        """Whether everything known of an organisation was written."""
        return self.filling is None or organisation not in self.filling.left


class RedisSink:
    """Writes what a desk knows after each of its flushes."""

    def __init__(
        self,
        redis: Redis,
        *,
        clock: Callable[[], int] | None,
        snapshot_ttl: int,
        history: int = KEPT,
    ) -> None:
        """A sink on a connection that belongs to it.

        Args:
            redis: with time-outs set.
            clock: the instant now, or `None` where events tell the time.
            snapshot_ttl: microseconds for which a snapshot counts as live.
            history: microseconds for which rollups are kept.
        """
        self._redis = redis
        self._clock = clock
        self._ttl = max(1, snapshot_ttl // SECOND)
        self._history = history
        self._writer = RollupWriter(redis, history=history)
        self._shown: dict[tuple[str, int], _Shown] = {}

    async def __call__(self, desk: Desk) -> bool:
        """Write snapshots and the rollups that changed, then some of what is missing.

        True while there is more of that. Raises what Redis raises.
        """
        now = self._clock() if self._clock else None
        as_ofs = {
            name: as_of
            for name, book in desk.books.items()
            if (as_of := book.as_of(now)) is not None
        }
        if not as_ofs:
            # Having nothing to write says nothing of whether it could be written.
            await self._redis.ping()
        await self._write_snapshots(desk, as_ofs)
        # Before its first record a desk cannot prove that it is not a worker of the past.
        if desk.offset < 0:
            return False
        shown = await self._begin(desk)
        for name, as_of in as_ofs.items():
            began = monotonic()
            await self._write_changes(desk, desk.books[name], as_of, shown)
            # A large partition gets half of the event loop at most.
            await asyncio.sleep(monotonic() - began)
        return await self._fill(desk, as_ofs, shown)

    async def close(self) -> None:
        """Give the connection back."""
        await self._redis.aclose()

    async def _write_snapshots(self, desk: Desk, as_ofs: Mapping[str, int]) -> None:
        for name, as_of in as_ofs.items():
            began = monotonic()
            snapshot = msgspec.json.encode(live_snapshot(desk.books[name], as_of))
            await self._redis.set(redis_snapshot(name, desk.channel), snapshot, ex=self._ttl)
            await asyncio.sleep(monotonic() - began)

    async def _begin(self, desk: Desk) -> _Shown:
        """What this Redis was shown of the desk; if nothing, everything is to be written.

        A Redis without this desk's mark was flushed or replaced, or another worker filled it.
        """
        place = (desk.channel, desk.partition)
        shown = self._shown.get(place)
        if shown is None or shown.incarnation != desk.incarnation:
            shown = self._shown[place] = _Shown(desk.incarnation)
        mark = await self._redis.get(redis_filled(*place))
        marks = {desk.incarnation.encode()}
        if shown.filling is not None:
            marks = {_half(desk)}
        if mark not in marks:
            shown.filling = Filling(self._writer, desk, beside=True)
            for book in desk.books.values():
                for _, tally in book.every_tally():
                    tally.touched.clear()
            await self._redis.set(redis_filled(*place), _half(desk), ex=self._history // SECOND)
        return shown

    async def _fill(self, desk: Desk, as_ofs: Mapping[str, int], shown: _Shown) -> bool:
        if shown.filling is None:
            return False
        progress = await shown.filling.go_on(as_ofs, until=monotonic() + SLICE)
        if progress is Progress.DONE:
            mark = redis_filled(desk.channel, desk.partition)
            await self._redis.set(mark, desk.incarnation, ex=self._history // SECOND)
            shown.filling = None
            log.info("redis is filled", channel=desk.channel, partition=desk.partition)
        return progress is Progress.MORE

    async def _write_changes(self, desk: Desk, book: Book, as_of: int, shown: _Shown) -> None:
        """Write the hours that changed, and how far they hold.

        Those that could not be written are kept for next time.
        """
        name = book.plan.organisation.name
        offset = desk.offset
        touch_passed(book, shown.read_at.get(name, NO_INSTANT), as_of, list(book.opens()))
        taken = [(part, tally, tally.touched) for part, tally in book.every_tally()]
        places: list[Place] = []
        for part, tally, hours in taken:
            tally.touched = set()
            places += [(hour, part) for hour in hours]
        written = False
        try:
            written = await self._writer.write(
                book, places, as_of=as_of, offset=offset, opens=opens_by_place(book)
            )
        finally:
            if not written:
                for _, tally, hours in taken:
                    tally.touched.update(hours)
        if written:
            shown.read_at[name] = as_of
            if shown.is_whole(name):
                await self._writer.put_truth(book, as_of=as_of, offset=offset)
        if shown.judged.get(name) != as_of // DAY:
            await self._writer.judge_days(book, as_of, anew=self._clock is None)
            shown.judged[name] = as_of // DAY


def _half(desk: Desk) -> bytes:
    return f"{desk.incarnation} is filling it".encode()


def create_redis_sink(settings: Settings, redis_url: str, clock: Callable[[], int]) -> RedisSink:
    """The sink as configured."""
    cluster = settings.cluster
    own_clock = clock if cluster.clock == "wall" else None
    redis = connect_redis(cluster, redis_url)
    return RedisSink(
        redis, clock=own_clock, snapshot_ttl=cluster.redis_ttl, history=cluster.history
    )


def connect_redis(cluster: Cluster, redis_url: str) -> Redis:
    """A connection of one's own, with the configured password and time-outs."""
    redis: Redis = Redis.from_url(redis_url, **redis_options(cluster))
    return redis
