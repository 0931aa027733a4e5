"""Takes the pulse of the event loop and of the consumer, for the watchdog and the exporter."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Final

from mode import Service

if TYPE_CHECKING:
    from faust.types import TP

    from agents.app import KontaktpulsApp

INTERVAL: Final = 0.5


class Pulse(Service):
    """Writes the signs of life twice a second."""

    def __init__(self, app: KontaktpulsApp) -> None:
        super().__init__()
        self._app = app
        self._seen: dict[TP, tuple[int, int]] = {}
        self._committed: dict[TP, int] = {}
        self._targets: dict[TP, tuple[int, float]] = {}

    @Service.task
    async def _beat(self) -> None:
        while not self.should_stop:
            began = monotonic()
            self.take(began)
            await self.sleep(INTERVAL)
            self._app.runtime.telemetry.loop_lag = max(0.0, monotonic() - began - INTERVAL)

    def take(self, now: float) -> None:
        """Note how things are at this moment (monotonic seconds)."""
        runtime = self._app.runtime
        vitals = runtime.vitals
        vitals.beat_at = now
        vitals.busy_since = min(runtime.working.values(), default=None)
        if runtime.recovering:
            vitals.unsettled_since = vitals.unsettled_since or now
            vitals.uncommitted_since = None
            self._targets.clear()
            self._seen.clear()
            return
        vitals.unsettled_since = None
        self._follow_fetching(now)
        self._follow_commits(now)

    def _follow_fetching(self, now: float) -> None:
        runtime = self._app.runtime
        positions = self._app.mended_consumer.positions()
        seen = {
            tp: (position, runtime.handled.get(tp, 0)) for tp, (position, _) in positions.items()
        }
        if seen != self._seen:
            runtime.vitals.advanced_at = now
            self._seen = seen
        runtime.vitals.behind = sum(end - position for position, end in positions.values())
        runtime.telemetry.lag = {
            (tp.topic, tp.partition): max(0, end - runtime.handled.get(tp, position))
            for tp, (position, end) in positions.items()
        }

    def _follow_commits(self, now: float) -> None:
        """An offset counts as uncommitted from when it was handled until a commit passes it."""
        committed = dict(self._app.monitor.tp_committed_offsets)
        if committed != self._committed:
            self._app.runtime.telemetry.commits += 1
            self._committed = committed
        for tp, handled in self._app.runtime.handled.items():
            done = committed.get(tp, -1)
            target, _ = self._targets.get(tp, (done, now))
            if done >= handled:
                self._targets.pop(tp, None)
            elif done >= target:
                self._targets[tp] = (handled, now)
        since = [since for _, since in self._targets.values()]
        self._app.runtime.vitals.uncommitted_since = min(since, default=None)
