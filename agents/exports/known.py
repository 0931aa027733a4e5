"""What Redis says about how far organisations are known, for the schedule of exports."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from streams.conventions import redis_days, redis_truth
from streams.exports.quality import sources
from streams.exports.truth import decode_truth
from streams.topics import TOPIC_OF_CHANNEL

if TYPE_CHECKING:
    from collections.abc import Iterable

    from redis.asyncio import Redis

    from streams.organisations import Organisation

AT_ONCE = 50
"""Organisations asked about in one go; a day has ten letters and there are a thousand of them."""


async def first_days(redis: Redis, organisations: Iterable[str]) -> dict[str, date]:
    """The first UTC day of which there are numbers; whoever has none is left out.

    Raises what Redis raises, and `ValueError` where a day is none.
    """
    names, found = list(organisations), {}
    for begin in range(0, len(names), AT_ONCE):
        some = names[begin : begin + AT_ONCE]
        pipeline = redis.pipeline(transaction=False)
        for name in some:
            pipeline.sunion([redis_days(name, channel) for channel in TOPIC_OF_CHANNEL])
        for name, days in zip(some, await pipeline.execute(), strict=True):
            if days:
                found[name] = date.fromisoformat(min(days).decode())
    return found


async def is_told(redis: Redis, organisation: Organisation, span: tuple[int, int]) -> bool:
    """Whether every configured source has told everything up to the end of a period.

    Raises what Redis raises, and `HistoryError` where a truth cannot be read.
    """
    keys = [redis_truth(organisation.name, channel) for channel in TOPIC_OF_CHANNEL]
    truths = {
        channel: decode_truth(value)
        for channel, value in zip(TOPIC_OF_CHANNEL, await redis.mget(keys), strict=True)
        if isinstance(value, bytes)
    }
    return all(source.covered == 1 for source in sources(organisation, (), truths, span))
