"""Most calls take a short way to their visit; it leads to where the long one leads."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unittest.mock import patch

from hypothesis import example, given
from hypothesis import strategies as st

from streams import calls
from streams.calls import calls_of
from streams.facts import Answered, Ended, Entered, Left, merge

if TYPE_CHECKING:
    from streams.facts import AnyFact, Facts

MAX_WAIT = 5

QUEUES = st.sampled_from(["vaxel", "bygg"])


def entries(*at: int) -> st.SearchStrategy[Entered]:
    """A caller enters."""
    return st.builds(Entered, st.just(0), QUEUES, st.sampled_from(at))


def steps(*at: int) -> st.SearchStrategy[Answered | Left]:
    """A caller is answered, or leaves."""
    instant, reason = st.sampled_from(at), st.sampled_from(["abandoned", "overflow"])
    return st.builds(Answered, st.just(0), QUEUES, instant) | st.builds(
        Left, st.just(0), QUEUES, instant, reason
    )


def ends(*at: int) -> st.SearchStrategy[Ended]:
    """A conversation or a call is over, coded or not."""
    coded, topic = st.none() | st.booleans(), st.none() | st.sampled_from(["skola", "avfall"])
    return st.builds(Ended, st.just(0), st.none() | QUEUES, st.sampled_from(at), coded, topic)


def in_order(told: list[AnyFact]) -> Facts:
    """The facts of one contact, as they came."""
    facts: Facts = ()
    for fact in told:
        facts = merge(facts, fact)
    return facts


def the_long_way(facts: Facts) -> list[list[calls.Visit]]:
    """As if no call were plain."""
    with patch.object(calls, "_plain_visit", return_value=None):
        return calls_of(facts, MAX_WAIT)


@given(st.lists(entries(*range(9)) | steps(*range(9)) | ends(*range(9)), min_size=1, max_size=6))
@example([Entered(0, "vaxel", 0), Ended(0, None, 3), Answered(0, "vaxel", 4)])
@example([Entered(0, "vaxel", 0), Ended(0, None, 7)])
def test_anything_that_is_told_comes_to_the_same(told: list[AnyFact]) -> None:
    """Whatever a call is made of, and in whatever order it came."""
    facts = in_order(told)

    assert calls_of(facts, MAX_WAIT) == the_long_way(facts)


@example(
    Entered(0, "vaxel", 0),
    Answered(0, "vaxel", 1),
    [Ended(0, "vaxel", 6, resolved=False), Ended(0, None, 6, resolved=True)],
)
@given(entries(0, 1), steps(1, 2, 5), st.lists(ends(5, 6), max_size=3))
def test_what_is_told_as_it_happens_comes_to_the_same(
    entry: Entered, step: Answered | Left, over: list[Ended]
) -> None:
    """Calls that look like most of them."""
    facts = in_order([entry, step, *over])

    assert calls_of(facts, MAX_WAIT) == the_long_way(facts)
