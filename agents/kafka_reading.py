"""Command-line tools read what a topic holds at this moment, and then stop."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from agents.kafka_clients import client_options
from agents.kafka_refusals import why_not
from streams.errors import KontaktpulsError
from streams.instants import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kafka.consumer.fetcher import ConsumerRecord

    from agents.settings import Cluster

POLL_MS = 500
BATCH = 500


class ReadingError(KontaktpulsError):
    """Kafka does not answer, or there is no such topic."""


@contextmanager
def open_consumer(cluster: Cluster) -> Iterator[KafkaConsumer]:
    """A consumer without a group; what goes wrong with it becomes a `ReadingError`."""
    try:
        consumer = KafkaConsumer(**client_options(cluster), group_id=None, enable_auto_commit=False)
    except KafkaError as error:
        raise ReadingError(why_not(cluster, error)) from error
    try:
        yield consumer
    except KafkaError as error:
        msg = f"`{cluster.brokers}` refused: {error}"
        raise ReadingError(msg) from error
    finally:
        consumer.close(autocommit=False)


def places_of(consumer: KafkaConsumer, topic: str) -> list[TopicPartition]:
    """The partitions of a topic in order; `ReadingError` where there is no such topic."""
    numbers = consumer.partitions_for_topic(topic)
    if not numbers:
        msg = f"`{topic}` does not exist; write `kontaktpuls topics create`"
        raise ReadingError(msg)
    return [TopicPartition(topic, number) for number in sorted(numbers)]


def read_whole(
    consumer: KafkaConsumer, place: TopicPartition, end: int, *, patience: float
) -> Iterator[ConsumerRecord]:
    """The records of a partition from its beginning to an end that was asked for before.

    Args:
        consumer: is assigned this partition alone.
        place: the partition.
        end: offset to stop at.
        patience: seconds for which nothing may come.

    Raises:
        ReadingError: nothing came for longer.
    """
    consumer.assign([place])
    consumer.seek_to_beginning(place)
    yield from read_on(consumer, place, end, patience=patience)


def read_on(
    consumer: KafkaConsumer, place: TopicPartition, end: int, *, patience: float
) -> Iterator[ConsumerRecord]:
    """As `read_whole`, from where the consumer is."""
    seen_end = False
    reached = -1
    deadline = time.monotonic() + patience
    while (position := consumer.position(place) or 0) < end:
        if position > reached:
            reached, deadline = position, time.monotonic() + patience
        elif time.monotonic() > deadline:
            msg = f"`{place.topic}` partition {place.partition} stopped answering before {end}"
            raise ReadingError(msg)
        batch = consumer.poll(timeout_ms=POLL_MS, max_records=BATCH).get(place, [])
        if not seen_end and batch:
            # The embedded broker's answer about the end is short by all but one record of the
            # last batch; what comes with the first records is right.
            end = max(end, consumer.highwater(place) or 0)
            seen_end = True
        yield from (record for record in batch if record.offset < end)


def patience_of(cluster: Cluster) -> float:
    """Seconds to wait for Kafka, as configured."""
    return cluster.request_timeout / SECOND
