"""Kafka deletes what nobody reads in time: a worker says so, and the next one goes on behind it."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import pytest
from kafka import KafkaAdminClient, TopicPartition

from agents.kafka_clients import client_options
from agents.runtime import partition_of
from streams.topics import CALLS
from tests.integration.test_worker import ORGANISATION, PARTITIONS, Site, entered, wait_for
from tests.kafka_server import Kafka

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

HOME = partition_of(ORGANISATION, PARTITIONS)
LONG_POLL = 0.5
"""Seconds after which a broker keeps no request of a worker that stands still."""


def delete_before(site: Site, offset: int) -> None:
    """As retention does."""
    admin = KafkaAdminClient(**client_options(site.settings.cluster))
    admin.delete_records({TopicPartition(CALLS, HOME): offset})
    admin.close()


@pytest.mark.usefixtures("kafka")
def test_a_worker_ends_when_records_are_gone_and_the_next_one_goes_on(tmp_path: Path) -> None:
    """It does not step over them in silence; its log names the ones that are missing."""
    with Kafka(tmp_path / "kafka") as broker:
        site = Site(broker, tmp_path)
        site.publish(entered(0, 100))
        with site.worker("first") as first:
            wait_for(lambda: site.committed()[HOME] == 100, worker=first, within=60)
            first.signal(signal.SIGSTOP)
            time.sleep(LONG_POLL)
            site.publish(entered(100, 100))
            delete_before(site, 150)
            first.signal(signal.SIGCONT)
            deadline = time.monotonic() + 60
            while first.poll() is None and time.monotonic() < deadline:
                time.sleep(0.1)

            assert first.poll() == 1, first.last_lines(40)
            assert f"{CALLS} {HOME}: offsets 100 to 149 do not come" in first.last_lines(200)
            assert site.committed()[HOME] == 100

        with site.worker("second") as second:
            wait_for(lambda: site.committed()[HOME] == 200, worker=second, within=60)
            # A text is served for a while.
            wait_for(lambda: site.metric("kontaktpuls_contacts_retained") == 150, worker=second)

            assert "deleted unread" in second.last_lines(200)
