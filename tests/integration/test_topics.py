"""`kontaktpuls topics create` makes the topics once and says when they are not as needed."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
import typer
from kafka import KafkaAdminClient

from agents.commands import topics
from agents.embedded import Tansu, free_port
from agents.kafka_clients import client_options
from agents.settings import Cluster, load_settings
from agents.topic_admin import TopicsError, changelog_topic, create_topics, topic_specs
from streams.instants import DAY, SECOND
from streams.topics import DEAD_LETTERS, EVENT_TOPICS, EXPORTS

pytestmark = pytest.mark.integration

CONFIG = Path(__file__).parents[2] / "config"
ALL_TOPICS = {*EVENT_TOPICS, DEAD_LETTERS, EXPORTS, "kontaktpuls-cohorts-changelog"}


@pytest.fixture
def environment(tansu: Tansu, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables of a worker beside the embedded broker."""
    monkeypatch.setenv("KONTAKTPULS_BROKERS", tansu.brokers)
    monkeypatch.setenv("KONTAKTPULS_EMBEDDED", "true")
    monkeypatch.setenv("KONTAKTPULS_PARTITIONS", "3")
    monkeypatch.setenv("KONTAKTPULS_REPLICATION", "1")


@pytest.fixture
def cluster(environment: None) -> Cluster:
    """The settings those variables make."""
    del environment
    return load_settings(CONFIG).cluster


def partitions(cluster: Cluster) -> dict[str, int]:
    """Every topic on the broker, with its partitions."""
    admin = KafkaAdminClient(**client_options(cluster))
    try:
        return {topic["name"]: len(topic["partitions"]) for topic in admin.describe_topics()}
    finally:
        admin.close()


def test_every_topic_is_created_with_the_same_number_of_partitions(cluster: Cluster) -> None:
    """Events, dead letters and the changelog are partitioned alike."""
    reports = create_topics(cluster)

    assert all(report.created and report.problem is None for report in reports)
    assert partitions(cluster) == dict.fromkeys(ALL_TOPICS, 3)


def test_creating_again_changes_nothing(cluster: Cluster) -> None:
    """A second run finds everything as it should be."""
    create_topics(cluster)
    reports = create_topics(cluster)

    assert {(report.created, report.problem) for report in reports} == {(False, None)}
    assert partitions(cluster) == dict.fromkeys(ALL_TOPICS, 3)


def test_what_is_missing_is_created_beside_what_is_there(cluster: Cluster) -> None:
    """One deleted topic comes back, the others are left alone."""
    create_topics(cluster)
    admin = KafkaAdminClient(**client_options(cluster))
    admin.delete_topics([DEAD_LETTERS])
    admin.close()

    created = {report.name for report in create_topics(cluster) if report.created}

    assert created == {DEAD_LETTERS}


def test_another_number_of_partitions_is_an_error_that_says_what_to_do(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """State lives by partition, so a changed number is refused for every topic."""
    create_topics(cluster)
    monkeypatch.setenv("KONTAKTPULS_PARTITIONS", "4")

    with pytest.raises(typer.Exit) as stopped:
        topics.create(CONFIG)

    errors = capsys.readouterr().err.splitlines()
    assert stopped.value.exit_code == 1
    assert len(errors) == len(ALL_TOPICS)
    assert errors[0] == (
        "`kontaktpuls.calls` has 3 partitions, the configuration says `partitions: 4`; state "
        "lives by partition, so write `partitions: 3`, or start anew under another "
        "`application_id` with new topics"
    )


@pytest.mark.usefixtures("environment")
def test_the_command_names_what_it_created(capsys: pytest.CaptureFixture[str]) -> None:
    """One line a topic, on standard output."""
    topics.create(CONFIG)

    lines = capsys.readouterr().out.splitlines()
    assert set(lines) == {f"created  {name}" for name in ALL_TOPICS}


def test_a_broker_that_is_not_there_is_named(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message holds the address that was tried."""
    monkeypatch.setattr("agents.kafka_clients.BOOTSTRAP_PATIENCE_MS", 300)
    nobody = msgspec.structs.replace(cluster, brokers=f"127.0.0.1:{free_port()}")

    with pytest.raises(TopicsError, match=f"`{nobody.brokers}` does not answer"):
        create_topics(nobody)


@pytest.fixture
def production() -> Cluster:
    """Settings of a cluster of three brokers."""
    environ = {"KONTAKTPULS_REPLICATION": "3", "KONTAKTPULS_HORIZON": "40 days"}
    return load_settings(CONFIG, environ=environ).cluster


def test_event_topics_keep_the_horizon(production: Cluster) -> None:
    """A log that forgets earlier than the KPIs cannot rebuild them."""
    settings = {spec.name: spec.settings for spec in topic_specs(production)}
    kept = [int(settings[name]["retention.ms"]) for name in EVENT_TOPICS]

    assert kept == [40 * DAY // SECOND * 1_000] * len(EVENT_TOPICS)


def test_events_carry_the_time_of_the_broker(production: Cluster) -> None:
    """Whether a fact comes from the future is not for the producer's clock to say."""
    settings = {spec.name: spec.settings for spec in topic_specs(production)}
    clocks = {settings[name]["message.timestamp.type"] for name in EVENT_TOPICS}

    assert clocks == {"LogAppendTime"}


def test_the_changelog_is_compacted_and_never_expires(production: Cluster) -> None:
    """State outlives every retention time."""
    settings = {spec.name: spec.settings for spec in topic_specs(production)}
    changelog = settings[changelog_topic(production)]

    assert changelog["cleanup.policy"] == "compact"
    assert "retention.ms" not in changelog


def test_an_acknowledged_record_is_on_two_brokers(production: Cluster) -> None:
    """One broker may be lost without losing what was acknowledged."""
    insync = {spec.settings["min.insync.replicas"] for spec in topic_specs(production)}

    assert insync == {"2"}
