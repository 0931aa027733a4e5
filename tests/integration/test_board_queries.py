"""Every query of every board finds data of its unit in a real Prometheus that scraped a worker."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agents.render import RENDERED, names
from agents.render.boards.files import BOARD_FILES
from agents.render.boards.queries import LIGHTS, ORGANISATION, share, window
from agents.render.boards.trend import WEEKS_BACK
from agents.settings import load_settings
from tests.boards import all_queries, board_of, filled_in, variables_of
from tests.contact_centres import CENTRES, Worker
from tests.prometheus_server import LastingPrometheus, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.boards import Asked, Board

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
EVENTS_CLOCK = load_settings(ROOT / "config", environ={"KONTAKTPULS_CLOCK": "events"})
"""What the contact centres tell happened long ago: rules for the wall's clock would not heed it."""
RULES = [name for name in RENDERED if name.endswith(".rules.yml")]
FIRING = """
groups:
  - name: test
    rules:
      - alert: FiresForSomebody
        expr: vector(1)
        labels: {organisation: gron, severity: warning}
      - alert: FiresForNobodyInParticular
        expr: vector(1)
        labels: {severity: critical}
"""
COLOUR_OF: dict[str, str] = dict(
    zip(LIGHTS, ("rod", "orange", "gron", "gra", "lila", "tom"), strict=True)
)
PROMISES = {"calls": "in-two-minutes", "emails": "two-days"}
CHOSEN = {"window": "28d", "call_promise": "in-two-minutes"}
SHOWN = 30
"""Seconds of the time range that a graph is asked for."""
RETRIED = 10
"""Seconds; a scrape that was too slow leaves a gap of a few."""
WEEK = 7 * 86_400
SAMPLES = 120
"""Samples a minute apart that each week of the past gets: two hours, so the test may be slow."""


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LastingPrometheus]:
    """A Prometheus that knows the contact centres, and weeks of the past."""
    folder = tmp_path_factory.mktemp("prometheus")
    rules = {Path(name).name: RENDERED[name](EVENTS_CLOCK, 1) for name in RULES}
    with Worker() as worker:
        server = LastingPrometheus(
            folder, {**rules, "firing.rules.yml": FIRING}, worker=worker.address
        )
        with server:
            _settled(server)
            past = _past(server)
        server.backfill(past)
        with server:
            _settled(server)
            yield server


@pytest.mark.parametrize("asked", all_queries(), ids=lambda q: f"{q.board}: {q.panel}: {q.ref}")
def test_a_query_finds_data_of_its_unit(prometheus: LastingPrometheus, asked: Asked) -> None:
    """With the variables filled in, some contact centre has what the panel is about."""
    choices = list(_choices(prometheus, board_of(_path_of(asked))))
    found: list[float] = []

    def asked_everywhere() -> bool:
        found[:] = [v for values in choices for v in _values(prometheus, asked, values)]
        return bool(found)

    nothing = f"no data: {filled_in(asked.expr, choices[0])}"
    until(asked_everywhere, nothing, wait=RETRIED)

    assert all(value in asked.words or _fits(value, asked.unit) for value in found), found


@pytest.mark.parametrize("name", BOARD_FILES)
def test_every_variable_has_values(prometheus: LastingPrometheus, name: str) -> None:
    """Whoever opens the board can choose, and what is chosen first exists."""
    for variable in variables_of(board_of(name)).values():
        if variable["type"] == "query":
            assert _resolved(prometheus, variable, {"organisation": "gron"})
        else:
            assert variable["current"]["value"] in [o["value"] for o in variable["options"]]


@pytest.mark.parametrize("light", LIGHTS)
@pytest.mark.parametrize(("channel", "over"), [("calls", "1h"), ("emails", "7d")])
def test_each_promise_shows_one_colour_its_own(
    prometheus: LastingPrometheus, light: str, channel: str, over: str
) -> None:
    """Reached, near, below, too few, old: each contact centre is shown as what it is."""
    promise = f'promise="{PROMISES[channel]}"'
    judged = share(channel, "service_level", ORGANISATION, window(over), promise)
    shown = {
        name: [
            each
            for each in LIGHTS
            if prometheus.now(filled_in(judged.light(each), {"organisation": name}))
        ]
        for name in CENTRES
    }

    assert shown[COLOUR_OF[light]] == [light]
    assert shown["utan"] == []


def test_the_longest_wait_is_judged_by_the_promise(prometheus: LastingPrometheus) -> None:
    """Nobody waits, over the promise, far over it, within it, old numbers, no promise."""
    board = board_of("grafana/dashboards/en/live.json")
    tile = next(panel for panel in board["panels"] if panel["title"] == "Longest wait now")
    shown = {
        name: [
            target["refId"]
            for target in tile["targets"]
            if prometheus.now(filled_in(target["expr"], {"organisation": name}))
        ]
        for name in CENTRES
    }

    assert shown == {
        "gron": ["good"],
        "orange": ["near"],
        "rod": ["bad"],
        "gra": ["good"],
        "lila": ["stale"],
        "utan": ["few"],
        "tom": ["good"],
    }


@pytest.mark.parametrize("title", ["Due within (working hours)", "Opening hours"])
def test_what_has_stopped_moving_looks_old(prometheus: LastingPrometheus, title: str) -> None:
    """No mail due within the hour is good news only while somebody counts."""
    board = board_of("grafana/dashboards/en/live.json")
    tile = next(panel for panel in board["panels"] if panel["title"] == title)
    shown = {
        name: {
            target["refId"].endswith("stale")
            for target in tile["targets"]
            if prometheus.now(filled_in(target["expr"], {"organisation": name}))
        }
        for name in ("gron", "lila")
    }

    assert shown == {"gron": {False}, "lila": {True}}


def test_only_who_has_enough_is_compared(prometheus: LastingPrometheus) -> None:
    """Four calls make nobody first or last among organisations."""
    board = board_of("grafana/dashboards/en/organisations.json")
    expr = filled_in(board["panels"][0]["targets"][0]["expr"], CHOSEN)
    compared = {each["metric"]["organisation"] for each in prometheus.now(expr)}

    assert compared == {name for name, centre in CENTRES.items() if centre.calls >= 100}


def test_distances_to_the_mean_add_up_to_nothing(prometheus: LastingPrometheus) -> None:
    """The mean is that of the organisations which are compared, each counted once."""
    board = board_of("grafana/dashboards/en/organisations.json")
    expr = filled_in(board["panels"][0]["targets"][1]["expr"], CHOSEN)
    distances = [float(each["value"][1]) for each in prometheus.now(expr)]

    assert len(distances) == 2
    assert sum(distances) == pytest.approx(0, abs=1e-9)
    assert max(distances) > 10


def _settled(server: LastingPrometheus) -> None:
    """Waits until every rule has been evaluated on several scrapes."""
    probes = (
        f"sum(changes({names.AS_OF}[30s])) >= {4 * len(CENTRES)}",
        f"count({names.rate_series(names.INPUT_RATES[0])}) == 4",
        f"count({names.PACE}) > 0",
        'count(ALERTS_FOR_STATE{alertname=~"Fires.+"}) == 2',
    )
    for probe in probes:
        until(lambda probe=probe: bool(server.now(probe)), f"never true: {probe}")  # type: ignore[misc]


def _past(server: LastingPrometheus) -> str:
    """What the last weeks would have recorded, had they been as the present is."""
    lines = []
    recorded = server.now('{__name__=~"organisation:.*service_level.*",window="7d"}')
    now = int(time.time())
    for series in recorded:
        labels = dict(series["metric"])
        name = labels.pop("__name__")
        inside = ",".join(f'{label}="{value}"' for label, value in labels.items())
        lines += [
            f"{name}{{{inside}}} {series['value'][1]} {now - weeks * WEEK + minute * 60}\n"
            for weeks in range(WEEKS_BACK, 0, -1)
            for minute in range(-1, SAMPLES)
        ]
    return "".join(lines)


def _choices(prometheus: LastingPrometheus, board: Board) -> Iterator[dict[str, str]]:
    """The variables as somebody might choose them, for each organisation."""
    variables = variables_of(board)
    for organisation in CENTRES if "organisation" in variables else [""]:
        values = {"organisation": organisation}
        for name, variable in variables.items():
            if name == "organisation":
                if variable["multi"]:
                    values[name] = f"({'|'.join(CENTRES)})"
            elif variable["type"] == "custom":
                values[name] = variable["current"]["value"]
            else:
                found = _resolved(prometheus, variable, values)
                chosen = [each for each in found if each in ("in-two-minutes", "two-days")]
                values[name] = (
                    f"({'|'.join(found)})" if variable["multi"] else chosen[0] if chosen else ""
                )
        yield values
        if any(variable.get("includeAll") for variable in variables.values()):
            everything = {
                name: variable["allValue"]
                for name, variable in variables.items()
                if variable.get("includeAll")
            }
            yield values | everything


def _resolved(prometheus: LastingPrometheus, variable: Board, values: dict[str, str]) -> list[str]:
    """The values of a variable, asked for as Grafana does."""
    inside = variable["query"]["query"].removeprefix("label_values(").removesuffix(")")
    series, _, label = inside.rpartition(", ")
    return prometheus.label_values(filled_in(series, values), label)


def _values(prometheus: LastingPrometheus, asked: Asked, values: dict[str, str]) -> list[float]:
    expr = filled_in(asked.expr, values)
    if asked.instant:
        return [float(series["value"][1]) for series in prometheus.now(expr)]
    end = time.time()
    found = prometheus.history(expr, end - SHOWN, end)
    return [float(value) for series in found for _, value in series["values"]]


def _path_of(asked: Asked) -> str:
    _, board, language = asked.board.split("-")
    return f"grafana/dashboards/{language}/{board}.json"


def _fits(value: float, unit: str) -> bool:
    """Whether a value can be meant in a unit."""
    year = 365 * 86_400
    match unit:
        case "percentunit":
            return 0 <= value <= 1
        case "none":
            return 0 <= value < 1e6
        case "dthms" | "s":
            return -year < value < year
        case "dateTimeFromNow":
            return abs(value / 1000 - time.time()) < year
        case "eps":
            return 0 <= value < 1e5
        case "bytes":
            return value > 1e6
        case _ if unit.startswith("words: "):
            return f"{value:g}" in unit.split()
        case _:
            return unit.startswith("suffix:") and -100 <= value <= 100
