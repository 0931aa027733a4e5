"""Measure three years of history of one organisation: rows, bytes, a restart, a refill of Redis.

    python benchmarks/history.py [YEARS]

A municipality of the usual size: 6,750 calls a week in eight queues, 2,500 open hours a year, half
of the calls with one of twelve topics. Needs `redis-server`. Times are of the processor except that
of the refill, which leaves half of the time to others.
"""

from __future__ import annotations

import asyncio
import gc
import random
import sys
import time
import tracemalloc
from typing import TYPE_CHECKING

from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from agents.embedded import EmbeddedRedis
from agents.sinks.redis import RedisSink
from streams.books import Book
from streams.calendars import Calendar, CalendarVersion, Hours
from streams.cohorts import FRONTIERS, RowKey, encode_frontiers
from streams.desk import Desk
from streams.facts import Recorded
from streams.folded_rows import encode_folded
from streams.folding import fold, folded_number
from streams.instants import DAY, HOUR, SECOND, parse_rfc3339
from streams.organisations import Organisation, Part, Promise, Source
from streams.promises import parse_within

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "bench"
QUEUES = [f"q{n}" for n in range(8)]
TOPICS = [f"Ämne {n}" for n in range(12)]
CALLS_A_WEEK = 6_750
OPEN_HOURS = range(7, 17)
"""In UTC; five days a week are 2,600 hours a year, holidays not left out."""

HORIZON = 35 * DAY
WEEKDAYS = tuple([(Hours(8 * 60, 18 * 60),)] * 5 + [(), ()])
CALENDAR = Calendar("default", "Europe/Stockholm", (CalendarVersion(weekdays=WEEKDAYS),))
START = parse_rfc3339("2024-01-01T00:00:00Z")
ORGANISATION = Organisation(
    name=NAME,
    sv="Bench",
    en="Bench",
    time_zone="Europe/Stockholm",
    queues={name: Part(name, name, name) for name in QUEUES},
    mailboxes={},
    desks={},
    sources=(Source("exchange", "calls"),),
    calendars={"default": CALENDAR},
    promises=tuple(
        Promise(name=name, channel="calls", within=parse_within(within), target=0.8)
        for name, within in (("answered-in-2-minutes", "2 min"),)
    ),
)

PAUSE = 0.001

Rows = list[tuple[bytes, bytes]]


def contacts(hour: int, chance: random.Random) -> Iterator[tuple[str, Recorded]]:
    """The calls of an hour."""
    for number in range(CALLS_A_WEEK // (5 * len(OPEN_HOURS))):
        entered = hour * HOUR + int(chance.random() * HOUR)
        answered = entered + int(chance.expovariate(1 / 45) * SECOND)
        ended = answered + int(chance.expovariate(1 / 180) * SECOND)
        topic = chance.choice(TOPICS) if chance.random() < 0.5 else None
        fact = Recorded(
            0, chance.choice(QUEUES), entered, None, answered, None, None, ended, True, topic
        )
        yield f"{hour}-{number}", fact


def folded_rows(years: int) -> Rows:
    """What is left of them."""
    chance = random.Random(1)  # noqa: S311 - no secret
    rows: Rows = []
    for day in range(years * 364):
        if day % 7 >= 5:
            continue
        for clock in OPEN_HOURS:
            hour = START // HOUR + day * 24 + clock
            book = Book(ORGANISATION, "calls")
            for contact, fact in contacts(hour, chance):
                book.add(contact, fact, fact.at)
            book.settle()
            folded = fold(book, list(book.cohorts), as_of=START + 9_999 * DAY, horizon=HORIZON)
            if folded is None:
                msg = "an hour that is over for years was not folded"
                raise AssertionError(msg)
            key = RowKey(0, "calls", NAME, folded_number(hour), "w1").encode()
            rows.append((key, encode_folded(book.plan, folded.cells, offset=hour)))
    end = START + years * 364 * DAY
    rows.append(
        (RowKey(0, "calls", NAME, FRONTIERS, "w1").encode(), encode_frontiers({"exchange": end}))
    )
    return rows


def desk() -> Desk:
    """A desk without contacts."""
    return Desk(
        channel="calls",
        partition=0,
        organisations={NAME: ORGANISATION},
        owns=lambda _: True,
        incarnation="w2",
        horizon=HORIZON,
        clock="events",
    )


def restart(rows: Rows) -> tuple[float, float]:
    """Seconds that a restart takes, and megabytes that it allocates beside the rows."""
    began = time.process_time()
    desk().restore(rows)
    took = time.process_time() - began
    tracemalloc.start()
    held = desk()
    held.restore(rows)
    memory = tracemalloc.get_traced_memory()[0] / 1e6
    tracemalloc.stop()
    del held
    return took, memory


async def refill(rows: Rows, url: str) -> tuple[float, float, float]:
    """Wall and processor seconds, and those that others had to wait for at most."""
    filled = desk()
    filled.restore(rows)
    filled.offset = 10**9
    gc.collect()
    gc.disable()
    longest = 0.0
    done = asyncio.Event()

    async def watch() -> None:
        nonlocal longest
        while not done.is_set():
            began = time.thread_time()
            await asyncio.sleep(PAUSE)
            longest = max(longest, time.thread_time() - began)

    watching = asyncio.create_task(watch())
    sink = RedisSink(AsyncRedis.from_url(url), clock=None, snapshot_ttl=30 * SECOND)
    began, used = time.monotonic(), time.process_time()
    while await sink(filled):
        pass
    took, used = time.monotonic() - began, time.process_time() - used
    done.set()
    await watching
    await sink.close()
    return took, used, longest


def main() -> None:
    """Print the figures."""
    years = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    rows = folded_rows(years)
    size = sum(len(key) + len(value) for key, value in rows)
    print(f"folded rows a year:           {len(rows) // years:>12,}")
    print(f"changelog, MB a year:         {size / years / 1e6:>12.2f}")
    took, memory = restart(rows)
    print(f"restart with {years} years, ms:     {took * 1e3:>12.1f}")
    print(f"  memory beside the rows, MB: {memory:>12.2f}")
    with EmbeddedRedis(kind="server") as server, Redis.from_url(server.url) as redis:
        before = redis.info("memory")["used_memory"]
        wall, used, longest = asyncio.run(refill(rows, server.url))
        keys = list(redis.scan_iter("kontaktpuls:rollup:*"))
        fields = sum(redis.hlen(key) - 1 for key in keys)
        after = redis.info("memory")["used_memory"]
    print(f"rollups a year:               {fields // years:>12,}")
    print(f"Redis, MB a year:             {(after - before) / years / 1e6:>12.2f}")
    print(f"refill with {years} years, s:       {wall:>12.1f} ({used:.1f} s of the processor)")
    print(f"  longest hold of the loop, ms: {longest * 1e3:>10.1f}")


if __name__ == "__main__":
    main()
