"""Control charts as SVG: a few kilobytes of text, the same in a browser and in print.

Written by hand: a plotting library needs minutes for a Monday's charts of 290 organisations, and
its files differ from run to run. Looks are in attributes, not in a style sheet, since WeasyPrint
gives inline SVG no part in the page's.
"""

from __future__ import annotations

import math
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING, Final, NamedTuple

from agents.exports.colours import BAND, INK, LINE, PAPER, QUIET, SERIES, TARGET
from streams.exports.numbers import share, short_name, shown
from streams.exports.numbers import target as target_text
from streams.exports.words import WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from streams.exports.chapters import Drawn
    from streams.exports.model import Point
    from streams.exports.periods import Period
    from streams.exports.vocabulary import Words
    from streams.organisations import Language

WIDTH, HEIGHT = 420, 138
LEFT, RIGHT, TOP, BOTTOM = 50.0, 326.0, 8.0, 108.0
MOST_STEPS: Final = 5
MOST_LABELS: Final = 7
LABEL_HEIGHT: Final = 14.0
FONT: Final = "Liberation Sans, Arial, DejaVu Sans, sans-serif"
SHOWN_LETTERS_OF_A_MONTH: Final = 3


class Axis(NamedTuple):
    """A scale from `low` to `high`, marked every `step`."""

    low: float
    high: float
    step: float


def axis(values: Iterable[float], *, most: float = math.inf, least_step: float = 0.0) -> Axis:
    """A scale of round numbers around values, never below 0 nor above `most`.

    >>> axis([0.76, 0.845], most=1)
    Axis(low=0.76, high=0.86, step=0.02)
    >>> axis([])
    Axis(low=0.0, high=1.0, step=0.2)
    >>> axis([2.0, 4.0], least_step=1.0)
    Axis(low=2.0, high=4.0, step=1.0)
    """
    known = sorted(values)
    low, high = (known[0], known[-1]) if known else (0.0, 1.0)
    if high == low:
        low, high = low * 0.95, high * 1.05 or 1.0
    rough = (high - low) / MOST_STEPS
    size = 10.0 ** math.floor(math.log10(rough))
    step = size * next(nice for nice in (1, 2, 5, 10) if nice * size >= rough * (1 - 1e-9))
    step = max(step, least_step)
    bottom, top = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return Axis(
        round(max(0.0, bottom * step), 10), round(min(most, top * step), 10), round(step, 10)
    )


def chart_svg(drawn: Drawn, language: Language, ident: str) -> str:
    """A control chart as markup, safe for HTML; `ident` is unique on its page."""
    return _Picture(drawn, WORDS[language]).svg(ident)


class _Picture:
    """One chart on its scale."""

    def __init__(self, drawn: Drawn, words: Words) -> None:
        self._drawn = drawn
        self._words = words
        self._chart = drawn.row.chart
        self._is_share = drawn.kpi.unit == "ratio"
        values = [self._chart.centre, drawn.row.target]
        for point in self._chart.points:
            values += [point.figure.value, point.low, point.high]
        known = [value for value in values if value is not None]
        self._axis = (
            axis(known, most=1.0)
            if self._is_share
            else axis(known, least_step=1.0 if drawn.kpi.unit == "count" else 0.0)
        )
        self._pitch = (RIGHT - LEFT) / max(1, len(self._chart.points))

    def svg(self, ident: str) -> str:
        parts = (self._scale(), self._periods(), self._band(), self._levels(), self._series())
        body = "\n".join(piece for part in parts for piece in part)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {WIDTH} {HEIGHT}" '
            f'aria-labelledby="{ident}-t {ident}-d" font-family="{FONT}" font-size="11">\n'
            f'<title id="{ident}-t">{escape(self._drawn.name)}</title>\n'
            f'<desc id="{ident}-d">{escape(self._told())}</desc>\n{body}\n</svg>'
        )

    def _told(self) -> str:
        """The picture in words."""
        words, points, chart = self._words, self._chart.points, self._chart
        last = points[-1]
        told = [
            words.chart_described.format(
                len(points), short_name(last.period, words), self._text(last.figure.value)
            )
        ]
        if chart.centre is None:
            told.append(words.chart_not_judged)
        else:
            told.append(f"{words.chart_centre}: {self._text(chart.centre)}.")
        if last.low is not None and last.high is not None:
            limits = f"{self._text(last.low)} \N{EN DASH} {self._text(last.high)}"
            told.append(f"{words.chart_limits}: {limits}.")
        if self._drawn.row.target is not None:
            told.append(f"{words.target}: {target_text(self._drawn.row.target, words)}.")
        return " ".join(told)

    def _text(self, value: float | None) -> str:
        return shown(self._drawn.kpi.unit, value, self._words) or self._words.no_data

    def _x(self, place: float) -> float:
        return LEFT + self._pitch * (place + 0.5)

    def _y(self, value: float) -> float:
        low, high, _ = self._axis
        return BOTTOM - (BOTTOM - TOP) * (value - low) / (high - low)

    def _scale(self) -> Iterator[str]:
        low, high, step = self._axis
        digits = 0 if round(step * 100, 6).is_integer() else 1
        for tick in range(round((high - low) / step) + 1):
            value = low + tick * step
            text = share(value, self._words, digits) if self._is_share else self._text(value)
            yield _line(LEFT, self._y(value), RIGHT, self._y(value), f'stroke="{LINE}"')
            yield _label(LEFT - 6, self._y(value) + 4, text, QUIET, "end")

    def _periods(self) -> Iterator[str]:
        points = self._chart.points
        last, every = len(points) - 1, math.ceil(len(points) / MOST_LABELS)
        kind = points[-1].period.kind
        year = 0
        if kind != "year":
            yield _label(LEFT - 6, BOTTOM + 27, self._words.axis[kind], QUIET, "end")
        for place in range(last % every, last + 1, every):
            period, x = points[place].period, self._x(place)
            name = self._short(period)
            yield _label(x, BOTTOM + 14, name, INK if place == last else QUIET, "middle")
            if kind != "year" and period.year != year:
                yield _label(x, BOTTOM + 27, str(period.year), QUIET, "middle")
            year = period.year

    def _short(self, period: Period) -> str:
        if period.kind == "month":
            return self._words.months[period.number - 1][:SHOWN_LETTERS_OF_A_MONTH]
        return str(period.number or period.year)

    def _band(self) -> Iterator[str]:
        """Where chance keeps, as wide as each period's own number of contacts makes it."""
        places = enumerate(self._chart.points)
        for is_judged, run in groupby(places, lambda item: item[1].low is not None):
            if not is_judged:
                continue
            over, under = [], []
            for place, point in run:
                for x in (self._x(place - 0.5), self._x(place + 0.5)):
                    over.append(f"{x:.1f},{self._y(point.high or 0.0):.1f}")
                    under.append(f"{x:.1f},{self._y(point.low or 0.0):.1f}")
            yield f'<polygon fill="{BAND}" points="{" ".join(over + under[::-1])}"/>'

    def _levels(self) -> Iterator[str]:
        """Mean and target, and what they and the exported period are, beside them."""
        words, centre, target = self._words, self._chart.centre, self._drawn.row.target
        now = self._chart.points[-1].figure.value
        labels: list[tuple[float, str, str]] = []
        if centre is not None:
            y = self._y(centre)
            yield _line(LEFT, y, RIGHT, y, f'stroke="{QUIET}" stroke-dasharray="6 3"')
            labels.append((y, f"{words.chart_centre} {self._text(centre)}", QUIET))
        if target is not None:
            y = self._y(target)
            dots = f'stroke="{TARGET}" stroke-width="1.6" stroke-dasharray="1.6 3"'
            yield _line(LEFT, y, RIGHT, y, dots)
            labels.append((y, f"{words.chart_target} {target_text(target, words)}", TARGET))
        if now is not None:
            labels.append((self._y(now), self._text(now), INK))
        labels.sort()
        for y, (_, text, fill) in zip(apart([y for y, _, _ in labels]), labels, strict=True):
            yield _label(RIGHT + 8, y + 4, text, fill, "start", bold=fill == INK)

    def _series(self) -> Iterator[str]:
        points = list(enumerate(self._chart.points))
        for has_data, run in groupby(points, lambda item: item[1].figure.value is not None):
            if has_data:
                path = " ".join(
                    f"{self._x(place):.1f},{self._y(point.figure.value or 0.0):.1f}"
                    for place, point in run
                )
                look = f'fill="none" stroke="{SERIES}" stroke-width="1.4"'
                yield f'<polyline {look} points="{path}"/>'
        for place, point in points:
            if point.figure.value is not None:
                yield self._mark(place, point, is_last=place == len(points) - 1)

    def _mark(self, place: int, point: Point, *, is_last: bool) -> str:
        value = point.figure.value or 0.0
        x, y, size = self._x(place), self._y(value), 4.5 if is_last else 2.3
        fill = PAPER if point.figure.pending else INK if is_last else SERIES
        look = f'fill="{fill}" stroke="{INK if is_last else SERIES}" stroke-width="1.4"'
        told = escape(f"{short_name(point.period, self._words, year=True)}: {self._text(value)}")
        if point.low is None or point.high is None or point.low <= value <= point.high:
            shape, where = "circle", f'cx="{x:.1f}" cy="{y:.1f}" r="{size}"'
        else:
            shape = "rect"
            where = f'x="{x - size:.1f}" y="{y - size:.1f}" width="{2 * size}" height="{2 * size}"'
        return f"<{shape} {where} {look}><title>{told}</title></{shape}>"


def apart(places: list[float]) -> list[float]:
    """Places of labels in ascending order, moved just so far that none covers another.

    >>> apart([50.0, 52.0, 90.0])
    [44.0, 58.0, 90.0]
    """
    moved = list(places)
    for _ in moved:
        for upper, lower in zip(range(len(moved)), range(1, len(moved)), strict=False):
            lack = LABEL_HEIGHT - (moved[lower] - moved[upper])
            if lack > 0:
                moved[upper] -= lack / 2
                moved[lower] += lack / 2
    return moved


def _line(x1: float, y1: float, x2: float, y2: float, look: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" {look}/>'


def _label(x: float, y: float, text: str, fill: str, anchor: str, *, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{fill}" text-anchor="{anchor}"{weight}>'
        f"{escape(text)}</text>"
    )
