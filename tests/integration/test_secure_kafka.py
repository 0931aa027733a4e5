"""Kafka with TLS, passwords and rights: all of it works, and every refusal says what is wrong."""

from __future__ import annotations

import gc
import json
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from kafka import KafkaProducer

from agents import kafka_clients
from agents.children import Child
from agents.commands.worker import check_topics
from agents.embedded import free_port
from agents.kafka_clients import producer_options
from agents.preflight import RuntimeRefusedError
from agents.publisher import create_publisher
from agents.runtime import partition_of
from agents.settings import Settings, load_settings
from agents.sources.outbox import KafkaRefusedError, create_outbox
from agents.topic_admin import create_topics
from streams.errors import KontaktpulsError
from streams.events import CallEntered
from streams.topics import CALLS
from tests.certificates import Authority, needs_openssl
from tests.secure_kafka import PASSWORDS, SecureKafka

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agents.settings import Cluster

pytestmark = [
    pytest.mark.integration,
    needs_openssl,
    # A client of kafka-python that was refused drops its sockets instead of closing them.
    pytest.mark.filterwarnings(r"ignore:Exception ignored in. <(ssl\.SSLSocket|socket\.socket)"),
]

ROOT = Path(__file__).parents[2]
ORGANISATION = "exempelkommun"
PARTITIONS = 2


@pytest.fixture(autouse=True)
def swept() -> Iterator[None]:
    """What was dropped here is found here, and not in somebody else's test."""
    yield
    gc.collect()


class Site:
    """A configuration folder for one user of the broker."""

    def __init__(self, broker: SecureKafka, folder: Path, user: str = "worker") -> None:
        self.web = free_port()
        self.config = folder / user
        self._log = folder / f"{user}.log"
        shutil.copytree(ROOT / "config" / "organisations", self.config / "organisations")
        (self.config / "password").write_text(f"{PASSWORDS[user]}\n", encoding="utf-8")
        (self.config / "kontaktpuls.yaml").write_text(
            f"""version: 1
brokers: ["{broker.brokers}"]
partitions: {PARTITIONS}
replication: 1
clock: events
data_dir: "{folder / "data"}"
redis: {{enabled: false}}
web: {{port: {self.web}}}
security:
  protocol: SASL_SSL
  username: {user}
  password_file: password
  ca_file: {broker.authority.file}
""",
            encoding="utf-8",
        )

    def settings(self, **environ: str) -> Settings:
        """What it says, with variables laid over it."""
        return load_settings(
            self.config,
            environ={f"KONTAKTPULS_{name}": value for name, value in environ.items()},
        )

    def worker(self, **environ: str) -> Child:
        """A worker, starting."""
        program = [sys.executable, "-m", "agents", "worker", "--config", str(self.config)]
        variables = {f"KONTAKTPULS_{name}": value for name, value in environ.items()}
        return Child("worker", program, log=self._log, environment=variables)

    def metric(self, name: str) -> float:
        """The sum of the samples of a metric; 0 while nothing is served."""
        try:
            url = f"http://127.0.0.1:{self.web}/metrics"
            with urllib.request.urlopen(url, timeout=5) as answer:
                text = answer.read().decode()
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            return 0.0
        found = re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE)
        return sum(map(float, found))


def entered(number: int) -> CallEntered:
    """Somebody calls."""
    return CallEntered(
        organisation=ORGANISATION,
        call=str(number),
        queue="vaxel",
        at=datetime(2026, 11, 20, 8, tzinfo=UTC),
    )


def line(number: int) -> str:
    """The same as a line of a file."""
    event = {"type": "call.entered", "organisation": ORGANISATION, "call": str(number)}
    return json.dumps(event | {"queue": "vaxel", "at": "2026-11-20T08:00:00Z"}) + "\n"


@pytest.mark.timeout(240)
def test_everybody_gets_along_with_the_rights_in_the_manual(
    kafka_with_tls: SecureKafka, tmp_path: Path
) -> None:
    """An operator makes topics, a file and a source are sent, a worker stores all it is told."""
    operator, source, worker = (
        Site(kafka_with_tls, tmp_path, user) for user in ("operator", "source", "worker")
    )
    made = kontaktpuls("topics", "create", config=operator.config)
    sent = kontaktpuls("publish", "-", config=source.config, text="".join(map(line, range(3))))
    settings = source.settings()
    outbox = create_outbox(settings.cluster, settings.organisations, stopping=threading.Event())
    outbox.deliver([entered(number) for number in range(3, 6)], within=60)
    outbox.close()
    astray(settings.cluster)

    assert made.returncode == sent.returncode == 0, made.stderr + sent.stderr

    with worker.worker() as running:
        # Applied, and forwarded to its own partition and applied there, and rejected.
        wait_for(lambda: worker.metric("kontaktpuls_contacts_retained") == 7, running)
        wait_for(lambda: worker.metric("kontaktpuls_events_rejected_total") == 1, running)
        wait_for(lambda: worker.metric("kontaktpuls_commits_total") >= 1, running)

        assert running.stop(grace=20) == 0, running.last_lines(40)

    with worker.worker() as again:
        wait_for(lambda: worker.metric("kontaktpuls_contacts_retained") == 7, again)

    written = running.log.read_text(encoding="utf-8") + made.stderr + sent.stderr
    assert not any(password in written for password in PASSWORDS.values())


def astray(cluster: Cluster) -> None:
    """One event on a foreign partition, and something that is none."""
    producer = KafkaProducer(**producer_options(cluster))
    home = partition_of(ORGANISATION, PARTITIONS)
    for value in (line(6).encode(), b"no event"):
        producer.send(CALLS, key=ORGANISATION.encode(), value=value, partition=1 - home)
    producer.flush(timeout=60)
    producer.close(timeout=5)


def kontaktpuls(*arguments: str, config: Path, text: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "agents", *arguments, "--config", str(config)],
        input=text,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def wait_for(condition: Callable[[], bool], worker: Child, *, within: float = 90.0) -> None:
    """Until it is true; the worker's log tells why it never was."""
    deadline = time.monotonic() + within
    while not condition():
        assert worker.poll() is None, worker.last_lines(40)
        assert time.monotonic() < deadline, worker.last_lines(40)
        time.sleep(0.1)


# -- refusals ------------------------------------------------------------------------------


def create(settings: Settings) -> None:
    """`kontaktpuls topics create`."""
    create_topics(settings.cluster)


def publish(settings: Settings) -> None:
    """`kontaktpuls publish`."""
    create_publisher(settings.cluster)


def start_worker(settings: Settings) -> None:
    """What a worker looks at before it starts."""
    check_topics(settings.cluster)


WRONG = "kp-Weasel-is-wrong"
REFUSALS = [
    pytest.param(
        WRONG,
        {},
        "`{broker}` refuses the user `worker` with this password; mend `security.username` or the "
        "password, or have the user made there",
        id="wrong password",
    ),
    pytest.param(
        None,
        {"KAFKA_USERNAME": "nobody"},
        "`{broker}` refuses the user `nobody` with this password; mend `security.username` or the "
        "password, or have the user made there",
        id="unknown user",
    ),
    pytest.param(
        None,
        {"KAFKA_MECHANISM": "SCRAM-SHA-256"},
        "`{broker}` does not take passwords by `SCRAM-SHA-256`; write the mechanism it knows under "
        "`security.mechanism`",
        id="another mechanism",
    ),
    pytest.param(
        None,
        {"KAFKA_CA_FILE": "{stranger}"},
        "`{broker}` shows a certificate that must not be trusted: unable to get local issuer "
        "certificate; name the certificate of whoever signed it under `security.ca_file`",
        id="unknown authority",
    ),
    pytest.param(
        None,
        {"BROKERS": "localhost:{port}"},
        "`localhost:{port}` shows a certificate that must not be trusted: Hostname mismatch, "
        "certificate is not valid for 'localhost'; write the name that stands in it under "
        "`brokers`",
        id="certificate of another host",
    ),
    pytest.param(
        None,
        {"BROKERS": "127.0.0.1:{plain}"},
        "`127.0.0.1:{plain}` does not speak TLS as `protocol: SASL_SSL` wants it; write the port "
        "on which it does under `brokers`",
        id="port without TLS",
    ),
]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients that try in vain for a second only."""
    monkeypatch.setattr(kafka_clients, "BOOTSTRAP_PATIENCE_MS", 1_000)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(("password", "environ", "sentence"), REFUSALS)
def test_every_client_says_why_kafka_cannot_be_spoken_to(
    kafka_with_tls: SecureKafka,
    tmp_path: Path,
    password: str | None,
    environ: dict[str, str],
    sentence: str,
) -> None:
    """One sentence each, with what to do, and never the password."""
    stranger = Authority(tmp_path / "stranger")
    names = {
        "broker": kafka_with_tls.brokers,
        "port": kafka_with_tls.port,
        "plain": kafka_with_tls.port + 1,
        "stranger": stranger.file,
    }
    site = Site(kafka_with_tls, tmp_path)
    (site.config / "password").write_text(password or PASSWORDS["worker"])
    settings = site.settings(**{key: text.format(**names) for key, text in environ.items()})
    said: dict[str, str] = {}
    for client in (create, publish, start_worker):
        with pytest.raises(KontaktpulsError) as refused:
            client(settings)
        said[client.__name__] = str(refused.value)

    assert said == dict.fromkeys(said, sentence.format(**names))


def test_a_source_does_not_wait_for_a_kafka_that_refuses_it(
    kafka_with_tls: SecureKafka, tmp_path: Path
) -> None:
    """Unlike for one that is away: waiting does not help."""
    site = Site(kafka_with_tls, tmp_path)
    (site.config / "password").write_text(WRONG)
    settings = site.settings()

    with pytest.raises(KafkaRefusedError, match="refuses the user `worker` with this password"):
        create_outbox(settings.cluster, settings.organisations, stopping=threading.Event())


def test_a_worker_with_a_wrong_password_ends_with_one_sentence(
    kafka_with_tls: SecureKafka, tmp_path: Path
) -> None:
    """On its standard error, and with a code that is not zero; within its time-out."""
    site = Site(kafka_with_tls, tmp_path)
    (site.config / "password").write_text(WRONG)
    done = kontaktpuls("worker", config=site.config)

    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "refuses the user `worker`" in done.stderr
    assert WRONG not in done.stderr


@pytest.mark.usefixtures("impatient")
def test_a_worker_without_its_rights_is_told_which(
    kafka_with_tls: SecureKafka, tmp_path: Path
) -> None:
    """Without the right to its group it would wait for ever, and say nothing."""
    create_topics(Site(kafka_with_tls, tmp_path, "operator").settings().cluster)
    site = Site(kafka_with_tls, tmp_path, "source")

    with pytest.raises(RuntimeRefusedError) as refused:
        start_worker(site.settings())
    said = str(refused.value)
    assert said.startswith("Kafka does not let `source` read topic `kontaktpuls.calls`, ")
    assert "read as group `kontaktpuls`" in said
    assert "write topic `kontaktpuls-cohorts-changelog`" in said
    assert "write topic `kontaktpuls.calls`" not in said
