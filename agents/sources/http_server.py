"""Listens for requests, says heartbeats, and stops when told; bounded in connections and time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import structlog
from aiohttp import web

from agents.bounded_server import LINGER_SECONDS, bounded_server
from agents.sources.http_intake import MAX_REQUESTS, Intake
from agents.sources.outbox import NotDeliveredError, StoppedError
from streams.errors import KontaktpulsError
from streams.instants import SECOND, from_datetime

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from agents.settings.http import HttpSource
    from agents.sources.http_tokens import Tokens
    from agents.sources.meter import Meter
    from agents.sources.outbox import Outbox

log = structlog.stdlib.get_logger("kontaktpuls.http")

MAX_CONNECTIONS = 200
HEADER_SECONDS = 15.0
"""For the headers of a request, and for the time between two requests of a connection."""

PROXY_HEADER_SECONDS = 75.0
"""The same for a proxy: longer than proxies keep unused connections, so that it is they who close
them, and no request is lost on one that is being closed."""

STOP_SECONDS = 3.0
HEARTBEAT_SECONDS = 1.0


class ListenError(KontaktpulsError):
    """The server cannot listen as it is configured to."""


class Server:
    """Takes events in, and speaks for the producers that are vouched for.

    Args:
        source: the settings.
        file: where they stand; names in them are relative to it.
        tokens: of the producers.
        outbox: where events go.
        meter: where they are counted.
        contract: the text of the OpenAPI page.
        clock: the present instant.
    """

    def __init__(
        self,
        source: HttpSource,
        *,
        file: Path,
        tokens: Tokens,
        outbox: Outbox,
        meter: Meter,
        contract: str,
        clock: Callable[[], int],
    ) -> None:
        self._source = source
        self._file = file
        self._outbox = outbox
        self._meter = meter
        self._clock = clock
        # Heartbeats must not wait for the requests that they follow.
        self._workers = ThreadPoolExecutor(MAX_REQUESTS + 1, thread_name_prefix="http")
        self._intake = Intake(
            source,
            tokens=tokens,
            outbox=outbox,
            meter=meter,
            workers=self._workers,
            contract=contract,
            clock=clock,
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set.

        Raises:
            ListenError: the port is taken, or the certificate cannot be used.
        """
        source, intake = self._source, self._intake
        try:
            async with listening(source, intake, tls=tls_context(source, self._file)):
                scheme = "http" if source.tls is None else "https"
                log.info("taking events", url=f"{scheme}://{source.host}:{source.port}/events")
                while not stop.is_set():
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(HEARTBEAT_SECONDS):
                            await stop.wait()
                    await self._say_heartbeats()
                intake.stopping = True
        finally:
            self._workers.shutdown(wait=False, cancel_futures=True)

    async def _say_heartbeats(self) -> None:
        now = self._clock()
        beats = {
            name: self._intake.vouching[name].heartbeats(now)
            for name, producer in self._source.producers.items()
            if producer.vouch_after is not None
        }
        every = [beat for of_one in beats.values() for beat in of_one]
        if not every:
            return
        deliver = partial(self._outbox.deliver, every, within=self._source.patience / SECOND)
        try:
            await asyncio.get_running_loop().run_in_executor(self._workers, deliver)
        except (NotDeliveredError, StoppedError):
            return
        for name, of_one in beats.items():
            self._meter.delivered(name, len(of_one))
            for beat in of_one:
                self._meter.through(beat.source, from_datetime(beat.through))


def tls_context(source: HttpSource, file: Path) -> ssl.SSLContext | None:
    """What encrypts the connections; `None` = nothing does.

    Raises:
        ListenError: the certificate or its key cannot be used.
    """
    if source.tls is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate, key = file.parent / source.tls.certificate, file.parent / source.tls.key
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except OSError as error:
        msg = (
            f"{file}: tls: `{certificate}` and `{key}` cannot be used "
            f"({error.strerror or error}); write PEM files that belong together, the key without "
            "a password"
        )
        raise ListenError(msg) from None
    return context


@contextlib.asynccontextmanager
async def listening(
    source: HttpSource, intake: Intake, *, tls: ssl.SSLContext | None
) -> AsyncIterator[asyncio.Server]:
    """A server for as long as the block runs.

    Raises:
        ListenError: the port is taken, or the address is not this machine's.
    """
    # The library would log what it cannot parse, and that may hold a token.
    silent = logging.getLogger("aiohttp.silent")
    silent.setLevel(logging.CRITICAL + 1)
    runner = web.AppRunner(
        intake.application(),
        access_log=None,
        logger=silent,
        auto_decompress=False,
        keepalive_timeout=PROXY_HEADER_SECONDS if source.behind_proxy else HEADER_SECONDS,
        lingering_time=LINGER_SECONDS,
        shutdown_timeout=STOP_SECONDS,
    )
    async with contextlib.AsyncExitStack() as opened:
        server = bounded_server(runner, source.host, source.port, most=MAX_CONNECTIONS, tls=tls)
        try:
            listening_server = await opened.enter_async_context(server)
        except OSError as error:
            msg = (
                f"{source.host}:{source.port} cannot be listened on ({error.strerror or error}); "
                "end what listens there, or write another `port`"
            )
            raise ListenError(msg) from None
        yield listening_server


def _no_password() -> str:
    """Nobody is there to type one."""
    return ""
