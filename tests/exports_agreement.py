"""Whether an export says what the oracle says: every figure of it, and none left out."""

from __future__ import annotations

from functools import lru_cache
from math import isclose
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from agents.settings import load_settings
from streams.exports.compose import compose
from streams.exports.history import History
from streams.exports.model import Figure
from streams.exports.periods import periods_before
from streams.exports.wanted import RECENT
from tests.eight_weeks import COMPARED, known_until, told, with_more_promises
from tests.exports_history import books_of, rollups_of, truths_of
from tests.exports_oracle import Cell, HeatPlace, Opinion, Oracle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.exports.model import Export, Part, Row, Section
    from streams.exports.periods import Period
    from streams.organisations import Channel
    from tests.exports_oracle import HeatOpinion

ROOT = Path(__file__).parents[1]
CHANNELS: tuple[Channel, ...] = ("calls", "emails", "surveys", "visits")


class Where(NamedTuple):
    """The place of a figure in an export, in the words of its table (`docs/exports.md`).

    The `about` of several periods together names the first and the last.
    """

    view: str
    about: str
    channel: str
    part: str
    kpi: str
    promise: str = ""
    choice: str = ""
    weekday: str = ""
    hour: str = ""
    topic: str = ""


NOTHING_KNOWN = Opinion(None, None, None, None, None, 0)

Said = tuple[Where, Figure | None, "Opinion | HeatOpinion | None"]
"""What is said somewhere, `None` = nothing, and what should be; `None` = nobody came."""


class Telling:
    """The eight weeks of one organisation, told to the product and to the oracle.

    Attributes:
        organisation: whose weeks they are.
        as_of: instant up to which everything is known.
        known_since: the first day of which anything is.
        oracle: the second opinion.
    """

    def __init__(self, calls: int) -> None:
        """`calls` are those of each week."""
        organisations = load_settings(ROOT / "config", environ={}).organisations
        self.organisation = with_more_promises(organisations["exempelkommun"])
        self.as_of = known_until(self.organisation)
        self.known_since = min(COMPARED).first_day
        events = told(self.organisation, calls=calls)
        books = books_of(events, self.organisation, self.as_of)
        self._rollups = list(rollups_of(books, self.as_of))
        self._truths = truths_of(self.organisation, CHANNELS, self.as_of)
        self.oracle = Oracle(self.organisation, events, dict.fromkeys(CHANNELS, self.as_of))
        self.export = lru_cache(maxsize=None)(self._export)
        self.opinions = lru_cache(maxsize=None)(self._opinions)
        self.heat_map = lru_cache(maxsize=None)(self._heat_map)

    def _export(self, period: Period) -> Export:
        """What the product says about a period."""
        history = History(self.organisation, period, self.as_of)
        for rollup in self._rollups:
            history.add(*rollup)
        return compose(history, self._truths, None)

    def _opinions(self, *periods: Period) -> dict[Cell, Opinion]:
        """What it should say about some periods in a row; counts for one of them."""
        zone = self.organisation.zone
        start, stop = periods[0].span(zone)[0], periods[-1].span(zone)[1]
        return self.oracle.figures(start, stop, len(periods))

    def _heat_map(self, period: Period) -> dict[HeatPlace, HeatOpinion]:
        """What its heat maps should say."""
        return self.oracle.heat_map(*period.span(self.organisation.zone))

    def everything(self, export: Export) -> Iterator[Said]:
        """Each figure of an export with what it should be; and what should be and is not there."""
        label = export.period.label
        missing = {
            cell for cell, opinion in self.opinions(export.period).items() if any(opinion[:2])
        }
        for section in export.sections:
            for part in section.parts:
                for row in part.rows:
                    cell = Cell(section.channel, part.name, row.kpi, row.promise, row.choice)
                    missing.discard(cell)
                    yield from self._row(export, cell, row)
                yield from self._heat_maps(export, section, part)
            if section.channel == "calls":
                yield from self._topics(export, section)
        for cell in missing:
            yield Where("now", label, *cell), None, self.opinions(export.period)[cell]

    def _row(self, export: Export, cell: Cell, row: Row) -> Iterator[Said]:
        recent = periods_before(export.period, RECENT)
        known = [period for period in recent if period.first_day >= self.known_since]
        for view, figure, periods in (
            ("now", row.now, [export.period]),
            ("before", row.before, [export.before]),
            ("year_before", row.year_before, [export.year_before]),
            ("recent", row.recent, recent),
            *(("chart", point.figure, [point.period]) for point in row.chart.points),
        ):
            labels = [period.label for period in periods]
            about = labels[0] if len(labels) == 1 else f"{labels[0]}/{labels[-1]}"
            where = Where(view, about, *cell)
            if view == "recent":
                # Counts are told for one of the periods that are known.
                yield where, figure, self.opinions(*known).get(cell) if known else NOTHING_KNOWN
            else:
                yield where, figure, self.opinions(*periods).get(cell)

    def _heat_maps(self, export: Export, section: Section, part: Part) -> Iterator[Said]:
        opinions = self.heat_map(export.period)
        for told_map in part.heat_maps:
            whose = (section.channel, part.name, told_map.kpi, told_map.promise)
            figures = {(cell.weekday, cell.hour): cell.figure for cell in told_map.cells}
            hours = {place[4:] for place in opinions if place[:4] == whose}
            for weekday, hour in sorted(figures.keys() | hours):
                where = Where("heat_map", export.period.label, *whose, "", str(weekday), str(hour))
                opinion = opinions.get(HeatPlace(*whose, weekday, hour))
                yield where, figures.get((weekday, hour)), opinion

    def _topics(self, export: Export, section: Section) -> Iterator[Said]:
        zone = self.organisation.zone
        now = self.oracle.topics(*export.period.span(zone))
        before = self.oracle.topics(*export.before.span(zone))
        told_topics = {topic.name: topic for topic in section.topics}
        for name in told_topics.keys() | {topic for topic, _ in now}:
            topic = told_topics.get(name)
            for about, field, kpi, opinions in (
                (export.period.label, "handled", "handled", now),
                (export.period.label, "share", "topic_share", now),
                (export.period.label, "coded_share", "coded_share", now),
                (export.period.label, "resolution", "resolution", now),
                (export.before.label, "before", "handled", before),
            ):
                where = Where("topic", about, "calls", "", kpi, topic=name)
                asked = "handled" if field == "before" else field
                yield where, getattr(topic, field, None), opinions.get((name, asked))


def agrees(figure: Figure | None, opinion: Opinion | HeatOpinion | None) -> bool:
    """Whether a figure is what it should be, to the last of the digits that a float has."""
    if figure is None:
        return False
    if opinion is None:
        # Nobody came: counts are 0, and shares and means of nobody are no number.
        return not figure.value and not figure.n and not figure.numerator and not figure.pending
    names = [name for name in opinion._fields if name != "value"]
    return _same(figure.value, opinion.value) and all(
        _same(getattr(figure, name), getattr(opinion, name)) for name in names
    )


def _same(said: float | None, right: float | None) -> bool:
    if said is None or right is None:
        return said is right
    return isclose(said, right, rel_tol=1e-12, abs_tol=1e-12)
