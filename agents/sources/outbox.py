"""Where sources put events: delivered to Kafka, however long it is away.

A source keeps what is not delivered (the exchange its file, the mailbox its mails), so an outbox
holds only one batch and needs no memory of its own. Events are facts: after a doubt it sends again.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Protocol

import structlog
from kafka import KafkaProducer
from kafka.errors import KafkaError

from agents.kafka_clients import producer_options
from agents.publisher import topic_of
from streams.codec import encode_event
from streams.errors import KontaktpulsError
from streams.instants import MILLISECOND

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from agents.publisher import Acknowledgement
    from agents.settings import Cluster
    from streams.events import Event
    from streams.organisations import Organisation

log = structlog.stdlib.get_logger("kontaktpuls.outbox")

MAX_BATCH = 5_000
"""Events on their way at a time."""

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
ANSWER_SECONDS = 10.0
"""How long Kafka may take for one record before it counts as away."""

Letter = tuple[str, bytes, bytes]
"""Topic, key and value of a record."""


class NotDeliveredError(KontaktpulsError):
    """Kafka has not acknowledged all events in time; what was not, may be there all the same."""


class StoppedError(KontaktpulsError):
    """The source shall stop; events that were on their way are sent again next time."""


class SendsRecords(Protocol):
    """The part of a `KafkaProducer` that is used."""

    def send(self, topic: str, *, key: bytes, value: bytes) -> Acknowledgement:
        """Hand over a record; the partition is murmur2(key) modulo their number, as in Java."""

    def close(self, timeout: float | None = None) -> None:
        """Drop the connections."""


class Outbox:
    """Delivers events; may be used from several threads once it is connected.

    Args:
        organisations: as configured; they say which topic a heartbeat travels on.
        stopping: set when the source shall stop; no wait outlasts it.
        connect: makes a producer, or raises `KafkaError` while no broker answers.

    Attributes:
        delivered: events that all replicas have.
        away_since: monotonic seconds since when Kafka does not answer; `None` while it does.
    """

    def __init__(
        self,
        organisations: Mapping[str, Organisation],
        *,
        stopping: threading.Event,
        connect: Callable[[], SendsRecords],
    ) -> None:
        self.delivered = 0
        self.away_since: float | None = None
        self._organisations = organisations
        self._stopping = stopping
        self._connect = connect
        self._producer: SendsRecords | None = None

    def deliver(self, events: Sequence[Event], *, within: float | None = None) -> None:
        """Return once all replicas have every event; without `within`, wait as long as it takes.

        Raises:
            RejectedError: no configuration names the organisation, or the source of a heartbeat.
            NotDeliveredError: it took longer than `within` seconds.
            StoppedError: the source shall stop.
        """
        letters = [self._letter(event) for event in events]
        deadline = None if within is None else monotonic() + within
        pause = FIRST_PAUSE
        for start in range(0, len(letters), MAX_BATCH):
            waiting = letters[start : start + MAX_BATCH]
            total = len(waiting)
            while waiting := self._attempt(waiting, deadline):
                if deadline is not None and monotonic() >= deadline:
                    msg = f"Kafka has not acknowledged {len(waiting)} of {total} events in time"
                    raise NotDeliveredError(msg)
                if self._stopping.wait(_bounded(pause, deadline)):
                    msg = f"{len(waiting)} events wait for Kafka; they are sent at the next start"
                    raise StoppedError(msg)
                pause = min(2 * pause, LONGEST_PAUSE)
            pause = FIRST_PAUSE
            self.delivered += total

    def close(self) -> None:
        """Drop the connections; what was delivered stays so."""
        if self._producer is not None:
            self._producer.close(timeout=5)
            self._producer = None

    def _letter(self, event: Event) -> Letter:
        topic = topic_of(event, self._organisations)
        return topic, event.organisation.encode(), encode_event(event)

    def _attempt(self, letters: Iterable[Letter], deadline: float | None) -> list[Letter]:
        """Try all once; the letters that Kafka has not acknowledged."""
        sent: list[tuple[Letter, Acknowledgement | None]] = []
        failure: KafkaError | None = None
        for letter in letters:
            acknowledgement = None
            # After the first refusal the others would each wait as long for the same answer.
            if failure is None and not self._stopping.is_set():
                try:
                    acknowledgement = self._connected().send(
                        letter[0], key=letter[1], value=letter[2]
                    )
                except KafkaError as error:
                    failure = error
            sent.append((letter, acknowledgement))
        left: list[Letter] = []
        until = monotonic() + ANSWER_SECONDS
        for letter, acknowledgement in sent:
            if acknowledgement is None:
                left.append(letter)
                continue
            try:
                patience = until if deadline is None else min(until, deadline)
                acknowledgement.get(timeout=max(0.0, patience - monotonic()))
            except KafkaError as error:
                failure = error
                left.append(letter)
        self._tell(failure, len(left))
        return left

    def _connected(self) -> SendsRecords:
        if self._producer is None:
            self._producer = self._connect()
        return self._producer

    def _tell(self, failure: KafkaError | None, left: int) -> None:
        if failure is None:
            if self.away_since is not None:
                log.info("Kafka takes events again", away=round(monotonic() - self.away_since, 1))
            self.away_since = None
        elif self.away_since is None:
            self.away_since = monotonic()
            log.warning("Kafka does not take events; they wait", waiting=left, error=repr(failure))


def create_outbox(
    cluster: Cluster,
    organisations: Mapping[str, Organisation],
    *,
    stopping: threading.Event,
) -> Outbox:
    """An outbox to the brokers of a cluster; connects when the first event is delivered."""
    answer = int(ANSWER_SECONDS * 1000)
    options = producer_options(cluster) | {
        "request_timeout_ms": min(answer, cluster.request_timeout // MILLISECOND),
        "delivery_timeout_ms": answer,
        "bootstrap_timeout_ms": answer,
        "max_block_ms": answer,
    }
    return Outbox(organisations, stopping=stopping, connect=lambda: KafkaProducer(**options))


def _bounded(pause: float, deadline: float | None) -> float:
    return pause if deadline is None else max(0.0, min(pause, deadline - monotonic()))
