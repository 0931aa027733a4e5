"""What cells count: a fixed place for every measure of a channel.

These constants are the places of the measures in a cell. Behind a channel's own measures each of
its promises has a block of its own, so one cell holds everything that happened in a minute or an
hour.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from streams.events import CloseReason, LeaveReason, Question

if TYPE_CHECKING:
    from streams.organisations import Channel

LEAVE_REASONS: tuple[LeaveReason, ...] = get_args(LeaveReason)
CLOSE_REASONS: tuple[CloseReason, ...] = get_args(CloseReason)
QUESTIONS: tuple[Question, ...] = get_args(Question)

# Calls. Times are summed in microseconds.
OFFERED = 0
ANSWERED = 1
WAIT = 2
HANDLED = 3
HANDLE_TIME = 4
CODED = 5
RESOLVED = 6
EXIT: dict[str, int] = {reason: 7 + place for place, reason in enumerate(LEAVE_REASONS)}
ABANDONED = EXIT["abandoned"]
CALLS = (
    "offered",
    "answered",
    "wait",
    "handled",
    "handle_time",
    "coded",
    "resolved",
    *(f"exit_{reason}" for reason in LEAVE_REASONS),
)

# A call promise.
MET = 0
MISSED = 1
EARLY_ABANDONED = 2
SHORT_ABANDONED = 3
EXCLUDED = 4
ANSWERED_LATE = 5
CALL_PROMISE = (
    "met",
    "missed",
    "early_abandoned",
    "short_abandoned",
    "excluded",
    "answered_late",
)

# E-mails.
RECEIVED = 0
AUTOMATIC = 1
REMINDERS = 2
FORWARDED = 3
FIRST_REPLIES = 4
REPLY_TIME = 5
FULL_ANSWERS = 6
CLOSED: dict[str, int] = {reason: 7 + place for place, reason in enumerate(CLOSE_REASONS)}
EMAILS = (
    "received",
    "automatic",
    "reminders",
    "forwarded",
    "first_replies",
    "reply_time",
    "full_answers",
    *(f"closed_{reason}" for reason in CLOSE_REASONS),
)

# An e-mail promise keeps two tracks: the first human reply, and the full answer.
FIRST_REPLY = 0
FULL_ANSWER = 3
TRACK_OF_MET_BY = {"any_human_reply": FIRST_REPLY, "full_answer": FULL_ANSWER}
TRACK_MET = 0
TRACK_MISSED = 1
TRACK_EXCLUDED = 2
EMAIL_PROMISE = (
    "first_reply_met",
    "first_reply_missed",
    "first_reply_excluded",
    "full_answer_met",
    "full_answer_missed",
    "full_answer_excluded",
)

# Surveys: for each question the five scores, then answers that do not count.
SCORES = 5
SURVEY_BLOCK = SCORES + 1
SURVEYS = tuple(
    f"{question}_{what}" for question in QUESTIONS for what in (*range(1, SCORES + 1), "excluded")
)

# Visits.
VISITED = 0
VISIT_WAITS = 1
VISIT_WAIT = 2
VISITS = ("visits", "measured_waits", "wait")

BASE: dict[Channel, tuple[str, ...]] = {
    "calls": CALLS,
    "emails": EMAILS,
    "surveys": SURVEYS,
    "visits": VISITS,
}
PROMISE: dict[Channel, tuple[str, ...]] = {
    "calls": CALL_PROMISE,
    "emails": EMAIL_PROMISE,
    "surveys": (),
    "visits": (),
}
