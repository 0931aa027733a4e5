"""A believable contact centre, week after week: the same events for the same seed.

A week does not depend on where a simulation started, so one that is begun anew agrees with the
one before. Nothing here reads a clock; who plays the events decides how fast time goes.
"""

from __future__ import annotations

import heapq
from datetime import date, timedelta
from itertools import count
from operator import itemgetter
from random import Random
from typing import TYPE_CHECKING

from streams.instants import start_of_day
from streams.simulation.mailboxes import Mailboxes
from streams.simulation.profile import MUNICIPAL, SCENARIOS, Profile
from streams.simulation.surveys import call_surveys, email_surveys
from streams.simulation.telephone import TelephoneDay
from streams.simulation.visits import visits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.events import Event
    from streams.organisations import Organisation

__all__ = ["MUNICIPAL", "SCENARIOS", "Profile", "monday_of", "simulate", "simulate_week"]


def monday_of(day: date) -> date:
    """The Monday of a day's week.

    >>> monday_of(date(2026, 11, 22))
    datetime.date(2026, 11, 16)
    """
    return day - timedelta(days=day.weekday())


def simulate(
    organisation: Organisation, *, seed: int, monday: date, profile: Profile = MUNICIPAL
) -> Iterator[tuple[int, Event]]:
    """Events with their instants, in time order and without end, from a Monday on.

    Holds about a week of events at a time.
    """
    waiting: list[tuple[int, Event]] = []
    for number in count():
        begins = monday + timedelta(weeks=number)
        ends = start_of_day(begins + timedelta(weeks=1), organisation.zone)
        week = simulate_week(organisation, seed=seed, monday=begins, profile=profile)
        merged = list(heapq.merge(waiting, week, key=itemgetter(0)))
        waiting = [moment for moment in merged if moment[0] >= ends]
        yield from (moment for moment in merged if moment[0] < ends)


def simulate_week(
    organisation: Organisation, *, seed: int, monday: date, profile: Profile = MUNICIPAL
) -> list[tuple[int, Event]]:
    """What begins in one week, in time order; replies and survey answers reach beyond it."""
    happened: list[tuple[int, Event]] = []
    for offset in range(7):
        day = monday + timedelta(days=offset)
        prefix = f"{day:%Y%m%d}-{seed}"
        rng = Random(f"{organisation.name}/{seed}/{day}")  # noqa: S311 - chance, not secrecy
        telephone = TelephoneDay(
            organisation, day, rng=rng, profile=profile, prefix=f"call-{prefix}"
        )
        happened += telephone.events()
        happened += call_surveys(organisation, telephone.handled, rng=rng, profile=profile)
        mail = Mailboxes(organisation, day, rng=rng, profile=profile, prefix=f"mail-{prefix}")
        happened += mail.events()
        happened += email_surveys(organisation, mail.asked, rng=rng, profile=profile)
        happened += visits(organisation, day, rng=rng, profile=profile, prefix=f"visit-{prefix}")
    return sorted(happened, key=itemgetter(0))
