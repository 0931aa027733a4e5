"""Processes that this one starts and that never outlive it."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

# Runs in the new process before the program itself and then becomes it (same pid). Linux delivers
# the parent-death signal when the *thread* that started the child ends, so start children from a
# thread that lives as long as they should. A parent that died before prctl was called is noticed by
# its pid. Systems without prctl only lose this last line of defence.
_LAUNCH = """
import ctypes, os, signal, sys
parent, program = int(sys.argv[1]), sys.argv[2:]
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(1)
os.execvp(program[0], program)
"""
_PR_SET_PDEATHSIG: Final = 1


def die_with_parent() -> None:
    """Let this process be killed when the one that started it ends, however that ends.

    For the workers of a pool, which wait for work for ever; on systems that can.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


class Child:
    """A running program in its own process group, its output in a log file.

    Ctrl-C at the terminal does not reach it (the group is its own): whoever started it decides in
    which order its children stop. `kill -9` of this process takes it along.

    Attributes:
        name: what people call it.
        pid: of the program and of its process group.
        log: file that collects standard output and standard error.
    """

    def __init__(
        self,
        name: str,
        program: Sequence[str],
        *,
        log: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start `program` with `environment` laid over the present one."""
        self.name = name
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            self._process = subprocess.Popen(  # noqa: S603 - programs of this distribution
                [sys.executable, "-I", "-S", "-c", _LAUNCH, str(os.getpid()), *program],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )
        self.pid = self._process.pid

    def __enter__(self) -> Self:
        """The child itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop it."""
        self.stop()

    def __repr__(self) -> str:
        """Name, pid and state."""
        code = self.poll()
        state = "running" if code is None else f"ended with {code}"
        return f"<Child {self.name} pid={self.pid} {state}>"

    def poll(self) -> int | None:
        """The exit code, negative for a signal, or `None` while it runs."""
        return self._process.poll()

    def stop(self, *, grace: float = 10.0) -> int:
        """Ask it to end, insist after `grace` seconds, and return its exit code."""
        self.signal(signal.SIGTERM)
        try:
            return self._process.wait(grace)
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self) -> int:
        """End its whole group at once, as `kill -9` does, and return the exit code."""
        # Once it was waited for, its pid may belong to somebody else.
        if self.poll() is None:
            os.killpg(self.pid, signal.SIGKILL)
        return self._process.wait(10.0)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the program, if it still runs."""
        self._process.send_signal(number)

    def last_lines(self, count: int = 15) -> str:
        """The end of its log."""
        text = self.log.read_text(encoding="utf-8", errors="replace")
        return "\n".join(text.splitlines()[-count:])
