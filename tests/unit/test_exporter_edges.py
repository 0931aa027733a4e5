"""What the exporter says while it recovers, of sources it never heard, and of the total."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import msgspec
from prometheus_client.parser import text_string_to_metric_families

from agents.exporter import create_exposition
from agents.exports.status import ExportStatus
from agents.runtime import Telemetry
from streams.desk import Desk
from streams.events import CallEntered, Heartbeat
from streams.instants import DAY, HOUR, MINUTE, SECOND, to_datetime
from streams.organisations import Organisation, Source
from tests.kafka_records import records
from tests.strategies import BASE, ORGANISATION

if TYPE_CHECKING:
    from agents.runtime import Runtime

NOON = BASE + 36 * HOUR + 10 * MINUTE
TWO_SOURCES = msgspec.structs.replace(
    ORGANISATION, sources=(*ORGANISATION.sources, Source("spare", "calls"))
)
Samples = dict[str, dict[tuple[tuple[str, str], ...], float]]


def scrape(
    *,
    recovering: bool = False,
    clock: str = "wall",
    now: int = NOON + DAY,
    organisation: Organisation = TWO_SOURCES,
) -> Samples:
    """What a worker shows that owns a desk with one caller in it."""
    organisations = {"provkommun": organisation}
    desk = Desk(
        channel="calls",
        partition=0,
        organisations=organisations,
        owns=lambda _name: True,
        incarnation="w",
        horizon=35 * DAY,
    )
    events = (
        CallEntered(organisation="provkommun", call="c", queue="vaxel", at=to_datetime(NOON)),
        Heartbeat(
            organisation="provkommun",
            source="exchange",
            through=to_datetime(NOON + 30 * SECOND),
        ),
    )
    desk.apply(records(events, NOON + DAY))
    views = SimpleNamespace(troubles={"redis": "down", "other": None}, failures=Counter(redis=2))
    runtime = SimpleNamespace(
        desks={("calls", 0): desk},
        partitions=frozenset({0}),
        recovering=recovering,
        telemetry=Telemetry(),
        exports=ExportStatus(),
        views=views,
        settings=SimpleNamespace(organisations=organisations, cluster=SimpleNamespace(clock=clock)),
    )
    text = create_exposition(cast("Runtime", runtime), lambda: now)().decode()
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return found


def one(samples: Samples, name: str, **labels: Any) -> float:
    """The only sample with these labels."""
    (value,) = [v for key, v in samples[name].items() if labels.items() <= dict(key).items()]
    return value


def test_desks_of_an_old_assignment_are_shown_to_nobody() -> None:
    """Until the new assignment is recovered, desks that are still there may be incomplete."""
    names = set(scrape(recovering=True))

    assert "kontaktpuls_recovering" in names
    assert not {n for n in names if n.startswith(("kontaktpuls_calls", "kontaktpuls_queue"))}
    assert "kontaktpuls_events_in_total" not in names
    assert "kontaktpuls_as_of_timestamp_seconds" not in names


def test_a_source_nobody_heard_is_not_seen_though_its_channel_is() -> None:
    """Every expected source is told apart from the others of its channel."""
    samples = scrape()

    assert one(samples, "kontaktpuls_source_seen", source="exchange") == 1
    assert one(samples, "kontaktpuls_source_seen", source="spare") == 0


def test_the_total_is_open_when_its_calendar_is() -> None:
    """Alerts on the total ask whether anybody is open at all."""
    assert one(scrape(), "kontaktpuls_open", channel="calls", part="") == 1


def test_the_truth_never_runs_ahead_of_the_clock() -> None:
    """A source that is fast does not bring misses forward, unless events tell the time."""
    early = NOON + 10 * SECOND
    name = "kontaktpuls_as_of_timestamp_seconds"

    assert one(scrape(now=early), name) == early / SECOND
    assert one(scrape(now=early, clock="events"), name) == (NOON + 30 * SECOND) / SECOND


def test_a_target_is_that_of_the_version_in_force() -> None:
    """A stricter version that begins tomorrow asks for nothing today."""
    promise = next(p for p in TWO_SOURCES.promises if p.channel == "calls" and not p.parts)
    tomorrow = to_datetime(NOON + DAY, TWO_SOURCES.zone).date()
    stricter = msgspec.structs.replace(promise, target=0.99, valid_from=tomorrow)
    organisation = msgspec.structs.replace(TWO_SOURCES, promises=(*TWO_SOURCES.promises, stricter))

    samples = scrape(organisation=organisation)

    assert one(samples, "kontaktpuls_promise_target_ratio", promise=promise.name) == promise.target


def test_a_view_that_fails_is_down_and_its_failures_are_counted() -> None:
    """One view's trouble is not another's."""
    samples = scrape()

    assert one(samples, "kontaktpuls_view_up", view="redis") == 0
    assert one(samples, "kontaktpuls_view_up", view="other") == 1
    assert one(samples, "kontaktpuls_view_failures_total", view="redis") == 2
