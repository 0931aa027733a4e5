"""What boards are called: their uids for links from anywhere, their files, the data source."""

from __future__ import annotations

from typing import Literal, get_args

from streams.board.words import Language

BoardName = Literal["live", "calls", "emails", "trend", "organisations", "pipeline"]

LANGUAGES: tuple[Language, ...] = get_args(Language)
BOARD_NAMES: tuple[BoardName, ...] = get_args(BoardName)

DATASOURCE = "prometheus"
"""Uid of the data source that `grafana/provisioning/datasources` makes."""
FOLDER = "grafana/dashboards"


def board_uid(board: BoardName, language: Language) -> str:
    """Uid of a board: `/d/UID?var-organisation=NAME` opens it.

    >>> board_uid("live", "sv")
    'kontaktpuls-live-sv'
    """
    return f"kontaktpuls-{board}-{language}"


def board_path(board: BoardName, language: Language) -> str:
    """File of a board, from the root of the checkout.

    >>> board_path("live", "sv")
    'grafana/dashboards/sv/live.json'
    """
    return f"{FOLDER}/{language}/{board}.json"


def board_tag(language: Language) -> str:
    """The tag by which boards of one language find each other."""
    return f"kontaktpuls-{language}"
