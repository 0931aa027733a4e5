"""What the headers of one mail say, by itself."""

from __future__ import annotations

import pytest

from streams.instants import parse_rfc3339
from streams.parsers.mail.addresses import read_addresses
from streams.parsers.mail.classification import Automatic
from streams.parsers.mail.fields import Fields
from streams.parsers.mail.folders import Role, decode_folder_name, role_by_name
from streams.parsers.mail.headers import (
    FIELDS,
    MAX_HEADER_BYTES,
    MAX_REFERENCES,
    MailError,
    Unreadable,
    read_headers,
)
from streams.parsers.mail.times import date_of, from_line_at, received_at
from tests.letters import letter, refs

NINE = parse_rfc3339("2026-11-16T08:00:00Z")


@pytest.mark.parametrize(
    ("headers", "sign"),
    [
        ("Auto-Submitted: no", None),
        ("Auto-Submitted: NO (a person wrote this)", None),
        ("Auto-Submitted:", None),
        ("Auto-Submitted: auto-replied", Automatic.AUTO_SUBMITTED),
        ("Auto-Submitted: Auto-Generated", Automatic.AUTO_SUBMITTED),
        ("Auto-Submitted: auto-notified; owner-email=x@y.example", Automatic.AUTO_SUBMITTED),
        ("auto-submitted:\r\n (vacation (of sorts))\r\n\tauto-replied", Automatic.AUTO_SUBMITTED),
        ("Auto-Submitted: no\r\nAuto-Submitted: auto-replied", Automatic.AUTO_SUBMITTED),
        ("Auto-Submitted: auto-replied (an open comment", Automatic.AUTO_SUBMITTED),
        ("Precedence: bulk", Automatic.PRECEDENCE),
        ("Precedence: first-class", None),
        ("X-Precedence: auto_reply", Automatic.PRECEDENCE),
        ("List-Unsubscribe: <mailto:bort@x.example>", Automatic.LIST),
        ("List-Id: Nyheter <nyheter.x.example>", Automatic.LIST),
        ("X-Autoreply: yes", Automatic.AUTOREPLY_HEADER),
        ("X-Autoreply: no", None),
        ("X-Autorespond: semester", Automatic.AUTOREPLY_HEADER),
        ("X-FC-MachineGenerated: true", Automatic.AUTOREPLY_HEADER),
        ("X-POST-MessageClass: 9; Autoresponder", Automatic.AUTOREPLY_HEADER),
        ("X-Auto-Response-Suppress: All", None),
        ("X-Auto-Response-Suppress: OOF\r\nFrom: no-reply@shop.example", Automatic.NO_REPLY),
        ("X-Auto-Response-Suppress: OOF\r\nFrom: noren@shop.example", None),
        ("From: no-reply@shop.example", None),
        ("Content-Type: multipart/report; report-type=delivery-status", Automatic.REPORT),
        ("Content-Type: multipart/mixed; boundary=x", None),
        ("Return-Path: <>", Automatic.BOUNCE),
        ("Return-Path: < >", Automatic.BOUNCE),
        ("Return-Path: <a@b.example>", None),
        ("From: Mail Delivery <MAILER-DAEMON@mx.example>", Automatic.BOUNCE),
        ("Subject: Autosvar: Bygglov", Automatic.SUBJECT),
        ("Subject: Automatiskt svar: Bygglov", Automatic.SUBJECT),
        ("Subject: Automatic reply: Bygglov", Automatic.SUBJECT),
        ("Subject: Out of Office", Automatic.SUBJECT),
        ("Subject: Out of office AutoReply: hi", Automatic.SUBJECT),
        ("Subject: =?utf-8?q?Fr=C3=A5nvarande=3A_Bygglov?=", Automatic.SUBJECT),
        ("Subject: Automatische Antwort: Bauen", Automatic.SUBJECT),
        ("Subject: Automatisk svar: Bygg", Automatic.SUBJECT),
        ("Subject: Automaattinen vastaus: Lupa", Automatic.SUBJECT),
        ("Subject: SV: Autosvar: Bygglov", None),
        ("Subject: Frånvarande elev i 4B", None),
        ("Subject: Autosvaret fungerar inte", None),
        ("Subject: Auto-försäkring", None),
        ("Auto-Submitted: no\r\nSubject: Autosvar: vad är det?", None),
    ],
)
def test_a_machine_is_known_by_its_signs(headers: str, sign: Automatic | None) -> None:
    """RFC 3834 first, then what programs write instead; a human stays a human."""
    mail = read_headers(f"{headers}\r\n\r\n".encode())

    assert (mail.signs[0] if mail.signs else None) == sign


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"References": refs("a", "b"), "In_Reply_To": refs("b")}, ("a", "b")),
        ({"References": refs("a"), "In_Reply_To": refs("c")}, ("a", "c")),
        ({"In_Reply_To": "Your message of Monday <a@x.example> from <anna@x.example>"}, ("a",)),
        ({"In_Reply_To": "a@x.example"}, ("a",)),
        ({"References": "<a@x.exam\r\n ple>\r\n\t<b@x.example>"}, ("a", "b")),
        ({"References": refs("a", "me", "a", "b")}, ("a", "b")),
        ({"References": "<> <  > nonsense"}, ()),
    ],
)
def test_ancestors_are_read_from_the_oldest_to_the_parent(
    headers: dict[str, str], expected: tuple[str, ...]
) -> None:
    """Folded, doubled and old-fashioned references all name the same chain."""
    mail = read_headers(letter("me", **headers))

    assert mail.references == tuple(f"{name}@x.example" for name in expected)


def test_of_a_very_long_chain_the_first_and_the_last_are_kept() -> None:
    """The root names the conversation, the newest find it when the root is gone."""
    mail = read_headers(letter("me", References=refs(*(f"m{n}" for n in range(500)))))

    assert len(mail.references) == MAX_REFERENCES
    assert mail.references[0] == "m0@x.example"
    assert mail.references[-1] == "m499@x.example"


def test_exchange_names_a_conversation_by_the_first_22_bytes() -> None:
    """Each reply appends five bytes; what comes before stays."""
    first = read_headers(letter(Thread_Index="Adi3Ck9VZ0pQ2kZ4R7u0m1YxJ3bVbw=="))
    reply = read_headers(letter(Thread_Index="Adi3Ck9VZ0pQ2kZ4R7u0m1YxJ3bVbwABAgME"))

    assert first.thread_index == reply.thread_index is not None
    assert read_headers(letter(Thread_Index="too short")).thread_index is None


def test_only_the_header_block_is_read() -> None:
    """What a body quotes is nobody's header."""
    mail = read_headers(b"Subject: a\n\nMessage-ID: <b@x.example>\nAuto-Submitted: auto-replied\n")

    assert (mail.subject, mail.message_id, mail.signs) == ("a", None, ())


def test_a_broken_line_hides_nothing_below_it() -> None:
    """One line that is no header costs that line."""
    mail = read_headers(b"Subject: a\nthis is no header\nMessage-ID: <b@x.example>\n\n")

    assert (mail.subject, mail.message_id) == ("a", "b@x.example")


def test_what_is_no_mail_is_refused_with_a_reason() -> None:
    """The reason is from a fixed list and quotes nothing."""
    with pytest.raises(MailError) as empty:
        read_headers(b"no header at all\n\n")
    with pytest.raises(MailError) as large:
        read_headers(b"X: " + b"x" * MAX_HEADER_BYTES)

    assert empty.value.reason is Unreadable.NO_HEADER
    assert large.value.reason is Unreadable.TOO_LARGE
    assert str(empty.value) == "no_header"


@pytest.mark.parametrize("field", ["From", "To", "Subject", "References", "Date", "Received"])
@pytest.mark.parametrize(
    "piece", ["(", ":", "<", "@", "[", '"', "\\", ";", "=?utf-8?q?", "=?utf-8?b?aaaa?= ", "a@b.c,"]
)
def test_a_field_that_is_made_to_break_a_parser_breaks_none(field: str, piece: str) -> None:
    """Nested, unclosed and endless values are cut off or skipped, and the rest is read."""
    value = f"{piece * (60_000 // len(piece))} <anna@x.example>"
    mail = read_headers(f"{field}: {value}\r\nMessage-ID: <m@x.example>\r\n\r\n".encode())

    assert mail.message_id == "m@x.example"


def test_addresses_are_found_among_brackets_too_deep_for_the_library() -> None:
    """A comment that is nested a thousand times hides no address."""
    value = "(" * 2_000 + " anna@x.example"

    assert read_addresses([value]) == ("anna@x.example",)


def test_a_mail_prints_nothing_personal() -> None:
    """Whatever logs a mail by mistake logs neither address nor subject."""
    assert repr(read_headers(letter("me"))) == "<Mail>"


def test_every_field_that_is_read_is_in_the_list_of_fields(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever fetches only these fields reads the same as from the whole header block."""
    asked: set[str] = set()

    class Recording(Fields):
        def __contains__(self, name: str) -> bool:
            asked.add(name)
            return super().__contains__(name)

        def all(self, name: str) -> list[str]:
            asked.add(name)
            return super().all(name)

        def first(self, name: str) -> str | None:
            asked.add(name)
            return super().first(name)

    monkeypatch.setattr("streams.parsers.mail.headers.Fields", Recording)
    read_headers(letter("me", From="no-reply@x.example", X_Auto_Response_Suppress="All"))

    assert asked == {name.lower() for name in FIELDS}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Mon, 16 Nov 2026 09:00:00 +0100", NINE),
        ("16 Nov 26 09:00 +0100 (CET)", NINE),
        ("Mon, 16 Nov 2026 08:00:00 -0000", NINE),
        ("Mon, 16 Nov 2026 08:00:00", NINE),
        ("Mon, 16 Nov 2026 25:00:00 +0100", None),
        ("Mon, 16 Nov 9999999999 09:00:00 +0100", None),
        ("Thu, 1 Jan 1970 00:00:00 +0000", None),
        ("", None),
        (None, None),
    ],
)
def test_a_date_is_an_instant_or_nothing(value: str | None, expected: int | None) -> None:
    """A date that no clock can mean is none."""
    assert date_of(value) == expected


def test_the_time_of_a_received_field_stands_behind_its_last_semicolon() -> None:
    """Comments before it may hold semicolons too."""
    value = "from a (b; c) by mx with ESMTP id 1; Mon, 16 Nov 2026 09:00:00 +0100"

    assert received_at(value) == NINE
    assert received_at("from a by b") is None


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"From a@b.example Mon Nov 16 08:00:00 2026\n", NINE),
        (b"From MAILER-DAEMON Mon Nov 16 08:00 2026\r\n", NINE),
        (b"From a@b.example  Mon Nov 16 08:00:00 +0000 2026\n", NINE),
        (b"From a@b.example Mon Nov 16 08:00:00 2026 +0000\n", NINE),
        (b"From Monday on the office is closed\n", None),
        (b"From a@b.example Mon Nov 31 08:00:00 2026\n", None),
    ],
)
def test_only_a_line_with_a_date_begins_a_mail(line: bytes, expected: int | None) -> None:
    """Sentences begin with "From " too."""
    assert from_line_at(line) == expected


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("", Role.INBOX),
        ("INBOX", Role.INBOX),
        ("Inkorgen", Role.INBOX),
        ("INBOX.Sent", Role.SENT),
        ("Skickade objekt", Role.SENT),
        ("Skickat/2025", Role.SENT),
        ("Skräppost", Role.SPAM),
        ("Junk E-mail", Role.SPAM),
        ("Papperskorgen/Gammalt", Role.TRASH),
        ("Arkiv/Bygglov", Role.OTHER),
        ("Utkast", None),
        ("INBOX/Drafts", None),
    ],
)
def test_folders_are_known_by_name(name: str, role: Role | None) -> None:
    """Mail programs name them in the language of their user."""
    assert role_by_name(name) == role


def test_folder_names_are_read_as_people_do() -> None:
    """IMAP writes other letters than ASCII in an encoding of its own."""
    assert decode_folder_name("INBOX.Skr&AOQ-ppost") == "INBOX.Skräppost"
    assert decode_folder_name("Kaffe &- te &broken") == "Kaffe & te &broken"
    assert decode_folder_name("&A-") == "&A-"
