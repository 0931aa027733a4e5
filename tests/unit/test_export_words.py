"""Both languages say everything, and each in its own words."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import pytest

from streams.conventions import Reason
from streams.exports.model import Trend
from streams.exports.periods import Kind
from streams.exports.words import WORDS
from streams.kpis import KPIS
from streams.organisations import Channel
from tests.all_words import leaves

if TYPE_CHECKING:
    from streams.organisations import Language

SAME = {"median", "Status", "Definition"}
"""Swedish and English."""


def test_every_text_is_translated_and_fills_in_as_much() -> None:
    """No text of one language stands in the other, or lacks a value that the other tells."""
    swedish, english = (dict(leaves(WORDS[language])) for language in ("sv", "en"))

    assert swedish.keys() == english.keys()
    for place, said in swedish.items():
        assert said != english[place] or said in SAME, place
        assert said.count("{}") == english[place].count("{}"), place


@pytest.mark.parametrize("language", ["sv", "en"])
def test_words_exist_for_everything_an_export_can_name(language: Language) -> None:
    """A reason, choice, channel or verdict added elsewhere cannot be left without words."""
    words = WORDS[language]
    choices = {
        choice
        for kpis in KPIS.values()
        for kpi in kpis
        for choice in kpi.choices
        if kpi.kind != "now"
    }

    assert words.reasons.keys() == set(Reason)
    assert choices <= words.choices.keys()
    for by_channel in (words.channels, words.part, words.by_part, words.total):
        assert by_channel.keys() == set(get_args(Channel))
    for by_trend in (words.trends, words.short_trends):
        assert by_trend.keys() == set(get_args(Trend))
    for by_kind in (words.report, words.before, words.recent, words.runs, words.still_running):
        assert by_kind.keys() == set(get_args(Kind))
