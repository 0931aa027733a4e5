"""What the types do not say of the public contract: what each field means, and examples.

The examples tell one day in Skara, as the sources would send it: every line can be published.
"""

from __future__ import annotations

from typing import Final, get_args

from streams import events

EVENT_TYPES: Final[tuple[type[events.Event], ...]] = get_args(events.AnyEvent)

MEANING: Final = {
    "type": "Which event it is.",
    "organisation": "Whose event it is, as its configuration file is named; also the record key.",
    "revision": "A higher one corrects the same fact.",
    "call": "The call's id; the same in every queue it visits.",
    "queue": "The queue's name in the configuration; any other is counted as `other`.",
    "at": "When it happened, by the source's clock.",
    "caller": "A pseudonym that stays the same for the same caller; never the telephone number.",
    "member": "Who answered: a pseudonym or an extension, never a name.",
    "resolved": "Whether the question was handled and closed at this contact; absent = not coded.",
    "topic": "What the call was about, from the members' own list.",
    "entered_at": "When the caller entered the queue.",
    "answered_at": "When a member answered; absent = nobody did.",
    "left_at": "When the caller left without an answer, or was handed on after one.",
    "ended_at": "When the conversation ended.",
    "conversation": "The id of the whole exchange; the same in every message of it.",
    "message": "The message's id, such as its Message-ID.",
    "mailbox": "The mailbox's name in the configuration; any other is counted as `other`.",
    "automatic": "Whether a machine wrote it (out of office, acknowledgement, bounce, list): it "
    "neither opens nor meets a promise.",
    "sender": "A pseudonym that stays the same for the same sender; never the address.",
    "holding": "Whether it only says when the answer will come.",
    "promised_by": "When a holding reply says that the answer will come.",
    "unit": "Who took the conversation over.",
    "answer": "The id of one answered survey; the same in the answers to all its questions.",
    "channel": "What the survey was about.",
    "question": "Which question: how one was treated, how easy it was, how clear the answer was.",
    "score": "From 1 (worst) to 5 (best).",
    "got_reply": "Whether the citizen says that a reply came; with `false` the score counts not.",
    "visit": "The visit's id, such as the ticket's number with its date.",
    "desk": "The desk's name in the configuration; any other is counted as `other`.",
    "wait_seconds": "How long the visitor waited, where the desk measured it.",
    "source": "The source's name in the configuration.",
    "through": "Everything that happened before has been sent.",
}
"""What a field means, by its name."""

MEANING_IN_TYPE: Final = {
    "call.left.reason": "Why the caller left the queue.",
    "call.record.reason": "Why the caller left the queue; only together with `left_at`.",
    "call.ended.queue": "Ends only the part of the conversation that this queue's answer began; "
    "absent = the whole call.",
    "email.received.at": "When the message arrived at the server: not the `Date` header, not when "
    "it was fetched.",
    "email.sent.at": "When the message was sent.",
    "email.closed.reason": "Why no reply is needed.",
    "survey.answered.at": "When the citizen answered.",
}
"""The same where a type is special, by `type.field`."""

DEAD_LETTER_MEANING: Final = {
    "reason": "Why it could not be applied.",
    "detail": "The place of the fault, for the person who mends the source; never a value.",
    "topic": "Where it came from.",
    "partition": "Partition it came from.",
    "offset": "Offset it had there.",
    "appended_at": "When the broker received it.",
    "key": "The key as received, if it is text.",
    "key_base64": "The key as received, if it is no text.",
    "value": "The value as received, if it is text.",
    "value_base64": "The value as received, if it is no text.",
    "cut_from": "How many bytes the value had, if it was too long to be kept whole.",
}
"""What stands on the dead-letter topic, by field."""

EXAMPLES: Final[dict[type[events.Event], str]] = {
    events.CallEntered: '{"type": "call.entered", "organisation": "skara", "call": "1772438400.17"'
    ', "queue": "vaxel", "at": "2026-03-02T09:00:00+01:00", "caller": "4038ced5f85cb30e"}',
    events.CallAnswered: '{"type": "call.answered", "organisation": "skara", "call": '
    '"1772438400.17", "queue": "vaxel", "at": "2026-03-02T09:01:38+01:00", "member": "m07"}',
    events.CallLeft: '{"type": "call.left", "organisation": "skara", "call": "1772438431.18"'
    ', "queue": "vaxel", "at": "2026-03-02T09:02:05.250+01:00", "reason": "abandoned"}',
    events.CallEnded: '{"type": "call.ended", "organisation": "skara", "call": "1772438400.17"'
    ', "at": "2026-03-02T09:04:10+01:00", "resolved": true, "topic": "bygglov"}',
    events.CallRecord: '{"type": "call.record", "organisation": "skara", "revision": 1, "call": '
    '"1772438522.19", "queue": "vaxel", "entered_at": "2026-03-02T08:02:02Z", "answered_at": '
    '"2026-03-02T08:02:20Z", "ended_at": "2026-03-02T08:05:41Z", "resolved": false}',
    events.EmailReceived: '{"type": "email.received", "organisation": "skara", "conversation": '
    '"2026-0412", "message": "<a1@example.org>", "mailbox": "kontakt", "at": '
    '"2026-03-02T16:55:00+01:00", "automatic": false, "sender": "9f86d081884c7d65"}',
    events.EmailSent: '{"type": "email.sent", "organisation": "skara", "conversation": '
    '"2026-0412", "message": "<b1@skara.example>", "mailbox": "kontakt", "at": '
    '"2026-03-03T10:20:00+01:00", "automatic": false, "holding": true, "promised_by": '
    '"2026-03-09T17:00:00+01:00"}',
    events.EmailClosed: '{"type": "email.closed", "organisation": "skara", "conversation": '
    '"2026-0413", "at": "2026-03-03T10:31:00+01:00", "reason": "no_reply_needed"}',
    events.EmailForwarded: '{"type": "email.forwarded", "organisation": "skara", "conversation": '
    '"2026-0412", "at": "2026-03-03T10:22:00+01:00", "unit": "bygg och miljo"}',
    events.SurveyAnswered: '{"type": "survey.answered", "organisation": "skara", "answer": '
    '"s-5581", "channel": "emails", "question": "tydlighet", "score": 4, "at": '
    '"2026-03-10T18:12:00+01:00", "got_reply": true}',
    events.VisitRegistered: '{"type": "visit.registered", "organisation": "skara", "visit": '
    '"2026-03-02/A41", "desk": "reception", "at": "2026-03-02T11:40:00+01:00", "wait_seconds": '
    "312.5}",
    events.Heartbeat: '{"type": "heartbeat", "organisation": "skara", "source": "exchange", '
    '"through": "2026-03-02T09:06:00+01:00"}',
}
"""One line for each type, as it travels."""


def tag_of(kind: type[events.Event]) -> str:
    """The value of `type`.

    >>> tag_of(events.CallEntered)
    'call.entered'
    """
    return str(kind.__struct_config__.tag)


def summary(kind: type[events.Event]) -> str:
    """What an event type says, in one sentence.

    >>> summary(events.VisitRegistered)
    'A visitor came to a desk.'
    """
    return (kind.__doc__ or "").partition("\n")[0]


def meaning(kind: type[events.Event], field: str) -> str:
    """What a field of an event type means."""
    return MEANING_IN_TYPE.get(f"{tag_of(kind)}.{field}") or MEANING[field]
