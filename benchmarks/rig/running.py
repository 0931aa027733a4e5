"""One program at work on topics that are full: from its first record to its last commit."""

from __future__ import annotations

import json
import time
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from rig.process import Cost, cost_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from agents.children import Child

PATIENCE = 900.0
LOOK = 0.05


class Ran(NamedTuple):
    """How a program did.

    Attributes:
        events: that it read.
        seconds: from its first record until everything was committed.
        cost: of the process in that time; its memory at the highest since it began.
    """

    events: int
    seconds: float
    cost: Cost

    @property
    def rate(self) -> float:
        """Events per second."""
        return self.events / self.seconds


class FailedError(Exception):
    """A program ended, or did not."""


def watch(
    child: Child, events: int, *, began: Callable[[], float | None], done: Callable[[], bool]
) -> Ran:
    """Wait until it is done.

    Args:
        child: the program, just started.
        events: that it has to read.
        began: when it had its first record (seconds since 1970), once that is known.
        done: whether everything is committed.

    Raises:
        FailedError: it ended before, or takes too long.
    """
    deadline = time.monotonic() + PATIENCE
    before = after = None
    while True:
        after = cost_of(child.pid) or after
        if before is None and began() is not None:
            before = after
        ended = child.poll() is not None
        if done():
            break
        if ended or time.monotonic() > deadline:
            state = "ended" if ended else "takes too long"
            msg = f"{child.name} {state}; its last lines:\n{child.last_lines(30)}"
            raise FailedError(msg)
        time.sleep(LOOK)
    finished, first = time.time(), began()
    if first is None or after is None:
        msg = f"{child.name} was done before it began; its last lines:\n{child.last_lines(30)}"
        raise FailedError(msg)
    used = after.cpu - (before.cpu if before else 0.0)
    return Ran(events, finished - first, Cost(used, after.peak))


def recovered(child: Child) -> float | None:
    """When a worker had recovered (seconds since 1970), which it says in its log."""
    for line in child.log.read_text(encoding="utf-8").splitlines():
        if '"event": "recovered"' in line:
            return datetime.fromisoformat(json.loads(line)["timestamp"]).timestamp()
    return None
