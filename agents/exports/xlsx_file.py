"""An export as a spreadsheet, with charts that its reader can copy and change.

The same export, language and instant give the same bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.exports.xlsx_background import add_definitions, add_quality
from agents.exports.xlsx_book import Book
from agents.exports.xlsx_charts import ChartSheets
from agents.exports.xlsx_heat_maps import add_heat_maps
from agents.exports.xlsx_tables import add_channel, add_summary, add_topics

if TYPE_CHECKING:
    from streams.exports.model import Export
    from streams.organisations import Language


def xlsx_file(export: Export, language: Language, version: str, *, created: int) -> bytes:
    """The workbook.

    Args:
        export: what it shows.
        language: of every word in it.
        version: of the program, whose definitions hold.
        created: instant that it says it was made at.
    """
    book = Book(export, language, created=created)
    add_summary(book, version)
    charts = ChartSheets(book)
    for section in export.sections:
        add_channel(book, section)
    add_heat_maps(book)
    for section in export.sections:
        if section.topics:
            add_topics(book, section)
    add_quality(book)
    add_definitions(book)
    charts.draw()
    return book.close()
