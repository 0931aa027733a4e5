"""Contact centres, one in each state that a board can show, and the worker they live on.

The exporter is the real one, over real desks that were told real events; only time is made up:
it begins on a Tuesday at noon and goes on while a test runs.
"""

from __future__ import annotations

import threading
from collections import Counter
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple, Self, cast

import msgspec

from agents.exporter import create_exposition
from agents.exports.status import ExportStatus
from agents.runtime import Telemetry
from streams import events as ev
from streams.desk import Desk
from streams.instants import DAY, HOUR, MINUTE, SECOND, from_datetime, to_datetime
from streams.organisations import Source
from tests.kafka_records import record
from tests.strategies import ORGANISATION, STOCKHOLM

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agents.runtime import Runtime
    from streams.organisations import Channel, Organisation

NOON = from_datetime(datetime(2026, 10, 27, 12, 0, tzinfo=STOCKHOLM))
FRIDAY_AFTERNOON = from_datetime(datetime(2026, 10, 23, 14, 0, tzinfo=STOCKHOLM))
"""Two working days before two o'clock: due two hours after noon."""
CHANNELS: tuple[Channel, ...] = ("calls", "emails", "surveys", "visits")
SOURCES = tuple(Source(f"source-of-{channel}", channel) for channel in CHANNELS)


class Centre(NamedTuple):
    """A contact centre.

    Attributes:
        calls: how many of the last half hour.
        kept: how many of every ten contacts keep their promise.
        longest: seconds that somebody has waited at noon, 0 = nobody waits.
        silent: whether its sources said nothing more after noon.
        promised: whether it promises anything.
    """

    calls: int
    kept: int
    longest: int
    silent: bool = False
    promised: bool = True


CENTRES = {
    "gron": Centre(120, 9, 0),
    "orange": Centre(20, 7, 100),
    "rod": Centre(120, 3, 900),
    "gra": Centre(4, 10, 10),
    "lila": Centre(40, 9, 40, silent=True),
    "tom": Centre(0, 0, 0),
    "utan": Centre(30, 10, 40, promised=False),
}
"""In the colour that each of them shows; the last has none. A promise is to be kept for 80 %."""


def events(name: str, channel: Channel) -> Iterator[ev.AnyEvent]:
    """What happened there until noon."""
    centre = CENTRES[name]
    match channel:
        case "calls":
            yield from _calls(name, centre)
        case "emails":
            yield from _emails(name, centre)
        case "surveys":
            for i in range(centre.calls):
                yield ev.SurveyAnswered(
                    organisation=name,
                    answer=f"a{i}",
                    channel="calls",
                    question="bemotande",
                    score=1 + i % 5,
                    at=to_datetime(NOON - i * MINUTE),
                )
        case "visits":
            for i in range(centre.calls):
                yield ev.VisitRegistered(
                    organisation=name,
                    visit=f"v{i}",
                    desk="reception",
                    at=to_datetime(NOON - i * MINUTE),
                    wait_seconds=30.0 * (i % 7),
                )


def _calls(name: str, centre: Centre) -> Iterator[ev.AnyEvent]:
    for i in range(centre.calls):
        entered = NOON - 45 * MINUTE + i * 15 * SECOND
        wait = 20 if i % 10 < centre.kept else 200
        answered = entered + wait * SECOND
        common: dict[str, Any] = {"organisation": name, "call": f"c{i}"}
        queue = ("vaxel", "bygg", "okand")[i % 3]
        yield ev.CallEntered(**common, queue=queue, at=to_datetime(entered))
        if i % 10 == 9:
            left = to_datetime(answered)
            reason = cast("Any", "abandoned" if i % 20 == 9 else "key")
            yield ev.CallLeft(**common, queue=queue, at=left, reason=reason)
        else:
            yield ev.CallAnswered(**common, queue=queue, at=to_datetime(answered))
            ended = to_datetime(answered + MINUTE)
            yield ev.CallEnded(**common, queue=queue, at=ended, resolved=i % 4 > 0)
    if centre.longest:
        yield ev.CallEntered(
            organisation=name,
            call="waiting",
            queue="vaxel",
            at=to_datetime(NOON - centre.longest * SECOND),
        )


def _emails(name: str, centre: Centre) -> Iterator[ev.AnyEvent]:
    for i in range(centre.calls):
        received = NOON - 6 * DAY + i * MINUTE
        common: dict[str, Any] = {"organisation": name, "conversation": f"k{i}"}
        mail: dict[str, Any] = {"mailbox": ("kontakt", "okand")[i % 2], "automatic": False}
        yield ev.EmailReceived(**common, **mail, message="m", at=to_datetime(received))
        if i % 10 < centre.kept:
            at = to_datetime(received + HOUR)
            yield ev.EmailSent(**common, **mail, message="r", at=at, holding=i % 3 == 0)
        elif i % 10 == 8:
            yield ev.EmailClosed(**common, at=to_datetime(received + HOUR), reason="spam")
    for i in range(3 if centre.calls else 0):
        common = {"organisation": name, "conversation": f"due{i}", "message": "m"}
        at = to_datetime(FRIDAY_AFTERNOON)
        yield ev.EmailReceived(**common, mailbox="kontakt", at=at, automatic=i == 2)


class Worker:
    """A worker that serves `/metrics` on a port of its own; its clock goes on from noon."""

    def __init__(self) -> None:
        """The state of noon; `start` begins to serve it."""
        self._organisations: dict[str, Organisation] = {
            name: msgspec.structs.replace(
                ORGANISATION,
                name=name,
                sources=SOURCES,
                promises=ORGANISATION.promises if centre.promised else (),
            )
            for name, centre in CENTRES.items()
        }
        self._began = monotonic()
        self._lock = threading.Lock()
        self._desks = [self._desk(channel) for channel in CHANNELS]
        for desk in self._desks:
            self._tell(desk, [e for name in CENTRES for e in events(name, desk.channel)])
            self._tell(desk, [self._heartbeat(name, desk.channel, NOON) for name in CENTRES])
        self._desks[0].apply([record(b"{", NOON)])
        self._expose = create_exposition(self._runtime(), self._now)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def address(self) -> str:
        """Host and port, as Prometheus wants to have them."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        """Serves until the end."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Serves no longer."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def text(self) -> bytes:
        """What a scrape gets; the sources that are not silent have told everything until now."""
        with self._lock:
            for desk in self._desks:
                heartbeats = [
                    self._heartbeat(name, desk.channel, self._now())
                    for name, centre in CENTRES.items()
                    if not centre.silent
                ]
                self._tell(desk, heartbeats)
            return self._expose()

    def _now(self) -> int:
        return NOON + int((monotonic() - self._began) * SECOND)

    def _desk(self, channel: Channel) -> Desk:
        return Desk(
            channel=channel,
            partition=0,
            organisations=self._organisations,
            owns=lambda _name: True,
            incarnation="w",
            horizon=35 * DAY,
            clock="wall",
        )

    def _tell(self, desk: Desk, told: list[Any]) -> None:
        desk.apply([record(event, self._now()) for event in told])

    def _heartbeat(self, name: str, channel: Channel, through: int) -> ev.Heartbeat:
        return ev.Heartbeat(
            organisation=name, source=f"source-of-{channel}", through=to_datetime(through)
        )

    def _runtime(self) -> Runtime:
        return cast(
            "Runtime",
            SimpleNamespace(
                desks={(desk.channel, desk.partition): desk for desk in self._desks},
                partitions=frozenset({0}),
                recovering=False,
                telemetry=Telemetry(lag={("kontaktpuls.calls", 0): 3}),
                exports=ExportStatus(),
                views=SimpleNamespace(troubles={"redis": None}, failures=Counter()),
                settings=SimpleNamespace(
                    organisations=self._organisations, cluster=SimpleNamespace(clock="wall")
                ),
            ),
        )

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        worker = self

        class Handler(BaseHTTPRequestHandler):
            """Answers a scrape."""

            def do_GET(self) -> None:
                """Every path is `/metrics`."""
                body = worker.text()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        return Handler
