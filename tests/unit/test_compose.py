"""`docker-compose.yml` and `Dockerfile` speak of commands, variables and files that exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from agents.cli import COMMANDS, GROUPS
from agents.settings import load_settings
from agents.topic_admin import topic_specs

REPOSITORY = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = YAML(typ="safe").load(REPOSITORY / "docker-compose.yml")
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}

every_service = pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)
our_services = pytest.mark.parametrize("service", OURS.values(), ids=OURS)


def environment_of(service: dict[str, Any]) -> dict[str, str]:
    """The variables a container gets when nobody sets any for compose itself."""
    return {
        name: re.sub(r"\$\{\w+:-(\w*)\}", r"\1", value)
        for name, value in service["environment"].items()
    }


@our_services
def test_every_command_exists(service: dict[str, Any]) -> None:
    """A container runs a command that `kontaktpuls` has."""
    name, *rest = service["command"]

    assert name in COMMANDS or rest[0] in GROUPS[name][1]


@our_services
def test_every_variable_is_a_setting_with_a_good_value(
    service: dict[str, Any], tmp_path: Path
) -> None:
    """The configuration accepts what the container sets."""
    secret = tmp_path / "secret"
    secret.write_text("a password\n", encoding="utf-8")
    environ = {
        name: str(secret) if value.startswith("/run/secrets/") else value
        for name, value in environment_of(service).items()
    }

    settings = load_settings(REPOSITORY / "config", environ=environ)

    assert settings.cluster.brokers == "kafka:9092"
    assert settings.cluster.redis_password is not None
    assert settings.cluster.redis_password.get_secret_value() == "a password"


def test_one_broker_is_never_asked_for_two_copies() -> None:
    """Topics can be created and written with the one Kafka there is."""
    environ = {
        name: value
        for name, value in environment_of(SERVICES["topics"]).items()
        if not name.endswith("_FILE")
    }
    cluster = load_settings(REPOSITORY / "config", environ=environ).cluster
    insync = {spec.settings["min.insync.replicas"] for spec in topic_specs(cluster)}

    assert cluster.replication == 1
    assert insync == {"1"}


def test_every_worker_is_a_member_of_its_own() -> None:
    """Two workers with one instance id would throw each other out of the group."""
    workers = [service for service in OURS.values() if service["command"] == ["worker"]]
    ids = {service["environment"]["KONTAKTPULS_INSTANCE_ID"] for service in workers}

    assert len(workers) == len(ids) == 2


@every_service
def test_every_mounted_path_exists(service: dict[str, Any]) -> None:
    """What is mounted from the checkout is there, and cannot be written."""
    for volume in service.get("volumes", []):
        source, _, mode = volume.partition(":")
        if source.startswith((".", "/")):
            assert (REPOSITORY / source).is_dir()
            assert mode.endswith(":ro")
        else:
            assert source in COMPOSE["volumes"]


def test_workers_share_one_folder_for_exports() -> None:
    """Whichever makes the week's export, it is found in one place that outlives them."""
    cluster = load_settings(
        REPOSITORY / "config",
        environ={
            name: value
            for name, value in environment_of(SERVICES["worker-1"]).items()
            if not name.endswith("_FILE")
        },
    ).cluster
    mounted = {
        volume.partition(":")[2]
        for service in OURS.values()
        if service["command"] == ["worker"]
        for volume in service["volumes"]
        if volume.startswith("exports:")
    }

    assert mounted == {str(cluster.exports.folder)}


@every_service
def test_every_image_is_pinned(service: dict[str, Any]) -> None:
    """The same file starts the same software next year."""
    assert re.fullmatch(r"[a-z/]+:v?\d+\.\d+\.\d+(-alpine)?", service["image"])


@every_service
def test_nothing_is_published_beyond_this_machine(service: dict[str, Any]) -> None:
    """A published port is bound to the loopback interface."""
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_only_the_boards_are_published() -> None:
    """Kafka and Redis stay inside."""
    published = {name for name, service in SERVICES.items() if "ports" in service}

    assert published == {"grafana", "worker-1"}


@every_service
def test_no_container_gains_rights(service: dict[str, Any]) -> None:
    """Nothing becomes root by a detour."""
    assert "no-new-privileges:true" in service["security_opt"]
    assert "privileged" not in service


@every_service
def test_no_container_writes_into_its_image(service: dict[str, Any]) -> None:
    """State lives in volumes; a container can be thrown away."""
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]


@every_service
def test_nothing_runs_as_root(service: dict[str, Any]) -> None:
    """Each foreign image is told who it is; ours says so itself."""
    assert ("user" in service) != ("build" in service)
    assert service.get("user") not in {"root", "0"}


@every_service
def test_only_what_must_reaches_the_world(service: dict[str, Any]) -> None:
    """Events stay inside: the network that all share has no way out."""
    sends_mail = service["image"].startswith("prom/alertmanager:") or (
        service.get("command") == ["worker"]
    )
    outside = "ports" in service or sends_mail

    assert service["networks"] == (["inside", "outside"] if outside else ["inside"])
    assert COMPOSE["networks"]["inside"] == {"internal": True}


@every_service
def test_what_a_service_waits_for_can_say_that_it_is_ready(service: dict[str, Any]) -> None:
    """Nobody waits for ever: a service that is awaited healthy has a health check."""
    for name, condition in service.get("depends_on", {}).items():
        awaited = SERVICES[name]
        if condition["condition"] == "service_healthy":
            assert "healthcheck" in awaited
        else:
            assert awaited["restart"] == "no"


@every_service
def test_every_secret_and_volume_is_declared(service: dict[str, Any]) -> None:
    """A file under `/run/secrets` is one of the secrets the service asks for."""
    named = set(re.findall(r"/run/secrets/(\w+)", str(service)))

    assert named == set(service.get("secrets", []))
    assert named <= set(COMPOSE["secrets"])


@every_service
def test_what_keeps_running_says_whether_it_is_well(service: dict[str, Any]) -> None:
    """A service that stays up has a health check; the simulator is only a toy."""
    stays_up = service["restart"] == "unless-stopped" and "profiles" not in service

    assert ("healthcheck" in service) == stays_up


def test_no_secret_is_written_down() -> None:
    """Passwords come from files that git does not know."""
    ignored = (REPOSITORY / ".gitignore").read_text(encoding="utf-8").split()

    assert {secret["file"] for secret in COMPOSE["secrets"].values()} == {
        "./secrets/redis_password",
        "./secrets/grafana_password",
    }
    assert "secrets/" in ignored


def test_prometheus_asks_every_worker_where_it_listens() -> None:
    """The targets are the workers of the compose file, on their configured port."""
    path = REPOSITORY / "config" / "prometheus" / "prometheus.yml"
    jobs = {job["job_name"]: job for job in YAML(typ="safe").load(path)["scrape_configs"]}
    targets = jobs["kontaktpuls"]["static_configs"][0]["targets"]
    port = load_settings(REPOSITORY / "config", environ={}).cluster.web_port
    workers = [name for name, service in OURS.items() if service["command"] == ["worker"]]

    assert targets == [f"{name}:{port}" for name in workers]


def test_prometheus_tells_alertmanager_where_it_listens() -> None:
    """Alerts arrive: the address is that of a service of the compose file."""
    path = REPOSITORY / "config" / "prometheus" / "prometheus.yml"
    alerting = YAML(typ="safe").load(path)["alerting"]["alertmanagers"]
    (target,) = alerting[0]["static_configs"][0]["targets"]
    name, _, port = target.partition(":")

    assert name in SERVICES
    assert f":{port}/" in SERVICES[name]["healthcheck"]["test"][-1]


def test_grafana_reads_from_the_prometheus_beside_it() -> None:
    """The provisioned data source is a service of the compose file, on the port it serves."""
    folder = REPOSITORY / "grafana" / "provisioning" / "datasources"
    sources = [
        source
        for path in folder.glob("*.yaml")
        for source in YAML(typ="safe").load(path)["datasources"]
    ]
    (url,) = {source["url"] for source in sources}
    name, _, port = url.removeprefix("http://").partition(":")

    assert name in SERVICES
    assert f":{port}/" in SERVICES[name]["healthcheck"]["test"][-1]


def test_grafana_finds_its_boards_where_they_are_mounted() -> None:
    """Every folder that the provisioning names is mounted into the container."""
    folder = REPOSITORY / "grafana" / "provisioning" / "dashboards"
    named = [
        provider["options"]["path"]
        for path in folder.glob("*.yaml")
        for provider in YAML(typ="safe").load(path)["providers"]
    ]
    mounted = dict(volume.split(":")[1::-1] for volume in SERVICES["grafana"]["volumes"])

    assert named
    for place in named:
        (target,) = (
            target for target in mounted if place.startswith(f"{target}/") or place == target
        )
        assert (REPOSITORY / mounted[target] / place.removeprefix(target).lstrip("/")).is_dir()


def test_the_image_copies_only_what_reaches_the_build() -> None:
    """Every file that the Dockerfile copies is in the checkout and passes `.dockerignore`."""
    lines = (REPOSITORY / "Dockerfile").read_text(encoding="utf-8").splitlines()
    copied = {
        source
        for line in lines
        if line.startswith("COPY ") and "--from" not in line
        for source in line.split()[1:-1]
    }
    ignore = (REPOSITORY / ".dockerignore").read_text(encoding="utf-8").split()

    assert copied <= {pattern[1:] for pattern in ignore if pattern.startswith("!")}
    assert all((REPOSITORY / source).exists() for source in copied)


def test_the_image_runs_as_nobody_in_particular() -> None:
    """The last user named is not root."""
    lines = (REPOSITORY / "Dockerfile").read_text(encoding="utf-8").splitlines()
    users = [line.split()[1] for line in lines if line.startswith("USER ")]

    assert users == ["10001"]
