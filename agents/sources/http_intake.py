"""Takes events in over HTTP: a request is answered 202 once Kafka has acknowledged all of it."""

from __future__ import annotations

import asyncio
import contextlib
from http import HTTPStatus
from time import monotonic
from typing import TYPE_CHECKING

import msgspec
import structlog
from aiohttp import web

from agents.health import health_response
from agents.host_names import only_for
from agents.response_headers import make_safe
from agents.sources.http_bodies import (
    MAX_BODY_BYTES,
    form_of,
    is_packed,
    read_body,
    too_large,
)
from agents.sources.http_delivery import Delivery
from agents.sources.http_problems import (
    COMES_AGAIN,
    ProblemError,
    Refusal,
    busy,
    kafka_away,
    problem_response,
)
from agents.sources.http_turns import Turns
from agents.sources.http_vouching import Vouching
from streams.conventions import OTHER
from streams.instants import SECOND

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

    from aiohttp.typedefs import Handler

    from agents.settings.http import HttpSource
    from agents.sources.http_tokens import Tokens
    from agents.sources.meter import Meter
    from agents.sources.outbox import Outbox

log = structlog.stdlib.get_logger("kontaktpuls.http")

MAX_REQUESTS = 8
"""In memory at a time; each may hold a body of the largest size and the events made of it."""

SHARE = 4
LEAST_SECONDS = 1.0
"""What Kafka is given, however long the request has waited for its turn."""

GRACE_SECONDS = 1.0
YAML_TYPE = "application/yaml"
ADVICE: dict[int, str] = {
    HTTPStatus.NOT_FOUND: "there is nothing here; events go to `/events`",
    HTTPStatus.METHOD_NOT_ALLOWED: "`Allow` says which methods there are; events go by `POST`",
}

CHALLENGE = 'Bearer realm="kontaktpuls"'


class Intake:
    """The application behind `POST /events`.

    Args:
        source: the settings.
        tokens: of the producers.
        outbox: where events go.
        meter: where they are counted.
        workers: threads that read and deliver, `MAX_REQUESTS` at least.
        contract: the text of the OpenAPI page.
        clock: the present instant.

    Attributes:
        stopping: whether the server is about to end.
        vouching: by producer, how far its events have arrived.
    """

    def __init__(
        self,
        source: HttpSource,
        *,
        tokens: Tokens,
        outbox: Outbox,
        meter: Meter,
        workers: Executor,
        contract: str,
        clock: Callable[[], int],
    ) -> None:
        self._delivery = Delivery(source, outbox=outbox, meter=meter)
        self._names = source.names
        self._patience = source.patience / SECOND
        self._tokens = tokens
        self._outbox = outbox
        self._meter = meter
        self._workers = workers
        self._contract = contract
        self._clock = clock
        self.stopping = False
        self._turns = Turns(source.producers, total=MAX_REQUESTS, share=SHARE)
        self.vouching = {
            name: Vouching(
                producer.organisation,
                tuple(producer.sources),
                after=producer.vouch_after or 0,
                started=clock(),
            )
            for name, producer in source.producers.items()
        }

    def application(self) -> web.Application:
        """What an HTTP server serves."""
        app = web.Application(middlewares=[self._answer_problems, only_for(self._names)])
        app.on_response_prepare.append(make_safe)
        app.router.add_post("/events", self._events)
        app.router.add_get("/livez", self._livez)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/openapi.yaml", self._openapi)
        return app

    async def _events(self, request: web.Request) -> web.Response:
        producer = self._whose(request)
        vouching = self.vouching[producer]
        number = vouching.arrived(self._clock())
        try:
            accepted = await self._take(request, producer)
        except ProblemError as error:
            if error.reason in COMES_AGAIN:
                vouching.turned_away(number, self._clock())
            else:
                vouching.refused(number)
            raise
        except BaseException:
            # Nobody was told that it arrived, so it will come again.
            vouching.turned_away(number, self._clock())
            raise
        vouching.delivered(number)
        return web.Response(
            status=HTTPStatus.ACCEPTED,
            body=msgspec.json.encode({"accepted": accepted}),
            content_type="application/json",
        )

    def _whose(self, request: web.Request) -> str:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        producer = self._tokens.producer_of(token.strip())
        if producer is not None and scheme.lower() == "bearer":
            return producer
        self._meter.left_out(OTHER, Refusal.UNKNOWN_TOKEN)
        raise ProblemError(
            HTTPStatus.UNAUTHORIZED,
            Refusal.UNKNOWN_TOKEN,
            "send `Authorization: Bearer TOKEN` with a token that is known here",
            headers={"WWW-Authenticate": CHALLENGE},
        )

    async def _take(self, request: web.Request, producer: str) -> int:
        try:
            answer, within = await self._begin(request, producer)
        except ProblemError as error:
            self._meter.left_out(producer, error.reason)
            raise
        done, _ = await asyncio.wait({answer}, timeout=within + GRACE_SECONDS)
        if not done:
            answer.add_done_callback(_look_at)
            raise kafka_away()
        return answer.result()

    async def _begin(
        self, request: web.Request, producer: str
    ) -> tuple[asyncio.Future[int], float]:
        """Read the body in its turn and hand it to a thread; how long that may take, in seconds."""
        form = form_of(request.headers.get("Content-Type", ""))
        packed = is_packed(request.headers.get("Content-Encoding", ""))
        if (request.content_length or 0) > MAX_BODY_BYTES:
            raise too_large()
        with contextlib.ExitStack() as turn:
            began = monotonic()
            turn.callback(await self._turn(producer))
            within = max(LEAST_SECONDS, self._patience - (monotonic() - began))
            body = await read_body(request)
            work = self._workers.submit(
                self._delivery, producer, body, form, packed=packed, within=within
            )
            # The turn ends with the work, which may outlast the answer, and at a stop the loop.
            loop, leave = asyncio.get_running_loop(), turn.pop_all().close

            def end_turn(_: object) -> None:
                with contextlib.suppress(RuntimeError):
                    loop.call_soon_threadsafe(leave)

            work.add_done_callback(end_turn)
        return asyncio.wrap_future(work), within

    async def _turn(self, producer: str) -> Callable[[], None]:
        try:
            return await self._turns.take(producer, within=self._patience)
        except TimeoutError:
            raise busy() from None

    async def _livez(self, _: web.Request) -> web.Response:
        return health_response({"serving": None})

    async def _readyz(self, _: web.Request) -> web.Response:
        # While Kafka is away requests are answered with 429, which senders understand; a load
        # balancer that took this server out would tell them less.
        away = "does not take events" if self._outbox.away_since is not None else None
        taking = "is stopping" if self.stopping else None
        return health_response({"taking": taking}, told={"kafka": away})

    async def _openapi(self, _: web.Request) -> web.Response:
        return web.Response(text=self._contract, content_type=YAML_TYPE)

    @web.middleware
    async def _answer_problems(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except ProblemError as error:
            return problem_response(
                error.status, str(error), problems=error.problems, headers=error.headers
            )
        except web.HTTPException as error:
            kept = {name: error.headers[name] for name in ("Allow",) if name in error.headers}
            detail = ADVICE.get(error.status, error.text or error.reason)
            return problem_response(error.status, detail, headers=kept)
        except Exception:
            log.exception("a request could not be answered")
            return problem_response(HTTPStatus.INTERNAL_SERVER_ERROR, "the log says what happened")


def _look_at(work: asyncio.Future[int]) -> None:
    """What became of work that nobody waits for any more was counted where it was done."""
    if not work.cancelled():
        work.exception()
