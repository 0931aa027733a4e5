"""Nothing is acknowledged before Kafka has everything that came of it, and no bug is swallowed."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import msgspec
import pytest
from aiokafka import ConsumerRecord
from faust.types import TP

from agents import runtime as runtime_module
from agents.batching import CHUNK_RECORDS, Chunk
from agents.intake import Intake
from agents.runtime import Lane, Runtime, partition_of
from agents.settings import Cluster, Security, Settings
from agents.views import Views
from agents.watchdog import EXIT_CODE
from streams.conventions import Reason
from streams.instants import SECOND
from streams.records import Applied, Rejection
from streams.topics import CALLS, DEAD_LETTERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from agents.cohort_table import CohortTable
    from agents.outgoing import Outgoing
    from tests.kafka_records import Record

HOME = TP(CALLS, 1)


class FakeDesk:
    """Stores one row a flush, and does what its events say."""

    def __init__(self, *, channel: str, partition: int, **_: Any) -> None:
        self.channel = channel
        self.partition = partition
        self.applied: list[Record] = []
        self.restored: list[bytes] = []
        self.flushes = 0

    def apply(self, records: Sequence[Record]) -> Applied:
        """Good, bad, astray or a bug of ours."""
        self.applied += records
        result = Applied()
        result.count = len(records)
        for record in records:
            if record.value == b"bad":
                result.rejected.append(Rejection(record, Reason.NOT_JSON, "broken"))
            if record.value == b"astray":
                result.forwarded.append(("skara", record))
            if record.value == b"bug":
                msg = "a bug of ours"
                raise ZeroDivisionError(msg)
        return result

    def flush(self) -> list[tuple[bytes, bytes]]:
        """One row."""
        self.flushes += 1
        return [(b"new-%d" % self.flushes, b"row")]

    def acknowledged(self) -> list[bytes]:
        """The row before."""
        return [b"new-%d" % (self.flushes - 1)]

    def restoring(self, rows: Iterable[tuple[bytes, bytes]]) -> Iterator[None]:
        """Remember what was there; a bad row cannot be read."""
        for key, row in rows:
            if row == b"bad":
                msg = "bad row"
                raise ValueError(msg)
            self.restored.append(key)
            yield


class FakeKafka:
    """What an intake writes to: every record waits for `answer`."""

    def __init__(self) -> None:
        self.sent: list[tuple[Any, ...]] = []
        self.waiting: list[asyncio.Future[None]] = []
        self.answers = True
        self.room = asyncio.Event()
        self.room.set()

    def put(
        self,
        topic: str,
        partition: int,
        key: bytes | None,
        value: bytes | None,
        *,
        timestamp: int | None = None,
    ) -> asyncio.Future[None]:
        """As `Outgoing.put`."""
        self.sent.append((topic, partition, key, value, timestamp))
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.answers:
            future.set_result(None)
        self.waiting.append(future)
        return future

    def put_all(
        self, topic: str, partition: int, values: Iterable[bytes]
    ) -> set[asyncio.Future[None]]:
        """As `Outgoing.put_all`."""
        return {self.put(topic, partition, None, value) for value in values}

    def write(self, partition: int, key: bytes, row: bytes | None) -> asyncio.Future[None]:
        """As `CohortTable.write`."""
        return self.put("rows", partition, key, row)

    async def ebb(self, within: float) -> None:
        """As `Outgoing.ebb`."""
        async with asyncio.timeout(within):
            await self.room.wait()

    def answer(self, error: Exception | None = None) -> None:
        """Acknowledge or refuse everything that waits."""
        for future in self.waiting:
            if not future.done():
                if error is None:
                    future.set_result(None)
                else:
                    future.set_exception(error)


class FakeEvent:
    """A chunk as Faust hands it over."""

    def __init__(self, values: Sequence[bytes], *, offset: int = 0, more: bool = False) -> None:
        records = [
            ConsumerRecord(CALLS, 1, offset + n, 5_000, 1, b"k", value, None, 1, 1, ())
            for n, value in enumerate(values)
        ]
        self.value = Chunk(records, offset, more)
        self.message = SimpleNamespace(tp=HOME, partition=1, offset=records[-1].offset)
        self.acked = 0

    def ack(self) -> None:
        """Mark as processed."""
        self.acked += 1


class Bench:
    """An intake with everything around it faked; `codes` collects how the process was ended."""

    def __init__(self, folder: Path, **cluster: Any) -> None:
        self.codes: list[int] = []
        self.end = 0
        self.kafka = FakeKafka()
        self.runtime = Runtime(
            settings_in(folder, **cluster),
            Views({}),
            clock=lambda: 0,
            exit_process=self.codes.append,
        )
        self.intake = Intake(
            "calls",
            table=cast("CohortTable", self.kafka),
            outgoing=cast("Outgoing", self.kafka),
            runtime=self.runtime,
            end_of=lambda _: self.end,
        )

    async def own(self, *partitions: int) -> None:
        """A rebalance that ends with these partitions."""
        self.runtime.fence()
        self.runtime.assigned()
        await self.runtime.restore({}, set(partitions))

    @property
    def desk(self) -> FakeDesk:
        """The desk of the calls of partition 1."""
        return cast("FakeDesk", self.lane.desk)

    @property
    def lane(self) -> Lane:
        """Its lane."""
        return self.runtime.lanes["calls", 1]

    async def handle(self, event: FakeEvent) -> None:
        """Hand over a chunk."""
        await self.intake.handle(cast("Any", event))


def settings_in(folder: Path, **changes: Any) -> Settings:
    """A cluster of two partitions without organisations."""
    cluster = Cluster(
        brokers="127.0.0.1:1",
        app_id="test",
        instance_id=None,
        partitions=2,
        replication=1,
        clock="wall",
        horizon=SECOND,
        flush_interval=3_600 * SECOND,
        data_dir=folder,
        embedded=True,
        security=Security(),
        redis_url=None,
        redis_password=None,
        redis_ttl=SECOND,
        web_host="127.0.0.1",
        web_port=0,
        request_timeout=SECOND,
        produce_timeout=5 * SECOND,
        redis_timeout=SECOND,
        recovery_timeout=SECOND,
        stall_timeout=SECOND,
        stop_timeout=SECOND,
    )
    return Settings(
        config_dir=folder, cluster=msgspec.structs.replace(cluster, **changes), organisations={}
    )


@pytest.fixture
def make_bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Bench]:
    """Makes a bench with fake desks."""
    monkeypatch.setattr(runtime_module, "Desk", FakeDesk)

    def make(**cluster: Any) -> Bench:
        return Bench(tmp_path, **cluster)

    return make


@pytest.fixture
async def bench(make_bench: Callable[..., Bench]) -> Bench:
    """A bench that owns both partitions."""
    bench = make_bench()
    await bench.own(0, 1)
    return bench


async def test_a_chunk_is_acknowledged_only_after_its_rows(bench: Bench) -> None:
    """While Kafka has not answered, a crash must find the offset uncommitted."""
    bench.kafka.answers = False
    event = FakeEvent([b"good"])
    handling = asyncio.create_task(bench.handle(event))
    await asyncio.wait({handling}, timeout=0.05)

    assert bench.kafka.sent == [("rows", 1, b"new-1", b"row", None)]

    assert event.acked == 0

    bench.kafka.answer()
    await asyncio.wait_for(handling, 5)

    assert event.acked == 1
    assert bench.kafka.sent[1:] == [("rows", 1, b"new-0", None, None)]


async def test_superseded_rows_go_only_after_the_new_ones_are_safe(bench: Bench) -> None:
    """A tombstone that overtakes its successor would lose facts."""
    bench.kafka.answers = False
    handling = asyncio.create_task(bench.handle(FakeEvent([b"good"])))
    await asyncio.wait({handling}, timeout=0.05)

    assert all(row is not None for _, _, _, row, _ in bench.kafka.sent)

    bench.kafka.answer()
    await asyncio.wait_for(handling, 5)


async def test_a_refused_row_ends_the_process_before_the_acknowledgement(bench: Bench) -> None:
    """The next start reads the chunk again."""
    bench.kafka.answers = False
    event = FakeEvent([b"good"])
    handling = asyncio.create_task(bench.handle(event))
    await asyncio.wait({handling}, timeout=0.05)
    bench.kafka.answer(ConnectionError("gone"))
    await asyncio.wait_for(handling, 5)

    assert bench.codes == [EXIT_CODE]
    assert event.acked == 0


async def test_a_broker_that_never_answers_ends_the_process(
    make_bench: Callable[..., Bench],
) -> None:
    """After the produce time-out; waiting longer would only hide it."""
    bench = make_bench(produce_timeout=SECOND // 20)
    await bench.own(1)
    bench.kafka.answers = False
    event = FakeEvent([b"good"])
    await asyncio.wait_for(bench.handle(event), 5)

    assert bench.codes == [EXIT_CODE]
    assert event.acked == 0


async def test_a_bug_of_ours_ends_the_process_before_the_acknowledgement(bench: Bench) -> None:
    """Faust would acknowledge the event and go on."""
    event = FakeEvent([b"good", b"bug"])
    await bench.handle(event)

    assert bench.codes == [EXIT_CODE]
    assert event.acked == 0


async def test_dead_letters_and_forwards_are_waited_for_too(bench: Bench) -> None:
    """A rejected record is kept, and one that is astray sent on, before the offset moves."""
    bench.kafka.answers = False
    event = FakeEvent([b"bad", b"astray"], offset=40)
    handling = asyncio.create_task(bench.handle(event))
    await asyncio.wait({handling}, timeout=0.05)

    assert event.acked == 0

    bench.kafka.answer()
    await asyncio.wait_for(handling, 5)
    letter, forward = bench.kafka.sent[:2]

    assert event.acked == 1
    assert letter[:3] == (DEAD_LETTERS, 1, None)
    assert msgspec.json.decode(letter[3]) == {
        "reason": "not_json",
        "detail": "broken",
        "topic": CALLS,
        "partition": 1,
        "offset": 40,
        "appended_at": "1970-01-01T00:00:05+00:00",
        "key": "k",
        "value": "bad",
    }
    assert forward == (CALLS, partition_of("skara", 2), b"skara", b"astray", 5_000)


async def test_under_backlog_chunks_are_flushed_together(bench: Bench) -> None:
    """A flush costs a round trip to Kafka, so full chunks wait for the last one."""
    bench.end = 3 * CHUNK_RECORDS
    full = [b"good"] * CHUNK_RECORDS
    first = FakeEvent(full, offset=0, more=True)
    second = FakeEvent(full, offset=CHUNK_RECORDS)
    last = FakeEvent(full, offset=2 * CHUNK_RECORDS)
    await bench.handle(first)
    await bench.handle(second)

    assert (first.acked, second.acked, bench.desk.flushes) == (0, 0, 0)

    await bench.handle(last)

    assert (first.acked, second.acked, last.acked, bench.desk.flushes) == (1, 1, 1, 1)


async def test_under_backlog_the_flush_interval_still_holds(
    make_bench: Callable[..., Bench],
) -> None:
    """Offsets move on during a long catch-up."""
    bench = make_bench(flush_interval=0)
    await bench.own(1)
    event = FakeEvent([b"good"], more=True)
    await bench.handle(event)

    assert event.acked == 1


async def test_markers_at_the_end_of_the_log_hold_up_no_flush(bench: Bench) -> None:
    """Transactional producers leave offsets behind that no record ever fills."""
    event = FakeEvent([b"good"], offset=0)
    bench.end = 2
    await bench.handle(event)

    assert event.acked == 1


async def test_a_rebalance_during_a_flush_leaves_the_chunk_to_the_next_owner(bench: Bench) -> None:
    """What was read under an old assignment must not be committed under a new one."""
    bench.kafka.answers = False
    event = FakeEvent([b"good"])
    handling = asyncio.create_task(bench.handle(event))
    await asyncio.wait({handling}, timeout=0.05)
    bench.runtime.fence()
    bench.kafka.answer()
    await asyncio.wait_for(handling, 5)

    assert event.acked == 0
    assert len(bench.kafka.sent) == 1, "no tombstones either"
    assert bench.codes == []


async def test_chunks_that_arrive_during_a_rebalance_are_left_alone(bench: Bench) -> None:
    """They are read again after the recovery."""
    desk = bench.desk
    bench.runtime.fence()
    event = FakeEvent([b"good"])
    await bench.handle(event)

    assert event.acked == 0
    assert desk.applied == []


async def test_a_recovery_that_a_newer_rebalance_overtook_changes_nothing(bench: Bench) -> None:
    """Only the desks of the present assignment may be used."""
    bench.runtime.fence()
    bench.runtime.assigned()
    bench.runtime.fence()
    await bench.runtime.restore({}, {0, 1})

    assert bench.runtime.readiness()["recovered"] is not None

    bench.runtime.assigned()
    await bench.runtime.restore({}, {1})

    assert bench.runtime.readiness() == {"recovered": None, "owning": None}
    assert bench.runtime.partitions == {1}


async def test_each_desk_is_restored_from_its_own_rows(bench: Bench) -> None:
    """Rows of another channel or partition are somebody else's."""
    rows = {b"1|calls|a|7|x": b"row", b"1|emails|a|7|x": b"row", b"0|calls|a|7|x": b"row"}
    bench.runtime.fence()
    bench.runtime.assigned()
    await bench.runtime.restore({1: rows}, {1})

    assert bench.desk.restored == [b"1|calls|a|7|x"]


async def test_a_row_that_cannot_be_read_ends_the_process(bench: Bench) -> None:
    """Going on would forget its contacts at the next flush."""
    bench.runtime.fence()
    bench.runtime.assigned()
    await bench.runtime.restore({1: {b"1|calls|a|7|x": b"bad"}}, {1})

    assert bench.codes == [EXIT_CODE]
    assert bench.runtime.recovering
