"""One mail as its headers tell it."""

from __future__ import annotations

import base64
import hashlib
import re
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from streams.errors import KontaktpulsError
from streams.parsers.mail.addresses import read_addresses
from streams.parsers.mail.classification import Automatic, signs_of
from streams.parsers.mail.fields import Fields, decoded
from streams.parsers.mail.times import date_of, received_at

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_HEADER_BYTES = 256 * 1024
MAX_REFERENCES = 50
MAX_MESSAGE_ID = 998
"""A line of RFC 5322; a longer id is somebody's experiment."""

THREAD_INDEX_BYTES = 22
"""What Exchange gives a conversation; each reply adds five more ([MS-OXOMSG] 2.2.1.3)."""

FIELDS = (
    "Message-ID", "In-Reply-To", "References", "Thread-Index",
    "From", "Sender", "Reply-To", "To", "Cc", "Bcc", "Subject", "Date", "Received",
    "Return-Path", "Auto-Submitted", "Precedence", "X-Precedence", "Content-Type",
    "List-Id", "List-Unsubscribe", "List-Post", "List-Help",
    "X-Auto-Response-Suppress", "X-POST-MessageClass",
    "X-Auto-Reply", "X-Auto-Reply-From", "X-Autoreply", "X-Autoreply-From", "X-Autorespond",
    "X-Autoresponder", "X-FC-MachineGenerated", "X-Mail-Autoreply",
)  # fmt: skip
"""Every field that is read, for whoever fetches only these."""

_MESSAGE_ID = re.compile(r"<([^<>]+)>")
_BARE_ID = re.compile(r"[^\s<>]+@[^\s<>]+")
_WHITE_SPACE = re.compile(r"\s+")


class Unreadable(StrEnum):
    """Why nothing can be said about a mail; safe as a metric label."""

    NO_HEADER = "no_header"
    TOO_LARGE = "too_large"


class MailError(KontaktpulsError):
    """A mail about which nothing can be said.

    Attributes:
        reason: from the fixed list.
    """

    def __init__(self, reason: Unreadable) -> None:
        super().__init__(reason.value)
        self.reason = reason


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """What the headers of one mail say. Personal: for this process's memory only.

    Attributes:
        message_id: without its angle brackets.
        references: ids of the mails before it in the conversation, the oldest first.
        thread_index: Exchange's own id of the conversation (hexadecimal).
        senders: addresses in `From`, then in `Sender`.
        reply_to: addresses that answers shall go to.
        to, recipients: addresses in `To`; and in `To`, `Cc` and `Bcc`.
        subject: decoded.
        list_id: the mailing list it came through (RFC 2919).
        signs: why a machine must have written it.
        received, date: instants of the topmost `Received`, and of `Date`.
        dated: `Date` as it is written, the same in every copy.
        digest: of what tells mails without an id apart.
        also: other headers that were asked for, by name in small letters.
    """

    message_id: str | None
    references: tuple[str, ...]
    thread_index: str | None
    senders: tuple[str, ...]
    reply_to: tuple[str, ...]
    to: tuple[str, ...]
    recipients: tuple[str, ...]
    subject: str
    list_id: str | None
    signs: tuple[Automatic, ...]
    received: int | None
    date: int | None
    dated: str
    digest: str
    also: dict[str, str]

    def __repr__(self) -> str:
        """Nothing personal: what is printed ends in logs."""
        return "<Mail>"


def read_headers(block: bytes, *, also: Iterable[str] = ()) -> Mail:
    """A mail from its header block; what follows the first blank line is not looked at.

    Raises:
        MailError: there is no field in it, or more than 256 KiB before the blank line.
    """
    if len(block) > MAX_HEADER_BYTES:
        raise MailError(Unreadable.TOO_LARGE)
    fields = Fields(block)
    if not len(fields):
        raise MailError(Unreadable.NO_HEADER)
    senders = read_addresses([*fields.all("from"), *fields.all("sender")])
    message_ids = _ids(fields.all("message-id"))
    return Mail(
        message_id=message_ids[0] if message_ids else None,
        references=_references(fields, message_ids),
        thread_index=_thread_index(fields.first("thread-index")),
        senders=senders,
        reply_to=read_addresses(fields.all("reply-to")),
        to=read_addresses(fields.all("to")),
        recipients=read_addresses([*fields.all("to"), *fields.all("cc"), *fields.all("bcc")]),
        subject=decoded(fields.first("subject") or ""),
        list_id=_list_id(fields.first("list-id")),
        signs=signs_of(fields, senders[0] if senders else None),
        received=received_at(fields.first("received")),
        date=date_of(fields.first("date")),
        dated=_WHITE_SPACE.sub(" ", fields.first("date") or ""),
        digest=_digest(fields),
        also={name: value for name in also if (value := fields.first(name)) is not None},
    )


def _ids(values: Iterable[str]) -> list[str]:
    """The message ids in some values; a value without brackets may be one all the same."""
    found: dict[str, None] = {}
    for value in values:
        ids: list[str] = _MESSAGE_ID.findall(value)
        if not ids and _BARE_ID.fullmatch(value.strip()):
            ids = [value.strip()]
        for text in ids:
            # Programs fold long ids in the middle; the fold is not part of them.
            message_id = _WHITE_SPACE.sub("", text)
            if 0 < len(message_id) <= MAX_MESSAGE_ID:
                found[message_id] = None
    return list(found)


def _references(fields: Fields, own: list[str]) -> tuple[str, ...]:
    """The ancestors, the oldest first; of too many, the first and the last.

    Of `In-Reply-To` only the first: what follows tends to be an address (JWZ on threading).
    """
    ancestors = dict.fromkeys(_ids(fields.all("references")))
    for parent in _ids(fields.all("in-reply-to"))[:1]:
        ancestors.setdefault(parent)
    for message_id in own:
        ancestors.pop(message_id, None)
    ids = tuple(ancestors)
    return ids if len(ids) <= MAX_REFERENCES else (ids[0], *ids[1 - MAX_REFERENCES :])


def _thread_index(value: str | None) -> str | None:
    if value is None:
        return None
    try:
        raw = base64.b64decode(_WHITE_SPACE.sub("", value), validate=True)
    except ValueError:
        return None
    return raw[:THREAD_INDEX_BYTES].hex() if len(raw) >= THREAD_INDEX_BYTES else None


def _list_id(value: str | None) -> str | None:
    if value is None:
        return None
    ids = _MESSAGE_ID.findall(value)
    return (ids[-1] if ids else value).strip().casefold() or None


def _digest(fields: Fields) -> str:
    """What copies of a mail share and different mails do not, in one direction only."""
    told = [decoded(" ".join(fields.all(name))) for name in ("date", "from", "to", "subject")]
    return hashlib.sha256("\n".join(told).encode("utf-8", "replace")).hexdigest()
