"""Facts merge: what is known of a contact does not depend on how it was learnt."""

from __future__ import annotations

import json
from functools import reduce
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.generate.contract import EVENT_TYPES, EXAMPLES
from streams.codec import decode_event
from streams.facts import (
    Answer,
    Answered,
    AnyFact,
    Closed,
    Ended,
    Entered,
    Facts,
    Forwarded,
    Left,
    Received,
    Recorded,
    Sent,
    Visited,
    conflicts,
    merge,
    winner,
)
from streams.instants import SECOND, parse_rfc3339
from streams.statements import fact_of
from streams.topics import CHANNEL_OF_EVENT
from tests.strategies import call_events, email_events

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streams import events as ev

facts = st.one_of(call_events, email_events).map(lambda event: fact_of(event)[1])
contacts = st.lists(facts, max_size=10)


def merged(*bundles: Iterable[AnyFact]) -> Facts:
    """All facts of some bundles, one after the other."""
    return reduce(merge, (fact for bundle in bundles for fact in bundle), ())


@given(known=contacts, fact=facts)
def test_adding_a_fact_twice_changes_nothing(known: list[AnyFact], fact: AnyFact) -> None:
    """A duplicate is recognised by leaving the very same object behind."""
    once = merge(merged(known), fact)

    assert merge(once, fact) is once


@given(known=contacts, data=st.data())
def test_the_order_of_arrival_does_not_matter(known: list[AnyFact], data: st.DataObject) -> None:
    """Shuffled facts come to the same contact."""
    shuffled = data.draw(st.permutations(known))

    assert set(merged(known)) == set(merged(shuffled))


@given(one=contacts, two=contacts, three=contacts)
def test_contacts_merge_in_any_grouping(
    one: list[AnyFact], two: list[AnyFact], three: list[AnyFact]
) -> None:
    """Rows that several workers stored may be united in any order, pairwise or at once."""
    at_once = set(merged(one, two, three))

    assert set(merged(merged(one, two), three)) == at_once
    assert set(merged(one, merged(two, three))) == at_once
    assert set(merged(three, merged(two, one))) == at_once


@given(known=contacts)
def test_there_is_one_fact_of_each_identity(known: list[AnyFact]) -> None:
    """However many versions came, one of each kind and identity is kept: the one that wins."""
    kept = merged(known)

    assert len(kept) == len({(type(fact), fact.identity) for fact in known})
    assert all(
        winner(fact, other) == fact
        for fact in kept
        for other in known
        if type(other) is type(fact) and other.identity == fact.identity
    )


@given(one=facts, two=facts)
def test_every_worker_picks_the_same_winner(one: AnyFact, two: AnyFact) -> None:
    """Which of two facts holds does not depend on which came first."""
    assert winner(one, two) == winner(two, one)


@pytest.mark.parametrize(
    ("old", "new", "holds", "is_conflict"),
    [
        pytest.param(
            Entered(0, "vaxel", 7), Entered(1, "vaxel", 7, "a"), "new", False,
            id="a higher revision corrects",
        ),
        pytest.param(
            Entered(2, "vaxel", 7), Entered(1, "vaxel", 7, "a"), "old", False,
            id="a lower revision comes too late",
        ),
        pytest.param(
            Entered(0, "vaxel", 7), Entered(0, "vaxel", 7), "old", False,
            id="a duplicate",
        ),
        pytest.param(
            Received(0, "m", 7, "a", automatic=False),
            Received(0, "m", 7, "b", automatic=False), "old", True,
            id="a conflict, the smaller encoding came first",
        ),
        pytest.param(
            Received(0, "m", 7, "b", automatic=False),
            Received(0, "m", 7, "a", automatic=False), "new", True,
            id="a conflict, the smaller encoding came last",
        ),
    ],
)  # fmt: skip
def test_one_of_two_versions_holds(
    old: AnyFact,
    new: AnyFact,
    holds: str,
    is_conflict: bool,  # noqa: FBT001 - a table
) -> None:
    """The higher revision holds; at the same revision the smaller encoding, as a conflict."""
    assert merge((old,), new) == ((new,) if holds == "new" else (old,))
    assert conflicts((old,), new) is is_conflict


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(Entered(0, "vaxel", 7), Entered(0, "bygg", 7), id="another queue"),
        pytest.param(Entered(0, "vaxel", 7), Entered(1, "vaxel", 8), id="another instant"),
        pytest.param(Entered(0, "vaxel", 7), Answered(0, "vaxel", 7), id="another kind"),
        pytest.param(Ended(0, None, 7), Ended(0, "vaxel", 7), id="the call and a part of it"),
        pytest.param(
            Entered(0, "vaxel", 7), Recorded(0, "vaxel", 7), id="an entry and a whole record"
        ),
        pytest.param(
            Received(0, "m", 7, "kontakt", automatic=False),
            Sent(0, "m", 7, "kontakt", automatic=False),
            id="a message in and a message out",
        ),
        pytest.param(Closed(0, 7, "spam"), Closed(0, 8, "spam"), id="closed twice"),
        pytest.param(
            Answer(0, "calls", "enkelhet", 3, 7), Answer(0, "calls", "bemotande", 3, 7),
            id="another question",
        ),
    ],
)  # fmt: skip
def test_different_facts_stand_side_by_side(one: AnyFact, other: AnyFact) -> None:
    """What differs in its identity corrects nothing, whatever its revision."""
    assert merge((one,), other) == (one, other)
    assert not conflicts((one,), other)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(
            Recorded(0, "vaxel", 7, answered_at=9), Recorded(1, "vaxel", 7, answered_at=8),
            id="the answer of a record",
        ),
        pytest.param(
            Received(0, "m", 7, "kontakt", automatic=False),
            Received(1, "m", 6, "bygg", automatic=True),
            id="arrival and mailbox of a message",
        ),
        pytest.param(
            Answer(0, "calls", "enkelhet", 3, 7), Answer(1, "emails", "enkelhet", 4, 9),
            id="everything about a survey answer but its question",
        ),
        pytest.param(
            Visited(0, "a", 7), Visited(1, "b", 8, 9 * SECOND), id="everything about a visit"
        ),
        pytest.param(Closed(0, 7, "spam"), Closed(1, 7, "duplicate"), id="why it was closed"),
        pytest.param(Forwarded(0, 7, "a"), Forwarded(1, 7, "b"), id="where it was forwarded"),
        pytest.param(Left(0, "a", 7, "key"), Left(1, "a", 7, "timeout"), id="why a caller left"),
    ],
)  # fmt: skip
def test_what_is_not_in_the_identity_can_be_corrected(old: AnyFact, new: AnyFact) -> None:
    """A higher revision replaces the fact, times included where they identify nothing."""
    assert merge((old,), new) == (new,)


@pytest.mark.parametrize("kind", [kind for kind in EVENT_TYPES if kind in CHANNEL_OF_EVENT])
def test_every_event_states_a_fact(kind: type[ev.Event]) -> None:
    """Each field of an event that is about the contact arrives in its fact."""
    fields = json.loads(EXAMPLES[kind])
    event = decode_event(EXAMPLES[kind].encode())
    told = {"type", "organisation", "call", "conversation", "answer", "visit"}
    instants = {"entered_at": "at", "wait_seconds": "wait"}

    contact, fact = fact_of(event)

    assert contact in fields.values()
    for name in fields.keys() - told:
        value, stored = fields[name], getattr(fact, instants.get(name, name))
        if name == "wait_seconds":
            value = round(value * SECOND)
        elif name == "at" or name.endswith(("_at", "_by")):
            value = parse_rfc3339(value)
        assert stored == value, name


def test_a_record_that_was_left_for_no_known_reason_is_unknown() -> None:
    """A departure without a reason is a departure still."""
    event = decode_event(
        b'{"type": "call.record", "organisation": "skara", "call": "1", "queue": "vaxel",'
        b' "entered_at": "1970-01-01T00:00:01Z", "left_at": "1970-01-01T00:00:09Z"}'
    )

    assert fact_of(event) == (
        "1", Recorded(0, "vaxel", 1 * SECOND, left_at=9 * SECOND, reason="unknown")
    )  # fmt: skip
