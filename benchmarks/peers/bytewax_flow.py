"""Bytewax as its documentation has it: Kafka in, decode, key by queue, a stateful step, a sink.

Run with recovery on: `python -m bytewax.run ... -r FOLDER`. Offsets and state are snapshotted
together into SQLite; the flow ends, with a last snapshot, at the end of the topics.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import bytewax.operators as op  # type: ignore[import-not-found,unused-ignore]
import orjson  # type: ignore[import-not-found,unused-ignore]
from bytewax.connectors.kafka import (  # type: ignore[import-not-found,unused-ignore]
    KafkaSource,
    KafkaSourceMessage,
)
from bytewax.dataflow import Dataflow  # type: ignore[import-not-found,unused-ignore]
from bytewax.outputs import (  # type: ignore[import-not-found,unused-ignore]
    DynamicSink,
    StatelessSinkPartition,
)

from peers.contract import BROKER, CALLS, MAILS, WITHIN, begin, tell

Shown = tuple[str, str, int, int]


@dataclass
class Queue:
    """What is known of a queue or a mailbox: who waits since when, and counts by name and hour."""

    waiting: dict[str, float] = field(default_factory=dict)
    counts: dict[tuple[str, int], int] = field(default_factory=dict)

    def add(self, name: str, at: datetime) -> tuple[str, int, int]:
        """Count one thing that happened, and what that hour has now."""
        key = name, int(at.timestamp() // 3600)
        self.counts[key] = count = self.counts.get(key, 0) + 1
        return *key, count


def decode(message: KafkaSourceMessage) -> dict[str, Any]:
    """The event in a record."""
    begin()
    event: dict[str, Any] = orjson.loads(message.value)
    return event


def part_of(event: dict[str, Any]) -> str:
    """The queue or the mailbox."""
    part: str = event["queue"] if "queue" in event else event["mailbox"]
    return part


def count(queue: Queue | None, event: dict[str, Any]) -> tuple[Queue, list[tuple[str, int, int]]]:
    """Count one event."""
    queue = queue or Queue()
    kind, at = event["type"], datetime.fromisoformat(event["at"])
    match kind:
        case "call.entered":
            queue.waiting[event["call"]] = at.timestamp()
            return queue, [queue.add("offered", at)]
        case "call.answered":
            waited = at.timestamp() - queue.waiting.pop(event["call"])
            answered = [queue.add("answered", at)]
            return queue, [*answered, queue.add("within", at)] if waited <= WITHIN else answered
        case "call.left":
            del queue.waiting[event["call"]]
            return queue, [queue.add("abandoned", at)]
        case "email.received":
            return queue, [queue.add("received", at)]
        case _:
            return queue, [queue.add("replied", at)]


class Latest(StatelessSinkPartition[tuple[str, list[tuple[str, int, int]]]]):  # type: ignore[misc,unused-ignore]
    """Keeps the latest of each number."""

    def __init__(self) -> None:
        self._shown: dict[tuple[str, str, int], int] = {}

    def write_batch(self, items: list[tuple[str, list[tuple[str, int, int]]]]) -> None:
        """Take over some."""
        for part, counts in items:
            for name, hour, number in counts:
                self._shown[name, part, hour] = number

    def close(self) -> None:
        """Hand over all."""
        tell(self._shown)


class LatestSink(DynamicSink[tuple[str, list[tuple[str, int, int]]]]):  # type: ignore[misc,unused-ignore]
    """One of them for each worker."""

    def build(self, _step_id: str, _worker_index: int, _worker_count: int) -> Latest:
        """A new one."""
        return Latest()


flow = Dataflow("queues")
records = op.input("kafka", flow, KafkaSource([BROKER], [CALLS, MAILS], tail=False))
events = op.map("decode", records, decode)
counted = op.filter("counted", events, lambda event: event["type"] != "call.ended")
keyed = op.key_on("part", counted, part_of)
numbers = op.stateful_map("count", keyed, count)
op.output("latest", numbers, LatestSink())
