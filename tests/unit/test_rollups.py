"""Rollups at their edges: what is pending, and when the hour must be written again."""

from __future__ import annotations

import msgspec
import pytest

from streams import measures as m
from streams.books import Book
from streams.facts import Entered, Received
from streams.instants import HOUR, MINUTE, SECOND
from streams.outcomes import Open
from streams.rollups import opens_by_place, rollup_view, rollups, touch_passed, truth_view
from tests.strategies import BASE, ORGANISATION

HOUR_OF_BASE = BASE // HOUR


def waiting() -> Book:
    """Somebody waits in a queue, promised an answer within two minutes and within five."""
    book = Book(ORGANISATION, "calls")
    book.add("c", Entered(0, "vaxel", BASE), BASE)
    book.settle()
    return book


@pytest.mark.parametrize(
    ("after", "promises"),
    [
        (0, {"in-two-minutes": {"pending": 1}, "whole-call": {"pending": 1}}),
        (2 * MINUTE, {"in-two-minutes": {"pending": 1}, "whole-call": {"pending": 1}}),
        (2 * MINUTE + 1, {"in-two-minutes": {"missed": 1}, "whole-call": {"pending": 1}}),
        (-HOUR, {"in-two-minutes": {"pending": 1}, "whole-call": {"pending": 1}}),
        (HOUR, {"in-two-minutes": {"missed": 1}, "whole-call": {"missed": 1}}),
    ],
)
def test_what_can_still_be_kept_is_pending(after: int, promises: dict[str, object]) -> None:
    """To the due instant itself, and also where the truth does not reach the arrival yet."""
    book = waiting()
    opens = opens_by_place(book)[HOUR_OF_BASE, ""]

    assert rollup_view(book, "", HOUR_OF_BASE, BASE + after, opens)["promises"] == promises


def test_what_was_closed_before_it_was_due_is_not_pending() -> None:
    """A promise longer than the longest wait is neither met nor missed by a lost call."""
    book = waiting()
    due, until = BASE + HOUR, BASE + 20 * MINUTE
    opens = [Open("vaxel", BASE, ((book.plan.base["in-two-minutes"] + m.MISSED, due),), until)]

    assert "promises" in rollup_view(book, "vaxel", HOUR_OF_BASE, until - 1, opens)
    assert "promises" not in rollup_view(book, "vaxel", HOUR_OF_BASE, until, opens)


def test_an_answer_that_was_not_promised_is_not_pending() -> None:
    """Of a mail's two tracks only the one that the promise asks for counts."""
    book = Book(ORGANISATION, "emails")
    book.add("k", Received(0, "i", BASE, "kontakt", automatic=False), BASE)
    book.settle()
    view = rollup_view(book, "", HOUR_OF_BASE, BASE, opens_by_place(book)[HOUR_OF_BASE, ""])

    assert view["promises"] == {"two-days": {"pending": 1}, "full-in-eight": {"pending": 1}}


def test_a_truth_that_went_back_opens_promises_again() -> None:
    """A source that was left behind returns to where it has read; its hours are written anew."""
    book = waiting()
    items = list(book.opens())
    for since, as_of in ((BASE, BASE + 3 * MINUTE), (BASE + 3 * MINUTE, BASE)):
        for tally in book.tallies.values():
            tally.touched.clear()
        touch_passed(book, since, as_of, items)

        assert book.tally("vaxel").touched == {HOUR_OF_BASE}


def test_an_hour_in_which_nobody_is_left_has_no_rollup() -> None:
    """Asked for all the same, it is `None`: there is something to take away."""
    book = waiting()
    places = [(HOUR_OF_BASE, "vaxel"), (HOUR_OF_BASE - 1, "vaxel")]
    found = rollups(book, places, BASE, opens_by_place(book))
    told = found[f"{HOUR_OF_BASE}|vaxel"]

    assert told is not None
    assert msgspec.json.decode(told)["offered"] == 1
    assert found[f"{HOUR_OF_BASE - 1}|vaxel"] is None


def test_a_truth_names_the_sources_that_are_known_by_name() -> None:
    """In order, so that whoever writes it writes the same bytes."""
    book = waiting()
    for source, through in (("b", 3 * SECOND), ("", 5 * SECOND), ("a", 2 * SECOND), ("other", 0)):
        book.advance(source, through)

    assert truth_view(book, 2 * SECOND, 7) == {
        "as_of": "1970-01-01T01:00:02+01:00",
        "offset": 7,
        "sources": {"a": "1970-01-01T01:00:02+01:00", "b": "1970-01-01T01:00:03+01:00"},
        "history": f"{book.folded.checksum:016x}",
    }
