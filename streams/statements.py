"""What an event states: the contact it is about, the fact, and the part of the centre.

Names of queues and members are interned: each comes with every call, and a million calls are kept.
"""

from __future__ import annotations

from sys import intern
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


Statement = tuple[str, AnyFact, str | None]
"""A contact, a fact, and the queue, mailbox, desk or channel that it names."""


def fact_of(event: events.Event) -> tuple[str, AnyFact]:
    """The contact an event is about, and the fact it states; heartbeats state none."""
    contact, fact, _ = STATEMENTS[type(event)](event)
    return contact, fact


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


def _interned(name: str | None) -> str | None:
    return None if name is None else intern(name)


def _entered(e: events.CallEntered) -> Statement:
    queue = intern(e.queue)
    return e.call, Entered(e.revision, queue, from_datetime(e.at), e.caller), queue


def _answered(e: events.CallAnswered) -> Statement:
    queue, member = intern(e.queue), _interned(e.member)
    return e.call, Answered(e.revision, queue, from_datetime(e.at), member), queue


def _left(e: events.CallLeft) -> Statement:
    queue = intern(e.queue)
    return e.call, Left(e.revision, queue, from_datetime(e.at), e.reason), queue


def _ended(e: events.CallEnded) -> Statement:
    queue, topic = _interned(e.queue), _interned(e.topic)
    return e.call, Ended(e.revision, queue, from_datetime(e.at), e.resolved, topic), None


def _recorded(e: events.CallRecord) -> Statement:
    queue = intern(e.queue)
    fact = Recorded(
        e.revision,
        queue,
        from_datetime(e.entered_at),
        e.caller,
        None if e.answered_at is None else from_datetime(e.answered_at),
        None if e.left_at is None else from_datetime(e.left_at),
        e.reason if e.left_at is None or e.reason is not None else "unknown",
        None if e.ended_at is None else from_datetime(e.ended_at),
        e.resolved,
        _interned(e.topic),
    )
    return e.call, fact, queue


def _received(e: events.EmailReceived) -> Statement:
    at = from_datetime(e.at)
    mailbox = intern(e.mailbox)
    fact = Received(e.revision, e.message, at, mailbox, e.automatic, e.sender)
    return e.conversation, fact, mailbox


def _sent(e: events.EmailSent) -> Statement:
    promised_by = None if e.promised_by is None else from_datetime(e.promised_by)
    at = from_datetime(e.at)
    fact = Sent(e.revision, e.message, at, e.mailbox, e.automatic, e.holding, promised_by)
    # Whoever reads one mailbox also sees replies sent from others, and knows nothing of those.
    return e.conversation, fact, None


def _closed(e: events.EmailClosed) -> Statement:
    return e.conversation, Closed(e.revision, from_datetime(e.at), e.reason), None


def _forwarded(e: events.EmailForwarded) -> Statement:
    return e.conversation, Forwarded(e.revision, from_datetime(e.at), e.unit), None


def _answer(e: events.SurveyAnswered) -> Statement:
    at = from_datetime(e.at)
    return e.answer, Answer(e.revision, e.channel, e.question, e.score, at, e.got_reply), e.channel


def _visited(e: events.VisitRegistered) -> Statement:
    wait = None if e.wait_seconds is None else round(e.wait_seconds * SECOND)
    return e.visit, Visited(e.revision, e.desk, from_datetime(e.at), wait), e.desk


STATEMENTS: dict[type, Callable[[Any], Statement]] = {
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
"""How each type of event is read."""
