"""Measure what wallboards cost a worker: screens that listen while snapshots change every second.

    python benchmarks/board.py [SCREENS]

One process serves the boards from a Redis of its own; another listens as the browsers would. The
example municipality's snapshots change once a second, so every screen is told every second.
"""

from __future__ import annotations

import asyncio
import os
import resource
import statistics
import subprocess
import sys
import time
from types import SimpleNamespace
from typing import Any

import aiohttp
import msgspec
from redis.asyncio import Redis
from rich.console import Console

from agents.board.assets import Assets
from agents.board.feed import Feed
from agents.board.pages import BoardPages
from agents.board.readers import SnapshotReader
from agents.embedded import EmbeddedRedis
from agents.settings import load_settings
from agents.web import WebServer
from streams.books import Book
from streams.conventions import redis_snapshot
from streams.views import live_snapshot

SCREENS = 50
SECONDS = 20
SERVE = "--serve"
NAME = "exempelkommun"


def now() -> int:
    """This machine's clock as an instant."""
    return time.time_ns() // 1_000


async def serve(redis_url: str) -> None:
    """Serve boards until standard input ends; print the port, and at the end what it took."""
    organisations = load_settings(environ={}).organisations
    runtime: Any = SimpleNamespace(recovering=True)
    assets = Assets()
    reader = SnapshotReader(runtime, Redis.from_url(redis_url), clock=now)
    feed = Feed(organisations, "wall", read=reader, clock=now, version=assets.version)
    server = WebServer(
        runtime,
        exposition=lambda: b"",
        ailing=lambda: None,
        host="127.0.0.1",
        port=0,
        mount=BoardPages(organisations, feed, assets).mount,
    )
    async with server:
        print(server.port, flush=True)
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, sys.stdin.readline)
        before, began = time.process_time(), time.monotonic()
        await loop.run_in_executor(None, sys.stdin.readline)
        busy = (time.process_time() - before) / (time.monotonic() - began)
        print(busy, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, flush=True)
        os._exit(0)  # The screens are gone; nothing is left to be put in order.


async def change_snapshots(redis_url: str) -> None:
    """As workers do after each flush."""
    organisation = load_settings(environ={}).organisations[NAME]
    async with Redis.from_url(redis_url) as redis:
        while True:
            for channel in ("calls", "emails"):
                snapshot = live_snapshot(Book(organisation, channel), now())
                await redis.set(redis_snapshot(NAME, channel), msgspec.json.encode(snapshot))
            await asyncio.sleep(1)


async def listen(session: aiohttp.ClientSession, url: str, delays: list[float]) -> None:
    """One screen; the delays from the snapshot's second to its arrival."""
    async with session.get(url) as answer:
        while True:
            told = await answer.content.readuntil(b"\n\n")
            if told.startswith(b"event: board"):
                board = msgspec.json.decode(told.split(b"data: ", 1)[1])
                as_of = board["board"]["sections"][0]["as_of"]
                if as_of is not None:
                    delays.append(now() / 1e6 - as_of / 1e3)


async def measure(redis_url: str, screens: int) -> None:
    """Start a server, put screens before it, and print what they cost."""
    program = [sys.executable, __file__, SERVE, redis_url]
    process = await asyncio.create_subprocess_exec(
        *program, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    if process.stdin is None or process.stdout is None:
        return
    url = f"http://127.0.0.1:{int(await process.stdout.readline())}/board/{NAME}/events"
    console = Console()
    changing = asyncio.create_task(change_snapshots(redis_url))
    delays: list[float] = []
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=None)
    ) as session:
        listening = [asyncio.create_task(listen(session, url, delays)) for _ in range(screens)]
        await asyncio.sleep(3)
        delays.clear()
        process.stdin.write(b"\n")
        await asyncio.sleep(SECONDS)
        told = len(delays)
        process.stdin.write(b"\n")
        busy, memory = (await process.stdout.readline()).split()
        for task in (*listening, changing):
            task.cancel()
        await asyncio.gather(*listening, changing, return_exceptions=True)
    await process.wait()
    console.print(
        f"{screens} screens: {100 * float(busy):.1f} % of one core, {told / SECONDS:.0f} boards/s, "
        f"{int(memory) / 1024:.0f} MiB at most"
    )
    ordered = sorted(delays)
    console.print(
        f"from snapshot to screen: median {statistics.median(ordered):.2f} s, "
        f"p99 {ordered[int(0.99 * len(ordered))]:.2f} s"
    )


def main() -> None:
    """Measure with one screen, then with as many as asked for."""
    if sys.argv[1:2] == [SERVE]:
        asyncio.run(serve(sys.argv[2]))
        return
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else SCREENS
    with EmbeddedRedis() as redis:
        for screens in (1, wanted):
            asyncio.run(measure(redis.url, screens))


if __name__ == "__main__":
    main()
