"""Refuses requests that ask for a foreign name.

A page in somebody's browser can have its own name resolved to an address of the inside (DNS
rebinding) and so speak to servers that only the inside reaches; the `Host` header still says whose
name it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web
from yarl import URL

if TYPE_CHECKING:
    from collections.abc import Collection

    from aiohttp.typedefs import Handler, Middleware


def only_for(names: Collection[str]) -> Middleware:
    """Middleware that answers 421 to requests for any other name; ports do not matter."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if asked_name(request.headers.get("Host", "")) not in names:
            raise web.HTTPMisdirectedRequest(text="nothing is served here under the name asked for")
        return await handler(request)

    return check


def asked_name(host: str) -> str | None:
    """The name in a `Host` header, without the port; `None` if there is no sense in it.

    >>> asked_name("LocalHost:9466"), asked_name("[::1]:80"), asked_name("a@b")
    ('localhost', '::1', None)
    """
    try:
        url = URL(f"http://{host}/")
    except ValueError:
        return None
    plain = url.user is None and url.password is None and url.path == "/"
    return url.host if plain and not url.query_string and not url.fragment else None
