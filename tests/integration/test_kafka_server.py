"""The real Kafka of the tests: what was acknowledged outlives a crash."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition

if TYPE_CHECKING:
    from tests.kafka_server import Kafka

pytestmark = pytest.mark.integration

TOPIC = "outlives-a-crash"


def test_an_acknowledged_record_outlives_a_crash_of_the_broker(kafka: Kafka) -> None:
    """After `kill -9` and a new start on the same port, the record is still there."""
    admin = KafkaAdminClient(bootstrap_servers=kafka.brokers)
    admin.create_topics({TOPIC: {"num_partitions": 1, "replication_factor": 1}})
    admin.close()
    producer = KafkaProducer(bootstrap_servers=kafka.brokers, acks="all")
    producer.send(TOPIC, value=b"kept").get(timeout=10)
    producer.close(timeout=5)
    kafka.kill()
    kafka.start()
    consumer = KafkaConsumer(bootstrap_servers=kafka.brokers, group_id=None)
    place = TopicPartition(TOPIC, 0)
    consumer.assign([place])
    consumer.seek_to_beginning(place)
    found = [
        record.value for batch in consumer.poll(timeout_ms=10_000).values() for record in batch
    ]
    consumer.close()

    assert found == [b"kept"]
