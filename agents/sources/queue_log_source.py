"""Follows a live queue_log and delivers its events, each at least once, however it is stopped.

Lines are read, turned into events and delivered; only then is it written down how far that was. So
whatever is interrupted is done again, with the same events.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING

import structlog

from agents.sources.checkpoint import Checkpoint
from agents.sources.outbox import StoppedError
from streams.events import CallRecord, Heartbeat
from streams.instants import to_datetime
from streams.parsers.queue_log import LeftOut

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from agents.settings.queue_log import QueueLogSource
    from agents.sources.checkpoint import CheckpointFile
    from agents.sources.meter import Meter
    from agents.sources.rotation import Follower, Loss
    from streams.events import CallEvent, Event
    from streams.parsers.queue_log import QueueLogParser

log = structlog.stdlib.get_logger("kontaktpuls.queue_log")

POLL_SECONDS = 0.25
HEARTBEAT_SECONDS = 1.0
SAVE_SECONDS = 1.0
TELL_SECONDS = 2.0

BYTES, TAILS = "bytes", "tails"
"""Units of what was lost: known bytes, and how often; how much more it was, nobody knows."""

BEYOND_HORIZON = "beyond_horizon"
CHECKPOINT_NOT_SAVED = "checkpoint_not_saved"


class LiveQueueLog:
    """One queue_log, followed until the source shall stop.

    Args:
        settings: whose log it is, and the name of the heartbeats.
        follower: gives its lines.
        parser: restored to where the follower is.
        deliver: returns when Kafka has the events.
        checkpoints: where it is written down how far that was.
        horizon: events that are older are of no use to anybody (microseconds); `None` = all are.
        clock: the present instant.
    """

    def __init__(
        self,
        settings: QueueLogSource,
        *,
        follower: Follower,
        parser: QueueLogParser,
        deliver: Callable[[Sequence[Event]], object],
        checkpoints: CheckpointFile,
        meter: Meter,
        horizon: int | None,
        clock: Callable[[], int],
        stopping: threading.Event,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._follower = follower
        self._parser = parser
        self._deliver = deliver
        self._checkpoints = checkpoints
        self._meter = meter
        self._horizon = horizon
        self._clock = clock
        self._stopping = stopping
        self._monotonic = monotonic
        self._saved = follower.position
        self._save_after = 0.0
        self._save_fails = False
        self._vouch_after = 0.0
        self._vouched: int | None = None
        self._last_line: int | None = None
        self._trouble: str | None = None
        self._tell_after = monotonic() + TELL_SECONDS
        self._left_out: Counter[str] = Counter()
        self._noted: Counter[str] = Counter()

    def run(self) -> None:
        """Read, deliver and vouch until the source shall stop."""
        try:
            while not self._stopping.is_set():
                if not self.step():
                    self._stopping.wait(POLL_SECONDS)
        except StoppedError as error:
            # The parser is ahead of Kafka now, so what is on the disk has to stay as it is.
            log.info("stopped", open=str(error))
        else:
            self._save()
            log.info("stopped")
        finally:
            self._follower.close()

    def step(self) -> bool:
        """Read and deliver some lines, if there are any; whether there were."""
        if self._saved is None:
            # Where it all begins has to be known when Kafka is away for longer than the log has
            # this name.
            self._follower.begin()
            self._save()
        # Before the reading: what is written after this instant may not have been seen.
        now = self._clock()
        lines = self._follower.read()
        for loss in self._follower.told_losses():
            self._tell_loss(loss)
        if lines:
            self._take(lines, now)
        self._tell_trouble()
        if not lines or self._monotonic() >= self._save_after:
            self._save()
        self._vouch(now)
        return bool(lines)

    def _tell_loss(self, loss: Loss) -> None:
        log.error(
            "a part of the log was gone before it was read",
            file=str(self._follower.path),
            bytes_at_least=loss.bytes_known,
            remedy="let the rotation keep at least one older file in the same folder",
        )
        self._meter.lost(self._settings.source, BYTES, loss.bytes_known)
        self._meter.lost(self._settings.source, TAILS, 1)

    def _take(self, lines: Sequence[bytes], now: int) -> None:
        source = self._settings.source
        self._last_line = self._parser.through
        events = self._recent(self._parser.feed(lines), now)
        self._deliver(events)
        self._meter.read(source, len(lines))
        self._meter.delivered(source, len(events))
        self._count()

    def _recent(self, events: Sequence[CallEvent], now: int) -> Sequence[CallEvent]:
        """The events that the workers do not reject for their age."""
        if self._horizon is None:
            return events
        oldest = to_datetime(now - self._horizon)
        recent = [event for event in events if _at(event) >= oldest]
        if len(recent) < len(events):
            self._meter.left_out(self._settings.source, BEYOND_HORIZON, len(events) - len(recent))
        return recent

    def _count(self) -> None:
        counts, source = self._parser.counts, self._settings.source
        left_out = Counter[str](counts.left_out)
        left_out[LeftOut.UNFINISHED] += self._follower.torsos
        for reason, number in (left_out - self._left_out).items():
            self._meter.left_out(source, reason, number)
        noted = Counter[str](counts.contradictions)
        for kind, number in (noted - self._noted).items():
            self._meter.noted(source, kind, number)
        self._left_out, self._noted = left_out, noted

    def _tell_trouble(self) -> None:
        """Say once what keeps it from reading, and once that it reads on."""
        trouble = self._follower.trouble
        self._meter.connected(self._settings.source, is_up=trouble is None)
        if trouble == self._trouble:
            self._tell_after = self._monotonic() + TELL_SECONDS
            return
        # At each rotation the log has no name for a moment, which is nobody's business.
        if self._monotonic() < self._tell_after:
            return
        if trouble is not None:
            log.warning("cannot read on", reason=trouble)
        else:
            log.info("reads on")
        self._trouble = trouble

    def _save(self) -> None:
        """Write down how far everything was delivered; a disk that is full does not stop it."""
        position = self._follower.position
        self._save_after = self._monotonic() + SAVE_SECONDS
        if position is None or position == self._saved:
            return
        checkpoint = Checkpoint(
            log=str(self._follower.path.absolute()),
            organisation=self._settings.organisation,
            position=position,
            parser=self._parser.snapshot(),
        )
        try:
            self._checkpoints.save(checkpoint)
        except OSError as error:
            self._meter.noted(self._settings.source, CHECKPOINT_NOT_SAVED)
            if not self._save_fails:
                log.warning(
                    "it cannot be written down how far was read; a restart now would send more "
                    "than it has to, and lose nothing",
                    file=str(self._checkpoints.path),
                    reason=error.strerror,
                )
            self._save_fails = True
            return
        if self._save_fails:
            log.info("it is written down again how far was read")
        self._save_fails = False
        self._saved = position

    def _vouch(self, now: int) -> None:
        """Say up to when everything is in Kafka, once a second, if that has moved on."""
        if self._monotonic() < self._vouch_after:
            return
        through = self._through(now)
        if through is None or (self._vouched is not None and through <= self._vouched):
            return
        source = self._settings.source
        heartbeat = Heartbeat(
            organisation=self._settings.organisation, source=source, through=to_datetime(through)
        )
        self._deliver([heartbeat])
        self._meter.through(source, through)
        self._vouched = through
        self._vouch_after = self._monotonic() + HEARTBEAT_SECONDS

    def _through(self, now: int) -> int | None:
        if self._follower.at_end:
            return now - self._settings.margin
        # One line whose time is wrong vouches for nothing: the last of the batch before has to
        # agree, and the clock.
        if self._parser.through is None or self._last_line is None:
            return None
        return min(self._parser.through, self._last_line, now) - self._settings.margin


def _at(event: CallEvent) -> datetime:
    return event.entered_at if isinstance(event, CallRecord) else event.at
