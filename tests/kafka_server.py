"""A real Kafka for tests that are about Kafka: its acknowledgements, its crashes, its return.

`scripts/kafka` knows how to fetch and run it; here it is stopped, killed and started again with the
same data on the same port.
"""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from agents.children import Child
from agents.embedded import is_free
from agents.settings.addresses import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

PROGRAM = Path(__file__).parents[1] / "scripts" / "kafka"
CANNOT_RUN_HERE = 69
FIRST_PORT, LAST_PORT = 20_011, 29_999
"""Below what systems give to outgoing connections: a port stays free while its broker is down."""


class KafkaMissingError(Exception):
    """This machine has no Java, no Maven, or no way to fetch the jars."""


def fetch_kafka() -> None:
    """Get what is needed to run it; `KafkaMissingError` says what this machine lacks."""
    done = subprocess.run(
        [str(PROGRAM), "fetch"], capture_output=True, check=False, text=True, timeout=630
    )
    if done.returncode == CANNOT_RUN_HERE:
        raise KafkaMissingError(done.stderr.strip())
    done.check_returncode()


class Kafka:
    """One broker with a folder of its own; a context manager that ends with it stopped.

    Attributes:
        port: where clients connect, the same for all its life.
        child: its process, while it runs.
    """

    def __init__(self, folder: Path, *, node: int = 1, ports: Sequence[int] = ()) -> None:
        """One that is alone, or one (the first is 1) of several with these ports."""
        self.port = ports[node - 1] if ports else _two_free_ports()
        self.child: Child | None = None
        self._folder = folder
        self._place = ["--port", str(self.port)]
        if ports:
            self._place = ["--node", str(node), "--ports", " ".join(map(str, ports))]

    @property
    def brokers(self) -> str:
        """`host:port`."""
        return f"{LOOPBACK}:{self.port}"

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop it, if it still runs."""
        self.kill()

    def start(self, *, patience: float = 60.0) -> None:
        """Start it, on what it had before if it ran before, and wait until it answers."""
        self.launch()
        self.await_answer(patience=patience)

    def await_answer(self, *, patience: float = 60.0) -> None:
        """Wait until it answers."""
        deadline = time.monotonic() + patience
        while not self.answers():
            assert self.child is not None
            assert self.child.poll() is None, self.child.last_lines(40)
            assert time.monotonic() < deadline, self.child.last_lines(40)
            time.sleep(0.1)

    def launch(self) -> None:
        """Start it without waiting for it."""
        assert self.child is None, "it runs already"
        program = [str(PROGRAM), "run", *self._place, "--data", str(self._folder)]
        self.child = Child("kafka", program, log=self._folder / "broker.log")

    def stop(self) -> None:
        """Ask it to end, as an operator does."""
        if self.child is not None:
            self.child.stop(grace=30)
            self.child = None

    def kill(self) -> None:
        """End it at once, as a power cut does to a process."""
        if self.child is not None:
            self.child.kill()
            self.child = None

    def answers(self) -> bool:
        """Whether a client gets its first answers."""
        # A refused connection costs the client its whole time-out, so the port is tried first.
        if is_free(self.port):
            return False
        try:
            KafkaAdminClient(bootstrap_servers=self.brokers, bootstrap_timeout_ms=2_000).close()
        except KafkaError:
            return False
        return True


class Brokers:
    """Three brokers that hold copies of everything: one of them may be gone."""

    def __init__(self, folder: Path, count: int = 3) -> None:
        ports: list[int] = []
        while len(ports) < count:
            port = _two_free_ports()
            if port not in ports:
                ports.append(port)
        self.each = [
            Kafka(folder / f"broker-{node}", node=node, ports=ports) for node in range(1, count + 1)
        ]

    @property
    def brokers(self) -> str:
        """`host:port` of each, joined by commas."""
        return ",".join(broker.brokers for broker in self.each)

    def __enter__(self) -> Self:
        """Start them together: none answers before most of them are there."""
        for broker in self.each:
            broker.launch()
        for broker in self.each:
            broker.await_answer()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop those that still run."""
        for broker in self.each:
            broker.kill()


def _two_free_ports() -> int:
    """A port that is free together with the one after it."""
    pairs = (LAST_PORT - FIRST_PORT) // 2
    # Programs that look at the same time should not all begin with the same one.
    first = time.time_ns() // 1000
    for pair in range(pairs):
        port = FIRST_PORT + 2 * ((first + pair) % pairs)
        if is_free(port) and is_free(port + 1):
            return port
    msg = f"no two ports beside each other are free from {FIRST_PORT} to {LAST_PORT}"
    raise OSError(msg)
