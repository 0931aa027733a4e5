"""Metrics and health over HTTP; answers from the first second, before recovery ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from aiohttp import web
from mode import Service
from prometheus_client import CONTENT_TYPE_LATEST

if TYPE_CHECKING:
    from collections.abc import Callable

    from agents.runtime import Runtime

OK = 200
UNAVAILABLE = 503
SHUTDOWN_TIMEOUT = 1.0


class WebServer(Service):
    """Serves `/metrics`, `/livez` and `/readyz`.

    Args:
        runtime: whose readiness is told.
        exposition: the text of all metrics.
        ailing: why the worker should be ended, if so.
        host, port: where to listen; port 0 takes a free one.
    """

    def __init__(
        self,
        runtime: Runtime,
        *,
        exposition: Callable[[], bytes],
        ailing: Callable[[], str | None],
        host: str,
        port: int,
    ) -> None:
        super().__init__()
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
        return _answer({"watchdog": self._ailing()})

    async def _readyz(self, _: web.Request) -> web.Response:
        return _answer(self._runtime.readiness(), self._runtime.views.troubles)


def _answer(
    checks: dict[str, str | None], views: dict[str, str | None] | None = None
) -> web.Response:
    """Which checks pass; a view that fails is told, but fails nothing."""
    told = {**checks, **(views or {})}
    body = {
        "ok": sorted(name for name, wrong in told.items() if wrong is None),
        "failing": {name: wrong for name, wrong in sorted(told.items()) if wrong is not None},
    }
    healthy = all(wrong is None for wrong in checks.values())
    return web.Response(
        status=OK if healthy else UNAVAILABLE,
        body=msgspec.json.encode(body),
        content_type="application/json",
    )
