"""Which of the board's two languages a browser asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.board.words import WORDS

if TYPE_CHECKING:
    from streams.board.words import Language

DEFAULT: Language = "sv"


def choose_language(asked: str | None, accepted: str) -> Language:
    """The language of a page.

    Args:
        asked: what stands after `?lang=`; anything but a language of ours is not heard.
        accepted: the header `Accept-Language` (RFC 9110, 12.5.4).

    >>> choose_language(None, "de, en-GB;q=0.8, sv;q=0.7"), choose_language("sv", "en")
    ('en', 'sv')
    """
    for language in WORDS:
        if asked == language:
            return language
    best, weight = DEFAULT, 0.0
    for item in accepted.split(","):
        tag, _, parameter = item.partition(";")
        wish = _weight(parameter)
        for language in WORDS:
            if tag.strip().lower().partition("-")[0] == language and wish > weight:
                best, weight = language, wish
    return best


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
