"""Exports say what is known of a period, and no more."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from streams import events as ev
from streams.conventions import OTHER, TOTAL
from streams.exports.compose import compose
from streams.exports.history import History
from streams.exports.model import Export, Figure, Part, Row, Section
from streams.exports.periods import Period
from streams.exports.truth import HistoryError, Truth, decode_truth
from streams.instants import DAY, HOUR, MINUTE, SECOND, parse_rfc3339, start_of_day, to_datetime
from streams.organisations import Source
from streams.promises import parse_within
from streams.simulation import MUNICIPAL, simulate_week
from tests.exports_history import books_of, history_of, rollups_of
from tests.strategies import ORGANISATION, STOCKHOLM

if TYPE_CHECKING:
    from streams.events import Event
    from streams.organisations import Channel, Organisation

WEEK = Period("week", 2026, 47)
MONDAY = parse_rfc3339("2026-11-16T00:00:00+01:00")
AFTER = MONDAY + 7 * DAY + 6 * HOUR
"""The Monday after it, at six in the morning."""

QUIET = msgspec.structs.replace(MUNICIPAL, calls=150, emails=20, visits=20)


def at(day: int, clock: str) -> int:
    """An instant of the week: a day, 0 = Monday, and what the clock shows."""
    return parse_rfc3339(f"2026-11-{16 + day:02}T{clock}:00+01:00")


def call(name: str, entered: int, wait: float | None = 20, **more: Any) -> ev.CallRecord:
    """An answered call of a minute; without a wait the caller hung up after five minutes."""
    told: dict[str, Any] = {"queue": "vaxel"}
    if wait is None:
        told |= {"left_at": to_datetime(entered + 5 * MINUTE), "reason": "abandoned"}
    else:
        answered = entered + int(wait * SECOND)
        told |= {"answered_at": to_datetime(answered), "ended_at": to_datetime(answered + MINUTE)}
    told |= {"entered_at": to_datetime(entered), **more}
    return ev.CallRecord(organisation="provkommun", call=name, **told)


def mail(name: str, received: int) -> ev.EmailReceived:
    """A citizen writes."""
    return ev.EmailReceived(
        organisation="provkommun",
        conversation=name,
        message="in",
        mailbox="kontakt",
        at=to_datetime(received),
        automatic=False,
    )


def reply(name: str, sent: int) -> ev.EmailSent:
    """A member answers in full."""
    return ev.EmailSent(
        organisation="provkommun",
        conversation=name,
        message="out",
        mailbox="kontakt",
        at=to_datetime(sent),
        automatic=False,
    )


def export_of(
    *events: Event,
    period: Period = WEEK,
    as_of: int = AFTER,
    organisation: Organisation = ORGANISATION,
) -> Export:
    """What is known of a period when everything was told until `as_of`."""
    return compose(*history_of(events, organisation, period, as_of), None)


def section_of(export: Export, channel: Channel) -> Section:
    """The section of a channel."""
    return next(one for one in export.sections if one.channel == channel)


def part_of(export: Export, channel: Channel, name: str = TOTAL) -> Part:
    """A part of a channel."""
    return next(one for one in section_of(export, channel).parts if one.name == name)


def row_of(part: Part, kpi: str, promise: str = "", choice: str = "") -> Row:
    """A row of a part."""
    key = (kpi, promise, choice)
    return next(row for row in part.rows if (row.kpi, row.promise, row.choice) == key)


def value_of(export: Export, channel: Channel, kpi: str, promise: str = "") -> float | None:
    """The value of a KPI of the total in the exported period."""
    return row_of(part_of(export, channel), kpi, promise).now.value


# -- periods ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "weeks"),
    [
        pytest.param(date(2026, 3, 16), 3, id="around the week of 167 hours"),
        pytest.param(date(2026, 10, 12), 3, id="around the week of 169 hours"),
        pytest.param(date(2026, 12, 21), 4, id="around new year and week 53"),
    ],
)
def test_every_call_counts_in_one_local_week(first: date, weeks: int) -> None:
    """What weeks, months of days and heat maps count is what arrived in their local time."""
    mondays = [first + timedelta(weeks=n) for n in range(weeks)]
    told = [
        event
        for monday in mondays
        for _, event in simulate_week(ORGANISATION, seed=1, monday=monday, profile=QUIET)
    ]
    arrivals: dict[str, Any] = {}
    for event in told:
        if isinstance(event, ev.CallEntered):
            arrivals[event.call] = min(event.at, arrivals.get(event.call, event.at))
    as_of = start_of_day(mondays[-1] + timedelta(days=30), STOCKHOLM)
    for monday in mondays:
        week = Period.of(monday, "week")
        export = export_of(*told, period=week, as_of=as_of)
        local = [moment.astimezone(STOCKHOLM) for moment in arrivals.values()]
        mine = [moment for moment in local if Period.of(moment.date(), "week") == week]
        offered, _ = part_of(export, "calls").heat_maps
        by_hour = {(c.weekday, c.hour): c.figure.value for c in offered.cells if c.figure.value}

        assert mine
        assert value_of(export, "calls", "offered") == len(mine)
        assert by_hour == {
            place: sum((m.weekday(), m.hour) == place for m in mine) for place in by_hour
        }
        assert sum(by_hour.values()) == len(mine)
    months = {
        Period.of(moment.astimezone(STOCKHOLM).date(), "month") for moment in arrivals.values()
    }

    assert sum(
        value_of(export_of(*told, period=month, as_of=as_of), "calls", "offered") or 0
        for month in months
    ) == len(arrivals)


def test_the_hour_that_comes_twice_is_one_cell() -> None:
    """Both calls at half past two on the last Sunday of October stand under two o'clock."""
    twice = [parse_rfc3339(f"2026-10-25T02:30:00+0{offset}:00") for offset in (2, 1)]
    export = export_of(
        *(call(f"c{n}", entered) for n, entered in enumerate(twice)),
        period=Period("week", 2026, 43),
        as_of=AFTER,
    )
    offered, _ = part_of(export, "calls").heat_maps
    (cell,) = (cell for cell in offered.cells if cell.figure.value)

    assert export.hours == 169
    assert (cell.weekday, cell.hour, cell.figure.value) == (6, 2, 2)


# -- no data is not zero ---------------------------------------------------------------------


def test_what_nobody_has_counted_is_no_zero() -> None:
    """Before the first known day there is no data, from it on nobody is nobody."""
    export = export_of(call("c1", at(1, "09:00") - 7 * DAY))
    offered = row_of(part_of(export, "calls"), "offered")

    assert offered.now.value == 0
    assert offered.before.value == 1
    assert offered.year_before == Figure()


def test_what_lies_after_the_truth_is_no_zero() -> None:
    """An exchange that fell silent weeks ago has no calls of last week to tell of."""
    export = export_of(call("c1", at(1, "09:00") - 21 * DAY), as_of=at(1, "10:00") - 14 * DAY)
    part = part_of(export, "calls")

    assert {row.now for row in part.rows} == {Figure()}
    assert {cell.figure for heat in part.heat_maps for cell in heat.cells} == {Figure()}
    assert row_of(part, "offered").before == Figure()
    assert not export.quality.complete


def test_configured_channels_without_a_word_are_there_without_numbers() -> None:
    """Queues, mailboxes and desks are listed; surveys, which nobody configures, are not."""
    export = export_of(as_of=AFTER)

    assert [section.channel for section in export.sections] == ["calls", "emails", "visits"]
    assert {row.now for s in export.sections for p in s.parts for row in p.rows} == {Figure()}
    assert [part.name for part in export.sections[0].parts] == [TOTAL, "vaxel", "bygg"]


def test_parts_that_no_configuration_names_are_shown_when_somebody_came() -> None:
    """Calls to an unknown queue are in `other`; surveys stand under what they ask about."""
    answer = ev.SurveyAnswered(
        organisation="provkommun",
        answer="a",
        channel="emails",
        question="bemotande",
        score=4,
        at=to_datetime(at(2, "12:00")),
    )
    export = export_of(call("c1", at(1, "09:00"), queue="okand"), answer)

    assert [part.name for part in section_of(export, "calls").parts][-1] == OTHER
    assert [part.name for part in section_of(export, "surveys").parts] == ["emails"]


def test_recent_periods_are_taken_together_from_the_first_whole_one_on() -> None:
    """Counts are a mean over the weeks that were known whole; shares are of all their calls."""
    told = [call("first", at(2, "09:00") - 4 * 7 * DAY)]
    told += [call(f"a{n}", at(0, "09:00") - 3 * 7 * DAY + n * MINUTE) for n in range(9)]
    told += [call("late", at(0, "09:00") - 7 * DAY, 500)]
    part = part_of(export_of(*told), "calls")
    share = row_of(part, "service_level", "in-two-minutes").recent

    assert row_of(part, "offered").recent.value == pytest.approx(10 / 3)
    assert (share.numerator, share.n) == (9, 10)


def test_history_that_is_not_read_still_says_since_when_there_is_any() -> None:
    """Days between the compared periods are known of, though their numbers are not needed."""
    history = History(ORGANISATION, WEEK, AFTER)
    days = history.days_to_read("calls", {"2026-11-17", "2026-02-03", "2024-01-01"})
    truth: dict[Channel, Truth] = {"calls": Truth(AFTER, {})}
    offered = row_of(part_of(compose(history, truth, None), "calls"), "offered")

    assert days == ["2026-11-17"]
    assert offered.now.value == 0
    assert offered.recent.value == 0
    assert len(offered.chart.points) == 27


# -- promises --------------------------------------------------------------------------------


def test_a_promise_is_read_by_the_version_at_the_end_of_each_period() -> None:
    """A formula that changes with a version is applied to the weeks it was valid in."""
    old, new = (
        msgspec.structs.replace(
            ORGANISATION.promises[0], service_level=formula, valid_from=since, target=target
        )
        for formula, since, target in (
            ("ignore_early_abandons", None, 0.8),
            ("positive_abandons", date(2026, 11, 16), 0.9),
        )
    )
    organisation = msgspec.structs.replace(ORGANISATION, promises=(old, new))
    told = []
    for weeks in (0, 1):
        begin = at(0, "09:00") - weeks * 7 * DAY
        hung_up = call(f"b{weeks}", begin, None, left_at=to_datetime(begin + MINUTE))
        told += [call(f"a{weeks}", begin), hung_up]
    export = export_of(*told, organisation=organisation)
    row = row_of(part_of(export, "calls"), "service_level", "in-two-minutes")

    assert (row.now.numerator, row.now.n) == (2, 2)
    assert (row.before.numerator, row.before.n) == (1, 1)
    assert row.target == 0.9


def test_a_promise_that_begins_later_has_no_row_and_no_past() -> None:
    """Nobody was promised anything before it began."""
    (promise,) = (p for p in ORGANISATION.promises if p.name == "two-days")
    organisation = msgspec.structs.replace(
        ORGANISATION,
        promises=(msgspec.structs.replace(promise, valid_from=date(2026, 11, 16)),),
    )
    told = [mail("k1", at(0, "09:00")), mail("k0", at(0, "09:00") - 7 * DAY)]
    now = part_of(export_of(*told, organisation=organisation), "emails")
    before = export_of(*told, organisation=organisation, period=WEEK.before)

    assert row_of(now, "missed", "two-days").now.value == 1
    assert row_of(now, "missed", "two-days").before == Figure()
    assert not any(row.promise for row in part_of(before, "emails").rows)


def test_a_new_version_of_a_promise_begins_a_new_chart() -> None:
    """Half the time is not worse service; what has no promise keeps its past."""
    stricter = msgspec.structs.replace(
        ORGANISATION.promises[2],
        parts=(),
        within=parse_within("30 s"),
        valid_from=date(2026, 11, 2),
    )
    organisation = msgspec.structs.replace(
        ORGANISATION,
        promises=(msgspec.structs.replace(stricter, valid_from=None), stricter),
    )
    told = [call(f"c{n}", at(0, "09:00") - n * 7 * DAY) for n in range(20)]
    part = part_of(export_of(*told, organisation=organisation), "calls")

    assert row_of(part, "service_level", stricter.name).chart.periods == 2
    assert row_of(part, "wait_mean").chart.periods == 19


def test_a_promise_that_is_gone_is_ignored_and_a_new_one_begins_at_nothing() -> None:
    """Rollups that another configuration wrote are read by the one of today."""
    told = [call("c1", at(0, "09:00"))]
    old = rollups_of(books_of(told, ORGANISATION, AFTER), AFTER)
    (promise, *_) = ORGANISATION.promises
    renamed = msgspec.structs.replace(promise, name="brand-new")
    history = History(msgspec.structs.replace(ORGANISATION, promises=(renamed,)), WEEK, AFTER)
    for row in old:
        history.add(*row)
    part = part_of(compose(history, {"calls": Truth(AFTER, {})}, None), "calls")

    assert {row.promise for row in part.rows} == {"", "brand-new"}
    assert row_of(part, "answered_within", "brand-new").now.value == 0
    assert row_of(part, "answered").now.value == 1


def test_a_miss_stays_one_when_the_answer_comes_at_last() -> None:
    """The reply counts for the time to reply of the week the mail came in, not for its share."""
    asked = mail("k1", at(0, "09:00"))
    answer = reply("k1", AFTER + 10 * HOUR)
    before, after = (
        part_of(export_of(*told, as_of=AFTER + DAY), "emails")
        for told in ([asked], [asked, answer])
    )

    for part, n in ((before, 0), (after, 1)):
        share = row_of(part, "service_level", "two-days").now
        assert (share.numerator, share.n, share.pending) == (0, 1, 0)
        assert row_of(part, "reply_time_mean").now.n == n


def test_replies_are_not_judged_while_some_can_still_come() -> None:
    """On Monday the slow replies are missing; how many wrote is known at once."""
    told: list[Event] = []
    for week in range(14):
        for n in range(10):
            # Mail of ten in the morning, but on the last day of the last week at three.
            asked = at(4, "15:00") if (week, n) == (0, 9) else at(0, "10:00") - week * 7 * DAY
            told.append(mail(f"k{week}-{n}", asked + n * MINUTE))
            if (week, n) != (0, 9):
                told.append(reply(f"k{week}-{n}", asked + (n + 1) * 6 * MINUTE))
    monday, wednesday = (
        part_of(export_of(*told, as_of=as_of), "emails") for as_of in (AFTER, AFTER + 3 * DAY)
    )
    kpis = ("received", "reply_time_mean", "first_replies")
    before, after = (
        [row_of(part, kpi).chart.trend for kpi in kpis] for part in (monday, wednesday)
    )

    assert before == ["stable", "unknown", "unknown"]
    assert "unknown" not in after


# -- quality ---------------------------------------------------------------------------------


def test_an_export_is_final_when_sources_and_time_have_told_everything() -> None:
    """A mail that can still be answered in time keeps the week provisional."""
    asked = mail("k1", at(4, "15:00"))
    monday, wednesday = (
        export_of(asked, as_of=as_of) for as_of in (AFTER, AFTER + 2 * DAY + 12 * HOUR)
    )
    (quality,) = (one for one in monday.quality.channels if one.channel == "emails")
    row = row_of(part_of(monday, "emails"), "service_level", "two-days")

    assert (monday.quality.complete, monday.quality.final) == (True, False)
    assert (quality.pending, quality.decided) == (2, 0)
    assert (row.now.pending, row.now.n) == (1, 0)
    assert (wednesday.quality.complete, wednesday.quality.final) == (True, True)


def test_every_source_says_how_far_it_vouches() -> None:
    """One that stopped in the middle of the week vouches for a half, an unknown one for none."""
    half = MONDAY + 7 * DAY // 2
    truth: dict[Channel, Truth] = {
        "calls": Truth(half, {"exchange": half}),
        "visits": Truth(AFTER, {}),
    }
    export = compose(History(ORGANISATION, WEEK, AFTER), truth, {"empty": 1})
    told = {
        (one.channel, one.name): (one.covered, one.through is None)
        for one in export.quality.sources
    }

    assert told == {
        ("calls", "exchange"): (0.5, False),
        ("emails", "mailbox"): (0.0, True),
        ("visits", ""): (1.0, False),
    }
    assert not export.quality.complete
    assert export.as_of == "2026-11-19T12:00:00+01:00"
    assert export.quality.dead_letters == {"empty": 1}


def test_silent_hours_are_open_hours_without_anybody_up_to_the_truth() -> None:
    """Lunch is closed, the hours after the truth are unknown, and an unknown queue is life too."""
    told = [call("c1", at(0, "08:15")), call("c2", at(0, "10:15"), queue="okand")]
    export = export_of(*told, as_of=at(0, "14:30"))
    (quality,) = (one for one in export.quality.channels if one.channel == "calls")

    assert (quality.open_hours, quality.silent_hours) == (5, 3)


def test_a_heat_map_tells_nobody_from_nothing_known() -> None:
    """Open and nobody came is 0 calls and no share; what the truth does not reach is no data."""
    part = part_of(export_of(call("c1", at(0, "08:15")), as_of=at(0, "14:30")), "calls")
    offered, share = (
        {(cell.weekday, cell.hour): cell.figure for cell in heat.cells} for heat in part.heat_maps
    )

    assert len(offered) == 5 * 8
    assert (offered[0, 8].value, offered[0, 9].value, offered[1, 9].value) == (1, 0, None)
    assert (share[0, 8].value, share[0, 9].n, share[1, 9].n) == (1.0, 0, None)
    assert part.heat_maps[1].promise == "in-two-minutes"


def test_nothing_is_known_of_what_lies_after_the_export() -> None:
    """Made for an instant in the past, an export leaves out who called later."""
    told = [call("c1", at(0, "09:00")), call("c2", at(3, "09:00"))]
    history, truth = history_of(told, ORGANISATION, WEEK, AFTER, made_at=at(1, "00:00"))
    export = compose(history, truth, None)

    assert value_of(export, "calls", "offered") == 1
    assert export.as_of == export.made_at == "2026-11-17T00:00:00+01:00"
    assert not export.quality.complete


# -- topics ----------------------------------------------------------------------------------


def test_topics_are_the_most_frequent_twenty_and_the_rest() -> None:
    """Shares are of all ended calls with a topic; resolution comes with its coded share."""
    told = [
        call(
            f"{n}-{i}",
            at(0, "09:00") + i * MINUTE,
            topic=f"t{n:02}",
            resolved=[True, False, None][i % 3],
        )
        for n in range(22)
        for i in range(25 - n)
    ]
    told += [
        call(f"old-{topic}", at(0, "09:00") - 7 * DAY, topic=topic)
        for topic in ("t00", "t21", "gone")
    ]
    told.append(call("untold", at(0, "09:00")))
    topics = section_of(export_of(*told), "calls").topics
    first, rest = topics[0], topics[-1]
    whole = sum(25 - n for n in range(22))

    assert [topic.name for topic in topics] == [*(f"t{n:02}" for n in range(20)), ""]
    assert (first.handled.value, first.share.numerator, first.share.n) == (25, 25, whole)
    assert (first.coded_share.numerator, first.coded_share.n) == (17, 25)
    assert (first.resolution.numerator, first.resolution.n) == (9, 17)
    assert (first.before.value, rest.before.value) == (1, 2)
    assert rest.handled.value == 5 + 4


# -- stored ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value", [b"", b"{", b"[]", b'{"offered": "many"}', b'{"promises": {"p": {"met": 1.5}}}']
)
def test_a_rollup_that_is_none_is_named(value: bytes) -> None:
    """Whoever has to mend it learns which one it is."""
    history = History(ORGANISATION, WEEK, AFTER)

    with pytest.raises(HistoryError, match=r"`\d+\|vaxel` cannot be read"):
        history.add("calls", at(0, "09:00") // HOUR, "vaxel", value)


@pytest.mark.parametrize("field", [b"noon|vaxel", b"|", b"498000|\xff"])
def test_a_field_that_is_none_is_named(field: bytes) -> None:
    """What is neither the offset nor an hour of a part was written by another program."""
    with pytest.raises(HistoryError, match="is no hour and part"):
        History(ORGANISATION, WEEK, AFTER).add_day("calls", {b"offset": b"1", field: b"{}"})


@pytest.mark.parametrize("value", [b"", b"{}", b'{"as_of": "yesterday"}', b'{"as_of": 7}'])
def test_a_truth_that_is_none_is_named(value: bytes) -> None:
    """Nothing is vouched for by what cannot be read."""
    with pytest.raises(HistoryError, match="truth"):
        decode_truth(value)


def test_a_day_that_is_none_is_named() -> None:
    """The set of days is written by programs; what is no day was written by another."""
    with pytest.raises(HistoryError, match="`tomorrow`"):
        History(ORGANISATION, WEEK, AFTER).days_to_read("calls", ["tomorrow"])


def test_a_source_that_is_configured_for_a_part_is_a_source_of_its_own() -> None:
    """Two exchanges vouch separately."""
    organisation = msgspec.structs.replace(
        ORGANISATION,
        sources=(Source("old", "calls", ("vaxel",)), Source("new", "calls", ("bygg",))),
    )
    truth: dict[Channel, Truth] = {"calls": Truth(AFTER, {"old": AFTER})}
    quality = compose(History(organisation, WEEK, AFTER), truth, None).quality

    assert [(one.name, one.covered) for one in quality.sources if one.channel == "calls"] == [
        ("old", 1.0),
        ("new", 0.0),
    ]
