"""Reading a mailbox: every mail once, in the order of arrival, kept only when Kafka has it."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from agents.settings import organisation_from_text
from agents.settings.imap import FoldersSection
from agents.sources import imap_connection, imap_mailbox
from agents.sources.conversation_index import ConversationIndex
from agents.sources.imap_account import Account, Login
from agents.sources.imap_connection import connect
from agents.sources.imap_errors import FolderError, NoConnectionError
from agents.sources.imap_ledger import MOST_REFUSALS, Ledger
from agents.sources.imap_mailbox import LONGEST_PAUSE, SETTLING, MailboxPlan, MailboxReader
from agents.sources.meter import Meter
from agents.sources.outbox import StoppedError
from streams.events import EmailClosed, EmailReceived, EmailSent
from streams.instants import DAY, HOUR, from_datetime, parse_rfc3339
from streams.parsers.mail.correspondence import Correspondence
from streams.parsers.mail.rules import Rules
from streams.pseudonyms import create_pseudonymiser
from streams.reports import Report
from tests.imap_server import PASSWORD, Conversation, ImapServer, StoredFolder
from tests.post_box import PostBox

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agents.sources.imap_session import ImapSession
    from streams.events import Event

NOW = parse_rfc3339("2026-06-10T12:00:00Z")
OURS = "kontakt@provkommun.example"
ORGANISATION = """
version: 1
display_name: Provkommun
mailboxes: {kontakt: Kontakt}
calendars: {default: {hours: {mon-fri: "08:00-16:00"}}}
"""


class Office:
    """A mailbox on a server, and all that reads it."""

    def __init__(self, server: ImapServer, index: ConversationIndex) -> None:
        self.server = server
        self.post = PostBox()
        self.meter = Meter()
        self.now = NOW
        rules = Rules(addresses={OURS: "kontakt"}, domains=frozenset({"provkommun.example"}))
        correspondence = Correspondence(
            rules,
            organisation="provkommun",
            pseudonymise=create_pseudonymiser(b"kept out of the repository"),
        )
        self.ledger = Ledger(
            "mailbox",
            index=index,
            correspondence=correspondence,
            outbox=self.post,
            meter=self.meter,
        )

    def connect(self) -> ImapSession:
        """A new connection."""
        account = Account(
            mailbox="kontakt",
            host="127.0.0.1",
            port=self.server.port,
            security="none",
            ca_file=None,
            user=OURS,
            password_file=None,
            password_variable=None,
            oauth2_token_file=None,
            folders=FoldersSection(),
        )
        login = Login(SecretStr(PASSWORD), is_token=False)
        return connect(account, login, also=self.ledger.extra_headers)

    def reader(
        self, session: ImapSession, *, stop: bool = False, since: int = 35 * DAY
    ) -> MailboxReader:
        """Somebody who begins to read."""

        def check_stop() -> None:
            if stop:
                msg = "stopped"
                raise StoppedError(msg)

        plan = MailboxPlan(
            "kontakt", FoldersSection(), {"Klart": "no_reply_needed"}, since, 35 * DAY
        )
        return MailboxReader(
            plan, session, self.ledger, clock=lambda: self.now, check_stop=check_stop
        )

    def read(self, *, since: int = 35 * DAY) -> int:
        """One pass over a connection of its own."""
        with self.connect() as session:
            return self.reader(session, since=since).read_all()

    def left_out(self, reason: str) -> float:
        """How many mails became no event for this reason."""
        return self._counted("left_out", reason=reason)

    def counted(self, what: str) -> float:
        """How many were `read`, or `events_delivered`."""
        return self._counted(what)

    def _counted(self, what: str, **labels: str) -> float:
        name = f"kontaktpuls_source_{what}_total"
        value = self.meter.registry.get_sample_value(name, {"source": "mailbox", **labels})
        return value or 0.0


@pytest.fixture
def office(monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    """A mailbox with the usual folders, all empty."""
    monkeypatch.setattr(imap_connection, "ANSWER_SECONDS", 2.0)
    with ImapServer() as server, ConversationIndex(None) as index:
        server.folders["Skickat"] = StoredFolder("\\Sent")
        server.folders["Klart"] = StoredFolder()
        yield Office(server, index)


def question(number: int, **more: str) -> str:
    """The headers of a citizen's mail."""
    lines = [
        f"Message-ID: <q{number}@a.example>",
        f"From: citizen{number}@a.example",
        f"To: {OURS}",
        f"Date: Mon, 1 Jun 2026 09:00:00 +0200 ({number})",
        *(f"{name}: {value}" for name, value in more.items()),
    ]
    return "\n".join(lines)


def answer(number: int, *, refers: bool = True) -> str:
    """The headers of an answer to it."""
    lines = [
        f"Message-ID: <s{number}@b.example>",
        f"From: {OURS}",
        f"To: citizen{number}@a.example",
    ]
    if refers:
        lines.append(f"In-Reply-To: <q{number}@a.example>")
    return "\n".join(lines)


def test_a_mailbox_is_read_once(office: Office) -> None:
    """The second look finds nothing, the third only what came in between."""
    inbox = office.server.folders["INBOX"]
    inbox.add(question(1), "09-Jun-2026 10:00:00 +0200")
    with office.connect() as session:
        reader = office.reader(session)

        assert reader.read_all() == NOW - SETTLING
        assert [event.at for event in office.post.events] == [
            event.at for event in office.post.events if isinstance(event, EmailReceived)
        ]
        assert from_datetime(office.post.events[0].at) == parse_rfc3339("2026-06-09T08:00:00Z")

        reader.read_all()

        assert len(office.post.events) == 1

        inbox.add(question(2), "10-Jun-2026 10:00:00 +0200")
        reader.read_all()

    assert len(office.post.events) == 2
    assert (office.counted("read"), office.counted("events_delivered")) == (2, 2)

    office.read()

    assert office.counted("read") == 2, "nor does the next start read it again"


def test_mails_of_all_folders_are_told_in_the_order_in_which_they_came(office: Office) -> None:
    """So that an answer without references finds the question that came before it."""
    folders = office.server.folders
    folders["Skickat"].add(answer(1, refers=False), "08-Jun-2026 10:00:00 +0000")
    folders["INBOX"].add(question(2), "09-Jun-2026 10:00:00 +0000")
    folders["INBOX"].add(question(1), "07-Jun-2026 10:00:00 +0000")
    office.read()
    told = office.post.events

    assert [type(event) for event in told] == [EmailReceived, EmailSent, EmailReceived]
    assert told[0].conversation == told[1].conversation != told[2].conversation


def test_an_answer_waits_until_its_question_was_looked_for(office: Office) -> None:
    """What is sent while a pass is under way is read in the next one, after its question."""
    folders = office.server.folders
    folders["INBOX"].add(question(9), "01-Jun-2026 10:00:00 +0000")
    with office.connect() as session:
        reader = office.reader(session)
        reader.read_all()
        looks = 0

        def both_come_now(conversation: Conversation, tag: str, command: str) -> bool:
            nonlocal looks
            del conversation, tag
            looks += command.startswith(("STATUS", "EXAMINE"))
            if looks == 2 and len(folders["INBOX"].mails) == 1:
                folders["INBOX"].add(question(1), "09-Jun-2026 10:00:00 +0000")
                folders["Skickat"].add(answer(1, refers=False), "09-Jun-2026 10:00:05 +0000")
            return False

        office.server.step_in = both_come_now
        reader.read_all()

        assert [type(event) for event in office.post.events] == [EmailReceived, EmailReceived]

        reader.read_all()

    sent = office.post.events[-1]

    assert isinstance(sent, EmailSent)
    assert sent.conversation == office.post.events[-2].conversation


def test_a_mail_that_is_moved_stays_one_mail(office: Office) -> None:
    """Its arrival stands; put away as needing no reply, its conversation is closed now."""
    folders = office.server.folders
    uid = folders["INBOX"].add(question(1), "09-Jun-2026 10:00:00 +0000")
    office.read()
    moved = folders["INBOX"].mails.pop(uid)
    folders["Bygg"] = StoredFolder()
    folders["Bygg"].add(question(1), moved.arrived)
    office.now += HOUR
    office.read()

    assert len(office.post.events) == 1
    assert office.left_out("seen_before") == 1

    folders["Bygg"].mails.clear()
    folders["Klart"].add(question(1), moved.arrived)
    office.now += HOUR
    office.read()
    closed = office.post.events[-1]

    assert isinstance(closed, EmailClosed)
    assert (closed.reason, from_datetime(closed.at)) == ("no_reply_needed", office.now)


def test_new_numbers_for_old_mails_change_nothing(office: Office) -> None:
    """All is read again, and counted as seen before; what came meanwhile is not missed."""
    inbox = office.server.folders["INBOX"]
    for number in range(3):
        inbox.add(question(number), "09-Jun-2026 10:00:00 +0000")
    office.read()
    inbox.validity, inbox.next_uid = 2, 1
    inbox.mails.clear()
    for number in range(4):
        inbox.add(question(number), "09-Jun-2026 10:00:00 +0000")
    office.read()

    assert len(office.post.events) == 4
    assert office.left_out("seen_before") == 3


def test_nothing_is_kept_before_kafka_has_it(office: Office) -> None:
    """A source that was stopped in between tells the same at the next start."""
    folders = office.server.folders
    folders["INBOX"].add(question(1), "09-Jun-2026 10:00:00 +0000")
    folders["Skickat"].add(answer(1), "09-Jun-2026 11:00:00 +0000")
    office.post.is_away = True
    with pytest.raises(StoppedError):
        office.read()

    assert office.counted("read") == 0

    office.post.is_away = False
    office.read()

    assert [type(event) for event in office.post.events] == [EmailReceived, EmailSent]
    assert office.left_out("seen_before") == 0


def test_a_long_history_is_told_in_batches(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped between two of them, the next start goes on, and tells nothing twice."""
    monkeypatch.setattr(imap_mailbox, "BATCH", 10)
    inbox = office.server.folders["INBOX"]
    for number in range(35):
        inbox.add(question(number), f"09-Jun-2026 10:00:{number:02} +0000")
    original, batches = office.post.deliver, 2

    def stop_after_two(events: Sequence[Event]) -> None:
        if len(office.post.batches) == batches:
            office.post.is_away = True
        original(events)

    monkeypatch.setattr(office.post, "deliver", stop_after_two)
    with pytest.raises(StoppedError):
        office.read()

    assert len(office.post.events) == 20

    office.post.is_away, batches = False, -1
    office.read()

    assert len({event.message for event in office.post.events}) == 35
    assert len(office.post.events) == 35
    assert office.left_out("seen_before") == 20


def test_a_source_that_shall_stop_begins_no_other_batch(office: Office) -> None:
    """It is asked before each."""
    office.server.folders["INBOX"].add(question(1), "09-Jun-2026 10:00:00 +0000")
    with office.connect() as session, pytest.raises(StoppedError):
        office.reader(session, stop=True).read_all()

    assert office.post.events == []


def test_what_cannot_be_told_is_counted_by_its_reason(office: Office) -> None:
    """And holds up nothing else."""
    inbox = office.server.folders["INBOX"]
    inbox.add(question(1), "09-Jun-2026 10:00:00 +0000")
    office.read()
    inbox.add(question(2), "09-Jun-2025 10:00:00 +0000")
    inbox.add(question(3), "some day")
    inbox.add(question(4), "09-Jun-2026 10:00:00 +0000", flags="\\Draft")
    inbox.add("", "09-Jun-2026 10:00:00 +0000")
    gone = inbox.add(question(5), "09-Jun-2026 10:00:00 +0000")
    bad = inbox.add(question(6), "09-Jun-2026 10:00:00 +0000")
    inbox.add(question(7), "09-Jun-2026 10:00:00 +0000")

    def interfere(conversation: Conversation, tag: str, command: str) -> bool:
        if command.startswith("UID FETCH") and "HEADER" in command:
            inbox.mails.pop(gone, None)
            if str(bad) in command.split()[2].split(","):
                conversation.say("* 1 FETCH (UID", f"{tag} OK done")
                return True
        return False

    office.server.step_in = interfere
    office.read()

    for reason in (
        "older_than_since", "no_arrival_time", "draft", "no_header", "gone_before_it_was_read",
        "unreadable_answer",
    ):  # fmt: skip
        assert office.left_out(reason) == 1, reason
    assert len(office.post.events) == 2
    assert office.counted("read") == 8, "everything has a reason, or an event"

    office.server.step_in = lambda *_: False
    office.read()

    assert office.counted("read") == 8, "none of it is tried again and again"


def test_the_first_look_goes_back_as_far_as_it_is_told(office: Office) -> None:
    """What is older is not even asked for."""
    inbox = office.server.folders["INBOX"]
    inbox.add(question(1), "09-Jun-2025 10:00:00 +0000")
    inbox.add(question(2), "09-Jun-2026 10:00:00 +0000")
    office.read()

    assert len(office.post.events) == 1
    assert office.left_out("older_than_since") == 0
    assert [c for c in office.server.commands if "SINCE 05-May-2026" in c]


def test_what_came_while_the_source_was_away_is_new(office: Office) -> None:
    """However short `since` is: that is how far back the first start reads, not each."""
    inbox = office.server.folders["INBOX"]
    inbox.add(question(1), "10-Jun-2026 10:30:00 +0000")
    inbox.add(question(2), "10-Jun-2026 11:30:00 +0000")
    office.read(since=HOUR)

    assert len(office.post.events) == 1

    inbox.add(question(3), "10-Jun-2026 12:30:00 +0000")
    office.now += 5 * HOUR
    office.read(since=HOUR)

    assert len(office.post.events) == 2

    inbox.add(question(4), "10-Jun-2026 17:30:00 +0000")
    inbox.validity += 1
    office.now += 5 * HOUR
    office.read(since=HOUR)

    assert len(office.post.events) == 3
    assert office.left_out("older_than_since") == 0


def test_a_server_that_has_enough_of_questions_costs_no_mail(office: Office) -> None:
    """Servers refuse whoever asks too much: what they refuse today is read tomorrow."""
    inbox = office.server.folders["INBOX"]
    for number in range(5):
        inbox.add(question(number), "09-Jun-2026 10:00:00 +0000")
    mood = ""

    def refuse(conversation: Conversation, tag: str, command: str) -> bool:
        if command.startswith("UID FETCH") and mood:
            conversation.say(f"{tag} {mood}")
            return True
        return False

    office.server.step_in = refuse
    for mood in ("BAD Request is throttled", "NO [LIMIT] Too much", "NO [SERVERBUG] Oh"):  # noqa: B007
        with pytest.raises(NoConnectionError, match="refuses to tell about a mail in `INBOX`"):
            office.read()
    mood = ""
    office.read()

    assert len(office.post.events) == 5
    assert office.left_out("unreadable_answer") == 0


def test_mails_that_are_always_refused_hold_up_the_others_only_for_a_while(
    office: Office,
) -> None:
    """Mails may be broken on the server for good; each is asked for as often."""
    inbox = office.server.folders["INBOX"]
    uids = [inbox.add(question(n), "09-Jun-2026 10:00:00 +0000") for n in range(5)]

    def refuse(conversation: Conversation, tag: str, command: str) -> bool:
        if "HEADER" in command and broken & set(command.split()[2].split(",")):
            conversation.say(f"{tag} NO [SERVERBUG] its file is gone")
            return True
        return False

    broken = {str(uids[1]), str(uids[3])}
    office.server.step_in = refuse
    for _ in range(2 * (MOST_REFUSALS - 1)):
        with pytest.raises(NoConnectionError):
            office.read()
    office.read()

    assert len(office.post.events) == 3
    asked = office.counted("read")
    office.read()

    assert office.counted("read") == asked, "neither is asked for again"


def test_a_closing_is_told_in_the_same_words_after_a_crash(office: Office) -> None:
    """Two instants of one closing would close what was asked in between."""
    inbox, done = office.server.folders["INBOX"], office.server.folders["Klart"]
    uid = inbox.add(question(1), "09-Jun-2026 10:00:00 +0000")
    office.read()
    done.add(question(1), "09-Jun-2026 10:00:00 +0000")
    del inbox.mails[uid]
    office.post.batches.clear()
    office.now = NOW + HOUR
    deliver = office.post.deliver
    told: list[Event] = []

    def deliver_and_crash(events: Sequence[Event]) -> None:
        told.extend(events)
        msg = "killed before it was kept"
        raise StoppedError(msg)

    office.post.deliver = deliver_and_crash  # type: ignore[method-assign]
    with pytest.raises(StoppedError):
        office.read()
    office.post.deliver = deliver  # type: ignore[method-assign]
    office.now = NOW + 5 * HOUR
    office.read()

    assert [type(event) for event in told] == [EmailClosed]
    assert office.post.events == told

    done.add(question(2), "10-Jun-2026 10:00:00 +0000")
    uid = inbox.add(question(3), "10-Jun-2026 10:00:00 +0000")
    office.read()
    done.add(question(3), "10-Jun-2026 10:00:00 +0000")
    office.now = NOW + 6 * HOUR
    office.read()
    closing = office.post.events[-1]

    assert isinstance(closing, EmailClosed)
    assert from_datetime(closing.at) == NOW + 6 * HOUR, "another look has its own instant"


def open_questions(office: Office) -> int:
    """How many questions wait for their answer, by all that was told."""
    organisation = organisation_from_text(ORGANISATION, "provkommun")
    report = Report({"provkommun": organisation}, office.now + DAY)
    for event in office.post.events:
        report.add(event)
    (row,) = [row for row in report.rows("all") if row["mailbox"] == "kontakt"]
    return int(str(row["open"]))


def move(server: ImapServer, source: str, target: str) -> None:
    """Let a member drag all mails of a folder into another one."""
    for stored in server.folders[source].mails.values():
        header = stored.header.decode().strip().replace("\r\n", "\n")
        server.folders[target].add(header, stored.arrived)
    server.folders[source].mails.clear()


def renumber(*folders: StoredFolder) -> None:
    """Give the mails of folders new numbers."""
    for folder in folders:
        folder.validity += 1
        folder.mails = dict(enumerate(folder.mails.values(), 1))
        folder.next_uid = len(folder.mails) + 1


def test_a_question_that_was_taken_for_spam_waits_once_it_is_rescued(office: Office) -> None:
    """Also after new numbers; put back into the spam folder, it waits no more."""
    folders = office.server.folders
    spam = folders["Skr&AOQ-ppost"] = StoredFolder("\\Junk")
    folders["Bygg"] = StoredFolder()
    spam.add(question(1), "09-Jun-2026 10:00:00 +0000")
    office.read()

    assert open_questions(office) == 0

    office.now += HOUR
    move(office.server, "Skr&AOQ-ppost", "Bygg")
    office.read()
    revised = office.post.events[-1]

    assert isinstance(revised, EmailReceived)
    assert (revised.revision, from_datetime(revised.at)) == (1, office.now)
    assert open_questions(office) == 1

    office.now += HOUR
    move(office.server, "Bygg", "INBOX")
    renumber(*folders.values())
    office.read()

    assert office.post.events[-1] is revised

    office.now += HOUR
    move(office.server, "INBOX", "Skr&AOQ-ppost")
    office.read()

    assert open_questions(office) == 0
    assert office.counted("read") == 4, "a rescue is one mail, however often it is looked at"


@pytest.mark.parametrize("at_once", [1, 200])
def test_a_copy_in_the_spam_folder_closes_nothing(
    office: Office, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    """Whichever folder gets new numbers, and if nothing is remembered at all."""
    monkeypatch.setattr(imap_mailbox, "BATCH", at_once)
    folders = office.server.folders
    spam = folders["Junk"] = StoredFolder("\\Junk")
    folders["Vatten"] = StoredFolder()
    for name in ("Junk", "Vatten"):
        folders[name].add(question(1), "09-Jun-2026 10:00:00 +0000")
    spam.add(question(2), "09-Jun-2026 10:00:00 +0000")
    office.read()
    office.now += HOUR
    folders["INBOX"].add(question(2), "09-Jun-2026 10:00:00 +0000")
    office.read()
    told = [(type(event), getattr(event, "revision", None)) for event in office.post.events]

    assert told == [(EmailReceived, 0), (EmailReceived, 0), (EmailClosed, 0), (EmailReceived, 1)]
    assert open_questions(office) == 2

    for changed in (list(folders.values()), [spam], [folders["INBOX"]]):
        office.now += HOUR
        renumber(*changed)
        office.read()

    assert len(office.post.events) == len(told)

    with ConversationIndex(None) as nothing:
        another = Office(office.server, nothing)
        another.now = office.now + HOUR
        another.read()
    office.post.batches += another.post.batches

    assert open_questions(office) == 2


def test_a_rescue_is_told_in_the_same_words_after_a_crash(office: Office) -> None:
    """Else the question would wait from another instant each time."""
    folders = office.server.folders
    folders["Junk"] = StoredFolder("\\Junk")
    folders["Junk"].add(question(1), "09-Jun-2026 10:00:00 +0000")
    office.read()
    office.now += HOUR
    move(office.server, "Junk", "INBOX")
    # Something else that is new is kept before the source is killed.
    folders["INBOX"].add(question(2), "10-Jun-2026 10:00:00 +0000")
    office.post.batches.clear()
    deliver = office.post.deliver
    told: list[Event] = []

    def deliver_and_crash(events: Sequence[Event]) -> None:
        deliver(events)
        if any(event.revision for event in events if isinstance(event, EmailReceived)):
            told.extend(events)
            msg = "killed before it was kept"
            raise StoppedError(msg)

    office.post.deliver = deliver_and_crash  # type: ignore[method-assign]
    with pytest.raises(StoppedError):
        office.read()
    office.post.deliver = deliver  # type: ignore[method-assign]
    office.post.batches.clear()
    office.now += HOUR
    office.read()

    assert len(told) == 1
    assert office.post.events == told


def test_a_mail_put_away_after_a_look_was_broken_off_is_closed(office: Office) -> None:
    """The look that goes on is another one: it finds out anew what is a copy and what was moved."""
    folders = office.server.folders
    folders["Junk"] = StoredFolder("\\Junk")
    folders["Junk"].add(question(2), "09-Jun-2026 10:00:00 +0000")
    office.read()
    for number in (1, 4):
        folders["INBOX"].add(question(number), "09-Jun-2026 10:00:00 +0000")
    move(office.server, "Junk", "INBOX")
    folders["Bygg"] = StoredFolder()
    for name in ("Bygg", "Junk"):
        folders[name].add(question(3), "09-Jun-2026 10:00:00 +0000")
    deliver = office.post.deliver

    def crash_at_last(events: Sequence[Event]) -> None:
        if any(event.revision for event in events if isinstance(event, EmailReceived)):
            msg = "killed when the first batch was kept"
            raise StoppedError(msg)
        deliver(events)

    office.post.deliver = crash_at_last  # type: ignore[method-assign]
    with pytest.raises(StoppedError):
        office.read()
    office.post.deliver = deliver  # type: ignore[method-assign]

    assert open_questions(office) == 3

    office.now += HOUR
    move(office.server, "INBOX", "Junk")
    office.read()

    assert open_questions(office) == 1, "the one of which there are two copies"


def test_an_answer_counts_that_was_sent_before_the_rescue_was_seen(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The source was away; the mail is told after the answers, however many mails there are."""
    monkeypatch.setattr(imap_mailbox, "BATCH", 2)
    folders = office.server.folders
    folders["Junk"] = StoredFolder("\\Junk")
    for number in (1, 2, 3):
        folders["Junk"].add(question(number), "08-Jun-2026 10:00:00 +0000")
    office.read()
    move(office.server, "Junk", "INBOX")
    folders["Skickat"].add(answer(3), "09-Jun-2026 10:00:00 +0000")
    office.now += DAY
    office.read()

    assert sum(event.revision for event in office.post.events) == 3
    assert open_questions(office) == 2


def test_a_folder_that_is_of_no_matter_may_be_closed_to_us(office: Office) -> None:
    """The others are read. Once it was read, it is vouched for and may not be missed."""
    office.server.folders["Privat"] = StoredFolder()
    office.server.folders["INBOX"].add(question(1), "09-Jun-2026 10:00:00 +0000")

    def deny(conversation: Conversation, tag: str, command: str) -> bool:
        if command.startswith('STATUS "Privat"'):
            conversation.say(f"{tag} NO [NOPERM] not yours")
            return True
        return False

    office.server.step_in = deny
    with office.connect() as session:
        reader = office.reader(session)
        reader.read_all()
        reader.read_all()

    assert len(office.post.events) == 1
    assert len([c for c in office.server.commands if c.startswith('STATUS "Privat"')]) == 1

    office.server.step_in = lambda *_: False
    office.read()
    office.server.step_in = deny
    with pytest.raises(FolderError, match="`Privat`"):
        office.read()


def test_a_sent_folder_that_is_closed_to_us_ends_the_pass(office: Office) -> None:
    """Else every question would look unanswered."""

    def deny(conversation: Conversation, tag: str, command: str) -> bool:
        if command.startswith('STATUS "Skickat"'):
            conversation.say(f"{tag} NO [NOPERM] not yours")
            return True
        return False

    office.server.step_in = deny
    with pytest.raises(FolderError, match="`Skickat`"):
        office.read()


def test_numbers_that_change_while_they_are_used_end_the_pass(office: Office) -> None:
    """The same number may be another mail now."""
    bygg = office.server.folders["Bygg"] = StoredFolder()
    bygg.add(question(1), "09-Jun-2026 10:00:00 +0000")

    def renumber(conversation: Conversation, tag: str, command: str) -> bool:
        del conversation, tag
        if command.startswith("EXAMINE") and "Bygg" in command:
            bygg.validity = 2
        return False

    office.server.step_in = renumber
    with pytest.raises(NoConnectionError, match="new numbers"):
        office.read()

    assert office.post.events == []

    office.server.step_in = lambda *_: False
    office.read()

    assert len(office.post.events) == 1


def test_a_folder_made_later_is_found(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within a minute, over the same connection."""
    monkeypatch.setattr(imap_mailbox, "RELIST_SECONDS", 0.0)
    with office.connect() as session:
        reader = office.reader(session)
        reader.read_all()
        office.server.folders["Nytt"] = StoredFolder()
        office.server.folders["Nytt"].add(question(1), "09-Jun-2026 10:00:00 +0000")
        reader.read_all()

    assert len(office.post.events) == 1


def test_a_slow_server_is_asked_less_often(office: Office) -> None:
    """At most a fifth of the time it is kept busy."""
    with office.connect() as session:
        reader = office.reader(session)
        reader.read_all()

        assert reader.pause(60.0) == 60.0

        reader._took = 30.0

        assert reader.pause(60.0) == 150.0

        reader._took = 3_000.0

        assert reader.pause(60.0) == LONGEST_PAUSE


def test_kafkas_absence_makes_no_server_slow(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hours without Kafka, or with a long history, are followed by no hours without a look."""
    passed = [0.0]
    watch = SimpleNamespace(monotonic=lambda: passed[0])
    monkeypatch.setattr(imap_mailbox, "time", watch)
    deliver = office.post.deliver

    def deliver_late(events: Sequence[Event]) -> None:
        passed[0] += 3_600.0
        deliver(events)

    office.post.deliver = deliver_late  # type: ignore[method-assign]
    office.server.folders["INBOX"].add(question(1), "09-Jun-2026 10:00:00 +0000")
    with office.connect() as session:
        reader = office.reader(session)
        reader.read_all()

        assert len(office.post.events) == 1
        assert reader.pause(5.0) == 5.0


def test_two_mailboxes_may_be_told_at_once(office: Office) -> None:
    """One conversation may lie in both; their batches follow each other."""
    folders = office.server.folders
    for number in range(20):
        folders["INBOX"].add(question(number), "09-Jun-2026 10:00:00 +0000")
    threads = [threading.Thread(target=office.read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert len(office.post.events) == 20
    assert office.left_out("seen_before") in {0, 20}
