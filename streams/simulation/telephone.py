"""A simulated telephone day: callers wait in line for the members who happen to be on duty.

First come, first served over all queues, by members who know them all. Waits are not drawn but
happen: with too few members the line grows, callers give up, and that relieves the rest.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

import msgspec

from streams.events import CallAnswered, CallEnded, CallEntered, CallLeft
from streams.instants import SECOND, to_datetime
from streams.simulation.arrivals import draw_instants, stretches, union
from streams.simulation.profile import seconds, weights
from streams.simulation.roster import create_roster

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from random import Random

    from streams.events import Event, LeaveReason
    from streams.organisations import Organisation
    from streams.simulation.arrivals import Stretch
    from streams.simulation.profile import Profile

CITIZENS = 30_000
TOPICS = (
    "avfall", "bygglov", "ekonomiskt-bistand", "forskola", "gator-och-parkering", "hemtjanst",
    "kultur-och-fritid", "skola", "vatten-och-avlopp", "ovrigt",
)  # fmt: skip


class Visit(msgspec.Struct, frozen=True):
    """A caller who comes to a queue; one call may make several visits."""

    call: str
    queue: str
    at: int
    caller: str | None = None
    number: int = 1
    waited: int = 0


class Handled(msgspec.Struct, frozen=True):
    """A call that somebody answered in the end, for those who ask how it was."""

    call: str
    ended: int
    waited: int
    resolved: bool | None


class TelephoneDay:
    """One local day of all queues.

    Attributes:
        handled: who was helped, in the order of events(); complete when these are.
    """

    def __init__(
        self, organisation: Organisation, day: date, *, rng: Random, profile: Profile, prefix: str
    ) -> None:
        """`prefix` begins the name of every call."""
        self.handled: list[Handled] = []
        self._name = organisation.name
        self._zone = organisation.zone
        self._rng = rng
        self._profile = profile
        self._open = {
            name: organisation.calendars[queue.calendar].intervals(day)
            for name, queue in organisation.queues.items()
        }
        self._prefix = prefix
        expected = profile.calls * profile.share_of_week(day.weekday())
        self._line = [(visit.at, visit.call, 1, visit) for visit in self._arrivals(expected)]
        open_hours = stretches(union(self._open.values()), profile.day, self._zone)
        self._roster = create_roster(
            day, open_hours, expected=expected, zone=self._zone, profile=profile
        )

    def events(self) -> Iterator[tuple[int, Event]]:
        """Everything that happens, with its instant; not in time order."""
        heapq.heapify(self._line)
        while self._line:
            *_, visit = heapq.heappop(self._line)
            yield (
                visit.at,
                CallEntered(
                    organisation=self._name,
                    call=visit.call,
                    queue=visit.queue,
                    at=to_datetime(visit.at, self._zone),
                    caller=visit.caller,
                ),
            )
            free = self._roster.next_free(visit.at)
            answer = None if free is None else free + self._profile.ringing.draw(self._rng)
            leaves, reason = self._limit(visit, answer)
            if answer is not None and answer <= leaves:
                yield from self._answered(visit, answer)
            else:
                yield self._left(visit, leaves, reason)

    def _arrivals(self, expected: float) -> Iterator[Visit]:
        drawn: list[tuple[int, str]] = []
        shares = weights(len(self._open))
        for share, (queue, intervals) in zip(shares, self._open.items(), strict=True):
            pieces = stretches(intervals, self._profile.day, self._zone)
            drawn += [(at, queue) for at in draw_instants(self._rng, expected * share, pieces)]
            drawn += [(at, queue) for at in self._rush(expected * share, pieces)]
        for number, (at, queue) in enumerate(sorted(drawn), 1):
            yield Visit(f"{self._prefix}-{number:05}", queue, at, self._citizen())

    def _rush(self, expected: float, pieces: list[Stretch]) -> list[int]:
        """Callers that no roster has reckoned with."""
        rush = self._profile.rush
        if rush is None:
            return []
        hit = [piece for piece in pieces if rush.has(to_datetime(piece.start, self._zone))]
        if not hit:
            return []
        share = sum(piece.area for piece in hit) / sum(piece.area for piece in pieces)
        return draw_instants(self._rng, expected * share * (self._profile.rush_factor - 1), hit)

    def _citizen(self) -> str | None:
        """A pseudonym; some withhold their number, and some call again."""
        if self._rng.random() < 0.05:
            return None
        return f"{self._rng.randrange(CITIZENS) * 0x9E3779B97F4A7C15 % 2**64:016x}"

    def _limit(self, visit: Visit, answer: int | None) -> tuple[int, LeaveReason]:
        """When and why the caller leaves unless somebody answers before."""
        rng, profile = self._rng, self._profile
        if rng.random() < profile.short_abandons:
            return visit.at + seconds(rng.uniform(0.5, 5)), "abandoned"
        if rng.random() < profile.key_presses:
            return visit.at + seconds(rng.uniform(5, 40)), "key"
        leaves = visit.at + profile.patience.draw(rng)
        reason: LeaveReason = "abandoned"
        offered = visit.at + seconds(profile.callback_after + rng.uniform(0, 20))
        if offered < leaves and rng.random() < profile.callbacks:
            leaves, reason = offered, "callback"
        overflow = visit.at + seconds(profile.overflow_after)
        if overflow < leaves and self._is_open(self._first, overflow, other_than=visit.queue):
            leaves, reason = overflow, "timeout"
        closed = self._roster.until
        if answer is None and closed < leaves:
            leaves, reason = max(closed, visit.at), "empty"
        return leaves, reason

    def _is_open(self, queue: str, instant: int, *, other_than: str) -> bool:
        return queue != other_than and any(s <= instant < e for s, e in self._open[queue])

    @property
    def _first(self) -> str:
        return next(iter(self._open))

    def _answered(self, visit: Visit, answer: int) -> Iterator[tuple[int, Event]]:
        rng, profile = self._rng, self._profile
        end = answer + profile.handling.draw(rng)
        member = self._roster.occupy(end + profile.wrap_up.draw(rng))
        waited = visit.waited + answer - visit.at
        yield (
            answer,
            CallAnswered(
                organisation=self._name,
                call=visit.call,
                queue=visit.queue,
                at=to_datetime(answer, self._zone),
                member=member,
            ),
        )
        resolved: bool | None = None
        topic: str | None = None
        onward = None
        if visit.number == 1 and rng.random() < profile.transferred:
            queue = rng.choice(list(self._open))
            if self._is_open(queue, end, other_than=visit.queue):
                onward = queue
        if onward is None and rng.random() < profile.coded:
            resolved, topic = rng.random() < profile.resolved, rng.choice(TOPICS)
        yield (
            end,
            CallEnded(
                organisation=self._name,
                call=visit.call,
                queue=visit.queue,
                at=to_datetime(end, self._zone),
                resolved=resolved,
                topic=topic,
            ),
        )
        if onward is None:
            self.handled.append(Handled(visit.call, end, waited, resolved))
        else:
            self._go_on(visit, onward, end + SECOND, waited)

    def _left(self, visit: Visit, leaves: int, reason: LeaveReason) -> tuple[int, Event]:
        if reason == "timeout":
            self._go_on(visit, self._first, leaves, visit.waited + leaves - visit.at)
        return leaves, CallLeft(
            organisation=self._name,
            call=visit.call,
            queue=visit.queue,
            at=to_datetime(leaves, self._zone),
            reason=reason,
        )

    def _go_on(self, visit: Visit, queue: str, at: int, waited: int) -> None:
        onward = Visit(visit.call, queue, at, visit.caller, visit.number + 1, waited)
        heapq.heappush(self._line, (at, onward.call, onward.number, onward))
