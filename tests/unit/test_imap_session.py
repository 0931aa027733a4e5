"""One connection to a mail server, good or bad: nothing hangs, nothing but headers is asked for."""

from __future__ import annotations

import threading
import time
from datetime import date
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from agents.settings.imap import FoldersSection
from agents.sources import imap_connection
from agents.sources.imap_account import Account, Login
from agents.sources.imap_connection import connect
from agents.sources.imap_errors import (
    FolderError,
    LoginRefusedError,
    NoConnectionError,
    RefusedMailError,
    UnreadableMailError,
)
from streams.instants import parse_rfc3339
from tests.imap_server import PASSWORD, Conversation, HangUp, ImapServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Literal

    from agents.sources.imap_session import ImapSession

LOGIN = Login(SecretStr(PASSWORD), is_token=False)
HEADER = "Message-ID: <a@x.example>\nFrom: a@x.example\nSubject: hej"


@pytest.fixture(autouse=True)
def _impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits half a minute for an answer that never comes."""
    monkeypatch.setattr(imap_connection, "CONNECT_SECONDS", 1.0)
    monkeypatch.setattr(imap_connection, "ANSWER_SECONDS", 1.0)


@pytest.fixture
def server() -> Iterator[ImapServer]:
    """A server whose inbox is empty."""
    with ImapServer() as listening:
        yield listening


def account(port: int, security: Literal["tls", "starttls", "none"] = "none") -> Account:
    """How to log in there."""
    return Account(
        mailbox="kontaktcenter",
        host="127.0.0.1",
        port=port,
        security=security,
        ca_file=None,
        user="kontakt@provkommun.example",
        password_file=None,
        password_variable=None,
        oauth2_token_file=None,
        folders=FoldersSection(),
    )


def ask_everything(session: ImapSession) -> None:
    """Every question there is."""
    session.folders()
    session.status("INBOX")
    session.examine("INBOX")
    session.uids(1, 2)
    session.fetch([1])


def test_only_headers_are_asked_for_and_nothing_is_changed(server: ImapServer) -> None:
    """EXAMINE and PEEK, the fields that are needed and those of the rules, and no body."""
    uid = server.folders["INBOX"].add(HEADER, flags="\\Seen $Forwarded")
    with connect(account(server.port), LOGIN, also=["x-mall"]) as session:
        state = session.examine("INBOX")
        found = session.uids(1, state.next_uid, since=date(2026, 5, 1))
        mails = session.fetch(found)

    assert [mail.uid for mail in mails] == [uid]
    assert mails[0].arrived_at == parse_rfc3339("2026-06-01T09:00:00Z")
    assert mails[0].flags == {"\\Seen", "$Forwarded"}
    assert mails[0].header.startswith(b"Message-ID: <a@x.example>\r\n")

    fetches = [command for command in server.commands if "FETCH" in command]

    assert len(fetches) == 1
    assert "BODY.PEEK[HEADER.FIELDS (Message-ID " in fetches[0].replace("MESSAGE-ID", "Message-ID")
    assert "X-MALL" in fetches[0].upper()
    assert "RECEIVED" not in fetches[0].upper()
    assert not [c for c in server.commands if c.startswith(("SELECT", "STORE", "UID STORE"))]


def test_letters_beyond_ascii_are_no_matter_in_a_password(server: ImapServer) -> None:
    """AUTHENTICATE carries any letter; where there is only LOGIN, that is said."""
    with connect(account(server.port), LOGIN) as session:
        assert session.has_idle

    server.capabilities = "IMAP4rev1"
    with pytest.raises(LoginRefusedError, match="ASCII letters only"):
        connect(account(server.port), LOGIN)

    server.password = "plain"  # noqa: S105
    with connect(account(server.port), Login(SecretStr("plain"), is_token=False)) as session:
        assert not session.has_idle


def test_a_token_logs_in_where_passwords_are_gone(server: ImapServer) -> None:
    """XOAUTH2, as Microsoft and Google ask for it."""
    with connect(account(server.port), Login(SecretStr(PASSWORD), is_token=True)):
        pass

    assert "AUTHENTICATE XOAUTH2" in server.commands


def test_a_wrong_password_is_no_lost_connection(server: ImapServer) -> None:
    """They are tried again at very different pace, so they are told apart."""
    with pytest.raises(LoginRefusedError, match="refuses the login"):
        connect(account(server.port), Login(SecretStr("wrong"), is_token=False))


def test_a_server_that_is_busy_does_not_refuse_the_password(server: ImapServer) -> None:
    """RFC 5530 has codes for that."""

    def busy(conversation: Conversation, tag: str, command: str) -> bool:
        if command.startswith("AUTHENTICATE"):
            conversation.say(f"{tag} NO [UNAVAILABLE] come back later")
            return True
        return False

    server.step_in = busy

    with pytest.raises(NoConnectionError, match="at the moment"):
        connect(account(server.port), LOGIN)


def test_a_server_that_says_nothing_is_given_up() -> None:
    """It accepts the connection, and that is all it ever does."""
    with ImapServer(greeting="") as silent:
        began = time.monotonic()
        with pytest.raises(NoConnectionError, match="does not answer in time"):
            connect(account(silent.port), LOGIN)

        assert time.monotonic() - began < 10


@pytest.mark.parametrize("command", ["LIST", "STATUS", "EXAMINE", "UID SEARCH", "UID FETCH"])
def test_a_server_that_falls_silent_is_given_up(server: ImapServer, command: str) -> None:
    """Whatever it was asked last."""
    server.folders["INBOX"].add(HEADER)

    def hang(conversation: Conversation, tag: str, given: str) -> bool:
        del tag
        if given.startswith(command):
            conversation.server.wait(30)
            raise HangUp
        return False

    server.step_in = hang
    with connect(account(server.port), LOGIN) as session, pytest.raises(NoConnectionError):
        ask_everything(session)


def test_a_connection_that_breaks_in_the_middle_of_a_mail_is_told(server: ImapServer) -> None:
    """Half a header is no header."""
    server.folders["INBOX"].add(HEADER)

    def break_off(conversation: Conversation, tag: str, command: str) -> bool:
        del tag
        if command.startswith("UID FETCH"):
            conversation.send(b"* 1 FETCH (UID 1 BODY[HEADER.FIELDS (FROM)]<0> {1000}\r\nFrom: ")
            raise HangUp
        return False

    server.step_in = break_off
    with connect(account(server.port), LOGIN) as session:
        session.examine("INBOX")

        with pytest.raises(NoConnectionError, match="hung up"):
            session.fetch([1])


@pytest.mark.parametrize(
    "greeting",
    ["220 mail.example ESMTP", "HTTP/1.1 400 Bad Request", "* BYE too many", "\x16\x03\x01"],
)
def test_something_that_is_no_mail_server_is_told(greeting: str) -> None:
    """Other servers greet too."""
    with ImapServer(greeting=greeting) as other, pytest.raises(NoConnectionError):
        connect(account(other.port), LOGIN)


@pytest.mark.parametrize(
    ("security", "message"),
    [("tls", "does not speak TLS like this"), ("starttls", "does not offer STARTTLS")],
)
def test_a_password_never_leaves_without_tls(
    server: ImapServer, security: Literal["tls", "starttls"], message: str
) -> None:
    """A server that has none hears nothing of it."""
    with pytest.raises(NoConnectionError, match=message):
        connect(account(server.port, security), LOGIN)

    assert server.logins == 0


def test_nobody_listens(server: ImapServer) -> None:
    """The message says what to mend."""
    server.__exit__(None, None, None)

    with pytest.raises(NoConnectionError, match="nobody listens there; mend `host` and `port`"):
        connect(account(server.port), LOGIN)


def test_an_answer_that_cannot_be_read_ends_no_connection(server: ImapServer) -> None:
    """The mail it is about can be left out, and the others read."""
    server.folders["INBOX"].add(HEADER)
    answers = iter(["* 1 FETCH (UID 1 FLAGS", "* 1 FETCH (UID", "* 1 FETCH (UID x FLAGS ())"])

    def babble(conversation: Conversation, tag: str, command: str) -> bool:
        if command.startswith("UID FETCH") and (answer := next(answers, None)) is not None:
            conversation.say(answer, f"{tag} OK done")
            return True
        return False

    server.step_in = babble
    with connect(account(server.port), LOGIN) as session:
        session.examine("INBOX")
        for _ in range(3):
            with pytest.raises(UnreadableMailError):
                session.fetch([1])

        assert len(session.fetch([1])) == 1


def test_a_mail_that_is_refused_is_told_from_one_that_cannot_be_read(server: ImapServer) -> None:
    """The one may be read later, the other never."""
    server.folders["INBOX"].add(HEADER)
    answers = iter(["NO [LIMIT] later", "BAD enough"])

    def refuse(conversation: Conversation, tag: str, command: str) -> bool:
        if command.startswith("UID FETCH") and (answer := next(answers, None)) is not None:
            conversation.say(f"{tag} {answer}")
            return True
        return False

    server.step_in = refuse
    with connect(account(server.port), LOGIN) as session:
        session.examine("INBOX")
        for _ in range(2):
            with pytest.raises(RefusedMailError):
                session.fetch([1])

        assert len(session.fetch([1])) == 1


def test_a_hundred_thousand_mails_are_found_in_several_answers(server: ImapServer) -> None:
    """An answer is one line, and the library takes none of more than a million bytes."""
    inbox = server.folders["INBOX"]
    inbox.add(HEADER)
    first = 1_000_000_000
    wanted = range(first, first + 100_000)
    inbox.mails = dict.fromkeys(wanted, inbox.mails[1])
    with connect(account(server.port), LOGIN) as session:
        session.examine("INBOX")

        assert session.uids(first, wanted.stop) == list(wanted)
        assert session.uids(first + 3, first + 5) == [first + 3, first + 4]


def test_a_server_without_times_or_with_its_own_flags_is_read_all_the_same(
    server: ImapServer,
) -> None:
    """What it does not tell is not there; what was removed is left out."""
    server.folders["INBOX"].add(HEADER, arrived="once upon a time")
    with connect(account(server.port), LOGIN) as session:
        session.examine("INBOX")

        assert session.fetch([1])[0].arrived_at is None
        assert session.arrivals([1]) == [(1, None)]
        assert session.fetch([7]) == []
        assert session.arrivals([7]) == []
        assert session.uids(5, 5) == []


def test_a_folder_that_is_not_there_ends_no_connection(server: ImapServer) -> None:
    """Its name is in the message."""
    with connect(account(server.port), LOGIN) as session:
        with pytest.raises(FolderError, match="`Skickat`"):
            session.status("Skickat")
        with pytest.raises(FolderError, match="`Skickat`"):
            session.examine("Skickat")

        assert [folder.name for folder in session.folders()] == ["INBOX"]


def test_a_mail_that_arrives_ends_the_wait(server: ImapServer) -> None:
    """The server tells (IDLE), long before it would be asked again."""

    def announce(conversation: Conversation, tag: str, command: str) -> bool:
        del conversation, tag
        if command == "IDLE":
            threading.Timer(0.3, server.announce, ["INBOX"]).start()
        return False

    server.step_in = announce
    with connect(account(server.port), LOGIN) as session:
        session.examine("INBOX")
        began = time.monotonic()
        session.wait(30, threading.Event())

        assert time.monotonic() - began < 10
        assert session.status("INBOX").next_uid == 1, "the connection goes on"


def test_a_server_that_leaves_while_nothing_happens_is_noticed(server: ImapServer) -> None:
    """Else a dead connection would look like a quiet night."""

    def leave(conversation: Conversation, tag: str, command: str) -> bool:
        del tag
        if command == "IDLE":
            conversation.say("+ idling")
            raise HangUp
        return False

    server.step_in = leave
    with connect(account(server.port), LOGIN) as session:
        session.examine("INBOX")
        with pytest.raises(NoConnectionError):
            session.wait(30, threading.Event())


@pytest.mark.parametrize("capabilities", ["IMAP4rev1 AUTH=PLAIN IDLE", "IMAP4rev1 AUTH=PLAIN"])
def test_a_source_that_shall_stop_waits_no_longer(server: ImapServer, capabilities: str) -> None:
    """Neither in IDLE nor without it."""
    server.capabilities = capabilities
    stopping = threading.Event()
    with connect(account(server.port), LOGIN) as session:
        session.examine("INBOX")
        threading.Timer(0.2, stopping.set).start()
        began = time.monotonic()
        session.wait(30, stopping)

        assert time.monotonic() - began < 10


def test_another_thread_can_end_a_wait_for_an_answer(
    server: ImapServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long the server might be waited for."""
    monkeypatch.setattr(imap_connection, "ANSWER_SECONDS", 60.0)

    def hang(conversation: Conversation, tag: str, command: str) -> bool:
        del tag
        if command.startswith("STATUS"):
            conversation.server.wait(60)
            raise HangUp
        return False

    server.step_in = hang
    with connect(account(server.port), LOGIN) as session:
        assert session.asked_at is None

        threading.Timer(0.3, session.break_off).start()
        began = time.monotonic()
        with pytest.raises(NoConnectionError):
            session.status("INBOX")

        assert time.monotonic() - began < 10
