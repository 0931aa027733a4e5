"""The files of the boards, for whoever renders: one for each board and language."""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING

from agents.render.boards.naming import BOARD_NAMES, LANGUAGES, board_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from agents.render.boards.naming import BoardName
    from agents.settings import Settings
    from streams.board.words import Language


def render_board(board: BoardName, language: Language, _settings: Settings, _speed: float) -> str:
    """The text of one board; what is on it comes from the registry and from Prometheus alone."""
    from agents.render.boards.registry import BOARDS  # noqa: PLC0415 - only who renders has the SDK

    return BOARDS[board](language).text()


BOARD_FILES: dict[str, Callable[[Settings, float], str]] = {
    board_path(board, language): partial(render_board, board, language)
    for language in LANGUAGES
    for board in BOARD_NAMES
}
"""How each file is made, by its path from the root of the checkout."""


def makeable() -> dict[str, Callable[[Settings, float], str]]:
    """The boards, where the library that builds them is installed (`kontaktpuls[render]`).

    An operator does without it: the committed boards hold for every configuration.
    """
    return BOARD_FILES if find_spec("grafana_foundation_sdk") else {}
