"""Rules: true by Prometheus' own tests, about metrics that exist, by the real calendar."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from ruamel.yaml import YAML

from agents.generate.kpi_page import metrics_of
from agents.render import names, thresholds
from agents.render.alert import MEANING_OF_KIND, MEANING_OF_SEVERITY
from agents.render.platform_alerts import WORKERS
from agents.render.recording import recording_rules
from agents.render.rules_file import alerts_of
from agents.settings import load_settings
from streams.conventions import Monitor
from streams.instants import HOUR, MINUTE, SECOND, from_datetime
from streams.kpis import KPIS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agents.render.alert import Alert

ROOT = Path(__file__).parents[2]
RULES = sorted((ROOT / "config" / "prometheus" / "rules").glob("*.rules.yml"))
STORIES = sorted((ROOT / "tests" / "rules").glob("*.test.yml"))
SETTINGS = load_settings(ROOT / "config", environ={})
ALERTS = [alert for group in alerts_of(SETTINGS).values() for alert in group]
MONITORS = {str(name) for name in Monitor} | {f"{name}_total" for name in Monitor}
KPI_METRICS = {
    metric
    for kpis in KPIS.values()
    for kpi in kpis
    for total in (True, False)
    for metric in metrics_of(kpi, total=total)
}
STOCKHOLM = ZoneInfo("Europe/Stockholm")
STEP = 10 * MINUTE
"""Between two points of a story by the calendar; opening and closing fall on such points."""
THREE = next((ROOT / ".prometheus3").glob("*/promtool"), None)
TOOLS = [
    pytest.param(
        ("REQUIRE_PROMETHEUS", "install the package `prometheus`", shutil.which("promtool")),
        id="promtool of the system",
    ),
    pytest.param(
        ("REQUIRE_PROMETHEUS3", "write `scripts/prometheus3`", str(THREE) if THREE else None),
        id="promtool 3",
    ),
]


@pytest.fixture(params=TOOLS)
def promtool(request: pytest.FixtureRequest) -> str:
    """One that is not there is skipped, or a failure if the environment requires it."""
    required, remedy, found = request.param
    if found is None:
        msg = f"there is no such promtool; {remedy}"
        if os.environ.get(required):
            pytest.fail(msg)
        pytest.skip(msg)
    return str(found)


def run(*command: str | Path) -> str:
    """What a command says, which has to succeed."""
    done = subprocess.run(command, capture_output=True, check=False, text=True, timeout=100)

    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


# -- by Prometheus' own judgement ------------------------------------------------------------


@pytest.mark.parametrize("story", STORIES, ids=lambda path: path.name)
def test_alerts_fire_stay_silent_and_say_what_to_do(promtool: str, story: Path) -> None:
    """Each alert fires where it should, ends, and is silent without data."""
    assert "SUCCESS" in run(promtool, "test", "rules", story)


def test_prometheus_takes_rules_and_configuration(promtool: str) -> None:
    """It would start with them, and finds no rule twice."""
    said = run(promtool, "check", "rules", "--lint=all", "--lint-fatal", *RULES)
    said += run(promtool, "check", "config", ROOT / "config" / "prometheus" / "prometheus.yml")

    assert f"{len(RULES)} rule files found" in said


def test_every_rule_file_has_a_story_and_every_alert_its_places_in_it() -> None:
    """An alert nobody has seen fire, stay silent, and meet with no data is a hope."""
    told: dict[str, set[bool]] = {}
    without_data = set()
    for story in STORIES:
        for test in YAML(typ="safe").load(story.read_text(encoding="utf-8"))["tests"]:
            for asked in test.get("alert_rule_test", ()):
                fires = bool(asked.get("exp_alerts"))
                told.setdefault(asked["alertname"], set()).add(fires)
                if "input_series" not in test:
                    without_data.add(asked["alertname"])

    assert [p.name.split(".")[0] for p in RULES] == [p.name.split(".")[0] for p in STORIES]
    assert set(told) == without_data == {alert.name for alert in ALERTS}
    # The one that always fires is the proof that alerting works.
    assert {name for name, seen in told.items() if seen != {True, False}} == {"AlertingWorks"}


# -- names -------------------------------------------------------------------------------------


def test_recording_rules_read_only_what_workers_expose_or_was_recorded_before() -> None:
    """A renamed metric must not silence an alert."""
    known = set(MONITORS | KPI_METRICS)
    for rule in recording_rules(1):
        record, expr = str(rule["record"]), str(rule["expr"])

        # The pace of mails remembers itself.
        assert metrics_in(expr) <= known | {record}, record
        assert record not in known
        known.add(record)


def test_every_kpi_is_recorded() -> None:
    """A KPI added to the registry can be shown at once."""
    records = {str(rule["record"]).split(":")[1] for rule in recording_rules(1)}
    left_out = {metric for metric in KPI_METRICS if metric not in records}

    assert {m for m in left_out if "_surveys_" not in m and "_by_variant_" not in m} == set()


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_alerts_read_only_recorded_series_and_single_workers(alert: Alert) -> None:
    """Two workers that tell about the same organisation never make two alerts."""
    records = {str(rule["record"]) for rule in recording_rules(1)}
    single = {"up", str(Monitor.RECOVERING)}
    words = f"{alert.expr} {alert.summary} {alert.sammanfattning}"

    assert metrics_in(alert.expr) <= records | single
    assert set(re.findall(r"\w+:kontaktpuls_\w+(?::\w+)?", words)) <= records
    assert 'job="kontaktpuls"' in WORKERS


def metrics_in(expr: str) -> set[str]:
    """The metrics and recorded series of an expression."""
    bare = re.sub(r'"[^"]*"', "", expr)
    return set(re.findall(r"\b(?:\w+:)?kontaktpuls_\w+(?::\w+)?\b|\bup\b", bare))


# -- words -------------------------------------------------------------------------------------


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_every_alert_speaks_two_languages_and_has_a_runbook(alert: Alert) -> None:
    """Whoever is woken can read what is wrong, and what to do."""
    page = (ROOT / "docs" / "runbooks" / f"{alert.name}.md").read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.*)$", page, re.MULTILINE)

    assert headings == [
        alert.name,
        "What it means",
        "How bad",
        "Look first",
        "Do",
        "When it ends",
    ]
    assert len({alert.summary, alert.sammanfattning, alert.description, alert.beskrivning}) == 4
    assert all((alert.summary, alert.sammanfattning, alert.description, alert.beskrivning))
    assert alert.kind in MEANING_OF_KIND
    assert alert.severity in MEANING_OF_SEVERITY


def test_no_runbook_is_left_over() -> None:
    """A page about an alert that is gone would be believed."""
    pages = {path.stem for path in (ROOT / "docs" / "runbooks").glob("*.md")}

    assert pages == {alert.name for alert in ALERTS} | {"README"}


def test_a_low_volume_never_pages() -> None:
    """Nobody is called about citizens on the strength of fewer than fifty of them."""
    paging = [a for a in ALERTS if a.kind == "business" and a.severity == "critical"]

    assert [alert.name for alert in paging] == ["CallServiceLevelVeryLow"]
    assert thresholds.PAGE_MIN_EVENTS >= 50
    assert f">= {thresholds.PAGE_MIN_EVENTS}" in paging[0].expr


@pytest.mark.parametrize("target", [0.5, 0.8, 0.85, 0.99])
def test_a_burn_can_happen(target: float) -> None:
    """A threshold that is below zero for ordinary promises is an alert that never fires."""
    floor = max(1 - thresholds.FAST_BURN * (1 - target), target / 2)

    assert 0 < floor < target
    assert names.floor_series(thresholds.FAST_BURN).endswith(":burn2")


# -- by the calendar -----------------------------------------------------------------------------


def values(samples: Iterable[float]) -> str:
    """A series in the notation of `promtool test rules`."""
    return " ".join(f"{value:g}x{len(list(run)) - 1}" for value, run in groupby(samples))


@pytest.mark.parametrize(
    ("begins", "hours"),
    [
        pytest.param(datetime(2026, 3, 27, 12, tzinfo=STOCKHOLM), 72, id="the clocks go forward"),
        pytest.param(datetime(2026, 10, 23, 12, tzinfo=STOCKHOLM), 72, id="the clocks go back"),
        pytest.param(datetime(2026, 4, 1, 12, tzinfo=STOCKHOLM), 144, id="Easter"),
        pytest.param(datetime(2026, 3, 10, 12, tzinfo=STOCKHOLM), 48, id="an ordinary night"),
    ],
)
def test_closing_time_ends_alerts_about_calls_and_no_other(
    promtool: str, tmp_path: Path, begins: datetime, hours: int
) -> None:
    """By the calendar of the example, through nights, holidays and both changes of the clocks."""
    calendar = SETTINGS.organisations["exempelkommun"].calendars["default"]
    start = from_datetime(begins)
    points = [start + n * STEP for n in range(hours * HOUR // STEP)]
    is_open = [calendar.is_open(point) for point in points]
    within_hour = [calendar.working_time(point - HOUR, point) // SECOND for point in points]
    place = 'organisation="x",channel="calls"'
    series: dict[str, Iterable[float]] = {
        f"queue:kontaktpuls_open{{{place}}}": map(float, is_open),
        f'queue:kontaktpuls_open_seconds{{{place},window="1h"}}': within_hour,
        f'organisation:kontaktpuls_calls_offered{{{place},window="1h"}}': [0] * len(points),
        f'organisation:kontaktpuls_calls_offered{{{place},window="28d"}}': [9000] * len(points),
        f'promise:kontaktpuls_promise_target_ratio{{{place},promise="p"}}': [0.8] * len(points),
    }
    share = f'{place},promise="p",window="1h"'
    series[f"organisation:kontaktpuls_calls_service_level_ratio{{{share}}}"] = [0.5] * len(points)
    series[f"organisation:kontaktpuls_calls_service_level_events{{{share}}}"] = [99] * len(points)
    mail = 'organisation="x",channel="emails",promise="p"'
    series[f"organisation:kontaktpuls_emails_overdue{{{mail}}}"] = [5] * len(points)
    story = {
        "rule_files": [str(path) for path in RULES if "recording" not in path.name],
        "evaluation_interval": "10m",
        "tests": [
            {
                "interval": "10m",
                "input_series": [
                    {"series": name, "values": values(samples)} for name, samples in series.items()
                ],
                "promql_expr_test": [
                    *firing(
                        "CallServiceLevelLow", held([n for n, _ in since(is_open, 1)]), len(points)
                    ),
                    *firing(
                        "NoEventsInOpeningHours",
                        held(
                            [n for n, _ in since([s >= 3599 for s in within_hour], 1) if is_open[n]]
                        ),
                        len(points),
                    ),
                    *firing("EmailsOverdueMany", list(range(2, len(points))), len(points)),
                ],
            }
        ],
    }
    path = tmp_path / "calendar.test.yml"
    YAML().dump(story, path)

    assert len(set(is_open)) == 2
    assert "SUCCESS" in run(promtool, "test", "rules", path)


def since(truths: list[bool], steps: int) -> list[tuple[int, bool]]:
    """The points at which something has been true for so many steps before, too."""
    return [(n, t) for n, t in enumerate(truths) if n >= steps and all(truths[n - steps : n + 1])]


def held(at: list[int]) -> list[int]:
    """The same points, and the first one after: an alert is held for five minutes of the ten."""
    assert thresholds.HELD * SECOND < STEP
    return sorted({*at, *(n + 1 for n in at)})


def firing(alert: str, at: list[int], of: int) -> list[dict[str, Any]]:
    """Expectations that an alert fires at these points and at none of the others."""
    step = timedelta(microseconds=STEP)
    seconds = int(step.total_seconds())
    return [
        {
            "expr": f'count(ALERTS{{alertname="{alert}",alertstate="firing"}})',
            "eval_time": f"{n * seconds}s",
            "exp_samples": [{"labels": "{}", "value": 1}] if n in set(at) else [],
        }
        for n in range(of)
    ]
