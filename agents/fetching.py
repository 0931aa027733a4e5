"""Records of event topics as aiokafka's compiled code unpacks them, a batch at a time.

aiokafka wraps every record anew, in Python, and hands it on through two generators. That takes
longer than to decode the event in it, and a worker needs none of it. A batch stays packed until
its records are taken in, so none of them takes up memory while it waits.
"""

# ruff: noqa: SLF001 - this module looks into aiokafka so that no other has to

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from aiokafka.consumer.fetcher import Fetcher, FetchResult, PartitionRecords
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatch

from streams.topics import EVENT_TOPICS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from streams.records import KafkaRecord

MOST_RECORDS: Final = 8_000
"""Of a batch; larger ones come in parts, which have to be unpacked for that. Producers fill batches
to half a megabyte at most, so one of more is full of records that are too small to be events."""


class Batch(NamedTuple):
    """Consecutive records of one partition, to be gone through once.

    Attributes:
        records: in order of offset; none in a marker of a transaction.
        begin: the offset that was to be read next.
        last: the last one that there is nothing left of.
        timestamp: of the latest record, in milliseconds since 1970; 0 without any.
    """

    records: Iterable[KafkaRecord]
    begin: int
    last: int
    timestamp: int

    @property
    def span(self) -> int:
        """As many records as there are at most."""
        return self.last - self.begin + 1


class WholeBatches(PartitionRecords):  # type: ignore[misc]  # aiokafka has no types
    """What was fetched of a partition, batch by batch."""

    @classmethod
    def of(cls, fetched: PartitionRecords) -> WholeBatches:
        """The same; nobody may have looked at `fetched` yet."""
        return cls(
            fetched._tp,
            fetched._records,
            fetched._aborted_transactions,
            fetched.next_fetch_offset,
            key_deserializer=None,
            value_deserializer=None,
            check_crcs=fetched._check_crcs,
            isolation_level=fetched._isolation_level,
        )

    next_fetch_offset: int

    def _unpack_records(self) -> Iterator[Batch]:
        while self._records.has_next():
            packed = self._records.next_batch()
            if self._check_crcs and not packed.validate_crc():
                # Nothing of this answer is used, and it is asked for again.
                msg = f"a batch of {self._tp} is damaged"
                raise CorruptRecordException(msg)
            begin = self.next_fetch_offset
            if packed.next_offset > begin:
                self.next_fetch_offset = packed.next_offset
                yield from _parts(packed, begin)


def _parts(packed: Any, begin: int) -> Iterator[Batch]:
    """A batch from an offset on: as it is, or unpacked where there is too much or not all wanted.

    Together they reach from the offset to the end of the batch, whatever has no record there.
    """
    last = packed.next_offset - 1
    if packed.is_control_batch:
        yield Batch((), begin, last, 0)
        return
    # What was written before Kafka 0.11 does not say how much it is.
    if (
        isinstance(packed, DefaultRecordBatch)
        and packed.base_offset >= begin
        and last - packed.base_offset < MOST_RECORDS
    ):
        yield Batch(packed, begin, last, packed.max_timestamp)
        return
    # A broker hands over the whole batch that a wanted offset lies in.
    records = [record for record in packed if record.offset >= begin]
    while len(records) > MOST_RECORDS:
        part, records = records[:MOST_RECORDS], records[MOST_RECORDS:]
        yield Batch(part, begin, part[-1].offset, part[-1].timestamp)
        begin = part[-1].offset + 1
    yield Batch(records, begin, last, records[-1].timestamp if records else 0)


class BatchFetcher(Fetcher):  # type: ignore[misc]  # aiokafka has no types
    """Hands over event topics by the batch, and every other topic record by record."""

    async def _proc_fetch_request(self, assignment: Any, node_id: int, request: Any) -> bool:
        is_something_new: bool = await super()._proc_fetch_request(assignment, node_id, request)
        # Nobody has looked yet: there was no turn of the event loop since the answer came.
        for tp, result in self._records.items():
            if tp.topic in EVENT_TOPICS and type(result) is FetchResult:
                fetched = result._partition_records
                if type(fetched) is PartitionRecords:
                    result._partition_records = WholeBatches.of(fetched)
        return is_something_new
