"""What an export needs from Redis: rollups of one organisation, some days at a time."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

from redis import Redis
from redis.exceptions import RedisError

from agents.redis_clients import redis_options
from streams.conventions import redis_days, redis_rollups, redis_truth
from streams.errors import KontaktpulsError
from streams.exports.history import History
from streams.exports.hourly import HourlyHistory
from streams.exports.truth import Truth, decode_truth
from streams.topics import TOPIC_OF_CHANNEL

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from agents.settings import Cluster
    from streams.exports.periods import Period
    from streams.organisations import Channel, Organisation

DAYS_AT_ONCE: Final = 28
"""Some megabytes of rollups: a few hundred kilobytes a day for the largest organisation."""


class ReadingError(KontaktpulsError):
    """Redis cannot be read, or holds nothing; says what to do."""


def connect(cluster: Cluster) -> Redis:
    """A connection of one's own.

    Raises:
        ReadingError: the configuration has no Redis.
    """
    if cluster.redis_url is None:
        msg = "exports are made from Redis, and `redis.enabled` is `false`; write `true`"
        raise ReadingError(msg)
    client: Redis = Redis.from_url(cluster.redis_url, **redis_options(cluster))
    return client


class Known(NamedTuple):
    """What Redis knows of an organisation, as far as an export asks.

    Attributes:
        history: added up by period.
        hourly: hour by hour, for the past of a Prometheus; `None` where nobody asked.
        truths: how far each channel is known.
    """

    history: History
    hourly: HourlyHistory | None
    truths: dict[Channel, Truth]


def read_known(
    redis: Redis,
    organisation: Organisation,
    period: Period,
    made_at: int,
    *,
    by_hour: bool = False,
) -> Known:
    """The rollups that an export of a period needs, and how far they are true.

    Raises:
        ReadingError: Redis does not answer, or knows nothing of the organisation.
        HistoryError: what it holds cannot be read.
    """
    hourly = HourlyHistory(organisation, period.span(organisation.zone)) if by_hour else None
    known = Known(History(organisation, period, made_at), hourly, {})
    with _said():
        # First: what is written meanwhile is in the numbers and not yet vouched for.
        known.truths.update(read_truths(redis, organisation.name))
        found = {channel for channel in TOPIC_OF_CHANNEL if _read_channel(redis, known, channel)}
    if not found:
        msg = (
            f"redis holds no history of `{organisation.name}`; if it was emptied, write "
            "`kontaktpuls redis rebuild`"
        )
        raise ReadingError(msg)
    if not found <= known.truths.keys():
        # Whoever fills an empty Redis writes the truth last, when all days are there.
        msg = (
            f"redis is being filled with the history of `{organisation.name}`; try again in some "
            "minutes, or write `kontaktpuls redis rebuild`"
        )
        raise ReadingError(msg)
    return known


def has_days(redis: Redis, organisations: Sequence[str]) -> dict[str, bool]:
    """Whether anything is known of each organisation.

    Raises:
        ReadingError: Redis does not answer.
    """
    with _said():
        pipeline = redis.pipeline(transaction=False)
        for name in organisations:
            pipeline.exists(*(redis_days(name, channel) for channel in TOPIC_OF_CHANNEL))
        return {
            name: bool(found) for name, found in zip(organisations, pipeline.execute(), strict=True)
        }


def newest_truth(redis: Redis, organisations: Iterable[str]) -> int | None:
    """The newest instant up to which any channel is known; `None` where Redis is empty.

    Raises:
        ReadingError: Redis does not answer.
        HistoryError: what it holds cannot be read.
    """
    with _said():
        told = [truth for name in organisations for truth in read_truths(redis, name).values()]
    return max((truth.as_of for truth in told), default=None)


def read_truths(redis: Redis, organisation: str) -> dict[Channel, Truth]:
    """How far each channel is known; raises what Redis raises, and `HistoryError`."""
    keys = [redis_truth(organisation, channel) for channel in TOPIC_OF_CHANNEL]
    return {
        channel: decode_truth(value)
        for channel, value in zip(TOPIC_OF_CHANNEL, redis.mget(keys), strict=True)
        if isinstance(value, bytes)
    }


@contextmanager
def _said() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError) as error:
        msg = f"redis does not answer: {error}; is it running where `redis.url` says?"
        raise ReadingError(msg) from error


def _read_channel(redis: Redis, known: Known, channel: Channel) -> bool:
    """Add what is wanted of a channel; whether there is anything at all."""
    organisation = known.history.wanted.organisation.name
    members = redis.smembers(redis_days(organisation, channel))
    days = {day.decode() for day in members if isinstance(day, bytes)}
    summed = set(known.history.days_to_read(channel, days))
    hourly = set() if known.hourly is None else set(known.hourly.days_to_read(days))
    wanted = sorted(summed | hourly)
    for begin in range(0, len(wanted), DAYS_AT_ONCE):
        some = wanted[begin : begin + DAYS_AT_ONCE]
        pipeline = redis.pipeline(transaction=False)
        for day in some:
            pipeline.hgetall(redis_rollups(organisation, channel, day))
        for day, fields in zip(some, pipeline.execute(), strict=True):
            if day in summed:
                known.history.add_day(channel, fields)
            if known.hourly is not None and day in hourly:
                known.hourly.add_day(channel, fields)
    return bool(days)
