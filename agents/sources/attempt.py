"""One try to send some records, and what became of each."""

from __future__ import annotations

import threading
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from kafka.errors import KafkaError, KafkaTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

GLANCE_SECONDS = 0.2

Letter = tuple[str, bytes, bytes]
"""Topic, key and value of a record."""


class Answer(Protocol):
    """What a producer promises for a record; its thread calls back."""

    def add_callback(self, then: Callable[[object], object]) -> object:
        """Call when all replicas have the record."""

    def add_errback(self, then: Callable[[BaseException], object]) -> object:
        """Call when they will not."""


class SendsRecords(Protocol):
    """The part of a `KafkaProducer` that is used."""

    def send(self, topic: str, *, key: bytes, value: bytes) -> Answer:
        """Hand over a record; the partition is murmur2(key) modulo their number, as in Java."""

    def close(self, timeout: float | None = None) -> None:
        """Drop the connections."""


class Attempt:
    """Letters handed to a producer once, and what became of them.

    Attributes:
        left: letters that Kafka has not acknowledged.
        failure: the last thing that went wrong.
    """

    def __init__(self, letters: Sequence[Letter]) -> None:
        self.left = dict(enumerate(letters))
        self.failure: BaseException | None = None
        self._open = 0
        self._changed = threading.Condition()

    def send(self, producer: SendsRecords) -> None:
        """Hand over all, up to the first that is refused: the others would only wait as long."""
        for number, (topic, key, value) in list(self.left.items()):
            try:
                answer = producer.send(topic, key=key, value=value)
            except KafkaError as error:
                self.failure = error
                return
            with self._changed:
                self._open += 1
            answer.add_callback(partial(self._arrived, number))
            answer.add_errback(self._failed)

    def wait(self, until: float, stopping: threading.Event) -> list[Letter]:
        """What is left when all is answered, at `until` (monotonic seconds), or at a stop."""
        with self._changed:
            while self._open and monotonic() < until and not stopping.is_set():
                self._changed.wait(min(GLANCE_SECONDS, max(0.0, until - monotonic())))
            if self._open and self.failure is None and not stopping.is_set():
                self.failure = KafkaTimeoutError(f"no answer for {self._open} records")
            return list(self.left.values())

    def _arrived(self, number: int, _: object) -> None:
        with self._changed:
            self.left.pop(number, None)
            self._settle()

    def _failed(self, error: BaseException) -> None:
        with self._changed:
            self.failure = error
            self._settle()

    def _settle(self) -> None:
        self._open -= 1
        if not self._open:
            self._changed.notify_all()
