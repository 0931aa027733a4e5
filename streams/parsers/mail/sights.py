"""What one mail is to the organisation, before its conversation is known.

A sight holds pseudonyms only, so it may be stored; the mail it was taken from may not.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from streams.events import CloseReason
from streams.parsers.mail.classification import Automatic
from streams.parsers.mail.folders import Role

if TYPE_CHECKING:
    from collections.abc import Collection

    from streams.parsers.mail.folders import Folder
    from streams.parsers.mail.headers import Mail
    from streams.parsers.mail.rules import Rules
    from streams.pseudonyms import Pseudonymiser

FORWARDS = re.compile(r"(?:vb|vs|fwd?|wg|vidarebefordrat|vidare|välitys)\s*:", re.IGNORECASE)
JUNK, NOT_JUNK = "$junk", "$notjunk"
"""Keywords by which mail programs mark spam (IANA registry of IMAP keywords)."""

OF_A_FORM = frozenset({Automatic.REPORT, Automatic.BOUNCE})
"""The signs that hold even for a sender that writes on behalf of citizens."""

OF_A_LIST = frozenset({Automatic.LIST, Automatic.PRECEDENCE})


class Kind(StrEnum):
    """Which way a mail went."""

    INCOMING = "incoming"
    OUTGOING = "outgoing"
    FORWARD = "forward"
    INTERNAL = "internal"


class Sight(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A mail as a pseudonymous fact.

    Attributes:
        key: what tells it from other mails.
        dated: of its `Date`, which copies share and other mails with the same id do not.
        ancestors: keys of the mails before it, the oldest first.
        thread: Exchange's id of the conversation.
        at: when it came, or was sent (an instant).
        mailbox: the mailbox's name in the configuration.
        kind: which way it went.
        automatic: the sign by which a machine shows.
        people: who wrote it; of an outgoing mail, whom outside it is for.
        holding: whether it says only when the answer will come.
        tagged: whether its subject has the tag of holding replies.
        handed_on: whether its subject begins as that of a forwarded mail.
        unit: whom inside a mail is for.
        closing: why it needs no reply, if it was put away.
        spam: whether it was put away as spam.
        deleted: whether it was found in the trash.
    """

    key: str
    dated: str
    ancestors: tuple[str, ...]
    thread: str | None
    at: int
    mailbox: str
    kind: Kind
    automatic: Automatic | None = None
    people: tuple[str, ...] = ()
    holding: bool = False
    tagged: bool = False
    handed_on: bool = False
    unit: str = ""
    closing: CloseReason | None = None
    spam: bool = False
    deleted: bool = False

    @property
    def is_waiting(self) -> bool:
        """Whether it came from outside and lies where it may wait for its answer."""
        return self.kind is Kind.INCOMING and self.closing is None and not self.deleted


def glimpse(
    mail: Mail,
    rules: Rules,
    pseudonymise: Pseudonymiser,
    *,
    folder: Folder,
    arrived_at: int,
    flags: Collection[str] = (),
) -> Sight:
    """What a mail in a folder is; `arrived_at` is an instant, `flags` are those of IMAP."""
    marks = {flag.casefold() for flag in flags}
    kind = _kind(mail, rules, folder)
    spam = folder.role is Role.SPAM or (JUNK in marks and NOT_JUNK not in marks)
    spam = spam and kind is Kind.INCOMING
    automatic = _automatic(mail, rules)
    outside = tuple(a for a in mail.recipients if not rules.is_own(a))
    people = _writers(mail, rules) if kind is Kind.INCOMING else outside
    subject = mail.subject.casefold()
    tagged = any(tag in subject for tag in rules.holding.subject_tags)
    ours = kind is Kind.OUTGOING and automatic is None
    own = next((rules.addresses[a] for a in mail.senders if a in rules.addresses), folder.mailbox)
    return Sight(
        key=pseudonymise(f"mail {mail.message_id}")
        if mail.message_id
        else _key_of(mail, pseudonymise, arrived_at),
        dated=pseudonymise(f"date {mail.dated}"),
        ancestors=tuple(pseudonymise(f"mail {ancestor}") for ancestor in mail.references),
        thread=pseudonymise(f"thread {mail.thread_index}") if mail.thread_index else None,
        at=arrived_at,
        mailbox=folder.mailbox if kind is Kind.INCOMING else own,
        kind=kind,
        automatic=automatic,
        people=tuple(pseudonymise(address) for address in people),
        holding=ours and _is_holding(mail, rules, marks),
        tagged=tagged,
        handed_on=FORWARDS.match(mail.subject) is not None,
        unit=rules.unit_of(mail.recipients) if kind is Kind.FORWARD else "",
        closing=_closing(folder, spam=spam) if kind is Kind.INCOMING else None,
        spam=spam,
        deleted=folder.role is Role.TRASH,
    )


def is_outgoing(mail: Mail, rules: Rules, folder: Folder) -> bool:
    """Whether the organisation sent it, so that its `Date` is one's own."""
    return _kind(mail, rules, folder) in {Kind.OUTGOING, Kind.FORWARD}


def _kind(mail: Mail, rules: Rules, folder: Folder) -> Kind:
    """Which way a mail went, by its folder and by who wrote it to whom."""
    sent = folder.role is Role.SENT and not _is_strange(mail, rules)
    if folder.role is Role.SPAM or (not sent and not rules.forms.isdisjoint(mail.senders)):
        return Kind.INCOMING
    outside = any(not rules.is_own(address) for address in mail.recipients)
    if sent or any(a in rules.addresses for a in mail.senders):
        if not outside and not sent and _is_own_form(mail, rules):
            return Kind.INCOMING
        return Kind.OUTGOING if outside or not mail.recipients else Kind.FORWARD
    if any(rules.is_own(address) for address in mail.senders):
        # A colleague answers from another mailbox, with a copy to this one; or writes to us only.
        return Kind.OUTGOING if outside else Kind.INTERNAL
    return Kind.INCOMING


def _is_strange(mail: Mail, rules: Rules) -> bool:
    """A stranger's mail: somebody moved it here. Who is one, only the own domains can tell."""
    known = any(rules.is_own(a) for a in mail.senders)
    return bool(rules.domains and mail.senders) and not known


def _is_own_form(mail: Mail, rules: Rules) -> bool:
    """A web form that writes to the mailbox in the mailbox's own name, for somebody else."""
    return not mail.references and any(not rules.is_own(a) for a in mail.reply_to)


def _writers(mail: Mail, rules: Rules) -> tuple[str, ...]:
    """Who a question came from, and where its answer will go."""
    asked = [a for a in mail.senders if a not in rules.forms and a not in rules.addresses]
    replies = [a for a in mail.reply_to if not rules.is_own(a)]
    on_behalf = len(asked) < len(mail.senders)
    ordered = [*replies, *asked] if on_behalf else [*asked, *replies]
    return tuple(dict.fromkeys(ordered))


def _automatic(mail: Mail, rules: Rules) -> Automatic | None:
    if mail.message_id is not None and mail.message_id.startswith(rules.automatic_ids or ("\n",)):
        return Automatic.OWN_ACKNOWLEDGEMENT
    signs = mail.signs
    if not rules.forms.isdisjoint(mail.senders):
        signs = tuple(sign for sign in signs if sign in OF_A_FORM)
    if mail.list_id is not None and mail.list_id in rules.own_lists:
        signs = tuple(sign for sign in signs if sign not in OF_A_LIST)
    return signs[0] if signs else None


def _is_holding(mail: Mail, rules: Rules, marks: set[str]) -> bool:
    holding = rules.holding
    return (
        not holding.senders.isdisjoint(mail.senders)
        or not holding.keywords.isdisjoint(marks)
        or any(
            name in mail.also and mail.also[name].casefold().startswith(value)
            for name, value in holding.headers
        )
    )


def _closing(folder: Folder, *, spam: bool) -> CloseReason | None:
    if spam:
        return "spam"
    return folder.reason if folder.role is Role.CLOSED else None


def _key_of(mail: Mail, pseudonymise: Pseudonymiser, arrived_at: int) -> str:
    """A mail without an id; without a date too, only its arrival tells it from the next."""
    when = "" if mail.dated else str(arrived_at)
    return pseudonymise(f"headers {mail.digest} {when}")
