"""A wallboard with a world behind it: a simulated week, snapshots in Redis, and a server."""

from __future__ import annotations

import asyncio
import threading
from datetime import date
from functools import lru_cache
from pathlib import Path
from time import monotonic
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Self, cast

import msgspec
from redis.asyncio import Redis as AsyncRedis

from agents.board.assets import Assets
from agents.board.feed import Feed
from agents.board.pages import BoardPages
from agents.board.readers import SnapshotReader
from agents.settings import load_settings
from agents.sources.simulator import heartbeats
from agents.web import WebServer
from streams.codec import encode_event
from streams.conventions import redis_snapshot
from streams.desk import Desk
from streams.instants import DAY, MINUTE, SECOND, start_of_day
from streams.simulation import simulate
from streams.topics import CHANNEL_OF_EVENT, CHANNEL_OF_TOPIC
from streams.views import View, live_snapshot
from tests.kafka_records import records

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Literal

    from redis import Redis

    from agents.runtime import Runtime
    from streams.organisations import Channel, Organisation

CONFIG = Path(__file__).parents[1] / "config"
MONDAY = date(2026, 11, 16)
BOARD_CHANNELS: tuple[Channel, ...] = ("calls", "emails")


@lru_cache
def organisations() -> dict[str, Organisation]:
    """Those of the repository's own configuration."""
    return dict(load_settings(CONFIG, environ={}).organisations)


def exempelkommun() -> Organisation:
    """The municipality of the demo."""
    return organisations()["exempelkommun"]


def instant_of(day: int, hour: int, minute: int = 0) -> int:
    """A local time of the simulated week; Monday is day 0."""
    midnight = start_of_day(MONDAY, exempelkommun().zone)
    return midnight + day * DAY + (hour * 60 + minute) * MINUTE


@lru_cache
def desks_at(instant: int) -> dict[Channel, Desk]:
    """What is known of the simulated week at an instant; every source has read up to it."""
    organisation = exempelkommun()
    told: dict[Channel, list[bytes]] = {channel: [] for channel in BOARD_CHANNELS}
    for at, event in simulate(organisation, seed=1, monday=MONDAY):
        if at > instant:
            break
        channel = CHANNEL_OF_EVENT[type(event)]
        if channel in told:
            told[channel].append(encode_event(event))
    for topic, heartbeat in heartbeats(organisation, instant):
        channel = CHANNEL_OF_TOPIC[topic]
        if channel in told:
            told[channel].append(encode_event(heartbeat))
    return {channel: _desk(channel, texts, instant) for channel, texts in told.items()}


def _desk(channel: Channel, texts: list[bytes], instant: int) -> Desk:
    desk = Desk(
        channel=channel,
        partition=0,
        organisations={"exempelkommun": exempelkommun()},
        owns=lambda _name: True,
        incarnation="w",
        horizon=35 * DAY,
        clock="events",
    )
    desk.apply(records(texts, instant))
    return desk


def snapshots_at(instant: int) -> dict[Channel, View]:
    """The live snapshots at an instant."""
    return {
        channel: live_snapshot(desk.book("exempelkommun"), instant)
        for channel, desk in desks_at(instant).items()
    }


def store(redis: Redis, snapshots: Mapping[Channel, View]) -> None:
    """Put snapshots where a worker puts them."""
    for channel, view in snapshots.items():
        redis.set(redis_snapshot("exempelkommun", channel), msgspec.json.encode(view))


def runtime_with(desks: Mapping[Channel, Desk] | None = None) -> Runtime:
    """As much of a worker as boards and health ask for."""
    return cast(
        "Runtime",
        SimpleNamespace(
            desks={(channel, 0): desk for channel, desk in (desks or {}).items()},
            recovering=False,
            readiness=dict,
            views=SimpleNamespace(troubles={}),
            settings=SimpleNamespace(
                organisations=organisations(), cluster=SimpleNamespace(clock="wall")
            ),
        ),
    )


class RunningClock:
    """A clock that was set to an instant and goes on."""

    def __init__(self, instant: int) -> None:
        self._offset = instant - int(monotonic() * SECOND)

    def __call__(self) -> int:
        """The instant now."""
        return self._offset + int(monotonic() * SECOND)


def board_server(
    redis_url: str,
    clock: Callable[[], int],
    *,
    kind: Literal["wall", "events"] = "wall",
    port: int = 0,
    version: str | None = None,
) -> WebServer:
    """A web server with boards, not started; `version` if it differs from that of its page."""
    redis = AsyncRedis.from_url(redis_url, socket_timeout=1, socket_connect_timeout=1)
    runtime = runtime_with()
    assets = Assets()
    reader = SnapshotReader(runtime, redis, clock=clock)
    feed = Feed(organisations(), kind, read=reader, clock=clock, version=version or assets.version)
    return WebServer(
        runtime,
        exposition=lambda: b"",
        ailing=lambda: None,
        host="127.0.0.1",
        port=port,
        mount=BoardPages(organisations(), feed, assets).mount,
    )


class ServerThread:
    """A server beside a test that does not run in an event loop itself."""

    def __init__(self, server: WebServer) -> None:
        self._server = server
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.port}"

    def __enter__(self) -> Self:
        """Start it."""
        self._thread.start()
        self._run(self._server.start())
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it, if that has not happened yet."""
        if not self._loop.is_closed():
            self.stop()

    def stop(self) -> None:
        """Stop it: pages are told nothing any more."""
        self._run(self._server.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _run(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(20)
