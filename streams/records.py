"""Records as they come from Kafka, and what a desk says about a batch of them."""

from __future__ import annotations

from collections import Counter

import msgspec

from streams.conventions import Reason


class Record(msgspec.Struct, frozen=True):
    """A record as it came from Kafka; `appended_at` is the broker's append time as an instant."""

    value: bytes | None
    key: bytes | None
    appended_at: int
    offset: int
    topic: str
    partition: int


class Rejection(msgspec.Struct, frozen=True):
    """A record that cannot be applied, and why."""

    record: Record
    reason: Reason
    detail: str


class Applied(msgspec.Struct):
    """What came of a batch.

    Attributes:
        rejected: for the dead-letter topic.
        forwarded: (organisation, record) of other partitions.
    """

    rejected: list[Rejection] = msgspec.field(default_factory=list)
    forwarded: list[tuple[str, Record]] = msgspec.field(default_factory=list)


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
