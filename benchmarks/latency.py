"""Measure how long an event takes from its source to `/metrics`, at a thousand a second.

    python benchmarks/latency.py [--write] [SECONDS] [RATE]

Calls of 48 organisations come in evenly, in their own time, on an Apache Kafka of its own, to one
worker with Redis; every fourth event is a new call, the others tell what became of earlier ones.
`/metrics` is asked ten times a second; the call that came as the n-th has arrived there in the
first answer that counts at least n. The promise is that 99 in 100 are there within a second.
`freshness.py` measures the same way up to Prometheus.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
import urllib.request
from bisect import bisect_left
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from rig.broker import Broker, kafka_version
from rig.page import WRITE, machine, show
from rig.site import Site

from agents.embedded import EmbeddedRedis
from agents.publisher import create_publisher
from streams.codec import encode_event
from streams.events import CallAnswered, CallEnded, CallEntered
from streams.kpis.calls import CALL_KPIS
from streams.topics import CALLS

ORGANISATIONS = tuple(f"kommun-{number:02}" for number in range(48))
QUEUES = {name: (f"vaxel-{name}",) for name in ORGANISATIONS}
FACTS = 4
"""Events a call."""

RINGS = 20 * len(ORGANISATIONS)
"""So many calls later a call is answered, and as many later it ends."""

SECONDS = 60
RATE = 1_000
WARM_UP = 5
LOOK = 0.1
PROMISED = 1.0
OFFERED = next(kpi for kpi in CALL_KPIS if kpi.name == "offered").metric(total=True)


def told(number: int, began: float, at: datetime) -> CallEntered | CallAnswered | CallEnded:
    """The event that comes as the n-th: calls in turn, each told by `FACTS` events."""
    call, fact = number // FACTS, number % FACTS
    call = max(0, call - (0, 1, 2, 2)[fact] * RINGS)
    name = ORGANISATIONS[call % len(ORGANISATIONS)]
    about, queue = f"{began:.0f}-{call}", QUEUES[name][0]
    match fact:
        case 0:
            return CallEntered(organisation=name, call=about, queue=queue, at=at)
        case 1:
            return CallAnswered(organisation=name, call=about, queue=queue, at=at)
        case 2:
            return CallEnded(organisation=name, call=about, queue=queue, at=at, resolved=True)
        case _:
            return CallEnded(organisation=name, call=about, at=at)


def publish(site: Site, seconds: int, rate: int) -> list[float]:
    """Send events evenly for so long; when each new call came in."""
    came: list[float] = []
    with create_publisher(site.settings.cluster) as publisher:
        began = time.time()
        for number in range(seconds * rate):
            ahead = began + number / rate - time.time()
            if ahead > 0:
                time.sleep(ahead)
            now = time.time()
            event = told(number, began, datetime.fromtimestamp(now, UTC))
            publisher.send(CALLS, event.organisation, encode_event(event))
            if isinstance(event, CallEntered):
                came.append(now)
    return came


class Onlooker(threading.Thread):
    """Asks for metrics ten times a second; when each organisation had how many calls.

    Attributes:
        seen: instants and counts, by organisation.
    """

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.seen: dict[str, list[tuple[float, float]]] = {name: [] for name in ORGANISATIONS}
        self.closed = threading.Event()
        self._url = f"http://127.0.0.1:{port}/metrics"

    def run(self) -> None:
        """Until closed."""
        prefix = f'{OFFERED}{{organisation="'
        while not self.closed.wait(LOOK):
            with urllib.request.urlopen(self._url, timeout=10) as answer:  # noqa: S310 - loopback
                text: str = answer.read().decode()
            now = time.time()
            for line in text.splitlines():
                if line.startswith(prefix) and 'window="today"' in line:
                    name = line[len(prefix) :].partition('"')[0]
                    self.seen[name].append((now, float(line.rpartition(" ")[2])))


def ages(came: list[float], seen: dict[str, list[tuple[float, float]]], rate: int) -> list[float]:
    """How old each call was in the first answer that counts it; infinite where none does."""
    found = []
    for place, name in enumerate(ORGANISATIONS):
        counts = [count for _, count in seen[name]]
        for number, at in enumerate(came[place :: len(ORGANISATIONS)], 1):
            if number * len(ORGANISATIONS) * FACTS <= WARM_UP * rate:
                continue
            first = bisect_left(counts, number)
            found.append(seen[name][first][0] - at if first < len(counts) else float("inf"))
    return sorted(found)


def measure(seconds: int, rate: int) -> tuple[list[float], float]:
    """The ages of all calls after a warm-up, and how many a second were really sent."""
    with ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory()))
        broker = running.enter_context(Broker())
        redis = running.enter_context(EmbeddedRedis())
        site = Site(folder, broker.brokers, redis_url=redis.url, queues=QUEUES, clock="wall")
        child = running.enter_context(site.worker())
        site.wait_until_ready(child)
        onlooker = Onlooker(site.port)
        onlooker.start()
        came = publish(site, seconds + WARM_UP, rate)
        time.sleep(3 * PROMISED)
        onlooker.closed.set()
        onlooker.join()
        sent = FACTS * len(came) / (came[-1] - came[0])
        return ages(came, onlooker.seen, rate), sent


def main() -> None:
    """Measure, print, and fail if the promise is broken."""
    arguments = [int(argument) for argument in sys.argv[1:] if argument != WRITE]
    seconds = arguments[0] if arguments else SECONDS
    rate = arguments[1] if len(arguments) > 1 else RATE
    found, sent = measure(seconds, rate)
    places = [found[int(len(found) * share)] for share in (0.5, 0.9, 0.99)]
    row = [f"{sent:,.0f}/s", f"{len(found):,}"]
    row += [f"{age:.2f} s" for age in (*places, found[-1], PROMISED)]
    show(
        ["events sent", "calls", "median", "p90", "p99", "longest", "promised (p99)"],
        [row],
        block="latency.py",
        notes=f"Measured on {machine()}; Apache Kafka {kafka_version()}, Redis and the publisher "
        "on the same cores; making texts may take half of the time.",
        write=WRITE in sys.argv,
    )
    if places[-1] >= PROMISED:
        sys.exit("slower than promised")


if __name__ == "__main__":
    main()
