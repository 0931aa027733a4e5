"""What the workers have stored, read without any of them: the desks as their changelog has them.

One partition after the other, so that no more than one of them is in memory.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from kafka import KafkaAdminClient, TopicPartition
from kafka.errors import KafkaError

from agents.kafka_clients import client_options
from agents.kafka_reading import (
    ReadingError,
    open_consumer,
    patience_of,
    places_of,
    read_on,
    read_whole,
)
from agents.kafka_refusals import why_not
from agents.runtime import create_desk, partition_of
from agents.topic_admin import changelog_topic
from streams.cohorts import RowKey
from streams.desk import row_belongs
from streams.topics import TOPIC_OF_CHANNEL

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from kafka import KafkaConsumer

    from agents.cohort_table import Rows
    from agents.settings import Cluster, Settings
    from streams.desk import Desk

READER = "reader"
"""The incarnation of desks that are only read; nothing is ever stored under it."""

RETRY_SECONDS = 0.5


def read_desks(
    settings: Settings,
    organisations: Collection[str] | None = None,
    *,
    tell: Callable[[str], object] = lambda _line: None,
) -> Iterator[Desk]:
    """The desks of every partition and channel as they are stored now; those without rows too.

    The `offset` of a desk is that of the last input record that is certainly in it: workers commit
    an offset only after everything that came before it is in the changelog, so it is asked for
    first, and the changelog is read afterwards. Where nobody has committed anything it is 0.

    A desk and its books belong to the caller until the next one is asked for; keep none of them,
    they hold everything that is known of the partition.

    Args:
        settings: the whole configuration.
        organisations: whose books are wanted; `None` = all that are configured.
        tell: is told in a line how far the reading got.

    Raises:
        ReadingError: Kafka does not answer, or the topic is missing or has other partitions.
        StateError: a row cannot be read.
    """
    cluster = settings.cluster
    wanted = set(settings.organisations if organisations is None else organisations)
    topic = changelog_topic(cluster)
    committed = _committed(cluster)
    with open_consumer(cluster) as consumer:
        places = places_of(consumer, topic)
        if len(places) != cluster.partitions:
            msg = f"`{topic}` has {len(places)} partitions, the configuration says "
            msg += f"`partitions: {cluster.partitions}`; make them agree"
            raise ReadingError(msg)
        homes = {partition_of(name, cluster.partitions) for name in wanted}
        for place in places:
            if place.partition not in homes:
                continue
            rows = _rows(consumer, place, wanted, patience=patience_of(cluster))
            tell(f"{topic} partition {place.partition}: {len(rows):,} rows")
            for channel, event_topic in TOPIC_OF_CHANNEL.items():
                desk = create_desk(settings, channel, place.partition, READER)
                desk.restore(
                    (key, row)
                    for key, row in rows.items()
                    if row_belongs(key, channel, place.partition)
                )
                last = committed.get(TopicPartition(event_topic, place.partition), 0) - 1
                desk.offset = max(last, 0)
                yield desk


def _rows(
    consumer: KafkaConsumer, place: TopicPartition, wanted: set[str], *, patience: float
) -> Rows:
    """The rows of some organisations, the newest of each key."""
    rows: Rows = {}

    def take_in(key: bytes, value: bytes | None) -> None:
        if value is None:
            rows.pop(key, None)
        elif RowKey.decode(key).organisation in wanted:
            rows[key] = value

    end = consumer.end_offsets([place])[place]
    for record in read_whole(consumer, place, end, patience=patience):
        take_in(record.key, record.value)
    # Compaction may have taken a row away before it was reached; then the one that holds the same
    # stands behind the end of that moment.
    end = consumer.end_offsets([place])[place]
    for record in read_on(consumer, place, end, patience=patience):
        take_in(record.key, record.value)
    return rows


def _committed(cluster: Cluster) -> dict[TopicPartition, int]:
    """The next offset the workers will read, by partition of the event topics."""
    places = [
        TopicPartition(topic, partition)
        for topic in TOPIC_OF_CHANNEL.values()
        for partition in range(cluster.partitions)
    ]
    try:
        admin = KafkaAdminClient(**client_options(cluster))
    except KafkaError as error:
        raise ReadingError(why_not(cluster, error)) from error
    deadline = time.monotonic() + patience_of(cluster)
    try:
        while True:
            try:
                found = admin.list_group_offsets({cluster.app_id: places})[cluster.app_id]
            except KafkaError as error:
                # Kafka makes the topic of offsets when it is first asked for one.
                if not error.retriable or time.monotonic() > deadline:
                    msg = f"how far `{cluster.app_id}` has read cannot be told: {error}"
                    raise ReadingError(msg) from error
            else:
                return {place: entry.offset for place, entry in found.items()}
            time.sleep(RETRY_SECONDS)
    finally:
        admin.close()
