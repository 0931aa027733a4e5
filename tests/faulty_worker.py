"""A worker in which something has stopped, in the way Faust, Kafka or we ourselves may stop.

`python -m tests.faulty_worker CONFIG FAULT`.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from aiokafka import AIOKafkaProducer
from faust.tables.recovery import Recovery
from faust.transport.consumer import Consumer
from kafka.errors import KafkaTimeoutError

from agents.commands.worker import worker
from agents.faust_fixes import MendedConsumer
from agents.intake import Intake
from agents.runtime import Runtime

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

EVER = 1_000_000.0


async def never(*_args: Any, **_options: Any) -> None:
    """Wait."""
    await asyncio.sleep(EVER)


async def nothing_comes(*_args: Any, **_options: Any) -> AsyncIterator[Any]:
    """Wait for records."""
    await asyncio.sleep(EVER)
    yield None


async def sleep_on_the_loop(*_args: Any, **_options: Any) -> None:
    """What nothing asynchronous may do."""
    time.sleep(EVER)  # noqa: ASYNC251 - the fault itself


async def raise_a_bug(*_args: Any, **_options: Any) -> None:
    """A fault of ours."""
    msg = "a bug of ours"
    raise AssertionError(msg)


async def refuse(*_args: Any, **_options: Any) -> asyncio.Future[Any]:
    """A batch that Kafka never acknowledges."""
    refused: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    refused.set_exception(KafkaTimeoutError())
    return refused


FAULTS: dict[str, tuple[type[Any], str, Any]] = {
    "a step of the recovery hangs": (Recovery, "_build_highwaters", never),
    "recovery never ends": (Runtime, "restore", never),
    "nothing is fetched": (Consumer, "getmany", nothing_comes),
    "nothing is committed": (MendedConsumer, "_commit", never),
    "the event loop stands still": (Intake, "_handle", sleep_on_the_loop),
    "an agent waits for ever": (Intake, "_handle", never),
    "an agent raises": (Intake, "_handle", raise_a_bug),
    "Kafka takes no record": (AIOKafkaProducer, "send_batch", refuse),
}


def main() -> None:
    """Run it."""
    _, config, fault = sys.argv
    if fault in FAULTS:
        kind, name, instead = FAULTS[fault]
        patch.object(kind, name, instead).start()
    worker(Path(config))


if __name__ == "__main__":
    main()
