"""Sentences of a story as events: `09:00:00 call 1 enters vaxel`.

A time is local to the organisation. Where clocks are changed, a time that comes twice or never
has to be told with its offset, so that no story depends on how the reader understands it.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from agents.settings.values import parse_duration
from streams.instants import SECOND, from_datetime, to_datetime, to_rfc3339

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from streams.organisations import Channel, Organisation

CLOCK = r"\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:[+-]\d\d:\d\d)?"
DAY = r"[A-Z][a-z]+day \d{4}-\d\d-\d\d"
MOMENT = rf"(?:{DAY} )?{CLOCK}"
NAME = r"[^\s,]+"

CODED = r"(?P<coded>, (?:not )?resolved)?"
SENTENCES: tuple[tuple[str, str, str], ...] = (
    ("call.entered", "call", "calls? IDS enters? (?P<queue>NAME)"),
    (
        "call.answered",
        "call",
        "calls? IDS (?:is|are) answered in (?P<queue>NAME)(?: by (?P<member>NAME))?",
    ),
    ("call.left", "call", "calls? IDS leaves? (?P<queue>NAME) as (?P<reason>NAME)"),
    ("call.ended", "call", rf"calls? IDS ends?(?: in (?P<queue>NAME))?{CODED}"),
    (
        "call.record",
        "call",
        (
            "records? of calls? IDS in (?P<queue>NAME)(?:, answered (?P<answered_at>MOMENT))?"
            "(?:, left (?P<left_at>MOMENT) as (?P<reason>NAME))?"
            f"(?:, ended (?P<ended_at>MOMENT))?{CODED}"
        ),
    ),
    (
        "email.received",
        "message",
        (
            "(?P<automatic>automatic )?message IDS in conversation (?P<conversation>NAME) "
            "arrives at (?P<mailbox>NAME)"
        ),
    ),
    (
        "email.sent",
        "message",
        (
            "(?P<automatic>automatic )?(?P<holding>holding )?message IDS "
            "in conversation (?P<conversation>NAME) is sent from (?P<mailbox>NAME)"
        ),
    ),
    (
        "email.closed",
        "conversation",
        "conversations? IDS (?:is|are) closed as (?P<reason>NAME)",
    ),
    (
        "email.forwarded",
        "conversation",
        "conversations? IDS (?:is|are) forwarded to (?P<unit>NAME)",
    ),
    (
        "survey.answered",
        "answer",
        (
            "surveys? IDS about (?P<channel>NAME) gives? (?P<question>NAME) (?P<score>[1-5])"
            "(?P<unheard>, having got no reply)?"
        ),
    ),
    (
        "visit.registered",
        "visit",
        r"visits? IDS comes? to (?P<desk>NAME)(?:, waited (?P<wait>[\w ]+?))?",
    ),
    ("heartbeat", "source", "IDS has told everything"),
)
FORMS = tuple(
    (
        kind,
        id_field,
        re.compile(
            rf"(?P<at>{MOMENT}) "
            + form.replace("IDS", r"(?P<id>NAME)(?: to (?P<last>\d+))?")
            .replace("MOMENT", MOMENT)
            .replace("NAME", NAME)
            + r"(?:, revision (?P<revision>\d+))?"
        ),
    )
    for kind, id_field, form in SENTENCES
)
CHANNEL: dict[str, Channel] = {
    "call": "calls", "email": "emails", "survey": "surveys", "visit": "visits",
}  # fmt: skip
TIME_FIELD = {"heartbeat": "through", "call.record": "entered_at"}


class UnreadableStoryError(Exception):
    """A story that does not keep to the form; the message begins with file and line."""


class Delivery(NamedTuple):
    """One event on its way to a worker.

    Attributes:
        channel: whose topic it travels on.
        value: the JSON.
        told_at: when the broker got it (an instant), never before it happened.
        line: where the story tells of it.
    """

    channel: Channel
    value: bytes
    told_at: int
    line: int


class Almanac:
    """What day it is in a story, and which instant a local time is."""

    def __init__(self, zone: ZoneInfo) -> None:
        """No day yet."""
        self.zone = zone
        self.day: date | None = None

    def turn_to(self, words: str) -> None:
        """Begin a day: `Monday 2026-11-16`."""
        self.day = _day(words)

    def instant(self, words: str) -> int:
        """The instant of `09:00:00`, `Monday 2026-11-16 09:00` or `02:30:00+01:00`."""
        if not re.fullmatch(MOMENT, words):
            msg = f"`{words}` is no time; write e.g. `09:00:00` or `Monday 2026-11-16 09:00`"
            raise ValueError(msg)
        *named_day, clock_words = words.rsplit(" ", 1)
        day = _day(named_day[0]) if named_day else self.day
        if day is None:
            msg = f"`{words}` is on no day; begin with one, e.g. `Monday 2026-11-16`"
            raise ValueError(msg)
        clock = time.fromisoformat(clock_words)
        moment = datetime.combine(day, clock)
        if moment.tzinfo is not None:
            shown = to_datetime(from_datetime(moment), self.zone)
            if shown.utcoffset() != moment.utcoffset():
                msg = f"`{words}`: clocks show {shown:%H:%M:%S%z} then; write that"
                raise ValueError(msg)
            return from_datetime(moment)
        first, second = (moment.replace(tzinfo=self.zone, fold=fold) for fold in (0, 1))
        if first.utcoffset() != second.utcoffset():
            msg = f"`{words}` comes twice or never that night; add the offset, e.g. `+01:00`"
            raise ValueError(msg)
        return from_datetime(first)


def _day(words: str) -> date:
    weekday, iso = words.split()
    day = date.fromisoformat(iso)
    if f"{day:%A}" != weekday:
        msg = f"{iso} is a {day:%A}, not a {weekday}"
        raise ValueError(msg)
    return day


def deliveries(
    sentence: str, line: int, almanac: Almanac, organisation: Organisation
) -> list[Delivery]:
    """The events a sentence tells of; `ValueError` if it is none that is known."""
    for kind, id_field, form in FORMS:
        match = form.fullmatch(sentence)
        if match is not None:
            words = {name: word for name, word in match.groupdict().items() if word is not None}
            first, last = words.pop("id"), words.pop("last", None)
            names = [first] if last is None else map(str, range(int(first), int(last) + 1))
            fields, told_at = _fields(kind, words, almanac)
            return [
                Delivery(
                    _channel(kind, name, organisation),
                    msgspec.json.encode(
                        {"type": kind, "organisation": organisation.name, id_field: name, **fields}
                    ),
                    told_at,
                    line,
                )
                for name in names
            ]
    msg = f"`{sentence}` is no sentence a story knows; see tests/transcripts/README.md"
    raise ValueError(msg)


def _fields(kind: str, words: dict[str, str], almanac: Almanac) -> tuple[dict[str, Any], int]:
    """What an event says beside its id, and when it can have been told."""
    fields: dict[str, Any] = {}
    if kind in ("email.received", "email.sent"):
        fields["automatic"] = False
    told_at = 0
    for name, word in words.items():
        match name:
            case "at" | "answered_at" | "left_at" | "ended_at":
                instant = almanac.instant(word)
                told_at = max(told_at, instant)
                field = TIME_FIELD.get(kind, name) if name == "at" else name
                fields[field] = to_rfc3339(instant, almanac.zone)
            case "revision" | "score":
                fields[name] = int(word)
            case "coded":
                fields["resolved"] = "not" not in word
            case "unheard":
                fields["got_reply"] = False
            case "wait":
                fields["wait_seconds"] = parse_duration(word) / SECOND
            case "automatic" | "holding":
                fields[name] = True
            case _:
                fields[name] = word
    return fields, told_at


def _channel(kind: str, name: str, organisation: Organisation) -> Channel:
    """The channel whose topic an event travels on; a heartbeat's is that of its source."""
    if kind != "heartbeat":
        return CHANNEL[kind.partition(".")[0]]
    for source in organisation.sources:
        if source.name == name:
            return source.channel
    msg = f"`{name}` is no source of {organisation.name}; write one of its `sources`"
    raise ValueError(msg)
