"""Ends a worker that no longer works: a restart is safe, since facts merge; a silent stop is not.

The rules are one pure function over the signs of life that the event loop leaves behind; a
thread applies them, so that it also sees a loop that is stuck.
"""

from __future__ import annotations

import os
import threading
from time import monotonic
from typing import TYPE_CHECKING, Final

import msgspec
import structlog

if TYPE_CHECKING:
    from collections.abc import Callable

EXIT_CODE: Final = 70
"""EX_SOFTWARE of sysexits.h."""

INTERVAL: Final = 1.0
FREEZE: Final = 5.0
"""Between two looks of the thread itself: the whole process was stopped, not only the loop."""

log = structlog.stdlib.get_logger("kontaktpuls.watchdog")


class Limits(msgspec.Struct, frozen=True):
    """How long is too long, in seconds.

    Attributes:
        recovery: for a rebalance together with reading the changelog.
        stall: for everything that should go on all the time.
        stop: for a clean stop.
    """

    recovery: float
    stall: float
    stop: float


class Vitals(msgspec.Struct):
    """Signs of life; times are seconds of the monotonic clock, `None` = not going on.

    Attributes:
        beat_at: the event loop turned.
        unsettled_since: a rebalance or recovery began, and no partition is served until it ends.
        busy_since: the oldest chunk that is being handled right now was taken up.
        behind: records on the broker that were not fetched.
        advanced_at: something was fetched or handled.
        uncommitted_since: an offset was handled that is not committed yet.
        stopping_since: somebody asked the worker to stop.
        failure: a record that Kafka did not take.
    """

    beat_at: float
    unsettled_since: float | None = None
    busy_since: float | None = None
    behind: int = 0
    advanced_at: float = 0.0
    uncommitted_since: float | None = None
    stopping_since: float | None = None
    failure: str | None = None


def judge(vitals: Vitals, limits: Limits, now: float, awake_since: float = 0.0) -> str | None:
    """Why the worker must be ended, or `None` while it lives.

    Args:
        vitals: what the event loop left behind.
        limits: how long is too long.
        now: monotonic seconds.
        awake_since: when the process was last thawed; what is older does not count against it.
    """

    def age(since: float | None) -> float:
        return 0.0 if since is None else now - max(since, awake_since)

    if vitals.failure is not None:
        return f"Kafka did not take a record: {vitals.failure}"
    if age(vitals.stopping_since) > limits.stop:
        return f"did not stop within {limits.stop:g} s"
    if age(vitals.beat_at) > limits.stall:
        return f"the event loop has not turned for {limits.stall:g} s"
    if age(vitals.busy_since) > limits.stall:
        return f"one chunk has been in work for {limits.stall:g} s"
    if vitals.unsettled_since is not None:
        if age(vitals.unsettled_since) > limits.recovery:
            return f"rebalance and recovery have not ended within {limits.recovery:g} s"
        return None
    if vitals.behind > 0 and age(vitals.advanced_at) > limits.stall:
        return f"{vitals.behind} records behind, and none fetched for {limits.stall:g} s"
    if age(vitals.uncommitted_since) > limits.stall:
        return f"offsets have been handled but not committed for {limits.stall:g} s"
    return None


class Watchdog(threading.Thread):
    """Looks every second, and ends the process when there is a reason.

    Args:
        vitals: the object that the event loop keeps up to date.
        limits: how long is too long.
        exit_process: does not return outside tests.
    """

    def __init__(
        self,
        vitals: Vitals,
        limits: Limits,
        *,
        exit_process: Callable[[int], object] = os._exit,
        interval: float = INTERVAL,
    ) -> None:
        super().__init__(name="watchdog", daemon=True)
        self.vitals = vitals
        self.limits = limits
        self._exit_process = exit_process
        self._interval = interval
        self._awake_since = monotonic()
        self._closed = threading.Event()

    def reason(self) -> str | None:
        """Why the worker should be ended now, if so."""
        return judge(self.vitals, self.limits, monotonic(), self._awake_since)

    def run(self) -> None:
        """Until closed, or until there is a reason."""
        looked_at = monotonic()
        while not self._closed.wait(self._interval):
            now = monotonic()
            if now - looked_at > self._interval + FREEZE:
                self._awake_since = now
            looked_at = now
            reason = self.reason()
            if reason is not None:
                log.critical("watchdog ends the worker", reason=reason)
                self._exit_process(EXIT_CODE)
                return

    def close(self) -> None:
        """Stop looking; for a worker that lives on inside another program."""
        self._closed.set()
        if self.is_alive():
            self.join(timeout=self._interval + FREEZE)
