"""Rows in memory follow the changelog and the assignment: never less, never somebody else's."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from agents.cohort_table import NOTHING_READ, CohortTable
from agents.faust_fixes import MendedApp

CHANGELOG = "test-cohorts-changelog"


class Told:
    """What the table told its owner, and what it wrote."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.written: list[tuple[Any, ...]] = []

    def on_assigned(self) -> None:
        """Partitions were assigned."""
        self.events.append("assigned")

    async def on_recovered(self, partitions: set[int]) -> None:
        """Their rows are complete."""
        self.events.append(partitions)

    def put(self, *record: Any) -> asyncio.Future[None]:
        """As `Outgoing.put`; Kafka does not answer."""
        self.written.append(record)
        return asyncio.get_running_loop().create_future()


@pytest.fixture
def told() -> Told:
    """Collects what the table tells."""
    return Told()


@pytest.fixture
async def table(told: Told) -> CohortTable:
    """A table that writes to nobody."""
    app = MendedApp(
        "test",
        broker="kafka://127.0.0.1:1",
        web_enabled=False,
        Table=CohortTable,
    )
    app.finalize()
    made = app.Table(
        "cohorts",
        partitions=4,
        outgoing=told,
        on_assigned=told.on_assigned,
        on_recovered=told.on_recovered,
    )
    assert isinstance(made, CohortTable)
    return made


def changelog_event(partition: int, offset: int, key: bytes, row: bytes | None) -> Any:
    """A row as recovery reads it."""
    message = SimpleNamespace(partition=partition, offset=offset, key=key, value=row)
    return SimpleNamespace(message=message)


def places(*partitions: int) -> set[TP]:
    """These partitions of the changelog."""
    return {TP(CHANGELOG, partition) for partition in partitions}


async def test_the_later_row_of_a_key_wins_and_a_tombstone_removes_it(table: CohortTable) -> None:
    """As Kafka's compaction does."""
    table.apply_changelog_batch(
        [
            changelog_event(1, 0, b"a", b"1"),
            changelog_event(1, 1, b"b", b"1"),
            changelog_event(1, 2, b"a", b"2"),
            changelog_event(1, 3, b"b", None),
            changelog_event(2, 7, b"a", b"other partition"),
        ]
    )

    assert dict(table.rows) == {1: {b"a": b"2"}, 2: {b"a": b"other partition"}}


async def test_a_kept_partition_is_read_on_from_where_it_was(table: CohortTable) -> None:
    """A rebalance that changes nothing does not read gigabytes again."""
    await table.on_rebalance(places(1), set(), places(1))
    table.apply_changelog_batch([changelog_event(1, 41, b"a", b"1")])
    await table.on_recovery_completed(places(1), set())
    await table.on_rebalance(places(1, 2), set(), places(2))

    assert table.rows[1] == {b"a": b"1"}
    assert table.persisted_offset(TP(CHANGELOG, 1)) == 41
    assert table.persisted_offset(TP(CHANGELOG, 2)) == NOTHING_READ


async def test_a_revoked_partition_is_read_from_the_start_when_it_comes_back(
    table: CohortTable,
) -> None:
    """Others wrote and removed rows meanwhile, and compaction may have eaten the tombstones."""
    await table.on_rebalance(places(1), set(), places(1))
    table.apply_changelog_batch([changelog_event(1, 41, b"a", b"1")])
    await table.on_rebalance(set(), places(1), set())

    assert 1 not in table.rows

    # A straggler of the old assignment, still in one of Faust's buffers.
    table.apply_changelog_batch([changelog_event(1, 42, b"b", b"1")])
    await table.on_rebalance(places(1), set(), places(1))

    assert 1 not in table.rows
    assert table.persisted_offset(TP(CHANGELOG, 1)) == NOTHING_READ


async def test_recovery_hands_over_only_what_is_owned(table: CohortTable, told: Told) -> None:
    """Rows of other partitions are dropped before anybody can show them."""
    await table.on_rebalance(places(1), set(), places(1))
    table.apply_changelog_batch(
        [changelog_event(1, 0, b"a", b"1"), changelog_event(3, 0, b"a", b"1")]
    )
    await table.on_recovery_completed(places(1), set())

    assert set(table.rows) == {1}
    assert told.events == ["assigned", {1}]


async def test_a_row_is_written_to_the_partition_that_was_said(
    table: CohortTable, told: Told
) -> None:
    """Not to that of whatever event is being handled, and with the bytes as they are."""
    written = table.write(3, b"key", b"\x00row")

    assert table.rows[3] == {b"key": b"\x00row"}

    table.write(3, b"key", None)

    assert told.written == [(CHANGELOG, 3, b"key", b"\x00row"), (CHANGELOG, 3, b"key", None)]
    assert table.rows[3] == {}
    assert not written.done()
