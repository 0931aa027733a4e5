"""Under backlog a flush goes on beside the next chunks, and neither knows of the other's events."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from agents import runtime as runtime_module
from agents.watchdog import EXIT_CODE
from streams.instants import SECOND
from tests.unit.test_intake import Bench, FakeDesk, FakeEvent

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
async def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A bench that flushes at every chunk, on a Kafka that does not answer yet."""
    monkeypatch.setattr(runtime_module, "Desk", FakeDesk)
    bench = Bench(tmp_path, flush_interval=0)
    await bench.own(1)
    bench.kafka.answers = False
    return bench


async def turn() -> None:
    """Let everything run that can."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_chunks_are_applied_while_kafka_takes_its_time(bench: Bench) -> None:
    """Waiting for every acknowledgement would leave the processor idle for a fifth of the time."""
    await asyncio.wait_for(bench.handle(FakeEvent([b"one"], more=True)), 5)
    await asyncio.wait_for(bench.handle(FakeEvent([b"two"], offset=1, more=True)), 5)

    assert [record.value for record in bench.desk.applied] == [b"one", b"two"]
    assert bench.desk.flushes == 1, "one at a time"

    bench.kafka.answer()
    await turn()


async def test_a_flush_acknowledges_only_what_was_applied_before_it(bench: Bench) -> None:
    """What came later is in no row that Kafka has, and would be lost in a crash."""
    first, second = FakeEvent([b"one"], more=True), FakeEvent([b"two"], offset=1, more=True)
    await bench.handle(first)
    await bench.handle(second)
    bench.kafka.answer()
    await turn()

    assert (first.acked, second.acked) == (1, 0)


async def test_the_last_chunk_is_flushed_after_the_flush_before_it(bench: Bench) -> None:
    """Nothing that was handled stays behind when nothing follows."""
    first, last = FakeEvent([b"one"], more=True), FakeEvent([b"two"], offset=1)
    await bench.handle(first)
    handling = asyncio.create_task(bench.handle(last))
    await turn()

    assert bench.desk.flushes == 1

    bench.kafka.answers = True
    bench.kafka.answer()
    await asyncio.wait_for(handling, 5)

    assert bench.desk.flushes == 2
    assert (first.acked, last.acked) == (1, 1)


async def test_letters_of_a_later_chunk_do_not_hold_up_the_flush_before_it(bench: Bench) -> None:
    """They are waited for with the rows of their own chunk."""
    first, second = FakeEvent([b"one"], more=True), FakeEvent([b"bad"], offset=1, more=True)
    await bench.handle(first)
    row = bench.kafka.waiting[0]
    await bench.handle(second)
    row.set_result(None)
    await turn()

    assert (first.acked, second.acked) == (1, 0)

    bench.kafka.answer()
    await turn()


async def test_a_refused_row_ends_the_process_also_beside_other_chunks(bench: Bench) -> None:
    """Nobody waits for that flush, so it says itself that it failed."""
    event = FakeEvent([b"one"], more=True)
    await bench.handle(event)
    bench.kafka.answer(ConnectionError("gone"))
    await turn()

    assert bench.codes == [EXIT_CODE]
    assert event.acked == 0


async def test_a_rebalance_leaves_a_flush_beside_to_the_next_owner(bench: Bench) -> None:
    """What was read under an old assignment must not be committed under a new one."""
    event = FakeEvent([b"one"], more=True)
    await bench.handle(event)
    bench.runtime.fence()
    bench.kafka.answer()
    await turn()

    assert event.acked == 0
    assert len(bench.kafka.sent) == 1, "no tombstones either"


async def test_a_flush_that_comes_too_late_for_its_assignment_writes_nothing(bench: Bench) -> None:
    """What the next assignment is restored from has been settled by then."""
    first, last = FakeEvent([b"one"], more=True), FakeEvent([b"two"], offset=1)
    await bench.handle(first)
    handling = asyncio.create_task(bench.handle(last))
    await turn()
    bench.runtime.fence()
    bench.kafka.answer()
    await asyncio.wait_for(handling, 5)

    assert bench.desk.flushes == 1
    assert (first.acked, last.acked) == (0, 0)


async def test_no_more_is_taken_up_while_too_much_waits_for_kafka(bench: Bench) -> None:
    """Bad records make letters faster than a slow Kafka takes them."""
    bench.kafka.room.clear()
    handling = asyncio.create_task(bench.handle(FakeEvent([b"bad"], more=True)))
    await turn()

    assert not handling.done()

    bench.kafka.room.set()
    await asyncio.wait_for(handling, 5)
    bench.kafka.answer()
    await turn()


async def test_a_kafka_that_takes_nothing_more_ends_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the produce time-out, before anything of it is acknowledged."""
    monkeypatch.setattr(runtime_module, "Desk", FakeDesk)
    bench = Bench(tmp_path, produce_timeout=SECOND // 20)
    await bench.own(1)
    bench.kafka.room.clear()
    event = FakeEvent([b"bad"], more=True)
    await asyncio.wait_for(bench.handle(event), 5)

    assert bench.codes == [EXIT_CODE]
    assert event.acked == 0
