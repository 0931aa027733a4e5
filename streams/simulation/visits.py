"""Simulated visits to the desks, with the wait their queue ticket measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.events import VisitRegistered
from streams.instants import MINUTE, SECOND, to_datetime
from streams.simulation.arrivals import draw_instants, stretches
from streams.simulation.profile import Spread, weights

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from random import Random

    from streams.events import Event
    from streams.organisations import Organisation
    from streams.simulation.profile import Profile

WAIT = Spread(210, 0.9)
LONGEST = 60 * MINUTE


def visits(
    organisation: Organisation, day: date, *, rng: Random, profile: Profile, prefix: str
) -> Iterator[tuple[int, Event]]:
    """Who was called to a desk on one local day; `prefix` begins the name of every visit."""
    expected = profile.visits * profile.share_of_week(day.weekday())
    number = 0
    desks = organisation.desks
    for share, (desk, part) in zip(weights(len(desks)), desks.items(), strict=True):
        intervals = organisation.calendars[part.calendar].intervals(day)
        pieces = stretches(intervals, profile.day, organisation.zone)
        for at in draw_instants(rng, expected * share, pieces):
            number += 1
            yield (
                at,
                VisitRegistered(
                    organisation=organisation.name,
                    visit=f"{prefix}-{number:04}",
                    desk=desk,
                    at=to_datetime(at, organisation.zone),
                    wait_seconds=min(WAIT.draw(rng), LONGEST) // SECOND,
                ),
            )
