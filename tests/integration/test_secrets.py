"""No secret is written down: not in logs, not in `ps`, not in metrics, boards or dead letters.

Everything runs as in production, with passwords that look like nothing else, and things go wrong.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agents.children import Child
from agents.embedded import free_port
from agents.settings import load_settings
from agents.sources.http_tokens import create_token, hash_of
from agents.topic_admin import create_topics
from tests.certificates import needs_openssl
from tests.dovecot import PASSWORD as MAIL_PASSWORD
from tests.dovecot import Dovecot, DovecotMissingError, find_dovecot
from tests.secure_kafka import PASSWORDS, SecureKafka
from tests.secure_redis import REDIS_PASSWORDS, WORKER, SecureRedis, require_redis_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.integration, needs_openssl, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[2]
PSEUDONYM_KEY = "kp-Marmot-of-the-pseudonyms-0123456789"
SMTP_PASSWORD = "kp-Ermine-of-the-mail-server"  # noqa: S105 - not a real one
WRONG = "kp-Weasel-is-wrong"
EVENT = b'{"type":"call.entered","call":"1","queue":"vaxel","at":"2026-11-20T08:00:00Z"}'

CLUSTER = """version: 1
brokers: ["{broker}"]
partitions: 2
replication: 1
clock: events
data_dir: "{folder}/data"
security:
  protocol: SASL_SSL
  username: {user}
  password_file: {user}.password
  ca_file: {kafka_ca}
redis:
  url: {redis_url}
  username: {redis_user}
  password_file: redis.password
  ca_file: {redis_ca}
web: {{port: {web}}}
exports:
  smtp: {{host: "mail.exempelkommun.example:587", username: x, password_file: smtp.password}}
"""
HTTP = """version: 1
kind: http
port: {port}
metrics_port: {metrics}
tokens_file: http.tokens
producers:
  exchange: {{organisation: exempelkommun, sources: exchange}}
"""
IMAP = """version: 1
kind: imap
source: mailbox
state_dir: "{folder}/mail"
metrics_port: {metrics}
poll: 1 s
server: {{host: localhost, port: {port}, security: tls, ca_file: {ca}}}
accounts:
  kontaktcenter: {{user: kontakt, password_file: mail.password}}
  bygg: {{user: bygg, password_file: wrong.password}}
mails:
  organisation: exempelkommun
  mailboxes:
    kontaktcenter: {{addresses: [kontakt@exempelkommun.example]}}
    bygg: {{addresses: [bygg@exempelkommun.example]}}
  own_domains: [exempelkommun.example]
"""


class Site:
    """Configurations of a worker, an operator and two sources, and their secrets in files."""

    def __init__(self, folder: Path, kafka: SecureKafka, redis: SecureRedis) -> None:
        self.folder = folder
        self.token = create_token()
        self.web, self.http, self.metrics, self.mail_metrics = (free_port() for _ in range(4))
        files = {f"{user}.password": password for user, password in PASSWORDS.items()}
        files |= {
            "redis.password": REDIS_PASSWORDS[WORKER],
            "smtp.password": SMTP_PASSWORD,
            "mail.password": MAIL_PASSWORD,
            "wrong.password": WRONG,
            "pseudonym.key": PSEUDONYM_KEY,
            "http.tokens": f"exchange {hash_of(self.token)}",
            "http.yaml": HTTP.format(port=self.http, metrics=self.metrics),
        }
        for user in PASSWORDS:
            config = folder / user
            shutil.copytree(ROOT / "config" / "organisations", config / "organisations")
            (config / "kontaktpuls.yaml").write_text(
                CLUSTER.format(
                    broker=kafka.brokers,
                    folder=folder,
                    user=user,
                    kafka_ca=kafka.authority.file,
                    redis_url=redis.url,
                    redis_user=WORKER,
                    redis_ca=redis.authority.file,
                    web=self.web,
                ),
                encoding="utf-8",
            )
            for name, text in files.items():
                (config / name).write_text(f"{text}\n", encoding="utf-8")

    @property
    def secrets(self) -> set[str]:
        """All that must stand nowhere."""
        kafka, redis = PASSWORDS.values(), REDIS_PASSWORDS.values()
        return {*kafka, *redis, MAIL_PASSWORD, SMTP_PASSWORD, PSEUDONYM_KEY, WRONG, self.token}

    def follow_mail(self, dovecot: Dovecot) -> None:
        """Write the settings of the source for mail."""
        text = IMAP.format(
            folder=self.folder,
            metrics=self.mail_metrics,
            port=dovecot.tls_port,
            ca=dovecot.ca_file,
        )
        (self.folder / "source" / "imap.yaml").write_text(text, encoding="utf-8")

    def start(self, name: str, user: str, *arguments: str, **environ: str) -> Child:
        """A program of ours, as this user of Kafka."""
        return Child(
            name,
            [sys.executable, *arguments, "--config", str(self.folder / user)],
            log=self.folder / f"{name}.log",
            environment={
                "PYTHONPATH": str(ROOT),
                "KONTAKTPULS_PSEUDONYM_KEY_FILE": str(self.folder / user / "pseudonym.key"),
            }
            | environ,
        )

    def run(self, user: str, *arguments: str) -> str:
        """All that a command says until it ends."""
        done = subprocess.run(
            [sys.executable, "-m", "agents", *arguments, "--config", str(self.folder / user)],
            capture_output=True,
            check=False,
            text=True,
            timeout=100,
        )
        return done.stdout + done.stderr

    def get(self, port: int, path: str) -> str:
        """What is served there; empty while nobody listens."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            return error.read().decode()
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            return ""

    def post(self, token: str, body: bytes) -> tuple[int, str]:
        """Send an event to the HTTP source."""
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.http}/events", data=body, headers=headers
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            return 0, ""


@pytest.fixture
def dovecot() -> Iterator[Dovecot]:
    """A mail server."""
    try:
        find_dovecot()
    except DovecotMissingError as error:
        if os.environ.get("REQUIRE_DOVECOT"):
            pytest.fail(str(error))
        pytest.skip(str(error))
    with Dovecot() as server:
        yield server


def wait_for(condition: Callable[[], bool], *programs: Child, within: float = 90.0) -> None:
    """Until it is true; the logs tell why it never was."""
    deadline = time.monotonic() + within
    while not condition():
        for program in programs:
            assert program.poll() is None, program.last_lines(40)
            assert time.monotonic() < deadline, program.last_lines(40)
        time.sleep(0.1)


def command_lines(*programs: Child) -> str:
    """What `ps` shows of them."""
    return "".join(Path(f"/proc/{child.pid}/cmdline").read_text("utf-8") for child in programs)


def test_secrets_are_written_down_nowhere(
    kafka_with_tls: SecureKafka, dovecot: Dovecot, tmp_path: Path
) -> None:
    """While everything works, while everything is refused, and when a worker breaks."""
    require_redis_server()
    heard: dict[str, str] = {}
    with SecureRedis(tmp_path / "redis") as redis:
        site = Site(tmp_path, kafka_with_tls, redis)
        site.follow_mail(dovecot)
        source = str(site.folder / "source")
        create_topics(load_settings(site.folder / "operator", environ={}).cluster)
        with (
            site.start("worker", "worker", "-m", "agents", "worker") as worker,
            site.start(
                "http", "source", "-m", "agents", "source", "http", f"{source}/http.yaml"
            ) as http,
            site.start(
                "imap", "source", "-m", "agents", "source", "imap", f"{source}/imap.yaml"
            ) as imap,
        ):
            wait_for(lambda: site.post(site.token, EVENT)[0] == 202, http)
            heard["refused token"] = site.post(WRONG, EVENT)[1]
            heard["refused event"] = site.post(site.token, b'{"call":"' + WRONG.encode())[1]
            wait_for(lambda: 'view_up{view="redis"} 1.0' in site.get(site.web, "/metrics"), worker)
            # One mailbox answers, the other refuses the password.
            wait_for(lambda: "following a mailbox" in imap.last_lines(40), imap)
            wait_for(lambda: "refuses the login" in imap.last_lines(40), imap)
            heard["ps"] = command_lines(worker, http, imap)
            for name, port, path in (
                ("worker's metrics", site.web, "/metrics"),
                ("readiness", site.web, "/readyz"),
                ("board", site.web, "/board/exempelkommun"),
                ("metrics of http", site.metrics, "/metrics"),
                ("readiness of http", site.http, "/readyz"),
                ("metrics of imap", site.mail_metrics, "/metrics"),
            ):
                heard[name] = site.get(port, path)
                assert heard[name], f"nothing was served as {name}"
            assert redis.child is not None
            redis.child.kill()
            site.post(site.token, EVENT.replace(b'"1"', b'"2"'))
            wait_for(lambda: 'view_up{view="redis"} 0.0' in site.get(site.web, "/metrics"), worker)
            heard["readiness without redis"] = site.get(site.web, "/readyz")
        heard |= {child.name: child.log.read_text("utf-8") for child in (worker, http, imap)}

    heard["letters"] = site.run("operator", "dead-letters", "list", "--format", "json")
    heard["doctor"] = site.run("worker", "doctor")
    heard["broken"] = broken(site)
    heard["refused"] = refused(site)

    assert json.loads(heard["letters"]) == []
    assert "Traceback" in heard["broken"]
    assert "password" in heard["refused"]
    for name, text in heard.items():
        for secret in site.secrets:
            assert secret not in text, name


def refused(site: Site) -> str:
    """What everybody says whose password is wrong."""
    said = []
    for user in ("worker", "source", "operator"):
        shutil.copy(site.folder / user / "wrong.password", site.folder / user / f"{user}.password")
    shutil.copy(site.folder / "source" / "wrong.password", site.folder / "source" / "mail.password")
    said.append(site.run("worker", "worker"))
    said.append(site.run("source", "source", "http", str(site.folder / "source" / "http.yaml")))
    said.append(site.run("operator", "topics", "create"))
    said.append(site.run("source", "doctor", "imap", str(site.folder / "source" / "imap.yaml")))
    return "\n".join(said)


def broken(site: Site) -> str:
    """The last words of a worker that runs into a bug of ours, with an event at hand."""
    events = site.folder / "events.jsonl"
    events.write_text(json.dumps({**json.loads(EVENT), "organisation": "exempelkommun"}))
    site.run("source", "publish", str(events))
    with Child(
        "broken",
        [
            sys.executable,
            "-m",
            "tests.faulty_worker",
            str(site.folder / "worker"),
            "an agent raises",
        ],
        log=site.folder / "broken.log",
        environment={"PYTHONPATH": str(ROOT)},
    ) as worker:
        deadline = time.monotonic() + 90
        while worker.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
        return worker.log.read_text(encoding="utf-8")


def test_settings_hide_their_secrets_from_whoever_prints_them(tmp_path: Path) -> None:
    """A traceback or a debugger shows settings, and not the passwords in them."""
    shutil.copytree(ROOT / "config" / "organisations", tmp_path / "organisations")
    (tmp_path / "kontaktpuls.yaml").write_text(
        "version: 1\nbrokers: [a:1]\nsecurity: {protocol: SASL_SSL, username: me}\n"
        "exports: {smtp: {username: me}}\n",
        encoding="utf-8",
    )
    settings = load_settings(
        tmp_path,
        environ={
            "KONTAKTPULS_KAFKA_PASSWORD": PASSWORDS["worker"],
            "KONTAKTPULS_REDIS_URL": f"redis://me:{REDIS_PASSWORDS[WORKER]}@127.0.0.1/0",
            "KONTAKTPULS_EXPORTS_SMTP_PASSWORD": SMTP_PASSWORD,
        },
    )

    for text in (repr(settings), str(settings), f"{settings.cluster}"):
        assert "kp-" not in text
