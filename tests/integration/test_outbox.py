"""The outbox and a real broker that stands still for a while."""

from __future__ import annotations

import signal
import threading
from datetime import UTC, datetime

import msgspec
import pytest
from kafka import KafkaConsumer

from agents.embedded import Tansu
from agents.settings import load_settings
from agents.sources import outbox as module
from agents.sources.outbox import create_outbox
from agents.topic_admin import create_topics
from streams.codec import decode_event
from streams.events import CallEntered
from streams.topics import CALLS

pytestmark = pytest.mark.integration


def test_events_outlast_a_broker_that_stands_still(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Delivered means there, also when the broker gave no answer for longer than it should."""
    monkeypatch.setattr(module, "ANSWER_SECONDS", 1.0)
    settings = load_settings()
    events = [
        CallEntered(
            organisation="exempelkommun",
            call=str(number),
            queue="vaxel",
            at=datetime(2026, 3, 2, 12, tzinfo=UTC),
        )
        for number in range(500)
    ]
    with Tansu() as broker:
        assert broker.child is not None
        cluster = msgspec.structs.replace(
            settings.cluster, brokers=broker.brokers, embedded=True, replication=1, partitions=2
        )
        create_topics(cluster)
        outbox = create_outbox(cluster, settings.organisations, stopping=threading.Event())
        outbox.deliver(events[:10])
        broker.child.signal(signal.SIGSTOP)
        wake_up = threading.Timer(3.0, broker.child.signal, [signal.SIGCONT])
        wake_up.start()
        outbox.deliver(events)
        wake_up.join()
        outbox.close()
        consumer = KafkaConsumer(
            CALLS,
            bootstrap_servers=[broker.brokers],
            auto_offset_reset="earliest",
            consumer_timeout_ms=2_000,
        )
        found = {decode_event(record.value) for record in consumer}
        consumer.close()

    assert outbox.delivered == 510
    assert found == set(events)
