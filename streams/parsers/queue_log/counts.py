"""What became of the lines of a queue_log: every line that is no event has a reason."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

MAX_UNKNOWN = 100
"""Unknown event names that are counted each by itself."""

OTHER_NAMES = "(other names)"

# A name is a word in capitals; anything else may be a telephone number in the wrong field.
_NAME = re.compile(rb"[A-Z]{2}[A-Z_]{0,38}")


class LeftOut(StrEnum):
    """Why a line became no event, besides the events that are of no caller."""

    BLANK = "blank"
    UNFINISHED = "unfinished"
    TOO_LONG = "too_long"
    TRUNCATED = "truncated"
    NO_TIME = "no_time"
    IMPLAUSIBLE_TIME = "implausible_time"
    NO_CALL = "no_call"
    NO_QUEUE = "no_queue"
    NAME_TOO_LONG = "name_too_long"
    NOBODY_IN_FLIGHT = "nobody_in_flight"
    ALREADY_ANSWERED = "already_answered"
    ALREADY_GONE = "already_gone"
    UNKNOWN_EVENT = "unknown_event"


UNREADABLE = frozenset(
    {
        LeftOut.TOO_LONG,
        LeftOut.TRUNCATED,
        LeftOut.NO_TIME,
        LeftOut.IMPLAUSIBLE_TIME,
        LeftOut.NO_CALL,
        LeftOut.NO_QUEUE,
        LeftOut.NAME_TOO_LONG,
    }
)
"""The reasons of lines that say nothing an operator would want to lose."""

EXPLANATIONS: dict[str, str] = {
    LeftOut.BLANK: "nothing stands on it",
    LeftOut.UNFINISHED: "the last line has no line end, so it may be half of one",
    LeftOut.TOO_LONG: "longer than any line of a queue_log",
    LeftOut.TRUNCATED: "fewer than five fields: time|call|queue|member|event",
    LeftOut.NO_TIME: "the first field is no number of seconds since 1970",
    LeftOut.IMPLAUSIBLE_TIME: "the time is before 1971 or after 2199",
    LeftOut.NO_CALL: "something that happens to a caller, without the id of a call",
    LeftOut.NO_QUEUE: "something that happens to a caller, without a queue",
    LeftOut.NAME_TOO_LONG: "the id of the call or the name of the queue is too long",
    LeftOut.NOBODY_IN_FLIGHT: "Asterisk started, and nobody was waiting or talking",
    LeftOut.ALREADY_ANSWERED: "the caller had been answered before",
    LeftOut.ALREADY_GONE: "the caller had left, or the conversation was over, just before",
    LeftOut.UNKNOWN_EVENT: "an event that is none of Asterisk's own",
}


class Contradiction(StrEnum):
    """What the lines say against each other."""

    ANSWERED_WITHOUT_ENTERING = "answered_without_entering"
    PLACE_HANDED_ON = "place_handed_on"
    LEFT_WITHOUT_ENTERING = "left_without_entering"
    ENDED_WITHOUT_ANSWER = "ended_without_answer"
    ENTERED_TWICE = "entered_twice"
    HOLD_TIME_DIFFERS = "hold_time_differs"
    TALK_TIME_DIFFERS = "talk_time_differs"
    RUNG_LONGER_THAN_WAITED = "rung_longer_than_waited"
    NO_DURATION = "no_duration"
    TIME_WENT_BACK = "time_went_back"
    NEVER_ENDED = "never_ended"


MEANINGS = {
    Contradiction.ANSWERED_WITHOUT_ENTERING: "the entry is missing, as after an attended transfer; "
    "it is taken from the hold time",
    Contradiction.PLACE_HANDED_ON: "a colleague's consultation call waited in the place of the "
    "caller who was then transferred; it left as `transferred`",
    Contradiction.LEFT_WITHOUT_ENTERING: "the entry is missing; only the departure is told",
    Contradiction.ENDED_WITHOUT_ANSWER: "the answer is missing; told from the durations where the "
    "entry is known, else only the end is",
    Contradiction.ENTERED_TWICE: "the end of the first stay in the queue is missing; it left as "
    "`unknown`",
    Contradiction.HOLD_TIME_DIFFERS: "the hold time is not that between the lines; the lines hold",
    Contradiction.TALK_TIME_DIFFERS: "the call time is not that between the lines; the lines hold",
    Contradiction.RUNG_LONGER_THAN_WAITED: "a telephone rang longer than the caller waited",
    Contradiction.NO_DURATION: "a duration is missing, negative or absurd",
    Contradiction.TIME_WENT_BACK: "more than 5 seconds earlier than the line before; a clock was "
    "set",
    Contradiction.NEVER_ENDED: "in flight for more than 24 hours and forgotten",
}


@dataclass
class Counts:
    """What became of the lines that were fed since the parser was made.

    Attributes:
        lines: all of them, blank ones included.
        events: how many came of them; a line may tell several.
        left_out: lines that became no event, by reason: one of `LeftOut`, or the name of the event
            in small letters where it is one of Asterisk's own that tells of no caller.
        unknown: the lines of `unknown_event` by name; few names are kept, and only in capitals.
        contradictions: how often each was met.
        examples: the first line of each reason in `UNREADABLE` and of each contradiction.
        closed: callers in flight when Asterisk started anew.
    """

    lines: int = 0
    events: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    contradictions: Counter[Contradiction] = field(default_factory=Counter)
    examples: dict[str, int] = field(default_factory=dict)
    closed: int = 0

    def leave_out(self, reason: str) -> None:
        """The present line became no event."""
        self.left_out[reason] += 1
        if reason in UNREADABLE:
            self.examples.setdefault(reason, self.lines)

    def contradict(self, kind: Contradiction, times: int = 1) -> None:
        """The present line contradicts another."""
        self.contradictions[kind] += times
        self.examples.setdefault(kind, self.lines)

    def not_known(self, name: bytes) -> None:
        """The event of the present line is none of Asterisk's."""
        shown = name.decode() if _NAME.fullmatch(name) else OTHER_NAMES
        if shown not in self.unknown and len(self.unknown) >= MAX_UNKNOWN:
            shown = OTHER_NAMES
        self.unknown[shown] += 1

    @property
    def unreadable(self) -> int:
        """Lines that could not be read."""
        return sum(self.left_out[reason] for reason in UNREADABLE)
