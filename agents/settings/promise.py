"""`promises:` of an organisation: what may be written, and the promise it makes.

Each rule that joins two fields stands at the later one and sees the earlier ones that are
right, so that one run reports every problem.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from agents.settings.problems import quoted
from agents.settings.scope import CalendarName, PromisedMailboxes, PromisedQueues, scope_of
from agents.settings.values import (
    Allowed,
    Duration,
    LocalDate,
    Section,
    Share,
    Slug,
    duration_text,
    from_to,
)
from streams.instants import SECOND
from streams.organisations import MetBy, Promise, ServiceLevel

if TYPE_CHECKING:
    from datetime import date

    from streams.organisations import Within

DEFAULT_SERVICE_LEVEL: ServiceLevel = "ignore_early_abandons"
DEFAULT_SHORT_ABANDON = 5 * SECOND
DEFAULT_MET_BY: MetBy = "any_human_reply"
DEFAULT_CALENDAR = "default"


class PromiseSection(Section):
    """One version of a promise."""

    name: Slug = Field(examples=["answered-in-2-minutes"])
    channel: Literal["calls", "emails"] = Field(examples=["calls"])
    within: Allowed = Field(examples=["2 min"])
    target: Share = Field(examples=["80 %"])
    service_level: ServiceLevel | None = Field(default=None, examples=["ignore_early_abandons"])
    short_abandon: Annotated[Duration, from_to("0 s", "1 h")] | None = Field(
        default=None, examples=["5 s"], validate_default=True
    )
    queues: PromisedQueues | None = Field(default=None, examples=["[vaxel]"])
    met_by: MetBy | None = Field(default=None, examples=["any_human_reply"])
    mailboxes: PromisedMailboxes | None = Field(default=None, examples=["[kontaktcenter]"])
    calendar: CalendarName | None = Field(default=None, examples=["default"])
    valid_from: LocalDate | None = Field(
        default=None, examples=["2026-09-01"], validate_default=True
    )

    @field_validator("channel")
    @classmethod
    def _versions_keep_the_channel(cls, channel: str, info: ValidationInfo) -> str:
        name = info.data.get("name")
        if name is None:
            return channel
        first = scope_of(info).channels.setdefault(name, channel)
        if channel != first:
            msg = f"another version of {quoted(name)} is for `{first}`; "
            msg += "give this promise a name of its own"
            raise ValueError(msg)
        return channel

    @field_validator("within")
    @classmethod
    def _callers_do_not_wait_for_days(cls, within: Within, info: ValidationInfo) -> Within:
        if info.data.get("channel") != "calls":
            return within
        if within.unit != "elapsed":
            msg = f"{quoted(within.text)} cannot be promised to a caller; "
            msg += "write e.g. `2 min` or `90 s`"
            raise ValueError(msg)
        max_wait = scope_of(info).max_wait
        if within.amount >= max_wait:
            msg = f"{quoted(within.text)} is not shorter than `max_wait` "
            msg += f"({duration_text(max_wait)}), at which a call is given up; write less"
            raise ValueError(msg)
        return within

    @field_validator("service_level", "short_abandon", "queues")
    @classmethod
    def _belongs_to_calls(cls, value: Any, info: ValidationInfo) -> Any:
        if value is not None and info.data.get("channel") == "emails":
            msg = "says nothing about e-mails; take it out"
            raise ValueError(msg)
        return value

    @field_validator("met_by", "mailboxes", "calendar")
    @classmethod
    def _belongs_to_emails(cls, value: Any, info: ValidationInfo) -> Any:
        if value is not None and info.data.get("channel") == "calls":
            msg = "says nothing about calls; take it out"
            raise ValueError(msg)
        return value

    @field_validator("short_abandon")
    @classmethod
    def _short_is_shorter_than_within(cls, short: int | None, info: ValidationInfo) -> int | None:
        within = info.data.get("within")
        if info.data.get("channel") != "calls" or within is None or within.unit != "elapsed":
            return short
        threshold = DEFAULT_SHORT_ABANDON if short is None else short
        if threshold > within.amount:
            written = "" if short is not None else ", its default,"
            msg = f"`{duration_text(threshold)}`{written} is longer than `within` "
            msg += f"({within.text}); write at most that"
            raise ValueError(msg)
        return short

    @field_validator("calendar")
    @classmethod
    def _needs_working_time(cls, calendar: str | None, info: ValidationInfo) -> str | None:
        within = info.data.get("within")
        if calendar is not None and within is not None and not within.unit.startswith("working"):
            msg = f"{quoted(within.text)} follows no calendar; take it out, or promise working days"
            raise ValueError(msg)
        return calendar

    @field_validator("valid_from")
    @classmethod
    def _versions_differ(cls, begin: date | None, info: ValidationInfo) -> date | None:
        name = info.data.get("name")
        if name is None:
            return begin
        versions = scope_of(info).versions
        if (name, begin) in versions:
            what = "has no `valid_from`" if begin is None else f"begins on `{begin}`"
            msg = f"another version of {quoted(name)} {what} too; write the day this one begins"
            raise ValueError(msg)
        versions.add((name, begin))
        return begin

    def build(self) -> Promise:
        """This version as the core knows it."""
        return Promise(
            name=self.name,
            channel=self.channel,
            within=self.within,
            target=self.target,
            parts=tuple(self.queues or self.mailboxes or ()),
            service_level=self.service_level or DEFAULT_SERVICE_LEVEL,
            short_abandon=DEFAULT_SHORT_ABANDON
            if self.short_abandon is None
            else self.short_abandon,
            met_by=self.met_by or DEFAULT_MET_BY,
            calendar=self.calendar or DEFAULT_CALENDAR,
            valid_from=self.valid_from,
        )
