"""How old an event is when Prometheus has it: a worker under live load, a scrape every second.

    python benchmarks/freshness.py [SECONDS] [BROKERS]

Calls come in at 100 a second, in their own time, by way of a Kafka that is named, else of the
embedded broker (Tansu, which is the slower one), to one worker with Redis. Prometheus is Debian's.
The call that came as the n-th is visible in the first sample of today's calls that is at least n;
its age is that sample's time less its own. The promise is that 99 in 100 are seen within 2 seconds.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from bisect import bisect_left
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from rich.console import Console
from rich.table import Table

from agents.children import Child
from agents.embedded import EmbeddedRedis, EmbeddedService, Tansu, free_port
from agents.publisher import create_publisher
from agents.settings import load_settings
from agents.topic_admin import create_topics
from streams.codec import encode_event
from streams.conventions import Label
from streams.events import CallEntered
from streams.kpis.calls import CALL_KPIS
from streams.topics import CALLS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agents.settings import Settings

SECONDS = 60
RATE = 100
WARM_UP = 5
PROMISED = 2.0
QUEUES = 20
TOWN = "alltidoppen"
OFFERED = next(kpi for kpi in CALL_KPIS if kpi.name == "offered").metric(total=True)
CONFIG = f"""\
display_name: Alltid öppen
queues: {{{", ".join(f"q{number:02}: Kö {number}" for number in range(QUEUES))}}}
calendars: {{default: {{hours: {{mon-sun: "00:00-24:00"}}}}}}
promises:
  - {{name: answered-in-2-minutes, channel: calls, within: 2 min, target: 80 %}}
"""


class Prometheus(EmbeddedService):
    """Debian's, asking one worker every second."""

    name: ClassVar[str] = "prometheus"

    def __init__(self, worker_port: int) -> None:
        """Ask the worker on that port."""
        super().__init__()
        self._worker_port = worker_port

    def program(self, scratch: Path) -> Sequence[str]:
        """The command line, with a configuration of its own."""
        config = scratch / "prometheus.yml"
        config.write_text(
            "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
            "scrape_configs: [{job_name: kontaktpuls, static_configs: "
            f"[{{targets: ['127.0.0.1:{self._worker_port}']}}]}}]\n",
            encoding="utf-8",
        )
        program = shutil.which("prometheus")
        if program is None:
            sys.exit("`prometheus` is not installed; it is Debian's package of that name")
        return [
            program, f"--config.file={config}", f"--storage.tsdb.path={scratch / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=warn",
        ]  # fmt: skip

    def answers(self) -> bool:
        """Whether it says that it is ready."""
        try:
            self._get("/-/ready")
        except OSError:
            return False
        return True

    def samples(self, selector: str) -> list[tuple[float, float]]:
        """Every sample of the one series, as scraped: its time and its value."""
        query = urllib.parse.urlencode({"query": selector})
        answer: Any = json.loads(self._get(f"/api/v1/query?{query}"))
        (series,) = answer["data"]["result"]
        return [(float(at), float(value)) for at, value in series["values"]]

    def _get(self, path: str) -> bytes:
        url = f"http://127.0.0.1:{self.port}{path}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            body: bytes = answer.read()
            return body


def publish(settings: Settings, seconds: int) -> list[float]:
    """Send calls evenly for so long; when each came in."""
    came: list[float] = []
    number = 0
    with create_publisher(settings.cluster) as publisher:
        began = time.time()
        while number < seconds * RATE:
            time.sleep(max(0.0, began + number / RATE - time.time()))
            now = time.time()
            event = CallEntered(
                organisation=TOWN,
                call=f"{began:.0f}-{number}",
                queue=f"q{number % QUEUES:02}",
                at=datetime.fromtimestamp(now, UTC),
            )
            publisher.send(CALLS, TOWN, encode_event(event))
            came.append(now)
            number += 1
    return came


def ages(came: list[float], samples: list[tuple[float, float]]) -> list[float]:
    """How old each call was in the first sample that counts it."""
    counts = [value for _, value in samples]
    return [
        samples[bisect_left(counts, number)][0] - at
        for number, at in enumerate(came, 1)
        if number > WARM_UP * RATE
    ]


def measure(seconds: int, brokers: str | None) -> list[float]:
    """The ages of all calls after a warm-up."""
    with ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory()))
        embedded = brokers is None
        if brokers is None:
            brokers = running.enter_context(Tansu()).brokers
        redis = running.enter_context(EmbeddedRedis())
        port = free_port()
        (folder / "organisations").mkdir()
        (folder / "organisations" / f"{TOWN}.yaml").write_text(CONFIG, encoding="utf-8")
        (folder / "kontaktpuls.yaml").write_text(
            f"brokers: ['{brokers}']\n"
            f"partitions: 2\nreplication: 1\nembedded: {str(embedded).lower()}\n"
            f"data_dir: {folder / 'faust'}\nredis: {{url: '{redis.url}'}}\nweb: {{port: {port}}}\n",
            encoding="utf-8",
        )
        settings = load_settings(folder, environ={})
        create_topics(settings.cluster)
        command = [sys.executable, "-m", "agents", "worker", "--config", str(folder)]
        running.enter_context(Child("worker", command, log=folder / "worker.log"))
        prometheus = running.enter_context(Prometheus(port))
        wait_until_ready(port)
        came = publish(settings, seconds + WARM_UP)
        time.sleep(2 * PROMISED)
        selector = f'{OFFERED}{{{Label.WINDOW}="today"}}[{2 * seconds + 60}s]'
        return ages(came, prometheus.samples(selector))


def wait_until_ready(port: int) -> None:
    """Return when the worker owns its partitions."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    sys.exit("the worker does not become ready")


def main() -> None:
    """Measure, print, and fail if the promise is broken."""
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    found = sorted(measure(seconds, sys.argv[2] if len(sys.argv) > 2 else None))
    table = Table("calls", "median", "p90", "p99", "longest", "promised (p99)")
    places = [found[int(len(found) * share)] for share in (0.5, 0.9, 0.99)]
    row = [f"{age:.2f} s" for age in (*places, found[-1], PROMISED)]
    table.add_row(f"{len(found):,}", *row)
    Console().print(table)
    if places[-1] >= PROMISED:
        sys.exit("slower than promised")


if __name__ == "__main__":
    main()
