"""The composition root: one worker, put together from its settings."""

from __future__ import annotations

import gc
import os
from itertools import chain
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, cast

import faust
from faust.app.base import BootStrategy

from agents.batching import ChunkScheduler, ChunkSchema
from agents.cohort_table import CohortTable
from agents.faust_fixes import MendedApp, MendedConsumer
from agents.intake import Intake
from agents.outgoing import Outgoing, ProduceError
from agents.pulse import Pulse
from agents.runtime import Runtime
from agents.settings.tls import tls_context
from agents.views import Views
from streams.conventions import TABLE_COHORTS
from streams.instants import SECOND
from streams.topics import TOPIC_OF_CHANNEL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from faust.streams import Stream
    from faust.types import StreamT, TopicT
    from mode import ServiceT

    from agents.settings import Settings
    from agents.settings.cluster import Cluster, Security
    from agents.views import OnFlushed
    from streams.organisations import Channel

SESSION: Final = 20.0
SESSION_EMBEDDED: Final = 6.0
"""Tansu keeps the first member waiting for half of it."""

BUFFERED_CHUNKS: Final = 4

BATCH_BYTES: Final = 512 * 1024
"""Of what is written to one partition at once; a broker takes 1 MB. aiokafka's 16 KB hold a row or
a dozen, and each such batch waits until the one before it is acknowledged."""

COLLECT_AFTER: Final = (200_000, 50, 100)
"""Python looks for cycles after so many new objects. At its own 700 that took half of the processor
while history is read, to find nothing: state has no cycles, and grows by thousands a second."""


class EarlyServices(BootStrategy):
    """Starts what must answer while partitions are still being assigned and recovered."""

    def server(self) -> Iterable[ServiceT]:
        """Ours first; stopped in the reverse order."""
        return chain(cast("KontaktpulsApp", self.app).early, super().server())


class KontaktpulsApp(MendedApp):
    """A Faust app that knows its runtime.

    Attributes:
        runtime: what the worker knows.
        early: services that start before Kafka is asked for anything.
    """

    BootStrategy = EarlyServices

    def __init__(self, app_id: str, runtime: Runtime, **settings: Any) -> None:
        super().__init__(app_id, **settings)
        self.runtime = runtime
        self.early: list[ServiceT] = [runtime.views, Pulse(self)]

    @property
    def mended_consumer(self) -> MendedConsumer:
        """The consumer, by its real type."""
        return cast("MendedConsumer", self.consumer)

    async def on_start(self) -> None:
        """Look for cycles less often, and never among what every process has."""
        await super().on_start()
        gc.freeze()
        gc.set_threshold(*COLLECT_AFTER)

    def on_rebalance_start(self) -> None:
        """Faust calls this from the consumer's thread, before anything is revoked."""
        self.runtime.fence()
        super().on_rebalance_start()

    async def stop(self) -> None:
        """Stop; the watchdog looks at how long it takes."""
        self.runtime.vitals.stopping_since = monotonic()
        await super().stop()


def create_app(
    settings: Settings,
    *,
    clock: Callable[[], int],
    on_flushed: Mapping[str, OnFlushed] | None = None,
    exit_process: Callable[[int], object] = os._exit,
) -> KontaktpulsApp:
    """A worker that is ready to start.

    Args:
        settings: the whole configuration.
        clock: tells the instant.
        on_flushed: views by name, shown every desk after it was stored.
        exit_process: ends the process on a fault of ours; does not return outside tests.

    Raises:
        RuntimeRefusedError: this Faust, or this way to connect, must not be used.
    """
    views = Views(on_flushed or {})
    runtime = Runtime(settings, views, clock=clock, exit_process=exit_process)
    app = KontaktpulsApp(settings.cluster.app_id, runtime, **_faust_settings(settings.cluster))
    outgoing = Outgoing(lambda: app.kafka_producer, on_failed=runtime.produce_failed)

    async def restore(partitions: set[int]) -> None:
        # Rows of a partition that stays here are restored from memory. What Kafka lacks of them
        # would never be written again: their events come again, and tell nothing new.
        try:
            await outgoing.settle(settings.cluster.produce_timeout / SECOND)
        except ProduceError as error:
            runtime.fail("rows of a partition that stays could not be stored", error)
            return
        await runtime.restore(table.rows, partitions)

    table = cast(
        "CohortTable",
        app.Table(
            TABLE_COHORTS,
            partitions=settings.cluster.partitions,
            outgoing=outgoing,
            on_assigned=runtime.assigned,
            on_recovered=restore,
        ),
    )
    for channel, name in TOPIC_OF_CHANNEL.items():
        intake = Intake(
            channel,
            table=table,
            outgoing=outgoing,
            runtime=runtime,
            end_of=lambda tp: app.monitor.tp_end_offsets.get(tp) or 0,
        )
        _add_agent(app, channel, app.topic(name, schema=ChunkSchema()), intake)
    return app


def _add_agent(app: KontaktpulsApp, channel: Channel, topic: TopicT, intake: Intake) -> None:
    async def take_in(stream: StreamT[Any]) -> None:
        # By hand: only what is stored may be acknowledged.
        async for event in cast("Stream[Any]", stream).noack().events():
            await intake.handle(event)

    app.agent(topic, name=f"kontaktpuls.{channel}")(take_in)


def _faust_settings(cluster: Cluster) -> dict[str, Any]:
    return {
        "broker": [f"kafka://{broker}" for broker in cluster.brokers.split(",")],
        "broker_client_id": cluster.app_id,
        "broker_credentials": credentials(cluster.security),
        "broker_commit_interval": 0.25,
        "broker_heartbeat_interval": 1.0 if cluster.embedded else 3.0,
        "broker_max_poll_interval": 120.0,
        "broker_request_timeout": max(cluster.request_timeout / SECOND, SESSION),
        "broker_session_timeout": SESSION_EMBEDDED if cluster.embedded else SESSION,
        "consumer_group_instance_id": cluster.instance_id,
        # Tansu tells the end of a log rightly only when every batch holds one record.
        "producer_max_batch_size": 1 if cluster.embedded else BATCH_BYTES,
        "producer_request_timeout": cluster.produce_timeout / SECOND,
        "processing_guarantee": "at_least_once",
        "key_serializer": "raw",
        "value_serializer": "raw",
        "store": "memory://",
        "table_standby_replicas": 0,
        "stream_buffer_maxsize": BUFFERED_CHUNKS,
        "stream_wait_empty": False,
        "topic_allow_declare": False,
        "topic_disable_leader": True,
        "topic_partitions": cluster.partitions,
        "topic_replication_factor": cluster.replication,
        "web_enabled": False,
        "web_bind": "127.0.0.1",
        "web_tables_enabled": False,
        "web_router_enabled": False,
        "datadir": str(cluster.data_dir),
        "ConsumerScheduler": ChunkScheduler,
        "Table": CohortTable,
    }


def credentials(security: Security) -> faust.SASLCredentials | faust.SSLCredentials | None:
    """How Faust shall speak to Kafka; `None` = unencrypted and without a password."""
    if security.protocol == "PLAINTEXT":
        return None
    context = tls_context(security.tls)
    if security.protocol == "SSL":
        return faust.SSLCredentials(context)
    return faust.SASLCredentials(
        username=security.username,
        password=None if security.password is None else security.password.get_secret_value(),
        mechanism=security.mechanism,
        ssl_context=context,
    )
