"""The sheet of heat maps: weekdays and hours as tables that colour themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agents.exports.xlsx_looks import Column
from streams.conventions import TOTAL
from streams.exports.chapters import heat_name
from streams.exports.numbers import capital
from streams.exports.sentences import KPI_OF, part_name

if TYPE_CHECKING:
    from agents.exports.xlsx_book import Book, Sheet
    from agents.exports.xlsx_looks import Cell
    from streams.exports.model import HeatMap, Part, Section

HOURS_OF_DAY: Final = 24
DAY_WIDTH, HOUR_WIDTH = 16.0, 7.0
MAPS_A_PAGE: Final = 3
FEW, SOME, MANY = "#FFFFFF", "#B5D3E4", "#5F9DC0"
"""Dark enough to tell apart, light enough for dark figures; the same in grey."""
LOW_SHARE, MIDDLE_SHARE, HIGH_SHARE = "#F2B48A", "#FBFBF6", "#8FBAD3"
"""Orange to blue, which the colour-blind tell apart too; every cell has its number."""


def add_heat_maps(book: Book) -> None:
    """Every heat map that has anything in it; no sheet without any."""
    found = [
        (section, part, heat_map)
        for section in book.export.sections
        for part in section.parts
        for heat_map in part.heat_maps
        if heat_map.cells
    ]
    if not found:
        return
    sheet = book.sheet(book.words.sheets["heat_maps"], [DAY_WIDTH, *[HOUR_WIDTH] * HOURS_OF_DAY])
    breaks = []
    for number, (section, part, heat_map) in enumerate(found):
        if number and number % MAPS_A_PAGE == 0:
            breaks.append(sheet.row)
        _add(book, sheet, section, part, heat_map)
    sheet.worksheet.set_h_pagebreaks(breaks)


def _add(book: Book, sheet: Sheet, section: Section, part: Part, heat_map: HeatMap) -> None:
    words, channel = book.words, section.channel
    name = heat_name(channel, heat_map, list(part.rows), book.language)
    whose = words.channels[channel]
    if part.name != TOTAL:
        whose = f"{whose}, {part_name(channel, part, book.language)}"
    sheet.heading(f"{whose}: {name}")
    unit = KPI_OF[channel, heat_map.kpi].unit
    figures = {(cell.weekday, cell.hour): cell.figure.value for cell in heat_map.cells}
    days = sorted({day for day, _ in figures})
    hours = range(min(hour for _, hour in figures), max(hour for _, hour in figures) + 1)
    hour_columns = (Column(f"{hour:02}", HOUR_WIDTH, is_number=True) for hour in hours)
    sheet.head([Column(words.weekday, DAY_WIDTH), *hour_columns])
    top = sheet.row
    for day in days:
        values = (book.value(unit, figures.get((day, hour))) for hour in hours)
        sheet.cells([capital(words.weekdays[day]), *(_short(value) for value in values)])
    low, middle, high = (
        (LOW_SHARE, MIDDLE_SHARE, HIGH_SHARE) if unit == "ratio" else (FEW, SOME, MANY)
    )
    sheet.worksheet.conditional_format(
        top,
        1,
        sheet.row - 1,
        len(hours),
        {"type": "3_color_scale", "min_color": low, "mid_color": middle, "max_color": high},
    )


def _short(cell: Cell) -> Cell:
    """Whole per cent: an hour has no more to say."""
    return cell._replace(number_format="0%") if cell.number_format.endswith("%") else cell
