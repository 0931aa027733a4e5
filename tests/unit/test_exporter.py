"""What Prometheus reads: parsed by its own library, complete, honest about what is unknown."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from prometheus_client.parser import text_string_to_metric_families

from agents import exporter
from agents.exporter import create_exposition
from agents.exports.status import ExportStatus
from agents.exposition import Exposition
from agents.runtime import Telemetry
from streams.conventions import Monitor
from streams.desk import Desk
from streams.events import CallAnswered, CallEntered, CallLeft, EmailReceived, Heartbeat
from streams.instants import DAY, MINUTE, SECOND, to_datetime
from tests.kafka_records import records
from tests.strategies import BASE, ORGANISATION

if TYPE_CHECKING:
    from collections.abc import Callable

    from agents.runtime import Runtime
    from streams.events import AnyEvent
    from streams.organisations import Channel

GOLDEN = Path(__file__).parents[1] / "golden" / "metrics.txt"
NOON = BASE + 36 * 60 * MINUTE + 10 * MINUTE
"""Monday 2026-10-26, 11:00 in Stockholm."""


def call(kind: Any, name: str, seconds: float, **more: Any) -> AnyEvent:
    """An event of a call to the switchboard, so many seconds after noon."""
    at = to_datetime(NOON + int(seconds * SECOND))
    return cast(
        "AnyEvent",
        kind(**{"organisation": "provkommun", "call": name, "queue": "vaxel", "at": at} | more),
    )


def heartbeat(source: str, seconds: float) -> Heartbeat:
    """A source has read everything up to then."""
    through = to_datetime(NOON + int(seconds * SECOND))
    return Heartbeat(organisation="provkommun", source=source, through=through)


STORY: dict[Channel, list[AnyEvent]] = {
    "calls": [
        call(CallEntered, "in time", 0),
        call(CallAnswered, "in time", 30),
        call(CallEntered, "late", 10),
        call(CallAnswered, "late", 100),
        call(CallEntered, "gives up", 20),
        call(CallLeft, "gives up", 24, reason="abandoned"),
        call(CallEntered, "elsewhere", 30, queue='say "a"'),
        call(CallEntered, "still waiting", 40),
        heartbeat("exchange", 110),
    ],
    "emails": [
        EmailReceived(
            organisation="provkommun",
            conversation="k1",
            message="m1",
            mailbox="kontakt",
            at=to_datetime(NOON),
            automatic=False,
        ),
        heartbeat("mailbox", 60),
    ],
}


def desk_of(channel: Channel, events: list[AnyEvent]) -> Desk:
    """A desk that has applied the events."""
    desk = Desk(
        channel=channel,
        partition=0,
        organisations={"provkommun": ORGANISATION},
        owns=lambda _name: True,
        incarnation="w",
        horizon=35 * DAY,
        clock="wall",
    )
    later = NOON + DAY
    desk.apply(records(events, later))
    return desk


def runtime_with(desks: list[Desk], *, recovering: bool = False) -> Runtime:
    """As much of a worker as the exporter reads."""
    return cast(
        "Runtime",
        SimpleNamespace(
            desks={} if recovering else {(desk.channel, desk.partition): desk for desk in desks},
            partitions=frozenset({0}),
            recovering=recovering,
            telemetry=Telemetry(lag={("kontaktpuls.calls", 0): 3}),
            exports=ExportStatus(),
            views=SimpleNamespace(troubles={"redis": None}, failures=Counter()),
            settings=SimpleNamespace(
                organisations={"provkommun": ORGANISATION}, cluster=SimpleNamespace(clock="wall")
            ),
        ),
    )


def clock_at(seconds: float) -> Callable[[], int]:
    """A clock that stands still."""
    return lambda: NOON + int(seconds * SECOND)


def samples_of(text: bytes) -> dict[str, float]:
    """Every sample by `name{labels}`, as Prometheus' own parser reads it."""
    return {
        sample.name + str(sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


@pytest.fixture
def text() -> bytes:
    """What is served while the story's last caller waits."""
    desks = [desk_of(channel, events) for channel, events in STORY.items()]
    return create_exposition(runtime_with(desks), clock_at(200))()


def test_the_kpis_of_a_small_story_are_as_written_down() -> None:
    """The whole text of the KPIs, in the committed file; `UPDATE_GOLDEN=1 pytest` writes it."""
    kpis = Exposition()
    for channel, events in STORY.items():
        book = desk_of(channel, events).books["provkommun"]
        as_of = book.as_of(NOON + 200 * SECOND)
        assert as_of is not None
        kpis.add_book(book, as_of)
    rendered = kpis.render().decode()
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(rendered, encoding="utf-8")

    assert GOLDEN.read_text(encoding="utf-8") == rendered


def test_prometheus_own_parser_reads_every_line(text: bytes) -> None:
    """As many samples come out of the parser as lines went in, and none twice."""
    lines = [line for line in text.decode().splitlines() if line and not line.startswith("#")]
    parsed = [
        sample
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    ]

    assert len(lines) == len(parsed) == len(samples_of(text))


def test_every_family_has_words_and_a_type(text: bytes) -> None:
    """Whoever meets a metric finds out what it counts."""
    for family in text_string_to_metric_families(text.decode()):
        assert family.documentation
        assert family.type in {"gauge", "counter", "info"}


def test_shares_rest_on_service_level_events_and_bring_their_interval(text: bytes) -> None:
    """One answered in time, one at 60 s or more: a share of 1 of 2 and its bounds."""
    samples = samples_of(text)
    labels = "[('organisation', 'provkommun'), ('promise', 'in-two-minutes'), ('window', '1h')]"

    assert samples[f"kontaktpuls_calls_service_level_kept{labels}"] == 1
    assert samples[f"kontaktpuls_calls_service_level_events{labels}"] == 4
    assert samples[f"kontaktpuls_calls_service_level_ratio{labels}"] == 0.25
    assert 0 < samples[f"kontaktpuls_calls_service_level_lower_ratio{labels}"] < 0.25
    assert 0.25 < samples[f"kontaktpuls_calls_service_level_upper_ratio{labels}"] < 1


def test_no_data_is_absent(text: bytes) -> None:
    """Nothing was decided about e-mails, so no share of them is shown, neither 0 nor 1."""
    names = {sample.partition("[")[0] for sample in samples_of(text)}

    assert "kontaktpuls_emails_received" in names
    assert "kontaktpuls_emails_service_level_events" in names
    assert not {name for name in names if name.startswith("kontaktpuls_emails_service_level_ratio")}
    assert "kontaktpuls_emails_reply_time_mean_seconds" not in names


def test_a_recovering_worker_shows_no_kpi() -> None:
    """Absence, not zeros, while state is incomplete; its own health is still told."""
    text = create_exposition(runtime_with([], recovering=True), clock_at(0))()
    names = {sample.partition("[")[0] for sample in samples_of(text)}

    assert Monitor.RECOVERING in names
    assert not {n for n in names if n.startswith(("kontaktpuls_calls", "kontaktpuls_queue"))}
    assert Monitor.AS_OF not in names


def test_the_truth_is_never_ahead_of_the_clock() -> None:
    """An exchange whose clock runs ahead does not make promises fail early."""
    desks = [desk_of("calls", STORY["calls"])]
    text = create_exposition(runtime_with(desks), clock_at(50))()
    as_of = samples_of(text)[
        f"{Monitor.AS_OF}[('channel', 'calls'), ('organisation', 'provkommun')]"
    ]

    assert as_of == (NOON + 50 * SECOND) / SECOND


def test_a_rebalance_that_begins_meanwhile_tears_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """It begins in another thread; KPIs without the instant they are true for would be no use."""
    runtime = runtime_with([desk_of("calls", STORY["calls"])])
    whole = samples_of(create_exposition(runtime, clock_at(200))())
    render = Exposition.render

    def beginning(self: Exposition) -> bytes:
        cast("Any", runtime).recovering = True
        return render(self)

    monkeypatch.setattr(Exposition, "render", beginning)
    torn = samples_of(create_exposition(runtime, clock_at(200))())

    assert runtime.recovering
    assert torn.keys() == whole.keys()
    assert torn["kontaktpuls_recovering[]"] == 0


def test_making_texts_takes_a_part_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many scrapers there are, texts take half of the time at most."""
    desks = [desk_of("calls", STORY["calls"])]
    moments = iter((0.0, 0.1, 0.1, 0.19, 0.21, 0.3, 0.3))
    monkeypatch.setattr(exporter, "monotonic", lambda: next(moments))
    expose = create_exposition(runtime_with(desks), clock_at(200))
    first = expose()

    assert expose() is first
    assert expose() is not first


def test_unknown_queues_share_one_label(text: bytes) -> None:
    """A queue that no configuration names is counted under `other`, not under its own name."""
    queues = {
        sample.labels["queue"]
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
        if "queue" in sample.labels
    }

    assert queues == {"vaxel", "bygg", "other"}


def test_conservation_is_exported(text: bytes) -> None:
    """What came in is what was applied, known, forwarded or rejected."""
    samples = samples_of(text)
    labels = "[('channel', 'calls'), ('partition', '0')]"

    assert samples[f"{Monitor.EVENTS_IN}_total{labels}"] == len(STORY["calls"])
    assert samples[f"{Monitor.EVENTS_IN}_total{labels}"] == sum(
        samples[f"{name}_total{labels}"]
        for name in (Monitor.APPLIED, Monitor.UNCHANGED, Monitor.FORWARDED)
    )


def test_exports_are_told_by_organisation_from_the_first_moment_on() -> None:
    """A worker that recovers knows what is overdue as well as any other; nothing known, nothing."""
    runtime = runtime_with([], recovering=True)
    told = samples_of(create_exposition(runtime, clock_at(0))())

    assert not [name for name in told if "export" in name]

    runtime.exports.overdue = {"skara": 2, "orust": 0}
    runtime.exports.succeeded = {"skara": 5 * SECOND}
    runtime.exports.failures["orust"] += 3
    told = samples_of(create_exposition(runtime, clock_at(0))())

    assert {name: value for name, value in told.items() if "export" in name} == {
        f"{Monitor.EXPORTS_OVERDUE}[('organisation', 'orust')]": 0,
        f"{Monitor.EXPORTS_OVERDUE}[('organisation', 'skara')]": 2,
        f"{Monitor.EXPORT_SUCCESS}[('organisation', 'skara')]": 5,
        f"{Monitor.EXPORT_FAILURES}_total[('organisation', 'orust')]": 3,
    }
