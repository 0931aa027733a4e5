"""Event topics arrive in chunks: one synthetic record for a run of batches.

Faust spends about 200 microseconds on every message it hands to an agent, whatever the agent
does with it. A chunk pays that once. Changelog and other topics keep going through one by one:
recovery counts their offsets.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import faust
from faust.transport.utils import DefaultSchedulingStrategy

from streams.topics import EVENT_TOPICS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from faust.types import TP, AppT, Message

    from agents.fetching import Batch
    from streams.records import KafkaRecord

CHUNK_RECORDS: Final = 4_000
"""A chunk is worked off in some 30 ms, in which nothing else is done. In shorter ones more contacts
are counted twice, because a chunk ends amid what is told of them. A larger batch is not divided."""


class Chunk(NamedTuple):
    """Consecutive records of one partition, as they came from Kafka.

    Attributes:
        records: in order of offset, to be gone through once.
        begin: the offset after the chunk before, or the one that reading began at.
        more: later records of the same partition were fetched together with these.
    """

    records: Iterable[KafkaRecord]
    begin: int
    more: bool


class ChunkRecord:
    """A chunk in the shape of the Kafka record that Faust expects.

    It takes the offset of its last record: once that is acknowledged, so are all before it.
    """

    __slots__ = ("offset", "partition", "timestamp", "topic", "value")

    timestamp_type: Final = 1
    headers: Final = ()
    key: Final = None
    checksum: Final = None
    serialized_key_size: Final = 0
    serialized_value_size: Final = 0

    def __init__(self, tp: TP, last: Batch, chunk: Chunk) -> None:
        self.topic: str = tp.topic
        self.partition: int = tp.partition
        self.offset = last.last
        self.timestamp = last.timestamp
        self.value = chunk


class ChunkScheduler(DefaultSchedulingStrategy):
    """Round robin over topics and partitions, a chunk at a time for event topics."""

    def __init__(self) -> None:
        """Without state."""

    def iterate(self, records: Mapping[TP, list[Any]]) -> Iterator[tuple[TP, Any]]:
        """What was fetched, in the order in which agents shall see it."""
        return super().iterate(
            {
                tp: in_chunks(tp, fetched) if tp.topic in EVENT_TOPICS else fetched
                for tp, fetched in records.items()
            },
        )


def in_chunks(tp: TP, batches: Sequence[Batch]) -> list[ChunkRecord]:
    """The batches of one partition as chunks, none of more than `CHUNK_RECORDS`."""
    runs: list[list[Batch]] = []
    room = 0
    for batch in batches:
        if batch.span > room:
            runs.append([])
            room = CHUNK_RECORDS
        runs[-1].append(batch)
        room -= batch.span
    return [
        ChunkRecord(
            tp,
            run[-1],
            Chunk(
                chain.from_iterable(batch.records for batch in run),
                run[0].begin,
                run is not runs[-1],
            ),
        )
        for run in runs
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
