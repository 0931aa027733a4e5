"""E-mail conversations at the edges: ties, and instants that are exactly due."""

from __future__ import annotations

import pytest

from streams import measures as m
from streams.cells import Cell
from streams.conversations import obligations_of, outcome
from streams.facts import Closed, Received, Sent
from streams.outcomes import Outcome
from streams.plans import Plan
from streams.promises import due
from tests.strategies import BASE, ORGANISATION

PLAN = Plan(ORGANISATION, "emails")
RULE = next(r for r in PLAN.rules("", BASE) if r.promise.name == "two-days")
DUE = due(BASE, RULE.promise.within, RULE.calendar)


def received(at: int) -> Received:
    """A citizen writes."""
    return Received(0, "i1", at, "kontakt", automatic=False)


def sent(at: int) -> Sent:
    """A member answers."""
    return Sent(0, "o1", at, "kontakt", automatic=False)


def counted(*facts: Received | Sent | Closed) -> tuple[int, ...]:
    """What a conversation comes to in the total, as counts."""
    cell = Cell(PLAN.width)
    for mark in outcome(facts, PLAN).marks:
        if mark[0] == "":
            cell.add(mark)
    return cell.counts


def test_an_answer_at_the_very_instant_of_the_mail_answers_it() -> None:
    """Mail servers tell whole seconds: what arrived in the same one came before its answer."""
    obligations = obligations_of((sent(BASE), received(BASE)), Outcome([], []), PLAN)

    assert [o.answered for o in obligations] == [BASE]


@pytest.mark.parametrize(("late", "kept"), [(0, True), (1, False)])
def test_closed_exactly_when_due_is_excluded(late: int, kept: bool) -> None:  # noqa: FBT001
    """Closing at the due instant is in time; a microsecond later the promise was missed."""
    counts = counted(received(BASE), Closed(0, DUE + late, "spam"))

    assert counts[RULE.base + m.TRACK_EXCLUDED] == int(kept)
    assert counts[RULE.base + m.TRACK_MISSED] == int(not kept)


@pytest.mark.parametrize(("late", "kept"), [(0, True), (1, False)])
def test_answered_exactly_when_due_is_met(late: int, kept: bool) -> None:  # noqa: FBT001
    """An answer at the due instant keeps the promise; a microsecond later it was missed."""
    counts = counted(received(BASE), sent(DUE + late))

    assert counts[RULE.base + m.TRACK_MET] == int(kept)
    assert counts[RULE.base + m.TRACK_MISSED] == int(not kept)
