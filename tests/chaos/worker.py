"""A worker as it is, or with one of its mends taken out: then the harness has to notice.

`python -m tests.chaos.worker CONFIG MEND`. When a mend is taken out, what a worker
writes goes out slowly, as to a busy cluster: whoever does not wait for it loses something. `slow`
is a worker with all its mends that writes as slowly.
"""

from __future__ import annotations

import asyncio
import sys
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from faust.transport.consumer import Consumer
from faust.transport.producer import ProducerBuffer

from agents.commands.worker import worker
from agents.faust_fixes import MendedBuffer, MendedConsumer
from agents.intake import Intake
from streams.desk import Desk

if TYPE_CHECKING:
    from collections.abc import Callable

    from faust.types import EventT, FutureMessage

EVERY, PAUSE = 6, 0.3
"""Of so many records one waits for so many seconds: longer than Faust's own patience of 0.1 s."""


def without_gap() -> None:
    """Commits get past one gap only."""
    patch.object(MendedConsumer, "_add_gap", Consumer._add_gap).start()


def without_flush() -> None:
    """Nobody waits until Kafka has the rows."""

    async def at_once(_futures: set[FutureMessage], _within: float) -> None:
        """Pretend that Kafka has acknowledged."""

    patch("agents.intake.acknowledged", at_once).start()
    patch.object(MendedBuffer, "flush", ProducerBuffer.flush).start()


def without_ack_order() -> None:
    """A chunk is acknowledged when it comes, not when it is stored."""
    handle = Intake._handle

    async def acknowledging(self: Intake, event: EventT[Any]) -> None:
        event.ack()
        await handle(self, event)

    patch.object(Intake, "_handle", acknowledging).start()


def without_incarnation() -> None:
    """Every worker writes under the same keys."""

    def same(**options: Any) -> Desk:
        return Desk(**options | {"incarnation": "same"})

    patch("agents.runtime.Desk", same).start()


WITHOUT: dict[str, Callable[[], None]] = {
    "gap": without_gap,
    "flush": without_flush,
    "ack order": without_ack_order,
    "incarnation": without_incarnation,
}


def slow_to_send() -> None:
    """Now and then a record waits in the producer before it goes out."""
    send = ProducerBuffer._send_pending
    sent = count()

    async def slow(self: ProducerBuffer, fut: FutureMessage) -> None:
        if next(sent) % EVERY == 0:
            await asyncio.sleep(PAUSE)
        await send(self, fut)

    patch.object(ProducerBuffer, "_send_pending", slow).start()


def main() -> None:
    """Run it."""
    _, config, mend = sys.argv
    if mend != "as it is":
        slow_to_send()
    if mend in WITHOUT:
        WITHOUT[mend]()
    worker(Path(config))


if __name__ == "__main__":
    main()
