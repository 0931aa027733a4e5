"""Every mend of Faust mends something: without it the same story ends badly.

Each story is told twice, with Faust's own part and with ours; the first half fails as soon as
upstream repairs the bug, and then the mend can go.
"""

from __future__ import annotations

import asyncio
import ssl
from time import monotonic
from typing import TYPE_CHECKING, Any, cast

import faust
import pytest
from faust.tables.recovery import Recovery, ServiceStopped
from faust.topics import Topic
from faust.transport.drivers import aiokafka as driver
from faust.transport.producer import ProducerBuffer
from faust.types import TP, ConsumerMessage, FutureMessage
from faust.types.tuples import PendingMessage

from agents import faust_fixes
from agents.faust_fixes import (
    MendedApp,
    MendedBuffer,
    MendedConsumer,
    MendedRecovery,
    MendedTableManager,
    MendedTopic,
    ProduceError,
    RecoveryStalledError,
    check_upstream,
)
from agents.preflight import RuntimeRefusedError, check_stream_iterator, refuse_partitions
from streams.topics import CALLS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TOPIC = TP(CALLS, 0)
CHANGELOG = TP("test-cohorts-changelog", 0)
NEVER = 60.0


class App(MendedApp):
    """An app that never connects, and collects its failures."""

    failures: list[str]


def create_app(**settings: Any) -> App:
    """Such an app."""
    failures: list[str] = []
    app = App(
        "test",
        on_produce_failed=failures.append,
        broker="kafka://127.0.0.1:1",
        web_enabled=False,
        key_serializer="raw",
        value_serializer="raw",
        **settings,
    )
    app.failures = failures
    app.finalize()
    return app


async def commit_after_chunks(
    kind: type[driver.Consumer], ends: list[int], monkeypatch: pytest.MonkeyPatch
) -> int | None:
    """Where a consumer may commit to after reading and acknowledging chunks that end here."""
    app = create_app()
    cast("Any", app.topics)._acking_topics.add(CALLS)

    async def acknowledge(message: ConsumerMessage) -> None:
        consumer.ack(message)

    async def nothing(*_: Any) -> None:
        pass

    consumer = kind(
        app.transport,
        callback=acknowledge,
        on_partitions_revoked=nothing,
        on_partitions_assigned=nothing,
    )

    async def getmany(**_: Any) -> AsyncIterator[tuple[TP, ConsumerMessage]]:
        for end in ends:
            message = ConsumerMessage(
                CALLS, 0, end, 0.0, 1, None, None, b"", None, 0, 0, TOPIC, generation_id=0
            )
            yield TOPIC, message
        consumer._stopped.set()

    monkeypatch.setattr(consumer, "getmany", getmany)
    async with asyncio.timeout(5):
        await consumer._drain_messages(consumer)
    # Made with the consumer for a thread that was never started.
    consumer._thread.thread_loop.close()
    return consumer._new_offset(TOPIC)


async def test_a_commit_passes_every_gap_between_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """With one synthetic record a chunk, commits reach the end instead of the first gap."""
    ends = [999, 1_999, 2_999, 3_499]

    assert await commit_after_chunks(driver.Consumer, ends, monkeypatch) == 1_000 + 1_000
    assert await commit_after_chunks(MendedConsumer, ends, monkeypatch) == 3_500


class SlowTopic:
    """A topic whose broker answers when told to."""

    def __init__(self) -> None:
        self.answer = asyncio.Event()
        self.error: Exception | None = None

    async def publish_message(self, future: FutureMessage, wait: bool = False) -> None:  # noqa: FBT001, FBT002 - Faust's signature
        """What Faust calls; returns as soon as the record is on its way."""
        del wait
        asyncio.get_running_loop().create_task(self._answer(future))

    async def _answer(self, future: FutureMessage) -> None:
        await self.answer.wait()
        if self.error is None:
            future.set_result(cast("Any", None))
        else:
            future.set_exception(self.error)


def record_for(topic: Any) -> FutureMessage:
    """A record that waits to be sent to a topic."""
    return FutureMessage(PendingMessage(topic, b"k", b"v", 0, None, None, "raw", "raw", None))


async def start_buffer(kind: type[ProducerBuffer], app: MendedApp) -> ProducerBuffer:
    """A running producer buffer."""
    buffer = kind()
    buffer.app = app
    await buffer.start()
    return buffer


async def test_flush_returns_only_once_kafka_has_everything() -> None:
    """Otherwise offsets are committed while the state they stand for is still on its way."""
    for kind, waits in ((ProducerBuffer, False), (MendedBuffer, True)):
        topic = SlowTopic()
        buffer = await start_buffer(kind, create_app())
        record = record_for(topic)
        buffer.put(record)
        flushing = asyncio.create_task(buffer.flush())
        await asyncio.wait({flushing}, timeout=0.5)

        assert flushing.done() is not waits

        assert not record.done()

        topic.answer.set()
        async with asyncio.timeout(5):
            await flushing
            await record
        await buffer.stop()


async def test_flush_tells_of_a_record_that_was_refused() -> None:
    """The commit that flushed does not happen."""
    topic = SlowTopic()
    topic.error = ConnectionError("gone")
    topic.answer.set()
    buffer = await start_buffer(MendedBuffer, create_app())
    buffer.put(record_for(topic))

    with pytest.raises(ProduceError, match="gone"):
        await buffer.flush()

    await buffer.stop()


async def test_flush_does_not_wait_for_ever() -> None:
    """A broker that never answers is an error after the producer's time-out."""
    buffer = await start_buffer(MendedBuffer, create_app(producer_request_timeout=0.05))
    record = record_for(SlowTopic())
    buffer.put(record)

    with pytest.raises(ProduceError, match=r"1 of 1 records in 0.05 s"):
        await buffer.flush()

    record.set_result(cast("Any", None))
    await buffer.stop()


async def test_a_failed_send_is_reported() -> None:
    """Nobody may be waiting for it, and its source offset must not be committed."""
    for kind, reports in ((Topic, 0), (MendedTopic, 1)):
        app = create_app()
        topic = kind(app, topics=["kontaktpuls-cohorts-changelog"])
        sent: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        sent.set_exception(ConnectionError("gone"))
        record = record_for(topic)
        topic._on_published(sent, message=record, producer=app.producer, state=monotonic())

        assert len(app.failures) == reports

        assert record.exception() is sent.exception()


async def test_a_step_of_the_recovery_that_takes_too_long_is_an_error() -> None:
    """Upstream takes the time-out for a stop, and the worker lives on without consuming."""
    app = create_app()

    with pytest.raises(ServiceStopped):
        await Recovery(app, app.tables)._wait(asyncio.sleep(NEVER), timeout=0.01)
    with pytest.raises(RecoveryStalledError, match=r"0.01 s"):
        await MendedRecovery(app, app.tables)._wait(asyncio.sleep(NEVER), timeout=0.01)


async def test_a_recovery_that_is_stopped_ends_in_silence() -> None:
    """A stop is no time-out."""
    app = create_app()
    recovery = MendedRecovery(app, app.tables)
    recovery._stopped.set()

    with pytest.raises(ServiceStopped):
        await recovery._wait(asyncio.sleep(NEVER), timeout=NEVER)


class EagerConsumer:
    """Fetches an event whenever the flow and its partition allow, as the real one's thread does."""

    def __init__(self, queue: asyncio.Queue[str]) -> None:
        self.flow_active = True
        self.read: list[str] = []
        self._queue = queue

    def assignment(self) -> set[TP]:
        """One partition."""
        return {TOPIC}

    def stop_flow(self) -> None:
        """No more events."""
        self.flow_active = False

    def resume_flow(self) -> None:
        """Events again."""
        self.flow_active = True
        self._fetch("after")

    def resume_partitions(self, tps: set[TP]) -> None:
        """The partition may be fetched from again."""
        assert tps == {TOPIC}
        self._fetch("too early")

    async def perform_seek(self) -> None:
        """Takes its time."""
        await asyncio.sleep(0)

    def _fetch(self, event: str) -> None:
        if self.flow_active:
            self._queue.put_nowait(event)
            self.read.append(event)


@pytest.mark.parametrize(
    ("kind", "read", "arrived"),
    [(Recovery, ["too early", "after"], ["after"]), (MendedRecovery, ["after"], ["after"])],
)
async def test_what_is_read_while_recovery_ends_reaches_the_agents(
    kind: type[Recovery], read: list[str], arrived: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Upstream reads an event, empties the queue it went to, and never reads it again."""
    app = create_app()
    queue = app.FlowControlQueue(maxsize=9, clear_on_resume=True)
    monkeypatch.setattr(app._fetcher, "maybe_start", nothing_to_do)
    monkeypatch.setattr(app, "consumer_generation_id", 0)
    cast("Any", app.consumer)._thread.thread_loop.close()
    consumer = EagerConsumer(cast("asyncio.Queue[str]", queue))
    app.consumer = cast("Any", consumer)

    await kind(app, app.tables).on_recovery_completed(0)

    assert consumer.read == read
    assert [queue.get_nowait() for _ in range(queue.qsize())] == arrived


class Fetching:
    """The thread of a consumer that has read ahead while its partitions were being recovered."""

    def __init__(self) -> None:
        self.position = {TOPIC: 7, TP(CALLS, 1): 9, CHANGELOG: 5}

    async def seek_to_committed(self) -> dict[TP, int | None]:
        """As aiokafka does it: only where something is committed."""
        self.position[TP(CALLS, 1)] = 4
        return {TOPIC: None, TP(CALLS, 1): 4, CHANGELOG: None}

    async def earliest_offsets(self, *partitions: TP) -> dict[TP, int]:
        """Retention has taken what was before."""
        return dict.fromkeys(partitions, 2)

    async def seek_wait(self, partitions: dict[TP, int]) -> None:
        """Takes it at its word."""
        self.position |= partitions


@pytest.mark.parametrize(("kind", "begins_at"), [(driver.Consumer, 7), (MendedConsumer, 2)])
async def test_a_partition_of_which_nothing_is_committed_is_read_from_its_beginning(
    kind: type[driver.Consumer], begins_at: int
) -> None:
    """Upstream goes on behind what it fetched too early; changelogs are recovery's own affair."""
    consumer = object.__new__(kind)
    consumer._thread = thread = cast("Any", Fetching())

    await consumer.seek_to_committed()

    assert thread.position == {TOPIC: begins_at, TP(CALLS, 1): 4, CHANGELOG: 5}


async def nothing_to_do() -> None:
    """Start nothing."""


@pytest.mark.parametrize(("kind", "soon"), [(driver.Consumer, False), (MendedConsumer, True)])
async def test_a_broker_keeps_no_request_for_idle_topics_for_long(
    kind: type[driver.Consumer],
    soon: bool,  # noqa: FBT001 - a parameter of the table above
) -> None:
    """What comes for busy topics waits behind that request, 1.5 seconds with upstream."""
    app = create_app()
    consumer = cast("Any", kind)(app.transport, print, print, print)
    made = consumer._thread._create_worker_consumer(app.transport)
    # Made with the consumer for a thread that was never started.
    consumer._thread.thread_loop.close()
    await made.stop()

    assert (made._fetch_max_wait_ms <= 100) is soon


@pytest.mark.parametrize(("kind", "soon"), [(driver.Consumer, False), (MendedConsumer, True)])
async def test_partitions_whose_buffer_was_full_are_asked_for_again_soon(
    kind: type[driver.Consumer],
    soon: bool,  # noqa: FBT001 - a parameter of the table above
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They are left out of the look that is under way, which lasts a second with upstream."""
    app = create_app()
    consumer = cast("Any", kind)(app.transport, print, print, print)
    # As above.
    consumer._thread.thread_loop.close()
    waited = []

    async def nothing_there(*, timeout: float, **_: Any) -> dict[TP, list[Any]]:  # noqa: ASYNC109
        waited.append(timeout)
        return {}

    monkeypatch.setattr(consumer, "_getmany", nothing_there)
    monkeypatch.setattr(consumer, "_get_active_partitions", lambda: {TOPIC})
    consumer.resume_flow()
    await consumer._wait_next_records(1.0)

    assert (waited[0] <= 0.2) is soon


async def test_the_app_is_made_of_the_mended_parts() -> None:
    """No mend is forgotten in the wiring."""
    app = create_app()
    tables = cast("MendedTableManager", app.tables)
    cast("MendedConsumer", app.consumer)._thread.thread_loop.close()

    assert isinstance(app.consumer, MendedConsumer)
    assert isinstance(app.producer.buffer, MendedBuffer)
    assert isinstance(tables.recovery, MendedRecovery)
    assert isinstance(app.topic("any"), MendedTopic)


def test_this_faust_still_has_the_bugs() -> None:
    """The release that is installed is the one that was mended."""
    check_upstream()


def test_another_faust_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """An upgrade that touches a mended function makes noise before it touches data."""
    changed = ((ProducerBuffer.flush, "a line that is no longer there"),)
    monkeypatch.setattr(faust_fixes, "UPSTREAM", changed)

    with pytest.raises(RuntimeRefusedError, match=r"ProducerBuffer\.flush"):
        check_upstream()


def test_the_pure_python_stream_iterator_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """It acknowledges messages of an old generation after a rebalance."""
    check_stream_iterator()
    monkeypatch.setattr(faust.streams, "_CStreamIterator", None)

    with pytest.raises(RuntimeRefusedError, match="NO_CYTHON"):
        check_stream_iterator()


async def test_a_password_is_never_sent_unencrypted() -> None:
    """Faust connects in plain text when `ssl_context` is forgotten; we do not."""
    password = faust.SASLCredentials(username="kontaktpuls", password="secret")  # noqa: S106 - not a real one
    encrypted = faust.SASLCredentials(
        username="kontaktpuls",
        password="secret",  # noqa: S106 - not a real one
        ssl_context=ssl.create_default_context(),
    )

    with pytest.raises(RuntimeRefusedError, match="SASL_SSL"):
        create_app(broker_credentials=password)
    create_app(broker_credentials=encrypted)


def test_topics_that_do_not_fit_together_are_refused_by_name() -> None:
    """Faust would fail on every event of such a topic, and acknowledge it."""
    refuse_partitions({"a": 8, "b": 8}, 8)

    with pytest.raises(RuntimeRefusedError, match="`b` has 4, `c` does not exist"):
        refuse_partitions({"a": 8, "c": None, "b": 4}, 8)
