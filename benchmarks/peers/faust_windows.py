"""Faust as its guide has it: one agent, a model, and a tumbling count for each event.

A second table remembers who waits since when, because an answer does not tell. The stores are in
memory, with changelogs in Kafka.
"""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - Faust reads the annotations at run time
from typing import TYPE_CHECKING, Any

import faust

from peers.contract import BROKER, CALLS, GROUP, MAILS, PARTITIONS, WITHIN, begin, tell

if TYPE_CHECKING:
    from faust.types import StreamT


class Event(faust.Record, coerce=True):
    """Those fields of an event that are counted."""

    type: str
    at: datetime
    call: str = ""
    queue: str | None = None
    mailbox: str = ""


class App(faust.App):
    """Tells what it counted when it is asked to stop."""

    async def on_stop(self) -> None:
        """Read the tables."""
        await super().on_stop()
        tell(
            {
                (name, part, int(begins // 3600)): count
                for name, table in counts.items()
                for (part, (begins, _)), count in table.table.data.items()
            }
        )


app = App(
    GROUP,
    broker=f"kafka://{BROKER}",
    store="memory://",
    topic_partitions=PARTITIONS,
    topic_replication_factor=1,
    # As often as the worker it is compared with: what a crash may cost in repeated work.
    broker_commit_interval=1.0,
)
events = app.topic(CALLS, MAILS, value_type=Event)
waiting: Any = app.Table("waiting", partitions=PARTITIONS)


def hourly(name: str) -> Any:
    """A count by queue and hour, as events tell the time."""
    table = app.Table(name, default=int, partitions=PARTITIONS)
    return table.tumbling(3600.0).relative_to_field(Event.at)  # type: ignore[arg-type]


counts = {
    name: hourly(name)
    for name in ("offered", "answered", "within", "abandoned", "received", "replied")
}


@app.agent(events)
async def count(stream: StreamT[Event]) -> None:
    """Count each event."""
    async for event in stream:
        begin()
        if event.type == "call.entered":
            waiting[event.call] = event.at.timestamp()
            counts["offered"][event.queue] += 1
        elif event.type == "call.answered":
            waited = event.at.timestamp() - waiting.pop(event.call)
            counts["answered"][event.queue] += 1
            if waited <= WITHIN:
                counts["within"][event.queue] += 1
        elif event.type == "call.left":
            waiting.pop(event.call)
            counts["abandoned"][event.queue] += 1
        elif event.type == "email.received":
            counts["received"][event.mailbox] += 1
        elif event.type == "email.sent":
            counts["replied"][event.mailbox] += 1


if __name__ == "__main__":
    app.main()
