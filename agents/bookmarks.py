"""How far the dead letters with each reason were sent again, kept in Kafka.

It is the committed offset of the consumer group `<application id>-replay-<reason>`. One group a
reason, so that replaying only what a mended source sent leaves the others for later. Kafka forgets
such offsets a week after the last replay (`offsets.retention.minutes`).
"""

from __future__ import annotations

import time
from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from kafka import OffsetAndMetadata
from kafka.errors import KafkaError, NoError

from streams.instants import SECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kafka import KafkaAdminClient, TopicPartition

    from agents.settings import Cluster

RETRY_SECONDS = 0.2

T = TypeVar("T")


class Bookmarks:
    """How far each reason was replayed, kept in Kafka as offsets of consumer groups."""

    def __init__(self, admin: KafkaAdminClient, cluster: Cluster) -> None:
        self._admin = admin
        self._app_id = cluster.app_id
        self._patience = cluster.request_timeout / SECOND
        self._offsets: dict[str, dict[TopicPartition, int]] = {}

    def replayed(self, reason: str, place: TopicPartition) -> int:
        """The offset before which every letter with this reason was sent again."""
        if reason not in self._offsets:
            group = self._group(reason)
            committed = self._insist(partial(self._admin.list_group_offsets, {group: None}))[group]
            self._offsets[reason] = {place: entry.offset for place, entry in committed.items()}
        return self._offsets[reason].get(place, 0)

    def advance(self, letters: Iterable[tuple[TopicPartition, int, str]]) -> None:
        """Commit that letters were sent: place, offset and reason of each, in order of offset."""
        ahead: dict[str, dict[TopicPartition, int]] = defaultdict(dict)
        for place, offset, reason in letters:
            ahead[reason][place] = offset + 1
        for reason, offsets in ahead.items():
            self._insist(partial(self._commit, reason, offsets))
            self._offsets[reason] |= offsets

    def _commit(self, reason: str, offsets: dict[TopicPartition, int]) -> None:
        results = self._admin.alter_group_offsets(
            self._group(reason),
            {place: OffsetAndMetadata(offset, "", -1) for place, offset in offsets.items()},
        )
        for error in results.values():
            if error is not NoError:
                raise error

    def _group(self, reason: str) -> str:
        return f"{self._app_id}-replay-{reason}"

    def _insist(self, call: Callable[[], T]) -> T:
        """Kafka makes the topic of offsets when it is first asked for one, and says "not yet"."""
        deadline = time.monotonic() + self._patience
        while True:
            try:
                return call()
            except KafkaError as error:
                if not error.retriable or time.monotonic() > deadline:
                    raise
            time.sleep(RETRY_SECONDS)
