"""The events on Kafka: the public contract of `docs/events.md`, one struct a type.

Values are JSON, one object an event; `type` names it; times are RFC 3339 with offset or `Z`.
`docs/events.md`, the JSON Schema and the AsyncAPI page are generated from these types.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

MAX_NAME = 256
MAX_EVENT_BYTES = 64 * 1024
MAX_WAIT_SECONDS = 86_400

Name = Annotated[str, Meta(min_length=1, max_length=MAX_NAME)]
Time = Annotated[datetime, Meta(tz=True)]
Revision = Annotated[int, Meta(ge=0, le=2**53)]

LeaveReason = Literal[
    "abandoned", "timeout", "key", "empty", "withdrawn", "callback", "transferred", "unknown"
]
CloseReason = Literal["no_reply_needed", "spam", "duplicate", "wrong_address", "handled_elsewhere"]
Question = Literal["bemotande", "enkelhet", "tydlighet"]
SurveyChannel = Literal["calls", "emails", "visits"]


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="type"):
    """What every event carries.

    Attributes:
        organisation: whose event it is; also the record key.
        revision: a higher one corrects the same fact.
    """

    organisation: Name
    revision: Revision = 0


class CallEntered(Event, frozen=True, kw_only=True, gc=False, tag="call.entered"):
    """A caller entered a queue."""

    call: Name
    queue: Name
    at: Time
    caller: Name | None = None


class CallAnswered(Event, frozen=True, kw_only=True, gc=False, tag="call.answered"):
    """A member answered the caller who waited in a queue."""

    call: Name
    queue: Name
    at: Time
    member: Name | None = None


class CallLeft(Event, frozen=True, kw_only=True, gc=False, tag="call.left"):
    """A caller left a queue for another reason than an answer."""

    call: Name
    queue: Name
    at: Time
    reason: LeaveReason


class CallEnded(Event, frozen=True, kw_only=True, gc=False, tag="call.ended"):
    """The conversation ended; with a queue: the part of it that this queue's answer began."""

    call: Name
    at: Time
    queue: Name | None = None
    resolved: bool | None = None
    topic: Name | None = None


class CallRecord(Event, frozen=True, kw_only=True, gc=False, tag="call.record"):
    """A whole call-detail record: the same facts as the four above in one event."""

    call: Name
    queue: Name
    entered_at: Time
    caller: Name | None = None
    answered_at: Time | None = None
    left_at: Time | None = None
    reason: LeaveReason | None = None
    ended_at: Time | None = None
    resolved: bool | None = None
    topic: Name | None = None


class EmailReceived(Event, frozen=True, kw_only=True, gc=False, tag="email.received"):
    """A message arrived at a mailbox; `at` is the server's arrival time."""

    conversation: Name
    message: Name
    mailbox: Name
    at: Time
    automatic: bool
    sender: Name | None = None


class EmailSent(Event, frozen=True, kw_only=True, gc=False, tag="email.sent"):
    """A message was sent to the citizen; a holding reply says when the answer will come."""

    conversation: Name
    message: Name
    mailbox: Name
    at: Time
    automatic: bool
    holding: bool = False
    promised_by: Time | None = None


class EmailClosed(Event, frozen=True, kw_only=True, gc=False, tag="email.closed"):
    """A conversation was closed without a reply, and why."""

    conversation: Name
    at: Time
    reason: CloseReason


class EmailForwarded(Event, frozen=True, kw_only=True, gc=False, tag="email.forwarded"):
    """A conversation was handed to another unit; the citizen's clock keeps running."""

    conversation: Name
    at: Time
    unit: Name


class SurveyAnswered(Event, frozen=True, kw_only=True, gc=False, tag="survey.answered"):
    """One answer, 1-5, to one survey question."""

    answer: Name
    channel: SurveyChannel
    question: Question
    score: Annotated[int, Meta(ge=1, le=5)]
    at: Time
    got_reply: bool | None = None


class VisitRegistered(Event, frozen=True, kw_only=True, gc=False, tag="visit.registered"):
    """A visitor came to a desk."""

    visit: Name
    desk: Name
    at: Time
    wait_seconds: Annotated[float, Meta(ge=0, le=MAX_WAIT_SECONDS)] | None = None


class Heartbeat(Event, frozen=True, kw_only=True, gc=False, tag="heartbeat"):
    """A source says: I have read everything up to `through`."""

    source: Name
    through: Time


CallEvent = CallEntered | CallAnswered | CallLeft | CallEnded | CallRecord
EmailEvent = EmailReceived | EmailSent | EmailClosed | EmailForwarded
AnyEvent = (
    CallEntered
    | CallAnswered
    | CallLeft
    | CallEnded
    | CallRecord
    | EmailReceived
    | EmailSent
    | EmailClosed
    | EmailForwarded
    | SurveyAnswered
    | VisitRegistered
    | Heartbeat
)
