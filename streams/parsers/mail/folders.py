"""What a mail folder is for, from its configuration or from its name."""

from __future__ import annotations

import base64
import re
from enum import StrEnum

import msgspec

from streams.events import CloseReason


class Role(StrEnum):
    """What a folder is for.

    INBOX and OTHER hold what came and copies of what was sent, SENT what was sent, SPAM what is
    no question, CLOSED what somebody has put away because it needs no reply. Of TRASH only what
    came is read: a draft that was thrown away looks like an answer.
    """

    INBOX = "inbox"
    SENT = "sent"
    SPAM = "spam"
    CLOSED = "closed"
    TRASH = "trash"
    OTHER = "other"


class Folder(msgspec.Struct, frozen=True):
    """A folder of one mailbox.

    Attributes:
        mailbox: the mailbox's name in the configuration.
        reason: why mails in it need no reply; only of a CLOSED one.
    """

    mailbox: str
    role: Role
    reason: CloseReason | None = None


NAMES: dict[Role, frozenset[str]] = {
    Role.INBOX: frozenset({"inbox", "inkorg", "inkorgen", "innboks", "indbakke", "posteingang"}),
    Role.SENT: frozenset(
        {
            "sent", "sent items", "sent mail", "sent messages", "sent-mail",
            "skickat", "skickade", "skickade objekt", "skickade meddelanden", "skickad post",
            "sendt", "sendte elementer", "sendt post", "sendte meldinger",
            "gesendet", "gesendete elemente", "gesendete objekte", "lähetetyt",
            "lähetetyt viestit",
        }
    ),
    Role.SPAM: frozenset(
        {
            "junk", "junk e-mail", "junk email", "junk mail", "spam", "bulk mail",
            "skräppost", "skräp", "skräp-e-post", "søppelpost", "useriøs e-post", "uønsket e-post",
            "uønsket mail", "uønsket post", "junk-e-mail", "spamverdacht", "roskaposti",
        }
    ),
    Role.TRASH: frozenset(
        {
            "trash", "deleted", "deleted items", "deleted messages", "bin",
            "papperskorg", "papperskorgen", "borttaget", "borttagna objekt", "borttagna",
            "slettet", "slettede elementer", "slettet post", "papirkurv", "papirkorg",
            "gelöscht", "gelöschte elemente", "papierkorb", "poistetut", "roskakori",
        }
    ),
}  # fmt: skip
NOT_READ = frozenset(
    {
        "drafts", "draft", "utkast", "kladder", "kladd", "entwürfe", "luonnokset",
        "outbox", "utkorg", "utboks", "udbakke", "postausgang", "lähtevät",
        "templates", "mallar", "malar", "skabeloner", "vorlagen", "mallit",
    }
)  # fmt: skip
"""What lies there was never sent."""

_SEPARATOR = re.compile(r"[./\\]")
_SHIFTED = re.compile(r"&([A-Za-z0-9+,]*)-")


def role_by_name(name: str) -> Role | None:
    """What a folder is for, as its name tells; `None` for one that is not to be read.

    The last part of the name tells, and a folder below the trash or the spam folder is like it.

    >>> role_by_name("INBOX.Skickade objekt"), role_by_name("Bygglov"), role_by_name("Utkast")
    (<Role.SENT: 'sent'>, <Role.OTHER: 'other'>, None)
    """
    parts = [part.strip().casefold() for part in _SEPARATOR.split(name)]
    if parts[-1] in NOT_READ:
        return None
    for role in (Role.TRASH, Role.SPAM, Role.SENT):
        if not NAMES[role].isdisjoint(parts):
            return role
    return Role.INBOX if parts[-1] in NAMES[Role.INBOX] or parts == [""] else Role.OTHER


def decode_folder_name(name: str) -> str:
    """A folder's name as people read it, from the modified UTF-7 of RFC 3501 (section 5.1.3).

    >>> decode_folder_name("Skr&AOQ-ppost"), decode_folder_name("Sl&-ng"), decode_folder_name("å")
    ('Skräppost', 'Sl&ng', 'å')
    """

    def plain(match: re.Match[str]) -> str:
        shifted = match[1].replace(",", "/")
        if not shifted:
            return "&"
        try:
            padded = shifted + "=" * (-len(shifted) % 4)
            return base64.b64decode(padded, validate=True).decode("utf-16-be")
        except ValueError:
            return match[0]

    return _SHIFTED.sub(plain, name)
