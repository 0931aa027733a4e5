"""A worker as it is, or with one of its mends taken out: then the harness has to notice.

`python -m tests.chaos.worker CONFIG MEND`. When a mend is taken out that is about what a worker
writes, that goes out slowly, as to a busy cluster: whoever does not wait for it loses something.
`slow` is a worker with all its mends that writes as slowly.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from faust.transport.consumer import Consumer

from agents.commands.worker import worker
from agents.faust_fixes import MendedConsumer
from agents.intake import Intake
from agents.outgoing import Outgoing
from streams.cohorts import RowKey
from streams.storage import Storage

if TYPE_CHECKING:
    from collections.abc import Callable

    from faust.types import EventT

QUICK = ("as it is", "gap")
"""Who writes at full speed."""

PAUSE = 3.0
"""Seconds that every batch waits: long enough to commit meanwhile, and to look at what is left."""


def without_gap() -> None:
    """Commits get past one gap only, and past those of an older assignment."""
    patch.object(MendedConsumer, "_add_gap", Consumer._add_gap).start()
    patch.object(MendedConsumer, "_new_offset", Consumer._new_offset).start()


def without_flush() -> None:
    """Nobody waits until Kafka has the rows."""

    async def at_once(_batches: set[asyncio.Future[None]], _within: float) -> None:
        """Pretend that Kafka has acknowledged."""

    patch("agents.intake.acknowledged", at_once).start()


def without_ack_order() -> None:
    """A chunk is acknowledged when it comes, not when it is stored."""
    handle = Intake._handle

    async def acknowledging(self: Intake, event: EventT[Any]) -> None:
        event.ack()
        await handle(self, event)

    patch.object(Intake, "_handle", acknowledging).start()


def without_writing() -> None:
    """A cohort has one key, whoever writes it; so nothing is superseded."""

    def same(storage: Any, organisation: str, cohort: int) -> bytes:
        place = storage._partition, storage._channel, organisation, cohort
        return RowKey(*place, "same").encode()

    patch.object(Storage, "_key", same).start()
    patch.object(Storage, "acknowledged", lambda _storage: []).start()


WITHOUT: dict[str, Callable[[], None]] = {
    "gap": without_gap,
    "flush": without_flush,
    "ack order": without_ack_order,
    "writing": without_writing,
}


def slow_to_send() -> None:
    """Every batch waits before it goes out, also when the process was frozen meanwhile."""
    os.environ["KONTAKTPULS_TIMEOUTS_PRODUCE"] = "5 min"
    deliver = Outgoing._deliver

    async def slow(self: Outgoing, *batch: Any) -> None:
        await asyncio.sleep(PAUSE)
        await deliver(self, *batch)

    patch.object(Outgoing, "_deliver", slow).start()


def main() -> None:
    """Run it."""
    _, config, mend = sys.argv
    if mend not in QUICK:
        slow_to_send()
    if mend in WITHOUT:
        WITHOUT[mend]()
    worker(Path(config))


if __name__ == "__main__":
    main()
