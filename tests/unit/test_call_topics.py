"""What calls were about: once a call, under the local day it came on, and nowhere else."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING

import pytest

from agents.exposition import Exposition
from streams import measures as m
from streams.amounts import once, unpack
from streams.books import Book
from streams.calls import outcome
from streams.facts import Answered, AnyFact, Ended, Entered, Left, Recorded
from streams.instants import DAY, HOUR, MINUTE, SECOND, parse_rfc3339
from streams.plans import Plan
from streams.views import live_snapshot
from tests.strategies import BASE, ORGANISATION

if TYPE_CHECKING:
    from streams.outcomes import Mark

PLAN = Plan(ORGANISATION, "calls")


def topic_marks(*facts: AnyFact) -> list[Mark]:
    """What a call counts for topics."""
    return [
        mark for mark in outcome(facts, PLAN).spelled_out().marks if mark[0].startswith("topic:")
    ]


def served(queue: str, entered: int) -> list[AnyFact]:
    """In a queue, and answered half a minute later."""
    return [Entered(0, queue, entered), Answered(0, queue, entered + 30 * SECOND)]


def test_a_call_counts_once_for_its_topic() -> None:
    """Handed on from one queue to the next, it is one call with the time of both members."""
    facts = [
        *served("vaxel", BASE),
        Left(0, "vaxel", BASE + MINUTE, "transferred"),
        *served("bygg", BASE + MINUTE),
        Ended(0, None, BASE + 5 * MINUTE, resolved=True, topic="bygglov"),
    ]
    ((part, arrival, at, amounts, _),) = topic_marks(*facts)
    handle_time = 30 * SECOND + 3 * MINUTE + 30 * SECOND

    assert part == "topic:bygglov"
    assert arrival == parse_rfc3339("2026-10-24T00:00:00+02:00")
    assert at == BASE + 5 * MINUTE
    assert amounts == handle_time * once(m.HANDLE_TIME) + sum(
        map(once, (m.HANDLED, m.CODED, m.RESOLVED))
    )


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ([Entered(0, "vaxel", BASE), Ended(0, None, BASE + MINUTE, None, "skola")], "not answered"),
        (served("vaxel", BASE), "not ended"),
        ([*served("vaxel", BASE), Ended(0, None, BASE + MINUTE)], "not coded"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_who_has_no_topic_counts_for_none(facts: list[AnyFact], why: str) -> None:
    """It is what an ended conversation was about."""
    assert topic_marks(*facts) == [], why


ENDS: list[tuple[list[AnyFact], str | None]] = [
    ([Ended(0, None, BASE + 3 * MINUTE, None, "a"), Ended(0, None, BASE + 4 * MINUTE)], "a"),
    (
        [
            Ended(0, "vaxel", BASE + 3 * MINUTE, None, "a"),
            Ended(0, None, BASE + 3 * MINUTE, resolved=False, topic="b"),
            Ended(0, None, BASE + 4 * MINUTE, resolved=True, topic="c"),
        ],
        "b",
    ),
    (
        [
            Ended(0, None, BASE + 3 * MINUTE, None, "a"),
            Ended(0, None, BASE + 4 * MINUTE, resolved=True),
        ],
        "a",
    ),
    (
        [
            Ended(0, None, BASE + 3 * MINUTE, resolved=True),
            Ended(0, None, BASE + 4 * MINUTE, None, "z"),
        ],
        "z",
    ),
    (
        [
            Ended(0, "vaxel", BASE + 3 * MINUTE, None, "b"),
            Recorded(0, "vaxel", BASE, None, ended_at=BASE + 3 * MINUTE, topic="a"),
        ],
        "a",
    ),
]


@pytest.mark.parametrize(("ends", "topic"), ENDS)
def test_of_several_topics_the_one_that_goes_with_the_coding_counts(
    ends: list[AnyFact], topic: str | None
) -> None:
    """In whatever order told: the end that says whether it was resolved, else the first."""
    for told in permutations([*served("vaxel", BASE), *ends]):
        assert [mark[0] for mark in topic_marks(*told)] == [f"topic:{topic}"]


def test_of_several_queues_the_last_one_that_coded_names_the_topic() -> None:
    """As it decides whether the question was closed; one that only names a topic comes after it."""
    first = [*served("vaxel", BASE), Ended(0, "vaxel", BASE + MINUTE, resolved=False, topic="a")]
    last = [
        *served("bygg", BASE + MINUTE),
        Ended(0, "bygg", BASE + 3 * MINUTE, None, "b"),
    ]
    ((part, *_, amounts, _),) = topic_marks(*first, *last)

    assert part == "topic:a"
    assert not unpack(amounts, PLAN.width)[m.RESOLVED]


@pytest.mark.parametrize(
    ("arrival", "midnight"),
    [
        ("2026-10-25T02:30:00+01:00", "2026-10-25T00:00:00+02:00"),
        ("2026-10-25T23:59:59+01:00", "2026-10-25T00:00:00+02:00"),
        ("2026-03-29T03:30:00+02:00", "2026-03-29T00:00:00+01:00"),
        ("2026-12-31T23:30:00+01:00", "2026-12-31T00:00:00+01:00"),
    ],
)
def test_a_topic_belongs_to_the_local_day(arrival: str, midnight: str) -> None:
    """Also on the days with 23 and 25 hours, and where UTC has another date."""
    at = parse_rfc3339(arrival)
    end = Ended(0, None, at + MINUTE, None, "skola")
    ((_, counted, *_),) = topic_marks(*served("vaxel", at), end)

    assert counted == parse_rfc3339(midnight)


def test_topics_are_seen_by_nobody_but_the_rollups() -> None:
    """Neither in the total a second time, nor on boards, metrics or live snapshots."""
    with_topic, without = Book(ORGANISATION, "calls"), Book(ORGANISATION, "calls")
    for book, topic in ((with_topic, "skola"), (without, None)):
        end = Ended(0, None, BASE + 5 * MINUTE, resolved=True, topic=topic)
        for fact in [*served("vaxel", BASE), end]:
            book.add("c", fact, fact.at)
        book.settle()
    shown = []
    for book in (with_topic, without):
        text = Exposition()
        text.add_book(book, BASE + HOUR)
        shown.append((text.render(), live_snapshot(book, BASE + HOUR), book.shown_parts()))

    assert shown[0] == shown[1]
    assert set(with_topic.topics) == {"topic:skola"}
    assert with_topic.tally("").by_arrival()[BASE // HOUR].counts[m.HANDLED] == 1


def test_a_corrected_topic_leaves_its_old_one() -> None:
    """And the rollups of both are to be written; the old one's cells go in the end."""
    book = Book(ORGANISATION, "calls")
    for fact in (
        *served("vaxel", BASE),
        Ended(0, None, BASE + 5 * MINUTE, None, "skola"),
        Ended(1, None, BASE + 5 * MINUTE, None, "bygglov"),
    ):
        book.add("c", fact, BASE)
        book.settle()
    midnight = parse_rfc3339("2026-10-24T00:00:00+02:00") // HOUR

    assert all(tally.touched == {midnight} for tally in book.topics.values())
    assert not book.topics["topic:skola"].arrivals[midnight]
    assert book.topics["topic:bygglov"].arrivals[midnight].counts[m.HANDLED] == 1

    for tally in book.topics.values():
        tally.touched.clear()
    book.prune(BASE + 40 * DAY)

    assert set(book.topics) == {"topic:bygglov"}
