"""Whether a machine wrote a mail, and by which sign one can tell.

Automatic mail neither opens an obligation nor meets one. The standard sign is `Auto-Submitted`
(RFC 3834); many programs do not write it, so others are read too.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING

from streams.parsers.mail.addresses import local_part
from streams.parsers.mail.fields import decoded

if TYPE_CHECKING:
    from streams.parsers.mail.fields import Fields


class Automatic(StrEnum):
    """The sign by which a mail shows that a machine wrote it; the strongest come first."""

    AUTO_SUBMITTED = "auto_submitted"
    REPORT = "report"
    BOUNCE = "bounce"
    AUTOREPLY_HEADER = "autoreply_header"
    PRECEDENCE = "precedence"
    LIST = "list"
    SUBJECT = "subject"
    NO_REPLY = "no_reply"
    OWN_ACKNOWLEDGEMENT = "own_acknowledgement"


PRECEDENCES = frozenset({"auto_reply", "auto-reply", "bulk", "junk", "list"})
LIST_FIELDS = ("list-id", "list-unsubscribe", "list-post", "list-help")
AUTOREPLY_FIELDS = (
    "x-auto-reply",
    "x-auto-reply-from",
    "x-autoreply",
    "x-autoreply-from",
    "x-autorespond",
    "x-autoresponder",
    "x-fc-machinegenerated",  # FirstClass, which Swedish schools use
    "x-mail-autoreply",
)
REPORTS = frozenset({"multipart/report", "message/delivery-status"})
HUMAN_VALUES = frozenset({"", "0", "false", "no", "none"})

# What mail programs write before the subject they answer to, in the languages of the Nordic
# countries and their neighbours. The colon is part of it: "Frånvarande elev" is a question.
AWAY = re.compile(
    r"""(?:
        autosvar | automatiskt\ svar | frånvarande | frånvaro | frånvaromeddelande
        | ej\ på\ kontoret | inte\ på\ kontoret
        | automatic\ (?:reply|response) | auto(?:matic)?[- ]?(?:reply|response) | auto
        | (?:i\ am\ )?out\ of\ (?:the\ )?office(?:\ auto[- ]?reply)?
        | automatische\ (?:antwort|rückmeldung) | abwesenheitsnotiz | abwesenheit | abwesend
        | automatisk\ svar | autosvar | fraværende | fravær | ikke\ til\ stede | ude\ af\ kontoret
        | automaattinen\ vastaus | poissa(?:\ toimistosta)? | poissaoloilmoitus
        | réponse\ automatique | respuesta\ automática | automatisch\ antwoord
        | risposta\ automatica | odpowiedź\ automatyczna
    )(?:\ (?:från|from|von|fra)\ [^:]{1,80})?\ ?:""",
    re.IGNORECASE | re.VERBOSE,
)
OUT_OF_OFFICE = re.compile(r"out[ -]of[ -](?:the[ -])?office(?:\W|$)", re.IGNORECASE)

NO_REPLY_NAME = re.compile(
    r"(?:no[-_.]?reply|do[-_.]?not[-_.]?reply|noreply|svara[-_.]?(?:ej|inte)|ej[-_.]?svar|inte[-_.]?svar)\b"
)
MAILER_DAEMON = "mailer-daemon"


def signs_of(fields: Fields, sender: str | None) -> tuple[Automatic, ...]:
    """Every sign that a machine wrote the mail, the strongest first; none for a human's.

    `X-Auto-Response-Suppress` is no sign by itself: Exchange writes it on mail of people too.
    """
    found: list[Automatic] = []
    submitted = [value for text in fields.all("auto-submitted") if (value := keyword(text))]
    if any(value != "no" for value in submitted):
        found.append(Automatic.AUTO_SUBMITTED)
    if keyword(fields.first("content-type") or "") in {
        "multipart/report",
        "message/delivery-status",
    }:
        found.append(Automatic.REPORT)
    if "<>" in (text.replace(" ", "") for text in fields.all("return-path")) or (
        sender is not None and local_part(sender) == MAILER_DAEMON
    ):
        found.append(Automatic.BOUNCE)
    if any(
        keyword(text) not in HUMAN_VALUES for name in AUTOREPLY_FIELDS for text in fields.all(name)
    ) or any("autoresponder" in text.casefold() for text in fields.all("x-post-messageclass")):
        found.append(Automatic.AUTOREPLY_HEADER)
    if any(
        keyword(text) in PRECEDENCES
        for name in ("precedence", "x-precedence")
        for text in fields.all(name)
    ):
        found.append(Automatic.PRECEDENCE)
    if any(name in fields for name in LIST_FIELDS):
        found.append(Automatic.LIST)
    # Whoever says that a human wrote it knows better than a guess from the subject.
    if "no" not in submitted and speaks_of_absence(decoded(fields.first("subject") or "")):
        found.append(Automatic.SUBJECT)
    if _wants_no_reply(fields, sender):
        found.append(Automatic.NO_REPLY)
    return tuple(found)


def keyword(value: str) -> str:
    """The first word of a value in small letters, without comments and parameters.

    >>> keyword(" (by a robot (old)) Auto-Replied ; owner=x (vacation)")
    'auto-replied'
    """
    depth, kept = 0, []
    for letter in value:
        if letter == "(":
            depth += 1
        elif letter == ")" and depth:
            depth -= 1
        elif letter == ";" and not depth:
            break
        elif not depth:
            kept.append(letter)
    return "".join(kept).strip().strip("\"'").casefold()


def speaks_of_absence(subject: str) -> bool:
    """Whether a subject is what mail programs write when their owner is away.

    An answer to such a mail ("SV: Autosvar: ...") is a human's.

    >>> speaks_of_absence("Autosvar: Bygglov"), speaks_of_absence("SV: Autosvar: Bygglov")
    (True, False)
    """
    return AWAY.match(subject) is not None or OUT_OF_OFFICE.match(subject) is not None


def _wants_no_reply(fields: Fields, sender: str | None) -> bool:
    """A machine's mailbox that asks other machines to be silent, and nobody to answer instead."""
    suppressed = any(
        keyword(text) not in HUMAN_VALUES for text in fields.all("x-auto-response-suppress")
    )
    return (
        suppressed
        and sender is not None
        and NO_REPLY_NAME.match(local_part(sender)) is not None
        and "reply-to" not in fields
    )
