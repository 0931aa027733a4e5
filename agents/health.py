"""How a server says that it is well, for whoever restarts it or sends requests to it."""

from __future__ import annotations

from http import HTTPStatus

import msgspec
from aiohttp import web


def health_response(
    checks: dict[str, str | None], told: dict[str, str | None] | None = None
) -> web.Response:
    """Which checks pass (`None`) and what is wrong with the others.

    What is only `told` fails nothing: the answer is 200 as long as all `checks` pass, else 503.
    """
    everything = {**checks, **(told or {})}
    body = {
        "ok": sorted(name for name, wrong in everything.items() if wrong is None),
        "failing": {name: wrong for name, wrong in sorted(everything.items()) if wrong is not None},
    }
    healthy = all(wrong is None for wrong in checks.values())
    return web.Response(
        status=HTTPStatus.OK if healthy else HTTPStatus.SERVICE_UNAVAILABLE,
        body=msgspec.json.encode(body),
        content_type="application/json",
    )
