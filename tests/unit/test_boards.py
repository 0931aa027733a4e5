"""Boards are in step with the code, complete in both languages, and laid out without accidents."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from grafana_foundation_sdk.models.dashboard import VariableHide
from ruamel.yaml import YAML

from agents.render import RENDERED, names
from agents.render.boards.files import BOARD_FILES
from agents.render.boards.frame import COLUMNS, COMMAND
from agents.render.boards.naming import (
    BOARD_NAMES,
    DATASOURCE,
    FOLDER,
    LANGUAGES,
    board_path,
    board_uid,
)
from agents.render.boards.queries import pick
from agents.settings import load_settings
from streams.kpis import KPIS
from tests.boards import (
    all_queries,
    board_of,
    filled_in,
    panels_of,
    queries_of,
    variables_of,
)
from tests.contact_centres import Worker

if TYPE_CHECKING:
    from streams.organisations import Language
    from tests.boards import Board

ROOT = Path(__file__).parents[2]
GRAFANA = ROOT / "grafana"
SETTINGS = load_settings(ROOT / "config", environ={})
RULES = sorted((ROOT / "config" / "prometheus" / "rules").glob("*.rules.yml"))
WALL_ROWS = (1080 - 32 - 80) // 38
"""Rows of a full-HD screen: 30 pixels and a gap of 8 each, below the bar with the title."""

OWNED_ONCE = [(f'{names.OWNED}{{partition="0"}}', "1x60")]
SURVEY = {"organisation": "skara", "window": "28d", "question": "bemotande"}
INDEX, PUBLISHABLE = (
    names.recorded(names.kpi_of("surveys", name), total=False) for name in ("index", "publishable")
)
STORIES: dict[str, tuple[str, list[tuple[str, str]], list[tuple[str, int]]]] = {
    "every partition has an owner": ("Partitions without one owner", OWNED_ONCE, [("{}", 0)]),
    "a partition lost its owner": (
        "Partitions without one owner",
        [*OWNED_ONCE, (f'{names.OWNED}{{partition="1"}}', "1x10 stale")],
        [("{}", 1)],
    ),
    "two own the same": (
        "Partitions without one owner",
        [*OWNED_ONCE, (f'{names.OWNED}{{partition="1"}}', "2x60")],
        [("{}", 1)],
    ),
    "nothing was ever rejected": ("Events rejected, last hour", OWNED_ONCE, [("{}", 0)]),
    "one survey of two may be published": (
        "Index",
        [
            (pick(series, *(f'{k}="{v}"' for k, v in {**SURVEY, "survey": survey}.items())), value)
            for series, survey, value in (
                (INDEX, "calls", "70x60"),
                (PUBLISHABLE, "calls", "1x60"),
                (INDEX, "emails", "100x60"),
                (PUBLISHABLE, "emails", "0x60"),
            )
        ],
        [('{organisation="skara", question="bemotande", survey="calls"}', 70)],
    ),
}
"""What a panel is about, the series it finds, and what it shows."""

every_board = pytest.mark.parametrize("name", BOARD_FILES)


def recorded() -> set[str]:
    """Every series that the rules record."""
    rules = [YAML(typ="safe").load(path) for path in RULES]
    return {
        str(rule["record"])
        for file in rules
        for group in file["groups"]
        for rule in group["rules"]
        if "record" in rule
    }


def scraped() -> set[str]:
    """Every series that a worker exposes."""
    with Worker() as worker:
        lines = worker.text().decode().splitlines()
    return {re.split(r"[{ ]", line)[0] for line in lines if not line.startswith("#")}


def named_in(expr: str) -> set[str]:
    """The series an expression reads."""
    bare = re.sub(r"\{[^}]*\}", "{}", expr)
    return set(re.findall(r"(?:[a-z]+:)?kontaktpuls_[\w:]+", bare))


def chosen_on(board: Board) -> set[str]:
    """The variables that stand at the top of a board; a hidden one is only handed on."""
    return {
        name
        for name, variable in variables_of(board).items()
        if variable.get("hide") != VariableHide.HIDE_VARIABLE
    }


@every_board
def test_boards_are_in_step(name: str) -> None:
    """What is committed is what the code makes now; else `kontaktpuls render`."""
    assert (ROOT / name).read_text(encoding="utf-8") == BOARD_FILES[name](SETTINGS, 1)
    assert name in RENDERED


@every_board
def test_boards_say_how_they_were_made(name: str) -> None:
    """JSON has no comments: the description names the command, and so does the page beside."""
    assert f"`{COMMAND}`" in board_of(name)["description"]
    assert f"`{COMMAND}`" in (ROOT / FOLDER / "README.md").read_text(encoding="utf-8")


def test_every_board_speaks_both_languages() -> None:
    """The same panels and queries in the same places; nothing but words differs."""
    for board in BOARD_NAMES:
        swedish, english = (board_of(board_path(board, language)) for language in ("sv", "en"))

        assert _without_words(swedish) == _without_words(english)
        assert swedish["title"] != english["title"]


@every_board
def test_every_panel_can_be_read(name: str) -> None:
    """A title, a description, a unit and a word for the case of no data."""
    for panel in panels_of(board_of(name)):
        defaults = panel["fieldConfig"]["defaults"]

        assert panel["title"]
        assert panel["description"]
        assert defaults["unit"]
        assert defaults["noValue"] not in ("", "No data")


@every_board
def test_titles_tell_the_panels_of_a_board_apart(name: str) -> None:
    """Whoever speaks of a panel by its title is understood."""
    titles = [panel["title"] for panel in panels_of(board_of(name))]

    assert len(titles) == len(set(titles))


@every_board
def test_every_panel_has_an_id_and_a_place_of_its_own(name: str) -> None:
    """Nothing overlaps, nothing sticks out, nothing is addressed twice."""
    panels = board_of(name)["panels"]
    cells = [_cells(panel["gridPos"]) for panel in panels]

    assert len({panel["id"] for panel in panels}) == len(panels)
    assert all(not a & b for a, b in combinations(cells, 2))
    assert all(0 <= x < COLUMNS for place in cells for x, _ in place)


@every_board
def test_no_row_has_a_hole(name: str) -> None:
    """Panels fill the board from edge to edge."""
    cells = set().union(*(_cells(panel["gridPos"]) for panel in board_of(name)["panels"]))

    assert cells == {(x, y) for x in range(COLUMNS) for y in range(max(y for _, y in cells) + 1)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_wall_needs_no_scrolling(language: str) -> None:
    """*Live* is whole on 1920 by 1080, and has no headings that take room."""
    panels = board_of(f"{FOLDER}/{language}/live.json")["panels"]

    assert max(p["gridPos"]["y"] + p["gridPos"]["h"] for p in panels) <= WALL_ROWS
    assert all(panel["type"] != "row" for panel in panels)


@every_board
def test_everything_comes_from_the_provisioned_prometheus(name: str) -> None:
    """Panels, queries, variables and alerts name the uid of the data source that is set up."""
    board = board_of(name)
    path = GRAFANA / "provisioning" / "datasources" / "prometheus.yaml"
    [provisioned] = YAML(typ="safe").load(path)["datasources"]
    asking = [
        *panels_of(board),
        *(target for panel in panels_of(board) for target in panel["targets"]),
        *(v for v in variables_of(board).values() if v["type"] == "query"),
        *board["annotations"]["list"],
    ]

    assert provisioned["uid"] == DATASOURCE
    assert all(each["datasource"]["uid"] == DATASOURCE for each in asking)


@every_board
def test_queries_of_a_panel_are_told_apart(name: str) -> None:
    """Colours and columns find their query by its name."""
    for panel in panels_of(board_of(name)):
        refs = [target["refId"] for target in panel["targets"]]
        meant = [
            override["matcher"]["options"]
            for override in panel["fieldConfig"].get("overrides") or []
            if override["matcher"]["id"] == "byFrameRefID"
        ]

        assert len(refs) == len(set(refs))
        assert set(meant) <= set(refs)


def test_boards_read_only_what_exists() -> None:
    """A renamed metric must not empty a panel; organisations are read from recorded series only."""
    known, raw = recorded(), scraped()
    named = {each for asked in all_queries() for each in named_in(asked.expr)}

    assert len(named) > 50
    assert named <= known | raw
    assert {each for each in named if ":" not in each} == {
        "kontaktpuls_recovering",
        "kontaktpuls_event_loop_lag_seconds",
        "kontaktpuls_render_duration_seconds",
    }


@every_board
def test_every_variable_in_a_query_is_on_the_board(name: str) -> None:
    """Each is chosen at the top, and whatever can be chosen is asked for by something."""
    board = board_of(name)
    values = dict.fromkeys(variables_of(board), "x")
    asked = [query.expr for query in queries_of(board)]

    for expr in asked:
        assert "$" not in filled_in(expr, values)
    for variable in chosen_on(board):
        assert any(f"${variable}" in expr for expr in asked)


@every_board
def test_variables_are_bounded(name: str) -> None:
    """Values come from labels that only the configuration can add to, or from a fixed list."""
    for variable in variables_of(board_of(name)).values():
        if variable["type"] == "query":
            label = re.fullmatch(r"label_values\(.+, (\w+)\)", variable["query"]["query"])

            assert label is not None
            assert label[1] in ("organisation", "queue", "mailbox", "promise")
        else:
            assert variable["type"] == "custom"


@every_board
def test_every_board_leads_to_the_others(name: str) -> None:
    """Links stay within the language and keep what was chosen."""
    board = board_of(name)
    language = board["uid"].rsplit("-", 1)[1]
    others = {board_uid(other, language) for other in BOARD_NAMES} - {board["uid"]}

    assert {link["url"] for link in board["links"]} == {f"/d/{uid}" for uid in others}
    assert all(link["includeVars"] for link in board["links"])
    # A variable that one board does not have is lost on the way over it.
    assert "organisation" in variables_of(board)


@every_board
def test_alerts_stand_in_the_graphs(name: str) -> None:
    """A firing alert is marked in every graph of the board it is about."""
    [alerts] = board_of(name)["annotations"]["list"]

    assert alerts["enable"] is True
    assert alerts["expr"].startswith('ALERTS{alertstate="firing"')
    assert ("organisation=~" in alerts["expr"]) == ("organisation" in chosen_on(board_of(name)))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kpi_is_explained(language: Language) -> None:
    """In a sentence of its own language; a KPI added to the registry brings both."""
    texts = [kpi.defined(language) for kpis in KPIS.values() for kpi in kpis]
    other = [kpi.defined("en") for kpis in KPIS.values() for kpi in kpis]

    assert all(text.endswith(".") for text in texts)
    assert (texts == other) == (language == "en")


def test_provisioning_finds_every_board() -> None:
    """One folder a language, below the path that holds the boards."""
    path = GRAFANA / "provisioning" / "dashboards" / "kontaktpuls.yaml"
    providers = YAML(typ="safe").load(path)["providers"]
    folders = {Path(provider["options"]["path"]) for provider in providers}

    assert {folder.name for folder in folders} == set(LANGUAGES)
    assert {folder.parent for folder in folders} == {Path("/etc/grafana/dashboards")}
    assert {file.relative_to(ROOT).as_posix() for file in GRAFANA.rglob("*.json")} == set(
        BOARD_FILES
    )


@pytest.mark.skipif(shutil.which("promtool") is None, reason="install the package `prometheus`")
@pytest.mark.parametrize("story", STORIES)
def test_a_panel_tells(story: str, tmp_path: Path) -> None:
    """A partition without owner is counted, nothing rejected is 0, and no small survey is shown."""
    title, series, samples = STORIES[story]
    panel = next(
        panel
        for board in ("pipeline", "organisations")
        for panel in panels_of(board_of(board_path(board, "en")))
        if panel["title"] == title
    )
    expr = filled_in(panel["targets"][0]["expr"], {"window": "28d"})
    test = {
        "eval_time": "30m",
        "expr": expr,
        "exp_samples": [{"labels": labels, "value": value} for labels, value in samples],
    }
    tests = [
        {
            "interval": "1m",
            "input_series": [{"series": name, "values": values} for name, values in series],
            "promql_expr_test": [test],
        }
    ]
    file = tmp_path / "panel.test.json"
    file.write_text(json.dumps({"tests": tests}), encoding="utf-8")
    command = [str(shutil.which("promtool")), "test", "rules", str(file)]
    done = subprocess.run(command, capture_output=True, check=False, text=True, timeout=60)

    assert done.returncode == 0, done.stdout + done.stderr


def _without_words(board: Board) -> list[object]:
    return [
        (panel["type"], panel["gridPos"], [target["expr"] for target in panel.get("targets", [])])
        for panel in board["panels"]
    ]


def _cells(place: dict[str, Any]) -> set[tuple[int, int]]:
    return {
        (x, y)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    }
