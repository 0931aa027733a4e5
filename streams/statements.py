"""What an event states: the contact it is about, and the fact."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

from streams import events
from streams.conventions import Reason
from streams.errors import RejectedError
from streams.facts import (
    Answer,
    Answered,
    AnyFact,
    Closed,
    Ended,
    Entered,
    Forwarded,
    Left,
    Received,
    Recorded,
    Sent,
    Visited,
)
from streams.instants import EARLIEST, FIRST_YEAR, LAST_YEAR, SECOND, TOO_LATE, from_datetime

if TYPE_CHECKING:
    from collections.abc import Callable


def part_of(fact: AnyFact) -> str | None:
    """The queue, mailbox, desk or channel that a fact names."""
    field = _PART_FIELD.get(type(fact))
    return None if field is None else field(fact)


def fact_of(event: events.Event) -> tuple[str, AnyFact]:
    """The contact an event is about, and the fact it states; heartbeats state none."""
    return _FACT_OF_EVENT[type(event)](event)


def span_of(event: events.Event) -> tuple[int, int]:
    """The first and the last instant that an event tells of."""
    if isinstance(event, events.Heartbeat):
        through = from_datetime(event.through)
        return through, through
    fact = fact_of(event)[1]
    return fact.at, fact.last


def refuse_implausible(first: int, last: int) -> None:
    """Refuse times that no clock can mean, where no broker says what time it is.

    Raises:
        RejectedError: the first lies before 1971, or the last after 2199.
    """
    if first < EARLIEST:
        raise RejectedError(Reason.BEYOND_HORIZON, f"a time before {FIRST_YEAR}")
    if last >= TOO_LATE:
        raise RejectedError(Reason.FROM_THE_FUTURE, f"a time after {LAST_YEAR}")


def _entered(e: events.CallEntered) -> tuple[str, Entered]:
    return e.call, Entered(e.revision, e.queue, from_datetime(e.at), e.caller)


def _answered(e: events.CallAnswered) -> tuple[str, Answered]:
    return e.call, Answered(e.revision, e.queue, from_datetime(e.at), e.member)


def _left(e: events.CallLeft) -> tuple[str, Left]:
    return e.call, Left(e.revision, e.queue, from_datetime(e.at), e.reason)


def _ended(e: events.CallEnded) -> tuple[str, Ended]:
    return e.call, Ended(e.revision, e.queue, from_datetime(e.at), e.resolved, e.topic)


def _recorded(e: events.CallRecord) -> tuple[str, Recorded]:
    return e.call, Recorded(
        e.revision,
        e.queue,
        from_datetime(e.entered_at),
        e.caller,
        None if e.answered_at is None else from_datetime(e.answered_at),
        None if e.left_at is None else from_datetime(e.left_at),
        e.reason if e.left_at is None or e.reason is not None else "unknown",
        None if e.ended_at is None else from_datetime(e.ended_at),
        e.resolved,
        e.topic,
    )


def _received(e: events.EmailReceived) -> tuple[str, Received]:
    at = from_datetime(e.at)
    return e.conversation, Received(e.revision, e.message, at, e.mailbox, e.automatic, e.sender)


def _sent(e: events.EmailSent) -> tuple[str, Sent]:
    promised_by = None if e.promised_by is None else from_datetime(e.promised_by)
    at = from_datetime(e.at)
    return e.conversation, Sent(
        e.revision, e.message, at, e.mailbox, e.automatic, e.holding, promised_by
    )


def _closed(e: events.EmailClosed) -> tuple[str, Closed]:
    return e.conversation, Closed(e.revision, from_datetime(e.at), e.reason)


def _forwarded(e: events.EmailForwarded) -> tuple[str, Forwarded]:
    return e.conversation, Forwarded(e.revision, from_datetime(e.at), e.unit)


def _answer(e: events.SurveyAnswered) -> tuple[str, Answer]:
    at = from_datetime(e.at)
    return e.answer, Answer(e.revision, e.channel, e.question, e.score, at, e.got_reply)


def _visited(e: events.VisitRegistered) -> tuple[str, Visited]:
    wait = None if e.wait_seconds is None else round(e.wait_seconds * SECOND)
    return e.visit, Visited(e.revision, e.desk, from_datetime(e.at), wait)


_PART_FIELD: dict[type, Callable[[Any], str]] = {
    **dict.fromkeys((Entered, Answered, Left, Recorded), attrgetter("queue")),
    **dict.fromkeys((Received, Sent), attrgetter("mailbox")),
    Visited: attrgetter("desk"),
    Answer: attrgetter("channel"),
}
_FACT_OF_EVENT: dict[type, Callable[[Any], tuple[str, AnyFact]]] = {
    events.CallEntered: _entered,
    events.CallAnswered: _answered,
    events.CallLeft: _left,
    events.CallEnded: _ended,
    events.CallRecord: _recorded,
    events.EmailReceived: _received,
    events.EmailSent: _sent,
    events.EmailClosed: _closed,
    events.EmailForwarded: _forwarded,
    events.SurveyAnswered: _answer,
    events.VisitRegistered: _visited,
}
