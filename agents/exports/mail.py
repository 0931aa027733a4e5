"""One mail with an export: the summary in its text, the files attached.

Whoever sends it again after a crash sends the same one: its Message-ID, date and boundary come from
what it is about, so that mail programs show it once.
"""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from email.policy import SMTP
from hashlib import sha256
from typing import TYPE_CHECKING, Final

import msgspec
import structlog

from streams.errors import KontaktpulsError
from streams.instants import to_datetime

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from zoneinfo import ZoneInfo

    from agents.settings.exports import MailServer

PATIENCE: Final = 30.0
"""Seconds for one answer of the mail server."""
MEDIA_TYPES: Final = {
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
"""What is attached, by the end of its name."""

log = structlog.stdlib.get_logger("kontaktpuls.exports")


class MailError(KontaktpulsError):
    """The mail server does not answer, or refuses; names no address."""


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent, before it becomes a mail.

    Attributes:
        message_id: the same for the same letter.
        sent_at: the instant its date shows.
        sender, recipients: addresses.
        subject, text: the text is plain.
        attachments: content by name of file; only PDF and XLSX.
    """

    message_id: str
    sent_at: int
    sender: str
    recipients: tuple[str, ...]
    subject: str
    text: str
    attachments: dict[str, bytes]


def message_id(sender: str, *about: str) -> str:
    """The id of the mail about something, under the domain of whoever sends it.

    Short, so that the header needs no second line, which not every program can read.

    >>> message_id("kontaktpuls@exempelkommun.example", "kontaktpuls", "skara", "2026-W47")
    '<dbee0535b517811b9a1dcbde@exempelkommun.example>'
    """
    digest = sha256("\0".join(about).encode()).hexdigest()[:24]
    return f"<{digest}@{sender.rpartition('@')[2]}>"


def write_mail(letter: Letter, zone: ZoneInfo) -> bytes:
    """The mail as it goes over the wire; the same letter becomes the same bytes."""
    message = EmailMessage(policy=SMTP)
    message["From"] = letter.sender
    message["To"] = ", ".join(letter.recipients)
    message["Subject"] = letter.subject
    message["Date"] = to_datetime(letter.sent_at, zone)
    message["Message-ID"] = letter.message_id
    # RFC 3834: no answering machine shall reply.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text, cte="quoted-printable")
    for name, content in letter.attachments.items():
        main, _, sub = MEDIA_TYPES[name.rpartition(".")[2]].partition("/")
        message.add_attachment(content, maintype=main, subtype=sub, filename=name)
    if message.is_multipart():
        # No part can contain it: lines of base64 and of quoted-printable have no such beginning.
        message.set_boundary(f"=_{sha256(letter.message_id.encode()).hexdigest()[:32]}")
    return message.as_bytes()


def send_mail(server: MailServer, letter: Letter, zone: ZoneInfo) -> None:
    """Hand a mail over to the server; returns once it has answered for it.

    Raises:
        MailError: it did not, or it refused everybody.
    """
    host, _, port = server.host.rpartition(":")
    try:
        refused = _send(server, host.strip("[]"), int(port), letter, write_mail(letter, zone))
    except smtplib.SMTPRecipientsRefused as error:
        codes = _codes(error.recipients.values())
        msg = f"`{server.host}` refused every recipient ({codes}); mend `exports.mail`"
        raise MailError(msg) from None
    except smtplib.SMTPResponseException as error:
        # What the server says may quote an address.
        msg = f"`{server.host}` refused with {error.smtp_code} ({type(error).__name__})"
        raise MailError(msg) from None
    except (smtplib.SMTPException, OSError) as error:
        # `SMTPException` is an `OSError` too, mostly without an error of the system's.
        reason = error.strerror
        msg = f"`{server.host}` does not take mail: {reason or type(error).__name__}"
        raise MailError(msg) from None
    if refused:
        log.warning(
            "some recipients were refused; see `exports.mail`",
            count=len(refused),
            codes=_codes(refused.values()),
            message_id=letter.message_id,
        )


def _send(
    server: MailServer, host: str, port: int, letter: Letter, content: bytes
) -> dict[str, tuple[int, bytes]]:
    name = letter.sender.rpartition("@")[2]
    context = ssl.create_default_context()
    with (
        smtplib.SMTP_SSL(host, port, local_hostname=name, timeout=PATIENCE, context=context)
        if server.tls == "tls"
        else smtplib.SMTP(host, port, local_hostname=name, timeout=PATIENCE)
    ) as connection:
        if server.tls == "starttls":
            connection.starttls(context=context)
        if server.username is not None and server.password is not None:
            connection.login(server.username, server.password.get_secret_value())
        return connection.sendmail(letter.sender, letter.recipients, content)


def _codes(answers: Iterable[Sequence[object]]) -> str:
    return ", ".join(sorted({str(answer[0]) for answer in answers}))
