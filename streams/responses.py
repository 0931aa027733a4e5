"""Surveys and visits: contacts of a single fact."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams import measures as m
from streams.amounts import once
from streams.conventions import TOTAL
from streams.facts import Answer, Facts, Visited
from streams.outcomes import NO_WAIT, Mark, Outcome

if TYPE_CHECKING:
    from streams.plans import Plan


def survey_outcome(facts: Facts, _plan: Plan) -> Outcome:
    """One answered survey: a score for each question, under the channel it asks about.

    Somebody who got no reply cannot judge one: the national service survey asks first and
    counts only those who did (SKR, service survey by telephone and e-mail).
    """
    marks: list[Mark] = []
    for fact in facts:
        if isinstance(fact, Answer):
            place = m.QUESTIONS.index(fact.question) * m.SURVEY_BLOCK
            place += m.SCORES if fact.got_reply is False else fact.score - 1
            marks.append((fact.channel, fact.at, fact.at, once(place), NO_WAIT))
    return Outcome(marks, [])


def visit_outcome(facts: Facts, plan: Plan) -> Outcome:
    """One visit to a desk, with its wait where the desk measured it."""
    marks: list[Mark] = []
    for fact in facts:
        if isinstance(fact, Visited):
            wait = NO_WAIT if fact.wait is None else fact.wait
            amounts = once(m.VISITED)
            if fact.wait is not None:
                amounts += once(m.VISIT_WAITS) + fact.wait * once(m.VISIT_WAIT)
            marks.extend(
                (part, fact.at, fact.at, amounts, wait) for part in (plan.label(fact.desk), TOTAL)
            )
    return Outcome(marks, [])
