"""The desk: every record is accounted for, and every row that must be stored is told."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.generate.contract import EXAMPLES
from streams import events as ev
from streams.codec import encode_event
from streams.cohorts import FRONTIERS, RowKey
from streams.conventions import OTHER, Reason
from streams.desk import CLOCK_TOLERANCE, LATE, Desk, row_belongs
from streams.errors import StateError
from streams.instants import DAY, HOUR, MILLISECOND, MINUTE, SECOND, from_datetime, to_datetime
from streams.topics import CALLS
from tests.kafka_records import Record
from tests.strategies import BASE, ORGANISATION, call_events, email_events

if TYPE_CHECKING:
    from streams.desk import Clock
    from streams.records import Totals

NOW = BASE
HORIZON = 35 * DAY
ELSEWHERE = "annankommun"
"""A second organisation, whose partition is another one."""


def new_desk(incarnation: str = "w1", *, clock: Clock = "wall") -> Desk:
    """Calls of partition 3, where only the sample municipality lives."""
    elsewhere = msgspec.structs.replace(ORGANISATION, name=ELSEWHERE)
    return Desk(
        channel="calls",
        partition=3,
        organisations={"provkommun": ORGANISATION, ELSEWHERE: elsewhere},
        owns=lambda name: name == "provkommun",
        incarnation=incarnation,
        horizon=HORIZON,
        clock=clock,
    )


def record(value: ev.Event | bytes | None, appended_at: int = NOW) -> Record:
    """A record as Kafka hands it over."""
    data = encode_event(value) if isinstance(value, ev.Event) else value
    return Record(data, b"provkommun", appended_at // MILLISECOND, 0, CALLS, 3)


def entered(call: str = "c1", at: int = NOW, **more: Any) -> ev.CallEntered:
    """A caller enters the switchboard's queue."""
    fields = {"organisation": "provkommun", "queue": "vaxel"} | more
    return ev.CallEntered(call=call, at=to_datetime(at), **fields)


def heartbeat(through: int, source: str = "exchange") -> ev.Heartbeat:
    """The exchange has told everything up to an instant."""
    return ev.Heartbeat(organisation="provkommun", source=source, through=to_datetime(through))


def accounted_for(totals: Totals) -> int:
    """What became of all events, added up."""
    return totals.applied + totals.unchanged + totals.forwarded + sum(totals.rejected.values())


def reasons(desk: Desk, *values: ev.Event | bytes | None) -> list[Reason]:
    """Why a desk rejects some values, in order."""
    return [r.reason for r in desk.apply([record(value) for value in values]).rejected]


def states(desk: Desk) -> dict[str, Any]:
    """What a desk knows, so that it compares."""
    return {
        name: (
            {contact: set(known.facts) for contact, known in book.contacts.items()},
            book.frontiers,
        )
        for name, book in desk.books.items()
        if book.contacts or book.frontiers
    }


garbage = st.one_of(
    st.none(),
    st.binary(max_size=40),
    st.sampled_from([line.encode() for line in EXAMPLES.values()]),
    st.sampled_from([line.replace("skara", "provkommun").encode() for line in EXAMPLES.values()]),
)
good = st.one_of(
    call_events,
    call_events,
    email_events,
    st.builds(entered, call=st.sampled_from(["c1", "c2"]), organisation=st.just(ELSEWHERE)),
    st.integers(-40 * DAY, 10 * MINUTE).map(lambda ahead: entered(at=NOW + ahead)),
    st.builds(heartbeat, st.integers(NOW - HOUR, NOW + HOUR), st.sampled_from(["exchange", "x"])),
)
mixtures = st.lists(st.lists(st.one_of(good, good, garbage), max_size=8), max_size=4)


@given(batches=mixtures, clock=st.sampled_from(["wall", "events"]))
def test_nothing_is_lost_and_nothing_counted_twice(
    batches: list[list[ev.Event | bytes | None]], clock: Clock
) -> None:
    """Events in = applied + unchanged + forwarded + rejected, for any mixture of records."""
    desk = new_desk(clock=clock)
    forwarded, rejected = 0, 0
    for batch in batches:
        result = desk.apply([record(value) for value in batch])
        forwarded += len(result.forwarded)
        rejected += len(result.rejected)
    totals = desk.totals

    assert totals.events_in == sum(map(len, batches))
    assert totals.events_in == accounted_for(totals)
    assert (totals.forwarded, sum(totals.rejected.values())) == (forwarded, rejected)
    assert set(totals.rejected) <= set(Reason)


@given(batches=mixtures)
def test_applied_means_that_something_changed(
    batches: list[list[ev.Event | bytes | None]],
) -> None:
    """A second reading of the same log applies nothing, and forwards and rejects the same."""
    values = [value for batch in batches for value in batch]
    desk = new_desk()
    first = desk.apply([record(value) for value in values])
    before, applied = states(desk), desk.totals.applied

    second = desk.apply([record(value) for value in values])

    assert states(desk) == before
    assert desk.totals.applied == applied
    assert [r.reason for r in second.rejected] == [r.reason for r in first.rejected]
    assert second.forwarded == first.forwarded


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        pytest.param(None, Reason.EMPTY, id="no value"),
        pytest.param(b"", Reason.EMPTY, id="an empty value"),
        pytest.param(b"{", Reason.NOT_JSON, id="no JSON"),
        pytest.param(
            entered(organisation="okand"), Reason.UNKNOWN_ORGANISATION, id="nobody configured it"
        ),
        pytest.param(
            ev.VisitRegistered(
                organisation="provkommun", visit="v", desk="reception", at=to_datetime(NOW)
            ),
            Reason.WRONG_TOPIC,
            id="a visit on the calls' topic",
        ),
        pytest.param(
            EXAMPLES[ev.CallEntered]
            .replace("skara", "provkommun")
            .replace("2026-03-02T09:00:00+01:00", "9999-12-31T23:59:59-12:00")
            .encode(),
            Reason.FROM_THE_FUTURE,
            id="the year 9999",
        ),
        pytest.param(
            EXAMPLES[ev.Heartbeat]
            .replace("skara", "provkommun")
            .replace("2026-03-02T09:06:00+01:00", "9999-12-31T23:59:59-12:00")
            .encode(),
            Reason.FROM_THE_FUTURE,
            id="a heartbeat of the year 9999",
        ),
        pytest.param(
            EXAMPLES[ev.CallEntered]
            .replace("skara", "provkommun")
            .replace("2026-03-02T09:00:00+01:00", "0001-01-01T00:00:00+14:00")
            .encode(),
            Reason.BEYOND_HORIZON,
            id="the year 1",
        ),
    ],
)
def test_what_cannot_be_applied_is_rejected_with_its_reason(
    value: ev.Event | bytes | None, reason: Reason
) -> None:
    """The record is handed back as it came, and the next one is applied all the same."""
    desk = new_desk()
    refused = record(value)

    result = desk.apply([refused, record(entered())])

    assert [(r.record, r.reason) for r in result.rejected] == [(refused, reason)]
    assert desk.totals.applied == 1
    assert list(desk.book("provkommun").contacts) == ["c1"]


@pytest.mark.parametrize(
    ("ahead", "expected"),
    [
        pytest.param(CLOCK_TOLERANCE, [], id="as far ahead as clocks drift"),
        pytest.param(CLOCK_TOLERANCE + 1, [Reason.FROM_THE_FUTURE], id="further"),
        pytest.param(-HORIZON, [], id="as old as the horizon"),
        pytest.param(-HORIZON - 1, [Reason.BEYOND_HORIZON], id="older"),
    ],
)
def test_a_fact_is_judged_by_the_broker_s_clock(ahead: int, expected: list[Reason]) -> None:
    """Five minutes ahead and the horizon back are allowed, to the microsecond."""
    assert reasons(new_desk(), entered(at=NOW + ahead)) == expected


def test_a_record_is_judged_by_its_last_instant() -> None:
    """A call-detail record may begin before the horizon, but may not end in the future."""
    times = {
        "old": (-HORIZON - HOUR, -HORIZON),
        "new": (-HOUR, CLOCK_TOLERANCE + SECOND),
        "right": (-HOUR, 0),
    }
    values = [
        ev.CallRecord(
            organisation="provkommun",
            call=call,
            queue="vaxel",
            entered_at=to_datetime(NOW + begin),
            ended_at=to_datetime(NOW + end),
        )
        for call, (begin, end) in times.items()
    ]

    assert reasons(new_desk(), *values) == [Reason.FROM_THE_FUTURE]


@pytest.mark.parametrize("entered_at", ["1970-01-01T00:00:00+01:00", "0001-01-01T00:00:00Z"])
def test_a_time_nobody_set_stops_no_later_worker(entered_at: str) -> None:
    """A record whose entry is the zero of some clock may be rejected or kept, but be restorable."""
    desk = new_desk()
    values = [
        EXAMPLES[ev.CallRecord]
        .replace("skara", "provkommun")
        .replace("1772438522.19", f"c{n}")
        .replace("2026-03-02T08:02:02Z", entered_at)
        .encode()
        for n in range(20)
    ]
    now = from_datetime(datetime(2026, 3, 2, 9, tzinfo=UTC))
    desk.apply([record(value, now) for value in values])
    successor = new_desk("w2")
    successor.restore(desk.flush())

    assert accounted_for(desk.totals) == len(values)
    assert states(successor) == states(desk)


def test_with_the_clock_of_events_the_horizon_counts_from_the_newest() -> None:
    """History that is replayed years later is not beyond the horizon; what was then, is."""
    desk = new_desk(clock="events")
    then = NOW - 9_000 * DAY

    found = reasons(
        desk,
        entered("c1", then),
        entered("c2", then - HORIZON),
        entered("c3", then - HORIZON - 1),
    )

    assert found == [Reason.BEYOND_HORIZON]
    assert set(desk.book("provkommun").contacts) == {"c1", "c2"}


def test_records_of_another_partition_are_sent_on() -> None:
    """A producer with another hash loses nothing: whoever owns the organisation gets its record."""
    desk = new_desk()
    strayed = record(entered(organisation=ELSEWHERE))

    result = desk.apply([strayed])

    assert result.forwarded == [(ELSEWHERE, strayed)]
    assert desk.totals.forwarded == 1
    assert not desk.dirty
    assert desk.books == {}


def test_a_duplicate_is_counted_as_unchanged() -> None:
    """The first tells something new, the second does not and makes nothing dirty."""
    desk = new_desk()
    desk.apply([record(entered())])
    desk.flush()
    desk.apply([record(entered())])

    assert (desk.totals.applied, desk.totals.unchanged) == (1, 1)
    assert not desk.dirty


def test_a_heartbeat_moves_the_truth_forward_only() -> None:
    """A source that says less than it has said is not believed."""
    desk = new_desk()
    for through in (NOW - MINUTE, NOW, NOW - HOUR):
        desk.apply([record(heartbeat(through))])

    assert desk.book("provkommun").as_of() == NOW
    assert (desk.totals.applied, desk.totals.unchanged) == (2, 1)


def test_sources_nobody_configured_share_a_frontier() -> None:
    """Whatever name they give themselves, they cannot make the state grow."""
    desk = new_desk()
    for n in range(50):
        desk.apply([record(heartbeat(NOW - n, source=f"source-{n}"))])

    assert set(desk.book("provkommun").frontiers) == {OTHER}


@pytest.mark.parametrize(
    ("behind", "late"),
    [
        pytest.param(LATE, 0, id="as far behind as a batch may be"),
        pytest.param(LATE + 1, 1, id="further"),
    ],
)
def test_late_facts_are_applied_and_counted(behind: int, late: int) -> None:
    """What comes after its source said that it had told everything shows that it had not."""
    desk = new_desk()
    desk.apply([record(heartbeat(NOW)), record(entered(at=NOW - behind))])

    assert (desk.totals.applied, desk.totals.late) == (2, late)


def test_queues_nobody_configured_are_counted() -> None:
    """The event is applied, and somebody is told."""
    desk = new_desk()
    desk.apply([record(entered(queue="okand"))])

    assert (desk.totals.applied, desk.totals.unknown_part) == (1, 1)
    assert set(desk.book("provkommun").tallies) == {OTHER, ""}


@given(batches=mixtures)
def test_what_is_restored_is_what_was_stored(
    batches: list[list[ev.Event | bytes | None]],
) -> None:
    """Rows of every flush, the newest of each key, bring back contacts and frontiers."""
    desk = new_desk()
    stored: dict[bytes, bytes] = {}
    for batch in batches:
        desk.apply([record(value) for value in batch])
        stored |= dict(desk.flush())
        for key in desk.acknowledged():
            stored.pop(key, None)
    successor = new_desk("w2")
    successor.restore(stored.items())

    assert states(successor) == states(desk)
    assert not successor.dirty


def test_a_flush_that_is_cut_short_claims_no_more_than_it_stored() -> None:
    """How far the truth reaches is stored last: before it stands everything that happened."""
    desk = new_desk()
    desk.apply([record(entered(f"c{n}", NOW - n * HOUR)) for n in range(5)])
    rows = desk.flush()
    claimed = []
    for stored in range(len(rows) + 1):
        successor = new_desk("w2")
        successor.restore(rows[:stored])
        claimed.append(successor.book("provkommun").as_of())

    assert claimed == [None] * len(rows) + [NOW]


def test_a_flush_writes_each_changed_cohort_once_under_its_own_name() -> None:
    """The key says partition, channel, organisation, cohort, who wrote it, and in which flush."""
    desk = new_desk()
    desk.apply([record(entered(f"c{n}", NOW - n * HOUR)) for n in range(3)])

    keys = [RowKey.decode(key) for key, _ in desk.flush()]

    assert len(keys) == len(set(keys)) == 4
    assert {(k.partition, k.channel, k.organisation, k.writing) for k in keys} == {
        (3, "calls", "provkommun", "w1.1")
    }
    assert sum(key.cohort == FRONTIERS for key in keys) == 1
    assert desk.flush() == []


def test_no_key_is_written_twice() -> None:
    """Somebody else may delete the key, and must know what is in the row."""
    desk = new_desk()
    written = []
    for minute in range(3):
        desk.apply([record(entered(f"c{minute}", NOW - HOUR + minute * MINUTE))])
        written.append([key for key, _ in desk.flush()])
        before = {RowKey.decode(key)[:4]: key for keys in written[:-1] for key in keys}
        changed = {RowKey.decode(key)[:4] for key in written[-1]}

        assert set(desk.acknowledged()) == {before[place] for place in changed & before.keys()}
    assert len({key for keys in written for key in keys}) == sum(map(len, written))


def test_inherited_rows_go_when_their_successor_is_acknowledged() -> None:
    """Until Kafka has the new row the old one stays; those of other cohorts stay anyway."""
    first = new_desk()
    first.apply([record(entered("c1", NOW - HOUR)), record(entered("c2", NOW - 9 * HOUR))])
    rows = dict(first.flush())
    desk = new_desk("w2")
    desk.restore(rows.items())
    before = desk.acknowledged()

    answered = ev.CallAnswered(
        organisation="provkommun", call="c1", queue="vaxel", at=to_datetime(NOW - 59 * MINUTE)
    )
    desk.apply([record(answered)])
    written = {RowKey.decode(key)[:4] for key, _ in desk.flush()}
    gone = desk.acknowledged()

    assert before == []
    assert {RowKey.decode(key)[:4] for key in gone} == written
    assert {RowKey.decode(key).writing for key in gone} == {"w1.1"}
    assert len(gone) == len(rows) - 1
    assert desk.acknowledged() == []


def test_rows_of_several_writers_are_united_into_one() -> None:
    """What two workers stored of the same cohort is written once more, whole, and both go."""
    rows: dict[bytes, bytes] = {}
    for incarnation, call in (("w1", "c1"), ("w2", "c1"), ("w2", "c2")):
        desk = new_desk(incarnation)
        member = None if incarnation == "w1" else "m1"
        desk.apply(
            [
                record(entered(call)),
                record(
                    ev.CallAnswered(
                        organisation="provkommun",
                        call=call,
                        queue="vaxel",
                        at=to_datetime(NOW + (SECOND if member else 0)),
                        member=member,
                    )
                ),
            ]
        )
        rows |= dict(desk.flush())
    heir = new_desk("w3")
    heir.restore(rows.items())

    contacts = heir.book("provkommun").contacts
    assert {name: len(known.facts) for name, known in contacts.items()} == {"c1": 3, "c2": 2}
    assert heir.dirty
    heir.flush()
    assert {RowKey.decode(key).writing for key in heir.acknowledged()} == {"w1.1", "w2.1"}


def test_rows_of_organisations_that_are_gone_are_left_alone() -> None:
    """A file that was moved away by mistake costs no data: its rows wait in the changelog."""
    key = RowKey(3, "calls", "nedlagd", 7, "w1").encode()
    desk = new_desk()
    desk.restore([(key, b"not even readable")])

    assert desk.books == {}
    assert desk.acknowledged() == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param(RowKey(3, "calls", "provkommun", 7, "w").encode(), b"\xc1", id="contacts"),
        pytest.param(
            RowKey(3, "calls", "provkommun", FRONTIERS, "w").encode(), b"\xc1", id="frontiers"
        ),
        pytest.param(b"3|calls|provkommun", b"\x90", id="key"),
    ],
)
def test_a_row_that_cannot_be_read_stops_the_worker(key: bytes, value: bytes) -> None:
    """To go on would be to forget calls."""
    with pytest.raises(StateError):
        new_desk().restore([(key, value)])


@pytest.mark.parametrize(
    ("key", "belongs"),
    [
        pytest.param(b"3|calls|skara|77|w1", True, id="its own"),
        pytest.param(b"33|calls|skara|77|w1", False, id="of partition 33"),
        pytest.param(b"3|emails|skara|77|w1", False, id="of e-mails"),
    ],
)
def test_a_desk_knows_its_rows(key: bytes, belongs: bool) -> None:  # noqa: FBT001 - a table
    """Rows of other partitions and channels belong to other desks."""
    assert row_belongs(key, "calls", 3) is belongs


def test_every_type_is_applied_or_belongs_elsewhere() -> None:
    """Calls and heartbeats are taken in; all other types are told to go to their topics."""
    desk = new_desk(clock="events")
    lines = [line.replace("skara", "provkommun").encode() for line in EXAMPLES.values()]

    result = desk.apply([record(value) for value in lines])

    assert {r.reason for r in result.rejected} == {Reason.WRONG_TOPIC}
    assert {
        json.loads(r.record.value or b"")["type"].partition(".")[0] for r in result.rejected
    } == {
        "email",
        "survey",
        "visit",
    }
    assert desk.totals.applied == 6
