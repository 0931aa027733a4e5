"""What a worker writes goes out in batches, in order, and never without what was put before."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from aiokafka.errors import MessageSizeTooLargeError, ProducerClosed
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.memory_records import MemoryRecords

from agents import outgoing as outgoing_module
from agents.outgoing import Outgoing, ProduceError, acknowledged

Rows = list[tuple[bytes | None, bytes | None]]

ROOMY = 16_384


class FakeProducer:
    """A Kafka that answers each batch when told to."""

    def __init__(self, batch_size: int = ROOMY) -> None:
        self.batches: list[tuple[str, int, Rows]] = []
        self.stamps: list[int] = []
        self.answers: list[asyncio.Future[None]] = []
        self.closed = False
        self._batch_size = batch_size

    def create_batch(self) -> BatchBuilder:
        """As aiokafka's."""
        return BatchBuilder(self._batch_size, 0)

    async def send_batch(self, builder: Any, topic: str, *, partition: int) -> asyncio.Future[None]:
        """As aiokafka's: what it returns is done once the broker has answered."""
        if self.closed:
            raise ProducerClosed
        [records] = records_in(builder)
        self.batches.append((topic, partition, [(key, value) for key, value, _ in records]))
        self.stamps += [stamp for _, _, stamp in records]
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.answers.append(answer)
        return answer

    @property
    def values(self) -> list[list[bytes | None]]:
        """What was sent, by batch."""
        return [[value for _, value in rows] for _, _, rows in self.batches]


def records_in(builder: Any) -> list[list[tuple[bytes | None, bytes | None, int]]]:
    """Key, value and timestamp of every record, as a consumer would read them."""
    data = MemoryRecords(bytes(builder._build()))
    batches = []
    while data.has_next():
        batch = cast("Any", data.next_batch())
        batches.append([(record.key, record.value, record.timestamp) for record in batch])
    return batches


async def turn() -> None:
    """Let everything run that can."""
    for _ in range(20):
        await asyncio.sleep(0)


def make(batch_size: int = ROOMY) -> tuple[Outgoing, FakeProducer, list[str]]:
    """What is tested, where it writes to, and what it told of failures."""
    producer, failures = FakeProducer(batch_size), cast("list[str]", [])
    return (
        Outgoing(lambda: cast("Any", producer), on_failed=failures.append),
        producer,
        failures,
    )


async def test_what_is_put_at_once_goes_out_at_once() -> None:
    """A record in a batch costs a fiftieth of one that is sent by itself."""
    outgoing, producer, _ = make()
    first = outgoing.put("rows", 1, b"a", b"1", timestamp=7_000)
    second = outgoing.put("rows", 1, b"a", None, timestamp=8_000)
    await turn()

    assert producer.batches == [("rows", 1, [(b"a", b"1"), (b"a", None)])]
    assert producer.stamps == [7_000, 8_000]
    assert not first.done()

    producer.answers[0].set_result(None)
    await turn()

    assert first.done()
    assert second.done()
    assert outgoing.waiting == 0


async def test_while_a_batch_is_under_way_the_next_one_grows() -> None:
    """Two at a time could be stored the other way round, or the later one alone."""
    outgoing, producer, _ = make()
    outgoing.put("rows", 1, None, b"1")
    await turn()
    outgoing.put("rows", 1, None, b"2")
    later = outgoing.put("rows", 1, None, b"3")
    await turn()

    assert producer.values == [[b"1"]]

    producer.answers[0].set_result(None)
    await turn()

    assert producer.values == [[b"1"], [b"2", b"3"]]
    assert not later.done()

    producer.answers[1].set_result(None)
    await turn()

    assert later.done()


async def test_partitions_do_not_wait_for_each_other() -> None:
    """Nor do topics: order matters within one partition only."""
    outgoing, producer, _ = make()
    outgoing.put("rows", 1, None, b"1")
    outgoing.put("rows", 2, None, b"2")
    outgoing.put("letters", 1, None, b"3")
    await turn()

    assert [(topic, partition) for topic, partition, _ in producer.batches] == [
        ("rows", 1),
        ("rows", 2),
        ("letters", 1),
    ]


async def test_a_full_batch_is_followed_by_another_in_order() -> None:
    """A record that is larger than a batch goes by itself, and the broker decides about it."""
    outgoing, producer, _ = make(batch_size=200)
    values = [b"a" * 50, b"b" * 50, b"c" * 5_000, b"d", b"e"]
    futures = [outgoing.put("rows", 1, None, value) for value in values]
    for number in range(3):
        await turn()
        producer.answers[number].set_result(None)
    await turn()

    assert producer.values == [values[:2], values[2:3], values[3:]]
    assert all(future.done() for future in futures)
    assert outgoing.waiting == 0


async def test_a_batch_of_one_byte_holds_one_record() -> None:
    """So with the embedded broker, which tells the end of a log rightly only then."""
    outgoing, producer, _ = make(batch_size=1)
    for value in (b"1", b"2", b"3"):
        outgoing.put("rows", 1, b"key", value)
    for number in range(3):
        await turn()
        producer.answers[number].set_result(None)
    await turn()

    assert producer.values == [[b"1"], [b"2"], [b"3"]]


async def test_nothing_follows_a_batch_that_kafka_refused() -> None:
    """A frontier must not claim what its cohorts have not stored."""
    outgoing, producer, failures = make()
    refused = outgoing.put("rows", 1, None, b"1")
    await turn()
    later = outgoing.put("rows", 1, None, b"2")
    producer.answers[0].set_exception(MessageSizeTooLargeError())
    await turn()
    last = outgoing.put("rows", 1, None, b"3")
    await turn()

    assert producer.values == [[b"1"]]
    assert isinstance(refused.exception(), MessageSizeTooLargeError)
    assert not later.done()
    assert not last.done()
    assert failures == ["rows: MessageSizeTooLargeError()"]


async def test_a_producer_that_was_closed_is_no_failure() -> None:
    """The worker is ending, and nobody has acknowledged anything."""
    outgoing, producer, failures = make()
    producer.closed = True
    future = outgoing.put("rows", 1, None, b"1")
    await turn()

    assert not future.done()
    assert failures == []


async def test_too_much_that_waits_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is no place to keep what a slow Kafka does not take."""
    monkeypatch.setattr(outgoing_module, "MAX_WAITING", 10_000)
    outgoing, producer, _ = make()
    await asyncio.wait_for(outgoing.ebb(5), 5)
    outgoing.put("rows", 1, None, bytes(20_000))
    ebbing = asyncio.create_task(outgoing.ebb(5))
    await turn()

    assert outgoing.waiting > 20_000
    assert not ebbing.done()

    producer.answers[0].set_result(None)
    await asyncio.wait_for(ebbing, 5)

    outgoing.put("rows", 1, None, bytes(20_000))

    with pytest.raises(ProduceError, match=r"1 of 1 batches in 0.02 s"):
        await outgoing.ebb(0.02)


async def test_everything_that_was_put_is_settled_or_told() -> None:
    """Also what nobody waits for by itself, on every partition."""
    outgoing, producer, _ = make()
    outgoing.put("rows", 1, None, b"one")
    outgoing.put("rows", 2, None, b"two")
    settling = asyncio.create_task(outgoing.settle(5))
    await turn()
    producer.answers[0].set_result(None)
    await turn()

    assert not settling.done()

    producer.answers[1].set_result(None)
    await asyncio.wait_for(settling, 5)
    outgoing.put("rows", 1, None, b"three")

    with pytest.raises(ProduceError, match=r"1 of 1 batches in 0.02 s"):
        await outgoing.settle(0.02)


async def test_one_refusal_is_told_before_the_others_are_answered() -> None:
    """The process ends in any case."""
    refused: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    refused.set_exception(ConnectionError("gone"))

    with pytest.raises(ProduceError, match="gone"):
        await asyncio.wait_for(acknowledged({refused, waiting}, 60), 5)


async def test_nothing_to_wait_for_takes_no_time() -> None:
    """A flush without rows."""
    await acknowledged(set(), 60)
