"""`kontaktpuls demo` shows numbers soon and leaves nothing running, however it ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc"),
]

CONFIG = Path(__file__).parents[2] / "config"
PARTS = {"tansu", "redis", "worker", "simulate"}


class Demo:
    """A demo in a process of its own, its output in a file."""

    def __init__(self, process: subprocess.Popen[bytes], output: Path) -> None:
        self.process = process
        self._output = output

    @property
    def output(self) -> str:
        """What it has printed so far."""
        return self._output.read_text(encoding="utf-8")

    def wait_for(self, text: str, *, patience: float = 60.0) -> None:
        """Return once it has printed `text`."""
        wait_until(lambda: text in self.output or self.process.poll() is not None, patience)
        assert text in self.output

    def children(self) -> set[int]:
        """The processes it has started and that still run."""
        return {pid for pid in all_pids() if parent_of(pid) == self.process.pid}


@contextmanager
def demo(folder: Path) -> Iterator[Demo]:
    """A running demo; whatever a test left of it is ended."""
    output = folder / "output"
    with (
        output.open("wb") as stream,
        subprocess.Popen(
            [sys.executable, "-m", "agents", "demo", "--config", str(CONFIG)],
            cwd=folder,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process,
    ):
        try:
            yield Demo(process, output)
        finally:
            process.kill()


def all_pids() -> list[int]:
    """Every process of this machine."""
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def parent_of(pid: int) -> int | None:
    """The pid of a process' parent; `None` when it is gone or only waits to be reaped."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, parent = status.rpartition(")")[2].split()[:2]
    return None if state == "Z" else int(parent)


def wait_until(condition: Callable[[], bool], patience: float) -> None:
    """Return when a condition holds, or when patience ends."""
    deadline = time.monotonic() + patience
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)


def all_gone(pids: set[int]) -> bool:
    """Whether no process runs any more."""
    return all(parent_of(pid) is None for pid in pids)


def test_ctrl_c_ends_all_of_it(tmp_path: Path) -> None:
    """Numbers come without further ado, and after Ctrl-C nothing is left."""
    with demo(tmp_path) as running:
        running.wait_for("first numbers after")
        match = re.search(r"http://(127\.0\.0\.1:\d+)/metrics", running.output)
        assert match is not None
        with urllib.request.urlopen(f"http://{match[1]}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        addresses = re.findall(r"http://\S+", running.output)
        with urllib.request.urlopen(f"http://{match[1]}/board/exempelkommun", timeout=10) as answer:
            board = answer.read().decode()
        children = running.children()
        running.process.send_signal(signal.SIGINT)
        code = running.process.wait(60)

    assert "\nkontaktpuls_calls_offered{" in text
    assert addresses[0] == f"http://{match[1]}/board/exempelkommun"
    assert "<title>Exempelkommun</title>" in board
    assert len(children) == len(PARTS)
    assert code == 0
    assert all_gone(children)
    assert {log.stem for log in (tmp_path / ".demo").glob("*.log")} == PARTS


def test_kill_9_of_the_demo_takes_everything_along(tmp_path: Path) -> None:
    """A demo that cannot clean up leaves no process behind."""
    with demo(tmp_path) as running:
        running.wait_for("Ctrl-C ends it")
        children = running.children()
        running.process.kill()
        running.process.wait(10)
        wait_until(lambda: all_gone(children), 10)

    assert len(children) == len(PARTS)
    assert all_gone(children)


def test_a_part_that_dies_ends_the_demo_and_is_named(tmp_path: Path) -> None:
    """Nobody watches a board that no longer moves."""
    with demo(tmp_path) as running:
        running.wait_for("Ctrl-C ends it")
        children = running.children()
        worker = next(pid for pid in children if b"worker" in command_of(pid))
        os.kill(worker, signal.SIGKILL)
        code = running.process.wait(60)

    assert code == 1
    assert "`worker` ended by itself with -9; the end of .demo/worker.log:" in running.output
    assert all_gone(children)


def command_of(pid: int) -> bytes:
    """The command line of a process."""
    return Path(f"/proc/{pid}/cmdline").read_bytes()
