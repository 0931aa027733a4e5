"""Every mend of Faust mends something: without it the same story ends badly.

Each story is told twice, with Faust's own part and with ours; the first half fails as soon as
upstream repairs the bug, and then the mend can go.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

import faust
import pytest
from faust.tables.recovery import Recovery, ServiceStopped
from faust.transport.consumer import Consumer as BaseConsumer
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage

from agents import faust_fixes
from agents.batching import Chunk
from agents.faust_fixes import (
    MendedApp,
    MendedConsumer,
    MendedRecovery,
    MendedTableManager,
    RecordsMissingError,
    RecoveryStalledError,
    check_upstream,
)
from agents.preflight import RuntimeRefusedError, check_stream_iterator, refuse_partitions
from streams.topics import CALLS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping

TOPIC = TP(CALLS, 0)
CHANGELOG = TP("test-cohorts-changelog", 0)
NEVER = 60.0


def create_app(**settings: Any) -> MendedApp:
    """An app that never connects."""
    app = MendedApp(
        "test",
        broker="kafka://127.0.0.1:1",
        web_enabled=False,
        key_serializer="raw",
        value_serializer="raw",
        **settings,
    )
    app.finalize()
    return app


class Step(NamedTuple):
    """What happens to a consumer: a chunk from an offset to one, a seek to one, a revocation."""

    what: Literal["acknowledged", "read", "revoked", "seek"]
    offset: int = 0
    begin: int = 0


async def commit_after(
    kind: type[driver.Consumer],
    story: Iterable[Step],
    monkeypatch: pytest.MonkeyPatch,
    *,
    commits: int = 1,
) -> int | None:
    """How far a consumer commits after a story."""
    app = create_app()
    cast("Any", app.topics)._acking_topics.add(CALLS)
    steps: dict[int, Step] = {}

    async def acknowledge(message: ConsumerMessage) -> None:
        if steps[message.offset].what == "acknowledged":
            consumer.ack(message)

    async def nothing(*_: Any, **__: Any) -> None:
        pass

    consumer = kind(
        app.transport,
        callback=acknowledge,
        on_partitions_revoked=nothing,
        on_partitions_assigned=nothing,
    )

    monkeypatch.setattr(consumer, "earliest_offsets", from_zero)
    monkeypatch.setattr(consumer, "seek_wait", nothing)

    async def getmany(*_: Any, **__: Any) -> AsyncIterator[tuple[TP, ConsumerMessage]]:
        for step in [Step("seek", 0), *story]:
            if step.what == "revoked":
                await consumer.on_partitions_revoked({TOPIC})
            elif step.what == "seek":
                committed = {TOPIC: step.offset}
                monkeypatch.setattr(driver.Consumer, "seek_to_committed", answering(committed))
                await consumer.perform_seek()
            else:
                steps[step.offset] = step
                yield TOPIC, message(step)
        consumer._stopped.set()

    monkeypatch.setattr(BaseConsumer, "getmany", getmany)
    async with asyncio.timeout(5):
        await consumer._drain_messages(consumer)
    # Made with the consumer for a thread that was never started.
    consumer._thread.thread_loop.close()
    for _ in range(commits):
        through = consumer._new_offset(TOPIC)
        if through is not None:
            consumer._committed_offset[TOPIC] = through
    return consumer._committed_offset[TOPIC]


def message(step: Step) -> ConsumerMessage:
    """A chunk as Faust hands it on."""
    chunk = cast("Any", Chunk((), step.begin, more=False))
    return ConsumerMessage(
        CALLS, 0, step.offset, 0.0, 1, None, None, chunk, None, 0, 0, TOPIC, generation_id=0
    )


def answering(committed: Mapping[TP, int]) -> Callable[..., Any]:
    """A seek that finds this committed."""

    async def seek_to_committed(_consumer: driver.Consumer) -> Mapping[TP, int]:
        return committed

    return seek_to_committed


def chunks(*ends: int) -> list[Step]:
    """Chunks that are acknowledged at once."""
    return [Step("acknowledged", end) for end in ends]


async def test_a_commit_passes_every_gap_between_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """With one synthetic record a chunk, commits reach the end instead of the first gap."""
    ends = [999, 1_999, 2_999, 3_499]

    assert await commit_after(driver.Consumer, chunks(*ends), monkeypatch) == 1_000 + 1_000
    assert await commit_after(MendedConsumer, chunks(*ends), monkeypatch) == 3_500


async def test_a_commit_passes_the_gap_after_a_very_first_record_that_came_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Upstream takes its offset of 0 for none; once 1 is committed nothing more ever is."""
    assert await commit_after(driver.Consumer, chunks(0, 23), monkeypatch) == 1
    assert await commit_after(MendedConsumer, chunks(0, 23), monkeypatch) == 24


@pytest.mark.parametrize(("kind", "through"), [(driver.Consumer, 251), (MendedConsumer, 231)])
async def test_what_was_read_before_a_rebalance_is_not_committed_after_it(
    kind: type[driver.Consumer], through: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Upstream forgets gaps when partitions are revoked, and reads and notes them on for a while.

    What lies in them counts as done afterwards, though nobody has read it since; whoever owns the
    partition next never will.
    """
    story = [
        Step("seek", 100),
        Step("read", 149),
        Step("revoked"),
        Step("read", 199),
        Step("read", 250),
        Step("seek", 100),
        *chunks(149, 230),
    ]

    assert await commit_after(kind, story, monkeypatch, commits=5) == through


async def test_nothing_is_committed_past_a_chunk_that_is_not_acknowledged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever was acknowledged behind it."""
    story = [Step("seek", 100), *chunks(149), Step("read", 199), *chunks(250)]

    assert await commit_after(MendedConsumer, story, monkeypatch) == 150


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
    consumer = cast("Any", object.__new__(kind))
    consumer._thread = thread = cast("Any", Fetching())
    consumer._handed_out, consumer._through, consumer._asked_again = {}, {}, {}

    await consumer.seek_to_committed()

    assert thread.position == {TOPIC: begins_at, TP(CALLS, 1): 4, CHANGELOG: 5}


class Fetched(NamedTuple):
    """A chunk from an offset to one, as it was fetched; `None` = a seek to what is committed."""

    begin: int
    last: int


async def handed_out(
    kind: type[driver.Consumer],
    story: Iterable[Fetched | None],
    monkeypatch: pytest.MonkeyPatch,
    *,
    position: int = 100,
) -> tuple[list[int], list[Mapping[TP, int]]]:
    """Where the chunks begin that are handed out, 100 being committed, and where it seeks."""
    app = create_app()
    consumer = cast("Any", kind)(app.transport, print, print, print)
    # Made with the consumer for a thread that was never started.
    consumer._thread.thread_loop.close()
    sought: list[Mapping[TP, int]] = []

    async def getmany(*_: Any, **__: Any) -> AsyncIterator[tuple[TP, ConsumerMessage]]:
        for fetched in story:
            if fetched is None:
                await consumer.perform_seek()
            else:
                yield TOPIC, message(Step("read", fetched.last, fetched.begin))

    async def seek_wait(turn: Mapping[TP, int]) -> None:
        sought.append(turn)

    monkeypatch.setattr(BaseConsumer, "getmany", getmany)
    monkeypatch.setattr(driver.Consumer, "seek_to_committed", answering({TOPIC: 100}))
    monkeypatch.setattr(consumer, "earliest_offsets", from_zero)
    monkeypatch.setattr(consumer, "seek_wait", seek_wait)
    if kind is MendedConsumer:
        monkeypatch.setattr(consumer, "positions", lambda: {TOPIC: (position, 1_000)})
    return [told.value.begin async for _, told in consumer.getmany(1.0)], sought


@pytest.mark.parametrize(("kind", "read"), [(driver.Consumer, [150, 100]), (MendedConsumer, [100])])
async def test_what_was_fetched_before_a_seek_is_not_handed_out_after_it(
    kind: type[driver.Consumer], read: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Upstream hands it out; what lies before it is dropped then, as if it had been read."""
    story = [Fetched(100, 149), None, Fetched(150, 199), Fetched(100, 149)]
    begun, _ = await handed_out(kind, story[1:], monkeypatch)
    assert begun == read

    whole, sought = await handed_out(MendedConsumer, story, monkeypatch)
    # Nothing before the first seek either; and what was left out is asked for.
    assert (whole, sought) == ([100], [{TOPIC: 100}])


async def test_a_chunk_that_was_read_already_is_not_handed_out_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Unless some of it is new: chunks of another fetch end elsewhere."""
    story = [None, Fetched(100, 149), Fetched(90, 99), Fetched(100, 149), Fetched(120, 180)]

    assert await handed_out(MendedConsumer, story, monkeypatch, position=181) == ([100, 120], [])


async def test_a_log_that_begins_again_ends_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody has deleted a topic and made it anew; Kafka forgets what was committed of it."""
    story = [None, Fetched(0, 9)]

    with pytest.raises(RecordsMissingError, match="begins again at 0, and 100 was to come"):
        await handed_out(MendedConsumer, story, monkeypatch, position=10)


async def test_records_that_do_not_come_end_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once they are asked for again; a restart begins with what there is, and says so."""
    story = [None, Fetched(100, 149), Fetched(200, 249), Fetched(200, 249)]

    with pytest.raises(RecordsMissingError, match=r"0: offsets 150 to 199 do not come"):
        await handed_out(MendedConsumer, story, monkeypatch)


async def test_nothing_of_a_revoked_partition_is_handed_out() -> None:
    """Before it is assigned and sought again."""
    app = create_app()
    consumer = cast("Any", MendedConsumer)(app.transport, print, silent, silent)
    # As above.
    consumer._thread.thread_loop.close()
    consumer._turn = {TOPIC: 100, TP(CALLS, 1): 7}
    await consumer.on_partitions_revoked({TOPIC})

    assert consumer._turn == {TP(CALLS, 1): 7}


async def from_zero(*tps: TP) -> Mapping[TP, int]:
    """Logs of which nothing was deleted."""
    return dict.fromkeys(tps, 0)


async def silent(_partitions: set[TP]) -> None:
    """Hear of partitions."""


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
    assert isinstance(tables.recovery, MendedRecovery)


def test_this_faust_still_has_the_bugs() -> None:
    """The release that is installed is the one that was mended."""
    check_upstream()


def test_another_faust_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """An upgrade that touches a mended function makes noise before it touches data."""
    changed = ((Recovery._wait, "a line that is no longer there"),)
    monkeypatch.setattr(faust_fixes, "UPSTREAM", changed)

    with pytest.raises(RuntimeRefusedError, match=r"Recovery\._wait"):
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
