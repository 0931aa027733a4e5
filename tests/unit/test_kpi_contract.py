"""The contract of the registry: whatever KPI is added there behaves like the others."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.generate.kpi_page import metrics_of
from streams.books import Book
from streams.cells import Cell
from streams.conventions import PREFIX, TOTAL
from streams.facts import Recorded
from streams.instants import DAY, HOUR, SECOND
from streams.kpis import KPIS, Kpi
from streams.kpis.calls import VARIANTS
from streams.kpis.readings import read_now, read_window
from streams.organisations import Channel, Promise, ServiceLevel
from streams.plans import Plan
from streams.promises import parse_within
from streams.statements import fact_of
from streams.topics import CHANNEL_OF_EVENT
from tests.strategies import BASE, ORGANISATION, call_events, email_events

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams import events as ev
    from streams.events import LeaveReason
    from streams.kpis.readings import Reading

ALL = [pytest.param(kpi, id=f"{kpi.channel}-{kpi.name}") for kpis in KPIS.values() for kpi in kpis]
PERCENT = 100


def of_nothing(channel: Channel) -> list[Reading]:
    """Every KPI of a channel's total before the first event."""
    plan = Plan(ORGANISATION, channel)
    window = read_window(plan, TOTAL, Cell(plan.width), BASE)
    return [*window, *read_now(plan, TOTAL, [], BASE)]


def of_a_month(channel: Channel, events: list[ev.AnyEvent]) -> Iterator[list[Reading]]:
    """The KPIs over a month, of the total and of every queue or mailbox."""
    book = Book(ORGANISATION, channel)
    for event in events:
        if CHANNEL_OF_EVENT[type(event)] == channel:
            contact, fact = fact_of(event)
            book.add(contact, fact, fact.at)
    book.settle()
    start = BASE // HOUR * HOUR
    for part in book.shown_parts():
        cell = book.tally(part).between(start, start + 30 * DAY)
        yield list(read_window(book.plan, part, cell, BASE + DAY))


@pytest.mark.parametrize("kpi", ALL)
def test_nothing_is_never_a_share(kpi: Kpi) -> None:
    """Without data counts are 0; shares, means and percentiles are absent, not 0 % or 100 %."""
    read = [reading for reading in of_nothing(kpi.channel) if reading.kpi is kpi]
    nothing = None
    if kpi.kind in ("count", "flag") or (kpi.kind == "now" and kpi.unit == "count"):
        nothing = 0

    assert read
    assert [reading.value for reading in read] == [nothing] * len(read)
    assert not any(reading.n or reading.lower or reading.upper for reading in read)


@pytest.mark.parametrize("kpi", ALL)
def test_words_are_fit_to_print(kpi: Kpi) -> None:
    """Names are titles in both languages, definitions and nothing else are sentences."""
    for title in (kpi.sv, kpi.en):
        assert re.fullmatch(r"\S.*[\w)]", title)
        assert title[0] == title[0].upper()
    assert re.fullmatch(r"\S.*[^\s.]\.", kpi.definition)
    assert "  " not in kpi.definition + kpi.source
    assert not kpi.source.endswith(".")


@pytest.mark.parametrize("kpi", ALL)
def test_every_kpi_has_what_its_kind_needs(kpi: Kpi) -> None:
    """A formula of the right shape, a unit that fits, and choices only with a label."""
    divides = kpi.kind in ("ratio", "mean", "index")

    assert (kpi.now is not None) == (kpi.kind == "now")
    assert (kpi.numerator is not None) == (kpi.kind not in ("now", "quantile"))
    assert (kpi.denominator is not None) == divides
    assert (kpi.label is not None) == bool(kpi.choices)
    assert (kpi.unit == "ratio") == (kpi.kind == "ratio")
    assert (kpi.kind == "ratio") or kpi.parts is None
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", kpi.name)


def test_metric_names_are_valid_and_there_is_one_of_each() -> None:
    """Prometheus takes them, none looks like a counter or histogram, and none means two things."""
    names = Counter(
        name
        for kpis in KPIS.values()
        for kpi in kpis
        for total in (True, False)
        if total is False or kpi.channel != "surveys"
        for name in metrics_of(kpi, total=total)
    )

    assert [name for name, times in names.items() if times > 1] == []
    for name in names:
        assert re.fullmatch(rf"{PREFIX}_[a-z]+(_[a-z]+)*", name)
        assert not name.endswith(("_total", "_count", "_sum", "_bucket", "_info", "_created"))


def test_names_are_unique_within_a_channel() -> None:
    """In reports and snapshots a name stands for one KPI."""
    for kpis in KPIS.values():
        names = [kpi.name for kpi in kpis]

        assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("channel", ["calls", "emails"])
@given(events=st.lists(st.one_of(call_events, email_events), max_size=14))
def test_the_parts_of_a_ratio_are_the_kpis_it_names(
    channel: Channel, events: list[ev.AnyEvent]
) -> None:
    """Whoever divides the two series gets the share, for every part and promise."""
    for read in of_a_month(channel, events):
        values = {(r.kpi.name, r.promise): r.value for r in read if not r.choice}
        for reading in read:
            if reading.kpi.parts is not None:
                numerator, denominator = reading.kpi.parts

                assert values[numerator, reading.promise] == reading.numerator
                assert values[denominator, reading.promise] == reading.n


@pytest.mark.parametrize("channel", ["calls", "emails"])
@given(events=st.lists(st.one_of(call_events, email_events), max_size=14))
def test_no_share_leaves_0_to_1(channel: Channel, events: list[ev.AnyEvent]) -> None:
    """Whatever an exchange or a mailbox tells, a part is not more than its whole."""
    for read in of_a_month(channel, events):
        for reading in read:
            if reading.kpi.kind == "ratio" and reading.n:
                value, lower, upper = reading.value, reading.lower, reading.upper

                assert value is not None
                assert lower is not None
                assert upper is not None
                assert 0 <= lower <= value + 1e-12
                assert value - 1e-12 <= upper <= 1


def month(*groups: tuple[int, int, LeaveReason | None], service_level: ServiceLevel) -> Book:
    """Calls in groups: how many waited how many seconds, and why they left; `None` = answered.

    They are promised an answer in 20 seconds; abandons up to 5 seconds are short.
    """
    promise = Promise(
        name="in-20-seconds",
        channel="calls",
        within=parse_within("20 s"),
        target=0.8,
        service_level=service_level,
        short_abandon=5 * SECOND,
    )
    book = Book(msgspec.structs.replace(ORGANISATION, promises=(promise,)), "calls")
    for place, (how_many, waited, reason) in enumerate(groups):
        for n in range(how_many):
            at = BASE + n * SECOND
            left = at + waited * SECOND
            fact = Recorded(0, "vaxel", at, answered_at=left)
            if reason is not None:
                fact = Recorded(0, "vaxel", at, left_at=left, reason=reason)
            book.add(f"{place}-{n}", fact, at)
    book.settle()
    return book


def shares(book: Book) -> dict[str, float]:
    """The service level by each formula in percent, and the official one as `official`."""
    start = BASE // HOUR * HOUR
    cell = book.tally(TOTAL).between(start, start + 2 * HOUR)
    return {
        reading.choice or "official": round(PERCENT * (reading.value or 0), 2)
        for reading in read_window(book.plan, TOTAL, cell, BASE)
        if reading.kpi.name in ("service_level", "service_level_by_variant")
    }


VECTORS = [
    pytest.param(
        [
            (860, 20, None), (140, 21, None),
            (10, 5, "abandoned"), (10, 20, "abandoned"), (40, 21, "abandoned"),
        ],
        {
            "answered_only": 86.00,
            "negative_abandons": 81.13,
            "ignore_early_abandons": 82.69,
            "positive_abandons": 83.02,
            "short_abandons_credited": 82.08,
            "short_abandons_excluded": 81.90,
        },
        id="callcentrehelper: 1000 answered, 860 in time; 60 abandoned, 20 early, 10 short",
    ),
    pytest.param(
        [(70, 12, None), (15, 33, None), (10, 12, "abandoned"), (5, 33, "abandoned")],
        {
            "answered_only": 82.35,
            "negative_abandons": 70.00,
            "ignore_early_abandons": 77.78,
            "positive_abandons": 80.00,
            "short_abandons_credited": 70.00,
            "short_abandons_excluded": 70.00,
        },
        id="Cisco: 100 offered, 70 answered and 10 abandoned in time, 20 missed",
    ),
    pytest.param(
        [(70, 12, None), (15, 33, None), (10, 12, "abandoned"), (5, 33, "abandoned"),
         (50, 12, "callback")],
        {
            "answered_only": 82.35,
            "negative_abandons": 70.00,
            "ignore_early_abandons": 77.78,
            "positive_abandons": 80.00,
            "short_abandons_credited": 70.00,
            "short_abandons_excluded": 70.00,
        },
        id="a callback asked for in time changes no formula",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("groups", "expected"), VECTORS)
def test_the_six_formulas_give_the_published_numbers(
    groups: list[tuple[int, int, LeaveReason | None]], expected: dict[str, float]
) -> None:
    """The worked examples of those who use each formula, from calls to percent."""
    read = shares(month(*groups, service_level="ignore_early_abandons"))

    assert read == expected | {"official": expected["ignore_early_abandons"]}


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_promise_names_its_formula(variant: ServiceLevel) -> None:
    """The official service level is the one of the variant that the promise asks for."""
    read = shares(
        month((7, 3, None), (4, 30, None), (2, 4, "abandoned"), (3, 9, "abandoned"),
              (1, 30, "abandoned"), service_level=variant)
    )  # fmt: skip

    assert read["official"] == read[variant]
    assert len(set(read.values())) == len(VARIANTS)
