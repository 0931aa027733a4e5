"""Every way in which a worker may stop in silence ends in an exit that is heard, within its time.

All workers run at once, beside one broker: each waits for its own time-out, and none needs much.
`docs/operations.md` lists the faults, our answers, and these tests.
"""

from __future__ import annotations

import shutil
import signal
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from kafka import KafkaProducer

from agents.children import Child
from agents.embedded import EmbeddedRedis, Tansu, free_port
from agents.settings import load_settings
from agents.topic_admin import create_topics
from agents.watchdog import EXIT_CODE
from streams.topics import CALLS
from tests.integration.test_worker import ORGANISATION, ROOT, entered
from tests.secure_redis import require_redis_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

REFUSED = 1
PARTITIONS = 2
SLOW_MACHINE = 60.0
"""Seconds beyond the stated ones: so many workers on few cores take long to start."""


class Stop(NamedTuple):
    """How a worker stops, and how that ends.

    Attributes:
        name: of the fault, as `tests.faulty_worker` knows it, or of what is wrong around it.
        code: of the exit.
        said: in the last lines of its log.
        within: seconds after the start.
        config: lines laid over the configuration.
        environment: variables beside it.
    """

    name: str
    code: int
    said: str
    within: float
    config: str = ""
    environment: dict[str, str] = {}  # noqa: RUF012 - never changed


STOPS = [
    Stop(
        "a step of the recovery hangs",
        REFUSED,
        "recovery waited 20.0 s in vain",
        25,
        "timeouts: {request: 20 s}",
    ),
    Stop(
        "recovery never ends",
        EXIT_CODE,
        "rebalance and recovery have not ended within 10 s",
        15,
        "timeouts: {recovery: 10 s}",
    ),
    Stop("nothing is fetched", EXIT_CODE, "records behind, and none fetched for 10 s", 15),
    Stop("nothing is committed", EXIT_CODE, "handled but not committed for 10 s", 15),
    Stop("the event loop stands still", EXIT_CODE, "the event loop has not turned for 10 s", 15),
    Stop("an agent waits for ever", EXIT_CODE, "one chunk has been in work for 10 s", 15),
    Stop("an agent raises", EXIT_CODE, "a bug of ours", 5),
    Stop("Kafka takes no record", EXIT_CODE, "Kafka", 5),
    Stop("other partitions", REFUSED, "every topic must have 3 partitions", 5, "partitions: 3"),
    Stop("an unknown key", REFUSED, "stal: is no setting", 5, "stal: 10 s"),
    Stop(
        "an unknown variable",
        REFUSED,
        "KONTAKTPULS_STALL: is no setting",
        5,
        environment={"KONTAKTPULS_STALL": "10 s"},
    ),
    Stop("the iterator in Python", REFUSED, "unset `NO_CYTHON`", 5, environment={"NO_CYTHON": "1"}),
    Stop(
        "a password without TLS",
        REFUSED,
        "`SASL_PLAINTEXT` sends the password over the network as it is",
        5,
        "security: {protocol: SASL_PLAINTEXT, username: worker}",
    ),
]


def configure(folder: Path, broker: Tansu, name: str, lines: str = "") -> Path:
    """A configuration folder for one worker, which shares only the events with the others."""
    config = folder / "config"
    shutil.copytree(ROOT / "config" / "organisations", config / "organisations")
    text = f"""version: 1
brokers: ["{broker.brokers}"]
application_id: {name}
partitions: {PARTITIONS}
replication: 1
clock: events
embedded: true
data_dir: "{folder / "data"}"
redis: {{enabled: false}}
web: {{port: {free_port()}}}
timeouts: {{stall: 10 s, recovery: 60 s}}
"""
    path = config / "kontaktpuls.yaml"
    path.write_text(text, encoding="utf-8")
    create_topics(load_settings(config, environ={}).cluster)
    laid_over = {line.partition(":")[0]: line for line in (text + lines).splitlines()}
    path.write_text("\n".join([*laid_over.values(), ""]), encoding="utf-8")
    return config


def publish(broker: Tansu) -> None:
    """Something for every worker to do."""
    producer = KafkaProducer(
        bootstrap_servers=broker.brokers, batch_size=0, enable_idempotence=False
    )
    for value in entered(0, 20):
        producer.send(CALLS, key=ORGANISATION.encode(), value=value)
    producer.flush(timeout=60)
    producer.close(timeout=5)


class Ended(NamedTuple):
    """How a worker ended: its code (`None` if it did not), after so many seconds, and its log."""

    code: int | None
    after: float
    log: str


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Ended]]:
    """Every faulty worker, started together and watched to its end."""
    found: dict[str, Ended] = {}
    with Tansu() as broker:
        workers: dict[str, Child] = {}
        for number, stop in enumerate(STOPS):
            folder = tmp_path_factory.mktemp("stop")
            config = configure(folder, broker, f"stop-{number}", stop.config)
            workers[stop.name] = Child(
                stop.name,
                [sys.executable, "-m", "tests.faulty_worker", str(config), stop.name],
                log=folder / "worker.log",
                environment={"PYTHONPATH": str(ROOT)} | stop.environment,
            )
        publish(broker)
        began = time.monotonic()
        longest = max(stop.within for stop in STOPS) + SLOW_MACHINE
        while len(found) < len(workers) and time.monotonic() < began + longest:
            for name, child in workers.items():
                if name not in found and child.poll() is not None:
                    log = child.last_lines(60)
                    found[name] = Ended(child.poll(), time.monotonic() - began, log)
            time.sleep(0.1)
        for name, child in workers.items():
            found.setdefault(name, Ended(None, longest, child.last_lines(60)))
            child.kill()
        yield found


@pytest.mark.parametrize("stop", [pytest.param(stop, id=stop.name) for stop in STOPS])
def test_no_worker_stops_in_silence(ended: dict[str, Ended], stop: Stop) -> None:
    """It exits with a code that is not zero, says why, and is not late."""
    code, after, log = ended[stop.name]

    assert code == stop.code, log
    assert stop.said in log
    assert after < stop.within + SLOW_MACHINE


# -- Redis stands still ----------------------------------------------------------------------


def test_a_worker_stops_in_time_although_redis_stands_still(tmp_path: Path) -> None:
    """SIGTERM ends it within ten seconds, cleanly, whatever Redis does; and it had gone on."""
    require_redis_server()
    with Tansu() as broker, EmbeddedRedis(kind="server") as redis:
        assert redis.child is not None
        shown = f"redis: {{url: {redis.url}}}\n"
        config = configure(tmp_path, broker, "frozen", shown)
        port = load_settings(config, environ={}).cluster.web_port
        command = [sys.executable, "-m", "agents", "worker", "--config", str(config)]
        with Child("worker", command, log=tmp_path / "worker.log") as worker:
            wait_for(lambda: sample(port, 'kontaktpuls_view_up{view="redis"}') == 1, worker)
            redis.child.signal(signal.SIGSTOP)
            publish(broker)
            wait_for(lambda: sample(port, 'kontaktpuls_view_up{view="redis"}') == 0, worker)
            applied = sample(port, "kontaktpuls_contacts_retained")
            began = time.monotonic()
            code = worker.stop(grace=60)
            took = time.monotonic() - began
            redis.child.signal(signal.SIGCONT)

    assert code == 0, worker.last_lines(40)
    assert took < 10.0
    assert applied == 20


def sample(port: int, name: str) -> float | None:
    """The sum of the samples whose names begin so; `None` where there is none."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return None
    found = [float(line.rpartition(" ")[2]) for line in lines if line.startswith(name)]
    return sum(found) if found else None


def wait_for(condition: Callable[[], bool], worker: Child, *, within: float = 90.0) -> None:
    """Until it is true; the worker's log tells why it never was."""
    deadline = time.monotonic() + within
    while not condition():
        assert worker.poll() is None, worker.last_lines(40)
        assert time.monotonic() < deadline, worker.last_lines(40)
        time.sleep(0.1)
