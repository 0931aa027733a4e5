"""Every board, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.render.boards.calls import calls
from agents.render.boards.emails import emails
from agents.render.boards.live import live
from agents.render.boards.organisations import organisations
from agents.render.boards.pipeline import pipeline
from agents.render.boards.trend import trend

if TYPE_CHECKING:
    from collections.abc import Callable

    from agents.render.boards.frame import Board
    from agents.render.boards.naming import BoardName
    from streams.board.words import Language

BOARDS: dict[BoardName, Callable[[Language], Board]] = {
    "live": live,
    "calls": calls,
    "emails": emails,
    "trend": trend,
    "organisations": organisations,
    "pipeline": pipeline,
}
