"""Records as a broker hands them over, made of events."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from streams.codec import encode_event
from streams.events import Event
from streams.instants import MILLISECOND

if TYPE_CHECKING:
    from collections.abc import Iterable


class Record(msgspec.Struct, frozen=True):
    """A `streams.records.KafkaRecord` that knows of which topic and partition it is."""

    value: bytes | None
    key: bytes | None
    timestamp: int
    offset: int
    topic: str
    partition: int


def record(
    told: Event | bytes | None, appended_at: int, offset: int = 0, *, topic: str = ""
) -> Record:
    """A record of an event, or of anything else, that was appended at an instant."""
    value = encode_event(told) if isinstance(told, Event) else told
    return Record(value, None, appended_at // MILLISECOND, offset, topic, 0)


def records(told: Iterable[Event | bytes], appended_at: int, offset: int = 0) -> list[Record]:
    """Records that were all appended at the same instant, one after the other."""
    return [record(one, appended_at, offset + n) for n, one in enumerate(told)]
