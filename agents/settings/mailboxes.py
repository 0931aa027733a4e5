"""`mails:` of a mail source's file: whose addresses are whose, and what replies mean.

The same section serves the live source and the conversion of archives, so that both read a mail
alike.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, field_validator

from agents.settings.problems import quoted
from agents.settings.source_file import SourceFile
from agents.settings.values import Duration, Label, Section, Slug, as_list, from_to
from streams.events import MAX_NAME, CloseReason
from streams.parsers.mail.rules import DEFAULT_MATCH_WINDOW, Holding, Rules

ADDRESS = re.compile(r"[^@\s<>,;\"]{1,64}@[^@\s<>,;\"]+\.[^@\s<>,;\".]+")
DOMAIN = re.compile(r"[^@\s<>,;\"./]+(\.[^@\s<>,;\"./]+)+")
HEADER = re.compile(r"([!-9;-~]{1,76})(?:\s*:\s*(.*))?")


def parse_address(value: object) -> str:
    """`kontakt@exempelkommun.se`, in small letters."""
    text = str(value).strip().casefold()
    if not ADDRESS.fullmatch(text):
        msg = f"{quoted(value)} is no address; write e.g. `kontakt@exempelkommun.se`"
        raise ValueError(msg)
    return text


def parse_domain(value: object) -> str:
    """`exempelkommun.se`, in small letters."""
    text = str(value).strip().casefold()
    if not DOMAIN.fullmatch(text):
        msg = f"{quoted(value)} is no domain; write what stands after the `@`, "
        msg += "e.g. `exempelkommun.se`"
        raise ValueError(msg)
    return text


def parse_text(value: object) -> str:
    """A text that is looked for, in small letters."""
    text = value.strip().casefold() if isinstance(value, str) else ""
    if not text:
        msg = f'{quoted(value)} is no text; write it in quotes, e.g. `"[handläggs]"`'
        raise ValueError(msg)
    return text


def parse_unit(value: object) -> str:
    """What a unit is called in events."""
    text = value.strip() if isinstance(value, str) else ""
    if not text or len(text) > MAX_NAME or not text.isprintable():
        msg = f"{quoted(value)} is no unit's name; write one line, e.g. `bygg och miljö`"
        raise ValueError(msg)
    return text


def parse_id_prefix(value: object) -> str:
    """How a Message-ID begins, without its bracket."""
    text = value.strip().removeprefix("<") if isinstance(value, str) else ""
    if not text or " " in text:
        msg = f'{quoted(value)} begins no Message-ID; write e.g. `"FS_autoreply-"`'
        raise ValueError(msg)
    return text


def parse_header(value: object) -> tuple[str, str]:
    """`X-Mall` or `X-Mall: handläggs`: a header, and how its value begins."""
    match = HEADER.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        msg = f'{quoted(value)} is no header; write e.g. `"X-Mall: handläggs"`'
        raise ValueError(msg)
    return match[1].casefold(), (match[2] or "").strip().casefold()


_list = BeforeValidator(as_list)

Address = Annotated[str, PlainValidator(parse_address)]
Addresses = Annotated[list[Address], _list]
Domains = Annotated[list[Annotated[str, PlainValidator(parse_domain)]], _list]
Texts = Annotated[list[Annotated[str, PlainValidator(parse_text)]], _list]
Headers = Annotated[list[Annotated[tuple[str, str], PlainValidator(parse_header)]], _list]
IdPrefixes = Annotated[list[Annotated[str, PlainValidator(parse_id_prefix)]], _list]
Unit = Annotated[str, PlainValidator(parse_unit)]


def some_addresses(addresses: list[str]) -> list[str]:
    """At least one."""
    if not addresses:
        msg = "is empty; write the addresses that citizens write to"
        raise ValueError(msg)
    return addresses


class MailboxSection(Section):
    """One mailbox, by the name it has in the organisation's file.

    Attributes:
        addresses: what citizens write to, and what answers are sent from.
        closed_folders: folders into which mail is put that needs no reply, and why it needs none.
    """

    addresses: Annotated[Addresses, AfterValidator(some_addresses)] = Field(
        examples=["[kontakt@exempelkommun.se]"]
    )
    closed_folders: dict[str, CloseReason] = Field(
        default={}, examples=["{Avslutat utan svar: no_reply_needed}"]
    )


class HoldingSection(Section):
    """How members mark a reply that says only when the answer will come."""

    subject_tags: Texts = Field(default=[], examples=['["[handläggs]"]'])
    senders: Addresses = Field(default=[], examples=["[arende@exempelkommun.se]"])
    keywords: Texts = Field(default=[], examples=["[handläggs]"])
    headers: Headers = Field(default=[], examples=['["X-Mall: handläggs"]'])

    def build(self) -> Holding:
        """The signs as the core knows them."""
        return Holding(
            subject_tags=tuple(self.subject_tags),
            senders=frozenset(self.senders),
            keywords=frozenset(self.keywords),
            headers=tuple(self.headers),
        )


class MailsSection(Section):
    """What an organisation says about its mail; see `streams.parsers.mail.rules.Rules`."""

    organisation: Slug = Field(examples=["exempelkommun"])
    mailboxes: dict[Label, MailboxSection] = Field(
        examples=["{kontaktcenter: {addresses: [kontakt@exempelkommun.se]}}"]
    )
    own_domains: Domains = Field(default=[], examples=["[exempelkommun.se]"])
    units: dict[Address, Unit] = Field(
        default={}, examples=["{bygglov@exempelkommun.se: bygg och miljö}"]
    )
    forms: Addresses = Field(default=[], examples=["[formular@exempelkommun.se]"])
    own_lists: Texts = Field(default=[], examples=["[kontakt.exempelkommun.se]"])
    auto_message_id_prefixes: IdPrefixes = Field(default=[], examples=['["FS_autoreply-"]'])
    holding: HoldingSection = Field(
        default=HoldingSection(), examples=['{subject_tags: ["[handläggs]"]}']
    )
    match_window: Annotated[Duration, from_to("1 h", "365 days")] = Field(
        default=DEFAULT_MATCH_WINDOW, examples=["30 days"]
    )

    @field_validator("mailboxes")
    @classmethod
    def _each_address_once(cls, mailboxes: dict[str, MailboxSection]) -> dict[str, MailboxSection]:
        owner: dict[str, str] = {}
        if not mailboxes:
            msg = "is empty; write at least one mailbox with its addresses"
            raise ValueError(msg)
        for name, mailbox in mailboxes.items():
            for address in mailbox.addresses:
                if address in owner:
                    msg = f"{quoted(owner[address])} and {quoted(name)} have the same address; "
                    msg += "leave it to one of them"
                    raise ValueError(msg)
                owner[address] = name
        return mailboxes

    def rules(self) -> Rules:
        """The rules as the core knows them."""
        return Rules(
            addresses={
                address: name
                for name, mailbox in self.mailboxes.items()
                for address in mailbox.addresses
            },
            domains=frozenset(self.own_domains),
            units=self.units,
            forms=frozenset(self.forms),
            own_lists=frozenset(text.strip("<>") for text in self.own_lists),
            automatic_ids=tuple(self.auto_message_id_prefixes),
            holding=self.holding.build(),
            match_window=self.match_window,
        )


class MailsFile(SourceFile):
    """`config/sources/NAME.yaml` of mail archives: the section alone, without a server."""

    kind: Literal["mails"] = Field(examples=["mails"])
    mails: MailsSection = Field(examples=["{organisation: exempelkommun, mailboxes: {...}}"])
