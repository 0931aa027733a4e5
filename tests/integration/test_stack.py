"""The stack of `docker-compose.yml`, started natively: the same commands, variables and files.

No container engine runs here, so names of services become loopback ports and paths inside
containers become paths of a scratch folder; nothing else of a command is changed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from redis import AuthenticationError, Redis
from ruamel.yaml import YAML

from agents.children import Child
from agents.embedded import Tansu, free_port
from streams.conventions import Label, Monitor
from tests.monitoring import LOOPBACK, tool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = YAML(typ="safe").load(ROOT / "docker-compose.yml")
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
PORTS = {
    ("kafka", 9092), ("redis", 6379), ("worker-1", 9464), ("worker-2", 9464),
    ("prometheus", 9090), ("alertmanager", 9093),
}  # fmt: skip
PROGRAMS = {"prometheus": "prometheus", "alertmanager": "prometheus-alertmanager"}
"""What the images of these run; the others name their program in the compose file."""
# An alert that Prometheus sends before Alertmanager listens is sent again only after a minute
# (`--rules.alert.resend-delay`), at the next evaluation of a group on a busy machine.
PATIENCE = 150.0


class Stack:
    """The services of the compose file that can be had without containers.

    Attributes:
        ports: on the loopback interface, by service and port inside.
        children: what runs, by service.
    """

    def __init__(self, folder: Path, broker: Tansu) -> None:
        self.folder = folder
        self.ports = {place: free_port() for place in PORTS}
        self.ports["kafka", 9092] = broker.port
        self.children: dict[str, Child] = {}
        secrets = folder / "run" / "secrets"
        secrets.mkdir(parents=True)
        for name in COMPOSE["secrets"]:
            (secrets / name).write_text(f"the {name}\n", encoding="utf-8")

    def start(self, name: str) -> Child:
        """Start a service as compose would, and remember it."""
        command, environment = self.command(name), self.environment(name)
        log = self.folder / f"{name}.log"
        child = Child(name, command, log=log, environment=environment)
        self.children[name] = child
        return child

    def run(self, name: str) -> None:
        """Run a service that ends by itself."""
        with self.start(name) as child:
            wait_for(lambda: child.poll() is not None, child.last_lines)

            assert child.poll() == 0, child.last_lines()

    def command(self, name: str) -> list[str]:
        """What a container of the service runs."""
        service = SERVICES[name]
        words = [self.native(name, word) for word in service["command"]]
        if "build" in service:
            return [sys.executable, "-m", "agents", *words]
        if name in PROGRAMS:
            port = self.port(name)
            return [tool(PROGRAMS[name]), *words, f"--web.listen-address={LOOPBACK}:{port}"]
        # The shell of the redis image; the server's own port is the only thing compose leaves out.
        words[-1] += f" --port {self.port(name)} --bind {LOOPBACK}"
        return words

    def environment(self, name: str) -> dict[str, str]:
        """The variables a container of the service has when compose itself is given none."""
        variables = {
            key: self.native(name, value)
            for key, value in SERVICES[name].get("environment", {}).items()
        }
        if SERVICES[name].get("command") == ["worker"]:
            variables["KONTAKTPULS_WEB_PORT"] = str(self.port(name))
            # Tansu is not Kafka: one record a batch, and nothing else, is different.
            variables["KONTAKTPULS_EMBEDDED"] = "true"
        if "build" in SERVICES[name]:
            # A container of ours works in /app, where `config` is the mounted folder.
            variables["KONTAKTPULS_CONFIG"] = self.native(name, "/app/config")
        return variables | {"PYTHONPATH": str(ROOT)}

    def native(self, name: str, text: str) -> str:
        """A word of the compose file with its names, paths and defaults as they are here."""
        text = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text).replace("$$", "$")
        text = self.addressed(text)
        for source, inside in self.mounts(name).items():
            text = re.sub(rf"(?<![\w.]){re.escape(inside)}(?=[/ ]|$)", str(source), text)
        text = text.replace("/run/secrets", str(self.folder / "run" / "secrets"))
        return text.replace("0.0.0.0", LOOPBACK).replace(  # noqa: S104 - taken out here
            "/tmp/kontaktpuls",  # noqa: S108 - the container's
            str(self.folder / name / "tmp"),
        )

    def addressed(self, text: str) -> str:
        """A text with the addresses of services as they are here."""
        for (service, port), here in self.ports.items():
            text = text.replace(f"{service}:{port}", f"{LOOPBACK}:{here}")
        return text

    def mounts(self, name: str) -> dict[Path, str]:
        """Folders of this machine by what a container of the service calls them."""
        mounts = {}
        for volume in SERVICES[name].get("volumes", []):
            source, inside, *_ = volume.split(":")
            place = self.folder / name / source
            if source.startswith("./"):
                if not place.exists():
                    shutil.copytree(ROOT / source, place)
            elif not source.startswith("/"):
                place.mkdir(parents=True, exist_ok=True)
            mounts[place] = inside
        return mounts

    def translate(self, name: str, file: str) -> None:
        """Put the ports of this machine into a mounted configuration file."""
        (path,) = (self.folder / name).rglob(file)
        path.write_text(self.addressed(path.read_text(encoding="utf-8")), encoding="utf-8")

    def port(self, name: str) -> int:
        """The one port of a service, as it is here."""
        (port,) = (here for (service, _), here in self.ports.items() if service == name)
        return port

    def is_well(self, name: str) -> bool:
        """Whether the service's own health check, as compose would run it, is content."""
        kind, *words = SERVICES[name]["healthcheck"]["test"]
        (inside,) = (port for service, port in self.ports if service == name)
        words = [
            self.native(name, word).replace(
                f"127.0.0.1:{inside}/", f"{LOOPBACK}:{self.port(name)}/"
            )
            for word in words
        ]
        if kind == "CMD-SHELL":
            words = ["sh", "-c", words[0].replace("redis-cli", f"redis-cli -p {self.port(name)}")]
        elif words[0] == "python":
            words[0] = sys.executable
        elif words[0] == "wget" and shutil.which("wget") is None:
            return bool(answers(words[-1]))
        done = subprocess.run(words, check=False, capture_output=True, timeout=10)
        return done.returncode == 0

    def ask(self, name: str, path: str) -> Any:
        """What a service answers over HTTP."""
        return json.loads(answers(f"http://{LOOPBACK}:{self.port(name)}{path}"))


def answers(url: str) -> bytes:
    """The body at a loopback address; empty while nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - loopback
            body: bytes = answer.read()
            return body
    except OSError:
        return b""


def wait_for(condition: Callable[[], bool], otherwise: Callable[[], str]) -> None:
    """Return when a condition holds; fail with an explanation when patience ends."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, otherwise()
        time.sleep(0.1)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Everything of the compose file but Grafana, a Kafka-compatible broker in Kafka's place."""
    for name in ("redis-server", *PROGRAMS.values()):
        tool(name)
    with ExitStack() as running:
        broker = running.enter_context(Tansu())
        stack = Stack(tmp_path_factory.mktemp("stack"), broker)
        running.enter_context(stack.start("redis"))
        stack.run("topics")
        for name in ("worker-1", "worker-2", "prometheus", "alertmanager"):
            stack.mounts(name)
        stack.translate("prometheus", "prometheus.yml")
        for name in ("worker-1", "worker-2", "alertmanager", "prometheus"):
            running.enter_context(stack.start(name))
        yield stack


@pytest.mark.parametrize("name", ["redis", "worker-1", "worker-2", "prometheus", "alertmanager"])
def test_every_service_comes_up_and_its_own_health_check_says_so(stack: Stack, name: str) -> None:
    """What compose would wait for happens."""
    child = stack.children[name]
    wait_for(lambda: stack.is_well(name), child.last_lines)

    assert child.poll() is None


def test_redis_asks_for_the_password_that_the_workers_have(stack: Stack) -> None:
    """Nobody reads the view without the secret, and the workers do."""
    wait_for(lambda: stack.is_well("redis"), stack.children["redis"].last_lines)
    port, password = stack.port("redis"), "the redis_password"
    with Redis(port=port, password=password, socket_timeout=5, decode_responses=True) as redis:
        assert redis.config_get("appendonly") == {"appendonly": "yes"}
    with Redis(port=port, socket_timeout=5) as stranger, pytest.raises(AuthenticationError):
        stranger.ping()


def test_both_workers_share_the_partitions(stack: Stack) -> None:
    """Two members of one group, each ready, no partition twice."""

    def owned_by_each() -> list[set[str]]:
        found = []
        for name in ("worker-1", "worker-2"):
            text = answers(f"http://{LOOPBACK}:{stack.port(name)}/metrics").decode()
            pattern = rf'^{Monitor.OWNED}\{{{Label.PARTITION}="(\d+)"\}} 1'
            found.append(set(re.findall(pattern, text, re.MULTILINE)))
        return found

    wait_for(lambda: all(owned_by_each()), stack.children["worker-2"].last_lines)
    first, second = owned_by_each()

    assert not first & second


def test_prometheus_reaches_every_worker_and_alertmanager(stack: Stack) -> None:
    """The mounted configuration names each of them as compose does."""

    def targets() -> dict[str, str]:
        active = stack.ask("prometheus", "/api/v1/targets")["data"]["activeTargets"]
        return {t["scrapeUrl"]: t["health"] for t in active if t["labels"]["job"] == "kontaktpuls"}

    wait_for(lambda: bool(answers(f"http://{LOOPBACK}:{stack.port('prometheus')}/-/ready")), str)
    wait_for(lambda: list(targets().values()) == ["up", "up"], lambda: str(targets()))
    managers = stack.ask("prometheus", "/api/v1/alertmanagers")["data"]["activeAlertmanagers"]
    rules = stack.ask("prometheus", "/api/v1/rules")["data"]["groups"]

    assert [f"http://{LOOPBACK}:{stack.port('alertmanager')}/api/v2/alerts"] == [
        manager["url"] for manager in managers
    ]
    assert len(rules) == len(list((ROOT / "config" / "prometheus" / "rules").glob("*.rules.yml")))


def test_the_dead_man_alert_arrives_at_alertmanager(stack: Stack) -> None:
    """From the rule to the receiver, every address is right."""

    def names() -> set[str]:
        return {a["labels"]["alertname"] for a in stack.ask("alertmanager", "/api/v2/alerts")}

    wait_for(lambda: bool(answers(f"http://{LOOPBACK}:{stack.port('alertmanager')}/-/ready")), str)
    wait_for(lambda: "AlertingWorks" in names(), lambda: str(names()))


def test_the_board_is_served_where_the_port_is_published(stack: Stack) -> None:
    """`http://127.0.0.1:9464/board` is what the compose file publishes."""
    (published,) = SERVICES["worker-1"]["ports"]
    host, outer, inner = published.split(":")
    wait_for(lambda: stack.is_well("worker-1"), stack.children["worker-1"].last_lines)

    assert (host, int(outer)) == (LOOPBACK, int(inner))
    assert ("worker-1", int(inner)) in PORTS
    assert b"<html" in answers(f"http://{LOOPBACK}:{stack.port('worker-1')}/board")


def test_what_cannot_be_started_here_names_only_what_is_there() -> None:
    """Kafka and Grafana: every address in their variables is a service on a port it listens on."""
    listening = {name for name, _ in PORTS} | {"grafana"}
    for name in ("kafka", "grafana", "simulator"):
        environment = SERVICES[name]["environment"]
        named = re.findall(r"(?:^|[/,])([a-z0-9-]+):(\d+)", " ".join(environment.values()))

        assert {service for service, _ in named} <= listening
        assert {(s, int(p)) for s, p in named if s in dict(PORTS)} <= PORTS


def test_compose_variables_have_defaults() -> None:
    """`docker compose up` needs no file of variables."""
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    commands = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))

    assert not re.findall(r"(?<!\$)\$\{\w+\}", commands)
    assert not os.environ.get("COMPOSE_FILE")
