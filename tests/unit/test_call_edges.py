"""Calls at the edges: ties, ends out of order, and several visits under one id."""

from __future__ import annotations

from itertools import permutations

import pytest

from streams.amounts import unpack
from streams.calls import ANSWERED, NEVER, WAITING, Visit, calls_of, outcome
from streams.facts import Answered, AnyFact, Ended, Entered, Left
from streams.instants import MINUTE, SECOND
from streams.measures import HANDLE_TIME, HANDLED
from streams.plans import Plan
from tests.strategies import BASE, ORGANISATION

MAX_WAIT = 20 * MINUTE


def entered(seconds: int, queue: str = "vaxel") -> Entered:
    """A caller enters, so many seconds after the beginning."""
    return Entered(0, queue, BASE + seconds * SECOND)


def answered(seconds: int, queue: str = "vaxel") -> Answered:
    """A member answers."""
    return Answered(0, queue, BASE + seconds * SECOND)


def left(seconds: int, reason: str = "abandoned", queue: str = "vaxel") -> Left:
    """The caller leaves, or is handed on."""
    return Left(0, queue, BASE + seconds * SECOND, reason)  # type: ignore[arg-type]


def ended(seconds: int, *, queue: str | None = None, resolved: bool | None = None) -> Ended:
    """The conversation, or the whole call, is over."""
    return Ended(0, queue, BASE + seconds * SECOND, resolved)


def visits(*facts: AnyFact) -> list[Visit]:
    """The stays that facts tell of; the same for every order of the facts."""
    found = calls_of(facts, MAX_WAIT)
    for order in permutations(facts):
        assert calls_of(order, MAX_WAIT) == found
    return [visit for call in found for visit in call]


def after(instant: int) -> int:
    """Seconds since the beginning."""
    return (instant - BASE) // SECOND


def test_the_first_coding_of_a_conversation_holds() -> None:
    """Two ends that are coded differently count as the earlier one says, in any order."""
    only = visits(entered(0), answered(10), ended(60, resolved=True), ended(90, resolved=False))[0]

    assert after(only.ended) == 60
    assert only.resolved is True


def test_a_later_end_codes_what_the_first_one_left_uncoded() -> None:
    """The conversation ends at the first end, and is coded by the first that says anything."""
    only = visits(entered(0), answered(10), ended(60), ended(90, resolved=False))[0]

    assert after(only.ended) == 60
    assert only.resolved is False


def test_an_end_before_the_answer_ends_no_conversation() -> None:
    """Clocks that run apart give no negative handle time."""
    only = visits(entered(0), ended(10), answered(20))[0]

    assert only.how == ANSWERED
    assert only.ended == NEVER


def test_a_conversation_ends_at_the_first_hand_over() -> None:
    """A second report of leaving after the answer does not prolong the conversation."""
    only = visits(entered(0), answered(10), left(40, "transferred"), left(70, "transferred"))[0]

    assert after(only.ended) == 40


def test_an_end_closes_only_the_visits_that_had_begun() -> None:
    """Who enters a queue after an end of the whole call is still waiting."""
    first, second = visits(entered(0), ended(30), entered(60))

    assert (first.how, after(first.left)) == ("unknown", 30)
    assert second.how == WAITING


def test_a_queue_entered_at_the_answer_does_not_end_the_conversation_at_once() -> None:
    """Two queues entered together, one answered at once: its conversation takes some time."""
    facts = (entered(0), entered(0, "bygg"), answered(0), ended(50))
    talked = next(v for v in visits(*facts) if v.how == ANSWERED)

    assert after(talked.ended) == 50


def test_the_next_queue_ends_the_conversation_before_it() -> None:
    """A member's part ends where the next queue begins, though the call ends later."""
    first, second = visits(
        entered(0), answered(10), entered(40, "bygg"), answered(50, "bygg"), ended(90)
    )

    assert (after(first.ended), after(second.ended)) == (40, 90)


@pytest.mark.parametrize("waited", [MAX_WAIT, MAX_WAIT + 1])
def test_the_longest_wait_itself_is_not_too_long(waited: int) -> None:
    """Answered exactly at the longest wait is an answer; a microsecond later it is unknown."""
    end = BASE + waited
    ((found,),) = calls_of(
        (entered(0), Answered(0, "vaxel", end), Ended(0, None, end + SECOND, True)), MAX_WAIT
    )

    assert found.left == BASE + MAX_WAIT
    assert (found.how == ANSWERED) == (waited == MAX_WAIT)
    assert (found.ended, found.resolved) == (
        (end + SECOND, True) if waited == MAX_WAIT else (NEVER, None)
    )


def test_the_whole_call_is_handled_for_the_sum_of_its_parts() -> None:
    """Time in the second queue is no handle time, and an open part leaves the sum open."""
    plan = Plan(ORGANISATION, "calls")
    facts = (entered(0), answered(10), entered(40, "bygg"), answered(50, "bygg"))

    def handled(*more: AnyFact) -> list[int]:
        told = [unpack(m[3], plan.width) for m in outcome((*facts, *more), plan).marks if not m[0]]
        return [counts[HANDLE_TIME] for counts in told if counts[HANDLED]]

    assert handled(ended(90)) == [70 * SECOND]
    assert not handled()


def test_the_whole_call_waits_while_any_part_waits() -> None:
    """One queue given up and another one open: nobody has left, and the last entry counts."""
    plan = Plan(ORGANISATION, "calls")
    facts = (entered(0), left(30), entered(20, "bygg"))
    total = [item for item in outcome(facts, plan).opens if item.part == ""]

    assert [(after(item.opened), after(item.until)) for item in total] == [
        (0, 20 + MAX_WAIT // SECOND)
    ]


@pytest.mark.parametrize(
    ("silence", "calls"),
    [
        pytest.param(MAX_WAIT // SECOND, 1, id="a pause is no end"),
        pytest.param(MAX_WAIT // SECOND + 1, 2, id="a longer one is"),
    ],
)
def test_an_id_that_was_silent_for_too_long_is_somebody_else(silence: int, calls: int) -> None:
    """Exchanges use their ids again; nobody has waited since the first time."""
    first = (entered(0), answered(20), ended(60))
    again = (entered(60 + silence), answered(60 + silence + 10))

    assert len(calls_of((*first, *again), MAX_WAIT)) == calls
