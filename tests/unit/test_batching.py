"""Event topics come in chunks, every other topic record by record."""

from __future__ import annotations

import itertools
from typing import Any, cast

from faust.types import TP, ConsumerMessage

from agents.batching import CHUNK_RECORDS, ChunkRecord, ChunkScheduler, ChunkSchema
from agents.fetching import Batch
from streams.topics import CALLS, EMAILS
from tests.kafka_records import Record


def record(offset: int) -> Record:
    """A record of which only its place matters."""
    return Record(b"{}", b"skara", 1_000 + offset, offset, CALLS, 3)


def fetched(first: int, *sizes: int) -> list[Batch]:
    """Consecutive batches of a partition, by how many records they have."""
    ends = [*itertools.accumulate(sizes, initial=first)]
    return [
        Batch([record(n) for n in range(begin, end)], begin, end - 1, 1_000 + end - 1)
        for begin, end in itertools.pairwise(ends)
    ]


def test_batches_become_chunks_that_are_as_full_as_may_be() -> None:
    """No record is lost, doubled or moved, and no chunk is longer than allowed."""
    half = CHUNK_RECORDS // 2
    batches = fetched(500, half, half, 1, half, half, CHUNK_RECORDS, 7)
    chunks = [chunk for _, chunk in ChunkScheduler().iterate({TP(CALLS, 3): batches})]
    told = [list(chunk.value.records) for chunk in chunks]

    assert [len(records) for records in told] == [2 * half, half + 1, half, CHUNK_RECORDS, 7]
    assert [chunk.value.begin for chunk in chunks] == [records[0].offset for records in told]
    assert list(itertools.chain(*told)) == [record(500 + n) for n in range(sum(map(len, told)))]


def test_a_chunk_takes_the_offset_of_its_last_record() -> None:
    """Acknowledging the chunk commits past everything in it."""
    tp = TP(CALLS, 3)
    [(found, chunk)] = ChunkScheduler().iterate({tp: fetched(500, 12, 8)})

    assert found == tp
    assert (chunk.topic, chunk.partition, chunk.offset) == (CALLS, 3, 519)
    assert chunk.timestamp == 1_519


def test_only_the_last_chunk_of_a_fetch_says_that_nothing_more_came_with_it() -> None:
    """Also when its length is exactly that of a full chunk."""
    batches = fetched(0, CHUNK_RECORDS, CHUNK_RECORDS)
    chunks = ChunkScheduler().iterate({TP(CALLS, 0): batches})

    assert [chunk.value.more for _, chunk in chunks] == [True, False]


def test_topics_and_partitions_take_turns() -> None:
    """A partition with a long backlog does not keep the others waiting."""
    backlog, short, other = TP(CALLS, 0), TP(CALLS, 1), TP(EMAILS, 0)
    order = [
        tp
        for tp, _ in ChunkScheduler().iterate(
            {
                backlog: fetched(0, *[CHUNK_RECORDS] * 3),
                short: fetched(0, 1),
                other: fetched(0, 1),
            }
        )
    ]

    assert order == [backlog, other, short, backlog, backlog]


def test_changelog_records_go_through_one_by_one() -> None:
    """Recovery counts the offsets of the changelog, so nothing there may be bundled."""
    tp = TP("kontaktpuls-cohorts-changelog", 0)
    records = [record(0), record(1), record(2)]

    assert list(ChunkScheduler().iterate({tp: records})) == [(tp, record) for record in records]


def test_the_schema_hands_over_the_chunk_itself() -> None:
    """Nothing in a chunk can fail to decode before our own code sees it."""
    tp = TP(CALLS, 0)
    [(_, record)] = ChunkScheduler().iterate({tp: fetched(0, 2)})
    message = message_of(record, tp)
    app = cast("Any", None)
    schema = ChunkSchema()

    assert schema.loads_value(app, message) is record.value
    assert schema.loads_key(app, message) is None


def message_of(record: ChunkRecord, tp: TP) -> ConsumerMessage:
    """What Faust's consumer makes of a record: every field it reads must be there."""
    return ConsumerMessage(
        record.topic,
        record.partition,
        record.offset,
        record.timestamp / 1000.0,
        record.timestamp_type,
        cast("Any", record.headers),
        record.key,
        cast("Any", record.value),
        record.checksum,
        record.serialized_key_size,
        record.serialized_value_size,
        tp,
    )
