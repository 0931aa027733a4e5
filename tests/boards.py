"""Boards as Grafana reads them: panels, queries, variables filled in."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from agents.render.boards.files import BOARD_FILES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).parents[1]

Board = dict[str, Any]


class Asked(NamedTuple):
    """One query of one panel."""

    board: str
    panel: str
    ref: str
    expr: str
    instant: bool
    unit: str
    words: tuple[float, ...]


def board_of(name: str) -> Board:
    """A committed board."""
    board: Board = json.loads((ROOT / name).read_text(encoding="utf-8"))
    return board


def panels_of(board: Board) -> list[Board]:
    """Its panels without the headings between them."""
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def variables_of(board: Board) -> dict[str, Board]:
    """Its variables by name."""
    return {each["name"]: each for each in board.get("templating", {}).get("list", [])}


def queries_of(board: Board) -> Iterator[Asked]:
    """Every query, with the unit that its values are shown in."""
    for panel in panels_of(board):
        for target in panel["targets"]:
            yield Asked(
                board["uid"],
                panel["title"],
                target["refId"],
                target["expr"],
                bool(target.get("instant")),
                _unit(panel, target["refId"]),
                _words(panel["fieldConfig"]["defaults"]),
            )


def all_queries() -> list[Asked]:
    """Every query of every board in every language."""
    return [asked for name in BOARD_FILES for asked in queries_of(board_of(name))]


def filled_in(expr: str, values: Mapping[str, str]) -> str:
    """An expression with the values of its variables, and Grafana's own ones, in their places."""
    own = {"__interval": "15s", "__rate_interval": "1m", "__range": "1h"}
    known = {**own, **values}
    return re.sub(r"\$\{?(\w+)\}?", lambda match: known[match[1]], expr)


def _unit(panel: Board, ref: str) -> str:
    """The unit of a query's values: that of its column in a table or its own, else the panel's."""
    if panel["type"] == "table":
        matcher = {"id": "byName", "options": _renamed(panel, f"Value #{ref}")}
    else:
        matcher = {"id": "byFrameRefID", "options": ref}
    for override in panel["fieldConfig"].get("overrides") or []:
        for each in override["properties"] if override["matcher"] == matcher else []:
            if each["id"] == "unit":
                return str(each["value"])
            if each["id"] == "mappings":
                return _worded(each["value"])
    return str(panel["fieldConfig"]["defaults"]["unit"])


def _words(defaults: Board) -> tuple[float, ...]:
    """The values that a text is shown for."""
    return tuple(float(v) for m in defaults.get("mappings") or [] for v in m["options"])


def _worded(mappings: list[Board]) -> str:
    """What stands for a unit where every value has a word instead."""
    return f"words: {' '.join(mappings[0]['options'])}"


def _renamed(panel: Board, column: str) -> str:
    organize = next(t for t in panel["transformations"] if t["id"] == "organize")
    return str(organize["options"]["renameByName"][column])
