"""What the doctor says of mailboxes, and what to mend."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agents.settings import load_settings
from agents.sources import imap_connection
from agents.sources.imap_diagnosis import diagnose
from streams.instants import parse_rfc3339
from tests.imap_server import PASSWORD, Conversation, ImapServer, StoredFolder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = parse_rfc3339("2026-06-10T12:00:00Z")

ORGANISATION = """
version: 1
display_name: Provkommun
mailboxes: {kontakt: Kontakt}
sources: [{name: mailbox, channel: emails}]
calendars: {default: {hours: {mon-fri: "08:00-16:00"}}}
"""

SOURCE = """
kind: imap
source: mailbox
state_dir: state
server: {host: 127.0.0.1, port: PORT, security: none}
accounts:
  kontakt: {user: kontakt, password_file: password}
mails:
  organisation: provkommun
  mailboxes:
    kontakt: {addresses: [kontakt@prov.example], closed_folders: {Klart: no_reply_needed}}
"""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ImapServer]:
    """A server with the usual folders."""
    monkeypatch.setattr(imap_connection, "ANSWER_SECONDS", 2.0)
    with ImapServer() as listening:
        for name, attributes in (("Skickat", "\\Sent"), ("Utkast", "\\Drafts"), ("Klart", "")):
            listening.folders[name] = StoredFolder(attributes)
        yield listening


@pytest.fixture
def folder(tmp_path: Path, server: ImapServer) -> Path:
    """A configuration with a source."""
    (tmp_path / "organisations").mkdir()
    (tmp_path / "kontaktpuls.yaml").write_text("version: 1\nbrokers: [b:9092]\n")
    (tmp_path / "organisations" / "provkommun.yaml").write_text(ORGANISATION)
    (tmp_path / "mailboxes.yaml").write_text(SOURCE.replace("PORT", str(server.port)))
    (tmp_path / "password").write_text(PASSWORD, encoding="utf-8")
    return tmp_path


def findings(folder: Path) -> dict[str, tuple[str, str | None]]:
    """Fact and remedy of all that was looked at."""
    settings = load_settings(folder, environ={})
    found = diagnose(folder / "mailboxes.yaml", settings, lambda: NOW)
    return {finding.subject: (finding.fact, finding.remedy) for finding in found}


def test_a_mailbox_that_can_be_followed_has_nothing_to_mend(
    folder: Path, server: ImapServer
) -> None:
    """Its folders, what they are read as, and how new what is in them is."""
    server.folders["INBOX"].add("From: a@a.example", "10-Jun-2026 11:00:00 +0000")
    found = findings(folder)

    assert [remedy for _, remedy in found.values() if remedy] == []
    assert found["mailbox kontakt: folder INBOX"][0] == (
        "read as incoming mail; newest mail 2026-06-10T11:00:00+00:00"
    )
    assert found["mailbox kontakt: folder Klart"][0].startswith("read as mail that needs no reply")
    assert found["mailbox kontakt: folder Skickat"][0] == "read as sent mail; no mail lately"
    assert found["mailbox kontakt: not read"][0] == "Utkast"
    assert not (folder / "state").exists(), "the doctor changes nothing"


def test_a_clock_that_is_ahead_is_found(folder: Path, server: ImapServer) -> None:
    """Mail that arrives later than now tells it."""
    server.folders["INBOX"].add("From: a@a.example", "10-Jun-2026 12:30:00 +0000")
    fact, remedy = findings(folder)["mailbox kontakt: clock"]

    assert fact == "the server is 30 min ahead of us"
    assert remedy is not None


def test_folders_that_are_missed_are_told(folder: Path, server: ImapServer) -> None:
    """Without sent mail no reply counts; a folder of closed mail may be misspelt."""
    del server.folders["Skickat"], server.folders["Klart"]
    found = findings(folder)

    assert "without it no reply counts" in str(found["mailbox kontakt: sent folder"][1])
    assert found["mailbox kontakt: folder Klart"][0] == "is not there"

    text = (folder / "mailboxes.yaml").read_text()
    named = text.replace("password}", "password, folders: {sent: Sänt}}")
    (folder / "mailboxes.yaml").write_text(named, encoding="utf-8")

    assert "no folder `Sänt`" in str(findings(folder)["mailbox kontakt: folders"][1])


def test_a_folder_that_cannot_be_opened_is_told(folder: Path, server: ImapServer) -> None:
    """The others are looked at all the same."""

    def deny(conversation: Conversation, tag: str, command: str) -> bool:
        if command.startswith('EXAMINE "Klart"'):
            conversation.say(f"{tag} NO no")
            return True
        return False

    server.step_in = deny
    found = findings(folder)

    assert "cannot be opened" in str(found["mailbox kontakt: folder Klart"][1])
    assert found["mailbox kontakt: folder Skickat"][1] is None


def test_what_lets_nobody_in_is_told(folder: Path, server: ImapServer) -> None:
    """A password that is wrong or not there, and a server that is not there."""
    (folder / "password").write_text("wrong")

    assert "refuses the login" in str(findings(folder)["mailbox kontakt"][1])

    (folder / "password").unlink()

    assert findings(folder)["mailbox kontakt"][0] == "has no password or token"

    (folder / "password").write_text(PASSWORD, encoding="utf-8")
    server.greeting = "* BYE no"

    assert "no connection to 127.0.0.1" in findings(folder)["mailbox kontakt"][0]


def test_a_server_that_leaves_in_the_middle_is_told(folder: Path, server: ImapServer) -> None:
    """And ends nothing."""

    def leave(*given: object) -> bool:
        if str(given[-1]).startswith("LIST"):
            server.hang_up()
        return False

    server.step_in = leave

    assert findings(folder)["mailbox kontakt"][0] == "the connection does not hold"


def test_a_file_or_folder_that_is_wrong_is_told(folder: Path) -> None:
    """With every problem of it."""
    (folder / "state").write_text("a file")
    found = findings(folder)

    assert "write another `state_dir`" in str(found[f"state folder {folder / 'state'}"][1])

    (folder / "mailboxes.yaml").write_text("kind: imap\n")
    fact, remedy = findings(folder)[f"source {folder / 'mailboxes.yaml'}"]

    assert fact == "is not right"
    assert "server: is missing" in str(remedy)
