"""Refuses requests that ask for a foreign name.

A page in somebody's browser can have its own name resolved to an address of the inside (DNS
rebinding) and so speak to servers that only the inside reaches; the `Host` header still says whose
name it was.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from aiohttp import web
from yarl import URL

from agents.settings.addresses import LOOPBACK_NAMES

if TYPE_CHECKING:
    from collections.abc import Collection

    from aiohttp.typedefs import Handler, Middleware

OF_THE_INSIDE = re.compile(r"[a-z0-9_-]+")
"""A name without a dot: nobody owns one on the Internet."""


def only_for(names: Collection[str]) -> Middleware:
    """Middleware that answers 421 to requests for any other name; ports do not matter."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if asked_name(request.headers.get("Host", "")) not in names:
            raise web.HTTPMisdirectedRequest(text="nothing is served here under the name asked for")
        return await handler(request)

    return check


def only_for_the_inside(names: Collection[str]) -> Middleware:
    """Middleware that answers 421 to requests for names that a stranger can own.

    Allowed are these names, plain addresses, and names without a dot, by which containers call
    each other.
    """
    known = frozenset(map(str.casefold, names)) | LOOPBACK_NAMES

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        name = asked_name(request.headers.get("Host", ""))
        if name is None or not (name in known or OF_THE_INSIDE.fullmatch(name) or is_address(name)):
            raise web.HTTPMisdirectedRequest(
                text="nothing is shown under the name asked for; write it under `web.hosts`"
            )
        return await handler(request)

    return check


def is_address(name: str) -> bool:
    """Whether a name is an IP address.

    >>> is_address("192.0.2.7"), is_address("::1"), is_address("board.example")
    (True, True, False)
    """
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


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
