"""Where sources put events: delivered to Kafka, however long it is away.

A source keeps what is not delivered (the exchange its file, the mailbox its mails), so an outbox
holds only one batch and needs no memory of its own. Events are facts: after a doubt it sends again.
"""

from __future__ import annotations

import contextlib
import threading
from math import inf
from time import monotonic
from typing import TYPE_CHECKING

import structlog
from kafka import KafkaProducer
from kafka.errors import KafkaError, KafkaTimeoutError

from agents.kafka_clients import producer_options
from agents.kafka_refusals import refusal
from agents.publisher import topic_of
from agents.sources.attempt import Attempt
from streams.codec import encode_event
from streams.errors import KontaktpulsError
from streams.events import Heartbeat
from streams.instants import MILLISECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from agents.settings import Cluster
    from agents.sources.attempt import Letter, SendsRecords
    from streams.events import Event
    from streams.organisations import Organisation

log = structlog.stdlib.get_logger("kontaktpuls.outbox")

MAX_BATCH = 5_000
"""Events on their way at a time."""

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 10.0
ANSWER_SECONDS = 10.0
"""How long Kafka may take for an answer before it counts as away."""

BLOCK_SECONDS = 3.0
"""The longest wait that asking to stop cannot cut short."""

RENEW_SECONDS = 30.0
"""A connection that got nothing through for so long is made anew: a producer whose first request
Kafka left unanswered never recovers, also when Kafka does."""

CLOSE_SECONDS = 1.0


class NotDeliveredError(KontaktpulsError):
    """Kafka has not acknowledged all events in time; what was not, may be there all the same."""


class KafkaRefusedError(KontaktpulsError):
    """Kafka will not take anything from us until somebody changes something."""


class StoppedError(KontaktpulsError):
    """The source shall stop; events that were on their way are sent again next time."""


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
        self._connected_at = 0.0
        self._told: type[BaseException] | None = None
        self._lock = threading.Lock()

    def deliver(self, events: Sequence[Event], *, within: float | None = None) -> None:
        """Return once all replicas have every event; without `within`, wait as long as it takes.

        Heartbeats are sent once the other events are there, since that is what they say.

        Raises:
            RejectedError: no configuration names the organisation, or the source of a heartbeat.
            NotDeliveredError: it took longer than `within` seconds.
            StoppedError: the source shall stop.
        """
        facts: list[Letter] = []
        heartbeats: list[Letter] = []
        for event in events:
            (heartbeats if isinstance(event, Heartbeat) else facts).append(self._letter(event))
        deadline = inf if within is None else monotonic() + within
        for letters in (facts, heartbeats):
            for start in range(0, len(letters), MAX_BATCH):
                self._deliver(letters[start : start + MAX_BATCH], deadline)

    def _deliver(self, letters: list[Letter], deadline: float) -> None:
        pause = FIRST_PAUSE
        left = letters
        while left := self._attempt(left, deadline):
            if monotonic() >= deadline:
                msg = f"Kafka has not acknowledged {len(left)} of {len(letters)} events in time"
                raise NotDeliveredError(msg)
            if self._stopping.wait(min(pause, max(0.0, deadline - monotonic()))):
                msg = f"{len(left)} events wait for Kafka; they are sent at the next start"
                raise StoppedError(msg)
            pause = min(2 * pause, LONGEST_PAUSE)
        with self._lock:
            self.delivered += len(letters)

    def close(self) -> None:
        """Drop the connections; what was delivered stays so."""
        if self._producer is not None:
            # Closing complains about records on their way; those are sent again next time.
            with contextlib.suppress(KafkaError):
                self._producer.close(timeout=CLOSE_SECONDS)
            self._producer = None

    def _letter(self, event: Event) -> Letter:
        topic = topic_of(event, self._organisations)
        return topic, event.organisation.encode(), encode_event(event)

    def _attempt(self, letters: Sequence[Letter], deadline: float) -> list[Letter]:
        """Try all once; the letters that Kafka has not acknowledged."""
        attempt = Attempt(letters)
        try:
            producer = self._connected()
        except KafkaError as error:
            self._tell(error, len(letters))
            return list(letters)
        attempt.send(producer)
        left = attempt.wait(min(deadline, monotonic() + ANSWER_SECONDS), self._stopping)
        self._tell(attempt.failure, len(left))
        if len(left) == len(letters):
            self._renew(producer)
        return left

    def _connected(self) -> SendsRecords:
        with self._lock:
            if self._producer is None:
                if self._stopping.is_set():
                    msg = "not connected, and about to stop"
                    raise KafkaTimeoutError(msg)
                self._producer = self._connect()
                self._connected_at = monotonic()
            return self._producer

    def _renew(self, producer: SendsRecords) -> None:
        """Drop a connection over which nothing has gone for long; the next attempt makes one."""
        with self._lock:
            if self.away_since is None or self._producer is not producer:
                return
            if monotonic() - max(self.away_since, self._connected_at) < RENEW_SECONDS:
                return
            self._producer = None
        with contextlib.suppress(KafkaError):
            producer.close(timeout=CLOSE_SECONDS)

    def _tell(self, failure: BaseException | None, left: int) -> None:
        """Say once that Kafka is away and why, and once that it is back."""
        with self._lock:
            if failure is None:
                if self.away_since is not None:
                    log.info("Kafka takes events", away=round(monotonic() - self.away_since, 1))
                self.away_since = self._told = None
                return
            if self.away_since is None:
                self.away_since = monotonic()
            if type(failure) is not self._told:
                log.warning("Kafka does not take events", waiting=left, error=repr(failure))
                self._told = type(failure)


def create_outbox(
    cluster: Cluster,
    organisations: Mapping[str, Organisation],
    *,
    stopping: threading.Event,
) -> Outbox:
    """An outbox to the brokers of a cluster; connects when the first event is delivered.

    Raises:
        KafkaRefusedError: a broker refuses us, or must not be trusted, and waiting will not help.
    """
    found = refusal(cluster)
    if found is not None and found.lasts:
        raise KafkaRefusedError(found.why)
    answer, block = int(ANSWER_SECONDS * 1000), int(BLOCK_SECONDS * 1000)
    options = producer_options(cluster) | {
        "request_timeout_ms": min(answer, cluster.request_timeout // MILLISECOND),
        "delivery_timeout_ms": answer,
        "bootstrap_timeout_ms": block,
        "max_block_ms": block,
    }
    return Outbox(organisations, stopping=stopping, connect=lambda: KafkaProducer(**options))
