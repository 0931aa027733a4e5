"""What must be mended in faust-streaming 0.15.3 before it is trusted with data.

Each mend is a subclass put in at Faust's own extension points, so nothing is patched from
outside. `check_upstream` refuses to start once Faust changes a line that a mend relies on:
then read the new code, and drop or renew the mend.

* `MendedConsumer`: each commit advanced past one gap only, so with chunks commits stalled; and
  after an assignment a partition without a committed offset went on wherever it had read to, so
  that its first records, fetched before recovery was over, reached nobody.
* `MendedBuffer`, `MendedProducer`: offsets were committed while changelog records were pending.
* `MendedTopic`: a failed send was logged and its source offset committed all the same.
* `MendedThread`, `MendedConsumer`: idle topics kept busy ones waiting for up to 1.5 seconds.
* `MendedRecovery`: a step that took too long ended recovery in silence, the worker alive; and
  what was fetched while recovery ended was thrown away, so that commits stalled.

One more, that an exception in an agent acknowledges the event, is answered in
`agents.intake`: agents of ours never raise.
"""

# ruff: noqa: SLF001 - this module looks into Faust so that no other has to

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

import faust
from aiokafka import AIOKafkaConsumer
from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery, ServiceStopped
from faust.topics import Topic
from faust.transport.consumer import Consumer as BaseConsumer
from faust.transport.drivers import aiokafka as driver
from faust.transport.producer import ProducerBuffer
from faust.types import TP

from agents.preflight import RuntimeRefusedError, check_stream_iterator, refuse_plaintext
from streams.errors import KontaktpulsError
from streams.topics import EVENT_TOPICS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from faust.transport.consumer import RecordMap
    from faust.types import AppT, FutureMessage
    from faust.types.transports import ConsumerT, ProducerT, TransportT
    from mode.services import WaitArgT
    from mode.utils.times import Seconds

UPSTREAM: Final[tuple[tuple[Callable[..., Any], str], ...]] = (
    (BaseConsumer._drain_messages, "self._add_gap(tp, r_offset + 1, offset)"),
    (BaseConsumer._add_gap, "gap_for_tp.addi(offset_from, offset_to + 1)"),
    (
        AIOKafkaConsumer.seek_to_committed,
        "if offset and offset > 0:\n                self._fetcher.seek_to(tp, offset)",
    ),
    (ProducerBuffer.flush, "await self.flush_atmost(None)"),
    (ProducerBuffer.flush_atmost, "except asyncio.TimeoutError:\n                    return"),
    (Topic._on_published, "message.set_exception(exc)\n            logger.warning("),
    (driver.AIOKafkaConsumerThread._create_worker_consumer, "fetch_max_wait_ms=1500,"),
    (BaseConsumer._drain_messages, "getmany(timeout=1.0)"),
    (Recovery._wait, "if wait_result.stopped:\n            # service was stopped."),
    (
        Recovery.on_recovery_completed,
        "self.app.flow_control.resume()\n        consumer.resume_flow()",
    ),
)
"""Where each bug is, and the line that is it."""

MAX_PENDING: Final = 20_000
"""Changelog records the producer may hold before Faust stops reading events."""

FETCH_WAIT_MS: Final = 50
"""For which a broker may keep a request for records when there are none."""

POLL: Final = 0.1
"""Seconds to wait for records of the partitions whose buffer has room."""


class ProduceError(KontaktpulsError):
    """Kafka did not acknowledge a record in time."""


class RecoveryStalledError(KontaktpulsError):
    """A step of the recovery took longer than `broker_request_timeout`."""


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


class MendedConsumer(driver.Consumer):
    """Commits past every gap; looks soon again for more; tells how far it has read."""

    def _new_consumer_thread(self) -> driver.AIOKafkaConsumerThread:
        return MendedThread(self, loop=self.loop, beacon=self.beacon)

    async def _wait_next_records(
        self,
        timeout: float,  # noqa: ASYNC109 - Faust's signature
    ) -> tuple[RecordMap | None, set[TP] | None]:
        # Partitions whose buffer is full are left out for as long as it takes to find records of
        # others: a second upstream, when chunks were worked off long before.
        return await super()._wait_next_records(min(timeout, POLL))

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        # Upstream hands over the message's own offset as the end of the gap before it.
        await super()._add_gap(tp, offset_from, offset_to - 1)

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Seek every event partition to what is committed, or to its beginning."""
        committed = await super().seek_to_committed()
        fresh = [tp for tp, offset in committed.items() if not offset and tp.topic in EVENT_TOPICS]
        if fresh:
            await self.seek_wait(await self.earliest_offsets(*fresh))
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


class MendedBuffer(ProducerBuffer):
    """Knows what Kafka has not acknowledged yet."""

    max_messages = MAX_PENDING

    def __post_init__(self) -> None:
        super().__post_init__()
        self.unacknowledged: set[FutureMessage] = set()

    def put(self, fut: FutureMessage) -> None:
        """Send soon, and remember until acknowledged."""
        self.unacknowledged.add(fut)
        fut.add_done_callback(self.unacknowledged.discard)
        super().put(fut)

    async def flush(self) -> None:
        """Wait until Kafka has acknowledged everything put here before; `ProduceError` if not."""
        within = cast("AppT", self.app).conf.producer_request_timeout
        await acknowledged(set(self.unacknowledged), within)


class MendedProducer(driver.Producer):
    """A producer whose `flush` means that everything is on disk."""

    def __init__(self, transport: TransportT, **kwargs: Any) -> None:
        super().__init__(transport, **kwargs)
        self.buffer = MendedBuffer(loop=self.loop, beacon=self.beacon)
        self.buffer.app = self.app


class MendedTransport(driver.Transport):
    """The aiokafka transport with the two above."""

    Consumer: ClassVar[type[ConsumerT]] = MendedConsumer
    Producer: ClassVar[type[ProducerT]] = MendedProducer


class MendedTopic(Topic):
    """Reports failed sends instead of only logging them."""

    def _on_published(self, fut: asyncio.Future[Any], *args: Any, **kwargs: Any) -> None:
        super()._on_published(fut, *args, **kwargs)
        if fut.cancelled() or fut.exception() is None:
            return
        app = cast("MendedApp", self.app)
        app.on_produce_failed(f"{self.get_topic_name()}: {fut.exception()!r}")


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
    """An app made of the parts above.

    Attributes:
        on_produce_failed: called with what failed, in the event loop's thread.
    """

    on_produce_failed: Callable[[str], None]

    def __init__(
        self, app_id: str, *, on_produce_failed: Callable[[str], None], **settings: Any
    ) -> None:
        check_upstream()
        check_stream_iterator()
        self.on_produce_failed = on_produce_failed
        super().__init__(app_id, Topic=MendedTopic, TableManager=MendedTableManager, **settings)
        refuse_plaintext(self)

    def _new_transport(self) -> TransportT:
        return MendedTransport(self.conf.broker_consumer, self)

    def _new_producer_transport(self) -> TransportT:
        return MendedTransport(self.conf.broker_producer, self)


async def acknowledged(futures: set[FutureMessage], within: float) -> None:
    """Wait until Kafka has acknowledged all of these sends, `within` seconds from now.

    Raises:
        ProduceError: one failed, or was not acknowledged in time.
    """
    if not futures:
        return
    done, pending = await asyncio.wait(futures, timeout=within)
    for future in done:
        error = asyncio.CancelledError() if future.cancelled() else future.exception()
        if error is not None:
            msg = f"Kafka refused a record: {error!r}"
            raise ProduceError(msg) from error
    if pending:
        msg = f"Kafka did not acknowledge {len(pending)} of {len(futures)} records in {within} s"
        raise ProduceError(msg)


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
