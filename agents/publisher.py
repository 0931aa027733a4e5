"""Sends events to Kafka and believes nothing that was not acknowledged."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Protocol, Self

from kafka import KafkaProducer
from kafka.errors import KafkaError

from agents.kafka_clients import producer_options
from agents.kafka_refusals import why_not
from streams.conventions import Reason
from streams.errors import KontaktpulsError, RejectedError
from streams.events import Event, Heartbeat
from streams.topics import CHANNEL_OF_EVENT, TOPIC_OF_CHANNEL

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from agents.settings import Cluster
    from streams.organisations import Organisation

MAX_IN_FLIGHT = 5_000
"""Events that may wait for their acknowledgement at a time."""

PATIENCE_SECONDS = 150.0
"""Longer than a producer itself tries, so that it is the one to say what is wrong."""


class PublishError(KontaktpulsError):
    """Kafka did not take an event; how many it took before is in the message."""


class Acknowledgement(Protocol):
    """What a producer promises for a record."""

    def get(self, timeout: float | None = None) -> object:
        """Wait for it, or raise."""


class Producer(Protocol):
    """The part of a `KafkaProducer` that is used."""

    def send(self, topic: str, *, key: bytes, value: bytes) -> Acknowledgement:
        """Hand over a record; the partition is murmur2(key) modulo their number, as in Java."""

    def close(self, timeout: float | None = None) -> None:
        """Drop the connections."""


class Publisher:
    """Hands events to a producer, a bounded number at a time; a context manager.

    Attributes:
        acknowledged: events that all replicas have.
    """

    def __init__(self, producer: Producer, *, max_in_flight: int = MAX_IN_FLIGHT) -> None:
        self.acknowledged = 0
        self._producer = producer
        self._max_in_flight = max_in_flight
        self._in_flight: deque[Acknowledgement] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._producer.close(timeout=5)

    def send(self, topic: str, organisation: str, value: bytes) -> None:
        """Send one event; waits while too many are on their way.

        Raises:
            PublishError: this one cannot be sent, or an earlier one was not acknowledged.
        """
        if len(self._in_flight) >= self._max_in_flight:
            self._await_oldest()
        try:
            self._in_flight.append(
                self._producer.send(topic, key=organisation.encode(), value=value)
            )
        except KafkaError as error:
            raise self._failure(error) from error

    def flush(self) -> None:
        """Wait until every event sent so far is acknowledged; `PublishError` if one is not."""
        while self._in_flight:
            self._await_oldest()

    def _await_oldest(self) -> None:
        try:
            self._in_flight.popleft().get(timeout=PATIENCE_SECONDS)
        except KafkaError as error:
            raise self._failure(error) from error
        self.acknowledged += 1

    def _failure(self, error: KafkaError) -> PublishError:
        msg = (
            f"Kafka did not take an event ({type(error).__name__}: {error}); it has "
            f"{self.acknowledged:,} for certain. Mend that and publish the same again: "
            "what is there twice counts once"
        )
        return PublishError(msg)


def create_publisher(cluster: Cluster, *, one_per_batch: bool | None = None) -> Publisher:
    """A publisher to the brokers of a cluster.

    `one_per_batch` is for the embedded broker, which says a wrong end of the log after a batch of
    several records; `None` = if the configuration says that it is this broker.

    Raises:
        PublishError: no broker answers.
    """
    options: dict[str, Any] = producer_options(cluster)
    if one_per_batch:
        options["batch_size"] = 0
    elif one_per_batch is False:
        options.pop("batch_size", None)
    try:
        return Publisher(KafkaProducer(**options))
    except KafkaError as error:
        raise PublishError(why_not(cluster, error)) from error


def topic_of(event: Event, organisations: Mapping[str, Organisation]) -> str:
    """The topic an event travels on; a heartbeat goes where the facts of its source go.

    Raises:
        RejectedError: nobody has configured the organisation, or the source of a heartbeat.
    """
    organisation = organisations.get(event.organisation)
    if organisation is None:
        detail = f"no configuration names `{event.organisation}`; write its organisations/NAME.yaml"
        raise RejectedError(Reason.UNKNOWN_ORGANISATION, detail)
    if not isinstance(event, Heartbeat):
        return TOPIC_OF_CHANNEL[CHANNEL_OF_EVENT[type(event)]]
    for source in organisation.sources:
        if source.name == event.source:
            return TOPIC_OF_CHANNEL[source.channel]
    known = ", ".join(f"`{source.name}`" for source in organisation.sources) or "none so far"
    detail = f"`{event.source}` is no source of `{organisation.name}`; it has {known}"
    raise RejectedError(Reason.UNKNOWN_VALUE, detail)
