"""Control charts: is the exported period out of the ordinary, or is it chance?

Shares get Laney's p' chart: the binomial limits of a p chart, widened by as much as the shares
move from one period to the next beyond what their numbers explain (D. B. Laney, "Improved Control
Charts for Attributes", Quality Engineering 14(4), 2002). A plain p chart takes thousands of calls
for independent tosses of a coin and cries wolf nearly every week.

Everything else gets a chart of individuals: limits at three standard deviations around the mean,
estimated from moving ranges (D. J. Wheeler, "Understanding Variation", 1993: 2.66 mean ranges).

Two tests (Western Electric, "Statistical Quality Control Handbook", 1956, tests 1 and 4): a point
beyond the limits, and eight in a row on one side of the centre.
"""

from __future__ import annotations

from itertools import pairwise
from math import isclose, pi, sqrt
from typing import TYPE_CHECKING, Literal, NamedTuple

from streams.exports.model import Chart, Figure, Point, Rule, Trend

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streams.exports.periods import Period
    from streams.kpis import Kpi

LEAST = 12
"""Fewer periods than this say too little about what is ordinary."""

SIGMAS = 3
RUN = 8
D2 = 2 / sqrt(pi)
"""Mean range of two draws from a normal distribution, in standard deviations: 1.128."""

LONGEST = "1"
"""The quantile that is the maximum: one odd call makes it, so it tells no trend."""

Side = Literal[-1, 0, 1]


class Limits(NamedTuple):
    """Centre and spread of what is ordinary.

    Attributes:
        centre: what chance alone moves around.
        sigma: standard deviation; of a share, that of a single contact.
        is_share: whether the limits depend on how many contacts there were.
        most: what no value can exceed; `None` = nothing.
    """

    centre: float
    sigma: float
    is_share: bool
    most: float | None = None

    def around(self, n: int | None) -> tuple[float, float]:
        """The 3-sigma limits of a value that rests on `n` contacts, inside what is possible."""
        half = SIGMAS * self.sigma
        if self.is_share and n:
            # Shares of few contacts come in large steps: a single contact makes no signal.
            half = half / sqrt(n) + 1 / n
        high = self.centre + half
        return max(0.0, self.centre - half), high if self.most is None else min(self.most, high)

    def side(self, value: float) -> Side:
        """On which side of the centre a value lies; the last bits of a mean are no side."""
        if isclose(value, self.centre, rel_tol=1e-9, abs_tol=1e-9):
            return 0
        return 1 if value > self.centre else -1

    def beyond(self, value: float, n: int | None) -> Side:
        """On which side a value lies beyond the limits; 0 = within."""
        low, high = self.around(n)
        return -1 if value < low else 1 if value > high else 0


def share_limits(shares: Sequence[tuple[int, int]]) -> Limits:
    """Laney's p' limits of kept and all; none of `shares` is of nobody.

    >>> limits = share_limits([(80, 100), (84, 100)] * 6)
    >>> round(limits.centre, 2), [round(bound, 3) for bound in limits.around(100)]
    (0.82, [0.695, 0.945])
    """
    kept, n = (sum(column) for column in zip(*shares, strict=True))
    centre = kept / n
    if 0 < kept < n:
        deviation = sqrt(centre * (1 - centre))
        scores = [(k / m - centre) * sqrt(m) / deviation for k, m in shares]
        # Shares cannot vary less than chance makes them.
        return Limits(centre, deviation * max(1.0, _spread(scores)), is_share=True, most=1.0)
    # All or none so far does not prove that it must be so for ever: two more of each kind.
    careful = (kept + 2) / (n + 4)
    return Limits(centre, sqrt(careful * (1 - careful)), is_share=True, most=1.0)


def individual_limits(
    values: Sequence[float], least: float = 0.0, most: float | None = None
) -> Limits:
    """Limits of single values by their moving ranges.

    Args:
        values: in order of time.
        least: what the standard deviation is at least.
        most: what no value can exceed.

    >>> [round(bound, 2) for bound in individual_limits([10, 12] * 6).around(None)]
    [5.68, 16.32]
    """
    centre = sum(values) / len(values)
    return Limits(centre, max(least, _spread(values)), is_share=False, most=most)


def signal(limits: Limits, past: Sequence[float], value: float, n: int | None) -> tuple[Side, Rule]:
    """The side on which a value is out of the ordinary, and by which test; 0 = it is not.

    Args:
        limits: of what is ordinary.
        past: the values before, in order.
        value: the one to be judged.
        n: how many contacts it rests on.
    """
    beyond = limits.beyond(value, n)
    if beyond:
        return beyond, "limits"
    side = limits.side(value)
    same = side and all(limits.side(one) == side for one in past[1 - RUN :])
    return (side, "run") if same else (0, "")


def chart(
    kpi: Kpi,
    choice: str,
    past: Sequence[tuple[Period, Figure]],
    now: tuple[Period, Figure],
    *,
    is_settled: bool,
) -> Chart:
    """The control chart of one KPI.

    Args:
        kpi: which.
        choice: value of its extra label.
        past: the periods before, in order; those without data are shown and not counted.
        now: the exported period.
        is_settled: whether the exported period is over and what it counts can change no more; for
            shares `pending` says by how much they can.
    """
    if kpi.kind == "flag" or (kpi.kind == "quantile" and choice == LONGEST):
        return Chart()
    known = [figure for _, figure in past if figure.value is not None]
    limits = _limits(kpi, known) if len(known) >= LEAST else None
    points = tuple(_point(limits, period, figure) for period, figure in (*past, now))
    if limits is None:
        return Chart(points=points, periods=len(known))
    trend, rule = _verdict(kpi, limits, known, now[1]) if is_settled else ("unknown", "")
    return Chart(points=points, centre=limits.centre, trend=trend, rule=rule, periods=len(known))


def _limits(kpi: Kpi, known: Sequence[Figure]) -> Limits:
    """What is ordinary for a KPI, from periods with data."""
    if kpi.kind == "ratio":
        return share_limits([(figure.numerator or 0, figure.n or 0) for figure in known])
    values = [figure.value for figure in known if figure.value is not None]
    if kpi.kind == "count":
        # Arrivals by chance vary with the root of their number (Poisson), a few ones likewise.
        return individual_limits(values, sqrt(max(1.0, sum(values) / len(values))))
    # Whole seconds and points: what is measured in steps varies by a step (Wheeler).
    return individual_limits(values, 1.0, 100.0 if kpi.kind == "index" else None)


def _point(limits: Limits | None, period: Period, figure: Figure) -> Point:
    if limits is None or figure.value is None:
        return Point(period=period, figure=figure)
    low, high = limits.around(figure.n)
    return Point(period=period, figure=figure, low=low, high=high)


def _verdict(kpi: Kpi, limits: Limits, known: Sequence[Figure], now: Figure) -> tuple[Trend, Rule]:
    """What the chart says, whatever becomes of the promises that are not decided yet."""
    if now.value is None:
        return "unknown", ""
    past = [figure.value for figure in known if figure.value is not None]
    signals = {signal(limits, past, value, n) for value, n in _possible(now)}
    sides = {side for side, _ in signals}
    if len(sides) > 1:
        return "unknown", ""
    side, rules = sides.pop(), {rule for _, rule in signals}
    return _trend(kpi, side), rules.pop() if len(rules) == 1 else "run"


def _possible(now: Figure) -> list[tuple[float, int | None]]:
    """What the value can still become: undecided promises are all missed, or all kept."""
    if now.value is None or now.numerator is None or not now.pending:
        return [(now.value or 0.0, now.n)]
    n = (now.n or 0) + now.pending
    return [(now.numerator / n, n), ((now.numerator + now.pending) / n, n)]


def _trend(kpi: Kpi, side: Side) -> Trend:
    """What a signal means."""
    if side == 0:
        return "stable"
    if not kpi.better:
        return "more" if side > 0 else "less"
    return "better" if (kpi.better == "more") == (side > 0) else "worse"


def _spread(values: Sequence[float]) -> float:
    """The standard deviation that the mean moving range tells."""
    return sum(abs(b - a) for a, b in pairwise(values)) / (len(values) - 1) / D2
