"""What exchanges and clocks get wrong must not hurt anybody else on the same worker."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any, cast

import pytest

from agents.exporter import create_exposition
from agents.exports.status import ExportStatus
from agents.runtime import Telemetry
from streams import events as ev
from streams import measures as m
from streams.books import MAX_FACTS
from streams.codec import encode_event
from streams.cohorts import RowKey, encode_contacts
from streams.conventions import Reason
from streams.desk import Desk
from streams.facts import Entered
from streams.instants import DAY, HOUR, MILLISECOND, MINUTE, to_datetime
from tests.kafka_records import Record
from tests.strategies import BASE, ORGANISATION

NOON = BASE + 12 * HOUR
NAME = "provkommun"


def desk_of(channel: Any = "calls", incarnation: str = "w1") -> Desk:
    """An empty desk by the broker's clock."""
    return Desk(
        channel=channel,
        partition=0,
        organisations={NAME: ORGANISATION},
        owns=lambda _name: True,
        incarnation=incarnation,
        horizon=35 * DAY,
    )


def record(event: Any, appended: int) -> Record:
    """An event, or bytes, that the broker wrote at an instant."""
    value = event if isinstance(event, bytes) else encode_event(event)
    return Record(value, None, appended // MILLISECOND, 0, "", 0)


def heartbeat(through: int, source: str) -> ev.Heartbeat:
    """A source has read everything up to then."""
    return ev.Heartbeat(organisation=NAME, source=source, through=to_datetime(through))


def store(desk: Desk, rows: dict[bytes, bytes]) -> None:
    """Flush as an agent does."""
    rows.update(desk.flush())
    for key in desk.acknowledged():
        rows.pop(key, None)


@pytest.mark.parametrize(
    "through",
    [
        pytest.param("0001-01-01T00:00:00Z", id="the zero of one platform's clock"),
        pytest.param("0001-01-01T00:00:00+01:00", id="a time before all times"),
        pytest.param("1970-01-01T00:00:00Z", id="the zero of another's"),
    ],
)
def test_a_heartbeat_of_a_clock_that_was_never_set_blinds_no_worker(through: str) -> None:
    """It is rejected, and everybody else's KPIs are still shown."""
    desk = desk_of()
    value = (
        f'{{"type":"heartbeat","organisation":"{NAME}","source":"exchange","through":"{through}"}}'
    )
    applied = desk.apply([record(value.encode(), NOON)])
    runtime = SimpleNamespace(
        desks={("calls", 0): desk},
        partitions={0},
        recovering=False,
        telemetry=Telemetry(),
        exports=ExportStatus(),
        views=SimpleNamespace(troubles={}, failures=Counter()),
        settings=SimpleNamespace(
            organisations={NAME: ORGANISATION}, cluster=SimpleNamespace(clock="wall")
        ),
    )

    assert [rejection.reason for rejection in applied.rejected] == [Reason.BEYOND_HORIZON]
    assert create_exposition(cast("Any", runtime), lambda: NOON)()


def test_an_exchange_that_gives_every_call_the_same_id_stops_nobody() -> None:
    """A contact has a largest size; what is beyond it is rejected with a reason of its own."""
    desk = desk_of()
    applied = desk.apply(
        [
            record(
                ev.CallEntered(
                    organisation=NAME, call="0", queue="vaxel", at=to_datetime(NOON + n * MINUTE)
                ),
                NOON + n * MINUTE,
            )
            for n in range(MAX_FACTS + 20)
        ]
    )

    assert len(desk.book(NAME).contacts["0"].facts) == MAX_FACTS
    assert [r.reason for r in applied.rejected] == [Reason.CONTACT_TOO_LARGE] * 20


def test_an_hour_is_not_forgotten_while_a_contact_that_arrived_in_it_is_kept() -> None:
    """Told days out of order, the hour of arrival still has its mail when its rollup is due."""
    desk = desk_of("emails")
    forwarded = ev.EmailForwarded(
        organisation=NAME, conversation="k", unit="u", at=to_datetime(NOON + 5 * DAY)
    )
    received = ev.EmailReceived(
        organisation=NAME,
        conversation="k",
        message="i",
        mailbox="kontakt",
        at=to_datetime(NOON),
        automatic=False,
    )
    desk.apply([record(forwarded, NOON + 5 * DAY)])
    desk.apply([record(received, NOON + 6 * DAY)])
    store(desk, {})
    for tally in desk.book(NAME).tallies.values():
        tally.touched.clear()
    later = NOON + 42 * DAY
    desk.apply([record(heartbeat(later, "mailbox"), later)])
    store(desk, {})

    assert len(desk.book(NAME).contacts) == 1
    assert desk.book(NAME).rollup("", NOON // HOUR, later, []).counts[m.RECEIVED] == 1


def test_an_emptied_cohort_leaves_no_row() -> None:
    """A contact that two writers kept in two cohorts ends up in one, and the other row goes."""
    one = encode_contacts([("z", (Entered(0, "vaxel", NOON),))])
    hour = NOON // HOUR * 8
    rows = {
        RowKey(0, "calls", NAME, hour, "a").encode(): one,
        RowKey(0, "calls", NAME, hour + 8, "b").encode(): one,
    }
    desk = desk_of(incarnation="w3")
    desk.restore(rows.items())
    desk.apply([record(heartbeat(NOON + HOUR, "exchange"), NOON + HOUR)])
    store(desk, rows)

    assert {RowKey.decode(key).cohort for key in rows if RowKey.decode(key).cohort > 0} == {hour}


def test_an_expert_s_own_mailbox_is_no_unknown_part() -> None:
    """Replies come from anywhere; nobody is to be alerted because of that, or of a replay."""
    desk = desk_of("emails")
    reply = ev.EmailSent(
        organisation=NAME,
        conversation="k",
        message="o",
        mailbox="expert@example.org",
        at=to_datetime(NOON),
        automatic=False,
    )
    desk.apply([record(reply, NOON), record(reply, NOON)])

    assert desk.totals.unknown_part == 0
