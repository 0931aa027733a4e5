"""A listening HTTP server that holds a bounded number of connections and waits for none of them."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator

    from aiohttp import web

HANDSHAKE_SECONDS: Final = 10.0
LINGER_SECONDS: Final = 2.0
"""For what is still sent after the answer, such as a body that nobody wanted."""

_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\n"
    b"Connection: close\r\n\r\n"
)


class Full(asyncio.Protocol):
    """What a connection too many gets."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say so and hang up."""
        if isinstance(transport, asyncio.WriteTransport):
            transport.write(_FULL)
        transport.close()


@contextlib.asynccontextmanager
async def bounded_server(
    runner: web.AppRunner, host: str, port: int, *, most: int, tls: ssl.SSLContext | None = None
) -> AsyncIterator[asyncio.Server]:
    """A server for as long as the block runs; its runner is cleaned up afterwards.

    Args:
        runner: of the application; its `keepalive_timeout` is also how long headers may take.
        host: where to listen.
        port: 0 takes a free one.
        most: connections at a time; one more is told 503 and closed.
        tls: what encrypts them; `None` = nothing does.

    Raises:
        OSError: the port is taken, or the address is not this machine's.
    """
    await runner.setup()
    try:
        http = cast("web.Server", runner.server)

        def admit() -> asyncio.Protocol:
            return http() if len(http.connections) < most else Full()

        server = await asyncio.get_running_loop().create_server(
            admit,
            host,
            port,
            ssl=tls,
            ssl_handshake_timeout=None if tls is None else HANDSHAKE_SECONDS,
        )
        try:
            yield server
        finally:
            server.close()
    finally:
        await runner.cleanup()
