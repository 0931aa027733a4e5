"""What a worker writes to Kafka: rows, dead letters and forwards, in batches.

Faust sends record by record, for about 100 microseconds of processor each; a record in a batch
costs two. A batch takes what is put for its partition until it is full or its turn comes, so
batches are as large as Kafka is slow.

Each partition has one batch under way, and the next one follows when Kafka has acknowledged it:
what was put later is never stored without what was put before. aiokafka alone does not promise
that: its `send_batch` is no queue, and of two batches it has taken, the second one goes out also
when Kafka refuses the first.
"""

from __future__ import annotations

import asyncio
from collections import deque
from functools import cached_property
from typing import TYPE_CHECKING, Final

from aiokafka.errors import ProducerClosed

from streams.errors import KontaktpulsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from aiokafka import AIOKafkaProducer
    from aiokafka.producer.message_accumulator import BatchBuilder

MAX_WAITING: Final = 32 * 1024 * 1024
"""Bytes that may wait for Kafka before no more chunks are taken up."""

BATCH_OVERHEAD: Final = 2 * 1024
"""Bytes that a batch takes beside its records; counts where every record has a batch of its own."""


class ProduceError(KontaktpulsError):
    """Kafka did not acknowledge a record in time."""


class Batch:
    """Records of one partition that go out together.

    Attributes:
        builder: what is sent.
        size: of the memory it takes, in bytes.
        acknowledged: done once Kafka has stored all of it.
    """

    __slots__ = ("acknowledged", "builder", "size")

    def __init__(self, builder: BatchBuilder) -> None:
        self.builder = builder
        self.size = BATCH_OVERHEAD
        self.acknowledged: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class Outgoing:
    """Writes what is put, in order per topic and partition.

    Args:
        producer: gives the producer that is connected.
        on_failed: told what Kafka did not take; nothing follows it to the same partition.

    Attributes:
        waiting: bytes that Kafka has not acknowledged.
    """

    def __init__(
        self, producer: Callable[[], AIOKafkaProducer], *, on_failed: Callable[[str], None]
    ) -> None:
        self.waiting = 0
        self._find_producer = producer
        self._on_failed = on_failed
        self._queues: dict[tuple[str, int], deque[Batch]] = {}
        self._senders: set[asyncio.Task[None]] = set()
        self._unacknowledged: set[asyncio.Future[None]] = set()

    def put(
        self,
        topic: str,
        partition: int,
        key: bytes | None,
        value: bytes | None,
        *,
        timestamp: int | None = None,
    ) -> asyncio.Future[None]:
        """Write a record soon; done once Kafka has acknowledged it.

        Args:
            topic: where to.
            partition: of the topic.
            key: as it is.
            value: as it is; `None` takes out a row of that key.
            timestamp: milliseconds since 1970; now, if not given.
        """
        return self._append(self._queue(topic, partition), key, value, timestamp)

    def put_all(
        self, topic: str, partition: int, values: Iterable[bytes]
    ) -> set[asyncio.Future[None]]:
        """Write records without keys soon; done once Kafka has acknowledged them all."""
        queue = self._queue(topic, partition)
        futures: set[asyncio.Future[None]] = set()
        batch: Batch | None = None
        for value in values:
            # As `_append`, without finding the batch anew for each of a flood of them.
            if batch and (added := batch.builder.append(key=None, value=value, timestamp=None)):
                batch.size += added.size
                self.waiting += added.size
            else:
                futures.add(self._append(queue, None, value, None))
                batch = queue[-1]
        return futures

    async def ebb(self, within: float) -> None:
        """Return once not too much waits for Kafka; `ProduceError` after so many seconds."""
        if self.waiting > MAX_WAITING:
            await self.settle(within)

    async def settle(self, within: float) -> None:
        """Return once Kafka has all that was put; `ProduceError` after so many seconds."""
        await acknowledged(set(self._unacknowledged), within)

    async def _send(self, topic: str, partition: int, queue: deque[Batch]) -> None:
        """Send the batches of a partition one after another, until there are no more."""
        while queue:
            batch = queue.popleft()
            try:
                await self._deliver(topic, partition, batch.builder)
            except ProducerClosed:
                # The worker is ending; what nobody acknowledged is read again after the next start.
                return
            except Exception as error:  # noqa: BLE001 - whatever it is, records are missing
                # The queue stays, without anybody to send from it.
                self._on_failed(f"{topic}: {error!r}")
                self._done(batch).set_exception(error)
                # Not every record has somebody who waits for it.
                batch.acknowledged.exception()
                return
            self._done(batch).set_result(None)
        del self._queues[topic, partition]

    @cached_property
    def _producer(self) -> AIOKafkaProducer:
        """The same to the end: Faust forgets it before it is closed."""
        return self._find_producer()

    def _queue(self, topic: str, partition: int) -> deque[Batch]:
        """The batches of a partition that wait, and somebody who sends them."""
        queue = self._queues.get((topic, partition))
        if queue is None:
            queue = self._queues[topic, partition] = deque()
            sender = asyncio.create_task(self._send(topic, partition, queue))
            self._senders.add(sender)
            sender.add_done_callback(self._senders.discard)
        return queue

    def _append(
        self, queue: deque[Batch], key: bytes | None, value: bytes | None, timestamp: int | None
    ) -> asyncio.Future[None]:
        """Put a record into the last batch, or into another one."""
        added = None
        if queue:
            added = queue[-1].builder.append(key=key, value=value, timestamp=timestamp)
        if added is None:
            self._open(queue)
            # The first record always has room, however large: the broker decides.
            added = queue[-1].builder.append(key=key, value=value, timestamp=timestamp)
        batch, size = queue[-1], added.size
        batch.size += size
        self.waiting += size
        return batch.acknowledged

    def _open(self, queue: deque[Batch]) -> None:
        """Begin another batch."""
        batch = Batch(self._producer.create_batch())
        queue.append(batch)
        self._unacknowledged.add(batch.acknowledged)
        self.waiting += batch.size

    async def _deliver(self, topic: str, partition: int, builder: BatchBuilder) -> None:
        """Hand a batch over, and wait until Kafka has stored it."""
        await (await self._producer.send_batch(builder, topic, partition=partition))

    def _done(self, batch: Batch) -> asyncio.Future[None]:
        self.waiting -= batch.size
        self._unacknowledged.discard(batch.acknowledged)
        return batch.acknowledged


async def acknowledged(futures: set[asyncio.Future[None]], within: float) -> None:
    """Wait until Kafka has acknowledged all of these, `within` seconds from now.

    Raises:
        ProduceError: one failed, or was not acknowledged in time.
    """
    if not futures:
        return
    done, pending = await asyncio.wait(futures, timeout=within, return_when=asyncio.FIRST_EXCEPTION)
    for future in done:
        if (error := future.exception()) is not None:
            msg = f"Kafka refused a record: {error!r}"
            raise ProduceError(msg) from error
    if pending:
        msg = f"Kafka did not acknowledge {len(pending)} of {len(futures)} batches in {within} s"
        raise ProduceError(msg)
