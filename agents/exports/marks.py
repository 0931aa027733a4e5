"""What was exported, kept in Kafka: it outlives a flushed Redis and a lost folder.

The topic is compacted, so one record for each export stays. Whoever writes one holds the lock with
a token that only grows; of two marks for one export the one with the higher token counts, whichever
came last.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import msgspec
import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from agents.kafka_clients import client_options
from streams.errors import KontaktpulsError
from streams.instants import SECOND
from streams.topics import EXPORTS

if TYPE_CHECKING:
    from agents.settings import Cluster

POLL_MS: Final = 500

log = structlog.stdlib.get_logger("kontaktpuls.exports")


class MarksError(KontaktpulsError):
    """Kafka does not say what was exported, or does not take that something was."""


class Mark(msgspec.Struct, frozen=True):
    """One export that was made.

    Attributes:
        token: of the lock under which it was.
        finished_at: RFC 3339 instant.
        files: SHA-256 of each, by name.
        message_id: of the mail; `None` where nobody gets one.
    """

    token: int
    finished_at: str
    files: dict[str, str]
    message_id: str | None = None


class Marks:
    """The marks as far as they were read.

    Attributes:
        by_key: the mark of each export.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.by_key: dict[str, Mark] = {}
        self._cluster = cluster
        self._patience = cluster.request_timeout / SECOND
        self._next: dict[TopicPartition, int] = {}

    @property
    def highest_token(self) -> int:
        """No token given from now on may be as low as this one."""
        return max((mark.token for mark in self.by_key.values()), default=0)

    async def read_on(self) -> None:
        """Read what was written since the last time.

        Raises:
            MarksError: Kafka does not answer in time.
        """
        try:
            async with asyncio.timeout(self._patience):
                await self._read_on()
        except (KafkaError, TimeoutError, OSError) as error:
            msg = f"`{EXPORTS}` cannot be read from `{self._cluster.brokers}`: {error!r}; is Kafka "
            msg += "running there, and were the topics made (`kontaktpuls topics create`)?"
            raise MarksError(msg) from error

    async def _read_on(self) -> None:
        consumer = AIOKafkaConsumer(
            **_options(self._cluster), group_id=None, enable_auto_commit=False
        )
        try:
            await consumer.start()
            places = [TopicPartition(EXPORTS, n) for n in range(self._cluster.partitions)]
            consumer.assign(places)
            begins = await consumer.beginning_offsets(places)
            ends = await consumer.end_offsets(places)
            behind = set()
            for place in places:
                # A topic that was made anew, or compacted meanwhile, begins elsewhere.
                known = self._next.get(place, 0)
                start = known if begins[place] <= known <= ends[place] else begins[place]
                consumer.seek(place, start)
                if start < ends[place]:
                    behind.add(place)
            while behind:
                batches = await consumer.getmany(*behind, timeout_ms=POLL_MS)
                for records in batches.values():
                    for record in records:
                        self._take(record.key, record.value)
                for place in tuple(behind):
                    self._next[place] = await consumer.position(place)
                    if self._next[place] >= ends[place]:
                        behind.remove(place)
        finally:
            await consumer.stop()

    def _take(self, raw_key: bytes | None, value: bytes | None) -> None:
        try:
            key = (raw_key or b"").decode()
            if value is None:
                self.by_key.pop(key, None)
                return
            mark = msgspec.json.decode(value, type=Mark)
        except (ValueError, msgspec.MsgspecError) as error:
            log.warning("no mark of an export", topic=EXPORTS, error=str(error))
            return
        present = self.by_key.get(key)
        if present is None or mark.token > present.token:
            self.by_key[key] = mark

    async def write(self, key: str, mark: Mark) -> None:
        """Write a mark and wait until Kafka has it.

        Raises:
            MarksError: Kafka does not take it in time.
        """
        options = _options(self._cluster) | {"acks": "all"}
        if self._cluster.embedded:
            options["max_batch_size"] = 1
        try:
            async with asyncio.timeout(self._patience):
                producer = AIOKafkaProducer(**options)
                try:
                    await producer.start()
                    value = msgspec.json.encode(mark)
                    await producer.send_and_wait(EXPORTS, value, key=key.encode())
                finally:
                    await producer.stop()
        except (KafkaError, TimeoutError, OSError) as error:
            msg = f"`{EXPORTS}` of `{self._cluster.brokers}` did not take a mark: {error!r}"
            raise MarksError(msg) from error
        self._take(key.encode(), value)


def _options(cluster: Cluster) -> dict[str, Any]:
    """The same as for other clients, but for what aiokafka does not know."""
    options = client_options(cluster)
    del options["bootstrap_timeout_ms"]
    options["bootstrap_servers"] = ",".join(options["bootstrap_servers"])
    return options
