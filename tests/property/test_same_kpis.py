"""Same facts, any order, any number of times, any crash: the same KPIs as the batch twin."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from streams import measures as m
from streams.conventions import TOTAL
from streams.desk import Desk
from streams.frontiers import LEFT_BEHIND
from streams.instants import DAY, HOUR, MINUTE, SECOND, from_datetime
from streams.kpis.readings import read_now
from streams.rollups import days_of, opens_by_place, places_of_day, rollup_field, rollups
from streams.views import opens_by_part, window_sum
from streams.windows import WINDOWS
from tests.kafka_records import record
from tests.strategies import BASE, ORGANISATION, batches, call_events, email_events
from tests.twin import Happening, Twin

if TYPE_CHECKING:
    from streams.books import Book
    from streams.cells import Cell
    from streams.organisations import Channel
    from tests.kafka_records import Record

LATER = BASE + 400 * DAY
as_ofs_of_calls = st.one_of(
    st.integers(0, 80).map(lambda n: BASE + n * 30 * SECOND),
    st.integers(0, 5 * 3600 * 4).map(lambda n: BASE + n * 250_000),
    st.integers(1, 30).map(lambda n: BASE + n * DAY),
)
as_ofs_of_emails = st.integers(0, 20 * 24 * 4).map(lambda n: BASE + n * HOUR // 4)


def new_desk(channel: Channel, incarnation: str) -> Desk:
    """An empty desk that owns everything."""
    return Desk(
        channel=channel,
        partition=0,
        organisations={"provkommun": ORGANISATION},
        owns=lambda _name: True,
        incarnation=incarnation,
        horizon=35 * DAY,
        clock="events",
    )


def records(events: list[Any], channel: Channel) -> list[Record]:
    """Events as a broker would hand them over, long after they happened."""
    return [record(event, LATER, topic=channel) for event in events]


def counted(book: Book, cell: Cell) -> Counter[str]:
    """A cell in words."""
    names = list(m.BASE[book.plan.channel])
    for promise in book.plan.promise_names:
        names += [f"{promise}:{what}" for what in m.PROMISE[book.plan.channel]]
    return Counter({name: n for name, n in zip(names, cell.counts, strict=True) if n})


SUM_OF = {"answered": "wait", "handled": "handle_time", "first_replies": "reply_time"}


def told(happenings: list[Happening]) -> Counter[str]:
    """What the twin saw, in the same words."""
    words: Counter[str] = Counter()
    for h in happenings:
        words[f"{h.promise}:{h.what}" if h.promise else h.what] += 1
        if h.what in SUM_OF:
            words[SUM_OF[h.what]] += h.amount
    return Counter({word: n for word, n in words.items() if n})


def assert_same(book: Book, twin: Twin) -> None:
    """Every part, window, hour of arrival, topic and present value agrees."""
    as_of = twin.as_of
    opens = opens_by_part(book)
    for part in (TOTAL, "other", *book.plan.parts):
        here = opens.get(part, [])
        for window in WINDOWS:
            cell = window_sum(book, part, here, as_of, window)
            seen = twin.window(part, window)

            assert told(seen) == counted(book, cell), (part, window)
            assert sorted(
                h.amount // SECOND for h in seen if h.what in ("answered", "first_replies")
            ) == sorted(Counter(cell.waits).elements())
        assert_same_now(book, twin, part)
    assert_same_rollups(book, twin)


def assert_same_rollups(book: Book, twin: Twin) -> None:
    """Every hour of arrival and every topic's day come to what the twin says, and nothing else."""
    opens = opens_by_place(book)
    expected = {}
    for hour, part in {(h.arrival // HOUR, h.part) for h in twin.happenings}:
        row = told_rollup(book, twin, part, hour)
        expected[rollup_field(hour, part)] = row
    places = [p for day in days_of(book, opens) for p in places_of_day(book, day, opens)]
    found = rollups(book, places, twin.as_of, opens)

    assert expected == {
        field: {
            key: value for key, value in msgspec.json.decode(view).items() if key not in COLUMNS
        }
        for field, view in found.items()
        if view is not None
    }


COLUMNS = {"organisation", "channel", "queue", "mailbox", "topic", "from", "to"}


def told_rollup(book: Book, twin: Twin, part: str, hour: int) -> dict[str, Any]:
    """A rollup as the twin would write it, without what says which it is."""
    arrived = twin.arrived(part, hour)
    row: dict[str, Any] = {}
    promises: dict[str, Any] = {name: {} for name in book.plan.promise_names}
    for word, n in told(arrived).items():
        promise, _, what = word.rpartition(":")
        (promises[promise] if promise else row)[what] = n
    for promise, n in twin.pending(part, hour).items():
        promises[promise]["pending"] = n
    kept = {name: counts for name, counts in promises.items() if counts}
    waits = Counter(
        str(h.amount // SECOND) for h in arrived if h.what in ("answered", "first_replies")
    )
    return row | ({"promises": kept} if kept else {}) | {"waits": dict(waits)}


def assert_same_now(book: Book, twin: Twin, part: str) -> None:
    """What waits, what is pending and what is overdue agrees."""
    as_of = twin.as_of
    values = {
        (r.kpi.name, r.promise): r.value
        for r in read_now(book.plan, part, opens_by_part(book).get(part, []), as_of)
        if not r.choice
    }
    waiting = twin.waiting_now(part)
    names = {rule.promise.name for rule in book.plan.rules(part, as_of)}
    for name in names:
        dues = [w.dues[name] for w in waiting if name in w.dues]

        assert sum(due >= as_of for due in dues) == values["pending", name]
        if book.plan.channel == "emails":
            assert sum(due < as_of for due in dues) == values["overdue", name]
    oldest = min((w.since for w in waiting), default=None)
    if book.plan.channel == "calls":
        assert len(waiting) == values["waiting", ""]
        assert values["longest_wait", ""] == (None if oldest is None else (as_of - oldest) / SECOND)
    else:
        assert len(waiting) == values["open", ""]
        assert values["oldest_open", ""] == (None if oldest is None else oldest / SECOND)


def readable(events: list[Any], as_of: int) -> int:
    """No source is waited for longer than `LEFT_BEHIND`, so no older instant is ever read."""
    return max([as_of, *(last_instant(event) - LEFT_BEHIND for event in events)])


def last_instant(event: Any) -> int:
    """The last instant that an event tells of."""
    times = [getattr(event, name, None) for name in ("at", "entered_at", "left_at", "ended_at")]
    return max(from_datetime(t) for t in times if t is not None)


def run(channel: Channel, data: st.DataObject, events: list[Any], as_of: int) -> None:
    """Tell the events in any way, then compare."""
    as_of = readable(events, as_of)
    twin = Twin(ORGANISATION, events, as_of)
    desk = new_desk(channel, "w0")
    stored: dict[bytes, bytes] = {}
    for n, batch in enumerate(data.draw(batches(events), label="batches")):
        desk.apply(records(batch, channel))
        if data.draw(st.booleans(), label="flush"):
            stored |= dict(desk.flush())
            if data.draw(st.booleans(), label="acknowledged"):
                for key in desk.acknowledged():
                    del stored[key]
            if data.draw(st.booleans(), label="crash"):
                desk = new_desk(channel, f"w{n + 1}")
                desk.restore(stored.items())
    book = desk.book("provkommun")

    assert_same(book, twin)


@given(data=st.data(), events=st.lists(call_events, max_size=14), as_of=as_ofs_of_calls)
def test_calls_come_to_the_same_kpis_in_any_order_and_through_any_crash(
    data: st.DataObject, events: list[Any], as_of: int
) -> None:
    """Order, duplicates, batches and restored snapshots leave no trace in the KPIs of calls."""
    run("calls", data, events, as_of)


@given(data=st.data(), events=st.lists(email_events, max_size=12), as_of=as_ofs_of_emails)
def test_emails_come_to_the_same_kpis_in_any_order_and_through_any_crash(
    data: st.DataObject, events: list[Any], as_of: int
) -> None:
    """Order, duplicates, batches and restored snapshots leave no trace in the KPIs of e-mails."""
    run("emails", data, events, as_of)


@given(
    events=st.lists(call_events, max_size=10),
    steps=st.lists(st.integers(1, 40), min_size=1, max_size=6),
)
def test_reading_often_changes_nothing(events: list[Any], steps: list[int]) -> None:
    """Time may advance in one step or in many: the last reading is the same."""
    desk = new_desk("calls", "w0")
    desk.apply(records(events, "calls"))
    book = desk.book("provkommun")
    as_of = readable(events, BASE)
    for step in steps:
        as_of += step * MINUTE

        assert_same(book, Twin(ORGANISATION, events, as_of))


@given(events=st.lists(call_events, max_size=10), data=st.data())
def test_a_stale_writer_loses_nothing(events: list[Any], data: st.DataObject) -> None:
    """Two workers that each saw a part store rows side by side; their union is the whole."""
    stored: dict[bytes, bytes] = {}
    for incarnation in ("w1", "w2"):
        desk = new_desk("calls", incarnation)
        if events:
            desk.apply(records(data.draw(st.lists(st.sampled_from(events))), "calls"))
        stored |= dict(desk.flush())
    third = new_desk("calls", "w3")
    third.restore(stored.items())
    third.apply(records(events, "calls"))

    assert_same(third.book("provkommun"), Twin(ORGANISATION, events, BASE + DAY))
