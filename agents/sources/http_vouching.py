"""How far a producer's events have arrived, for the heartbeats that are said on its behalf.

Nobody but the producer knows whether it is silent or dead. What can be known here is whether
anything that it sent is still on its way or was turned away; an operator who sets `vouch_after`
says that everything comes within that time.
"""

from __future__ import annotations

from agents.sources.http_problems import RETRY_SECONDS
from streams.events import Heartbeat
from streams.instants import SECOND, to_datetime

FIRST_SILENCE = 2 * RETRY_SECONDS * SECOND
"""Whoever was turned away before a restart comes back as it was told to, and a little later."""


class Vouching:
    """What may be vouched for of one producer; instants are passed in.

    Args:
        organisation, sources: whose heartbeats.
        after: what happened longer ago than this has been sent, in microseconds.
        started: before this instant nobody was here to take events in.
    """

    def __init__(
        self, organisation: str, sources: tuple[str, ...], *, after: int, started: int
    ) -> None:
        self._organisation = organisation
        self._sources = sources
        self._after = after
        self._started = started
        self._open: dict[int, int] = {}
        self._opened = 0
        self._owed_since: int | None = None
        self._turned_away_at = 0

    def arrived(self, now: int) -> int:
        """A request arrived; returns its number."""
        self._opened += 1
        self._open[self._opened] = now
        return self._opened

    def delivered(self, number: int) -> None:
        """All that a request holds is in Kafka."""
        arrived = self._open.pop(number)
        # A sender that was turned away and then gets through sends the old before the new.
        if arrived >= self._turned_away_at:
            self._owed_since = None

    def turned_away(self, number: int, now: int) -> None:
        """A request shall be sent again; until one gets through, its events are missing."""
        arrived = self._open.pop(number)
        self._owed_since = min(arrived, arrived if self._owed_since is None else self._owed_since)
        self._turned_away_at = now

    def refused(self, number: int) -> None:
        """A request was wrong in itself; sending it again would not help."""
        del self._open[number]

    def heartbeats(self, now: int) -> list[Heartbeat]:
        """What can be said at this instant; nothing before senders had time to try again."""
        owed = [self._owed_since] if self._owed_since is not None else []
        through = min([now, *self._open.values(), *owed]) - self._after
        if through < self._started or now < self._started + FIRST_SILENCE:
            return []
        return [
            Heartbeat(organisation=self._organisation, source=source, through=to_datetime(through))
            for source in self._sources
        ]
