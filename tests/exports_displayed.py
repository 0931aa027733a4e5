"""What pages, PDFs and spreadsheets of an export should show, by the oracle."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from streams.exports.periods import periods_before
from streams.exports.wanted import RECENT
from streams.kpis import KPIS

if TYPE_CHECKING:
    from streams.exports.model import Export
    from streams.exports.periods import Period
    from streams.organisations import Language
    from tests.exports_agreement import Telling
    from tests.exports_oracle import Cell, HeatPlace, Opinion

ZERO_KINDS = ("count", "flag")
"""What is 0 where nobody came; everything else is no number then."""


class Check(NamedTuple):
    """What is shown somewhere, and whether it is right."""

    where: str
    shown: object
    is_right: bool


class Expected:
    """What should be shown of one export."""

    def __init__(self, telling: Telling, export: Export, language: Language) -> None:
        self.export = export
        self.language: Language = language
        self._telling = telling
        self.kpis = {(c, kpi.name): kpi for c, kpis in KPIS.items() for kpi in kpis}

    def opinion(self, cell: Cell, *periods: Period) -> Opinion | None:
        """Of the exported period unless others are named."""
        return self._telling.opinions(*(periods or (self.export.period,))).get(cell)

    def value(self, cell: Cell, *periods: Period) -> float | None:
        """The value of a KPI; 0 is nobody's count."""
        opinion = self.opinion(cell, *periods)
        if opinion is not None:
            return opinion.value
        return 0.0 if self.kpis[cell.channel, cell.kpi].kind in ZERO_KINDS else None

    def compared(self, cell: Cell) -> list[float | None]:
        """Of the exported period, the one before, a year before, and the recent ones together."""
        export = self.export
        recent = periods_before(export.period, RECENT)
        asked = [(export.period,), (export.before,), (export.year_before,), tuple(recent)]
        return [self.value(cell, *periods) for periods in asked]

    def heat(self, place: HeatPlace) -> float | None:
        """Of an hour of the week."""
        opinion = self._telling.heat_map(self.export.period).get(place)
        if opinion is not None:
            return opinion.value
        return 0.0 if self.kpis[place.channel, place.kpi].kind in ZERO_KINDS else None

    def topic(self, name: str, kpi: str, period: Period) -> float | None:
        """Of what calls were about."""
        span = period.span(self._telling.organisation.zone)
        opinion = self._telling.oracle.topics(*span).get((name, kpi))
        if opinion is None:
            return 0.0 if kpi == "handled" else None
        return opinion.value
