"""What one worker knows: the desks it owns, whether it may use them, and how it is doing.

The intake works on it; the exporter, the web server and the watchdog only read it.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from functools import lru_cache
from time import monotonic
from typing import TYPE_CHECKING, Any

import msgspec
import structlog
from aiokafka.partitioner import murmur2

from agents.exports.status import ExportStatus
from agents.outgoing import ProduceError
from agents.watchdog import EXIT_CODE, Limits, Vitals
from streams.desk import Desk, row_belongs
from streams.instants import SECOND
from streams.topics import TOPIC_OF_CHANNEL

if TYPE_CHECKING:
    from collections.abc import Callable

    from faust.types import TP, EventT

    from agents.cohort_table import Rows
    from agents.settings import Settings
    from agents.views import Views
    from streams.organisations import Channel

log = structlog.stdlib.get_logger("kontaktpuls.runtime")


class Telemetry(msgspec.Struct):
    """Counted since the process began.

    Attributes:
        chunks, records: handled.
        flushes, rows_written, rows_deleted: of the changelog.
        commits: seen to advance.
        rebalances: begun.
        loop_lag: seconds the event loop was last late.
        lag: records on the broker that were not handled, by topic and partition.
    """

    chunks: int = 0
    records: int = 0
    flushes: int = 0
    rows_written: int = 0
    rows_deleted: int = 0
    commits: int = 0
    rebalances: int = 0
    loop_lag: float = 0.0
    lag: dict[tuple[str, int], int] = msgspec.field(default_factory=dict)


class Lane:
    """One desk at work.

    Attributes:
        desk: what is known.
        events: chunks applied but not acknowledged.
        sent: batches with letters, forwards and deletions that Kafka must acknowledge first.
        flushed_at: when everything was last acknowledged (monotonic seconds).
    """

    __slots__ = ("desk", "events", "flushed_at", "sent")

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.events: list[EventT[Any]] = []
        self.sent: set[asyncio.Future[None]] = set()
        self.flushed_at = monotonic()


class Runtime:
    """The state of one worker.

    Attributes:
        settings, clock: as configured; the clock tells the instant.
        views: shown what was flushed.
        lanes: by channel and partition, of the current assignment.
        handled: the next offset to handle, of the current assignment.
        working: since when each channel has been handling a chunk (monotonic seconds).
        telemetry, vitals: how the worker is doing.
        exports: how weekly exports are doing, where this worker looks after them.
        limits: what the watchdog allows.
        epoch: number of the assignment; a rebalance begins a new one.
    """

    def __init__(
        self,
        settings: Settings,
        views: Views,
        *,
        clock: Callable[[], int],
        exit_process: Callable[[int], object] = os._exit,
    ) -> None:
        cluster = settings.cluster
        self.settings = settings
        self.views = views
        self.clock = clock
        self.lanes: dict[tuple[Channel, int], Lane] = {}
        self.handled: dict[TP, int] = {}
        self.working: dict[Channel, float] = {}
        self.telemetry = Telemetry()
        self.exports = ExportStatus()
        self.vitals = Vitals(beat_at=monotonic(), unsettled_since=monotonic())
        self.limits = Limits(
            recovery=cluster.recovery_timeout / SECOND,
            stall=cluster.stall_timeout / SECOND,
            stop=cluster.stop_timeout / SECOND,
        )
        self.epoch = 0
        self._assigned_epoch = 0
        self._restored_epoch = -1
        self._exit_process = exit_process

    @property
    def desks(self) -> dict[tuple[Channel, int], Desk]:
        """The desks of this worker, by channel and partition."""
        return {place: lane.desk for place, lane in self.lanes.items()}

    @property
    def partitions(self) -> frozenset[int]:
        """The partitions of this worker."""
        return frozenset(partition for _, partition in self.lanes)

    @property
    def recovering(self) -> bool:
        """Whether the desks are incomplete or no longer ours; then no KPI must be shown."""
        return self._restored_epoch != self.epoch

    def readiness(self) -> dict[str, str | None]:
        """Why this worker cannot serve, by check; all `None` when it can."""
        recovering = "partitions are being assigned or recovered" if self.recovering else None
        owning = None if self.lanes else "no partition is assigned to this worker"
        return {"recovered": recovering, "owning": owning}

    def fence(self) -> None:
        """A rebalance begins: nothing may be acknowledged any more. Called from any thread."""
        self.epoch += 1
        self.telemetry.rebalances += 1

    def assigned(self) -> None:
        """Partitions were assigned; what is restored next is for this epoch."""
        self._assigned_epoch = self.epoch
        self.lanes = {}
        self.handled.clear()

    async def restore(self, rows_of: dict[int, Rows], partitions: set[int]) -> None:
        """Make the desks of these partitions from their rows.

        A row that cannot be read ends the worker: it would be forgotten at the next flush.
        """
        epoch = self._assigned_epoch
        lanes: dict[tuple[Channel, int], Lane] = {}
        try:
            for partition in sorted(partitions):
                lanes |= await self._lanes(partition, rows_of.get(partition, {}))
        except Exception as error:  # noqa: BLE001 - Faust would swallow it, whatever it is
            self.fail("stored rows could not be restored", error)
            return
        if epoch != self.epoch:
            return
        self.lanes = lanes
        self._restored_epoch = epoch
        log.info(
            "recovered",
            partitions=sorted(partitions),
            rows=sum(len(rows_of.get(partition, {})) for partition in partitions),
        )
        for lane in lanes.values():
            self.views.show(lane.desk)

    async def _lanes(self, partition: int, rows: Rows) -> dict[tuple[Channel, int], Lane]:
        incarnation = f"{self.clock() // SECOND:x}{secrets.token_hex(4)}"
        lanes: dict[tuple[Channel, int], Lane] = {}
        for channel in TOPIC_OF_CHANNEL:
            desk = create_desk(self.settings, channel, partition, incarnation)
            own = [(key, row) for key, row in rows.items() if row_belongs(key, channel, partition)]
            for _ in desk.restoring(own):
                # All of it may take a minute; health checks and the watchdog want an answer.
                await asyncio.sleep(0)
            lanes[channel, partition] = Lane(desk)
        return lanes

    def produce_failed(self, what: str) -> None:
        """Kafka did not take a record; the watchdog ends the worker."""
        self.vitals.failure = what

    def fail(self, what: str, error: Exception) -> None:
        """End the process at once, before anything is acknowledged that was not stored."""
        trace = None if isinstance(error, ProduceError) else error
        log.critical(what, error=repr(error), exc_info=trace)
        self._exit_process(EXIT_CODE)


def create_desk(settings: Settings, channel: Channel, partition: int, incarnation: str) -> Desk:
    """The desk of a channel of a partition, as configured and without contacts."""
    cluster = settings.cluster
    return Desk(
        channel=channel,
        partition=partition,
        organisations=settings.organisations,
        owns=lambda name: partition_of(name, cluster.partitions) == partition,
        incarnation=incarnation,
        horizon=cluster.horizon,
        history=cluster.history,
        clock=cluster.clock,
    )


@lru_cache(maxsize=4096)
def partition_of(organisation: str, partitions: int) -> int:
    """Where Kafka's own (Java) producers put the records of an organisation."""
    return int(murmur2(organisation.encode()) & 0x7FFFFFFF) % partitions
