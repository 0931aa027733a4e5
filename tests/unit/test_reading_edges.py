"""What is read from cells and open items: the right divisor, the right promise, the right edge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from streams import measures as m
from streams.amounts import once
from streams.books import Book
from streams.cells import Cell
from streams.desk import Desk
from streams.events import EmailSent
from streams.facts import Received
from streams.folding import fold
from streams.instants import DAY, HOUR, SECOND, to_datetime
from streams.kpis.readings import read_now, read_window
from streams.organisations import Promise, Source
from streams.outcomes import NO_WAIT, Open
from streams.plans import Plan
from streams.promises import parse_within
from streams.tally import Tally
from tests.kafka_records import record
from tests.strategies import BASE, ORGANISATION

if TYPE_CHECKING:
    from streams.organisations import Organisation


def test_resolution_is_a_share_of_the_coded_calls() -> None:
    """Calls nobody coded are in the coded share, not in the resolution."""
    plan = Plan(ORGANISATION, "calls")
    cell = Cell(plan.width)
    cell.amounts = 10 * once(m.HANDLED) + 4 * once(m.CODED) + 3 * once(m.RESOLVED)
    shares = {r.kpi.name: (r.value, r.n) for r in read_window(plan, "", cell, BASE)}

    assert shares["resolution"] == (0.75, 4)
    assert shares["coded_share"] == (0.4, 10)


def test_handle_time_is_a_mean_over_handled_calls() -> None:
    """Who still talks is answered, but not in the mean."""
    plan = Plan(ORGANISATION, "calls")
    cell = Cell(plan.width)
    cell.amounts = 5 * once(m.ANSWERED) + 2 * once(m.HANDLED) + 60 * SECOND * once(m.HANDLE_TIME)
    means = {r.kpi.name: (r.value, r.n) for r in read_window(plan, "", cell, BASE)}

    assert means["handle_time_mean"] == (30, 2)


@pytest.mark.parametrize(("later", "n"), [(-1, 1), (0, 1), (1, 0)])
def test_what_falls_due_exactly_then_falls_due_within(later: int, n: int) -> None:
    """The end of the next working hour belongs to it."""
    plan = Plan(ORGANISATION, "emails")
    as_of = BASE + 2 * DAY + 12 * HOUR  # Monday, 11:50
    rule = next(r for r in plan.rules("", as_of) if r.promise.name == "two-days")
    limit = rule.calendar.add_working_time(as_of, HOUR)
    item = Open("", as_of - HOUR, ((rule.base + m.TRACK_MISSED, limit + later),))
    readings = read_now(plan, "", [item], as_of)
    due = {
        r.choice: r.value for r in readings if (r.kpi.name, r.promise) == ("due_within", "two-days")
    }

    assert due == {"1": n, "4": 1, "8": 1}


def test_nothing_overdue_falls_due_next() -> None:
    """What was due before now is overdue, and no longer counted among what falls due."""
    plan = Plan(ORGANISATION, "emails")
    rule = next(r for r in plan.rules("", BASE) if r.promise.name == "two-days")
    item = Open("", BASE - DAY, ((rule.base + m.TRACK_MISSED, BASE - 1),))
    values = {
        (r.kpi.name, r.choice): r.value
        for r in read_now(plan, "", [item], BASE)
        if r.promise == "two-days"
    }

    assert values["overdue", ""] == 1
    assert values["pending", ""] == 0
    assert values["due_within", "8"] == 0


def test_a_queue_keeps_its_own_promises() -> None:
    """A promise for one queue holds there, and not in the total nor in another queue."""
    everywhere = Promise(name="all", channel="calls", within=parse_within("2 min"), target=0.8)
    bygg = msgspec.structs.replace(everywhere, name="bygg", parts=("bygg",))
    total = msgspec.structs.replace(everywhere, name="whole", parts=("total",))
    plan = Plan(msgspec.structs.replace(ORGANISATION, promises=(everywhere, bygg, total)), "calls")

    def names(part: str) -> list[str]:
        return [rule.promise.name for rule in plan.rules(part, BASE)]

    assert names("") == ["all", "whole"]
    assert names("bygg") == ["all", "bygg"]
    assert names("vaxel") == names("other") == ["all"]


def two_readers() -> Organisation:
    """Each of two mailboxes has a reader of its own."""
    readers = (Source("a", "emails", ("kontakt",)), Source("b", "emails", ("annan",)))
    return msgspec.structs.replace(ORGANISATION, sources=readers)


def test_a_reply_says_nothing_about_how_far_its_mailbox_was_read() -> None:
    """Another reader may have seen it: the mailbox it was sent from is not known up to then."""
    desk = Desk(
        channel="emails",
        partition=0,
        organisations={"provkommun": two_readers()},
        owns=lambda _name: True,
        incarnation="w",
        horizon=35 * DAY,
    )
    reply = EmailSent(
        organisation="provkommun",
        conversation="k",
        message="o",
        mailbox="kontakt",
        at=to_datetime(BASE),
        automatic=False,
    )
    desk.apply([record(reply, BASE)])

    assert "a" not in desk.book("provkommun").frontiers


def test_what_nobody_answered_for_ever_is_folded_with_its_miss() -> None:
    """However long the horizon, a miss that time decided is in the row that remains."""
    book = Book(ORGANISATION, "emails")
    book.add("k", Received(0, "i", BASE, "kontakt", automatic=False), BASE)
    book.settle()
    missed = book.plan.base["two-days"] + m.TRACK_MISSED
    for days in (401, 403, 410):
        as_of = BASE + days * DAY
        folded = fold(book, book.cohorts, as_of=as_of, horizon=400 * DAY)

        assert folded is None or all(cell.counts[missed] == 1 for cell in folded.cells.values())
    assert folded is not None
    assert not any(cell.counts[missed] for cell in folded.decided.values())


def test_pruning_leaves_no_sums_behind() -> None:
    """A sum for every hour that ever was would fill the memory of a worker that never rests."""
    tally = Tally(1)
    for hour in range(200):
        at = BASE // HOUR * HOUR + hour * HOUR
        tally.add(("", at, at, once(0), NO_WAIT))
        tally.between(at - 50 * HOUR, at + HOUR)
        tally.prune(at - 60 * HOUR)
        tally.touched.clear()

        assert len(tally._spans) + len(tally._days) < 10
