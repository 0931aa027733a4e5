"""Puts a history on a broker, quickly: whole batches, each to the partition Kafka would choose."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING

from aiokafka import AIOKafkaProducer

from agents.runtime import partition_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rig.history import Told

BATCH_BYTES = 512 * 1024


def publish(brokers: str, told: Iterable[Told], *, partitions: int, prefix: str = "") -> None:
    """Send everything, and return when the broker has it; topics begin with `prefix`."""
    asyncio.run(_publish(brokers, told, partitions, prefix))


async def _publish(brokers: str, told: Iterable[Told], partitions: int, prefix: str) -> None:
    lanes: dict[tuple[str, int], list[Told]] = defaultdict(list)
    for event in told:
        place = prefix + event.topic, partition_of(event.organisation, partitions)
        lanes[place].append(event)
    async with AIOKafkaProducer(
        bootstrap_servers=brokers, acks="all", max_batch_size=BATCH_BYTES
    ) as producer:
        for (topic, partition), events in lanes.items():
            batch = producer.create_batch()
            for event in events:
                key, value = event.organisation.encode(), event.value
                if batch.append(key=key, value=value, timestamp=None) is None:
                    await producer.send_batch(batch, topic, partition=partition)
                    batch = producer.create_batch()
                    batch.append(key=key, value=value, timestamp=None)
            await producer.send_batch(batch, topic, partition=partition)
        await producer.flush()
