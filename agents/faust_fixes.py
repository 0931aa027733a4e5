"""What must be mended in faust-streaming 0.15.3 before it is trusted with data.

Each mend is a subclass put in at Faust's own extension points, so nothing is patched from
outside. `check_upstream` refuses to start once Faust changes a line that a mend relies on:
then read the new code, and drop or renew the mend.

* `MendedConsumer`: what may be committed was worked out from gaps between offsets. Each commit got
  past one gap only, so with chunks commits stalled; and gaps noted while a rebalance began outlived
  it, so that offsets were committed whose records nobody had read. And after an assignment a
  partition without a committed offset went on wherever it had read to, so that its first records,
  fetched before recovery was over, reached nobody. What was fetched before a seek was handed out
  after it when the answer came late: generation and active partitions are looked up when it comes.
* `MendedThread`, `MendedConsumer`: idle topics kept busy ones waiting for up to 1.5 seconds; and
  every record was made anew in Python before anybody looked at it (`agents.fetching`).
* `MendedRecovery`: a step that took too long ended recovery in silence, the worker alive; and
  what was fetched while recovery ended was thrown away, so that commits stalled.

Others are answered elsewhere. An exception in an agent acknowledges the event: agents of ours, in
`agents.intake`, never raise. Offsets are committed while what was sent is still on its way, and a
failed send is only logged: we send nothing through Faust (`agents.outgoing`), and it sends nothing
by itself.
"""

# ruff: noqa: SLF001 - this module looks into Faust so that no other has to

from __future__ import annotations

import inspect
from collections import defaultdict, deque
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

import faust
import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.consumer.fetcher import Fetcher, FetchResult, PartitionRecords
from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery, ServiceStopped
from faust.transport.consumer import Consumer as BaseConsumer
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from agents.fetching import BatchFetcher
from agents.preflight import RuntimeRefusedError, check_stream_iterator, refuse_plaintext
from streams.errors import KontaktpulsError
from streams.topics import EVENT_TOPICS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from aiokafka import AIOKafkaProducer
    from faust.transport.consumer import RecordMap
    from faust.types import Message
    from faust.types.transports import ConsumerT, TransportT
    from mode.services import WaitArgT
    from mode.utils.times import Seconds

    from agents.batching import Chunk

log = structlog.stdlib.get_logger("kontaktpuls.faust")

UPSTREAM: Final[tuple[tuple[Callable[..., Any], str], ...]] = (
    (BaseConsumer._drain_messages, "self._add_gap(tp, r_offset + 1, offset)"),
    (BaseConsumer._new_offset, "candidates = gap_for_tp.overlap(0, max_offset)"),
    (BaseConsumer.on_partitions_revoked, "self._gap.pop(tp, None)"),
    (
        AIOKafkaConsumer.seek_to_committed,
        "if offset and offset > 0:\n                self._fetcher.seek_to(tp, offset)",
    ),
    (driver.AIOKafkaConsumerThread._create_worker_consumer, "fetch_max_wait_ms=1500,"),
    (BaseConsumer._drain_messages, "getmany(timeout=1.0)"),
    (Recovery._wait, "if wait_result.stopped:\n            # service was stopped."),
    (
        Recovery.on_recovery_completed,
        "self.app.flow_control.resume()\n        consumer.resume_flow()",
    ),
    (AIOKafkaConsumer.start, "self._fetcher = Fetcher("),
    (Fetcher._proc_fetch_request, "self._records[tp] = FetchResult("),
    (FetchResult.getall, "for msg in self._partition_records:"),
    (PartitionRecords._unpack_records, "self.next_fetch_offset = next_batch.next_offset"),
)
"""Where each bug is, and the line that is it; then what `agents.fetching` takes for granted."""

FETCH_WAIT_MS: Final = 50
"""For which a broker may keep a request for records when there are none."""

POLL: Final = 0.1
"""Seconds to wait for records of the partitions whose buffer has room."""


class RecoveryStalledError(KontaktpulsError):
    """A step of the recovery took longer than `broker_request_timeout`."""


class RecordsMissingError(KontaktpulsError):
    """Records between two others cannot be had; Kafka deletes what nobody reads in time."""


class MendedThread(driver.AIOKafkaConsumerThread):
    """Asks each broker for records again soon.

    aiokafka has one such request under way to a broker, for partitions of which it holds nothing.
    When records lie there for a tenth of a second, that is a request for idle topics only, which
    the broker keeps for as long as it may; what comes for the others meanwhile waits behind it.
    """

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS
        return consumer

    async def on_start(self) -> None:
        """Start, and fetch events by the batch from the first assignment on."""
        await super().on_start()
        # aiokafka makes its fetcher itself, and says to nobody of which kind.
        self._ensure_consumer()._fetcher.__class__ = BatchFetcher


class MendedConsumer(driver.Consumer):
    """Commits what was acknowledged in one piece; looks soon for more; tells how far it has read.

    It remembers what was handed out since the last seek, in order.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._handed_out: defaultdict[TP, deque[Message]] = defaultdict(deque)
        self._through: dict[TP, int] = {}
        self._turn: dict[TP, int] = {}
        self._asked_again: dict[TP, int] = {}

    def _new_consumer_thread(self) -> driver.AIOKafkaConsumerThread:
        return MendedThread(self, loop=self.loop, beacon=self.beacon)

    async def _wait_next_records(
        self,
        timeout: float,  # noqa: ASYNC109 - Faust's signature
    ) -> tuple[RecordMap | None, set[TP] | None]:
        # Partitions whose buffer is full are left out for as long as it takes to find records of
        # others: a second upstream, when chunks were worked off long before.
        return await super()._wait_next_records(min(timeout, POLL))

    async def getmany(
        self,
        timeout: float,  # noqa: ASYNC109 - Faust's signature
    ) -> AsyncIterator[tuple[TP, Message]]:
        """What comes next, remembered until it is acknowledged; chunks only in their turn."""
        async for tp, message in super().getmany(timeout):
            if tp.topic in EVENT_TOPICS:
                if not await self._is_its_turn(tp, cast("Chunk", message.value), message.offset):
                    continue
                self._handed_out[tp].append(message)
            yield tp, message

    async def _is_its_turn(self, tp: TP, chunk: Chunk, last: int) -> bool:
        """Whether a chunk holds the record that is to be read next; sees to it that it comes.

        Raises:
            RecordsMissingError: it does not come although it was asked for again, or the topic was
                made anew.
        """
        turn = self._turn.get(tp)
        if turn is None:
            # Of an assignment that is over.
            return False
        if chunk.begin <= turn <= last:
            self._turn[tp] = last + 1
            return True
        where = f"{tp.topic} {tp.partition}"
        if last < turn:
            position, _ = self.positions().get(tp, (turn, turn))
            if position < turn:
                msg = f"{where} begins again at {chunk.begin}, and {turn} was to come; unless the "
                msg += "next start mends that, set the group's offset with kafka-consumer-groups.sh"
                raise RecordsMissingError(msg)
            # Fetched before the last seek.
            return False
        if self._asked_again.get(tp) == turn:
            msg = f"{where}: offsets {turn} to {chunk.begin - 1} do not come"
            raise RecordsMissingError(msg)
        log.warning("records left out", topic=tp.topic, partition=tp.partition, next=turn)
        self._asked_again[tp] = turn
        await self.seek_wait({tp: turn})
        return False

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Nothing of these is handed out any more before the next seek."""
        for tp in revoked:
            self._turn.pop(tp, None)
        await super().on_partitions_revoked(revoked)

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Offsets between two messages are their own business."""

    def _new_offset(self, tp: TP) -> int | None:
        """The offset after the last message before which everything is acknowledged."""
        handed_out = self._handed_out[tp]
        while handed_out and handed_out[0].acked:
            self._through[tp] = handed_out.popleft().offset + 1
        # Upstream's own notes, which nobody reads.
        self._acked[tp].clear()
        self._acked_index[tp].clear()
        return self._through.get(tp)

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Seek every event partition to what is committed, or to its beginning."""
        committed = await super().seek_to_committed()
        events = [tp for tp in committed if tp.topic in EVENT_TOPICS]
        turn = {}
        for tp, begin in (await self.earliest_offsets(*events)).items():
            offset = committed[tp] or begin
            if offset < begin:
                log.warning("deleted unread", topic=tp.topic, partition=tp.partition, next=begin)
            turn[tp] = max(offset, begin)
        # Everything after that comes again.
        self._handed_out.clear()
        self._through.clear()
        self._asked_again.clear()
        self._turn = turn
        elsewhere = {tp: offset for tp, offset in turn.items() if offset != committed[tp]}
        if elsewhere:
            await self.seek_wait(elsewhere)
        return committed

    def positions(self) -> dict[TP, tuple[int, int]]:
        """Next offset to fetch and end of the log, per assigned partition of an event topic.

        Partitions that have not been fetched from yet are left out.
        """
        positions: dict[TP, tuple[int, int]] = {}
        subscription = self._thread._ensure_consumer()._subscription.subscription
        assignment: Any = None if subscription is None else subscription.assignment
        for tp in () if assignment is None else assignment.tps:
            # The consumer's thread may reset either number between two looks at it.
            state = assignment.state_value(tp)
            position, end = (None, None) if state is None else (state._position, state.highwater)
            if tp.topic in EVENT_TOPICS and position is not None and end is not None:
                positions[TP(tp.topic, tp.partition)] = (position, end)
        return positions


class MendedTransport(driver.Transport):
    """The aiokafka transport with the consumer above."""

    Consumer: ClassVar[type[ConsumerT]] = MendedConsumer


class MendedRecovery(Recovery):
    """Raises when a step times out, which crashes the worker; a restart recovers anew.

    Its end lets nothing through before everything is in place.
    """

    async def on_recovery_completed(self, generation_id: int = 0) -> None:
        """Seek to what is committed, with the flow of events stopped meanwhile."""
        # Upstream lets events flow before it seeks, and then empties the queues they went to. It
        # resumes the flow itself, at the very end.
        self.app.consumer.stop_flow()
        await super().on_recovery_completed(generation_id)

    async def _wait(
        self,
        coro: WaitArgT,
        timeout: Seconds | None = None,  # noqa: ASYNC109 - Faust's signature
    ) -> None:
        try:
            await super()._wait(coro, timeout)
        except ServiceStopped:
            # Upstream cannot tell a time-out from the service being stopped.
            if self.should_stop or timeout is None:
                raise
            msg = f"recovery waited {timeout} s in vain for `{coro!r}`"
            raise RecoveryStalledError(msg) from None


class MendedTableManager(TableManager):
    """The table manager with the recovery above."""

    @property
    def recovery(self) -> Recovery:
        """Made on first use, as upstream does."""
        if self._recovery is None:
            self._recovery = MendedRecovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery


class MendedApp(faust.App):
    """An app made of the parts above."""

    def __init__(self, app_id: str, **settings: Any) -> None:
        check_upstream()
        check_stream_iterator()
        super().__init__(app_id, TableManager=MendedTableManager, **settings)
        refuse_plaintext(self)

    @property
    def kafka_producer(self) -> AIOKafkaProducer:
        """What Faust itself would send through, connected as it is configured."""
        return cast("driver.Producer", self.producer)._ensure_producer()

    def _new_transport(self) -> TransportT:
        return MendedTransport(self.conf.broker_consumer, self)


def check_upstream() -> None:
    """Refuse a Faust in which a line that a mend relies on is gone.

    Raises:
        RuntimeRefusedError: names the function to read.
    """
    changed = [bug.__qualname__ for bug, line in UPSTREAM if line not in inspect.getsource(bug)]
    if changed:
        msg = (
            f"`{'`, `'.join(changed)}` of faust-streaming or aiokafka changed; read it, then drop "
            "or renew the mend in `agents/faust_fixes.py`, or install faust-streaming 0.15.3"
        )
        raise RuntimeRefusedError(msg)
