"""The addresses under `/board`: a list, a page for each organisation, and its events."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from html import escape
from http import HTTPStatus
from typing import TYPE_CHECKING

import structlog
from aiohttp import web

from agents.board.languages import choose_language
from streams.board.words import WORDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agents.board.assets import Assets
    from agents.board.feed import Feed
    from streams.board.words import Language, Words
    from streams.organisations import Organisation

PREFIX = "/board"
MOST_FOLLOWERS = 200
"""Screens that one worker serves at a time; the next is asked to come back."""

COME_BACK = 10
"""Seconds."""

WRITE_TIMEOUT = 5.0
"""Seconds; a screen that does not take what it is sent is let go."""

THEMES = frozenset({"light", "dark"})
A_YEAR = 31_536_000
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
}

log = structlog.stdlib.get_logger(__name__)


class BoardPages:
    """What is served under `/board`.

    Args:
        organisations: that have a board.
        feed: what they show.
        assets: the files of the page.
    """

    def __init__(
        self, organisations: Mapping[str, Organisation], feed: Feed, assets: Assets
    ) -> None:
        self._organisations = organisations
        self._feed = feed
        self._assets = assets

    def mount(self, application: web.Application) -> None:
        """Serve the boards as a part of a server."""
        board = web.Application()
        board.router.add_get("", self._index)
        board.router.add_get("/", self._without_slash)
        for name in self._assets.served:
            board.router.add_get(f"/static/{name}", self._static)
        board.router.add_get("/{organisation}", self._page)
        board.router.add_get("/{organisation}/events", self._events, allow_head=False)
        board.on_response_prepare.append(_protect)
        board.on_shutdown.append(self._close)
        application.add_subapp(PREFIX, board)

    async def _index(self, request: web.Request) -> web.Response:
        language = _language(request)
        words = WORDS[language]
        asked = escape(f"?{request.query_string}") if request.query_string else ""
        names = sorted(
            (getattr(organisation, language), name)
            for name, organisation in self._organisations.items()
        )
        items = "".join(
            f'<li><a href="board/{escape(name)}{asked}">{escape(shown)}</a></li>'
            for shown, name in names
        )
        body = f"<ul>{items}</ul>" if names else f"<p>{escape(words.no_organisations)}</p>"
        return self._html(
            request,
            language,
            root="board/",
            title=words.organisations,
            body=f'<main class="list"><h1>{escape(words.organisations)}</h1>{body}</main>',
        )

    async def _without_slash(self, request: web.Request) -> web.Response:
        raise web.HTTPPermanentRedirect(request.rel_url.with_path(PREFIX).with_query(request.query))

    async def _page(self, request: web.Request) -> web.Response:
        organisation = self._organisation(request)
        language = _language(request)
        return self._html(
            request,
            language,
            root="",
            title=getattr(organisation, language),
            body=_frame(organisation, language),
        )

    async def _static(self, request: web.Request) -> web.Response:
        asset = self._assets.served[request.path.rpartition("/")[2]]
        # While workers are updated one by one, the page of a new one may ask an old one.
        is_asked = request.query.get("v") == self._assets.version
        kept = f"public, max-age={A_YEAR}, immutable" if is_asked else "no-cache"
        return web.Response(
            body=asset.body,
            content_type=asset.content_type,
            charset="utf-8",
            headers={"Cache-Control": kept},
        )

    async def _events(self, request: web.Request) -> web.StreamResponse:
        organisation = self._organisation(request)
        if self._feed.followers >= MOST_FOLLOWERS:
            return web.Response(
                status=HTTPStatus.SERVICE_UNAVAILABLE,
                text=f"{MOST_FOLLOWERS} screens are served already",
                headers={"Retry-After": str(COME_BACK)},
            )
        response = web.StreamResponse(
            headers={
                "Content-Type": "text/event-stream; charset=utf-8",
                "Cache-Control": "no-store",
                # nginx would keep the events until it has a buffer full of them.
                "X-Accel-Buffering": "no",
            }
        )
        async with aclosing(self._feed.messages(organisation.name, _language(request))) as messages:
            try:
                await response.prepare(request)
                async for message in messages:
                    async with asyncio.timeout(WRITE_TIMEOUT):
                        await response.write(message)
            except (ConnectionError, TimeoutError) as error:
                log.debug("a screen went away", error=repr(error))
                # The end of the answer would wait without limit for a screen that takes nothing.
                if request.transport is not None:
                    request.transport.abort()
        return response

    async def _close(self, _: web.Application) -> None:
        await self._feed.close()

    def _organisation(self, request: web.Request) -> Organisation:
        organisation = self._organisations.get(request.match_info["organisation"])
        if organisation is None:
            raise web.HTTPNotFound(text="no organisation of that name; see the list under /board")
        return organisation

    def _html(
        self, request: web.Request, language: Language, *, root: str, title: str, body: str
    ) -> web.Response:
        asked = request.query.get("theme")
        theme = f' data-theme="{asked}"' if asked in THEMES else ""
        text = self._assets.page.substitute(
            lang=language,
            theme=theme,
            root=root,
            version=self._assets.version,
            title=escape(title),
            body=body,
        )
        return web.Response(
            text=text,
            content_type="text/html",
            headers={"Cache-Control": "no-cache", "Vary": "Accept-Language"},
        )


async def _protect(_: web.Request, response: web.StreamResponse) -> None:
    """Only what this server sends runs on a page."""
    response.headers.update(HEADERS)


def _language(request: web.Request) -> Language:
    return choose_language(request.query.get("lang"), request.headers.get("Accept-Language", ""))


def _frame(organisation: Organisation, language: Language) -> str:
    """The page of one organisation before its first numbers, with the words it may need alone."""
    words: Words = WORDS[language]
    said = {
        "events": f"{organisation.name}/events?lang={language}",
        "live": words.live,
        "replay": words.replay,
        "stale": words.stale,
        "lost": words.lost,
        "loading": words.loading,
        "none": words.no_numbers,
    }
    data = "".join(f' data-{name}="{escape(text)}"' for name, text in said.items())
    name = escape(getattr(organisation, language))
    return (
        f'<div id="board"{data}><header><h1>{name}</h1>'
        f'<p id="status" role="status">{escape(words.loading)}</p></header>'
        f'<noscript><p class="notice">{escape(words.needs_script)}</p></noscript>'
        f'<main></main><p id="summary" class="unseen" aria-live="polite"></p></div>'
    )
