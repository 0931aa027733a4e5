"""Creates the topics with the settings that correctness rests on, and checks those that exist."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import msgspec
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError, TopicAlreadyExistsError, UnknownTopicOrPartitionError, for_code

from agents.kafka_clients import client_options
from agents.kafka_refusals import why_not
from streams.conventions import TABLE_COHORTS
from streams.errors import KontaktpulsError
from streams.instants import HOUR, MILLISECOND
from streams.topics import DEAD_LETTERS, EVENT_TOPICS, EXPORTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agents.settings import Cluster

REPLICAS_FOR_QUORUM = 3


class TopicsError(KontaktpulsError):
    """Kafka did not do what was asked, or could not be reached."""


class TopicSpec(msgspec.Struct, frozen=True):
    """A topic as it has to be."""

    name: str
    settings: dict[str, str]


class TopicReport(msgspec.Struct, frozen=True):
    """What was found or done; `problem` says what is wrong and what to do."""

    name: str
    created: bool
    problem: str | None = None


def changelog_topic(cluster: Cluster) -> str:
    """The name Faust gives the changelog of the cohort table."""
    return f"{cluster.app_id}-{TABLE_COHORTS}-changelog"


def topic_specs(cluster: Cluster) -> tuple[TopicSpec, ...]:
    """Every topic with its settings; the embedded broker knows only the clean-up policy."""
    insync = "2" if cluster.replication >= REPLICAS_FOR_QUORUM else "1"
    retention = str(cluster.horizon // MILLISECOND)
    log = {
        "cleanup.policy": "delete",
        "retention.ms": retention,
        "min.insync.replicas": insync,
    }
    # Whether a fact comes from the future is judged by the broker's clock, not the producer's.
    events = log | {"message.timestamp.type": "LogAppendTime"}
    changelog = {
        "cleanup.policy": "compact",
        "segment.bytes": str(64 * 1024 * 1024),
        "min.cleanable.dirty.ratio": "0.1",
        "max.compaction.lag.ms": str(HOUR // MILLISECOND),
        # Every row that is written is deleted one day; whoever misses that reads it once more.
        "delete.retention.ms": str(HOUR // MILLISECOND),
        "min.insync.replicas": insync,
    }
    specs = (
        *(TopicSpec(name, events) for name in EVENT_TOPICS),
        TopicSpec(DEAD_LETTERS, log),
        TopicSpec(EXPORTS, {"cleanup.policy": "compact", "min.insync.replicas": insync}),
        TopicSpec(changelog_topic(cluster), changelog),
    )
    if not cluster.embedded:
        return specs
    return tuple(
        TopicSpec(spec.name, {"cleanup.policy": spec.settings["cleanup.policy"]}) for spec in specs
    )


def create_topics(cluster: Cluster) -> list[TopicReport]:
    """Create what is missing and report on everything; `TopicsError` when Kafka does not answer."""
    return _reports(cluster, create=True)


def inspect_topics(cluster: Cluster) -> list[TopicReport]:
    """What is wrong with the topics as they are; `TopicsError` when Kafka does not answer."""
    return _reports(cluster, create=False)


def _reports(cluster: Cluster, *, create: bool) -> list[TopicReport]:
    specs = topic_specs(cluster)
    with _admin(cluster) as admin:
        counts = _partition_counts(admin, [spec.name for spec in specs])
        present = [spec for spec in specs if spec.name in counts]
        absent = [spec for spec in specs if spec.name not in counts]
        created = _create(admin, cluster, absent) if create else set()
        problems = _existing_problems(admin, cluster, present, counts)
    if not create:
        problems |= {
            spec.name: f"`{spec.name}` is missing; run `kontaktpuls topics create`"
            for spec in absent
        }
    return [
        TopicReport(spec.name, created=spec.name in created, problem=problems.get(spec.name))
        for spec in specs
    ]


@contextlib.contextmanager
def _admin(cluster: Cluster) -> Iterator[KafkaAdminClient]:
    """A connection; what goes wrong on it becomes a `TopicsError`."""
    try:
        admin = KafkaAdminClient(**client_options(cluster))
    except KafkaError as error:
        raise TopicsError(why_not(cluster, error)) from error
    try:
        yield admin
    except KafkaError as error:
        msg = f"`{cluster.brokers}` refused: {error}"
        raise TopicsError(msg) from error
    finally:
        admin.close()


def _partition_counts(admin: KafkaAdminClient, names: list[str]) -> dict[str, int]:
    """Partitions of the topics that exist."""
    counts = {}
    for topic in admin.describe_topics(names):
        error = for_code(topic["error_code"])
        if error is UnknownTopicOrPartitionError:
            continue
        if topic["error_code"] != 0:
            msg = f"`{topic['name']}` cannot be described: {error.__name__}"
            raise TopicsError(msg)
        counts[topic["name"]] = len(topic["partitions"])
    return counts


def _create(admin: KafkaAdminClient, cluster: Cluster, specs: list[TopicSpec]) -> set[str]:
    if not specs:
        return set()
    response = admin.create_topics(
        {
            spec.name: {
                "num_partitions": cluster.partitions,
                "replication_factor": cluster.replication,
                "configs": spec.settings,
            }
            for spec in specs
        },
        timeout_ms=cluster.request_timeout // MILLISECOND,
        raise_errors=False,
    )
    created = set()
    for topic in response["topics"]:
        error = for_code(topic["error_code"])
        if topic["error_code"] == 0:
            created.add(topic["name"])
        elif error is not TopicAlreadyExistsError:  # somebody else was quicker: all is well
            msg = (
                f"`{topic['name']}` was not created with {cluster.partitions} partitions and "
                f"`replication: {cluster.replication}`: {topic['error_message'] or error.__name__}"
            )
            raise TopicsError(msg)
    admin.wait_for_topics([spec.name for spec in specs])
    return created


def _existing_problems(
    admin: KafkaAdminClient, cluster: Cluster, specs: list[TopicSpec], counts: dict[str, int]
) -> dict[str, str]:
    found = {
        spec.name: (
            f"`{spec.name}` has {counts[spec.name]} partitions, the configuration says "
            f"`partitions: {cluster.partitions}`; state lives by partition, so write "
            f"`partitions: {counts[spec.name]}`, or start anew under another `application_id` "
            "with new topics"
        )
        for spec in specs
        if counts[spec.name] != cluster.partitions
    }
    if cluster.embedded or not specs:
        return found
    described = admin.describe_configs(
        [ConfigResource(ConfigResourceType.TOPIC, spec.name) for spec in specs],
        config_filter="all",
    )["topic"]
    for spec in specs:
        present = {key: entry["value"] for key, entry in described[spec.name].items()}
        wrong = [
            f"`{key}` is `{present[key]}`, it has to be {expectation}"
            for key, wanted in spec.settings.items()
            if key in present
            if (expectation := _expectation(key, present[key], wanted)) is not None
        ]
        if wrong and spec.name not in found:
            found[spec.name] = (
                f"`{spec.name}`: {'; '.join(wrong)}; change it with "
                "`kafka-configs.sh --alter --topic`"
            )
    return found


def _expectation(key: str, present: str, wanted: str) -> str | None:
    """What a setting has to be, when it is not; other settings are the operator's own."""
    match key:
        case "cleanup.policy" | "message.timestamp.type" if present != wanted:
            return f"`{wanted}`"
        case "retention.ms" if 0 <= int(present) < int(wanted):
            return f"at least `{wanted}`, or facts are gone before the horizon"
        case _:
            return None
