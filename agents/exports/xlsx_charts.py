"""The sheets of control charts: native charts, and the numbers they are drawn from."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from agents.exports.charts import axis
from agents.exports.colours import INK, LINE, QUIET, SERIES, SHADES, TARGET
from agents.exports.xlsx_looks import COUNT, FONT, SHARE, TIME, Cell, Column
from streams.exports.chapters import chapters
from streams.exports.numbers import capital, short_name
from streams.instants import DAY, SECOND

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agents.exports.xlsx_book import Book, Sheet
    from agents.exports.xlsx_looks import Value
    from streams.exports.chapters import Drawn

WIDTH, HEIGHT = 660, 300
"""Of a chart, in pixels."""
ROWS_A_CHART: Final = 18
ROWS_A_PAGE: Final = 3 * ROWS_A_CHART
COLUMNS_A_CHART: Final = 9
COLUMN: Final = 10.0
SIDE_BY_SIDE: Final = 2
MOST_LABELS: Final = 9
FEWEST_POINTS: Final = 2
"""A single point is no line."""
UNDECIDED: Final = SHADES[1][0]
"""A pale point is provisional; the legend says so too."""
NAME, PERIOD, VALUE, CENTRE, LOW, HIGH, GOAL, LAST = range(8)
"""Columns of the numbers that charts are drawn from."""


class _Place(NamedTuple):
    """The rows in which the numbers of a chart stand."""

    first: int
    last: int


class ChartSheets:
    """A sheet of charts near the front, and behind the tables one of what they are drawn from."""

    def __init__(self, book: Book) -> None:
        """Put the sheet of charts where it belongs; no sheet where there is nothing to draw."""
        self._book = book
        self._drawn = [
            (f"{chapter.name}: {one.name}", one)
            for chapter in chapters(book.export, book.language)
            for one in chapter.drawn
            if _known_points(one) >= FEWEST_POINTS
        ]
        if self._drawn:
            widths = [COLUMN] * (SIDE_BY_SIDE * COLUMNS_A_CHART)
            self._sheet = book.sheet(book.words.sheets["charts"], widths)

    def draw(self) -> None:
        """Write down the numbers, and put the charts of them on their sheet."""
        if not self._drawn:
            return
        sheet, top = self._sheet, self._sheet.row + 1
        data, places = self._add_numbers()
        for number, ((name, one), place) in enumerate(zip(self._drawn, places, strict=True)):
            down, across = divmod(number, SIDE_BY_SIDE)
            sheet.row, column = top + down * ROWS_A_CHART, across * COLUMNS_A_CHART
            said = f"{name}. {one.trend}."
            sheet.write(column, Cell(said, look="strong" if one.is_signal else "plain"))
            chart = _chart(self._book, data, one, place)
            sheet.worksheet.insert_chart(sheet.row + 1, column, chart, {"description": said})
        breaks = range(top + ROWS_A_PAGE, sheet.row + 1, ROWS_A_PAGE)
        sheet.worksheet.set_h_pagebreaks(list(breaks))

    def _add_numbers(self) -> tuple[Sheet, list[_Place]]:
        """The numbers of all charts in one table, one below the other."""
        book, words = self._book, self._book.words
        kind = book.export.period.kind
        columns = [
            Column(words.chart, 50),
            Column(words.period[kind], 12),
            *(
                Column(head, 12, is_number=True)
                for head in (
                    words.value,
                    words.centre,
                    words.low_limit,
                    words.high_limit,
                    words.target,
                    words.this[kind],
                    words.period["year"],
                    words.rests_on,
                    words.undecided,
                )
            ),
        ]
        sheet = book.sheet(words.sheets["chart_data"], [column.width for column in columns])
        sheet.row += 1
        top = sheet.row + 1
        table: list[list[Cell | Value]] = []
        places: list[_Place] = []
        for name, one in self._drawn:
            first = top + len(table)
            table += self._rows(name, one)
            places.append(_Place(first, top + len(table) - 1))
        sheet.long_table(columns, table)
        return sheet, places

    def _rows(self, name: str, drawn: Drawn) -> Iterator[list[Cell | Value]]:
        book, unit, chart = self._book, drawn.kpi.unit, drawn.row.chart
        for point in chart.points:
            value = book.value(unit, point.figure.value)
            yield [
                name,
                short_name(point.period, book.words),
                value,
                book.value(unit, chart.centre),
                book.value(unit, point.low),
                book.value(unit, point.high),
                book.value(unit, drawn.row.target),
                value if point is chart.points[-1] else None,
                Cell(point.period.year, "0"),
                Cell(point.figure.n, COUNT),
                Cell(point.figure.pending or None, COUNT),
            ]


def _chart(book: Book, data: Sheet, drawn: Drawn, place: _Place) -> Any:
    """One chart; names reach it by where they stand, so that none is read as a formula."""
    words, chart = book.words, book.chart()
    points = drawn.row.chart.points

    def series(column: int, name: str, **looks: object) -> None:
        chart.add_series(
            {
                "name": name,
                "categories": [data.name, place.first, PERIOD, place.last, PERIOD],
                "values": [data.name, place.first, column, place.last, column],
                **looks,
            }
        )

    if any(point.low is not None for point in points):
        limits = {"color": QUIET, "width": 1}
        series(HIGH, words.high_limit, line=limits)
        series(LOW, words.low_limit, line=limits)
    if drawn.row.chart.centre is not None:
        series(CENTRE, words.centre, line={"color": QUIET, "width": 1, "dash_type": "dash"})
    if drawn.row.target is not None:
        dotted = {"color": TARGET, "width": 2, "dash_type": "round_dot"}
        series(GOAL, words.target, line=dotted)
    series(VALUE, words.value, line={"color": SERIES, "width": 2}, marker=_marker(5, SERIES))
    last = capital(short_name(points[-1].period, words))
    pending = points[-1].figure.pending
    series(
        LAST,
        f"{last} ({words.provisional.lower()})" if pending else last,
        line={"none": True},
        marker=_marker(10, UNDECIDED if pending else SERIES),
    )
    chart.set_title(
        {
            "name": [data.name, place.first, NAME],
            "name_font": {"name": FONT, "size": 11, "bold": True, "color": INK},
            "overlay": False,
        }
    )
    _set_axes(chart, drawn)
    chart.set_legend({"position": "bottom", "font": {"name": FONT, "size": 8, "color": INK}})
    chart.show_blanks_as("gap")
    chart.set_size({"width": WIDTH, "height": HEIGHT})
    return chart


def _set_axes(chart: Any, drawn: Drawn) -> None:
    """Round numbers around what is shown; a share's axis never goes beyond 0 and 1."""
    own, unit = drawn.row.chart, drawn.kpi.unit
    values = [own.centre, drawn.row.target]
    for point in own.points:
        values += [point.figure.value, point.low, point.high]
    known = [value for value in values if value is not None]
    if unit == "ratio":
        scale = axis(known, most=1.0)
        form = "0%" if round(scale.step * 100, 6).is_integer() else SHARE
    else:
        scale = axis(known, least_step=1.0 if unit == "count" else 0.0)
        form = TIME if unit == "seconds" else COUNT
    part = SECOND / DAY if unit == "seconds" else 1.0
    chart.set_y_axis(
        {
            "min": scale.low * part,
            "max": scale.high * part,
            "major_unit": scale.step * part,
            "num_format": form,
            "num_font": {"name": FONT, "size": 9, "color": INK},
            "line": {"none": True},
            "major_gridlines": {"visible": True, "line": {"color": LINE, "width": 0.75}},
        }
    )
    chart.set_x_axis(
        {
            "interval_unit": math.ceil(len(own.points) / MOST_LABELS),
            "num_font": {"name": FONT, "size": 9, "color": INK},
            "line": {"color": QUIET},
            "label_position": "low",
        }
    )


def _known_points(drawn: Drawn) -> int:
    return sum(point.figure.value is not None for point in drawn.row.chart.points)


def _marker(size: int, fill: str) -> dict[str, object]:
    return {"type": "circle", "size": size, "border": {"color": SERIES}, "fill": {"color": fill}}
