"""Event topics come in chunks, every other topic record by record."""

from __future__ import annotations

from typing import Any, cast

from aiokafka import ConsumerRecord
from faust.types import TP, ConsumerMessage

from agents.batching import CHUNK_RECORDS, ChunkRecord, ChunkScheduler, ChunkSchema
from streams.topics import CALLS, EMAILS


def fetched(tp: TP, first: int, count: int) -> list[ConsumerRecord]:
    """Consecutive records of a partition, as aiokafka returns them."""
    return [
        ConsumerRecord(
            topic=tp.topic,
            partition=tp.partition,
            offset=offset,
            timestamp=1_000 + offset,
            timestamp_type=1,
            key=b"skara",
            value=b"{}",
            checksum=None,
            serialized_key_size=5,
            serialized_value_size=2,
            headers=(),
        )
        for offset in range(first, first + count)
    ]


def test_a_long_run_becomes_full_chunks_and_a_rest() -> None:
    """No record is lost, doubled or moved, and no chunk is longer than allowed."""
    tp = TP(CALLS, 3)
    records = fetched(tp, 500, 2 * CHUNK_RECORDS + 7)
    chunks = [chunk for _, chunk in ChunkScheduler().iterate({tp: records})]

    assert [len(chunk.value.records) for chunk in chunks] == [CHUNK_RECORDS, CHUNK_RECORDS, 7]
    assert [record for chunk in chunks for record in chunk.value.records] == records


def test_a_chunk_takes_the_offset_of_its_last_record() -> None:
    """Acknowledging the chunk commits past everything in it."""
    tp = TP(CALLS, 3)
    [(found, chunk)] = ChunkScheduler().iterate({tp: fetched(tp, 500, 20)})

    assert found == tp
    assert (chunk.topic, chunk.partition, chunk.offset) == (CALLS, 3, 519)
    assert chunk.timestamp == 1_519


def test_only_the_last_chunk_of_a_fetch_says_that_nothing_more_came_with_it() -> None:
    """Also when its length is exactly that of a full chunk."""
    tp = TP(CALLS, 0)
    chunks = ChunkScheduler().iterate({tp: fetched(tp, 0, 2 * CHUNK_RECORDS)})

    assert [chunk.value.more for _, chunk in chunks] == [True, False]


def test_topics_and_partitions_take_turns() -> None:
    """A partition with a long backlog does not keep the others waiting."""
    backlog, short, other = TP(CALLS, 0), TP(CALLS, 1), TP(EMAILS, 0)
    order = [
        tp
        for tp, _ in ChunkScheduler().iterate(
            {
                backlog: fetched(backlog, 0, 3 * CHUNK_RECORDS),
                short: fetched(short, 0, 1),
                other: fetched(other, 0, 1),
            }
        )
    ]

    assert order == [backlog, other, short, backlog, backlog]


def test_changelog_records_go_through_one_by_one() -> None:
    """Recovery counts the offsets of the changelog, so nothing there may be bundled."""
    tp = TP("kontaktpuls-cohorts-changelog", 0)
    records = fetched(tp, 0, 3)

    assert list(ChunkScheduler().iterate({tp: records})) == [(tp, record) for record in records]


def test_the_schema_hands_over_the_chunk_itself() -> None:
    """Nothing in a chunk can fail to decode before our own code sees it."""
    tp = TP(CALLS, 0)
    [(_, record)] = ChunkScheduler().iterate({tp: fetched(tp, 0, 2)})
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
