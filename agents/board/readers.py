"""Where boards read live snapshots: from Redis, which knows all, or from this worker's desks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec
import structlog
from redis.exceptions import RedisError

from agents.exporter import readable_books
from streams.board.compose import CHANNELS
from streams.conventions import redis_snapshot
from streams.views import live_snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from redis.asyncio import Redis

    from agents.runtime import Runtime

Place = tuple[str, str]
"""Organisation and channel."""

log = structlog.stdlib.get_logger(__name__)


class Reader(Protocol):
    """Reads the snapshots that are true now; those it cannot find are left out."""

    async def __call__(self, organisations: Sequence[str], /) -> dict[Place, bytes]:
        """The snapshots of these organisations."""

    async def close(self) -> None:
        """Give back what it holds."""


class SnapshotReader:
    """Asks Redis first, so that any worker shows any organisation.

    What Redis does not hold, because it is down, empty or not there at all, is read from the desks
    of this worker; what neither knows is left out, and the board says that its numbers are old.
    """

    def __init__(self, runtime: Runtime, redis: Redis | None, *, clock: Callable[[], int]) -> None:
        """A reader on a connection that belongs to it, with time-outs set."""
        self._runtime = runtime
        self._redis = redis
        self._clock = clock
        self._is_answered = True

    async def __call__(self, organisations: Sequence[str]) -> dict[Place, bytes]:
        """The snapshots of these organisations, as they are stored."""
        places = [(name, channel) for name in organisations for channel in CHANNELS]
        found = await self._from_redis(places)
        missing = {place for place in places if place not in found}
        if missing:
            for _, book, as_of in readable_books(self._runtime, self._clock):
                place = (book.plan.organisation.name, book.plan.channel)
                if place in missing:
                    found[place] = msgspec.json.encode(live_snapshot(book, as_of))
        return found

    async def close(self) -> None:
        """Close the connection."""
        if self._redis is not None:
            await self._redis.aclose()

    async def _from_redis(self, places: Sequence[Place]) -> dict[Place, bytes]:
        if self._redis is None or not places:
            return {}
        try:
            stored = await self._redis.mget([redis_snapshot(*place) for place in places])
        except (RedisError, OSError) as error:
            if self._is_answered:
                log.warning("boards cannot read redis", error=repr(error))
            self._is_answered = False
            return {}
        self._is_answered = True
        texts = zip(places, stored, strict=True)
        return {place: text for place, text in texts if isinstance(text, bytes)}
