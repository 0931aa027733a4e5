"""Facts: what is known of a contact, in a form that merges.

A contact is a set of facts. Adding one twice changes nothing, and the order does not matter.
A fact with the same identity and a higher revision replaces the lower one; two that differ at
the same revision are settled by the smaller encoding, so that every worker decides alike.

| fact | identity |
| --- | --- |
| Entered, Answered, Left, Ended, Recorded | kind, queue, instant (of entry for Recorded) |
| Received, Sent | kind, message |
| Closed, Forwarded | kind, instant |
| Answer | question |
| Visited | one a visit |
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any, ClassVar

import msgspec

from streams.events import CloseReason, LeaveReason, Question, SurveyChannel

Key = Callable[[Any], object]


class Fact(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Base of all facts; `at` and the like are instants.

    Attributes:
        key: reads what tells facts of the same kind apart within a contact.
    """

    key: ClassVar[Key]

    revision: int

    @property
    def identity(self) -> tuple[object, ...]:
        """What makes two facts of one contact the same fact."""
        return (type(self), type(self).key(self))

    @property
    def last(self) -> int:
        """The last instant this fact tells of."""
        at: int = self.at  # type: ignore[attr-defined]
        return at


class Entered(Fact, frozen=True, gc=False, array_like=True, tag=1):
    """A caller entered a queue."""

    queue: str
    at: int
    caller: str | None = None

    key: ClassVar[Key] = attrgetter("queue", "at")


class Answered(Fact, frozen=True, gc=False, array_like=True, tag=2):
    """A member answered."""

    queue: str
    at: int
    member: str | None = None

    key: ClassVar[Key] = attrgetter("queue", "at")


class Left(Fact, frozen=True, gc=False, array_like=True, tag=3):
    """The caller left the queue without an answer, or was handed on after one."""

    queue: str
    at: int
    reason: LeaveReason

    key: ClassVar[Key] = attrgetter("queue", "at")


class Ended(Fact, frozen=True, gc=False, array_like=True, tag=4):
    """The conversation ended; without a queue the whole call did."""

    queue: str | None
    at: int
    resolved: bool | None = None
    topic: str | None = None

    key: ClassVar[Key] = attrgetter("queue", "at")


class Recorded(Fact, frozen=True, gc=False, array_like=True, tag=5):
    """A whole visit to a queue, from a call-detail record."""

    queue: str
    at: int
    caller: str | None = None
    answered_at: int | None = None
    left_at: int | None = None
    reason: LeaveReason | None = None
    ended_at: int | None = None
    resolved: bool | None = None
    topic: str | None = None

    @property
    def last(self) -> int:
        """The last instant of the visit that is known."""
        last = self.at
        for instant in (self.answered_at, self.left_at, self.ended_at):
            if instant is not None and instant > last:
                last = instant
        return last

    key: ClassVar[Key] = attrgetter("queue", "at")


class Received(Fact, frozen=True, gc=False, array_like=True, tag=6):
    """A message came in."""

    message: str
    at: int
    mailbox: str
    automatic: bool
    sender: str | None = None

    key: ClassVar[Key] = attrgetter("message")


class Sent(Fact, frozen=True, gc=False, array_like=True, tag=7):
    """A message went out to the citizen."""

    message: str
    at: int
    mailbox: str
    automatic: bool
    holding: bool = False
    promised_by: int | None = None

    key: ClassVar[Key] = attrgetter("message")


class Closed(Fact, frozen=True, gc=False, array_like=True, tag=8):
    """The conversation was closed without a reply."""

    at: int
    reason: CloseReason

    key: ClassVar[Key] = attrgetter("at")


class Forwarded(Fact, frozen=True, gc=False, array_like=True, tag=9):
    """The conversation was handed to another unit."""

    at: int
    unit: str

    key: ClassVar[Key] = attrgetter("at")


class Answer(Fact, frozen=True, gc=False, array_like=True, tag=10):
    """One score to one survey question."""

    channel: SurveyChannel
    question: Question
    score: int
    at: int
    got_reply: bool | None = None

    key: ClassVar[Key] = attrgetter("question")


class Visited(Fact, frozen=True, gc=False, array_like=True, tag=11):
    """A visitor came to a desk; `wait` in microseconds where it was measured."""

    desk: str
    at: int
    wait: int | None = None

    key: ClassVar[Key] = attrgetter("__class__")


AnyFact = (
    Entered
    | Answered
    | Left
    | Ended
    | Recorded
    | Received
    | Sent
    | Closed
    | Forwarded
    | Answer
    | Visited
)
Facts = tuple[AnyFact, ...]

_encode = msgspec.msgpack.Encoder().encode


def merge(known: Facts, fact: AnyFact) -> Facts:
    """The facts with one more; the very same object when nothing changes.

    >>> facts = merge((), Entered(0, "vaxel", 7))
    >>> merge(facts, Entered(0, "vaxel", 7)) is facts
    True
    >>> merge(facts, Entered(1, "vaxel", 7, "a1"))
    (Entered(revision=1, queue='vaxel', at=7, caller='a1'),)
    """
    kind = type(fact)
    key = kind.key
    for place, old in enumerate(known):
        if type(old) is kind and key(old) == key(fact):
            if old == fact or winner(old, fact) is old:
                return known
            return (*known[:place], fact, *known[place + 1 :])
    return (*known, fact)


def winner(old: AnyFact, new: AnyFact) -> AnyFact:
    """Which of two facts with the same identity holds; `old` when they are equal."""
    if old.revision != new.revision:
        return old if old.revision > new.revision else new
    return old if _encode(old) <= _encode(new) else new


def conflicts(known: Facts, fact: AnyFact) -> bool:
    """Whether a fact contradicts a known one at the same revision."""
    kind = type(fact)
    key = kind.key
    for old in known:
        if type(old) is kind and key(old) == key(fact):
            return old.revision == fact.revision and old != fact
    return False
