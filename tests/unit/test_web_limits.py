"""Both servers, spoken to by raw sockets: by strangers, by the slow and by the endless."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from agents import web
from agents.board.assets import Assets
from agents.board.feed import Feed
from agents.board.pages import BoardPages
from agents.embedded import free_port
from agents.response_headers import SAFE_HEADERS
from agents.sources import http_server, meter
from agents.sources.meter import Meter
from agents.web import WebServer
from tests.http_source import TOKENS
from tests.http_source import running as http_source
from tests.wallboard import organisations

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from agents.board.readers import Place

TOWN = "/board/exempelkommun"
PATIENCE = 30.0


class Nothing:
    """No snapshots."""

    async def __call__(self, organisations: Sequence[str]) -> dict[Place, bytes]:
        """As `SnapshotReader`."""
        del organisations
        return {}

    async def close(self) -> None:
        """As `SnapshotReader`."""


@asynccontextmanager
async def worker() -> AsyncIterator[int]:
    """The port of a worker's server, with boards."""
    shown, assets = organisations(), Assets()
    feed = Feed(shown, "wall", read=Nothing(), clock=lambda: 0, version=assets.version)
    runtime = SimpleNamespace(readiness=dict, views=SimpleNamespace(troubles={}))
    server = WebServer(
        cast("Any", runtime),
        exposition=lambda: b"kontaktpuls_recovering 1.0\n",
        ailing=lambda: None,
        host="127.0.0.1",
        port=0,
        names=["Board.Exempelkommun.se"],
        mount=BoardPages(shown, feed, assets).mount,
    )
    async with server:
        yield server.port


@asynccontextmanager
async def source() -> AsyncIterator[int]:
    """The port of an HTTP source."""
    async with http_source() as desk:
        yield desk.source.port


SERVERS = [pytest.param(worker, id="worker"), pytest.param(source, id="source")]


async def say(port: int, text: bytes, *, at_most: int = 65_536) -> bytes:
    """What comes back for these bytes, until the server closes or says so much."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    heard = b""
    async with asyncio.timeout(PATIENCE):
        try:
            writer.write(text)
            await writer.drain()
            while len(heard) < at_most and (more := await reader.read(4_096)):
                heard += more
        except ConnectionError:
            # It hung up while we still spoke.
            pass
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
    return heard


def request(path: str, *, host: str = "localhost", method: str = "GET", more: str = "") -> bytes:
    """A request after which the connection ends."""
    lines = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{more}\r\n"
    return lines.encode("latin-1")


def status_of(answer: bytes) -> int:
    """The number in the first line."""
    return int(answer.split(b" ", 2)[1])


# -- names ---------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/metrics", "/livez", "/readyz", "/board", f"{TOWN}/events", "/"])
@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:9464",
        "127.0.0.1.evil.example",
        "localhost@evil.example",
        "localhost.evil.example",
        "evil.example/localhost",
        "exempelkommun.se",
        "",
        "a b",
    ],
)
async def test_nothing_is_shown_under_a_name_that_a_stranger_can_own(path: str, host: str) -> None:
    """A page in somebody's browser cannot have its name resolved to here and read the numbers."""
    async with worker() as port:
        answer = await say(port, request(path, host=host))

    assert status_of(answer) == 421
    assert b"kontaktpuls_recovering" not in answer


@pytest.mark.parametrize(
    "host",
    ["localhost", "worker-1:9464", "192.0.2.7", "[::1]:9464", "board.exempelkommun.se"],
)
async def test_prometheus_and_containers_call_by_names_that_nobody_owns(host: str) -> None:
    """Addresses, names without a dot, and those in the configuration."""
    async with worker() as port:
        answer = await say(port, request("/metrics", host=host))

    assert status_of(answer) == 200


async def test_a_request_without_a_host_gets_nothing() -> None:
    """As before HTTP/1.1."""
    async with worker() as port:
        answer = await say(port, b"GET /metrics HTTP/1.0\r\n\r\n")

    assert status_of(answer) == 421


@pytest.mark.parametrize(
    ("host", "status"), [("127.0.0.1", 200), ("localhost:9465", 200), ("evil.example", 421)]
)
async def test_the_counters_of_a_source_are_for_this_machine(host: str, status: int) -> None:
    """Under its own names only."""
    port = free_port()
    with Meter().served(port):
        answer = await say(port, request("/metrics", host=host))

    assert status_of(answer) == status
    assert (b"kontaktpuls_source" in answer) == (status == 200)


async def test_the_counters_of_a_source_wait_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Headers that never end are cut off."""
    monkeypatch.setattr(meter, "HEADER_SECONDS", 0.2)
    port = free_port()
    with Meter().served(port):
        answer = await say(port, b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n")

    assert answer == b""


# -- size ----------------------------------------------------------------------------------


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize(
    "text",
    [
        pytest.param(request("/" + "a" * 100_000), id="address"),
        pytest.param(request("/livez", more=f"X: {'a' * 100_000}\r\n"), id="header"),
        pytest.param(
            request("/livez", more="".join(f"X-{n}: a\r\n" for n in range(5_000))), id="headers"
        ),
        pytest.param(request("/livez", more=f"{'X' * 100_000}: a\r\n"), id="name of a header"),
        pytest.param(b"A" * 200_000, id="no end of the first line"),
    ],
)
async def test_too_much_before_the_body_is_refused(server: Any, text: bytes) -> None:
    """With 400, or by hanging up; the server lives on."""
    async with server() as port:
        answer = await say(port, text)
        after = await say(port, request("/livez"))

    assert answer == b"" or status_of(answer) in {400, 431}
    assert status_of(after) == 200


@pytest.mark.parametrize("server", SERVERS)
async def test_an_endless_body_is_not_listened_to(server: Any) -> None:
    """Where none is expected, the answer comes at once and the connection ends."""
    async with server() as port:
        endless = request("/livez", more="Content-Length: 10000000000\r\n") + b"a" * 4_000_000
        answer = await say(port, endless)

    assert answer == b"" or status_of(answer) in {200, 413}


async def test_an_endless_event_is_refused() -> None:
    """By what its headers say, before any of it is read."""
    more = f"Content-Type: application/json\r\nAuthorization: Bearer {TOKENS['pbx']}\r\n"
    more += "Content-Length: 10000000000\r\n"
    async with source() as port:
        answer = await say(port, request("/events", method="POST", more=more))

    assert status_of(answer) == 413


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize(
    "text",
    [
        request("/livez", more="Content-Length: 5\r\nTransfer-Encoding: chunked\r\n")
        + b"0\r\n\r\n",
        request("/livez", more="Content-Length: 5\r\nContent-Length: 6\r\n") + b"aaaaa",
        request("/livez", more="Content-Length: -1\r\n"),
        request("/livez", more="Bad Header : a\r\n"),
        request("/livez", more="X: a\x00b\r\n"),
        b"GET /livez HTTP/9.9\r\nHost: localhost\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 this was meant for TLS\r\n\r\n",
        b"\x00\xff\xfe\r\n\r\n",
    ],
)
async def test_what_is_no_request_is_refused(server: Any, text: bytes) -> None:
    """No two readings of one request, which proxies in front could take for two."""
    async with server() as port:
        answer = await say(port, text)
        after = await say(port, request("/livez"))

    assert answer == b"" or status_of(answer) == 400
    assert answer.count(b"HTTP/1.") <= 1
    assert status_of(after) == 200


# -- methods and paths -----------------------------------------------------------------------


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "TRACE", "OPTIONS", "PATCH", "BREW"])
async def test_other_methods_do_nothing(server: Any, method: str) -> None:
    """And none echoes what it was sent."""
    async with server() as port:
        answer = await say(port, request("/livez", method=method, more="X-Secret: zebra\r\n"))

    assert status_of(answer) in {400, 405}
    assert b"zebra" not in answer


@pytest.mark.parametrize(
    "path",
    [
        "/board/static/../../../../etc/passwd",
        "/board/static/%2e%2e/%2e%2e/etc/passwd",
        "/board/static/..%2f..%2fpages.py",
        "/board/static/..\\..\\pages.py",
        "/board/static//etc/passwd",
        "/board/static/board.html",
        "/board/static/board.css%00.html",
        "/board/../metrics/../../etc/passwd",
        "//etc/passwd",
        "http://evil.example/../etc/passwd",
        "/board/exempelkommun/../../static",
        "/.git/config",
    ],
)
async def test_no_path_leads_to_a_file(path: str) -> None:
    """Files are sent by name and from memory."""
    async with worker() as port:
        answer = await say(port, request(path))

    assert status_of(answer) in {400, 404, 421}
    assert b"root:" not in answer
    assert b"import " not in answer


# -- time ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "begun", [b"", b"GET /livez HTTP/1.1\r\n", b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX: "]
)
async def test_headers_that_never_end_are_not_waited_for(
    begun: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that says no whole request is closed."""
    monkeypatch.setattr(web, "HEADER_SECONDS", 0.2)
    async with worker() as port:
        answer = await say(port, begun)

    assert answer == b""


@pytest.mark.parametrize(
    ("server", "module"), [pytest.param(worker, web), pytest.param(source, http_server)]
)
async def test_so_many_connections_are_held_and_no_more(
    server: Any, module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next one is told to come back; what becomes free is used again."""
    monkeypatch.setattr(module, "MAX_CONNECTIONS", 2)
    async with server() as port:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        for reader, writer in held:
            writer.write(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await reader.readline()
        refused = await say(port, request("/livez"))
        for _, writer in held:
            writer.close()
            await writer.wait_closed()
        async with asyncio.timeout(PATIENCE):
            while not (await say(port, request("/livez"))).startswith(b"HTTP/1.1 200 "):
                pass

    assert refused == b"" or status_of(refused) == 503


# -- headers ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("server", "path"),
    [
        (worker, "/metrics"),
        (worker, "/livez"),
        (worker, "/nothing"),
        (source, "/livez"),
        (source, "/openapi.yaml"),
        (source, "/nothing"),
    ],
)
async def test_every_answer_tells_browsers_to_do_nothing_with_it(server: Any, path: str) -> None:
    """And not what made it."""
    async with server() as port:
        answer = await say(port, request(path))
    head = answer.partition(b"\r\n\r\n")[0].decode()

    for name, value in SAFE_HEADERS.items():
        assert f"\r\n{name}: {value}" in head
    assert "aiohttp" not in head.lower()
    assert "python" not in head.lower()


async def test_a_board_may_run_its_own_script_and_no_other() -> None:
    """The page is the one answer that browsers do something with."""
    async with worker() as port:
        answer = await say(port, request(TOWN))
    head = answer.partition(b"\r\n\r\n")[0].decode()

    assert "script-src 'self'" in head
    assert "frame-ancestors 'none'" in head
    assert head.count("Content-Security-Policy") == 1
    for name in SAFE_HEADERS.keys() - {"Content-Security-Policy"}:
        assert f"\r\n{name}: {SAFE_HEADERS[name]}" in head
