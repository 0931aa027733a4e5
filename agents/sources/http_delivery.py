"""From the body of a request to Kafka: all of it, or nothing and what is wrong with it."""

from __future__ import annotations

from collections import Counter
from http import HTTPStatus
from typing import TYPE_CHECKING

import structlog

from agents.sources.http_bodies import read_events, unpack
from agents.sources.http_problems import FOREIGN, ProblemError, Refusal, kafka_away, stopping
from agents.sources.outbox import NotDeliveredError, StoppedError
from streams.events import Heartbeat
from streams.instants import from_datetime

if TYPE_CHECKING:
    from agents.settings.http import HttpSource
    from agents.sources.http_bodies import Form, Reading
    from agents.sources.meter import Meter
    from agents.sources.outbox import Outbox

log = structlog.stdlib.get_logger("kontaktpuls.http")


class Delivery:
    """Reads, delivers and counts what producers send; runs in threads, since all of it takes time.

    Args:
        source: the settings, which say whose events a producer may send.
        outbox: where events go.
        meter: where they are counted.
    """

    def __init__(self, source: HttpSource, *, outbox: Outbox, meter: Meter) -> None:
        self._producers = source.producers
        self._outbox = outbox
        self._meter = meter

    def __call__(self, name: str, body: bytes, form: Form, *, packed: bool, within: float) -> int:
        """Deliver the events of a producer's request; returns how many.

        Raises:
            ProblemError: a line is wrong, or Kafka did not acknowledge all within `within` seconds.
        """
        reading = self._read(name, body, form, packed=packed)
        events = reading.events
        self._meter.read(name, reading.lines)
        if reading.problems:
            raise self._refusal(name, reading)
        try:
            self._outbox.deliver(events, within=within)
        except (NotDeliveredError, StoppedError) as error:
            problem = stopping() if isinstance(error, StoppedError) else kafka_away()
            self._meter.left_out(name, problem.reason, len(events))
            raise problem from error
        self._meter.delivered(name, len(events))
        for event in events:
            if isinstance(event, Heartbeat):
                self._meter.through(event.source, from_datetime(event.through))
        return len(events)

    def _read(self, name: str, body: bytes, form: Form, *, packed: bool) -> Reading:
        producer = self._producers[name]
        try:
            return read_events(
                unpack(body) if packed else body,
                form,
                organisation=producer.organisation,
                sources=producer.sources,
            )
        except ProblemError as error:
            self._meter.left_out(name, error.reason)
            raise

    def _refusal(self, name: str, reading: Reading) -> ProblemError:
        reasons = Counter(problem.reason for problem in reading.problems)
        for reason, count in reasons.items():
            self._meter.left_out(name, reason, count)
        if reading.events:
            self._meter.left_out(name, Refusal.WITH_OTHERS, len(reading.events))
        log.warning("a request was refused", producer=name, lines=reading.lines, **reasons)
        foreign = reasons.keys() <= FOREIGN
        return ProblemError(
            HTTPStatus.FORBIDDEN if foreign else HTTPStatus.BAD_REQUEST,
            Refusal.WITH_OTHERS,
            f"{len(reading.problems)} of {reading.lines} events are refused, so none was taken; "
            "mend those and send all again",
            problems=reading.problems,
        )
