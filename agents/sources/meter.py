"""What a source counts, for Prometheus; the names are in `streams.conventions.SourceMonitor`."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, cast

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    make_wsgi_app,
    start_http_server,
)

from agents.host_names import asked_name
from agents.settings.addresses import LOOPBACK, LOOPBACK_NAMES
from streams.conventions import Label, SourceMonitor
from streams.errors import KontaktpulsError
from streams.instants import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from wsgiref.simple_server import WSGIRequestHandler
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


HEADER_SECONDS = 20.0
"""For the headers of a request; whoever asks stands on this machine."""


class MeterError(KontaktpulsError):
    """The counters cannot be served where they should be."""


class Meter:
    """The counters and gauges of one source process.

    Attributes:
        registry: what is served.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        source = Label.SOURCE.value
        self._read = self._counter(
            SourceMonitor.READ, "Lines, mails or requests that were read.", source
        )
        self._events = self._counter(
            SourceMonitor.EVENTS, "Events that Kafka has acknowledged.", source
        )
        self._left_out = self._counter(
            SourceMonitor.LEFT_OUT,
            "What was read and became no event, by reason.",
            source,
            Label.REASON.value,
        )
        self._lost = self._counter(
            SourceMonitor.LOST,
            "What was gone before it could be read, by kind.",
            source,
            Label.UNIT.value,
        )
        self._noted = self._counter(
            SourceMonitor.NOTED,
            "What was read and is worth a look, whether or not it became an event.",
            source,
            Label.REASON.value,
        )
        self._through = Gauge(
            SourceMonitor.THROUGH,
            "Everything up to this instant was read and delivered.",
            [source],
            registry=self.registry,
        )
        self._connected = Gauge(
            SourceMonitor.CONNECTED,
            "Whether what is read from answers (1) or not (0).",
            [source],
            registry=self.registry,
        )

    def read(self, source: str, count: int = 1) -> None:
        """Lines, mails or requests were read."""
        self._read.labels(source).inc(count)

    def delivered(self, source: str, events: int) -> None:
        """Kafka has acknowledged events."""
        self._events.labels(source).inc(events)

    def left_out(self, source: str, reason: str, count: int = 1) -> None:
        """Something became no event; `reason` comes from a fixed list, never from the input."""
        self._left_out.labels(source, reason).inc(count)

    def lost(self, source: str, unit: str, count: int) -> None:
        """Something was gone before it could be read, e.g. so many `bytes`."""
        self._lost.labels(source, unit).inc(count)

    def noted(self, source: str, reason: str, count: int = 1) -> None:
        """Something is worth a look; `reason` comes from a fixed list, never from the input."""
        self._noted.labels(source, reason).inc(count)

    def through(self, source: str, instant: int) -> None:
        """Everything up to `instant` was delivered."""
        self._through.labels(source).set(instant / SECOND)

    def connected(self, source: str, *, is_up: bool) -> None:
        """Whether what is read from answers."""
        self._connected.labels(source).set(is_up)

    @contextlib.contextmanager
    def served(self, port: int | None) -> Iterator[None]:
        """Serve `/metrics` on the loopback interface; nowhere without a port.

        Raises:
            MeterError: the port is taken.
        """
        if port is None:
            yield
            return
        try:
            server, thread = start_http_server(port, addr=LOOPBACK, registry=self.registry)
            server.set_app(_only_for_this_machine(make_wsgi_app(self.registry)))
            handler = cast("type[WSGIRequestHandler]", server.RequestHandlerClass)
            server.RequestHandlerClass = type("Handler", (handler,), {"timeout": HEADER_SECONDS})
        except OSError as error:
            msg = (
                f"metrics_port: {LOOPBACK}:{port} cannot be listened on "
                f"({error.strerror or error}); end what listens there, or write another port"
            )
            raise MeterError(msg) from None
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()
            thread.join(timeout=5)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self.registry)


def _only_for_this_machine(app: WSGIApplication) -> WSGIApplication:
    """The same, but 421 for whoever asks for a foreign name, which may have been led here."""

    def check(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if asked_name(environ.get("HTTP_HOST", "")) in LOOPBACK_NAMES:
            return app(environ, start_response)
        start_response("421 Misdirected Request", [("Content-Type", "text/plain")])
        return [b"nothing is served here under the name asked for"]

    return check
