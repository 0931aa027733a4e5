"""Metrics and health answer from the first second, and say what is wrong."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import aiohttp
import pytest
from prometheus_client import CONTENT_TYPE_LATEST

from agents.web import WebServer


class Ailment:
    """What is wrong at the moment, for every part."""

    def __init__(self) -> None:
        self.watchdog: str | None = None
        self.readiness: dict[str, str | None] = {"recovered": None, "owning": None}
        self.views: dict[str, str | None] = {"redis": None}

    def reason(self) -> str | None:
        """As `Watchdog.reason`."""
        return self.watchdog


async def ask(ailment: Ailment, path: str) -> tuple[int, str, Any]:
    """Status, content type and body of one request to a server of its own."""
    runtime = SimpleNamespace(
        readiness=lambda: ailment.readiness, views=SimpleNamespace(troubles=ailment.views)
    )
    server = WebServer(
        cast("Any", runtime),
        exposition=lambda: b"kontaktpuls_recovering 1.0\n",
        ailing=ailment.reason,
        host="127.0.0.1",
        port=0,
    )
    url = "http://127.0.0.1:{}{}"
    async with (
        server,
        aiohttp.ClientSession() as session,
        session.get(url.format(server.port, path)) as answer,
    ):
        kind = answer.headers["Content-Type"]
        body = await (answer.json() if "json" in kind else answer.read())
        return answer.status, kind, body


async def test_metrics_are_the_bytes_of_the_exposition() -> None:
    """In the content type that Prometheus expects."""
    assert await ask(Ailment(), "/metrics") == (
        200,
        CONTENT_TYPE_LATEST,
        b"kontaktpuls_recovering 1.0\n",
    )


@pytest.mark.parametrize(
    ("watchdog", "status", "body"),
    [
        pytest.param(None, 200, {"ok": ["watchdog"], "failing": {}}, id="alive"),
        pytest.param(
            "stuck", 503, {"ok": [], "failing": {"watchdog": "stuck"}}, id="about to be ended"
        ),
    ],
)
async def test_liveness_is_what_the_watchdog_says(
    watchdog: str | None, status: int, body: dict[str, Any]
) -> None:
    """Whoever restarts dead workers and the watchdog agree."""
    ailment = Ailment()
    ailment.watchdog = watchdog
    answer = await ask(ailment, "/livez")

    assert (answer[0], answer[2]) == (status, body)


async def test_a_worker_that_recovers_is_not_ready() -> None:
    """And says which check fails, and why."""
    ailment = Ailment()
    ailment.readiness["recovered"] = "partitions are being assigned or recovered"
    status, _, body = await ask(ailment, "/readyz")

    assert status == 503
    assert body == {
        "ok": ["owning", "redis"],
        "failing": {"recovered": "partitions are being assigned or recovered"},
    }


async def test_a_view_that_fails_is_told_but_the_worker_stays_ready() -> None:
    """KPIs and alerts are right without Redis."""
    ailment = Ailment()
    ailment.views["redis"] = "TimeoutError()"
    status, _, body = await ask(ailment, "/readyz")

    assert status == 200
    assert body == {"ok": ["owning", "recovered"], "failing": {"redis": "TimeoutError()"}}
