"""The lock of an export: one holder, who learns when it was lost, and tokens that only grow."""

from __future__ import annotations

import asyncio
import os
import shutil
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from agents.embedded import EmbeddedRedis
from agents.exports.lock import ExportLock, LockError, LockLostError
from streams.conventions import redis_export_lock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

pytestmark = pytest.mark.integration

KEY = "skara|2026-W47"
LONG, SHORT = 60.0, 0.4


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedRedis]:
    """The system's Redis: the fake one runs no scripts."""
    if shutil.which("redis-server") is None:
        reason = "`redis-server` is not installed (package `redis-server`)"
        if os.environ.get("REQUIRE_KAFKA"):
            pytest.fail(reason)
        pytest.skip(reason)
    with EmbeddedRedis(kind="server") as redis:
        yield redis


@pytest_asyncio.fixture
async def redis(server: EmbeddedRedis) -> AsyncIterator[Redis]:
    """Empty at first."""
    client: Redis = Redis.from_url(server.url, socket_timeout=5, socket_connect_timeout=5)
    await client.flushall()
    yield client
    await client.aclose()


async def test_one_of_two_gets_it_and_the_other_one_after(redis: Redis) -> None:
    """While it is held nobody else gets it; given back, it is free at once."""
    async with ExportLock(redis, KEY) as first, ExportLock(redis, KEY) as second:
        assert await first.take(above=0)
        assert not await second.take(above=0)
        await first.check()
    async with ExportLock(redis, KEY) as third:
        assert await third.take(above=0)


async def test_locks_of_different_weeks_do_not_wait_for_each_other(redis: Redis) -> None:
    """Several workers share the work of a Monday."""
    async with ExportLock(redis, KEY) as one, ExportLock(redis, "orust|2026-W47") as other:
        assert await one.take(above=0)
        assert await other.take(above=0)


async def test_it_is_renewed_while_it_is_held(redis: Redis) -> None:
    """An export that takes longer than the time to live keeps its lock."""
    async with ExportLock(redis, KEY, ttl=SHORT) as lock, ExportLock(redis, KEY) as other:
        assert await lock.take(above=0)
        for _ in range(3):
            await asyncio.sleep(SHORT)
            assert not await other.take(above=0)
        await lock.check()


async def test_the_lock_of_somebody_who_was_killed_becomes_free(redis: Redis) -> None:
    """Nobody renews it any more, so its time to live ends."""
    dead = ExportLock(redis, KEY, ttl=SHORT)
    assert await dead.take(above=0)
    assert dead._renewing is not None
    dead._renewing.cancel()
    async with ExportLock(redis, KEY) as heir:
        for _ in range(600):
            if await heir.take(above=0):
                break
            await asyncio.sleep(0.1)

        assert heir.token == 2


async def test_a_frozen_holder_learns_that_it_was_lost_and_harms_nobody(redis: Redis) -> None:
    """It neither goes on nor gives back what belongs to another one by now."""
    async with ExportLock(redis, KEY) as heir:
        async with ExportLock(redis, KEY) as frozen:
            assert await frozen.take(above=0)
            await redis.delete(redis_export_lock(KEY))
            assert await heir.take(above=0)
            with pytest.raises(LockLostError):
                await frozen.check()
            with pytest.raises(LockLostError):
                await frozen.check()
        await heir.check()


async def test_tokens_only_grow_also_in_a_flushed_redis(redis: Redis) -> None:
    """Where the number is forgotten, the marks in Kafka still know how far it was."""
    tokens = []
    for above in (0, 0, 41, 0):
        async with ExportLock(redis, KEY) as lock:
            await lock.take(above=above)
            tokens.append(lock.token)
    await redis.flushall()
    async with ExportLock(redis, KEY) as lock:
        await lock.take(above=max(tokens))
        tokens.append(lock.token)

    assert tokens == [1, 2, 42, 43, 44]


async def test_a_flushed_redis_takes_the_lock_away(redis: Redis) -> None:
    """Whoever held it cannot know who has it now."""
    async with ExportLock(redis, KEY) as lock:
        await lock.take(above=0)
        await redis.flushall()
        with pytest.raises(LockLostError, match="was lost"):
            await lock.check()


async def test_without_redis_nobody_gets_a_lock() -> None:
    """It is said, not waited for."""
    with EmbeddedRedis() as gone:
        url = gone.url
    client: Redis = Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1)
    async with ExportLock(client, KEY) as lock:
        with pytest.raises(LockError, match="does not give a lock"):
            await lock.take(above=0)
    await client.aclose()
