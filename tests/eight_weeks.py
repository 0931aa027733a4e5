"""Eight weeks that are easily counted wrong, and the weeks they are compared with.

Both changes of the clocks, a year with a week 53 and the turn to the next; the simulated contact
centre, and on top of it what simulations leave out: sources that send things twice, in disorder and
corrected, calls of which the end was lost, queues nobody configured, and callers on every edge.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from streams import events as ev
from streams.exports.periods import Period
from streams.instants import HOUR, MINUTE, SECOND, from_datetime, start_of_day, to_datetime
from streams.organisations import Promise
from streams.promises import parse_within
from streams.simulation import MUNICIPAL, simulate_week
from streams.statements import span_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.organisations import Organisation


def _weeks(*labels: str) -> tuple[Period, ...]:
    return tuple(Period.parse(label, "week") for label in labels)


EXPORTED = _weeks(
    "2026-W12", "2026-W13", "2026-W14", "2026-W43", "2026-W44", "2026-W52", "2026-W53", "2027-W01"
)  # fmt: skip
"""Clocks go forward at the end of week 13 and back at the end of week 43."""

COMPARED = _weeks(
    "2025-W11", "2025-W13", "2026-W01", "2026-W09", "2026-W11", "2026-W36", "2026-W41", "2026-W42",
    "2026-W45", "2026-W51",
)  # fmt: skip
"""What is told of besides: weeks before, a year before, and of the eight before."""

DAYS_KNOWN = 9
"""After the last exported week begins, everything is known for so long: some mail is undecided."""

MIDNIGHTS = (
    date(2026, 3, 16), date(2026, 3, 29), date(2026, 3, 30), date(2026, 10, 25), date(2026, 10, 26),
    date(2026, 12, 28), date(2027, 1, 1), date(2027, 1, 4),
)  # fmt: skip
"""Callers come right before, at and after these."""


def with_more_promises(organisation: Organisation) -> Organisation:
    """The same with promises of every kind: changed in mid-week, for some, by the full answer."""

    def promise(
        name: str, within: str, channel: Literal["calls", "emails"], **more: Any
    ) -> Promise:
        allowed = parse_within(within)
        return Promise(name=name, channel=channel, within=allowed, target=0.8, **more)

    first = organisation.promises[0]
    changed = msgspec.structs.replace(
        first,
        within=parse_within("90 s"),
        short_abandon=10 * SECOND,
        service_level="negative_abandons",
        valid_from=date(2026, 10, 22),
    )
    more = (
        changed,
        promise("whole-call", "5 min", "calls", parts=("total",), service_level="answered_only"),
        promise("full-answer", "8 working hours", "emails", met_by="full_answer"),
        promise("next-day", "1 calendar day", "emails", parts=("total",)),
        promise("bygg-in-ten", "10 working days", "emails", parts=("bygg",), calendar="bygg"),
    )
    return msgspec.structs.replace(organisation, promises=(*organisation.promises, *more))


def known_until(organisation: Organisation) -> int:
    """The instant up to which the sources have told everything."""
    monday = EXPORTED[-1].first_day
    return start_of_day(monday + timedelta(days=DAYS_KNOWN), organisation.zone) + 7 * HOUR


def told(organisation: Organisation, *, calls: int, seed: int = 5) -> list[ev.AnyEvent]:
    """Every event, as it comes in: in no order, some twice.

    Args:
        organisation: has queues, mailboxes and a desk.
        calls: of each week.
        seed: of chance.
    """
    rng = Random(seed)  # noqa: S311 - chance, not secrecy
    profile = msgspec.structs.replace(
        MUNICIPAL,
        calls=calls,
        visits=calls // 10,
        emails=120,
        surveyed_calls=0.1,
        surveyed_emails=0.4,
        transferred=0.15,
        overflow_after=100,
    )
    events: list[Any] = []
    for week in (*EXPORTED, *COMPARED):
        told_week = simulate_week(organisation, seed=seed, monday=week.first_day, profile=profile)
        events += [event for _, event in told_week]
    for day in MIDNIGHTS:
        events += _around_midnight(organisation, day)
    events += _in_the_hour_that_comes_twice(organisation)
    events = list(_as_sources_are(events, rng))
    until = known_until(organisation)
    events = [event for event in events if span_of(event)[1] <= until]
    events += [again for event in events for again in _corrected(event, rng)]
    events += rng.sample(events, len(events) // 20)
    rng.shuffle(events)
    return events


def _around_midnight(organisation: Organisation, day: date) -> Iterator[ev.AnyEvent]:
    """Calls that arrive just before, at and after it, and a mail exactly then."""
    midnight = start_of_day(day, organisation.zone)
    queue, mailbox = next(iter(organisation.queues)), next(iter(organisation.mailboxes))
    for offset in (-1, 0, 1):
        entered = midnight + offset
        name = f"edge-{day}-{offset}"
        yield from _answered_call(organisation, name, queue, entered, 120 * SECOND)
    yield ev.EmailReceived(
        organisation=organisation.name,
        conversation=f"edge-{day}",
        message="m",
        mailbox=mailbox,
        at=to_datetime(midnight),
        automatic=False,
    )


def _in_the_hour_that_comes_twice(organisation: Organisation) -> Iterator[ev.AnyEvent]:
    queue = next(iter(organisation.queues))
    for fold in (0, 1):
        moment = datetime(2026, 10, 25, 2, 30, tzinfo=organisation.zone, fold=fold)
        entered = from_datetime(moment)
        name = f"twice-{fold}"
        yield from _answered_call(organisation, name, queue, entered, 120 * SECOND + fold)


def _answered_call(
    organisation: Organisation, name: str, queue: str, entered: int, wait: int
) -> Iterator[ev.AnyEvent]:
    common: dict[str, Any] = {"organisation": organisation.name, "call": name}
    yield ev.CallEntered(**common, queue=queue, at=to_datetime(entered))
    yield ev.CallAnswered(**common, queue=queue, at=to_datetime(entered + wait))
    ended = to_datetime(entered + wait + MINUTE)
    yield ev.CallEnded(**common, at=ended, resolved=True, topic="bygglov")


def _as_sources_are(events: list[Any], rng: Random) -> Iterator[Any]:
    """Some is lost, some is named as nobody configured it, some is told as a record."""
    for event in events:
        chance = rng.random()
        if isinstance(event, ev.CallLeft | ev.CallEnded) and chance < 0.01:
            continue
        if hasattr(event, "queue") and event.call.endswith("7") and event.queue is not None:
            # Every tenth call, wherever it goes: one of its names must not be lost on the way.
            yield msgspec.structs.replace(event, queue=f"{event.queue}-old")
        elif hasattr(event, "mailbox") and event.conversation.endswith("7"):
            yield msgspec.structs.replace(event, mailbox="info")
        elif isinstance(event, ev.VisitRegistered) and chance < 0.2:
            yield msgspec.structs.replace(event, wait_seconds=None)
        elif isinstance(event, ev.CallEntered) and chance < 0.03:
            yield _record(event, rng)
        else:
            yield event


def _record(entered: ev.CallEntered, rng: Random) -> ev.CallRecord:
    """A call-detail record of the same visit that knows no more than the entry, or all of it."""
    at = from_datetime(entered.at)
    knows = rng.random() < 0.5
    wait = rng.randrange(0, 300) * SECOND
    return ev.CallRecord(
        organisation=entered.organisation,
        call=entered.call,
        queue=entered.queue,
        entered_at=entered.at,
        caller=entered.caller,
        answered_at=to_datetime(at + wait) if knows else None,
        ended_at=to_datetime(at + wait + 90 * SECOND) if knows else None,
        resolved=rng.choice([True, False, None]) if knows else None,
        topic=rng.choice(["skola", None]) if knows else None,
    )


def _corrected(event: Any, rng: Random) -> Iterator[Any]:
    """Some events are sent again with a higher revision, once or twice."""
    if rng.random() >= 0.04:
        return
    change: dict[str, Any] = {}
    match event:
        case ev.CallEnded():
            change = {"resolved": rng.choice([True, False, None]), "topic": "omsorg"}
        case ev.CallLeft():
            change = {"reason": rng.choice(["abandoned", "key", "callback", "unknown"])}
        case ev.CallRecord() if event.answered_at is not None:
            change = {"answered_at": event.entered_at + timedelta(seconds=rng.randrange(60))}
        case ev.EmailReceived():
            change = {"automatic": rng.random() < 0.2}
        case ev.EmailSent():
            change = {"holding": rng.random() < 0.3}
        case ev.EmailClosed():
            change = {"reason": rng.choice(["spam", "duplicate", "no_reply_needed"])}
        case ev.SurveyAnswered():
            change = {"score": rng.randint(1, 5)}
        case ev.VisitRegistered():
            change = {"wait_seconds": float(rng.randrange(1_200))}
        case _:
            return
    yield msgspec.structs.replace(event, revision=1, **change)
    if rng.random() < 0.2:
        yield msgspec.structs.replace(event, revision=2)
