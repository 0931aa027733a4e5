"""Reading KPIs: cells and open items in, values out. No data is `None`, never 0 % or 100 %."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from streams.kpis import KPIS
from streams.kpis.definition import Kpi, Now
from streams.kpis.ratios import quantiles, wilson

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streams.cells import Cell
    from streams.outcomes import Open
    from streams.plans import Plan, Rule


class Reading(NamedTuple):
    """The value of one KPI.

    Attributes:
        kpi: which.
        promise: name of the promise, empty where the KPI has none.
        choice: value of the extra label, empty where it has none.
        value: in the KPI's unit; `None` = no data.
        n: what it rests on (ratios, means, quantiles, indexes).
        numerator: of a ratio.
        lower, upper: 95 % Wilson bounds of a ratio.
    """

    kpi: Kpi
    promise: str
    choice: str
    value: float | None
    n: int | None = None
    numerator: int | None = None
    lower: float | None = None
    upper: float | None = None


def read_window(plan: Plan, part: str, cell: Cell, as_of: int) -> Iterator[Reading]:
    """All KPIs that look at a window, from the sum over that window.

    The promises are those that hold for somebody who arrives at `as_of`.
    """
    rules, counts = plan.rules(part, as_of), cell.counts
    for kpi in KPIS[plan.channel]:
        if kpi.kind == "now":
            continue
        if kpi.kind == "quantile":
            yield from _quantiles(kpi, cell)
            continue
        for rule in rules if kpi.promise else (None,):
            for choice in kpi.choices or (_official(kpi, rule),):
                yield _reading(kpi, counts, rule, choice)


def read_one(kpi: Kpi, cell: Cell, rule: Rule | None) -> Reading:
    """One KPI that looks at a window and has neither an extra label nor percentiles."""
    return _reading(kpi, cell.counts, rule, _official(kpi, rule))


def read_now(plan: Plan, part: str, opens: list[Open], as_of: int) -> Iterator[Reading]:
    """All KPIs that look at the present moment."""
    now = Now(plan, part, opens, as_of)
    rules = plan.rules(part, as_of)
    for kpi in KPIS[plan.channel]:
        if kpi.now is not None:
            for rule in rules if kpi.promise else (None,):
                name = rule.promise.name if rule else ""
                for choice in kpi.choices or ("",):
                    yield Reading(kpi, name, choice, kpi.now(now, rule, choice))


def _official(kpi: Kpi, rule: Rule | None) -> str:
    """The formula the promise itself names."""
    return kpi.official(rule.promise) if kpi.official and rule else ""


def _reading(kpi: Kpi, counts: Sequence[int], rule: Rule | None, choice: str) -> Reading:
    base, promise = (rule.base, rule.promise.name) if rule else (0, "")
    shown = choice if kpi.choices else ""
    if kpi.numerator is None:
        msg = f"`{kpi.name}` has no numerator"
        raise TypeError(msg)
    numerator = kpi.numerator(counts, base, choice)
    if kpi.denominator is None:
        return Reading(kpi, promise, shown, numerator)
    n = kpi.denominator(counts, base, choice)
    if n == 0:
        return Reading(kpi, promise, shown, None, 0, numerator)
    value = numerator / n / kpi.scale
    if kpi.kind == "ratio":
        return Reading(kpi, promise, shown, value, n, numerator, *wilson(numerator, n))
    return Reading(kpi, promise, shown, value, n)


def _quantiles(kpi: Kpi, cell: Cell) -> Iterator[Reading]:
    n = sum(cell.waits.values())
    if n == 0:
        for choice in kpi.choices:
            yield Reading(kpi, "", choice, None, 0)
        return
    values = quantiles(cell.waits, tuple(map(float, kpi.choices)))
    for choice, value in zip(kpi.choices, values, strict=True):
        yield Reading(kpi, "", choice, value, n)
