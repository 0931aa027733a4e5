"""What goes with every answer: browsers do nothing with it, and nobody learns what made it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from streams.conventions import PREFIX

if TYPE_CHECKING:
    from aiohttp import web

SAFE_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Server": PREFIX,
    "X-Content-Type-Options": "nosniff",
}
"""No script, no frame, no guess at the type, no address given away, no version."""


async def make_safe(_: web.Request, response: web.StreamResponse) -> None:
    """For `Application.on_response_prepare`; pages that need more say so afterwards."""
    response.headers.update(SAFE_HEADERS)
