"""The ceiling: aiokafka and msgspec, which decode every event, compute nothing, and commit.

It keeps no state, so there is nothing it could lose and nothing it could tell.
"""

from __future__ import annotations

import asyncio
import time

from aiokafka import AIOKafkaConsumer

from peers.contract import BROKER, CALLS, GROUP, MAILS, begin
from streams.codec import decode_event


async def main() -> None:
    """Run until killed."""
    consumer = AIOKafkaConsumer(
        CALLS,
        MAILS,
        bootstrap_servers=BROKER,
        group_id=GROUP,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    async with consumer:
        committed = time.monotonic()
        fresh = False
        while True:
            fetched = await consumer.getmany(timeout_ms=200)
            for records in fetched.values():
                begin()
                for record in records:
                    decode_event(record.value)
            fresh = fresh or bool(fetched)
            if fresh and (not fetched or time.monotonic() - committed >= 1.0):
                await consumer.commit()
                committed, fresh = time.monotonic(), False


if __name__ == "__main__":
    asyncio.run(main())
