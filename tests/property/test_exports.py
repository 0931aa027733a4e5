"""An export says what the events say, however its rollups arrive; its charts are fair."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec import structs

from streams import events as ev
from streams.conventions import TOTAL
from streams.exports.compose import compose
from streams.exports.control_chart import chart, individual_limits, share_limits
from streams.exports.history import History
from streams.exports.model import Figure
from streams.exports.periods import Period, periods_before
from streams.instants import DAY, HOUR, from_datetime, to_datetime
from streams.kpis import KPIS
from streams.measures import QUESTIONS
from streams.reports import Report
from tests.exports_history import books_of, history_of, rollups_of, truths_of
from tests.strategies import BASE, ORGANISATION, call_events, email_events, mail_moments

if TYPE_CHECKING:
    from streams.exports.model import Export, Row
    from streams.kpis import Kpi

WEEK = Period("week", 2026, 43)
"""Its last day has 25 hours, and a promise begins on it."""

_more: dict[str, Any] = {"organisation": st.just("provkommun"), "at": mail_moments}
survey_events = st.builds(
    ev.SurveyAnswered,
    answer=st.sampled_from(["a1", "a2", "a3"]),
    channel=st.sampled_from(["calls", "emails", "visits"]),
    question=st.sampled_from(QUESTIONS),
    score=st.integers(1, 5),
    got_reply=st.sampled_from([None, True, False]),
    **_more,
)
visit_events = st.builds(
    ev.VisitRegistered,
    visit=st.sampled_from(["v1", "v2", "v3"]),
    desk=st.sampled_from(["reception", "okand"]),
    wait_seconds=st.sampled_from([None, 0.0, 59.5, 600.0]),
    **_more,
)
worlds = st.lists(st.one_of(call_events, email_events, survey_events, visit_events), max_size=25)
as_ofs = st.integers(0, 20 * 24 * 4).map(lambda n: BASE + n * HOUR // 4)


@settings(max_examples=40)
@given(worlds, as_ofs, st.randoms(use_true_random=False))
def test_rollups_in_any_order_give_the_same_export(
    events: list[ev.AnyEvent], as_of: int, rng: Any
) -> None:
    """Which hour is read first, and in which days they lie, changes nothing."""
    rows = list(rollups_of(books_of(events, ORGANISATION, as_of), as_of))
    exports = []
    for _ in range(2):
        history = History(ORGANISATION, WEEK, as_of)
        for row in rows:
            history.add(*row)
        exports.append(compose(history, truths_of(ORGANISATION, history.channels, as_of), None))
        rng.shuffle(rows)
    by_day = History(ORGANISATION, WEEK, as_of)
    days: dict[Any, dict[bytes, bytes]] = {}
    for channel, hour, part, value in rows:
        fields = days.setdefault((channel, hour // 24), {b"offset": b"7"})
        fields[f"{hour}|{part}".encode()] = value
    for (channel, _), fields in days.items():
        by_day.add_day(channel, fields)
    exports.append(compose(by_day, truths_of(ORGANISATION, by_day.channels, as_of), None))

    assert exports[0] == exports[1] == exports[2]


@settings(max_examples=40)
@given(worlds, as_ofs)
def test_every_week_says_what_a_report_of_the_events_says(
    events: list[ev.AnyEvent], as_of: int
) -> None:
    """Every KPI of every part comes to the same as in the report by week of arrival."""
    report = Report({"provkommun": ORGANISATION}, as_of)
    for event in events:
        report.add(event)
    rows = report.rows("week")
    assume(rows)
    compared = 0
    for number in range(43, 47):
        week = Period("week", 2026, number)
        export = compose(*history_of(events, ORGANISATION, week, as_of), None)
        start = export.start
        for section in export.sections:
            for part in section.parts:
                told = [r for r in rows if is_about(r, section.channel, part.name, start)]
                for row in part.rows if told else ():
                    assert shown(row) == in_report(told[0], row)
                    compared += 1

    assert compared


def is_about(row: dict[str, Any], channel: str, part: str, start: str) -> bool:
    """Whether a report's row is about a part and a week."""
    label = {"calls": "queue", "emails": "mailbox", "surveys": "survey", "visits": "desk"}[channel]
    return (row["channel"], row.get(label) or TOTAL, row["from"]) == (channel, part, start)


def shown(row: Row) -> tuple[object, ...]:
    """What an export says in a row of the exported week."""
    now = row.now
    if row.choice:
        return (now.value,)
    return (now.value, now.n, now.numerator, now.lower, now.upper)


def in_report(told: dict[str, Any], row: Row) -> tuple[object, ...]:
    """The same in a report."""
    here = told["promises"][row.promise] if row.promise else told
    if row.choice:
        return (here[row.kpi][row.choice],)
    more = ("n", "numerator", "lower", "upper")
    return (here[row.kpi], *(here.get(f"{row.kpi}_{what}") for what in more))


@settings(max_examples=40)
@given(st.lists(email_events, max_size=15), as_ofs, st.integers(1, 400))
def test_a_later_answer_changes_waits_and_never_a_miss(
    events: list[Any], as_of: int, days: int
) -> None:
    """What was missed is missed for ever, what was met is met, and nothing new is promised."""
    known = [event for event in events if from_datetime(event.at) <= as_of]
    later = as_of + days * DAY
    answers = [
        ev.EmailSent(
            organisation="provkommun",
            conversation=name,
            message="late",
            mailbox="kontakt",
            at=to_datetime(later),
            automatic=False,
        )
        for name in ("k1", "k2", "k3")
    ]
    week = Period("week", 2026, 44)
    before = decided(compose(*history_of(known, ORGANISATION, week, as_of), None))
    after = decided(compose(*history_of([*known, *answers], ORGANISATION, week, later), None))

    for key, (met, missed, pending) in before.items():
        assert met <= after[key][0]
        assert missed <= after[key][1]
        assert sum(after[key]) <= met + missed + pending
        assert after[key][2] == 0


def decided(export: Export) -> dict[tuple[str, str], tuple[int, int, int]]:
    """Of each part and promise for e-mails how many were met, missed, and are pending."""
    (emails,) = (section for section in export.sections if section.channel == "emails")
    found = {}
    for part in emails.parts:
        rows = {(row.kpi, row.promise): row.now for row in part.rows}
        for kpi, promise in rows:
            if kpi == "met":
                counts = rows["met", promise], rows["missed", promise]
                met, missed = (int(figure.value or 0) for figure in counts)
                found[part.name, promise] = met, missed, counts[0].pending
    return found


PAST = periods_before(Period("week", 2026, 47), 26)
INDEX, SHARE = (
    next(kpi for kpi in KPIS[channel] if kpi.name == name)
    for channel, name in (("surveys", "index"), ("calls", "service_level"))
)
MIRRORED = {"better": "worse", "worse": "better", "stable": "stable", "unknown": "unknown"}
points = st.integers(0, 100)
shares = st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(st.lists(points, min_size=12, max_size=26), st.integers(-1_000, 1_000))
def test_an_offset_shifts_the_limits_of_individuals_with_the_values(
    values: list[int], offset: int
) -> None:
    """Limits depend on how much values move, not on where they are."""
    here = individual_limits(values)
    there = individual_limits([value + offset for value in values])

    assert abs(there.centre - here.centre - offset) < 1e-9
    assert abs(there.sigma - here.sigma) < 1e-9


@given(st.lists(points, min_size=13, max_size=27))
def test_the_verdict_on_values_is_the_same_in_both_directions(values: list[int]) -> None:
    """Turned upside down, better is worse by the same rule."""
    (trend, rule), (mirrored, same_rule) = (
        judged(INDEX, [Figure(value=value, n=1) for value in turned])
        for turned in (values, [100 - value for value in values])
    )

    assert (MIRRORED[trend], rule) == (mirrored, same_rule)


@given(st.lists(shares, min_size=13, max_size=27), st.integers(0, 20))
def test_the_verdict_on_shares_is_the_same_in_both_directions(
    told: list[tuple[int, int]], pending: int
) -> None:
    """Kept taken for missed, better is worse by the same rule, also with some undecided."""
    (trend, rule), (mirrored, same_rule) = (
        judged(SHARE, [share(kept, n) for kept, n in turned], pending)
        for turned in (told, [(n - kept, n) for kept, n in told])
    )

    assert (MIRRORED[trend], rule) == (mirrored, same_rule)


@given(st.lists(shares, min_size=12, max_size=26), st.integers(1, 10_000))
def test_limits_of_shares_are_shares_around_the_centre(told: list[tuple[int, int]], n: int) -> None:
    """They never leave 0-1, hold the centre between them, and tighten with more contacts."""
    limits = share_limits(told)
    low, high = limits.around(n)
    tighter_low, tighter_high = limits.around(2 * n)

    assert 0 <= low <= tighter_low <= limits.centre <= tighter_high <= high <= 1


def share(kept: int, n: int) -> Figure:
    """A share as charts get it."""
    return Figure(value=kept / n, n=n, numerator=kept)


def judged(kpi: Kpi, figures: list[Figure], pending: int = 0) -> tuple[str, str]:
    """Verdict and rule for the last figure."""
    now = structs.replace(figures[-1], pending=pending)
    past = list(zip(PAST, figures[:-1], strict=False))
    judgement = chart(kpi, "", past, (PAST[-1].after, now), is_settled=True)
    return judgement.trend, judgement.rule
