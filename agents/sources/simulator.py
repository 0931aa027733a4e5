"""Plays a simulated contact centre to Kafka: past weeks, some factor faster than life.

The simulated now begins in the past, moves `speed` times as fast as the wall clock and never
overtakes it, so nothing ever comes from the future. What lies before it is published at once.
"""

from __future__ import annotations

import time
from datetime import time as clock_time
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from agents.clock import wall_clock
from streams.codec import encode_event
from streams.events import Heartbeat
from streams.instants import DAY, SECOND, local_date, local_instant, to_datetime
from streams.simulation import MUNICIPAL, monday_of, simulate
from streams.topics import CHANNEL_OF_EVENT, TOPIC_OF_CHANNEL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from streams.events import Event
    from streams.organisations import Organisation
    from streams.simulation import Profile

STARTS_AT = clock_time(7, 55)
TICK_SECONDS = 0.2
HEARTBEAT = SECOND
WEEKS_BACK = 8
"""How far back a week with an open Monday is looked for."""


class Sink(Protocol):
    """Where events go; a `Publisher`, or a list in tests."""

    def send(self, topic: str, organisation: str, value: bytes) -> None:
        """Take one event."""

    def flush(self) -> None:
        """Return when every event taken so far is safe."""


def default_start(organisation: Organisation, now: int) -> int:
    """Monday 07:55 of the last full week before `now`; of an earlier one if closed that day."""
    zone = organisation.zone
    monday = monday_of(local_date(now, zone))
    weeks = [monday - timedelta(weeks=number) for number in range(1, WEEKS_BACK + 1)]
    open_weeks = (day for day in weeks if organisation.calendars["default"].intervals(day))
    return local_instant(next(open_weeks, weeks[0]), STARTS_AT, zone)


def heartbeats(organisation: Organisation, through: int) -> Iterator[tuple[str, Heartbeat]]:
    """A heartbeat of every source, with the topic it travels on."""
    for source in organisation.sources:
        yield (
            TOPIC_OF_CHANNEL[source.channel],
            Heartbeat(
                organisation=organisation.name,
                source=source.name,
                through=to_datetime(through, organisation.zone),
            ),
        )


class Player:
    """Plays one organisation's simulation.

    Attributes:
        now: the simulated now.
        published: events so far, heartbeats not counted.
    """

    def __init__(
        self,
        organisation: Organisation,
        *,
        seed: int,
        speed: float,
        start: int,
        backfill: int,
        profile: Profile = MUNICIPAL,
        clock: Callable[[], int] = wall_clock,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        """`start` and `clock` are instants; `backfill` is the number of days before `start`.

        History begins on the Monday on or before, so that no conversation lacks its beginning.
        """
        self.now = start
        self.published = 0
        self._organisation = organisation
        self._speed = speed
        self._start = start
        self._clock = clock
        self._sleep = sleep
        monday = monday_of(local_date(start - backfill * DAY, organisation.zone))
        self._events = simulate(organisation, seed=seed, monday=monday, profile=profile)
        self._next: tuple[int, Event] = next(self._events)

    def publish_history(self, sink: Sink) -> None:
        """Send everything up to the start as fast as the sink takes it."""
        self._publish_until(self._start, sink)
        sink.flush()

    def play(self, sink: Sink) -> None:
        """Go on from the start until somebody interrupts."""
        self._send_heartbeats(sink)
        began = heard = self._clock()
        while True:
            real = self._clock()
            played = self._start + int((real - began) * self._speed)
            # Wall clocks are set back at times; what was said to be read stays read.
            self.now = max(self.now, min(played, real))
            self._publish_until(self.now, sink)
            if abs(real - heard) >= HEARTBEAT:
                self._send_heartbeats(sink)
                heard = real
            self._sleep(TICK_SECONDS)

    def _publish_until(self, instant: int, sink: Sink) -> None:
        while self._next[0] <= instant:
            event = self._next[1]
            topic = TOPIC_OF_CHANNEL[CHANNEL_OF_EVENT[type(event)]]
            sink.send(topic, self._organisation.name, encode_event(event))
            self.published += 1
            self._next = next(self._events)

    def _send_heartbeats(self, sink: Sink) -> None:
        for topic, heartbeat in heartbeats(self._organisation, self.now):
            sink.send(topic, self._organisation.name, encode_event(heartbeat))
        # Nobody says to have read what Kafka may not have.
        sink.flush()
