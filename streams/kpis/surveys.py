"""KPIs of surveys: the national service survey's index."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams import measures as m
from streams.conventions import Label
from streams.kpis.definition import Kpi

if TYPE_CHECKING:
    from collections.abc import Sequence

PUBLISHABLE_FROM = 100
POINTS = 25
"""Score 1 is 0, 2 is 25, ... 5 is 100."""
SKR = "SKR, service survey: index = mean of 0, 25, 50, 75, 100; at least 100 answers"


def _place(question: str) -> int:
    return m.QUESTIONS.index(question) * m.SURVEY_BLOCK


def answers(counts: Sequence[int], _base: int, question: str) -> int:
    """Answers that count."""
    place = _place(question)
    return sum(counts[place : place + m.SCORES])


def points(counts: Sequence[int], _base: int, question: str) -> int:
    """Sum of the index points."""
    place = _place(question)
    return POINTS * sum(score * counts[place + score] for score in range(m.SCORES))


def excluded(counts: Sequence[int], _base: int, question: str) -> int:
    """Answers of people who say they got no reply."""
    return counts[_place(question) + m.SCORES]


def publishable(counts: Sequence[int], _base: int, question: str) -> int:
    """1 from 100 answers on, else 0."""
    return int(answers(counts, 0, question) >= PUBLISHABLE_FROM)


SURVEY_KPIS = (
    Kpi(
        name="answers",
        channel="surveys",
        kind="count",
        label=Label.QUESTION,
        choices=m.QUESTIONS,
        numerator=answers,
        sv="Antal svar",
        en="Answers",
        definition="Answers that count for the index.",
        definition_sv="Svar som räknas i index.",
    ),
    Kpi(
        name="index",
        channel="surveys",
        kind="index",
        unit="index",
        better="more",
        label=Label.QUESTION,
        choices=m.QUESTIONS,
        numerator=points,
        denominator=answers,
        sv="Index",
        en="Index",
        definition="0-100: the mean of the points, where 1 is 0 and 5 is 100. No share of top "
        "marks.",
        definition_sv="0-100: medelvärdet av poängen, där 1 är 0 och 5 är 100. Ingen andel nöjda.",
        source=SKR,
    ),
    Kpi(
        name="publishable",
        channel="surveys",
        kind="flag",
        unit="flag",
        label=Label.QUESTION,
        choices=m.QUESTIONS,
        numerator=publishable,
        sv="Går att publicera",
        en="Publishable",
        definition="1 from 100 answers on, else 0.",
        definition_sv="1 från 100 svar och uppåt, annars 0.",
        source=SKR,
    ),
    Kpi(
        name="excluded",
        channel="surveys",
        kind="count",
        label=Label.QUESTION,
        choices=m.QUESTIONS,
        numerator=excluded,
        sv="Undantagna svar",
        en="Excluded answers",
        definition="Answers of people who say that they got no reply to judge.",
        definition_sv="Svar från dem som säger att de inte fick något svar att bedöma.",
        source=SKR,
    ),
)
