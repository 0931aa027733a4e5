"""What is served under `/board`: guarded, in two languages, and never silent about old truth."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import msgspec
import pytest
from redis.asyncio import Redis

from agents.board import feed as feed_module
from agents.board import pages as pages_module
from agents.board.assets import Assets
from agents.board.feed import Feed
from agents.board.languages import choose_language
from agents.board.pages import BoardPages
from agents.board.readers import SnapshotReader
from agents.embedded import free_port
from agents.web import WebServer
from streams.instants import SECOND
from tests.wallboard import (
    RunningClock,
    desks_at,
    instant_of,
    organisations,
    runtime_with,
    snapshots_at,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from agents.board.readers import Place

NOW = instant_of(1, 9, 47)


class Shelf:
    """Snapshots that a test lays down and takes away."""

    def __init__(self) -> None:
        self.texts: dict[Place, bytes] = {
            ("exempelkommun", channel): msgspec.json.encode(view)
            for channel, view in snapshots_at(NOW).items()
        }
        self.asked: list[list[str]] = []
        self.closed = False

    async def __call__(self, wanted: Sequence[str]) -> dict[Place, bytes]:
        """As `SnapshotReader`."""
        self.asked.append(list(wanted))
        return {place: text for place, text in self.texts.items() if place[0] in wanted}

    async def close(self) -> None:
        """As `SnapshotReader`."""
        self.closed = True


class SlowShelf(Shelf):
    """A shelf that a test lets answer."""

    def __init__(self) -> None:
        super().__init__()
        self.reading, self.go_on = asyncio.Event(), asyncio.Event()

    async def __call__(self, wanted: Sequence[str]) -> dict[Place, bytes]:
        """As `SnapshotReader`, over a slow line."""
        self.reading.set()
        await self.go_on.wait()
        return await super().__call__(wanted)


@asynccontextmanager
async def serving(
    shelf: Shelf, *, names: tuple[str, ...] = (), called: str | None = None
) -> AsyncIterator[str]:
    """The address of a server with boards from a shelf; `called` renames the municipality."""
    shown = organisations()
    if called is not None:
        renamed = msgspec.structs.replace(shown["exempelkommun"], sv=called, en=called)
        shown = shown | {"exempelkommun": renamed}
    assets, clock = Assets(), RunningClock(NOW + SECOND)
    feed = Feed(shown, "wall", read=shelf, clock=clock, version=assets.version)
    server = WebServer(
        runtime_with(),
        exposition=lambda: b"",
        ailing=lambda: None,
        host="127.0.0.1",
        port=0,
        names=names,
        mount=BoardPages(shown, feed, assets).mount,
    )
    async with server:
        yield f"http://127.0.0.1:{server.port}"


async def ask(url: str, **headers: str) -> tuple[int, Any, str]:
    """Status, headers and text of one answer."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(url, headers=headers, allow_redirects=False) as answer,
    ):
        return answer.status, answer.headers, await answer.text()


@asynccontextmanager
async def listening(url: str) -> AsyncIterator[aiohttp.ClientResponse]:
    """A screen that takes events."""
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        yield answer


async def next_board(answer: aiohttp.ClientResponse) -> dict[str, Any]:
    """The next board that is told, pulses passed over."""
    async with asyncio.timeout(10):
        while True:
            kind = (await answer.content.readuntil(b"\n\n")).decode()
            if kind.startswith("event: board\ndata: "):
                told: dict[str, Any] = json.loads(kind.split("data: ", 1)[1])
                return told


async def test_the_list_names_every_organisation_in_the_readers_language() -> None:
    """Whoever comes without an address finds the own board."""
    async with serving(Shelf()) as url:
        status, headers, text = await ask(f"{url}/board", **{"Accept-Language": "en-GB"})

    assert status == 200
    assert '<html lang="en">' in text
    assert 'href="board/exempelkommun"' in text
    assert "Municipality of Exempel" in text
    assert headers["Vary"] == "Accept-Language"


@pytest.mark.parametrize(
    ("asked", "accepted", "language"),
    [
        (None, "", "sv"),
        (None, "sv-SE,sv;q=0.9,en;q=0.8", "sv"),
        (None, "en-US,en;q=0.9", "en"),
        (None, "fi, sv;q=0.3, en;q=0.2", "sv"),
        (None, "de", "sv"),
        (None, "en;q=zero, sv;q=0.1", "sv"),
        ("en", "sv-SE", "en"),
        ("xx", "en", "en"),
    ],
)
def test_the_language_is_the_one_asked_for(asked: str | None, accepted: str, language: str) -> None:
    """The address wins over the browser, and Swedish is spoken where neither says."""
    assert choose_language(asked, accepted) == language


@pytest.mark.parametrize("path", ["", "/exempelkommun", "/exempelkommun/events", "/nobody"])
async def test_a_foreign_name_gets_nothing(path: str) -> None:
    """A page elsewhere cannot have its own name resolved to here and read the numbers."""
    async with serving(Shelf(), names=("board.exempelkommun.se",)) as url:
        status, headers, text = await ask(f"{url}/board{path}", Host="evil.example")

    assert status == 421
    assert "web.hosts" in text
    assert "default-src 'none'" in headers["Content-Security-Policy"]


@pytest.mark.parametrize("host", ["Board.Exempelkommun.se:80", "localhost", "192.0.2.7", "[::1]:9"])
async def test_own_names_and_plain_addresses_are_answered(host: str) -> None:
    """What nobody can have resolved, and what the operator wrote down."""
    async with serving(Shelf(), names=("board.exempelkommun.se",)) as url:
        status, _, _ = await ask(f"{url}/board/exempelkommun", Host=host)

    assert status == 200


async def test_nothing_but_our_own_files_runs_on_the_page() -> None:
    """No word in the page comes from elsewhere, and no other page holds it."""
    async with serving(Shelf()) as url:
        _, headers, text = await ask(f"{url}/board/exempelkommun")
        _, script, _ = await ask(f"{url}/board/static/board.js")

    policy = headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "://" not in text
    assert headers["X-Content-Type-Options"] == script["X-Content-Type-Options"] == "nosniff"


async def test_a_browser_keeps_only_the_files_of_the_version_it_asked_for() -> None:
    """During an update a new page may ask an old worker; its answer must not stay for a year."""
    version = Assets().version
    async with serving(Shelf()) as url:
        _, own, _ = await ask(f"{url}/board/static/board.js?v={version}")
        _, other, _ = await ask(f"{url}/board/static/board.js?v=of-a-newer-worker")

    assert "immutable" in own["Cache-Control"]
    assert other["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("path", ["", "/exempelkommun"])
async def test_a_name_is_text_and_never_markup(path: str) -> None:
    """An ampersand in a name breaks no page, and whoever names a town runs no script."""
    async with serving(Shelf(), called='<script>"&') as url:
        _, _, text = await ask(f"{url}/board{path}")

    assert "&lt;script&gt;&quot;&amp;" in text
    assert '<script>"' not in text


@pytest.mark.parametrize("asked", ["dark", '"><b>'])
async def test_only_a_known_theme_is_written_into_the_page(asked: str) -> None:
    """What stands in the address does not end up in the page as it is."""
    async with serving(Shelf()) as url:
        _, _, text = await ask(f"{url}/board/exempelkommun?theme={asked}&lang={asked}")

    assert ('<html lang="sv" data-theme="dark">' in text) == (asked == "dark")
    assert "<b>" not in text


@pytest.mark.parametrize("path", ["/nobody", "/nobody/events", "/static/board.html", "/static/x"])
async def test_what_is_not_there_is_not_found(path: str) -> None:
    """And files are served by name, never by path."""
    async with serving(Shelf()) as url:
        status, _, _ = await ask(f"{url}/board{path}")

    assert status == 404


async def test_a_slash_too_many_leads_to_the_list() -> None:
    """Relative links would lead astray from there."""
    async with serving(Shelf()) as url:
        status, headers, _ = await ask(f"{url}/board/?lang=en")

    assert (status, headers["Location"]) == (308, "/board?lang=en")


async def test_a_change_is_told_and_an_unchanged_board_only_pulses() -> None:
    """Screens hear at once what is new, and regularly that the server is there."""
    shelf = Shelf()
    async with (
        serving(shelf) as url,
        listening(f"{url}/board/exempelkommun/events?lang=en") as answer,
    ):
        first = await next_board(answer)
        pulse = await asyncio.wait_for(answer.content.readuntil(b"\n\n"), 10)
        calls = json.loads(shelf.texts["exempelkommun", "calls"])
        calls["parts"][0]["now"]["waiting"] = 77
        shelf.texts["exempelkommun", "calls"] = json.dumps(calls).encode()
        second = await next_board(answer)

    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert first["board"]["sections"][0]["title"] == "Calls"
    assert pulse.startswith(b"event: pulse\ndata: ")
    assert second["board"]["sections"][0]["tiles"][0]["value"] == "77"


async def test_a_snapshot_that_vanishes_is_shown_as_old() -> None:
    """Redis lets go of it when no worker writes any more; the last numbers stay, marked."""
    shelf = Shelf()
    async with serving(shelf) as url, listening(f"{url}/board/exempelkommun/events") as answer:
        before = await next_board(answer)
        shelf.texts.pop(("exempelkommun", "calls"))
        after = await next_board(answer)

    assert [s["live"] for s in before["board"]["sections"]] == [True, True]
    assert [s["live"] for s in after["board"]["sections"]] == [False, True]
    assert after["board"]["sections"][0]["tiles"] == before["board"]["sections"][0]["tiles"]


@pytest.mark.parametrize(
    "damage", [b"{", b'{"organisation":1}', None], ids=["cut short", "no snapshot", "odd values"]
)
async def test_a_damaged_snapshot_hurts_neither_the_server_nor_its_neighbour(
    damage: bytes | None,
) -> None:
    """The channel grows old; e-mail is shown as before, and mended calls come back."""
    shelf = Shelf()
    sound = shelf.texts["exempelkommun", "calls"]
    if damage is None:
        odd = json.loads(sound)
        odd["parts"][0]["now"]["waiting"] = "many"
        damage = json.dumps(odd).encode()
    async with serving(shelf) as url, listening(f"{url}/board/exempelkommun/events") as answer:
        await next_board(answer)
        shelf.texts["exempelkommun", "calls"] = damage
        looks = len(shelf.asked)
        async with asyncio.timeout(10):
            while len(shelf.asked) < looks + 2:  # noqa: ASYNC110 - the shelf has no event
                await asyncio.sleep(0.05)
        mended = json.loads(sound)
        mended["parts"][0]["now"]["waiting"] = 78
        shelf.texts["exempelkommun", "calls"] = json.dumps(mended).encode()
        while True:
            told = await next_board(answer)
            if told["board"]["sections"][0]["tiles"][0]["value"] == "78":
                break

    assert [s["live"] for s in told["board"]["sections"]] == [True, True]


async def test_too_many_screens_are_asked_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker keeps its time for events; a place becomes free when a screen goes dark."""
    monkeypatch.setattr(pages_module, "MOST_FOLLOWERS", 1)
    monkeypatch.setattr(feed_module, "PULSE_EVERY", 0.05)
    async with serving(Shelf()) as url:
        events = f"{url}/board/exempelkommun/events"
        async with listening(events) as answer:
            await next_board(answer)
            status, headers, _ = await ask(events)
        async with asyncio.timeout(10):
            while True:
                async with listening(events) as again:
                    if again.status == 200:
                        break
                await asyncio.sleep(0.05)

    assert (status, headers["Retry-After"]) == (503, "10")


async def test_a_screen_that_takes_nothing_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise connections that nobody counts would gather until the worker has no more."""

    async def endless(*_: object) -> AsyncIterator[bytes]:
        while True:
            yield b":" * 1_000_000

    monkeypatch.setattr(pages_module, "WRITE_TIMEOUT", 0.2)
    monkeypatch.setattr(Feed, "messages", endless)
    async with serving(Shelf()) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rsplit(":", 1)[1]))
        writer.write(b"GET /board/exempelkommun/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        is_cut = False
        async with asyncio.timeout(10):
            while not is_cut:
                await asyncio.sleep(0.1)
                try:
                    writer.write(b"\r\n")
                    await writer.drain()
                except ConnectionError:
                    is_cut = True
        writer.close()

    assert is_cut


async def test_a_screen_that_left_before_there_was_a_board_frees_its_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An organisation whose board cannot be made must not use up the places of all others."""

    def never(*_: object) -> None:
        msg = "no board can be made of this"
        raise ValueError(msg)

    monkeypatch.setattr(pages_module, "MOST_FOLLOWERS", 1)
    monkeypatch.setattr(feed_module, "PULSE_EVERY", 0.05)
    monkeypatch.setattr(feed_module.Shown, "update", never)
    async with serving(Shelf()) as url:
        events = f"{url}/board/exempelkommun/events"
        async with asyncio.timeout(10):
            async with listening(events) as answer:
                first = answer.status
            while True:
                async with listening(events) as again:
                    if again.status == 200:
                        break
                await asyncio.sleep(0.05)

    assert first == again.status == 200


async def test_what_was_read_for_a_screen_that_left_is_no_news_to_the_next() -> None:
    """The last screen goes dark during a look; hours later its numbers would look fresh."""
    shelf = SlowShelf()
    feed = Feed(organisations(), "events", read=shelf, clock=RunningClock(NOW), version="1")
    async with asyncio.timeout(10):
        async with aclosing(feed.messages("exempelkommun", "sv")) as leaving:
            await anext(leaving)
            await shelf.reading.wait()
        shelf.go_on.set()
        while not shelf.asked:  # noqa: ASYNC110 - the shelf has no event
            await asyncio.sleep(0)
        await asyncio.sleep(0.05)
        async with aclosing(feed.messages("exempelkommun", "sv")) as coming:
            first = await anext(coming)
        await feed.close()

    assert first == b": no board yet\n\n"


async def test_nobody_watching_costs_nothing() -> None:
    """Redis is asked only for organisations that hang on a wall somewhere."""
    shelf = Shelf()
    async with serving(shelf) as url:
        await ask(f"{url}/board/exempelkommun")
        unwatched = list(shelf.asked)
        async with listening(f"{url}/board/exempelkommun/events") as answer:
            await next_board(answer)

    assert unwatched == []
    assert set(map(tuple, shelf.asked)) == {("exempelkommun",)}
    assert shelf.closed


async def test_a_server_that_stops_lets_its_screens_go() -> None:
    """A restart does not wait for walls that listen for ever."""
    async with aiohttp.ClientSession() as session:
        async with serving(Shelf()) as url:
            answer = await session.get(f"{url}/board/exempelkommun/events")
            await next_board(answer)
        async with asyncio.timeout(5):
            rest = await answer.content.read()

    assert b"event: board" not in rest


async def test_a_redis_that_is_down_hides_no_board_of_ones_own() -> None:
    """The worker that keeps an organisation goes on showing it, whatever happens to Redis."""
    gone = Redis.from_url(f"redis://127.0.0.1:{free_port()}/0", socket_connect_timeout=1)
    reader = SnapshotReader(runtime_with(desks_at(NOW)), gone, clock=lambda: NOW)
    found = await reader(["exempelkommun"])
    await reader.close()

    assert set(found) == {("exempelkommun", "calls"), ("exempelkommun", "emails")}


async def test_without_redis_a_worker_shows_its_own_desks() -> None:
    """A board needs no Redis where the organisation's worker is asked."""
    reader = SnapshotReader(runtime_with(desks_at(NOW)), None, clock=lambda: NOW)
    found = await reader(["exempelkommun", "anonymous-bank"])

    assert {place: json.loads(text)["as_of"] for place, text in found.items()} == {
        ("exempelkommun", "calls"): "2026-11-17T09:47:00+01:00",
        ("exempelkommun", "emails"): "2026-11-17T09:47:00+01:00",
    }
