"""Control charts tell change from chance, and say nothing where they cannot know."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from streams.exports.control_chart import LEAST, chart, individual_limits, share_limits
from streams.exports.model import Chart, Figure
from streams.exports.periods import Period, periods_before
from streams.kpis import KPIS

if TYPE_CHECKING:
    from streams.kpis import Kpi

NOW = Period("week", 2026, 47)


def kpi(channel: str, name: str) -> Kpi:
    """A KPI of the registry."""
    return next(one for one in KPIS[channel] if one.name == name)


SHARE, OFFERED, ABANDONED = (kpi("calls", n) for n in ("service_level", "offered", "abandoned"))
WAIT, MEAN = kpi("calls", "wait"), kpi("calls", "wait_mean")


def share(kept: int, n: int, pending: int = 0) -> Figure:
    """A share of `n`."""
    return Figure(value=kept / n, n=n, numerator=kept, pending=pending)


def value(amount: float) -> Figure:
    """A count or a time."""
    return Figure(value=amount)


def judge(about: Kpi, *figures: Figure, choice: str = "", is_settled: bool = True) -> Chart:
    """The chart of some weeks, the last of which is exported."""
    past = list(zip(periods_before(NOW, len(figures) - 1), figures[:-1], strict=True))
    return chart(about, choice, past, (NOW, figures[-1]), is_settled=is_settled)


WOBBLE = [value(amount) for amount in (98, 103, 99, 101, 97, 102, 100, 104, 96, 100, 103, 98)]
SHARES = [share(n, 1_000) for n in (790, 812, 798, 805, 780, 801, 815, 793, 808, 787, 799, 804)]


def test_limits_of_individuals_are_those_of_the_books() -> None:
    """Mean and 2.66 times the mean moving range, as in Wheeler."""
    limits = individual_limits([10, 13, 11, 12, 14, 12])

    assert limits.centre == pytest.approx(12)
    assert limits.around(None) == pytest.approx((12 - 2.66 * 2, 12 + 2.66 * 2), rel=1e-3)


def test_limits_of_shares_are_wider_than_a_p_chart_as_far_as_weeks_differ() -> None:
    """Laney's factor: the moving range of standardised shares over 1.128."""
    told = [(5_100, 6_500), (5_330, 6_500)] * 6
    limits = share_limits(told)
    centre = 10_430 / 13_000
    sigma = (centre * (1 - centre) / 6_500) ** 0.5
    factor = (230 / 6_500 / sigma) / 1.128379

    assert limits.centre == pytest.approx(centre)
    assert factor > 6
    assert limits.around(6_500)[1] == pytest.approx(centre + 3 * sigma * factor + 1 / 6_500)


def test_shares_that_vary_less_than_chance_keep_the_limits_of_chance() -> None:
    """Twelve weeks of exactly four in five do not make 79 % a signal."""
    steady = [share(80, 100)] * LEAST

    assert judge(SHARE, *steady, share(79, 100)).trend == "stable"
    assert judge(SHARE, *steady, share(60, 100)).trend == "worse"


@pytest.mark.parametrize(
    ("figures", "verdict"),
    [
        pytest.param([*SHARES, share(800, 1_000)], ("stable", ""), id="as ever"),
        pytest.param([*SHARES, share(600, 1_000)], ("worse", "limits"), id="far below"),
        pytest.param([*SHARES, share(990, 1_000)], ("better", "limits"), id="far above"),
        pytest.param(
            [*SHARES, *[share(812, 1_000)] * 8], ("better", "run"), id="eight weeks a little better"
        ),
        pytest.param(
            [*SHARES, *[share(812, 1_000)] * 6], ("stable", ""), id="seven are no run yet"
        ),
    ],
)
def test_the_verdict_on_a_share(figures: list[Figure], verdict: tuple[str, str]) -> None:
    """Beyond the limits, or the eighth in a row on one side; more of a share is better."""
    judgement = judge(SHARE, *figures)

    assert (judgement.trend, judgement.rule) == verdict


@pytest.mark.parametrize(
    ("about", "amount", "trend"),
    [
        pytest.param(ABANDONED, 160, "worse", id="more abandoned calls are bad news"),
        pytest.param(ABANDONED, 40, "better", id="fewer are good news"),
        pytest.param(OFFERED, 160, "more", id="more calls are neither"),
        pytest.param(OFFERED, 40, "less", id="nor are fewer"),
        pytest.param(MEAN, 160, "worse", id="longer waits are bad news"),
    ],
)
def test_a_signal_is_good_or_bad_news_as_the_registry_says(
    about: Kpi, amount: float, trend: str
) -> None:
    """The chart knows directions from `Kpi.better` only."""
    assert judge(about, *WOBBLE, value(amount)).trend == trend


def test_limits_follow_the_number_of_contacts() -> None:
    """A quiet week has wide limits, and every point shows its own."""
    judgement = judge(SHARE, *SHARES[:-1], share(79, 100), share(8_000, 10_000))
    quiet, busy = judgement.points[-2:]

    assert quiet.low is not None
    assert quiet.high is not None
    assert busy.low is not None
    assert quiet.low < busy.low < (judgement.centre or 0)
    assert quiet.high <= 1


def test_fewer_than_twelve_periods_say_nothing() -> None:
    """There are points, and neither limits nor a verdict."""
    judgement = judge(SHARE, *SHARES[: LEAST - 1], share(100, 1_000))

    assert (judgement.trend, judgement.rule, judgement.centre) == ("unknown", "", None)
    assert judgement.periods == LEAST - 1
    assert len(judgement.points) == LEAST
    assert all(point.low is None for point in judgement.points)


def test_periods_without_anybody_are_shown_as_gaps_and_left_out() -> None:
    """A week in which nothing was due is no week of 0 %."""
    nobody = Figure(n=0, numerator=0)
    with_gap = judge(SHARE, *SHARES[:5], nobody, *SHARES[5:], share(800, 1_000))
    without = judge(SHARE, *SHARES, share(800, 1_000))

    assert with_gap.centre == without.centre
    assert (with_gap.periods, len(with_gap.points)) == (LEAST, LEAST + 2)
    assert with_gap.points[5].low is None


def test_an_exported_period_without_anybody_has_limits_and_no_verdict() -> None:
    """No data is neither good nor bad news."""
    judgement = judge(SHARE, *SHARES, Figure(n=0, numerator=0))

    assert (judgement.trend, judgement.centre is None) == ("unknown", False)


@pytest.mark.parametrize("all_kept", [True, False])
@pytest.mark.parametrize("n", [1, 5, 20, 100, 400])
def test_what_was_always_or_never_kept_may_be_otherwise_once(n: int, *, all_kept: bool) -> None:
    """After half a year of 100 % a single miss is no alarm, however few there were; many are."""
    steady = [share(100 if all_kept else 0, 100)] * 26
    once, often = (
        (
            judge(SHARE, *steady, share(n - odd if all_kept else odd, n)).trend
            for odd in (1, n // 5 + 3)
            if odd <= n
        )
        if n > 3
        else ("stable", "")
    )

    assert once == "stable"
    assert often == ("" if n <= 3 else "worse" if all_kept else "better")


@pytest.mark.parametrize(
    ("now", "trend"),
    [
        pytest.param(share(60, 100), "worse", id="decided, and too low"),
        pytest.param(share(60, 100, pending=5), "worse", id="too low even if all are kept"),
        pytest.param(share(60, 100, pending=60), "unknown", id="can still become ordinary"),
        pytest.param(share(80, 100, pending=5), "stable", id="ordinary whatever becomes of them"),
    ],
)
def test_undecided_promises_cannot_turn_a_verdict(now: Figure, trend: str) -> None:
    """Quick answers are in the share before slow ones, so a fresh share looks too good."""
    steady = [share(n, 100) for n in (80, 81, 79, 80, 82, 78, 80, 81, 80, 79, 81, 80)]

    assert judge(SHARE, *steady, now).trend == trend


def test_what_can_still_change_has_a_chart_and_no_verdict() -> None:
    """Half a week has half the calls, which is no news."""
    judgement = judge(OFFERED, *WOBBLE, value(40), is_settled=False)

    assert (judgement.trend, judgement.rule) == ("unknown", "")
    assert judgement.centre is not None
    assert judgement.points[-1].low is not None


@pytest.mark.parametrize(
    ("about", "choice", "steady", "now", "trend"),
    [
        pytest.param(ABANDONED, "", 0, 2, "stable", id="two after none"),
        pytest.param(ABANDONED, "", 0, 9, "worse", id="nine after none"),
        pytest.param(WAIT, "0.5", 20, 21, "stable", id="a second of whole seconds"),
        pytest.param(WAIT, "0.5", 20, 60, "worse", id="forty seconds"),
        pytest.param(MEAN, "", 0.1 + 0.2, 0.3, "stable", id="the last bit of a mean"),
    ],
)
def test_values_that_were_all_equal_leave_room_for_chance(
    about: Kpi, choice: str, steady: float, now: float, trend: str
) -> None:
    """Without any moving range the next value need not be exactly the same."""
    assert judge(about, *[value(steady)] * 26, value(now), choice=choice).trend == trend


@pytest.mark.parametrize(
    ("about", "choice"),
    [
        pytest.param(kpi("surveys", "publishable"), "bemotande", id="a flag"),
        pytest.param(WAIT, "1", id="the longest wait"),
    ],
)
def test_what_has_no_ordinary_value_has_no_chart(about: Kpi, choice: str) -> None:
    """A flag is no measurement, and a maximum is made by one odd call."""
    assert judge(about, *WOBBLE, value(1), choice=choice) == Chart()


def test_limits_stay_inside_what_is_possible() -> None:
    """No negative seconds, no index above 100."""
    index = kpi("surveys", "index")
    swings = [value(amount) for amount in (5, 95) * 6]
    ends = judge(index, *swings, value(50), choice="bemotande").points[-1]

    assert (ends.low, ends.high) == (0, 100)
