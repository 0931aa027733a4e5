"""A week of an invented municipality, made by hand: what every format of an export can meet.

It has a signal in the good and one in the bad direction, too few weeks to say, no data in places,
e-mails that are not decided yet, a source that fell silent, and names that spreadsheets and markup
would read as something else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from streams import measures
from streams.amounts import once
from streams.calendars import Calendar, CalendarVersion, Hours
from streams.cells import Cell
from streams.conventions import OTHER, TOTAL
from streams.exports.model import (
    ChannelQuality,
    Chart,
    Export,
    Figure,
    HeatCell,
    HeatMap,
    Part,
    Point,
    Quality,
    Row,
    Section,
    SourceQuality,
    Topic,
)
from streams.exports.periods import Period, periods_before
from streams.exports.wanted import RECENT
from streams.instants import parse_rfc3339
from streams.kpis.readings import Reading, read_window
from streams.organisations import Organisation, Promise, Source
from streams.organisations import Part as ConfiguredPart
from streams.plans import Plan
from streams.promises import parse_within

if TYPE_CHECKING:
    from streams.exports.model import Rule, Trend
    from streams.organisations import Channel

WEEK: Final = Period("week", 2026, 47)
ARRIVAL: Final = parse_rfc3339("2026-11-22T12:00:00+01:00")

_WORKDAY: Final = (Hours(7 * 60 + 30, 17 * 60),)
ORGANISATION: Final = Organisation(
    name="exempelkommun",
    sv="Exempelkommun & Öland <prov>",
    en="Municipality of Exempel & Öland <trial>",
    time_zone="Europe/Stockholm",
    queues={
        "vaxel": ConfiguredPart("vaxel", "=Växel+1", "=Switchboard+1"),
        "bygg-och-miljo": ConfiguredPart(
            "bygg-och-miljo", "Bygg & miljö <ny>", "Building & environment <new>"
        ),
    },
    mailboxes={"kontakt": ConfiguredPart("kontakt", "Kontaktcenter [åäö]", "Contact centre [åäö]")},
    desks={"reception": ConfiguredPart("reception", "Receptionen", "Reception desk")},
    sources=(
        Source("exchange", "calls"),
        Source("mailbox", "emails"),
        Source("queue-tickets", "visits"),
    ),
    calendars={
        "default": Calendar(
            "default",
            "Europe/Stockholm",
            (CalendarVersion(weekdays=(*(_WORKDAY,) * 5, (), ())),),
        )
    },
    promises=(
        Promise(
            name="answered-in-2-minutes",
            channel="calls",
            within=parse_within("2 min"),
            target=0.8,
        ),
        Promise(
            name="switchboard-in-60-seconds",
            channel="calls",
            within=parse_within("60 s"),
            target=0.9,
            parts=("vaxel",),
        ),
        Promise(
            name="reply-in-2-days",
            channel="emails",
            within=parse_within("2 working days"),
            target=0.85,
        ),
    ),
)

_CALLS: Final = {
    "offered": 6512, "answered": 5873, "wait": 5873 * 71_400_000, "handled": 5860,
    "handle_time": 5860 * 241_300_000, "coded": 4102, "resolved": 2199,
    "exit_abandoned": 574, "exit_timeout": 31, "exit_key": 22, "exit_callback": 12,
}  # fmt: skip
_CALL_PROMISE: Final = {
    "met": 4988, "missed": 1062, "early_abandoned": 398, "short_abandoned": 97,
    "excluded": 64, "answered_late": 885,
}  # fmt: skip
_EMAILS: Final = {
    "received": 143, "automatic": 61, "reminders": 9, "forwarded": 17, "first_replies": 118,
    "reply_time": 118 * 14_460_000_000, "full_answers": 101, "closed_no_reply_needed": 6,
    "closed_spam": 3,
}  # fmt: skip
_EMAIL_PROMISE: Final = {
    "first_reply_met": 96, "first_reply_missed": 21, "first_reply_excluded": 8,
    "full_answer_met": 80, "full_answer_missed": 33, "full_answer_excluded": 8,
}  # fmt: skip
_SURVEYS: Final = {
    "bemotande_1": 2, "bemotande_2": 5, "bemotande_3": 14, "bemotande_4": 41, "bemotande_5": 78,
    "enkelhet_1": 4, "enkelhet_2": 6, "enkelhet_3": 9, "enkelhet_4": 20, "enkelhet_5": 31,
    "bemotande_excluded": 4,
}  # fmt: skip
_VISITS: Final = {"visits": 387, "measured_waits": 301, "wait": 301 * 188_000_000}
_WAITS: Final[dict[str, dict[int, int]]] = {
    "calls": {4: 2100, 12: 1400, 55: 900, 119: 588, 180: 500, 610: 300, 3725: 85},
    "emails": {600: 30, 14_400: 60, 54_000: 20, 172_800: 8},
    "surveys": {},
    "visits": {60: 150, 240: 120, 900: 31},
}
_LATE: Final = {
    "met": "missed",
    "first_reply_met": "first_reply_missed",
    "full_answer_met": "full_answer_missed",
    "bemotande_5": "bemotande_4",
}
"""What becomes of a part of the one in worse weeks."""
_VERDICTS: Final[dict[tuple[str, str], tuple[Trend, Rule]]] = {
    ("calls", "service_level"): ("better", "limits"),
    ("calls", "wait_mean"): ("worse", "run"),
    ("calls", "offered"): ("more", "limits"),
    ("calls", "handle_time_mean"): ("less", "run"),
}
_TOO_FEW: Final = ("surveys", "visits")
"""Channels that have been counted for seven weeks only."""


def sample_export(**changes: object) -> Export:
    """The week, with other values for some fields of the export."""
    return msgspec.structs.replace(_EXPORT, **changes)


def _section(channel: Channel, *parts: tuple[str, str, str, int], topics: bool = False) -> Section:
    """A channel; of each part its name, what people call it, and its per cent of the whole."""
    return Section(
        channel=channel,
        parts=tuple(_part(Plan(ORGANISATION, channel), *part) for part in parts),
        topics=_topics() if topics else (),
    )


def _part(plan: Plan, name: str, sv: str, en: str, percent: int) -> Part:
    # Nobody had e-mails counted a year ago, and a part that is new has no past at all.
    young = plan.channel != "calls" or name == "bygg-och-miljo"
    now = _readings(plan, name, percent)
    columns = (
        _readings(plan, name, percent * 97 / 100, worse=3),
        None if young else _readings(plan, name, percent * 110 / 100, worse=6),
        _readings(plan, name, percent * RECENT * 90 / 100, worse=4),
    )
    return Part(
        name=name,
        sv=sv,
        en=en,
        rows=tuple(
            _row(plan, name, reading, [c[place] if c else None for c in columns])
            for place, reading in enumerate(now)
        ),
        heat_maps=tuple(_heat_maps(plan.channel)) if name == TOTAL else (),
    )


def _readings(plan: Plan, part: str, percent: float, *, worse: int = 0) -> list[Reading]:
    """What a part is read as; `worse` per cent of what was in time were late, waits are longer."""
    counts, promised = {
        "calls": (_CALLS, _CALL_PROMISE),
        "emails": (_EMAILS, _EMAIL_PROMISE),
        "surveys": (_SURVEYS, {}),
        "visits": (_VISITS, {}),
    }[plan.channel]
    cell = Cell(plan.width)
    for names, values, base in (
        (measures.BASE[plan.channel], counts, 0),
        *((measures.PROMISE[plan.channel], promised, base) for base in plan.base.values()),
    ):
        for name, good in values.items():
            value = good + good * worse // 50 if name in ("wait", "reply_time") else good
            kept = value * (100 - worse) // 100 if name in _LATE else value
            for place, amount in ((name, kept), (_LATE.get(name, name), value - kept)):
                cell.amounts += int(amount * percent / 100) * once(base + names.index(place))
    scaled = {
        second + second * worse // 50: int(n * percent / 100)
        for second, n in _WAITS[plan.channel].items()
    }
    cell.waits = {second: n for second, n in scaled.items() if n}
    return list(read_window(plan, part, cell, ARRIVAL))


def _row(plan: Plan, part: str, now: Reading, compared: list[Reading | None]) -> Row:
    before, year_before, recent = compared
    kpi = now.kpi
    own = kpi.name == "service_level"
    promises = {promise.name: promise for promise in ORGANISATION.promises}
    promised = promises.get(now.promise)
    pending = 18 if own and plan.channel == "emails" else 0
    together = _figure(recent)
    if kpi.kind == "count" and together.value is not None:
        together = Figure(value=together.value / RECENT)
    figure = _figure(now, pending)
    return Row(
        kpi=kpi.name,
        promise=now.promise,
        choice=now.choice,
        target=promised.target if own and promised else None,
        within=promised.within if promised else None,
        now=figure,
        before=_figure(before, pending and 2),
        year_before=_figure(year_before),
        recent=together,
        chart=_chart(plan.channel, kpi.name, figure, together.value, is_total=part == TOTAL),
    )


def _figure(reading: Reading | None, pending: int = 0) -> Figure:
    if reading is None:
        return Figure()
    return Figure(
        value=reading.value,
        n=reading.n,
        numerator=reading.numerator if reading.kpi.kind == "ratio" else None,
        lower=reading.lower,
        upper=reading.upper,
        pending=pending,
    )


def _chart(
    channel: Channel, kpi: str, now: Figure, centre: float | None, *, is_total: bool
) -> Chart:
    """Weeks that wander around their centre; none where nothing was ever counted."""
    if centre is None or not is_total:
        return Chart()
    if channel in _TOO_FEW:
        past = periods_before(WEEK, 7)
        return Chart(
            points=(
                *(
                    Point(period=period, figure=_wandering(now, place, centre))
                    for place, period in enumerate(past)
                ),
                Point(period=WEEK, figure=now),
            ),
            periods=len(past),
        )
    past = periods_before(WEEK, 26)
    trend, rule = _VERDICTS.get((channel, kpi), ("stable", ""))
    room = 0.02 if rule == "limits" else 0.15
    low, high = centre * (1 - room), centre * (1 + room)
    points = [
        # Midsummer's week was not counted.
        Point(
            period=period,
            figure=Figure() if place == 4 else _wandering(now, place, centre),
            low=low,
            high=high,
        )
        for place, period in enumerate(past)
    ]
    return Chart(
        points=(*points, Point(period=WEEK, figure=now, low=low, high=high)),
        centre=centre,
        trend=trend,
        rule=rule,
        periods=len(past) - 1,
    )


def _wandering(now: Figure, place: int, centre: float) -> Figure:
    value = centre * (1 + (place * 37 % 11 - 5) / 300)
    if now.numerator is not None and now.n:
        kept = min(round(value * now.n), now.n)
        return Figure(value=kept / now.n, n=now.n, numerator=kept)
    return Figure(value=value, n=now.n)


def _heat_maps(channel: Channel) -> list[HeatMap]:
    if channel == "surveys":
        return []
    shown = {
        "calls": (("offered", ""), ("service_level", "answered-in-2-minutes")),
        "emails": (("received", ""), ("service_level", "reply-in-2-days")),
        "visits": (("registered", ""),),
    }[channel]
    return [
        HeatMap(
            kpi=kpi,
            promise=promise,
            cells=tuple(
                HeatCell(weekday=day, hour=hour, figure=_heat(promise, day, hour))
                for day in range(5)
                for hour in range(7, 17)
            ),
        )
        for kpi, promise in shown
    ]


def _heat(promise: str, day: int, hour: int) -> Figure:
    n = 40 + (day * 31 + hour * 17) % 90
    if not promise:
        return Figure(value=n)
    if (day, hour) == (4, 16):
        return Figure(n=0, numerator=0)
    kept = n * (60 + (day * 7 + hour * 11) % 38) // 100
    return Figure(value=kept / n, n=n, numerator=kept, lower=max(0.0, kept / n - 0.1), upper=1.0)


def _topics() -> tuple[Topic, ...]:
    told = (
        ("bygglov", 912, 640, 310),
        ("förskola & skola", 655, 0, 0),
        ('=HYPERLINK("http://exempel.example")', 41, 40, 12),
        ("", 2610, 1800, 905),
    )
    whole = sum(handled for _, handled, _, _ in told)
    return tuple(
        Topic(
            name=name,
            handled=Figure(value=handled),
            share=_share(handled, whole),
            coded_share=_share(coded, handled),
            resolution=_share(resolved, coded),
            before=Figure(value=handled - 7) if name else Figure(),
        )
        for name, handled, coded, resolved in told
    )


def _share(kept: int, n: int) -> Figure:
    return Figure(value=kept / n, n=n, numerator=kept) if n else Figure(n=0, numerator=0)


_QUALITY: Final = Quality(
    complete=False,
    final=False,
    sources=(
        SourceQuality(
            name="exchange", channel="calls", through="2026-11-23T05:58:30+01:00", covered=1.0
        ),
        SourceQuality(
            name="mailbox", channel="emails", through="2026-11-19T14:12:00+01:00", covered=0.5125
        ),
        SourceQuality(name="", channel="surveys", through="2026-11-23T05:00:00+01:00", covered=1.0),
        SourceQuality(name="queue-tickets", channel="visits", through=None, covered=0.0),
    ),
    channels=(
        ChannelQuality(channel="calls", open_hours=48, silent_hours=0, decided=6050),
        ChannelQuality(channel="emails", open_hours=48, silent_hours=19, pending=18, decided=117),
        ChannelQuality(channel="surveys", open_hours=168, silent_hours=101),
        ChannelQuality(channel="visits", open_hours=48, silent_hours=2),
    ),
    dead_letters={"invalid_time": 3, "unknown_organisation": 1},
)

_EXPORT: Final = Export(
    organisation=ORGANISATION.name,
    sv=ORGANISATION.sv,
    en=ORGANISATION.en,
    time_zone=ORGANISATION.time_zone,
    period=WEEK,
    before=WEEK.before,
    year_before=WEEK.year_before,
    start="2026-11-16T00:00:00+01:00",
    end="2026-11-23T00:00:00+01:00",
    hours=168,
    as_of="2026-11-19T14:12:00+01:00",
    made_at="2026-11-23T06:00:00+01:00",
    sections=(
        _section(
            "calls",
            (TOTAL, "", "", 100),
            ("vaxel", "=Växel+1", "=Switchboard+1", 61),
            ("bygg-och-miljo", "Bygg & miljö <ny>", "Building & environment <new>", 38),
            (OTHER, "Övriga", "Other", 1),
            topics=True,
        ),
        _section(
            "emails",
            (TOTAL, "", "", 100),
            ("kontakt", "Kontaktcenter [åäö]", "Contact centre [åäö]", 100),
        ),
        _section(
            "surveys", ("calls", "Telefon", "Telephone", 100), ("emails", "E-post", "E-mail", 0)
        ),
        _section(
            "visits", (TOTAL, "", "", 100), ("reception", "Receptionen", "Reception desk", 100)
        ),
    ),
    quality=_QUALITY,
)
