"""From a chunk of records to stored rows: apply, write, wait for Kafka, then acknowledge.

Nothing is acknowledged before Kafka has acknowledged all that came of it, and a bug of ours ends
the process instead: Faust acknowledges whatever an agent raises on. When the last chunk that is
there was applied, everything is flushed; under backlog that is done now and then, and while Kafka
takes its time over it the next chunks are applied. A partition has one flush under way at most.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, cast

from agents.batching import CHUNK_RECORDS
from agents.envelopes import seal
from agents.outgoing import acknowledged
from agents.runtime import partition_of
from streams.instants import SECOND
from streams.topics import DEAD_LETTERS, TOPIC_OF_CHANNEL

if TYPE_CHECKING:
    from collections.abc import Callable

    from faust.types import TP, EventT, Message

    from agents.batching import Chunk
    from agents.cohort_table import CohortTable
    from agents.outgoing import Outgoing
    from agents.runtime import Lane, Runtime
    from streams.organisations import Channel
    from streams.records import Applied

TURNS: Final = 8
"""Rounds of the event loop between two chunks: next to nothing when nobody else has work."""


class Intake:
    """Takes in the chunks of one channel.

    Args:
        channel: whose chunks.
        table: takes the rows.
        outgoing: takes what is rejected, and what belongs on another partition.
        runtime: holds the desks.
        end_of: end of the log of a partition, as last fetched.
    """

    def __init__(
        self,
        channel: Channel,
        *,
        table: CohortTable,
        outgoing: Outgoing,
        runtime: Runtime,
        end_of: Callable[[TP], int],
    ) -> None:
        cluster = runtime.settings.cluster
        self.channel = channel
        self._topic = TOPIC_OF_CHANNEL[channel]
        self._table = table
        self._outgoing = outgoing
        self._runtime = runtime
        self._end_of = end_of
        self._partitions = cluster.partitions
        self._interval = cluster.flush_interval / SECOND
        self._patience = cluster.produce_timeout / SECOND
        self._under_way: dict[Lane, asyncio.Task[None]] = {}

    async def handle(self, event: EventT[Any]) -> None:
        """Take in one chunk; on any fault of ours the process ends."""
        runtime = self._runtime
        runtime.working[self.channel] = monotonic()
        try:
            await self._handle(event)
        except Exception as error:  # noqa: BLE001 - Faust would acknowledge the event
            runtime.fail(f"a chunk of {self.channel} could not be handled", error)
        finally:
            runtime.working.pop(self.channel, None)
        # Without a pause a full buffer is emptied to its last chunk before more is fetched, offsets
        # are committed, or a scrape is answered; an exchange with Kafka takes several steps.
        for _ in range(TURNS):
            await asyncio.sleep(0)

    async def _handle(self, event: EventT[Any]) -> None:
        runtime = self._runtime
        message = event.message
        epoch = runtime.epoch
        lane = runtime.lanes.get((self.channel, message.partition))
        if runtime.recovering or lane is None:
            # A leftover of an older assignment; whoever owns the partition now reads it again.
            return
        chunk = cast("Chunk", event.value)
        applied = lane.desk.apply(chunk.records)
        lane.events.append(event)
        self._send(lane, applied)
        runtime.handled[message.tp] = message.offset + 1
        runtime.telemetry.chunks += 1
        runtime.telemetry.records += applied.count
        more = self._is_more_waiting(chunk, message)
        under_way = self._under_way.get(lane)
        if not more:
            if under_way is not None:
                await asyncio.wait({under_way})
            await self._flush(lane, epoch)
            return
        if under_way is None and monotonic() - lane.flushed_at >= self._interval:
            self._under_way[lane] = asyncio.create_task(self._flush_beside(lane, epoch))
        await self._outgoing.ebb(self._patience)

    def _send(self, lane: Lane, applied: Applied) -> None:
        put, sent = self._outgoing.put, lane.sent
        if applied.rejected:
            # All topics have as many partitions.
            topic, partition = self._topic, lane.desk.partition
            letters = [seal(rejection, topic, partition) for rejection in applied.rejected]
            sent |= self._outgoing.put_all(DEAD_LETTERS, partition, letters)
        for organisation, record in applied.forwarded:
            partition = partition_of(organisation, self._partitions)
            key = organisation.encode()
            sent.add(put(self._topic, partition, key, record.value, timestamp=record.timestamp))

    def _is_more_waiting(self, chunk: Chunk, message: Message) -> bool:
        """Whether another chunk of this partition follows at once."""
        behind = self._end_of(message.tp) - message.offset - 1
        # Less than a chunk is not waited for: some brokers count what never arrives.
        return chunk.more or behind >= CHUNK_RECORDS

    async def _flush_beside(self, lane: Lane, epoch: int) -> None:
        """Flush while chunks go on being applied; on any fault the process ends."""
        try:
            await self._flush(lane, epoch)
        except Exception as error:  # noqa: BLE001 - nobody waits for this task
            self._runtime.fail(f"what was read of {self.channel} could not be stored", error)
        finally:
            del self._under_way[lane]

    async def _flush(self, lane: Lane, epoch: int) -> None:
        runtime = self._runtime
        desk = lane.desk
        if runtime.epoch != epoch:
            # Another assignment has begun, and may have read what is stored already.
            return
        # What comes while Kafka is waited for belongs to the next flush.
        events, lane.events = lane.events, []
        sent, lane.sent = lane.sent, set()
        lane.flushed_at = monotonic()
        rows = desk.flush()
        sent.update(self._table.write(desk.partition, key, row) for key, row in rows)
        await acknowledged(sent, self._patience)
        if runtime.epoch != epoch:
            return
        superseded = desk.acknowledged()
        lane.sent.update(self._table.write(desk.partition, key, None) for key in superseded)
        for event in events:
            event.ack()
        runtime.telemetry.flushes += 1
        runtime.telemetry.rows_written += len(rows)
        runtime.telemetry.rows_deleted += len(superseded)
        runtime.views.show(desk)
