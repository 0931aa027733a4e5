"""Records as they come from Kafka, and what a desk says about a batch of them."""

from __future__ import annotations

from collections import Counter
from typing import Protocol

import msgspec

from streams.conventions import Reason


class KafkaRecord(Protocol):
    """A record as Kafka clients hand it over.

    Attributes:
        value, key: bytes as they were sent.
        timestamp: when the broker appended it, in milliseconds since 1970.
        offset: its place in its partition.
    """

    @property
    def value(self) -> bytes | None: ...  # noqa: D102 - see above
    @property
    def key(self) -> bytes | None: ...  # noqa: D102
    @property
    def timestamp(self) -> int: ...  # noqa: D102
    @property
    def offset(self) -> int: ...  # noqa: D102


class Rejection(msgspec.Struct, frozen=True, gc=False):
    """A record that cannot be applied, and why."""

    record: KafkaRecord
    reason: Reason
    detail: str


class Applied:
    """What came of a batch.

    Attributes:
        rejected: for the dead-letter topic.
        forwarded: (organisation, record) of other partitions.
        count: of all records of the batch.
    """

    def __init__(self) -> None:
        """Nothing yet."""
        self.count = 0
        self.rejected: list[Rejection] = []
        self.forwarded: list[tuple[str, KafkaRecord]] = []


class Totals(msgspec.Struct):
    """Conservation: `events_in = applied + unchanged + forwarded + sum(rejected)`.

    Of those applied, `unknown_part` named a queue, mailbox or desk that nobody configured and
    `late` ones were long past when they arrived.
    """

    events_in: int = 0
    applied: int = 0
    unchanged: int = 0
    forwarded: int = 0
    rejected: Counter[str] = msgspec.field(default_factory=Counter)
    unknown_part: int = 0
    late: int = 0
