"""Records of event topics arrive batch by batch, exactly those that were asked for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import pytest
from aiokafka.consumer.fetcher import Fetcher, FetchResult, PartitionRecords
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition

from agents import fetching
from agents.fetching import BatchFetcher, WholeBatches
from streams.topics import CALLS

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = TopicPartition(CALLS, 0)
ROWS = TopicPartition("rows", 0)


def packed(first: int, count: int, *, compression: int = 0) -> bytes:
    """A batch as a broker keeps it."""
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=compression,
        is_transactional=False,
        producer_id=-1,
        producer_epoch=-1,
        base_sequence=-1,
        batch_size=1 << 20,
    )
    for n in range(count):
        value = b"%d" % (first + n)
        builder.append(n, timestamp=5_000 + first + n, key=b"k", value=value, headers=[])
    content = bytearray(builder.build())
    # Brokers write the first offset over what the producer sent; the checksum leaves it out.
    content[:8] = first.to_bytes(8, "big")
    return bytes(content)


def control(first: int) -> bytes:
    """The end of a transaction: a batch with one record that is nobody's; its checksum is wrong."""
    content = bytearray(packed(first, 1))
    attributes = 21
    content[attributes : attributes + 2] = (0b10_0000).to_bytes(2, "big")
    return bytes(content)


def asked(*batches: bytes, wanted: int, check: bool = True) -> PartitionRecords:
    """What aiokafka makes of an answer to a request from an offset on."""
    records = MemoryRecords(b"".join(batches))
    return PartitionRecords(HERE, records, [], wanted, None, None, check, 0)


def offsets(found: Iterator[Any]) -> list[list[int]]:
    """Of the records in each batch."""
    return [[record.offset for record in batch.records] for batch in found]


def test_batches_hold_what_the_broker_sent() -> None:
    """Values, keys, times and offsets."""
    first, second = WholeBatches.of(asked(packed(7, 2), packed(9, 3), wanted=7))
    told = [*first.records, *second.records]

    assert [(r.offset, r.value, r.key, r.timestamp) for r in told] == [
        (offset, b"%d" % offset, b"k", 5_000 + offset) for offset in range(7, 12)
    ]
    assert (first.begin, first.last, first.span, first.timestamp) == (7, 8, 2, 5_008)
    assert (second.begin, second.last, second.span, second.timestamp) == (9, 11, 3, 5_011)


@pytest.mark.parametrize("compression", [0, 1])
def test_nothing_before_the_offset_that_was_asked_for(compression: int) -> None:
    """A broker hands over the whole batch that it lies in."""
    content = packed(0, 5, compression=compression), packed(5, 2, compression=compression)

    assert offsets(WholeBatches.of(asked(*content, wanted=3))) == [[3, 4], [5, 6]]
    assert offsets(WholeBatches.of(asked(*content, wanted=5))) == [[5, 6]]
    earlier = packed(0, 2, compression=compression), packed(2, 3, compression=compression)
    assert offsets(WholeBatches.of(asked(*earlier, *content[1:], wanted=5))) == [[5, 6]]


def test_a_large_batch_comes_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """None longer than a chunk may be."""
    monkeypatch.setattr(fetching, "MOST_RECORDS", 4)
    found = list(WholeBatches.of(asked(packed(0, 9), packed(9, 4), wanted=0)))

    assert [(batch.begin, batch.last, batch.timestamp) for batch in found] == [
        (0, 3, 5_003),
        (4, 7, 5_007),
        (8, 8, 5_008),
        (9, 12, 5_012),
    ]
    assert offsets(iter(found)) == [[0, 1, 2, 3], [4, 5, 6, 7], [8], [9, 10, 11, 12]]


def test_the_next_request_begins_after_what_was_told() -> None:
    """Also where nothing was: ends of transactions are nobody's, and what was compacted away."""
    answer = (packed(0, 2), control(2), packed(5, 1), control(6))
    fetched = WholeBatches.of(asked(*answer, wanted=0, check=False))
    found = list(fetched)

    assert [(batch.begin, batch.last) for batch in found] == [(0, 1), (2, 2), (3, 5), (6, 6)]
    assert offsets(iter(found)) == [[0, 1], [], [5], []]
    assert fetched.next_fetch_offset == 7


def test_a_damaged_batch_is_asked_for_again() -> None:
    """And nothing of it reaches anybody."""
    damaged = bytearray(packed(2, 2))
    damaged[-2] ^= 1
    fetched = WholeBatches.of(asked(packed(0, 2), bytes(damaged), wanted=0))

    assert offsets(iter([next(fetched)])) == [[0, 1]]
    with pytest.raises(CorruptRecordException, match="damaged"):
        next(fetched)
    assert fetched.next_fetch_offset == 2
    # Whoever does not want to know is not told.
    unchecked = WholeBatches.of(asked(bytes(damaged), wanted=2, check=False))
    assert offsets(unchecked) == [[2, 3]]


def test_what_was_written_before_there_were_batches_is_read_too() -> None:
    """Its format does not say how much it is."""
    builder = LegacyRecordBatchBuilder(magic=1, compression_type=0, batch_size=1 << 20)
    for offset in range(3):
        builder.append(offset, timestamp=5_000 + offset, key=b"k", value=b"v")
    found = list(WholeBatches.of(asked(bytes(builder.build()), wanted=1)))

    assert [batch.last for batch in found] == [1, 2]
    assert offsets(iter(found)) == [[1], [2]]


class OldFetcher(Fetcher):  # type: ignore[misc]  # aiokafka has no types
    """Gets the same answer as ever from its broker."""

    def __init__(self) -> None:
        self._records: dict[TopicPartition, object] = {}

    async def _proc_fetch_request(self, assignment: Any, node_id: int, request: Any) -> bool:
        del assignment, node_id, request
        for tp in (HERE, ROWS):
            self._records[tp] = FetchResult(
                tp, assignment=None, partition_records=asked(packed(0, 3), wanted=0), backoff=0
            )
        return True


class NewFetcher(BatchFetcher, OldFetcher):
    """The same with ours before it."""


async def test_only_event_topics_come_by_the_batch() -> None:
    """Recovery counts the records of changelogs one by one."""
    fetcher = NewFetcher()
    for _ in range(2):
        # Nobody may have looked at the first answer when the second one comes.
        assert await fetcher._proc_fetch_request(None, 0, None)
    events, rows = (
        list(cast("Any", fetcher._records[tp])._partition_records) for tp in (HERE, ROWS)
    )

    assert offsets(iter(events)) == [[0, 1, 2]]
    assert [record.offset for record in rows] == [0, 1, 2]


async def test_without_ours_records_come_one_by_one() -> None:
    """The story above would end otherwise."""
    fetcher = OldFetcher()
    await asyncio.wait_for(fetcher._proc_fetch_request(None, 0, None), 5)
    [first, *_] = list(cast("Any", fetcher._records[HERE])._partition_records)

    assert first.offset == 0
