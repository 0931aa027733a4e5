"""Event topics arrive in chunks: one synthetic record for a run of up to a thousand.

Faust spends about 200 microseconds on every message it hands to an agent, whatever the agent
does with it. A chunk pays that once. Changelog and other topics keep going through one by one:
recovery counts their offsets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import faust
from faust.transport.utils import DefaultSchedulingStrategy

from streams.topics import EVENT_TOPICS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aiokafka import ConsumerRecord
    from faust.types import TP, AppT, Message

CHUNK_RECORDS: Final = 1_000


class Chunk(NamedTuple):
    """Consecutive records of one partition, as they came from Kafka.

    Attributes:
        records: at least one, in order of offset.
        more: later records of the same partition were fetched together with these.
    """

    records: Sequence[ConsumerRecord]
    more: bool


class ChunkRecord:
    """A chunk in the shape of the Kafka record that Faust expects.

    It takes the offset of its last record: once that is acknowledged, so are all before it.
    """

    __slots__ = ("offset", "partition", "timestamp", "timestamp_type", "topic", "value")

    headers: Final = ()
    key: Final = None
    checksum: Final = None
    serialized_key_size: Final = 0
    serialized_value_size: Final = 0

    def __init__(self, chunk: Chunk) -> None:
        last = chunk.records[-1]
        self.topic: str = last.topic
        self.partition: int = last.partition
        self.offset: int = last.offset
        self.timestamp: int = last.timestamp
        self.timestamp_type: int = last.timestamp_type
        self.value = chunk


class ChunkScheduler(DefaultSchedulingStrategy):
    """Round robin over topics and partitions, a chunk at a time for event topics."""

    def __init__(self) -> None:
        """Without state."""

    def iterate(self, records: Mapping[TP, list[Any]]) -> Iterator[tuple[TP, Any]]:
        """What was fetched, in the order in which agents shall see it."""
        return super().iterate(
            {
                tp: in_chunks(fetched) if tp.topic in EVENT_TOPICS else fetched
                for tp, fetched in records.items()
            },
        )


def in_chunks(fetched: Sequence[ConsumerRecord]) -> list[ChunkRecord]:
    """The records of one partition as chunks, none longer than `CHUNK_RECORDS`."""
    return [
        ChunkRecord(
            Chunk(fetched[start : start + CHUNK_RECORDS], start + CHUNK_RECORDS < len(fetched)),
        )
        for start in range(0, len(fetched), CHUNK_RECORDS)
    ]


class ChunkSchema(faust.Schema):  # type: ignore[type-arg]  # its parameters say nothing of values
    """Leaves a chunk alone, so that no event of it can fail to decode inside Faust."""

    def loads_key(self, app: AppT, message: Message, **_: Any) -> Any:
        """Nothing: a chunk has no key of its own."""
        del app
        return message.key

    def loads_value(self, app: AppT, message: Message, **_: Any) -> Any:
        """The chunk itself."""
        del app
        return message.value
