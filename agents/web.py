"""Metrics, health and boards over HTTP; answers from the first second, before recovery ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web
from mode import Service
from prometheus_client import CONTENT_TYPE_LATEST

from agents.health import health_response

if TYPE_CHECKING:
    from collections.abc import Callable

    from agents.runtime import Runtime

SHUTDOWN_TIMEOUT = 1.0


class WebServer(Service):
    """Serves `/metrics`, `/livez` and `/readyz`, and what else is mounted.

    Args:
        runtime: whose readiness is told.
        exposition: the text of all metrics.
        ailing: why the worker should be ended, if so.
        host, port: where to listen; port 0 takes a free one.
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
        mount: Callable[[web.Application], None] | None = None,
    ) -> None:
        super().__init__()
        self._mount = mount
        self._runtime = runtime
        self._exposition = exposition
        self._ailing = ailing
        self._host = host
        self._runner: web.AppRunner | None = None
        self.port = port

    async def on_start(self) -> None:
        """Listen; `OSError` when the port is taken."""
        app = web.Application()
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/livez", self._livez)
        app.router.add_get("/readyz", self._readyz)
        if self._mount is not None:
            self._mount(app)
        self._runner = web.AppRunner(
            app, access_log=None, handle_signals=False, shutdown_timeout=SHUTDOWN_TIMEOUT
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self.port)
        try:
            await site.start()
        except OSError as error:
            msg = (
                f"`web.port`: {self._host}:{self.port} cannot be listened on ({error.strerror}); "
                "write another, or set KONTAKTPULS_WEB_PORT"
            )
            raise OSError(error.errno, msg) from None
        self.port = self._runner.addresses[0][1]

    async def on_stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=self._exposition(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _livez(self, _: web.Request) -> web.Response:
        return health_response({"watchdog": self._ailing()})

    async def _readyz(self, _: web.Request) -> web.Response:
        return health_response(self._runtime.readiness(), self._runtime.views.troubles)
