"""The intake at the edges: what it says to have handled, and what it is working on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from agents import runtime as runtime_module
from agents.watchdog import EXIT_CODE
from tests.unit.test_intake import HOME, Bench, FakeDesk, FakeEvent

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
async def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A bench with fake desks that owns both partitions."""
    monkeypatch.setattr(runtime_module, "Desk", FakeDesk)
    bench = Bench(tmp_path)
    await bench.own(0, 1)
    return bench


async def test_handled_is_the_offset_after_the_last_one(bench: Bench) -> None:
    """As Kafka counts commits: lag is nought when everything was handled."""
    await bench.handle(FakeEvent([b"good", b"good"], offset=7))

    assert bench.runtime.handled == {HOME: 9}
    assert bench.runtime.telemetry.records == 2


async def test_a_new_assignment_has_handled_nothing(bench: Bench) -> None:
    """What was handled before a rebalance says nothing about who owns the partition now."""
    await bench.handle(FakeEvent([b"good"]))
    await bench.own(1)

    assert not bench.runtime.handled


async def test_between_assignment_and_recovery_nobody_is_served(bench: Bench) -> None:
    """The desks of the old assignment are gone at once, not when the new ones are ready."""
    bench.runtime.fence()
    bench.runtime.assigned()

    assert bench.runtime.recovering
    assert not bench.runtime.desks
    assert bench.runtime.readiness()["owning"] is not None


async def test_a_chunk_is_in_work_until_kafka_answers(bench: Bench) -> None:
    """The watchdog sees since when a chunk waits, and nothing afterwards."""
    bench.kafka.answers = False
    handling = asyncio.create_task(bench.handle(FakeEvent([b"good"])))
    await asyncio.wait({handling}, timeout=0.05)

    assert set(bench.runtime.working) == {"calls"}

    bench.kafka.answer()
    await asyncio.wait_for(handling, 5)

    assert not bench.runtime.working


async def test_a_refused_dead_letter_ends_the_process(bench: Bench) -> None:
    """A letter that Kafka did not take is as lost as a row would be."""
    bench.kafka.answers = False
    event = FakeEvent([b"bad"])
    handling = asyncio.create_task(bench.handle(event))
    await asyncio.wait({handling}, timeout=0.05)
    bench.kafka.waiting[0].set_exception(ConnectionError("refused"))
    await asyncio.wait_for(handling, 5)

    assert bench.codes == [EXIT_CODE]
    assert event.acked == 0


@pytest.mark.parametrize("value", [b"astray", b"bad"])
async def test_rows_alone_acknowledge_nothing(bench: Bench, value: bytes) -> None:
    """Rows are safe, but the forward or the letter is not: the chunk stays unacknowledged."""
    bench.kafka.answers = False
    event = FakeEvent([value])
    handling = asyncio.create_task(bench.handle(event))
    await asyncio.wait({handling}, timeout=0.05)
    record, row = bench.kafka.waiting
    row.set_result(None)
    await asyncio.wait({handling}, timeout=0.05)

    assert event.acked == 0

    record.set_result(None)
    await asyncio.wait_for(handling, 5)

    assert event.acked == 1
