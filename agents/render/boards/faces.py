"""The face of a panel about a KPI: its name, definition and unit, straight from the registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.render import names
from agents.render.boards.panels import UNIT_OF, Face
from agents.render.boards.words import (
    NO_NUMBERS,
    NOTHING_OR_NO_NUMBERS,
)

if TYPE_CHECKING:
    from agents.render.boards.frame import Board
    from agents.render.boards.words import Text
    from streams.board.words import Language

COUNTED = ("count", "flag")
"""Units of which 0 is a number: where there is none, nobody knows."""


def face_of(
    language: Language,
    channel: str,
    name: str,
    *,
    ending: str = "",
    more: str = "",
    empty: Text | None = None,
    unit: str = "",
) -> Face:
    """What a panel about a KPI shows beside its values.

    Args:
        language: of the board.
        channel: of the KPI.
        name: of the KPI.
        ending: of the title, such as the window.
        more: to be said after the definition.
        empty: text without data, if it can be said better than that nothing was counted.
        unit: of Grafana, if it is not the KPI's own.
    """
    kpi = names.kpi_of(channel, name)
    title = kpi.named(language)
    absent = NO_NUMBERS if kpi.unit in COUNTED else NOTHING_OR_NO_NUMBERS[kpi.channel]
    return Face(
        title=f"{title}, {ending}" if ending else title,
        description=" ".join(filter(None, [kpi.defined(language), more])),
        unit=unit or UNIT_OF[kpi.unit],
        empty=(empty or absent).say(language),
        decimals=1 if kpi.unit == "index" else None,
    )


def pipeline_face(board: Board, title: Text, description: Text, unit: str) -> Face:
    """What a panel about the pipeline shows beside its values."""
    return Face(
        title.say(board.language),
        description.say(board.language),
        unit,
        NO_NUMBERS.say(board.language),
    )
