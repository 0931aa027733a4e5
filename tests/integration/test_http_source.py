"""`kontaktpuls source http` as its users run it: killed, restarted, and with Kafka gone."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
import threading
import time
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from kafka import KafkaConsumer, TopicPartition

from agents.children import Child
from agents.embedded import free_port
from agents.sources.http_tokens import create_token, hash_of
from streams.codec import decode_event
from streams.events import CallEntered, Heartbeat
from streams.topics import CALLS, SURVEYS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agents.embedded import Tansu
    from streams.events import AnyEvent
    from tests.kafka_server import Kafka

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/sources/http.md"
SEED = int(os.environ.get("HTTP_SOURCE_SEED", "20260302"))

pytestmark = pytest.mark.integration


class HttpSource:
    """The server as a process of its own, with its settings in a folder."""

    def __init__(self, folder: Path, brokers: str, *, embedded: bool) -> None:
        self.port = free_port()
        self.token = create_token()
        self.file = folder / "http.yaml"
        self.environment = {
            "KONTAKTPULS_BROKERS": brokers,
            "KONTAKTPULS_EMBEDDED": str(embedded).lower(),
            "KONTAKTPULS_PARTITIONS": "2",
            "KONTAKTPULS_REPLICATION": "1",
        }
        self.child: Child | None = None
        self._log = folder / "http.log"
        self.file.write_text(
            f"version: 1\nkind: http\nport: {self.port}\ntokens_file: http.tokens\nproducers:\n"
            "  exchange: {organisation: exempelkommun, sources: exchange}\n"
            "  surveys: {organisation: exempelkommun, sources: survey, vouch_after: 1 s}\n",
            encoding="utf-8",
        )
        (folder / "http.tokens").write_text(
            f"exchange {hash_of(self.token)}\nsurveys {hash_of(create_token())}\n",
            encoding="utf-8",
        )

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of ours to its end."""
        return subprocess.run(
            [sys.executable, "-m", "agents", *arguments],
            capture_output=True,
            check=False,
            cwd=ROOT,
            env=os.environ | self.environment,
            text=True,
            timeout=60,
        )

    def start(self) -> Child:
        """Start it, without waiting until it listens."""
        program = [sys.executable, "-m", "agents", "source", "http", str(self.file)]
        self.child = Child("http", program, log=self._log, environment=self.environment)
        return self.child

    def wait(self, seconds: float = 30) -> None:
        """Until it listens."""
        deadline = time.monotonic() + seconds
        while self.get("/livez") != 200:
            assert self.child is not None
            assert self.child.poll() is None, self.child.last_lines()
            assert time.monotonic() < deadline, self.child.last_lines()
            time.sleep(0.05)

    def get(self, path: str) -> int:
        """The status of an answer; 0 for none."""
        return self._ask("GET", path, None)

    def post(self, lines: list[bytes]) -> int:
        """Send events; the status of the answer, 0 for none."""
        return self._ask("POST", "/events", b"\n".join(lines))

    def _ask(self, method: str, path: str, body: bytes | None) -> int:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/x-ndjson"}
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            answer.read()
        except (OSError, HTTPException):
            return 0
        else:
            return answer.status
        finally:
            connection.close()


@contextlib.contextmanager
def http_source(folder: Path, brokers: str, *, embedded: bool) -> Iterator[HttpSource]:
    """A source that has not been started yet; it ends with the block."""
    source = HttpSource(folder, brokers, embedded=embedded)
    source.command("topics", "create")
    try:
        yield source
    finally:
        if source.child is not None:
            source.child.kill()


def events_on(topic: str, brokers: str) -> list[AnyEvent]:
    """All events of a topic, up to its present end."""
    consumer = KafkaConsumer(bootstrap_servers=brokers, auto_offset_reset="earliest", group_id=None)
    try:
        places = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic)]
        consumer.assign(places)
        ends = consumer.end_offsets(places)
        found: list[AnyEvent] = []
        deadline = time.monotonic() + 60
        while any(consumer.position(place) < end for place, end in ends.items()):
            assert time.monotonic() < deadline
            for batch in consumer.poll(timeout_ms=200).values():
                found += [decode_event(record.value) for record in batch]
        return found
    finally:
        consumer.close()


# -- nothing is lost -----------------------------------------------------------------------


def encoded(call: str) -> bytes:
    """An event about a call, as an exchange writes it."""
    event = {"type": "call.entered", "call": call, "queue": "vaxel", "at": "2026-03-02T08:00:00Z"}
    return json.dumps(event).encode()


def keep_sending(source: HttpSource, name: str, chance: random.Random, sent: set[str]) -> None:
    """Send events in requests of any size, each again until it is answered with 202."""
    for request in range(40):
        calls = [f"{name}-{request}-{n}" for n in range(chance.choice([1, 1, 1, 5, 200]))]
        lines = [encoded(call) for call in calls]
        while source.post(lines) != 202:
            time.sleep(chance.uniform(0.05, 0.3))
        sent.update(calls)
        time.sleep(chance.uniform(0.0, 0.2))


@pytest.mark.timeout(240)
def test_what_was_answered_with_202_is_in_kafka(kafka: Kafka, tmp_path: Path) -> None:
    """However often the source is killed and Kafka is away, and nothing else is there."""
    print(f"seed: {SEED} (HTTP_SOURCE_SEED)")  # noqa: T201 - to play it again
    chance = random.Random(SEED)  # noqa: S311 - a test to be repeated, no secret
    sent: list[set[str]] = [set() for _ in range(3)]
    run = f"run-{time.time_ns()}"
    with http_source(tmp_path, kafka.brokers, embedded=False) as source:
        senders = [
            threading.Thread(
                target=keep_sending,
                args=(source, f"{run}-{number}", random.Random(chance.random()), mine),  # noqa: S311
                daemon=True,
            )
            for number, mine in enumerate(sent)
        ]
        child = source.start()
        for sender in senders:
            sender.start()
        for turn in range(6):
            source.wait()
            time.sleep(chance.uniform(0.2, 1.0))
            if turn == 3:
                kafka.stop()
                time.sleep(chance.uniform(1.0, 3.0))
                kafka.start()
            else:
                child.kill()
                child = source.start()
        for sender in senders:
            sender.join(timeout=120)
        alive = [sender for sender in senders if sender.is_alive()]
        code = child.stop(grace=20)

    found = [
        event
        for event in events_on(CALLS, kafka.brokers)
        if isinstance(event, CallEntered) and event.call.startswith(run)
    ]
    assert alive == []
    assert code == 0, child.last_lines()
    assert {event.call for event in found} == set().union(*sent)
    assert {(event.organisation, event.queue) for event in found} == {("exempelkommun", "vaxel")}


def test_it_speaks_for_a_producer_and_stops_when_told(tansu: Tansu, tmp_path: Path) -> None:
    """Heartbeats once a second on the topic of the source; SIGTERM ends it soon, with code 0."""
    with http_source(tmp_path, tansu.brokers, embedded=True) as source:
        child = source.start()
        source.wait()
        beats: list[Heartbeat] = []
        deadline = time.monotonic() + 30
        while len(beats) < 3 and time.monotonic() < deadline:
            found = events_on(SURVEYS, tansu.brokers)
            beats = [event for event in found if isinstance(event, Heartbeat)]
            time.sleep(0.2)
        began = time.monotonic()
        code = child.stop(grace=20)
        took = time.monotonic() - began

    assert code == 0, child.last_lines()
    assert took < 10
    assert {(beat.organisation, beat.source) for beat in beats} == {("exempelkommun", "survey")}
    assert len({beat.through for beat in beats}) == len(beats) >= 3


def test_it_does_not_start_on_settings_that_are_wrong(tmp_path: Path) -> None:
    """It says what to mend, and exits with 1."""
    source = HttpSource(tmp_path, "127.0.0.1:1", embedded=False)
    source.file.write_text(
        source.file.read_text("utf-8").replace("sources: survey", "sources: serveys"), "utf-8"
    )
    done = source.command("source", "http", str(source.file))

    assert done.returncode == 1
    assert "producers.surveys.sources: `serveys` is no source of `exempelkommun`" in done.stderr
    assert "did you mean `survey`?" in done.stderr


# -- the pages are true --------------------------------------------------------------------


@pytest.mark.skipif(shutil.which("curl") is None, reason="`curl` is not there to play the page")
def test_the_examples_of_the_page_are_true(tansu: Tansu, tmp_path: Path) -> None:
    """Every `curl` on the page is answered as the page says."""
    page = PAGE.read_text("utf-8")
    curls = re.findall(r"```sh\n(curl .*?)```\n\n```json\n(.*?)```", page, re.DOTALL)
    with http_source(tmp_path, tansu.brokers, embedded=True) as source:
        source.start()
        source.wait()
        answers = [
            subprocess.run(
                ["bash", "-c", text.replace("127.0.0.1:9466", f"127.0.0.1:{source.port}")],
                capture_output=True,
                check=True,
                env=os.environ | {"TOKEN": source.token},
                timeout=60,
            ).stdout
            for text, _ in curls
        ]

    assert len(curls) == page.count("\ncurl ") == 3
    assert [json.loads(answer) for answer in answers] == [json.loads(told) for _, told in curls]


@pytest.mark.timeout(240)
def test_the_contract_holds_against_whatever_schemathesis_thinks_of(
    tansu: Tansu, tmp_path: Path
) -> None:
    """Valid requests are taken, invalid ones refused, and every answer is one the page names."""
    with http_source(tmp_path, tansu.brokers, embedded=True) as source:
        source.start()
        source.wait()
        done = subprocess.run(
            [
                Path(sys.executable).with_name("schemathesis"), "run", ROOT / "docs/openapi.yaml",
                "--url", f"http://127.0.0.1:{source.port}", "--seed", "1", "--max-examples", "50",
                "--header", f"Authorization: Bearer {source.token}", "--no-color",
                "--continue-on-failure", "--request-timeout", "20",
            ],
            capture_output=True,
            check=False,
            cwd=tmp_path,
            env=os.environ | {"SCHEMATHESIS_HOOKS": "tests.http_hooks", "PYTHONPATH": str(ROOT)},
            text=True,
            timeout=200,
        )  # fmt: skip

    assert done.returncode == 0, done.stdout[-5_000:] + done.stderr[-2_000:]
    assert re.search(r"[0-9]{3,} passed", done.stdout)
