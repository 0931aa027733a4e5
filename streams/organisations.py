"""What an operator says about one organisation, as frozen values.

`agents.settings` builds these from `config/organisations/*.yaml`; everything else only reads them.
"""

from __future__ import annotations

from datetime import date
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from streams.calendars import Calendar
from streams.instants import HOUR, SECOND

Channel = Literal["calls", "emails", "surveys", "visits"]
ServiceLevel = Literal[
    "answered_only",
    "negative_abandons",
    "ignore_early_abandons",
    "positive_abandons",
    "short_abandons_credited",
    "short_abandons_excluded",
]
MetBy = Literal["any_human_reply", "full_answer"]
Language = Literal["sv", "en"]


class Within(msgspec.Struct, frozen=True):
    """How long a promise allows: `2 min`, `2 calendar days`, `2 working days`, `8 working hours`.

    Attributes:
        amount: microseconds for `elapsed` and `working_time`, a count for the two kinds of days.
        unit: how `amount` is counted.
        text: as the operator wrote it, for labels and reports.
    """

    amount: int
    unit: Literal["elapsed", "calendar_days", "working_days", "working_time"]
    text: str


class Promise(msgspec.Struct, frozen=True, kw_only=True):
    """What is promised to a citizen, one version of it.

    Attributes:
        name: stable name; versions of a promise share it.
        channel: `calls` or `emails`.
        within: time allowed from arrival.
        target: share to reach, 0-1.
        parts: queues or mailboxes it holds for; empty = all of them and the total.
        service_level: which of the six formulas is the official one (calls).
        short_abandon: abandons at or under this many microseconds are short (calls).
        met_by: what meets it (emails).
        calendar: name of the calendar that working days and hours follow.
        valid_from: first local day of arrival it holds for; `None` = since ever.
    """

    name: str
    channel: Literal["calls", "emails"]
    within: Within
    target: float
    parts: tuple[str, ...] = ()
    service_level: ServiceLevel = "ignore_early_abandons"
    short_abandon: int = 5 * SECOND
    met_by: MetBy = "any_human_reply"
    calendar: str = "default"
    valid_from: date | None = None


class Part(msgspec.Struct, frozen=True):
    """A queue, mailbox or desk: its name in events, and what people call it."""

    name: str
    sv: str
    en: str
    calendar: str = "default"


class Source(msgspec.Struct, frozen=True):
    """Something that sends heartbeats: an exchange, a mailbox reader, a ticket machine.

    Attributes:
        name: as in `heartbeat.source`.
        channel: the channel its facts belong to.
        parts: the queues, mailboxes or desks it covers; empty = the whole channel.
    """

    name: str
    channel: Channel
    parts: tuple[str, ...] = ()


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """Who hears of alerts, and in which language.

    Attributes:
        mail: addresses; all of them get everything.
        teams_file, webhook_file: files with the address to post to, as Alertmanager sees them.
    """

    language: Language = "sv"
    mail: tuple[str, ...] = ()
    teams_file: str | None = None
    webhook_file: str | None = None

    @property
    def is_reachable(self) -> bool:
        """Whether anything was said about where to send to."""
        return bool(self.mail or self.teams_file or self.webhook_file)


class Recipients(msgspec.Struct, frozen=True, kw_only=True):
    """Who gets the weekly export by mail, and in which language it is written.

    Attributes:
        mail: addresses; all of them get the same mail. Without any it is only filed.
    """

    mail: tuple[str, ...] = ()
    language: Language = "sv"


class Organisation(msgspec.Struct, frozen=True, kw_only=True):
    """One municipality or other organisation, complete.

    Attributes:
        name: label and record key, e.g. `skara`.
        sv, en: display names.
        time_zone: IANA name; its offset is a whole number of hours.
        queues, mailboxes, desks: by name in events.
        sources: what is expected to send heartbeats.
        calendars: by name; `default` is always there.
        promises: every version, in the order written.
        max_wait: a visit open for longer is closed as `unknown` (microseconds).
        alerts: who hears that a promise is at risk or broken.
        exports: who gets the weekly export.
    """

    name: str
    sv: str
    en: str
    time_zone: str
    queues: dict[str, Part]
    mailboxes: dict[str, Part]
    desks: dict[str, Part]
    sources: tuple[Source, ...]
    calendars: dict[str, Calendar]
    promises: tuple[Promise, ...]
    max_wait: int = 2 * HOUR
    alerts: Contact = Contact()
    exports: Recipients = Recipients()

    @property
    def zone(self) -> ZoneInfo:
        """The time zone as an object."""
        return ZoneInfo(self.time_zone)

    def parts(self, channel: Channel) -> dict[str, Part]:
        """Queues, mailboxes or desks of a channel; surveys have none."""
        return {
            "calls": self.queues,
            "emails": self.mailboxes,
            "visits": self.desks,
            "surveys": {},
        }[channel]
