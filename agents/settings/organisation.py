"""`organisations/NAME.yaml`: what may be written, and the organisation it makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, ValidationInfo, field_validator

from agents.settings import calendar
from agents.settings.alerts import ContactSection
from agents.settings.calendar import Versions, build_calendar
from agents.settings.document import read_document
from agents.settings.exports import RecipientsSection
from agents.settings.problems import Problem, SettingsError, quoted
from agents.settings.promise import PromiseSection
from agents.settings.refusals import problems_of
from agents.settings.scope import (
    DEFAULT_MAX_WAIT,
    CalendarName,
    DeskNames,
    MailboxNames,
    QueueNames,
    Scope,
    scope_of,
)
from agents.settings.values import (
    DisplayName,
    Duration,
    Label,
    Section,
    TimeZone,
    Word,
    from_to,
    parse_slug,
)
from streams.organisations import Channel, Organisation, Part, Source

if TYPE_CHECKING:
    from agents.settings.document import Document

KINDS = {"queues": "calls", "mailboxes": "emails", "desks": "visits"}


def both_languages(value: object) -> object:
    """One name where the languages agree: `Orust` is `{sv: Orust, en: Orust}`."""
    return {"sv": value, "en": value} if isinstance(value, str) else value


class DisplayNameSection(Section):
    """What people call something, in both languages."""

    sv: DisplayName = Field(examples=["Växel"])
    en: DisplayName = Field(examples=["Switchboard"])


class PartSection(DisplayNameSection):
    """A queue, a mailbox or a desk."""

    calendar: CalendarName = Field(default="default", examples=["default"])


Parts = dict[Label, Annotated[PartSection, BeforeValidator(both_languages)]]


class SourceSection(Section):
    """Something that is expected to send heartbeats."""

    name: Label = Field(examples=["exchange"])
    channel: Channel = Field(examples=["calls"])
    queues: QueueNames | None = Field(default=None, examples=["[vaxel]"])
    mailboxes: MailboxNames | None = Field(default=None, examples=["[kontaktcenter]"])
    desks: DeskNames | None = Field(default=None, examples=["[reception]"])

    @field_validator("name")
    @classmethod
    def _is_named_once(cls, name: str, info: ValidationInfo) -> str:
        sources = scope_of(info).sources
        if name in sources:
            msg = f"another source is called {quoted(name)} too; give each its own name"
            raise ValueError(msg)
        sources.add(name)
        return name

    @field_validator("queues", "mailboxes", "desks")
    @classmethod
    def _belongs_to_the_channel(cls, names: list[str], info: ValidationInfo) -> list[str]:
        channel = info.data.get("channel")
        if channel is not None and KINDS[str(info.field_name)] != channel:
            msg = f"a source of `{channel}` has none; take it out, or mend `channel`"
            raise ValueError(msg)
        return names

    def build(self) -> Source:
        """The source as the core knows it."""
        parts = self.queues or self.mailboxes or self.desks or ()
        return Source(name=self.name, channel=self.channel, parts=tuple(parts))


class OrganisationSection(Section):
    """The whole file of one organisation."""

    version: Literal[1] = Field(default=1, examples=["1"])
    display_name: Annotated[DisplayNameSection, BeforeValidator(both_languages)] = Field(
        examples=["{sv: Exempelkommun, en: Municipality of Exempel}"]
    )
    time_zone: TimeZone = Field(default="Europe/Stockholm", examples=["Europe/Stockholm"])
    max_wait: Annotated[Duration, from_to("1 min", "24 h")] = Field(
        default=DEFAULT_MAX_WAIT, examples=["2 h"]
    )
    queues: Parts = Field(default={}, examples=["{vaxel: Växel}"])
    mailboxes: Parts = Field(default={}, examples=["{kontaktcenter: Kontaktcenter}"])
    desks: Parts = Field(default={}, examples=["{reception: Reception}"])
    sources: list[SourceSection] = Field(
        default=[], examples=["[{name: exchange, channel: calls}]"]
    )
    calendars: dict[Word, Versions] = Field(
        examples=['{default: {hours: {mon-fri: "08:00-16:30"}}}']
    )
    promises: list[PromiseSection] = Field(
        default=[],
        examples=["[{name: answered-in-2-minutes, channel: calls, within: 2 min, target: 80 %}]"],
    )
    alerts: ContactSection = Field(
        default=ContactSection(), examples=["{mail: teamledare@exempelkommun.example}"]
    )
    exports: RecipientsSection = Field(
        default=RecipientsSection(), examples=["{mail: kvalitet@exempelkommun.example}"]
    )

    def build(self, name: str) -> Organisation:
        """The organisation as the core knows it."""
        return Organisation(
            name=name,
            sv=self.display_name.sv,
            en=self.display_name.en,
            time_zone=self.time_zone,
            queues=_parts(self.queues),
            mailboxes=_parts(self.mailboxes),
            desks=_parts(self.desks),
            sources=tuple(source.build() for source in self.sources),
            calendars={
                key: build_calendar(key, self.time_zone, versions)
                for key, versions in self.calendars.items()
            },
            promises=tuple(promise.build() for promise in self.promises),
            max_wait=self.max_wait,
            alerts=self.alerts.contact(),
            exports=self.exports.build(),
        )


def _parts(sections: dict[str, PartSection]) -> dict[str, Part]:
    return {
        name: Part(name=name, sv=section.sv, en=section.en, calendar=section.calendar)
        for name, section in sections.items()
    }


def read_organisation(document: Document, name: str) -> tuple[Organisation | None, list[Problem]]:
    """The organisation of a file, or everything that is wrong with it."""
    problems = list(document.problems)
    try:
        parse_slug(name)
    except ValueError as error:
        message = f"the file name is the organisation's name, and {error}"
        problems.append(document.report((), message))
    if document.value is None:
        return None, problems
    section = None
    try:
        section = OrganisationSection.model_validate(
            document.value, context=Scope.of(document.value)
        )
    except ValidationError as error:
        problems += problems_of(error, document, OrganisationSection)
    raw: Any = document.value
    if isinstance(raw, dict):
        for loc, message in calendar.rules(raw.get("calendars")):
            problems.append(document.report(("calendars", *loc), message))
    if section is None or problems:
        return None, problems
    return section.build(name), []


def organisation_from_text(text: str, name: str = "exempelkommun") -> Organisation:
    """The organisation that a YAML text describes; `SettingsError` with all its problems."""
    organisation, problems = read_organisation(read_document(text, f"{name}.yaml"), name)
    if organisation is None:
        raise SettingsError(problems)
    return organisation
