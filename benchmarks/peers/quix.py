"""Quix Streams as its documentation has it: a data frame with a stateful function.

State is in RocksDB, with a changelog in Kafka. It belongs to the record key, which is the
organisation; `group_by("queue")` would send every event through Kafka once more.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from quixstreams import Application, State  # type: ignore[import-not-found,unused-ignore]

from peers.contract import BROKER, CALLS, FOLDER, GROUP, MAILS, WITHIN, begin, tell

shown: dict[tuple[str, str, int], int] = {}


def add(state: State, name: str, part: str, at: datetime) -> None:
    """Count one thing that happened, and show what that hour has now."""
    hour = int(at.timestamp() // 3600)
    key = f"{name}|{part}|{hour}"
    count = state.get(key, default=0) + 1
    state.set(key, count)
    shown[name, part, hour] = count


def count_call(event: dict[str, Any], state: State) -> None:
    """Count one event of a call."""
    begin()
    kind = event["type"]
    if kind == "call.ended":
        return
    at, queue = datetime.fromisoformat(event["at"]), event["queue"]
    if kind == "call.entered":
        state.set(event["call"], at.timestamp())
        add(state, "offered", queue, at)
        return
    entered = state.get(event["call"])
    state.delete(event["call"])
    if kind == "call.left":
        add(state, "abandoned", queue, at)
        return
    add(state, "answered", queue, at)
    if at.timestamp() - entered <= WITHIN:
        add(state, "within", queue, at)


def count_mail(event: dict[str, Any], state: State) -> None:
    """Count one message."""
    name = "received" if event["type"] == "email.received" else "replied"
    add(state, name, event["mailbox"], datetime.fromisoformat(event["at"]))


def main() -> None:
    """Run until stopped."""
    app = Application(
        broker_address=BROKER,
        consumer_group=GROUP,
        auto_offset_reset="earliest",
        state_dir=FOLDER / "state",
        # As often as the worker it is compared with: what a crash may cost in repeated work.
        commit_interval=1.0,
    )
    calls = app.dataframe(app.topic(CALLS, value_deserializer="json"))
    calls.update(count_call, stateful=True)
    mails = app.dataframe(app.topic(MAILS, value_deserializer="json"))
    mails.update(count_mail, stateful=True)
    app.run()
    tell(shown)


if __name__ == "__main__":
    main()
