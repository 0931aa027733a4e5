"""Apache Kafka for benchmarks: one broker on this machine, started here and gone afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from agents.embedded import EmbeddedService, free_port, is_free

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "scripts" / "kafka"
POM = ROOT / "scripts" / "pom.xml"


class Broker(EmbeddedService):
    """`scripts/kafka run` in a folder of its own."""

    name: ClassVar[str] = "kafka"

    def __init__(self) -> None:
        # The first start may have to fetch the jars.
        super().__init__(port=_two_free_ports(), patience=600.0)

    @property
    def brokers(self) -> str:
        """`host:port`."""
        return f"127.0.0.1:{self.port}"

    def program(self, scratch: Path) -> Sequence[str]:
        """The command line."""
        return [str(PROGRAM), "run", "--port", str(self.port), "--data", str(scratch / "kafka")]

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


def kafka_version() -> str:
    """The version that `scripts/pom.xml` names."""
    return POM.read_text(encoding="utf-8").partition("<kafka.version>")[2].partition("<")[0]


def _two_free_ports() -> int:
    """A port that is free together with the one after it, which the broker takes too."""
    while True:
        port = free_port()
        if is_free(port + 1):
            return port
