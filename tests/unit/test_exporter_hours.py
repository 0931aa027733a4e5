"""What rules and boards need beside KPIs: opening hours within each window, what promises allow."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from prometheus_client.parser import text_string_to_metric_families

from agents.exporter import create_exposition
from agents.exports.status import ExportStatus
from agents.runtime import Telemetry
from streams.conventions import Monitor
from streams.desk import Desk
from streams.events import Heartbeat
from streams.instants import DAY, HOUR, MINUTE, to_datetime
from tests.kafka_records import record
from tests.strategies import BASE, ORGANISATION

if TYPE_CHECKING:
    from agents.runtime import Runtime

MORNING = BASE + 36 * HOUR + 10 * MINUTE
"""Monday 2026-10-26, 11:00 in Stockholm, the day after the clocks went back; open from 8 to 12."""


def values_of(metric: Monitor, label: str, at: int, *, part: str = "vaxel") -> dict[str, float]:
    """The values of a metric when everything up to an instant is known, by a label."""
    desk = Desk(
        channel="calls",
        partition=0,
        organisations={"provkommun": ORGANISATION},
        owns=lambda _name: True,
        incarnation="w",
        horizon=35 * DAY,
    )
    told = Heartbeat(organisation="provkommun", source="exchange", through=to_datetime(at))
    desk.apply([record(told, at + DAY)])
    runtime = SimpleNamespace(
        desks={("calls", 0): desk},
        partitions=frozenset({0}),
        recovering=False,
        telemetry=Telemetry(),
        exports=ExportStatus(),
        views=SimpleNamespace(troubles={}, failures=Counter()),
        settings=SimpleNamespace(
            organisations={"provkommun": ORGANISATION}, cluster=SimpleNamespace(clock="wall")
        ),
    )
    text = create_exposition(cast("Runtime", runtime), lambda: at + MINUTE)().decode()
    return {
        sample.labels[label]: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == metric and sample.labels.get("part", part) == part
    }


def test_open_time_is_counted_by_the_calendar() -> None:
    """Pace per hour of opening is right on a Monday morning after a weekend of 49 hours."""
    opened = values_of(Monitor.OPEN_SECONDS, "window", MORNING)

    assert opened["15m"] == 15 * 60
    assert opened["1h"] == 3600
    # As every window, it ends with the second that is known.
    assert opened["today"] == 3 * 3600 + 1
    # 168 hours ago it was noon by summer time: that Monday counts from lunch on.
    assert opened["7d"] == (4 + 4 * 8 + 3) * 3600 + 1


def test_lunch_is_no_open_time() -> None:
    """Nobody expects replies while the desk is closed."""
    opened = values_of(Monitor.OPEN_SECONDS, "window", MORNING + 100 * MINUTE)

    assert opened["15m"] == 0
    assert opened["1h"] == 20 * 60 - 1


def test_only_promises_in_seconds_say_how_long_a_caller_may_wait() -> None:
    """Two working days are no number of seconds."""
    within = values_of(Monitor.WITHIN, "promise", MORNING)

    assert within == {"in-two-minutes": 60, "bygg-in-one": 60, "whole-call": 300}
