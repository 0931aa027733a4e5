"""`publish` and `simulate` against a broker: what arrives, where, and how they stop."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.partitioner import murmur2

from agents.children import Child
from streams.codec import decode_event
from streams.events import Heartbeat
from streams.instants import from_datetime
from streams.topics import CALLS

if TYPE_CHECKING:
    from agents.embedded import Tansu

ROOT = Path(__file__).parents[2]
PARTITIONS = 4
TOWN = "exempelkommun"

pytestmark = pytest.mark.integration


def environment(broker: Tansu) -> dict[str, str]:
    """The cluster of one test."""
    return {
        "KONTAKTPULS_BROKERS": broker.brokers,
        "KONTAKTPULS_EMBEDDED": "true",
        "KONTAKTPULS_PARTITIONS": str(PARTITIONS),
        "KONTAKTPULS_REPLICATION": "1",
    }


def kontaktpuls(broker: Tansu, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "agents", *arguments],
        capture_output=True,
        check=False,
        cwd=ROOT,
        env=os.environ | environment(broker),
        text=True,
        timeout=60,
    )


def records(broker: Tansu, *, at_least: int, seconds: float = 30) -> list[tuple[int, bytes, bytes]]:
    """Partition, key and value of the records about calls, once there are enough."""
    consumer = KafkaConsumer(
        bootstrap_servers=broker.brokers, auto_offset_reset="earliest", group_id=None
    )
    try:
        consumer.assign([TopicPartition(CALLS, number) for number in range(PARTITIONS)])
        found: list[tuple[int, bytes, bytes]] = []
        deadline = time.monotonic() + seconds
        while len(found) < at_least and time.monotonic() < deadline:
            for batch in consumer.poll(timeout_ms=200).values():
                found += [(record.partition, record.key, record.value) for record in batch]
        return found
    finally:
        consumer.close()


def test_published_events_are_on_their_organisations_partition_in_their_order(
    tansu: Tansu, tmp_path: Path
) -> None:
    """Each organisation's events lie where Java's hash says, in the order of the file."""
    events = [
        {
            "type": "call.entered",
            "organisation": organisation,
            "call": str(number),
            "queue": "PS",
            "at": "2026-11-16T08:00:00Z",
        }
        for number in range(200)
        for organisation in (TOWN, "anonymous-bank")
    ]
    path = tmp_path / "events.jsonl"
    path.write_text("".join(json.dumps(event) + "\n" for event in events) + "[]\n")
    kontaktpuls(tansu, "topics", "create")
    done = kontaktpuls(tansu, "publish", str(path))
    found = records(tansu, at_least=400)

    assert done.returncode == 1
    assert f"{path}:401: wrong_type" in done.stderr
    assert "400 events published, 1 lines left out" in done.stderr
    for organisation in (TOWN, "anonymous-bank"):
        key = organisation.encode()
        own = [(partition, json.loads(value)["call"]) for partition, k, value in found if k == key]
        home = (murmur2(key) & 0x7FFFFFFF) % PARTITIONS
        assert own == [(home, str(number)) for number in range(200)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_simulator_plays_until_it_is_told_to_stop(
    tansu: Tansu, tmp_path: Path, number: signal.Signals
) -> None:
    """History comes first, then life with heartbeats; a signal ends it soon and without error."""
    kontaktpuls(tansu, "topics", "create")
    with Child(
        "simulator",
        [sys.executable, "-m", "agents", "simulate", "--backfill", "0", "--speed", "600"],
        log=tmp_path / "simulator.log",
        environment=environment(tansu),
    ) as simulator:
        played = [decode_event(value) for _, _, value in records(tansu, at_least=400)]
        simulator.signal(number)
        code = simulator.stop(grace=10)

    beats = [from_datetime(event.through) for event in played if isinstance(event, Heartbeat)]
    assert code == 0, simulator.last_lines()
    assert "stopped" in simulator.last_lines()
    assert len(beats) >= 2
    assert beats == sorted(set(beats))
