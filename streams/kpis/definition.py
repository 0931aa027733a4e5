"""What a KPI is: a name, a formula over the places of a cell, and its words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from streams.conventions import PREFIX, Label
from streams.organisations import Channel, Language, Promise
from streams.outcomes import Open
from streams.plans import Plan, Rule

Kind = Literal["count", "ratio", "mean", "quantile", "index", "flag", "now"]
Unit = Literal["count", "ratio", "seconds", "timestamp_seconds", "index", "flag"]

Formula = Callable[[Sequence[int], int, str], int]
"""(counts of a cell, place of the promise's block, choice) -> an integer."""


class Now(msgspec.Struct):
    """What a KPI of the present moment looks at: the open items of one part."""

    plan: Plan
    part: str
    opens: list[Open]
    as_of: int


NowFormula = Callable[[Now, Rule | None, str], float | None]


class Kpi(msgspec.Struct, frozen=True, kw_only=True):
    """One KPI.

    Attributes:
        name: as in reports and snapshots, and inside the metric's name.
        channel: which contacts it is about.
        kind: how it is computed; `now` ones look at the present moment instead of a window.
        unit: base unit; `ratio` is 0-1.
        promise: whether there is one value for each promise.
        label, choices: an extra label and its values.
        numerator, denominator: formulas; a mean divides a sum by a count.
        parts: the KPIs that are a ratio's numerator and denominator; a ratio without them brings
            metrics of its own, ending in `_numerator` and `_denominator`.
        scale: what one unit of the numerator is in the KPI's unit.
        official: for ratios with several formulas, which one a promise names.
        now: formula of a `now` KPI.
        totals_only: left out for single queues and mailboxes on `/metrics`, to bound the series.
        better: whether more or less of it is good news; empty where it is neither.
        counts_arrivals: whether it counts who came, and never what became of them later.
        sv, en: name for people.
        definition, definition_sv: what counts and what does not: late answers, other exits, still
            waiting; in English and in Swedish.
        source: where the definition comes from.
    """

    name: str
    channel: Channel
    kind: Kind
    unit: Unit = "count"
    promise: bool = False
    label: Label | None = None
    choices: tuple[str, ...] = ()
    numerator: Formula | None = None
    denominator: Formula | None = None
    parts: tuple[str, str] | None = None
    scale: int = 1
    official: Callable[[Promise], str] | None = None
    now: NowFormula | None = None
    totals_only: bool = False
    better: Literal["more", "less", ""] = ""
    counts_arrivals: bool = False
    sv: str
    en: str
    definition: str
    definition_sv: str
    source: str = ""

    @property
    def is_official_share(self) -> bool:
        """Whether it is the share that a promise's target is about."""
        return self.kind == "ratio" and self.official is not None

    def named(self, language: Language) -> str:
        """What people call it."""
        return self.sv if language == "sv" else self.en

    def defined(self, language: Language) -> str:
        """What counts and what does not, in plain words."""
        return self.definition_sv if language == "sv" else self.definition

    def metric(self, *, total: bool, suffix: str = "") -> str:
        """Name of the Prometheus metric.

        >>> from streams.kpis.calls import CALL_KPIS
        >>> CALL_KPIS[0].metric(total=True), CALL_KPIS[0].metric(total=False)
        ('kontaktpuls_calls_offered', 'kontaktpuls_queue_offered')
        """
        noun = self.channel if total else PART_NOUN[self.channel]
        plain = self.unit in ("count", "index", "flag") or suffix in PART_SUFFIXES
        unit = "" if plain else f"_{self.unit}"
        return f"{PREFIX}_{noun}_{self.name}{suffix}{unit}"


PART_SUFFIXES = ("_numerator", "_denominator")
PART_NOUN: dict[str, str] = {
    "calls": "queue",
    "emails": "mailbox",
    "visits": "desk",
    "surveys": "survey",
}
PART_LABEL: dict[str, Label] = {
    "calls": Label.QUEUE,
    "emails": Label.MAILBOX,
    "visits": Label.DESK,
    "surveys": Label.SURVEY,
}
QUANTILES = ("0.5", "0.9", "1")
"""Median, 90th percentile and maximum."""


def at(measure: int) -> Formula:
    """A measure of the channel itself."""
    return lambda counts, _base, _choice: counts[measure]


def in_block(measure: int) -> Formula:
    """A measure in the block of a promise."""
    return lambda counts, base, _choice: counts[base + measure]


def chosen(places: dict[str, int]) -> Formula:
    """A measure by the value of the extra label."""
    return lambda counts, _base, choice: counts[places[choice]]
