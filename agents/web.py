"""Metrics, health and boards over HTTP; answers from the first second, before recovery ends."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from aiohttp import web
from mode import Service
from prometheus_client import CONTENT_TYPE_LATEST

from agents.bounded_server import LINGER_SECONDS, bounded_server
from agents.health import health_response
from agents.host_names import only_for_the_inside
from agents.response_headers import make_safe

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from agents.runtime import Runtime

SHUTDOWN_TIMEOUT = 1.0
HEADER_SECONDS = 20.0
"""For the headers of a request, and for the time between two requests of a connection."""

MAX_CONNECTIONS = 300
"""More than screens (`agents.board.pages.MOST_FOLLOWERS`) and those who scrape and look."""


class WebServer(Service):
    """Serves `/metrics`, `/livez` and `/readyz`, and what else is mounted.

    Args:
        runtime: whose readiness is told.
        exposition: the text of all metrics.
        ailing: why the worker should be ended, if so.
        host, port: where to listen; port 0 takes a free one.
        names: under which it may be asked for, besides `host`, addresses and names without a dot.
        mount: adds further pages, such as the boards.
    """

    def __init__(
        self,
        runtime: Runtime,
        *,
        exposition: Callable[[], bytes],
        ailing: Callable[[], str | None],
        host: str,
        port: int,
        names: Collection[str] = (),
        mount: Callable[[web.Application], None] | None = None,
    ) -> None:
        super().__init__()
        self._mount = mount
        self._runtime = runtime
        self._exposition = exposition
        self._ailing = ailing
        self._host = host
        self._names = frozenset({host, *names})
        self._listening = AsyncExitStack()
        self.port = port

    async def on_start(self) -> None:
        """Listen; `OSError` when the port is taken."""
        app = web.Application(middlewares=[only_for_the_inside(self._names)])
        app.on_response_prepare.append(make_safe)
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/livez", self._livez)
        app.router.add_get("/readyz", self._readyz)
        if self._mount is not None:
            self._mount(app)
        runner = web.AppRunner(
            app,
            access_log=None,
            handle_signals=False,
            keepalive_timeout=HEADER_SECONDS,
            lingering_time=LINGER_SECONDS,
            shutdown_timeout=SHUTDOWN_TIMEOUT,
        )
        server = bounded_server(runner, self._host, self.port, most=MAX_CONNECTIONS)
        try:
            listening = await self._listening.enter_async_context(server)
        except OSError as error:
            msg = (
                f"`web.port`: {self._host}:{self.port} cannot be listened on ({error.strerror}); "
                "write another, or set KONTAKTPULS_WEB_PORT"
            )
            raise OSError(error.errno, msg) from None
        self.port = listening.sockets[0].getsockname()[1]

    async def on_stop(self) -> None:
        """Stop listening."""
        await self._listening.aclose()

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=self._exposition(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _livez(self, _: web.Request) -> web.Response:
        return health_response({"watchdog": self._ailing()})

    async def _readyz(self, _: web.Request) -> web.Response:
        return health_response(self._runtime.readiness(), self._runtime.views.troubles)
