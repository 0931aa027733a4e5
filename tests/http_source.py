"""An HTTP source for tests: real sockets in front, and an outbox that does as it is told."""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import aiohttp

from agents.embedded import free_port
from agents.settings.http import HttpSource
from agents.settings.organisation import organisation_from_text
from agents.settings.source_file import source_from_text
from agents.sources.http_intake import MAX_REQUESTS, Intake
from agents.sources.http_server import listening, tls_context
from agents.sources.http_tokens import Tokens, hash_of
from agents.sources.meter import Meter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from streams.events import Event

TOWN = organisation_from_text(
    """
    version: 1
    display_name: Skara
    queues: {vaxel: Växel}
    sources: [{name: exchange, channel: calls}, {name: survey, channel: surveys}]
    calendars: {default: {hours: {mon-fri: "08:00-16:00"}}}
    """,
    "skara",
)
SETTINGS = """
version: 1
kind: http
port: {port}
patience: 1 s
tokens_file: http.tokens
producers:
  pbx: {{organisation: skara, sources: exchange}}
  cases: {{organisation: skara, sources: survey, vouch_after: 2 s}}
"""
TOKENS = {"pbx": "kp_of-the-exchange", "cases": "kp_of-the-case-system"}
ENTERED = b'{"type":"call.entered","call":"1","queue":"vaxel","at":"2026-03-02T09:00:00+01:00"}'
JSON = "application/json"
LINES = "application/x-ndjson"


class ScriptedOutbox:
    """Keeps what is delivered; waits or fails where a test says so.

    Attributes:
        kept: events by delivery.
        fails: what to raise instead.
        opened: deliveries wait until it is set.
        entered: how many deliveries have begun.
    """

    def __init__(self) -> None:
        self.kept: list[list[Event]] = []
        self.fails: Exception | None = None
        self.opened = threading.Event()
        self.opened.set()
        self.entered = threading.Semaphore(0)
        self.away_since: float | None = None

    def deliver(self, events: Sequence[Event], *, within: float | None = None) -> None:
        """As `Outbox.deliver`."""
        assert within is not None
        self.entered.release()
        assert self.opened.wait(20)
        if self.fails is not None:
            raise self.fails
        self.kept.append(list(events))


class Desk:
    """A running server and what a test needs of it."""

    def __init__(
        self, source: HttpSource, intake: Intake, outbox: ScriptedOutbox, meter: Meter
    ) -> None:
        self.source = source
        self.intake = intake
        self.outbox = outbox
        self._meter = meter
        self.session = aiohttp.ClientSession(f"http://127.0.0.1:{source.port}")

    async def post(
        self,
        body: Any,
        *,
        kind: str | None = JSON,
        token: str | None = TOKENS["pbx"],
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, Any, Mapping[str, str]]:
        """Status, body and headers of the answer to `POST /events`."""
        sent = dict(headers or {})
        if kind is not None:
            sent["Content-Type"] = kind
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        skipped = ["Content-Type"] if kind is None else []
        async with self.session.post(
            "/events", data=body, headers=sent, skip_auto_headers=skipped
        ) as answer:
            return answer.status, await answer.json(content_type=None), answer.headers

    def counted(self, name: str, **labels: str) -> float:
        """A counter of the source, 0 if it was never touched."""
        full = f"kontaktpuls_source_{name}_total"
        return self._meter.registry.get_sample_value(full, labels) or 0.0


def settings_text(**changes: str) -> str:
    """The settings of a test, with lines changed or added."""
    lines = SETTINGS.format(port=free_port()).splitlines()
    kept = [line for line in lines if line.partition(":")[0] not in changes]
    return "\n".join([*kept, *(f"{name}: {value}" for name, value in changes.items()), ""])


@contextlib.asynccontextmanager
async def running(
    clock: Any = lambda: 0, *, file: Path = Path("http.yaml"), **changes: str
) -> AsyncIterator[Desk]:
    """A server on a free port for as long as the block runs."""
    source = source_from_text(settings_text(**changes), str(file), HttpSource)
    outbox, meter = ScriptedOutbox(), Meter()
    workers = ThreadPoolExecutor(MAX_REQUESTS + 1)
    intake = Intake(
        source,
        tokens=Tokens((name, hash_of(token)) for name, token in TOKENS.items()),
        outbox=cast("Any", outbox),
        meter=meter,
        workers=workers,
        contract="openapi: 3.1.0\n",
        clock=clock,
    )
    desk = Desk(source, intake, outbox, meter)
    try:
        async with listening(source, intake, tls=tls_context(source, file)):
            yield desk
    finally:
        outbox.opened.set()
        await desk.session.close()
        workers.shutdown()
