"""Redis as a view: complete after every flush, refilled when it was emptied, safe from the past."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import RedisError

from agents.embedded import EmbeddedRedis, free_port
from agents.sinks.redis import RedisSink
from streams.codec import encode_event
from streams.desk import Desk
from streams.events import CallAnswered, CallEntered, EmailReceived, Heartbeat
from streams.instants import DAY, HOUR, MILLISECOND, MINUTE, SECOND, parse_rfc3339, to_datetime
from tests.kafka_records import Record
from tests.strategies import ORGANISATION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.organisations import Channel

pytestmark = pytest.mark.integration

MONDAY = parse_rfc3339("2026-10-26T09:00:00+01:00")
TTL = 30 * SECOND


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedRedis]:
    """One Redis for these tests."""
    with EmbeddedRedis() as redis:
        yield redis


@pytest.fixture
def redis(server: EmbeddedRedis) -> Iterator[Redis]:
    """What other programs see; empty at first."""
    with Redis.from_url(server.url, decode_responses=True) as client:
        client.flushall()
        yield client


def sink_on(url: str) -> RedisSink:
    """A sink of a worker that replays events."""
    connection = AsyncRedis.from_url(url, socket_timeout=2, socket_connect_timeout=2)
    return RedisSink(connection, clock=None, snapshot_ttl=TTL)


def new_desk(channel: Channel = "calls", incarnation: str = "w1") -> Desk:
    """A desk that owns everything."""
    return Desk(
        channel=channel,
        partition=0,
        organisations={"provkommun": ORGANISATION},
        owns=lambda _name: True,
        incarnation=incarnation,
        horizon=35 * DAY,
        clock="events",
    )


def tell(desk: Desk, *events: Any, first_offset: int = 0) -> None:
    """Apply events, in order of their offsets."""
    desk.apply(
        [
            Record(
                encode_event(event), None, (MONDAY + DAY) // MILLISECOND, first_offset + n, "", 0
            )
            for n, event in enumerate(events)
        ]
    )


def entered(call: str, after: int = 0) -> CallEntered:
    """Somebody calls the switchboard."""
    at = to_datetime(MONDAY + after)
    return CallEntered(organisation="provkommun", call=call, queue="vaxel", at=at)


def answered(call: str, after: int) -> CallAnswered:
    """Somebody answers."""
    at = to_datetime(MONDAY + after)
    return CallAnswered(organisation="provkommun", call=call, queue="vaxel", at=at)


def heartbeat(after: int, source: str = "exchange") -> Heartbeat:
    """Everything up to then was read."""
    through = to_datetime(MONDAY + after)
    return Heartbeat(organisation="provkommun", source=source, through=through)


def show(desk: Desk, url: str, sink: RedisSink | None = None) -> None:
    """One flush, with a connection of its own unless a sink is given."""

    async def once() -> None:
        used = sink or sink_on(url)
        await used(desk)
        await used.close()

    asyncio.run(once())


def rollups(redis: Redis, channel: str = "calls") -> dict[str, Any]:
    """Everything rolled up for the organisation, by `hour|part`."""
    found: dict[str, Any] = {}
    for key in redis.scan_iter(f"kontaktpuls:rollup:provkommun:{channel}:*"):
        fields = redis.hgetall(key)
        found |= {str(name): json.loads(v) for name, v in fields.items() if name != "offset"}
    return found


def test_a_snapshot_is_live_for_its_time_and_says_what_waits(
    redis: Redis, server: EmbeddedRedis
) -> None:
    """A wallboard reads who waits now and what falls due next, and sees when it goes stale."""
    desk = new_desk()
    tell(desk, entered("a"), heartbeat(30 * SECOND))
    show(desk, server.url)
    key = "kontaktpuls:live:provkommun:calls"
    live = json.loads(str(redis.get(key)))

    assert 0 < int(str(redis.ttl(key))) <= TTL // SECOND
    assert live["as_of"] == "2026-10-26T09:00:30+01:00"
    assert live["parts"][0]["queue"] is None
    assert live["parts"][0]["now"]["waiting"] == 1
    assert live["due_next"][0]["due"] == "2026-10-26T09:01:00+01:00"


def test_rollups_are_corrected_when_facts_arrive_late(redis: Redis, server: EmbeddedRedis) -> None:
    """An hour that was written is written again when a contact of it changes."""
    desk = new_desk()
    tell(desk, entered("a"), heartbeat(HOUR))
    show(desk, server.url)
    before = rollups(redis)[f"{MONDAY // HOUR}|"]
    tell(desk, answered("a", 10 * SECOND), first_offset=2)
    show(desk, server.url)
    after = rollups(redis)[f"{MONDAY // HOUR}|"]

    assert before["exit_unknown"] == 1
    assert before["promises"]["in-two-minutes"] == {"missed": 1}
    assert "exit_unknown" not in after
    assert after["promises"]["in-two-minutes"] == {"met": 1}


def test_time_alone_brings_a_miss_into_its_hour(redis: Redis, server: EmbeddedRedis) -> None:
    """A mail nobody answers is a miss in the rollup of its arrival, without any event about it."""
    desk = new_desk("emails")
    mail = EmailReceived(
        organisation="provkommun",
        conversation="k",
        message="m",
        mailbox="kontakt",
        at=to_datetime(MONDAY),
        automatic=False,
    )
    connection = sink_on(server.url)

    async def both() -> tuple[Any, Any]:
        tell(desk, mail, heartbeat(HOUR, "mailbox"))
        await connection(desk)
        first = rollups(redis, "emails")[f"{MONDAY // HOUR}|"]
        late = Record(
            encode_event(heartbeat(4 * DAY, "mailbox")),
            None,
            (MONDAY + 9 * DAY) // MILLISECOND,
            2,
            "",
            0,
        )
        desk.apply([late])
        await connection(desk)
        await connection.close()
        return first, rollups(redis, "emails")[f"{MONDAY // HOUR}|"]

    before, after = asyncio.run(both())

    assert before["promises"] == {"two-days": {"pending": 1}, "full-in-eight": {"pending": 1}}
    assert after["promises"]["two-days"]["first_reply_missed"] == 1


def test_an_emptied_redis_is_filled_again(redis: Redis, server: EmbeddedRedis) -> None:
    """After FLUSHALL the next flush brings back every hour, not only what changed since."""
    desk = new_desk()
    connection = sink_on(server.url)

    async def story() -> tuple[Any, Any]:
        tell(desk, entered("a"), entered("b", 2 * HOUR), heartbeat(3 * HOUR))
        await connection(desk)
        full = rollups(redis)
        redis.flushall()
        tell(desk, heartbeat(3 * HOUR + MINUTE), first_offset=3)
        await connection(desk)
        await connection.close()
        return full, rollups(redis)

    full, again = asyncio.run(story())

    assert full.keys() == again.keys()
    assert len(full) == 4


def test_a_worker_of_the_past_loses(redis: Redis, server: EmbeddedRedis) -> None:
    """Thawed after its partition went to another, it cannot overwrite newer rollups."""
    old, new = new_desk(incarnation="old"), new_desk(incarnation="new")
    tell(old, entered("a"), heartbeat(MINUTE))
    tell(new, entered("a"), heartbeat(MINUTE), answered("a", 10 * SECOND), heartbeat(HOUR))
    show(new, server.url)
    show(old, server.url)

    assert rollups(redis)[f"{MONDAY // HOUR}|"]["answered"] == 1


def test_a_restarted_worker_brings_what_redis_had_not_seen(
    redis: Redis, server: EmbeddedRedis
) -> None:
    """Stored by Kafka, killed before Redis was told: the hour is written after the restart."""
    old = new_desk(incarnation="old")
    tell(old, entered("a"), heartbeat(MINUTE), first_offset=5)
    stored = dict(old.flush())
    show(old, server.url)
    tell(old, answered("a", 10 * SECOND), first_offset=7)
    stored |= dict(old.flush())
    new = new_desk(incarnation="new")
    new.restore(stored.items())
    show(new, server.url)

    assert "answered" not in rollups(redis)[f"{MONDAY // HOUR}|"]

    tell(new, heartbeat(2 * MINUTE), first_offset=8)
    show(new, server.url)

    assert rollups(redis)[f"{MONDAY // HOUR}|"]["answered"] == 1


def test_what_could_not_be_written_is_written_next_time(
    redis: Redis, server: EmbeddedRedis
) -> None:
    """An outage costs nothing: the hours that changed are remembered."""
    desk = new_desk()
    tell(desk, entered("a"), heartbeat(MINUTE))
    with pytest.raises(RedisError):
        show(desk, f"redis://127.0.0.1:{free_port()}/0")
    show(desk, server.url)

    assert f"{MONDAY // HOUR}|vaxel" in rollups(redis)
