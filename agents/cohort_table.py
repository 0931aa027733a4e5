"""The table of cohorts: rows in Kafka's changelog, held per partition in memory.

Faust's own memory store keeps rows of revoked partitions, and writes a row to the changelog
partition of whatever event is being handled. Here the partition is said by whoever writes.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, cast

from faust.tables.table import Table

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Awaitable, Callable, Iterable

    from faust.types import TP, EventT

    from agents.outgoing import Outgoing

Rows = dict[bytes, bytes]

NOTHING_READ = -1


class CohortTable(Table[bytes, bytes]):
    """A changelogged table of raw rows.

    Attributes:
        rows: by partition; complete for the current assignment once recovery is over.
        on_assigned: called when partitions are assigned, before their rows are read.
        on_recovered: called with the partitions whose rows are complete.
    """

    def __init__(
        self,
        *args: Any,
        outgoing: Outgoing,
        on_assigned: Callable[[], None],
        on_recovered: Callable[[set[int]], Awaitable[None]],
        **options: Any,
    ) -> None:
        super().__init__(*args, key_type=bytes, value_type=bytes, **options)
        self.rows: dict[int, Rows] = defaultdict(dict)
        self.on_assigned = on_assigned
        self.on_recovered = on_recovered
        self._outgoing = outgoing
        self._read: dict[int, int] = {}

    def write(self, partition: int, key: bytes, row: bytes | None) -> Future[None]:
        """Set a row, or take it out with `None`; done once Kafka has acknowledged it."""
        if row is None:
            self.rows[partition].pop(key, None)
        else:
            self.rows[partition][key] = row
        return self._outgoing.put(self.changelog_topic_name, partition, key, row)

    def persisted_offset(self, tp: TP) -> int:
        """The last changelog offset that `rows` of this partition holds.

        Recovery reads on from here, so rows and offset must go together.
        """
        return self._read.get(tp.partition, NOTHING_READ)

    def apply_changelog_batch(self, batch: Iterable[EventT[Any]]) -> None:
        """Take over rows read from the changelog; the later one of a key wins."""
        for event in batch:
            message = event.message
            key = cast("bytes", message.key)
            if message.value is None:
                self.rows[message.partition].pop(key, None)
            else:
                self.rows[message.partition][key] = message.value
            self._read[message.partition] = message.offset

    async def on_rebalance(
        self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0
    ) -> None:
        """Forget partitions that come or go: others may have written to them meanwhile."""
        await super().on_rebalance(assigned, revoked, newly_assigned, generation_id)
        for tp in revoked | newly_assigned:
            if tp.topic == self.changelog_topic_name:
                self._forget(tp.partition)
        self.on_assigned()

    async def on_recovery_completed(self, active_tps: set[TP], standby_tps: set[TP]) -> None:
        """Hand over what was read."""
        await super().on_recovery_completed(active_tps, standby_tps)
        active = {tp.partition for tp in active_tps}
        for partition in self.rows.keys() - active:
            self._forget(partition)
        await self.on_recovered(active)

    def _forget(self, partition: int) -> None:
        self.rows.pop(partition, None)
        self._read.pop(partition, None)
