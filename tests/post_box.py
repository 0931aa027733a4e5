"""An outbox whose Kafka is a list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agents.sources.outbox import StoppedError

if TYPE_CHECKING:
    import threading
    from collections.abc import Sequence

    from streams.events import Event


class PostBox:
    """Keeps what is delivered; while Kafka is away it waits for the source to stop.

    Attributes:
        batches: what was delivered at once.
        stopping: as a source has it; without one, who waits is stopped at once.
        is_away: whether Kafka is.
    """

    def __init__(self, stopping: threading.Event | None = None) -> None:
        self.batches: list[list[Any]] = []
        self.stopping = stopping
        self.is_away = False

    @property
    def events(self) -> list[Any]:
        """All that was delivered."""
        return [event for batch in self.batches for event in batch]

    def deliver(self, events: Sequence[Event]) -> None:
        """Take events, or wait."""
        if self.is_away:
            if self.stopping is not None:
                self.stopping.wait(30)
            msg = "stopped while Kafka was away"
            raise StoppedError(msg)
        self.batches.append(list(events))
