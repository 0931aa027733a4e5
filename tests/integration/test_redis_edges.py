"""Redis rollups at the edges: who may write again, and how long they are kept."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from agents.embedded import EmbeddedRedis, free_port
from streams.folded_hours import KEPT
from streams.instants import DAY, HOUR, MINUTE, SECOND
from tests.integration.test_redis_sink import (
    MONDAY,
    entered,
    heartbeat,
    new_desk,
    rollups,
    show,
    sink_on,
    tell,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedRedis]:
    """One Redis for these tests."""
    with EmbeddedRedis() as running:
        yield running


@pytest.fixture
def redis(server: EmbeddedRedis) -> Iterator[Redis]:
    """What other programs see; empty at first."""
    with Redis.from_url(server.url, decode_responses=True) as client:
        client.flushall()
        yield client


def test_a_writer_may_write_again_what_it_had_read(redis: Redis, server: EmbeddedRedis) -> None:
    """The same offset, shown again after a rollup was damaged, repairs it."""
    desk = new_desk()
    tell(desk, entered("a"), heartbeat(MINUTE))
    show(desk, server.url)
    (key,) = redis.scan_iter("kontaktpuls:rollup:*")
    redis.hdel(key, f"{MONDAY // HOUR}|")
    desk.book("provkommun").tally("").touched.add(MONDAY // HOUR)
    show(desk, server.url)

    assert f"{MONDAY // HOUR}|" in rollups(redis)


def test_a_desk_with_nothing_to_write_notices_that_redis_is_away() -> None:
    """Otherwise the view would work again at every second desk, and the log tell of it."""
    with pytest.raises(RedisConnectionError):
        show(new_desk(), f"redis://127.0.0.1:{free_port()}/0")


def test_rollups_and_nothing_else_are_kept_for_years(redis: Redis, server: EmbeddedRedis) -> None:
    """Every key goes in the end: a snapshot soon, a rollup three years after its day."""
    desk = new_desk()
    tell(desk, entered("a"), heartbeat(MINUTE))
    show(desk, server.url)
    (key,) = redis.scan_iter("kontaktpuls:rollup:*")

    left = (MONDAY // DAY + 1) * DAY + KEPT - (MONDAY + MINUTE)
    assert left // SECOND - 60 < int(str(redis.ttl(key))) <= left // SECOND
    assert all(int(str(redis.ttl(name))) > 0 for name in redis.scan_iter("*"))


def test_hours_that_did_not_change_are_not_written_again(
    redis: Redis, server: EmbeddedRedis
) -> None:
    """What time decided before the last reading is written once, not at every flush."""
    desk, connection = new_desk(), sink_on(server.url)

    async def story() -> None:
        tell(desk, entered("a"), heartbeat(10 * MINUTE))
        await connection(desk)
        for key in redis.scan_iter("kontaktpuls:rollup:*"):
            redis.hdel(key, f"{MONDAY // HOUR}|")
        tell(desk, heartbeat(11 * MINUTE), first_offset=2)
        await connection(desk)
        await connection.close()

    asyncio.run(story())

    assert f"{MONDAY // HOUR}|" not in rollups(redis)
