"""Reads the dead-letter topic and sends letters back to where they came from, each of them once.

A letter sent twice all the same changes no KPI, as facts merge.
"""

from __future__ import annotations

import base64
from collections import Counter
from typing import TYPE_CHECKING, TypeAlias

import msgspec
from kafka import KafkaAdminClient, KafkaProducer
from kafka.errors import KafkaError

from agents.bookmarks import Bookmarks
from agents.envelopes import DeadLetter
from agents.kafka_clients import client_options, producer_options
from agents.kafka_reading import (
    ReadingError,
    open_consumer,
    patience_of,
    places_of,
    read_whole,
)
from agents.kafka_refusals import why_not
from streams.errors import KontaktpulsError
from streams.instants import SECOND
from streams.topics import DEAD_LETTERS, EVENT_TOPICS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kafka import TopicPartition

    from agents.settings import Cluster

REPLAY_BATCH = 500


class ReplayError(KontaktpulsError):
    """The dead-letter topic cannot be read, or a letter cannot be sent again."""


class Unreadable(msgspec.Struct, frozen=True):
    """A record of the dead-letter topic that is no letter."""

    partition: int
    offset: int
    detail: str


class Replay(msgspec.Struct):
    """What a replay did.

    Attributes:
        sent: letters sent again, by reason.
        earlier: letters that an earlier replay sent.
        cut: letters whose value was too long to be kept, so that nobody can send it again.
        unreadable: what is no letter.
    """

    sent: Counter[str] = msgspec.field(default_factory=Counter)
    earlier: int = 0
    cut: int = 0
    unreadable: list[Unreadable] = msgspec.field(default_factory=list)


Placed: TypeAlias = "tuple[TopicPartition, int, DeadLetter]"


def decode_letter(data: bytes | None) -> DeadLetter:
    """A letter from its JSON; `ValueError` when it is none."""
    letter = msgspec.json.decode(data or b"", type=DeadLetter)
    if letter.topic not in EVENT_TOPICS:
        msg = f"`{letter.topic}` is no event topic"
        raise ValueError(msg)
    _ = raw_key(letter), raw_value(letter)
    return letter


def raw_key(letter: DeadLetter) -> bytes | None:
    """The key as it was received."""
    return _raw(letter.key, letter.key_base64)


def raw_value(letter: DeadLetter) -> bytes | None:
    """The value as it was received, or the beginning of it when it was cut."""
    return _raw(letter.value, letter.value_base64)


def _raw(text: str | None, encoded: str | None) -> bytes | None:
    if encoded is not None:
        return base64.b64decode(encoded, validate=True)
    return None if text is None else text.encode()


def read_letters(
    cluster: Cluster, *, reason: str | None = None
) -> Iterator[tuple[TopicPartition, int, DeadLetter | Unreadable]]:
    """Everything in the dead-letter topic at this moment, by partition and offset.

    What arrives meanwhile is left for the next time. `ReplayError` when Kafka stops answering.
    """
    try:
        with open_consumer(cluster) as consumer:
            places = places_of(consumer, DEAD_LETTERS)
            ends: dict[TopicPartition, int] = consumer.end_offsets(places)
            for place in places:
                for record in read_whole(
                    consumer, place, ends[place], patience=patience_of(cluster)
                ):
                    try:
                        letter = decode_letter(record.value)
                    except ValueError as error:
                        fault = Unreadable(place.partition, record.offset, str(error))
                        yield place, record.offset, fault
                        continue
                    if reason is None or letter.reason == reason:
                        yield place, record.offset, letter
    except ReadingError as error:
        raise ReplayError(str(error)) from error


def replay(cluster: Cluster, *, reason: str | None = None, dry_run: bool = False) -> Replay:
    """Send letters to where they came from, as they came, each of them once.

    How far it got is committed after every few hundred acknowledged letters: a replay that was
    broken off goes on there. `ReplayError` when Kafka stops answering.
    """
    try:
        admin = KafkaAdminClient(**client_options(cluster))
        producer = KafkaProducer(**producer_options(cluster))
    except KafkaError as error:
        raise ReplayError(why_not(cluster, error)) from error
    try:
        return _replay(cluster, admin, producer, reason=reason, dry_run=dry_run)
    except KafkaError as error:
        msg = f"the replay was broken off: {error}; repeat it, it goes on where it stopped"
        raise ReplayError(msg) from error
    finally:
        producer.close(timeout=cluster.request_timeout / SECOND)
        admin.close()


def _replay(
    cluster: Cluster,
    admin: KafkaAdminClient,
    producer: KafkaProducer,
    *,
    reason: str | None,
    dry_run: bool,
) -> Replay:
    done = Replay()
    bookmarks = Bookmarks(admin, cluster)
    batch: list[Placed] = []

    def settle() -> None:
        futures = [
            producer.send(letter.topic, raw_value(letter), key=raw_key(letter))
            for _, _, letter in batch
        ]
        producer.flush(timeout=producer.config["delivery_timeout_ms"] / 1_000)
        for future in futures:
            future.get(timeout=1.0)
        bookmarks.advance((place, offset, letter.reason) for place, offset, letter in batch)
        batch.clear()

    for place, offset, letter in read_letters(cluster, reason=reason):
        if isinstance(letter, Unreadable):
            done.unreadable.append(letter)
        elif letter.cut_from is not None:
            done.cut += 1
        elif offset < bookmarks.replayed(letter.reason, place):
            done.earlier += 1
        else:
            done.sent[letter.reason] += 1
            batch.append((place, offset, letter))
        if len(batch) >= REPLAY_BATCH:
            batch.clear() if dry_run else settle()
    if batch and not dry_run:
        settle()
    return done
