"""The topics, and which event types travel on which."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams import events

if TYPE_CHECKING:
    from streams.organisations import Channel

CALLS = "kontaktpuls.calls"
EMAILS = "kontaktpuls.emails"
SURVEYS = "kontaktpuls.surveys"
VISITS = "kontaktpuls.visits"
DEAD_LETTERS = "kontaktpuls.dead-letters"
EXPORTS = "kontaktpuls.exports"
"""One record for each weekly export that was made, so that it is made once."""

TOPIC_OF_CHANNEL: dict[Channel, str] = {
    "calls": CALLS,
    "emails": EMAILS,
    "surveys": SURVEYS,
    "visits": VISITS,
}
CHANNEL_OF_TOPIC: dict[str, Channel] = {t: c for c, t in TOPIC_OF_CHANNEL.items()}
EVENT_TOPICS = tuple(TOPIC_OF_CHANNEL.values())

CHANNEL_OF_EVENT: dict[type[events.Event], Channel] = {
    events.CallEntered: "calls",
    events.CallAnswered: "calls",
    events.CallLeft: "calls",
    events.CallEnded: "calls",
    events.CallRecord: "calls",
    events.EmailReceived: "emails",
    events.EmailSent: "emails",
    events.EmailClosed: "emails",
    events.EmailForwarded: "emails",
    events.SurveyAnswered: "surveys",
    events.VisitRegistered: "visits",
}
"""A heartbeat travels on the topic of its source's channel, as the configuration says."""
