"""The mail source as a whole: it comes back from whatever happens, vouches for what it knows."""

from __future__ import annotations

import sqlite3
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from agents.settings import load_settings
from agents.settings.environment import PSEUDONYM_KEY
from agents.settings.imap import load_imap_source
from agents.sources import imap_connection, imap_follower, imap_mailbox, imap_source
from agents.sources.conversation_index import IndexFileError
from agents.sources.imap_ledger import Ledger
from agents.sources.imap_source import (
    INDEX_FILE,
    ImapSourceError,
    create_imap_source,
    state_dir,
)
from agents.sources.keys import PseudonymKeyError
from agents.sources.meter import Meter
from agents.sources.state_folder import StateFolderError
from streams.events import EmailReceived, Heartbeat
from streams.instants import SECOND, from_datetime
from tests.imap_server import PASSWORD, Conversation, HangUp, ImapServer, StoredFolder
from tests.post_box import PostBox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, MutableMapping
    from pathlib import Path

ORGANISATION = """
version: 1
display_name: Provkommun
mailboxes: {kontakt: Kontakt, bygg: Bygg}
sources: [{name: mailbox, channel: emails}]
calendars: {default: {hours: {mon-fri: "08:00-16:00"}}}
"""

SOURCE = """
kind: imap
source: mailbox
state_dir: state
poll: 1 s
server: {host: 127.0.0.1, port: PORT, security: none}
accounts:
  kontakt: {user: kontakt, password_file: kontakt.password}
  bygg: {user: bygg, password_file: bygg.password}
mails:
  organisation: provkommun
  mailboxes:
    kontakt: {addresses: [kontakt@prov.example]}
    bygg: {addresses: [bygg@prov.example]}
"""


class House:
    """A mail server with one mailbox for two users, and a source that follows it."""

    def __init__(self, server: ImapServer, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.stopping = threading.Event()
        self.post = PostBox(self.stopping)
        self.meter = Meter()
        (folder / "organisations").mkdir()
        (folder / "kontaktpuls.yaml").write_text("version: 1\nbrokers: [b:9092]\n")
        (folder / "organisations" / "provkommun.yaml").write_text(ORGANISATION, encoding="utf-8")
        (folder / "mailboxes.yaml").write_text(SOURCE.replace("PORT", str(server.port)))
        for user in ("kontakt", "bygg"):
            self.give_password(user, PASSWORD)
        self.settings = load_settings(folder, environ={})
        self.file = load_imap_source(folder / "mailboxes.yaml", self.settings.organisations)
        self.failure: BaseException | None = None
        self.thread = threading.Thread(target=self.run)

    def give_password(self, user: str, password: str) -> None:
        """Write the password that the source uses."""
        (self.folder / f"{user}.password").write_text(password, encoding="utf-8")

    def run(self) -> None:
        """Run a source until it stops."""
        try:
            with create_imap_source(
                self.file,
                self.settings.cluster,
                folder=self.folder,
                outbox=self.post,
                meter=self.meter,
                stopping=self.stopping,
            ) as source:
                source.run()
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            self.failure = error

    def heartbeats(self) -> list[Heartbeat]:
        """What it has vouched for."""
        return [event for event in self.post.events if isinstance(event, Heartbeat)]

    def messages(self) -> set[str]:
        """The mails it has told of."""
        return {event.message for event in self.post.events if isinstance(event, EmailReceived)}

    def is_connected(self) -> float | None:
        """What its gauge says."""
        name = "kontaktpuls_source_connected"
        return self.meter.registry.get_sample_value(name, {"source": "mailbox"})


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """A source that is in a hurry, and stops when the test is over."""
    monkeypatch.setenv(PSEUDONYM_KEY, "kept out of the repository")
    monkeypatch.setattr(imap_connection, "ANSWER_SECONDS", 2.0)
    monkeypatch.setattr(imap_follower, "FIRST_PAUSE", 0.05)
    monkeypatch.setattr(imap_follower, "LONGEST_PAUSE", 0.2)
    monkeypatch.setattr(imap_follower, "SECRET_PAUSE", 0.05)
    monkeypatch.setattr(imap_source, "HEARTBEAT_SECONDS", 0.05)
    with ImapServer() as server:
        server.folders["Skickat"] = StoredFolder("\\Sent")
        made = House(server, tmp_path)
        yield made
        made.stopping.set()
        if made.thread.ident is not None:
            made.thread.join(20)
            assert not made.thread.is_alive()


def until(condition: Callable[[], object], *, within: float = 20.0) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, "it never was"
        time.sleep(0.01)


def recently() -> str:
    """A moment of today as a server writes it."""
    return time.strftime("%d-%b-%Y %H:%M:%S +0000", time.gmtime())


def question(number: int) -> str:
    """The headers of a citizen's mail."""
    return f"Message-ID: <{number}@a.example>\nFrom: a@a.example\nTo: kontakt@prov.example"


def complaints(logs: list[MutableMapping[str, Any]]) -> list[str]:
    """Why a mailbox could not be read, each time it was said."""
    return [log["reason"] for log in logs if log["event"] == "the mailbox cannot be read"]


def test_a_source_tells_mails_and_then_vouches_for_them(house: House) -> None:
    """Never for later than its last look, less what mail takes to show."""
    house.server.folders["INBOX"].add(question(1), recently())
    began = time.time_ns() // 1000
    house.thread.start()
    until(lambda: len(house.heartbeats()) >= 2)
    first = house.post.events.index(house.heartbeats()[0])

    assert any(isinstance(event, EmailReceived) for event in house.post.events[:first])
    assert house.is_connected() == 1
    for heartbeat in house.heartbeats():
        assert (heartbeat.organisation, heartbeat.source) == ("provkommun", "mailbox")
        assert from_datetime(heartbeat.through) > began - 6 * SECOND
        assert from_datetime(heartbeat.through) <= time.time_ns() // 1000 - 5 * SECOND


def test_names_of_folders_stay_out_of_the_log(house: House) -> None:
    """Members call them after people; the log says how many there are of each kind."""
    house.server.folders["Anna Berg"] = StoredFolder()
    with capture_logs() as logs:
        house.thread.start()
        until(house.heartbeats)
    following = [log for log in logs if log["event"] == "following a mailbox"]

    assert len(following) == 2
    assert following[0]["folders"] == {"inbox": 1, "other": 1, "sent": 1}
    assert "Anna" not in str(logs)


def test_a_source_comes_back_when_the_server_does(house: House) -> None:
    """What came in between is told once; that it was away is said once too."""
    house.thread.start()
    until(house.heartbeats)
    with capture_logs() as logs:
        greeting, house.server.greeting = house.server.greeting, "* BYE not today"
        house.server.hang_up()
        until(lambda: house.is_connected() == 0)
        house.server.folders["INBOX"].add(question(1), recently())
        time.sleep(0.5)
        house.server.greeting = greeting
        until(house.messages)
        until(lambda: house.is_connected() == 1)

    assert len(house.messages()) == 1
    assert 1 <= len(complaints(logs)) <= 4, "each mailbox says it once for each reason"


def test_nothing_is_vouched_for_while_one_mailbox_is_not_read(house: House) -> None:
    """Its questions are not known."""
    house.give_password("bygg", "wrong")
    house.server.folders["INBOX"].add(question(1), recently())
    with capture_logs() as logs:
        house.thread.start()
        until(house.messages)
        until(lambda: complaints(logs))
        time.sleep(0.3)

    assert house.heartbeats() == []
    assert house.is_connected() == 0


def test_a_wrong_password_is_tried_once_and_said_once(house: House) -> None:
    """Servers lock users out; whoever mends it does not have to wait."""
    house.give_password("kontakt", "wrong")
    house.give_password("bygg", "wrong")
    with capture_logs() as logs:
        house.thread.start()
        until(lambda: house.server.logins == 2)
        time.sleep(0.5)

        assert house.server.logins == 2

        for user in ("kontakt", "bygg"):
            house.give_password(user, PASSWORD)
        until(house.heartbeats)

    assert house.server.logins == 4
    assert len(complaints(logs)) == 2
    assert all("refuses the login" in reason for reason in complaints(logs))
    assert "wrong" not in str(logs)


def test_a_password_that_is_not_there_yet_is_waited_for(house: House) -> None:
    """The message says where it is looked for."""
    (house.folder / "bygg.password").unlink()
    with capture_logs() as logs:
        house.thread.start()
        until(lambda: complaints(logs))
        house.give_password("bygg", PASSWORD)
        until(house.heartbeats)

    assert "bygg.password` cannot be read" in complaints(logs)[0]


def test_a_server_that_stalls_is_given_up(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if it sends a byte now and then, so that no answer ever times out."""
    monkeypatch.setattr(imap_follower, "STALL_SECONDS", 0.5)
    stalled: list[int] = []

    def trickle(conversation: Conversation, tag: str, command: str) -> bool:
        del tag
        if command.startswith("LIST") and len(stalled) < 2:
            stalled.append(1)
            for _ in range(100):
                conversation.send(b"*")
                conversation.server.wait(0.1)
            raise HangUp
        return False

    house.server.step_in = trickle
    house.thread.start()
    until(house.heartbeats, within=8)

    assert len(stalled) == 2


def test_a_source_stops_at_once_whatever_it_waits_for(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here: a server that is silent, with a minute of patience left."""
    monkeypatch.setattr(imap_connection, "ANSWER_SECONDS", 60.0)
    silent: list[int] = []

    def hang(conversation: Conversation, tag: str, command: str) -> bool:
        del tag
        if command.startswith("LIST"):
            silent.append(1)
            conversation.server.wait(60)
            raise HangUp
        return False

    house.server.step_in = hang
    house.thread.start()
    until(lambda: len(silent) == 2)
    began = time.monotonic()
    house.stopping.set()
    until(lambda: not [t for t in threading.enumerate() if t.name.startswith("imap-")])

    assert time.monotonic() - began < 5
    assert house.failure is None


def test_a_source_that_is_stopped_while_kafka_is_away_loses_nothing(house: House) -> None:
    """The next start tells it."""
    house.server.folders["INBOX"].add(question(1), recently())
    house.post.is_away = True
    house.thread.start()
    until(lambda: len([c for c in house.server.commands if "HEADER" in c]) >= 1)
    house.stopping.set()
    house.thread.join(20)

    assert house.failure is None
    assert house.post.events == []

    house.stopping.clear()
    house.post.is_away = False
    again = threading.Thread(target=house.run)
    again.start()
    until(house.messages)
    house.stopping.set()
    again.join(20)

    assert len(house.messages()) == 1


def test_a_fault_of_ours_ends_the_source_loudly(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever supervises it starts it again; it does not go on with half of its mailboxes."""

    def fail(*_: object) -> None:
        msg = "nobody thought of this"
        raise ZeroDivisionError(msg)

    monkeypatch.setattr(imap_mailbox.MailboxReader, "read_all", fail)
    house.thread.start()
    until(lambda: house.failure is not None)

    assert isinstance(house.failure, ImapSourceError)
    assert "ZeroDivisionError" in str(house.failure)


def test_two_sources_never_share_their_state(house: House) -> None:
    """Each would move on what the other has not read."""
    house.thread.start()
    until(house.heartbeats)
    with (
        pytest.raises(StateFolderError, match="another source uses"),
        create_imap_source(
            house.file,
            house.settings.cluster,
            folder=house.folder,
            outbox=house.post,
            meter=Meter(),
            stopping=threading.Event(),
        ),
    ):
        pass


def test_a_state_that_cannot_be_used_is_said(house: House) -> None:
    """Before anything is read."""
    state = house.folder / "state"
    state.mkdir()
    (state / INDEX_FILE).write_bytes(b"no database at all, but long enough to be looked at" * 100)
    house.run()

    assert isinstance(house.failure, IndexFileError)

    (state / INDEX_FILE).unlink()
    (state / "mailboxes.lock").unlink()
    state.rmdir()
    state.write_text("a file", encoding="utf-8")
    house.run()

    assert isinstance(house.failure, StateFolderError)
    assert "write another `state_dir`" in str(house.failure)


def test_a_state_that_cannot_be_tidied_up_ends_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is old waits for the next hour; what is new is told."""
    asked = threading.Event()

    def full(self: Ledger, before: int) -> None:
        del self, before
        asked.set()
        msg = "database or disk is full"
        raise sqlite3.OperationalError(msg)

    monkeypatch.setattr(Ledger, "forget", full)
    house.thread.start()
    until(house.heartbeats)
    until(asked.is_set)
    before = len(house.heartbeats())
    until(lambda: len(house.heartbeats()) > before)

    assert house.failure is None


def test_without_a_key_nobody_is_read(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """People leave as pseudonyms only."""
    monkeypatch.delenv(PSEUDONYM_KEY)
    house.run()

    assert isinstance(house.failure, PseudonymKeyError)
    assert house.server.logins == 0


def test_state_lies_beside_that_of_the_worker_unless_told(house: House) -> None:
    """Each source has a folder of its own."""
    assert state_dir(house.file, house.settings.cluster, house.folder) == house.folder / "state"

    plain = house.file.model_copy(update={"state_dir": None})
    place = state_dir(plain, house.settings.cluster, house.folder)

    assert place == house.settings.cluster.data_dir / "sources" / "provkommun" / "mailbox"
