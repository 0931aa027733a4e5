"""A shared mailbox on a real Dovecot: the worker's KPIs come out as the story tells.

Also after the source was killed in the middle of its work, and after the server gave every mail a
new number.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import sys
import time
import urllib.error
import urllib.request
from collections import defaultdict
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from kafka import KafkaConsumer
from prometheus_client.parser import text_string_to_metric_families

from agents.children import Child
from agents.clock import wall_clock
from agents.embedded import Tansu, free_port
from agents.kafka_clients import client_options
from agents.settings import Settings, load_settings
from agents.sources.imap_diagnosis import diagnose
from agents.sources.imap_source import INDEX_FILE
from agents.topic_admin import create_topics
from streams.topics import EMAILS
from tests.dovecot import PASSWORD, Dovecot, DovecotMissingError, find_dovecot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

ROOT = Path(__file__).parents[2]
ORGANISATION = "provkommun"
USER = "kontakt"
OURS = "kontakt@provkommun.example"
NEWSLETTERS = 450

RUN = "import sys; from pathlib import Path; from agents.commands."
RUN_WORKER = RUN + "worker import worker; worker(Path(sys.argv[1]))"
RUN_SOURCE = RUN + "source_imap import imap; imap(Path(sys.argv[2]), config=Path(sys.argv[1]))"

ORGANISATION_FILE = """
version: 1
display_name: Provkommun
mailboxes: {kontaktcenter: Kontaktcenter}
sources:
  - {name: mailbox, channel: emails}
calendars:
  default: {hours: {mon-sun: "08:00-16:00"}}
promises:
  - {name: reply-in-2-days, channel: emails, within: 2 working days, target: 85 %}
"""

CLUSTER_FILE = """
version: 1
brokers: ["{brokers}"]
partitions: 1
replication: 1
clock: events
embedded: true
data_dir: "{folder}/data"
redis: {{enabled: false}}
web: {{port: {port}}}
"""

SOURCE_FILE = """
version: 1
kind: imap
source: mailbox
state_dir: "{folder}/state"
poll: 1 s
server: {{host: localhost, port: {port}, security: {security}{ca_file}}}
accounts:
  kontaktcenter: {{user: {user}, password_file: password}}
mails:
  organisation: provkommun
  mailboxes:
    kontaktcenter:
      addresses: [{ours}]
      closed_folders: {{Avslutat: no_reply_needed}}
  own_domains: [provkommun.example]
  units: {{bygglov@provkommun.example: bygglov}}
  auto_message_id_prefixes: ["auto-"]
  holding: {{subject_tags: ["[handläggs]"]}}
"""


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    """A mail server for all tests here."""
    try:
        find_dovecot()
    except DovecotMissingError as error:
        if os.environ.get("REQUIRE_DOVECOT"):
            pytest.fail(str(error))
        pytest.skip(str(error))
    with Dovecot() as server:
        yield server


class Town:
    """A broker, a configuration, a mailbox on a server, and processes that come and go."""

    def __init__(self, broker: Tansu, dovecot: Dovecot, folder: Path) -> None:
        self.dovecot = dovecot
        self.folder = folder
        self.port = free_port()
        self.config = folder / "config"
        self.source_file = self.config / "sources" / "mailboxes.yaml"
        for place in ("organisations", "sources"):
            (self.config / place).mkdir(parents=True)
        cluster = CLUSTER_FILE.format(brokers=broker.brokers, folder=folder, port=self.port)
        (self.config / "kontaktpuls.yaml").write_text(cluster, encoding="utf-8")
        organisation = self.config / "organisations" / f"{ORGANISATION}.yaml"
        organisation.write_text(ORGANISATION_FILE, encoding="utf-8")
        secured = dovecot.ca_file is not None
        self.source_file.write_text(
            SOURCE_FILE.format(
                folder=folder,
                port=dovecot.tls_port if secured else dovecot.port,
                security="tls" if secured else "none",
                ca_file=f", ca_file: {dovecot.ca_file}" if secured else "",
                user=USER,
                ours=OURS,
            ),
            encoding="utf-8",
        )
        (self.source_file.parent / "password").write_text(f"{PASSWORD}\n", encoding="utf-8")
        self.settings: Settings = load_settings(self.config, environ={})
        create_topics(self.settings.cluster)

    def source(self, name: str) -> Child:
        """The mail source, starting."""
        return self._start(name, RUN_SOURCE, str(self.source_file))

    def worker(self) -> Child:
        """A worker, starting."""
        return self._start("worker", RUN_WORKER)

    def _start(self, name: str, program: str, *arguments: str) -> Child:
        return Child(
            name,
            [sys.executable, "-c", program, str(self.config), *arguments],
            log=self.folder / f"{name}.log",
            environment={
                "PYTHONPATH": str(ROOT),
                "PYTHONUNBUFFERED": "1",
                "KONTAKTPULS_PSEUDONYM_KEY": "kept out of the repository",
            },
        )

    def published(self) -> list[dict[str, Any]]:
        """Everything on the topic of e-mails."""
        consumer = KafkaConsumer(
            EMAILS,
            **client_options(self.settings.cluster),
            group_id=None,
            auto_offset_reset="earliest",
            consumer_timeout_ms=1_000,
        )
        try:
            return [json.loads(record.value) for record in consumer]
        finally:
            consumer.close(autocommit=False)

    def samples(self) -> dict[tuple[str, str, str], float]:
        """What the worker serves of e-mails in total, by name, window and reason or promise."""
        try:
            url = f"http://127.0.0.1:{self.port}/metrics"
            with urllib.request.urlopen(url, timeout=5) as answer:
                text = answer.read().decode()
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            return {}
        return {
            (
                sample.name.removeprefix("kontaktpuls_"),
                sample.labels.get("window", ""),
                sample.labels.get("reason", ""),
            ): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if "mailbox" not in sample.labels and sample.labels.get("channel", "emails") == "emails"
        }

    def through(self) -> datetime:
        """How far the worker knows the mailbox."""
        seconds = self.samples().get(("source_through_timestamp_seconds", "", ""), 0.0)
        return datetime.fromtimestamp(seconds, UTC)

    def kpis(self) -> dict[str, float]:
        """What the story is about: all of the last 28 days."""
        samples = self.samples()
        windowed = (
            "received", "automatic", "reminders", "forwarded", "first_replies", "full_answers",
            "met", "missed", "excluded",
        )  # fmt: skip
        found = {name: samples[f"emails_{name}", "28d", ""] for name in windowed}
        for reason in ("spam", "no_reply_needed"):
            found[f"closed as {reason}"] = samples["emails_no_reply_needed", "28d", reason]
        for name in ("open", "pending", "overdue"):
            found[name] = samples[f"emails_{name}", "", ""]
        return found

    def settled_kpis(self) -> dict[str, float]:
        """The same, once two looks that are further apart than two renderings agree."""
        before = self.kpis()
        for _ in range(10):
            time.sleep(1.5)
            now = self.kpis()
            if now == before:
                break
            before = now
        return before


@pytest.fixture
def town(tansu: Tansu, dovecot: Dovecot, tmp_path: Path) -> Town:
    """A town whose mailbox is still empty."""
    return Town(tansu, dovecot, tmp_path)


def wait_for(condition: Callable[[], bool], *, child: Child, within: float = 60.0) -> None:
    """Until it is true; the child's log tells why it never was."""
    deadline = time.monotonic() + within
    while not condition():
        assert child.poll() is None, child.last_lines(40)
        assert time.monotonic() < deadline, child.last_lines(40)
        time.sleep(0.05)


def mail(
    message_id: str,
    sender: str,
    to: str,
    subject: str,
    *,
    references: Sequence[str] = (),
    headers: Sequence[str] = (),
) -> bytes:
    """A mail; what it says is nobody's business."""
    lines = [
        f"Message-ID: <{message_id}>",
        f"From: {sender}",
        f"To: {to}",
        f"Subject: {subject}",
        f"Date: Mon, 1 Jun 2026 09:00:00 +0200 ({message_id})",
        *headers,
    ]
    if references:
        lines.append("References: " + " ".join(f"<{name}>" for name in references))
        lines.append(f"In-Reply-To: <{references[-1]}>")
    return "\r\n".join([*lines, "", "HEMLIG TEXT", ""]).encode()


class Story:
    """Six days in a mailbox, told from this morning backwards."""

    def __init__(self) -> None:
        self._midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)

    def at(self, days_ago: int, clock: str) -> datetime:
        """A moment of a day before today."""
        hours, minutes = clock.split(":")
        moment = self._midnight - timedelta(days=days_ago)
        return moment + timedelta(hours=int(hours), minutes=int(minutes))

    def inbox(self) -> Iterator[tuple[bytes, datetime]]:
        """What came."""
        for number in range(NEWSLETTERS):
            letter = mail(
                f"news{number}@list.example", "news@list.example", OURS, "Nyheter",
                headers=["List-Id: <news.list.example>"],
            )  # fmt: skip
            yield letter, self.at(6, "08:00") + timedelta(seconds=number)
        # Anna asks, and is answered the same day.
        yield mail("anna1@a.example", "anna@a.example", OURS, "Fråga"), self.at(6, "09:00")
        # Bo gets a holding reply within two days, and his answer after four.
        yield mail("bo1@b.example", "bo@b.example", OURS, "Bygglov?"), self.at(6, "10:00")
        # His mail program knows of nobody's headers.
        yield (
            mail("bo2@b.example", "bo@b.example", OURS, "Autosvar: Bygglov?",
                 references=["bo1@b.example", "hold@provkommun.example"]),
            self.at(5, "10:01"),
        )  # fmt: skip
        # Cecilia goes on with a conversation whose beginning nobody has.
        yield (
            mail("cecilia2@c.example", "cecilia@c.example", OURS, "SV: Skola",
                 references=["cecilia1@c.example", "lost@provkommun.example"]),
            self.at(5, "09:00"),
        )  # fmt: skip
        # David's question goes to the builders; one of them answers, with a copy to the mailbox.
        yield mail("david1@d.example", "david@d.example", OURS, "Altan"), self.at(5, "11:00")
        yield (
            mail("exp1@provkommun.example", "erik@provkommun.example", "david@d.example",
                 "SV: Altan", references=["david1@d.example"], headers=[f"Cc: {OURS}"]),
            self.at(4, "09:00"),
        )  # fmt: skip
        # Eva is never answered, and reminds.
        yield mail("eva1@e.example", "eva@e.example", OURS, "Vatten"), self.at(6, "14:00")
        yield (
            mail("eva2@e.example", "eva@e.example", OURS, "SV: Vatten",
                 references=["eva1@e.example"]),
            self.at(5, "14:00"),
        )  # fmt: skip
        # Hans is answered by a colleague whose program keeps no references.
        yield mail("hans1@h.example", "hans@h.example", OURS, "Sopor"), self.at(4, "10:00")
        yield (
            mail("exp2@provkommun.example", "erik@provkommun.example", "hans@h.example", "Om sopor",
                 headers=[f"Cc: {OURS}"]),
            self.at(3, "10:00"),
        )  # fmt: skip
        # Machines and colleagues.
        yield (
            mail("ooo@x.example", "x@x.example", OURS, "Re: hej",
                 headers=["Auto-Submitted: auto-replied (vacation)"]),
            self.at(4, "08:00"),
        )  # fmt: skip
        yield (
            mail("bounce@mx.example", "MAILER-DAEMON@mx.example", OURS, "Undelivered",
                 headers=["Return-Path: <>",
                          "Content-Type: multipart/report; report-type=delivery-status"]),
            self.at(4, "08:30"),
        )  # fmt: skip
        yield (
            mail("note@provkommun.example", "erik@provkommun.example", OURS, "Fika?"),
            self.at(4, "14:00"),
        )
        # Anna says thank you, an hour ago.
        yield (
            mail("anna3@a.example", "anna@a.example", OURS, "Tack! SV: Fråga",
                 references=["anna1@a.example", "anna2@provkommun.example"]),
            datetime.now(UTC) - timedelta(hours=1),
        )  # fmt: skip

    def sent(self) -> Iterator[tuple[bytes, datetime]]:
        """What went out."""
        yield (
            mail("auto-1@provkommun.example", OURS, "anna@a.example", "Tack för ditt mejl",
                 references=["anna1@a.example"]),
            self.at(6, "09:01"),
        )  # fmt: skip
        yield (
            mail("anna2@provkommun.example", OURS, "anna@a.example", "SV: Fråga",
                 references=["anna1@a.example"]),
            self.at(6, "13:00"),
        )  # fmt: skip
        yield (
            mail("hold@provkommun.example", OURS, "bo@b.example", "[handläggs] SV: Bygglov?",
                 references=["bo1@b.example"]),
            self.at(5, "10:00"),
        )  # fmt: skip
        yield (
            mail("bo3@provkommun.example", OURS, "bo@b.example", "SV: Bygglov?",
                 references=["bo1@b.example"]),
            self.at(2, "10:00"),
        )  # fmt: skip
        # The program that wrote this has cut the chain off.
        yield (
            mail("cecilia3@provkommun.example", OURS, "cecilia@c.example", "SV: Skola",
                 references=["cecilia1@c.example"]),
            self.at(4, "09:00"),
        )  # fmt: skip
        yield (
            mail("fwd@provkommun.example", OURS, "bygglov@provkommun.example", "VB: Altan",
                 references=["david1@d.example"]),
            self.at(5, "12:00"),
        )  # fmt: skip

    def spam(self) -> Iterator[tuple[bytes, datetime]]:
        """What the server's filter took."""
        yield mail("spam@s.example", "win@s.example", OURS, "Vinst!"), self.at(4, "03:00")
        # Ida is no spammer, as somebody sees today.
        yield mail("ida@i.example", "ida@i.example", OURS, "Snabbt svar!"), self.at(3, "03:00")


AS_TOLD = {
    "received": 10.0,  # Anna twice, Bo, Cecilia, David, Eva, Gun, Hans, Ida, and the spam
    "automatic": 3.0 + NEWSLETTERS,
    "reminders": 1.0,  # Eva's
    "forwarded": 1.0,  # David's
    "first_replies": 5.0,
    "full_answers": 5.0,
    "met": 5.0,  # Anna, Bo, Cecilia, David, Hans
    "missed": 1.0,  # Eva
    "excluded": 2.0,
    "closed as spam": 1.0,
    "closed as no_reply_needed": 1.0,  # Anna's thanks
    "open": 3.0,
    "pending": 2.0,  # Gun, Ida
    "overdue": 1.0,  # Eva
}


def test_a_shared_mailbox_gives_the_kpis_of_its_story(town: Town) -> None:
    """Killed in mid-pass, cut off, renumbered: what the worker counts is what happened."""
    story, dovecot = Story(), town.dovecot
    for folder, mails in (
        ("INBOX", story.inbox()), ("Skickat", story.sent()), ("Skräppost", story.spam()),
    ):  # fmt: skip
        dovecot.deliver(USER, folder, mails)

    with town.source("killed") as killed:
        wait_for(lambda: "catching up" in killed.last_lines(), child=killed)
        killed.signal(signal.SIGKILL)
    types = {event["type"] for event in town.published()}

    assert "email.received" in types, "the kill came too early to prove anything"
    assert "heartbeat" not in types, "the kill came too late to prove anything"
    with closing(sqlite3.connect(town.folder / "state" / INDEX_FILE)) as index:
        assert index.execute("SELECT count(*) FROM imap_positions").fetchone() == (0,)

    with town.worker() as worker, town.source("second") as second:
        wait_for(lambda: town.through().year > 1970, child=second)
        dovecot.hang_up(USER)
        dovecot.deliver(
            USER, "INBOX",
            [(mail("gun@g.example", "gun@g.example", OURS, "Snö"), datetime.now(UTC))],
        )  # fmt: skip
        dovecot.move(USER, "anna3@a.example", "INBOX", "Avslutat")
        dovecot.move(USER, "cecilia2@c.example", "INBOX", "Skola")
        dovecot.move(USER, "ida@i.example", "Skräppost", "INBOX")
        happened = datetime.now(UTC)
        wait_for(lambda: town.through() > happened, child=second)

        assert town.settled_kpis() == AS_TOLD, worker.last_lines()
        assert second.stop() == 0, second.last_lines(40)

        dovecot.renumber(USER)
        renumbered = datetime.now(UTC)
        with town.source("third") as third:
            wait_for(lambda: town.through() > renumbered, child=third)

            assert "new numbers" in third.last_lines(400)
            assert town.settled_kpis() == AS_TOLD, worker.last_lines()

            # Once more, while somebody looks.
            dovecot.renumber(USER)
            renumbered = datetime.now(UTC)
            wait_for(lambda: town.through() > renumbered, child=third)

            assert town.settled_kpis() == AS_TOLD, worker.last_lines()
            assert worker.poll() is None

    times = defaultdict(set)
    for event in town.published():
        if "message" in event:
            mail_of = event["conversation"], event["message"], event.get("revision", 0)
            times[event["type"], *mail_of].add(event["at"])

    assert {len(told) for told in times.values()} == {1}, "a mail arrives once"
    assert [revision for *_, revision in times if revision] == [1], "and is rescued once"

    said = b"".join(path.read_bytes() for path in town.folder.rglob("*") if path.is_file())
    kept = json.dumps(town.published())
    for secret in ("HEMLIG", "Altan", "anna@a.example", "anna1@a.example", PASSWORD):
        assert secret not in kept
        places = secret.encode() in said.replace((PASSWORD + "\n").encode(), b"")
        assert not places, "nothing personal is stored or logged"

    with dovecot.client(USER) as client:
        client.select_folder("INBOX", readonly=True)
        assert client.search(["SEEN"]) == [], "nothing is marked as read"


def test_the_doctor_sees_what_a_source_would_read(town: Town) -> None:
    """Every folder with its role and newest mail, on a server that keeps to the rules."""
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    town.dovecot.deliver(USER, "Skickat", [(mail("d@d.example", OURS, "d@d.example", "Hej"), at)])
    found = list(diagnose(town.source_file, town.settings, wall_clock))
    facts = {finding.subject: finding.fact for finding in found}
    mailbox = "mailbox kontaktcenter"

    assert "logged in" in facts[mailbox]
    assert "IDLE" in facts[mailbox]
    assert f"read as sent mail; newest mail {at.isoformat()}" == facts[f"{mailbox}: folder Skickat"]
    assert facts[f"{mailbox}: folder Skräppost"].startswith("read as spam")
    assert facts[f"{mailbox}: not read"] == "Utkast"
    assert [f.subject for f in found if f.remedy and "Avslutat" not in f.subject] == []


def test_the_doctor_says_what_a_server_refuses(town: Town) -> None:
    """A wrong password, and a certificate of an authority that nobody knows."""
    password = town.source_file.parent / "password"
    password.write_text("wrong", encoding="utf-8")
    refused = list(diagnose(town.source_file, town.settings, wall_clock))[-1]

    assert refused.remedy is not None
    assert "refuses the login" in refused.remedy

    if town.dovecot.ca_file is None:
        pytest.skip("`openssl` is not installed, so this server has no certificate")
    text = town.source_file.read_text(encoding="utf-8")
    stranger = text.replace(f", ca_file: {town.dovecot.ca_file}", "")
    town.source_file.write_text(stranger, encoding="utf-8")
    unknown = list(diagnose(town.source_file, town.settings, wall_clock))[-1]

    assert unknown.remedy is not None
    assert "certificate does not convince" in unknown.remedy
