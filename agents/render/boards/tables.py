"""Tables: one row a queue, mailbox or organisation, one column a query."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from grafana_foundation_sdk.builders import common, table
from grafana_foundation_sdk.models.common import (
    TableCellBackgroundDisplayMode,
    TableColoredBackgroundCellOptions,
)
from grafana_foundation_sdk.models.dashboard import DataTransformerConfig, DynamicConfigValue
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from agents.render.boards.panels import DECIMALS, NUMBER, Face, Query, finish, target
from agents.render.boards.queries import LIGHTS
from agents.render.boards.words import LIGHT_COLOURS, LIGHT_WORDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from grafana_foundation_sdk.models.dashboard import Panel

    from streams.board.words import Language

BLANK = "\N{EN DASH}"
"""What a cell shows for which there is no number."""


class Column(NamedTuple):
    """One column.

    Attributes:
        ref: of its query.
        title: its heading.
        expr: its values, with nothing but the labels of the rows.
        unit: of its values.
        light: whether its values are places in `LIGHTS`.
        decimals: of its values, if not those of the unit.
    """

    ref: str
    title: str
    expr: str
    unit: str = NUMBER
    light: bool = False
    decimals: int | None = None


def rows(
    face: Face,
    labels: Mapping[str, str],
    columns: Sequence[Column],
    language: Language,
    *,
    sort_by: str = "",
    ascending: bool = False,
    rank: str = "",
) -> Panel:
    """A table of the newest values.

    Args:
        face: what every panel has; its unit is that of the first column.
        labels: the labels that tell the rows apart, with their headings.
        columns: the first one has a value for every row.
        language: of the board.
        sort_by: heading of the column that decides the order.
        ascending: whether its lowest value comes first.
        rank: heading of a column that numbers the rows in that order.
    """
    panel = table.Panel().targets(
        [
            target(Query(column.ref, column.expr)).instant().format(PromQueryFormat.TABLE)
            for column in columns
        ]
    )
    names = {f"Value #{column.ref}": column.title for column in columns}
    # Grafana numbers the columns of values only when there are several.
    renamed = dict(labels) | {"Value": columns[0].title} | names
    order = [*labels, *names]
    panel.with_transformation(DataTransformerConfig(id_val="merge", options={}))
    panel.with_transformation(
        DataTransformerConfig(
            id_val="organize",
            options={
                "excludeByName": {"Time": True},
                "indexByName": {name: place for place, name in enumerate(order)},
                "renameByName": renamed,
            },
        )
    )
    if sort_by:
        _sorted(panel, sort_by, ascending=ascending)
    if rank:
        _ranked(panel, rank)
    # Before the columns: it takes away the text of an empty panel, which each cell would show.
    panel.override_by_regexp(".*", [DynamicConfigValue("noValue", BLANK)])
    for column in columns:
        panel.override_by_name(column.title, _properties(column, language))
    return finish(panel, face)


def _properties(column: Column, language: Language) -> list[DynamicConfigValue]:
    if not column.light:
        decimals = DECIMALS.get(column.unit) if column.decimals is None else column.decimals
        properties = [DynamicConfigValue("unit", column.unit)]
        if decimals is not None:
            properties.append(DynamicConfigValue("decimals", decimals))
        return properties
    words: dict[str, Any] = {
        str(place): {
            "text": LIGHT_WORDS[light].say(language),
            "color": LIGHT_COLOURS[light],
            "index": place,
        }
        for place, light in enumerate(LIGHTS)
    }
    ground = TableColoredBackgroundCellOptions(mode=TableCellBackgroundDisplayMode.BASIC)
    return [
        DynamicConfigValue("mappings", [{"type": "value", "options": words}]),
        DynamicConfigValue("custom.cellOptions", ground),
    ]


def _sorted(panel: table.Panel, column: str, *, ascending: bool) -> None:
    options = {"fields": {}, "sort": [{"field": column, "desc": not ascending}]}
    panel.with_transformation(DataTransformerConfig(id_val="sortBy", options=options))
    panel.sort_by([common.TableSortByFieldState().display_name(column).desc(not ascending)])


def _ranked(panel: table.Panel, title: str) -> None:
    """A column that counts the rows from 1, before the others; Grafana counts from 0."""
    row = {"mode": "index", "alias": "row", "index": {"asPercentile": False}}
    from_one = {
        "mode": "binary",
        "alias": title,
        "binary": {
            "left": {"matcher": {"id": "byName", "options": "row"}},
            "operator": "+",
            "right": {"fixed": "1"},
        },
    }
    first = {"excludeByName": {"row": True}, "indexByName": {title: 0}, "renameByName": {}}
    for kind, options in (
        ("calculateField", row),
        ("calculateField", from_one),
        ("organize", first),
    ):
        panel.with_transformation(DataTransformerConfig(id_val=kind, options=options))
    panel.override_by_name(title, [DynamicConfigValue("decimals", 0)])
