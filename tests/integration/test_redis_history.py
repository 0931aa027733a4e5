"""Redis holds the whole past: refilled bit by bit, vouched for when complete, gone when too old."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import RedisError

from agents.embedded import EmbeddedRedis
from agents.sinks import redis as module
from agents.sinks.redis import RedisSink
from agents.sinks.redis_rollups import RollupWriter
from streams.codec import encode_event
from streams.conventions import redis_days, redis_rollups, redis_snapshot, redis_truth
from streams.events import CallEnded
from streams.instants import DAY, HOUR, MILLISECOND, MINUTE, SECOND, to_datetime
from tests.integration.test_redis_sink import (
    MONDAY,
    TTL,
    answered,
    entered,
    heartbeat,
    new_desk,
    rollups,
    show,
    sink_on,
)
from tests.kafka_records import Record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.desk import Desk

pytestmark = pytest.mark.integration

NAME = "provkommun"
MONDAY_OF_WEEK_44 = "2026-10-26"
DAYS = redis_days(NAME, "calls")
TRUTH = redis_truth(NAME, "calls")
HISTORY = 100 * DAY
NO_DAY = -1


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


def tell(desk: Desk, *events: Any) -> None:
    """Apply events at the offsets that come next."""
    desk.apply(
        [
            Record(
                encode_event(event),
                None,
                (MONDAY + 400 * DAY) // MILLISECOND,
                desk.offset + 1 + n,
                "",
                0,
            )
            for n, event in enumerate(events)
        ]
    )


def store(desk: Desk, stored: dict[bytes, bytes]) -> None:
    """As its agent does."""
    stored.update(desk.flush())
    for key in desk.acknowledged():
        del stored[key]


def with_history(days: int = 10) -> tuple[Desk, dict[bytes, bytes]]:
    """A desk of which the first days are folded, and its rows."""
    desk, stored = new_desk(), dict[bytes, bytes]()
    for day in range(days):
        tell(desk, entered(f"c{day}", day * DAY), answered(f"c{day}", day * DAY + 30 * SECOND))
        store(desk, stored)
    tell(desk, heartbeat(60 * DAY))
    store(desk, stored)
    tell(desk, entered("new", 60 * DAY), heartbeat(60 * DAY + MINUTE))
    store(desk, stored)
    return desk, stored


async def until_done(sink: RedisSink, desk: Desk) -> int:
    """Show a desk until nothing is left to write; how often that took."""
    times = 1
    while await sink(desk):
        times += 1
    return times


def dump(redis: Redis) -> dict[str, Any]:
    """Everything about the past."""
    found: dict[str, Any] = {DAYS: redis.smembers(DAYS), TRUTH: redis.get(TRUTH)}
    for key in redis.scan_iter("kontaktpuls:rollup:*"):
        found[str(key)] = redis.hgetall(key)
    return found


def test_the_days_and_the_truth_stand_beside_the_rollups(
    redis: Redis, server: EmbeddedRedis
) -> None:
    """Whoever exports finds which days there are, and how far the sources had told everything."""
    desk = new_desk()
    tell(desk, entered("a"), entered("b", DAY), heartbeat(DAY + HOUR))
    show(desk, server.url)
    truth = json.loads(str(redis.get(TRUTH)))

    assert redis.smembers(DAYS) == {MONDAY_OF_WEEK_44, "2026-10-27"}
    assert truth["as_of"] == truth["sources"]["exchange"] == "2026-10-27T10:00:00+01:00"
    assert truth["offset"] == 2


def test_the_truth_is_told_when_nothing_but_a_frontier_moved(
    redis: Redis, server: EmbeddedRedis
) -> None:
    """A quiet hour is known too."""
    desk, sink = new_desk(), sink_on(server.url)

    async def story() -> None:
        tell(desk, entered("a"), answered("a", MINUTE), heartbeat(HOUR))
        await sink(desk)
        tell(desk, heartbeat(2 * HOUR))
        await sink(desk)
        await sink.close()

    asyncio.run(story())
    truth = json.loads(str(redis.get(TRUTH)))

    assert (truth["as_of"], truth["offset"]) == ("2026-10-26T11:00:00+01:00", 3)


def test_folded_days_are_written_again_after_flushall(redis: Redis, server: EmbeddedRedis) -> None:
    """By the worker that runs, which keeps nothing but their rows."""
    desk, _ = with_history()
    sink = sink_on(server.url)

    async def story() -> tuple[Any, Any]:
        await until_done(sink, desk)
        full = dump(redis)
        redis.flushall()
        await until_done(sink, desk)
        await sink.close()
        return full, dump(redis)

    full, again = asyncio.run(story())

    assert len(desk.book(NAME).folded.rows) > 4
    assert full == again
    assert len(redis.smembers(DAYS)) == 11


def test_filling_is_interrupted_by_live_snapshots_and_vouched_for_at_its_end(
    redis: Redis, server: EmbeddedRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No truth is told while days are missing, and no snapshot waits for them."""
    monkeypatch.setattr(module, "SLICE", 0.0)
    desk, _ = with_history()
    sink = sink_on(server.url)
    seen: list[tuple[int, bool]] = []

    async def story() -> None:
        while await sink(desk):
            assert redis.delete(redis_snapshot(NAME, "calls"))
            seen.append((len(redis.smembers(DAYS)), bool(redis.exists(TRUTH))))
        await sink.close()

    asyncio.run(story())

    assert [days for days, _ in seen] == list(range(1, 11))
    assert not any(is_vouched_for for _, is_vouched_for in seen)
    assert redis.exists(TRUTH)


def test_a_redis_that_goes_away_in_the_middle_gets_the_rest(
    redis: Redis, server: EmbeddedRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was written before is not written again."""
    desk, _ = with_history()
    sink = sink_on(server.url)
    put, written = RollupWriter.put, list[int]()

    async def failing(self: RollupWriter, book: Any, day: int, *rest: Any, **more: Any) -> bool:
        if len(written) == 4:
            written.append(NO_DAY)
            msg = "gone away"
            raise RedisError(msg)
        if "whole" in more:
            written.append(day)
        return await put(self, book, day, *rest, **more)

    async def story() -> None:
        tell(desk, heartbeat(60 * DAY + 2 * MINUTE))
        with pytest.raises(RedisError, match="gone away"):
            await sink(desk)
        assert not redis.exists(TRUTH)
        await until_done(sink, desk)
        await sink.close()

    monkeypatch.setattr(RollupWriter, "put", failing)
    asyncio.run(story())
    days = [day for day in written if day != NO_DAY]

    assert len(days) == len(set(days)) == 11
    assert redis.exists(TRUTH)


def test_a_restarted_worker_leaves_folded_days_that_are_there(
    redis: Redis, server: EmbeddedRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It writes what may differ, and all of it where the history is another one."""
    desk, stored = with_history()
    show(desk, server.url)
    before = dump(redis)
    days: list[int] = []
    put = RollupWriter.put

    async def counting(self: RollupWriter, book: Any, day: int, *rest: Any, **more: Any) -> bool:
        if "whole" in more:
            days.append(day)
        return await put(self, book, day, *rest, **more)

    monkeypatch.setattr(RollupWriter, "put", counting)
    heir = new_desk(incarnation="heir")
    heir.restore(stored.items())
    heir.offset = desk.offset
    show(heir, server.url)

    assert {day * DAY for day in days} == {MONDAY // DAY * DAY + 60 * DAY}
    assert before == dump(redis)

    days.clear()
    redis.delete(TRUTH)
    other = new_desk(incarnation="other")
    other.restore(stored.items())
    other.offset = desk.offset
    show(other, server.url)

    assert len(set(days)) == 11
    assert before == dump(redis)


def test_a_worker_of_the_past_vouches_for_nothing(redis: Redis, server: EmbeddedRedis) -> None:
    """The truth of whoever had read further stands."""
    old, new = new_desk(incarnation="old"), new_desk(incarnation="new")
    tell(old, entered("a"), heartbeat(MINUTE))
    tell(new, entered("a"), heartbeat(MINUTE), answered("a", 10 * SECOND), heartbeat(HOUR))
    show(new, server.url)
    before = dump(redis)
    show(old, server.url)

    assert before == dump(redis)


def test_a_newer_truth_is_not_taken_back(redis: Redis, server: EmbeddedRedis) -> None:
    """Also where no rollup tells that somebody had read further."""
    newer = json.dumps({"as_of": "2026-12-24T00:00:00+01:00", "offset": 99, "sources": {}})
    redis.set(TRUTH, newer)
    desk = new_desk()
    tell(desk, entered("a"), heartbeat(HOUR))
    show(desk, server.url)

    assert redis.get(TRUTH) == newer

    for _ in range(100):
        tell(desk, heartbeat(2 * HOUR))
    show(desk, server.url)

    assert json.loads(str(redis.get(TRUTH)))["as_of"] == "2026-10-26T11:00:00+01:00"


def test_an_hour_that_was_vacated_is_taken_away(redis: Redis, server: EmbeddedRedis) -> None:
    """A corrected arrival leaves neither a row of noughts nor its day behind."""
    desk, sink = new_desk(), sink_on(server.url)
    first = CallEnded(organisation=NAME, call="k", at=to_datetime(MONDAY + DAY + HOUR), topic="x")

    async def story() -> None:
        tell(desk, entered("a"), entered("k", DAY), answered("k", DAY + MINUTE), first)
        await sink(desk)
        assert f"{topic_hour()}|topic:x" in rollups(redis)
        corrected = CallEnded(organisation=NAME, call="k", at=first.at, revision=1, topic="y")
        tell(desk, corrected)
        await sink(desk)
        await sink.close()

    asyncio.run(story())
    found = rollups(redis)

    assert f"{topic_hour()}|topic:x" not in found
    assert f"{topic_hour()}|topic:y" in found


def topic_hour() -> int:
    """Tuesday's midnight."""
    return (MONDAY + 15 * HOUR) // HOUR


def test_a_filling_removes_what_does_not_belong(redis: Redis, server: EmbeddedRedis) -> None:
    """Rows of an older configuration, and days on which nobody came after all."""
    desk = new_desk()
    tell(desk, entered("a"), heartbeat(MINUTE))
    key = redis_rollups(NAME, "calls", MONDAY_OF_WEEK_44)
    redis.hset(key, mapping={"offset": 0, f"{MONDAY // HOUR}|gone": "{}"})
    redis.hset(redis_rollups(NAME, "calls", "2026-10-20"), mapping={"offset": 0, "1|": "{}"})
    redis.sadd(DAYS, "2026-10-20")
    show(desk, server.url)

    assert set(rollups(redis)) == {f"{MONDAY // HOUR}|", f"{MONDAY // HOUR}|vaxel"}
    assert redis.smembers(DAYS) == {MONDAY_OF_WEEK_44}


def test_days_are_kept_for_the_history_of_the_truth(redis: Redis, server: EmbeddedRedis) -> None:
    """Where events tell the time it does not pass on the wall: what is left is judged anew."""
    connection = connect(server.url)
    desk = new_desk()
    keys = [redis_rollups(NAME, "calls", day) for day in (MONDAY_OF_WEEK_44, "2026-10-27")]
    end = (MONDAY // DAY + 1) * DAY + HISTORY

    async def story() -> list[list[int]]:
        seen = []
        tell(desk, entered("a"), entered("b", DAY), heartbeat(DAY + HOUR))
        for through in (0, end - DAY - MONDAY, end - MONDAY):
            if through:
                tell(desk, heartbeat(through))
            await connection(desk)
            seen.append([int(str(redis.ttl(key))) for key in keys])
        await connection.close()
        return seen

    first, second, third = asyncio.run(story())
    day = DAY // SECOND

    assert [left // day for left in first] == [99, 100]
    assert [round(left / day) for left in second] == [1, 2]
    assert third[0] == -2
    assert redis.smembers(DAYS) == {"2026-10-27"}


def connect(url: str) -> RedisSink:
    """A sink that keeps rollups for a hundred days."""
    connection = AsyncRedis.from_url(url, socket_timeout=2, socket_connect_timeout=2)
    return RedisSink(connection, clock=None, snapshot_ttl=TTL, history=HISTORY)


def test_what_is_too_old_already_is_not_written(redis: Redis, server: EmbeddedRedis) -> None:
    """A call of last year that is told today has no day of its own any more."""
    desk = new_desk()
    tell(desk, heartbeat(0))
    tell(desk, entered("old", -30 * DAY), heartbeat(0))

    async def story() -> None:
        sink = connect(server.url)
        sink._writer = RollupWriter(sink._redis, history=10 * DAY)
        await sink(desk)
        await sink.close()

    asyncio.run(story())

    assert rollups(redis) == {}
    assert redis.exists(TRUTH)
