"""The mail with an export: complete, the same when it is sent again, and sent by safe ways only."""

from __future__ import annotations

import email
import email.policy
import socket
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec
import pytest
from structlog.testing import capture_logs

from agents.exports.mail import Letter, MailError, message_id, send_mail, write_mail
from agents.settings.exports import MailServer
from streams.instants import parse_rfc3339
from tests.post_office import PostOffice

if TYPE_CHECKING:
    from email.message import EmailMessage

STOCKHOLM = ZoneInfo("Europe/Stockholm")
SENDER = "kontaktpuls@exempelkommun.example"
LETTER = Letter(
    message_id=message_id(SENDER, "kontaktpuls", "skara", "2026-W47"),
    sent_at=parse_rfc3339("2026-11-23T06:00:07+01:00"),
    sender=SENDER,
    recipients=("kvalitet@skara.example", "chef@skara.example"),
    subject="Vecka 47: 82,4\N{NO-BREAK SPACE}% svar i tid, Skåre",
    text="Växeln svarade.\n.\nFrom the start: å, ä, ö.\n" + "lång rad " * 200 + "\n",
    attachments={"skara.pdf": b"%PDF-1.7\r\n.\r\n\x00", "skara.xlsx": b"PK\x03\x04" * 999},
)


def read(content: bytes) -> EmailMessage:
    """The mail as a mail program sees it."""
    return email.message_from_bytes(content, policy=email.policy.default)


def test_a_mail_carries_the_summary_and_the_files() -> None:
    """Text with every letter of the alphabet, files byte for byte."""
    message = read(write_mail(LETTER, STOCKHOLM))
    body = message.get_body()

    assert body is not None
    assert body.get_content().replace("\r\n", "\n") == LETTER.text
    assert message["Subject"] == LETTER.subject
    assert message["To"] == "kvalitet@skara.example, chef@skara.example"
    assert f"\r\nMessage-ID: {LETTER.message_id}\r\n".encode() in write_mail(LETTER, STOCKHOLM)
    assert message["Date"] == "Mon, 23 Nov 2026 06:00:07 +0100"
    assert {
        part.get_filename(): (part.get_content_type(), part.get_content())
        for part in message.iter_attachments()
    } == {
        "skara.pdf": ("application/pdf", LETTER.attachments["skara.pdf"]),
        "skara.xlsx": (
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            LETTER.attachments["skara.xlsx"],
        ),
    }


def test_a_mail_is_the_same_when_it_is_written_again() -> None:
    """After a crash it goes out once more, and mail programs know it by its id."""
    assert write_mail(LETTER, STOCKHOLM) == write_mail(LETTER, STOCKHOLM)
    assert message_id(SENDER, "a", "b", "c") == message_id(SENDER, "a", "b", "c")
    assert message_id(SENDER, "a", "b.c") != message_id(SENDER, "a.b", "c")


def test_no_machine_answers_the_mail() -> None:
    """It says that it was not written by hand (RFC 3834)."""
    assert read(write_mail(LETTER, STOCKHOLM))["Auto-Submitted"] == "auto-generated"


def test_a_mail_without_files_is_plain_text() -> None:
    """Whoever exports no PDF and no XLSX gets the summary alone."""
    letter = msgspec.structs.replace(LETTER, attachments={})

    assert read(write_mail(letter, STOCKHOLM)).get_content_type() == "text/plain"


def test_the_server_gets_it_for_everybody() -> None:
    """One conversation, one mail, every recipient."""
    with PostOffice() as office:
        send_mail(MailServer(host=office.address, sender=SENDER), LETTER, STOCKHOLM)

    (received,) = office.received
    assert received["Message-ID"] == LETTER.message_id
    assert [part.get_filename() for part in received.iter_attachments()] == [*LETTER.attachments]


def test_a_refused_recipient_is_logged_without_the_address() -> None:
    """The others get their mail; whoever runs it learns that an address has to be mended."""
    with PostOffice() as office, capture_logs() as logs:
        office.strangers = frozenset({"chef@skara.example"})
        send_mail(MailServer(host=office.address, sender=SENDER), LETTER, STOCKHOLM)

    assert len(office.received) == 1
    assert [(entry["count"], entry["codes"]) for entry in logs] == [(1, "550")]
    assert "chef" not in str(logs)


def test_a_mail_that_nobody_gets_is_a_failure() -> None:
    """It is tried again, and an alert goes off; the reason names no address."""
    with PostOffice() as office:
        office.strangers = frozenset(LETTER.recipients)
        with pytest.raises(MailError) as caught:
            send_mail(MailServer(host=office.address, sender=SENDER), LETTER, STOCKHOLM)

    assert str(caught.value) == (
        f"`{office.address}` refused every recipient (550); mend `exports.mail`"
    )


def test_a_server_that_is_away_is_named_and_nobody_else(unused_port: int) -> None:
    """The message stands in logs, which hold no addresses."""
    server = MailServer(host=f"127.0.0.1:{unused_port}", sender=SENDER)
    with pytest.raises(MailError) as caught:
        send_mail(server, LETTER, STOCKHOLM)

    assert str(caught.value) == (
        f"`127.0.0.1:{unused_port}` does not take mail: Connection refused"
    )


@pytest.fixture
def unused_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
