"""What the horizon has passed is kept as counts, and nobody can tell from the rollups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from streams.cohorts import FRONTIERS, RowKey
from streams.conventions import TOTAL
from streams.desk import Desk
from streams.events import EmailReceived, EmailSent, Heartbeat
from streams.folding import LONGEST_OPEN
from streams.instants import DAY, HOUR, MINUTE, to_datetime
from tests.property.test_same_kpis import assert_same_rollups, counted, new_desk, records
from tests.strategies import BASE, ORGANISATION, call_events, email_events
from tests.twin import Twin

if TYPE_CHECKING:
    from streams.organisations import Channel

HORIZON = 35 * DAY
SOURCE = {"calls": "exchange", "emails": "mailbox"}
Stored = dict[bytes, bytes]


def heartbeat(channel: Channel, through: int) -> Heartbeat:
    """The channel's source has read everything up to an instant."""
    return Heartbeat(
        organisation="provkommun", source=SOURCE[channel], through=to_datetime(through)
    )


def flush(desk: Desk, stored: Stored) -> None:
    """Store what a desk has to store, as its agent does."""
    stored.update(desk.flush())
    for key in desk.acknowledged():
        del stored[key]


def cohorts_in(stored: Stored) -> set[int]:
    """The cohorts stored one contact by one."""
    return {key.cohort for key in map(RowKey.decode, stored) if key.cohort > FRONTIERS}


def folded_in(stored: Stored) -> list[int]:
    """The folded cohorts stored."""
    return [key.cohort for key in map(RowKey.decode, stored) if key.cohort < FRONTIERS]


def assert_rollups_equal(desk: Desk, twin: Twin) -> None:
    """Every hour of arrival comes to what the batch twin says."""
    assert_same_rollups(desk.book("provkommun"), twin)


def run(channel: Channel, events: list[Any], ages: list[int]) -> Stored:
    """Grow old in steps, with a restart after each; the rollups stay the same."""
    desk, stored, as_of = new_desk(channel, "w0"), Stored(), BASE
    desk.apply(records(events, channel))
    flush(desk, stored)
    for n, days in enumerate(ages):
        as_of += days * DAY + HOUR
        desk.apply(records([heartbeat(channel, as_of)], channel))
        flush(desk, stored)
        twin = Twin(ORGANISATION, events, max(as_of, BASE + 12 * DAY))

        assert_rollups_equal(desk, twin)
        desk = new_desk(channel, f"w{n + 1}")
        desk.restore(stored.items())
        assert_rollups_equal(desk, twin)
    return stored


ages = st.lists(st.integers(1, 40), max_size=4)


@given(events=st.lists(call_events, max_size=10), ages=ages)
def test_rollups_of_calls_survive_folding(events: list[Any], ages: list[int]) -> None:
    """Calls behind the horizon leave; what became of them stays, through restarts too."""
    stored = run("calls", events, [13, *ages, 40])

    assert not cohorts_in(stored)


@given(events=st.lists(email_events, max_size=10), ages=ages)
def test_rollups_of_emails_survive_folding(events: list[Any], ages: list[int]) -> None:
    """Conversations behind the horizon leave unless somebody still waits for an answer."""
    run("emails", events, [13, *ages, 40])


def received(days: int) -> EmailReceived:
    """A citizen writes, so many days after the beginning."""
    return EmailReceived(
        organisation="provkommun",
        conversation=f"k{days}",
        message=f"m{days}",
        mailbox="kontakt",
        at=to_datetime(BASE + days * DAY),
        automatic=False,
    )


def test_an_unanswered_mail_keeps_its_cohort_but_not_for_ever() -> None:
    """It is shown as open for 400 days; then it is a miss among the rollups."""
    desk, stored = new_desk("emails", "w0"), Stored()
    desk.apply(records([received(0), heartbeat("emails", BASE + 399 * DAY)], "emails"))
    flush(desk, stored)

    assert len(cohorts_in(stored)) == 1
    assert desk.book("provkommun").open_contacts == 1

    end = BASE + LONGEST_OPEN + HOUR
    after = records([heartbeat("emails", end)], "emails")
    late = [type(r)(r.value, r.key, end, r.offset, r.topic, r.partition) for r in after]
    desk.apply(late)
    flush(desk, stored)

    assert not cohorts_in(stored)
    assert len(folded_in(stored)) == 1
    assert desk.book("provkommun").open_contacts == 0
    cell = desk.book("provkommun").rollup(TOTAL, BASE // HOUR, end, [])
    assert counted(desk.book("provkommun"), cell)["two-days:first_reply_missed"] == 1


def test_a_cohort_that_outlived_its_folding_counts_no_more() -> None:
    """Killed between the folded row and the removal of its cohorts, nobody counts twice."""
    desk, stored = new_desk("emails", "w0"), Stored()
    answered = [received(0), *_answer(1)]
    desk.apply(records([*answered, heartbeat("emails", BASE + DAY)], "emails"))
    flush(desk, stored)
    desk.apply(records([heartbeat("emails", BASE + 50 * DAY)], "emails"))
    stored.update(desk.flush())

    assert len(cohorts_in(stored)) == len(folded_in(stored)) == 1

    heir = new_desk("emails", "w1")
    heir.restore(stored.items())
    heir.apply(records([heartbeat("emails", BASE + 51 * DAY)], "emails"))
    flush(heir, stored)

    assert not cohorts_in(stored)
    assert_rollups_equal(heir, Twin(ORGANISATION, answered, BASE + 51 * DAY))


def test_two_who_folded_the_same_cohort_are_counted_once() -> None:
    """The row of whoever had read further wins, and the other is superseded."""
    answered = [received(0), *_answer(1)]
    stored = Stored()
    for incarnation in ("w1", "w2"):
        desk = new_desk("emails", incarnation)
        desk.apply(records([*answered, heartbeat("emails", BASE + DAY)], "emails"))
        stored.update(desk.flush())
        desk.apply(records([heartbeat("emails", BASE + 50 * DAY)], "emails"))
        stored.update(desk.flush())
    only_folded = {
        key: row for key, row in stored.items() if RowKey.decode(key).cohort <= FRONTIERS
    }
    heir = new_desk("emails", "w3")
    heir.restore(only_folded.items())

    assert_rollups_equal(heir, Twin(ORGANISATION, answered, BASE + 50 * DAY))


def test_who_writes_again_after_the_horizon_is_owed_an_answer() -> None:
    """The conversation is not known any more, but the new question is."""
    desk, stored = new_desk("emails", "w0"), Stored()
    desk.apply(records([received(0), *_answer(1), heartbeat("emails", BASE + DAY)], "emails"))
    flush(desk, stored)
    desk.apply(records([heartbeat("emails", BASE + 39 * DAY)], "emails"))
    flush(desk, stored)
    again = received(0)
    late = EmailReceived(
        organisation="provkommun",
        conversation=again.conversation,
        message="again",
        mailbox="kontakt",
        at=to_datetime(BASE + 40 * DAY + MINUTE),
        automatic=False,
    )
    desk.apply(records([late], "emails"))

    assert desk.book("provkommun").open_contacts == 1


def _answer(days: int) -> list[Any]:
    return [
        EmailSent(
            organisation="provkommun",
            conversation="k0",
            message="answer",
            mailbox="kontakt",
            at=to_datetime(BASE + days * DAY),
            automatic=False,
        )
    ]


def test_a_log_read_again_from_the_beginning_counts_nothing_twice() -> None:
    """What was folded stays folded when its old records come once more."""
    answered = [received(0), *_answer(1)]
    desk, stored = new_desk("emails", "w0"), Stored()
    desk.apply(records([*answered, heartbeat("emails", BASE + DAY)], "emails"))
    flush(desk, stored)
    desk.apply(records([heartbeat("emails", BASE + 50 * DAY)], "emails"))
    flush(desk, stored)
    heir = wall_desk("w1")
    heir.restore(stored.items())
    again = [
        type(r)(r.value, r.key, BASE + 2 * DAY, r.offset, r.topic, r.partition)
        for r in records(answered, "emails")
    ]
    told_again = heir.apply(again)

    assert {rejection.reason for rejection in told_again.rejected} == {"beyond_horizon"}
    assert_rollups_equal(heir, Twin(ORGANISATION, answered, BASE + 50 * DAY))


def wall_desk(incarnation: str) -> Desk:
    """A desk that judges events by the broker's clock."""
    return Desk(
        channel="emails",
        partition=0,
        organisations={"provkommun": ORGANISATION},
        owns=lambda _name: True,
        incarnation=incarnation,
        horizon=HORIZON,
        clock="wall",
    )
