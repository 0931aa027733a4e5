"""The workbook of an export: how its cells look, and what all of its sheets have in common."""

from __future__ import annotations

from io import BytesIO
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Final

from xlsxwriter import Workbook  # type: ignore[import-untyped]

from agents.exports.xlsx_looks import (
    COUNT,
    INDEX,
    SHARE,
    SMALL_MEAN,
    TIME,
    Cell,
    Column,
    Look,
    Value,
    format_properties,
)
from streams.exports.numbers import EXACT_BELOW, capital, period_name, rounded
from streams.exports.sentences import completeness, hours_explained, organisation_name
from streams.exports.words import WORDS
from streams.instants import DAY, SECOND, to_datetime

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from streams.exports.model import Export
    from streams.kpis.definition import Unit
    from streams.organisations import Language

LINE_HEIGHT, TITLE_HEIGHT = 13.5, 26.0
"""Of a line of text in points; programs do not agree on when to make a row higher by themselves."""
LETTERS, BOLD_LETTERS = 1.25, 0.9
"""How many letters fit where a digit would, on the safe side."""
LONGEST_NAME: Final = 31
FORBIDDEN: Final = str.maketrans(dict.fromkeys("[]:*?/\\", " "))
"""What Excel allows in no name of a sheet."""
LANDSCAPE_A4: Final = 9
LONGEST_FOOTER: Final = 120


class Book:
    """A workbook under construction; `close` gives its bytes.

    Attributes:
        export, language, words: what it shows, and how it speaks.
    """

    def __init__(self, export: Export, language: Language, *, created: int) -> None:
        """An empty workbook that says it was made at an instant."""
        self.export = export
        self.language: Language = language
        self.words = WORDS[language]
        self._stream = BytesIO()
        self._workbook = Workbook(self._stream, {"in_memory": True})
        self._formats: dict[Cell, Any] = {}
        self._names: set[str] = set()
        self._completeness = completeness(export, language)
        self._period = period_name(export.period, self.words)
        self._report = self.words.report[export.period.kind]
        self._organisation = organisation_name(export, language)
        self._workbook.set_properties(
            {
                "title": f"{self._report}, {self._period}",
                "subject": self._organisation,
                "author": "Kontaktpuls",
                "created": to_datetime(created // SECOND * SECOND).replace(tzinfo=None),
            }
        )

    def close(self) -> bytes:
        """The finished file."""
        self._workbook.close()
        return self._stream.getvalue()

    def sheet(self, name: str, widths: Sequence[float]) -> Sheet:
        """A new sheet with its title, whose period it is, and how far it can be trusted.

        Args:
            name: on its tab.
            widths: of its columns, in characters.
        """
        worksheet = self._workbook.add_worksheet(self._free_name(name))
        worksheet.hide_gridlines(2)
        worksheet.set_row(0, TITLE_HEIGHT)
        for column, width in enumerate(widths):
            worksheet.set_column(column, column, width)
        worksheet.set_landscape()
        worksheet.set_paper(LANDSCAPE_A4)
        worksheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
        worksheet.fit_to_pages(1, 0)
        whose = self._organisation[:LONGEST_FOOTER].replace("&", "&&")
        pages = self.words.page_of.format("&P", "&N")
        worksheet.set_footer(f"&L&8{whose}&C&8{self._report}, {self._period}&R&8{pages}")
        sheet = Sheet(self, worksheet, widths)
        sheet.line(f"{self._organisation}: {name}", "title")
        sheet.line(f"{self._report}, {self._period}", "quiet")
        sheet.line(self._completeness.heading, self._completeness.level)
        return sheet

    def chart(self) -> Any:
        """A new line chart of XlsxWriter."""
        return self._workbook.add_chart({"type": "line"})

    def format_of(self, cell: Cell) -> Any:
        """The format of a cell; alike cells share one."""
        # What is written makes no difference to how.
        key = cell._replace(value=None)
        found = self._formats.get(key)
        if found is None:
            looks = format_properties(key)
            found = self._formats[key] = self._workbook.add_format(looks)
        return found

    def value(self, unit: Unit, value: float | None, look: Look = "plain") -> Cell:
        """A KPI's value in its unit.

        Times become parts of a day, as spreadsheets count them, and whole seconds: some programs
        round what they show and others cut it off.
        """
        if value is None:
            return Cell(None, "", look)
        if unit == "ratio":
            return Cell(value, SHARE, look)
        if unit == "seconds":
            return Cell(int(rounded(value)) * SECOND / DAY, TIME, look)
        if unit == "index":
            return Cell(value, INDEX, look)
        if unit == "flag":
            return Cell(value, f'"{self.words.yes}";;"{self.words.no}"', look)
        is_mean = abs(value) < EXACT_BELOW and value != int(value)
        return Cell(value, SMALL_MEAN if is_mean else COUNT, look)

    def _free_name(self, name: str) -> str:
        """A name that Excel allows and no other sheet has."""
        legal = name.translate(FORBIDDEN).strip(" '")[:LONGEST_NAME] or "-"
        free, number = legal, 2
        while free.casefold() in self._names:
            ending = f" {number}"
            free, number = legal[: LONGEST_NAME - len(ending)] + ending, number + 1
        self._names.add(free.casefold())
        return free


class Sheet:
    """One sheet, written from the top down.

    Attributes:
        worksheet: what XlsxWriter knows of it.
        row: the next one to be written.
    """

    def __init__(self, book: Book, worksheet: Any, widths: Sequence[float]) -> None:
        self.book = book
        self.worksheet = worksheet
        self.row = 0
        self._widths = widths

    @property
    def name(self) -> str:
        """As on its tab."""
        return str(self.worksheet.get_name())

    def line(self, text: str, look: Look = "plain") -> None:
        """A line of text that may run on over the empty cells beside it."""
        self.write(0, Cell(text, look=look))
        self.row += 1

    def heading(self, text: str) -> None:
        """An empty line, and the name of what follows."""
        self.row += 1
        self.line(capital(text), "strong")

    def reasons(self) -> None:
        """Why the numbers are final or not, and why the period has an hour more or fewer."""
        book = self.book
        for reason in completeness(book.export, book.language).reasons:
            self.line(reason)
        hours = hours_explained(book.export, book.words)
        if hours:
            self.line(hours)

    def head(self, columns: Sequence[Column]) -> None:
        """The heads of columns, over their numbers or texts."""
        lines = 1
        for place, column in enumerate(columns):
            is_apart = place > 0 and not column.is_number
            cell = Cell(column.head, look="head", right=column.is_number, apart=is_apart)
            self.write(place, cell)
            lines = max(lines, _lines(column.head, self._widths[place] * BOLD_LETTERS))
        self.worksheet.set_row(self.row, (lines + 0.5) * LINE_HEIGHT)
        self.row += 1

    def cells(self, cells: Sequence[Cell | Value], *, ruled: bool = False) -> None:
        """A row, perhaps with a line over it; bare values are written plainly."""
        lines = 1
        for place, given in enumerate(cells):
            cell = given if isinstance(given, Cell) else Cell(given)
            is_text = isinstance(cell.value, str)
            self.write(place, cell._replace(ruled=ruled, apart=is_text and place > 0))
            if cell.wrap and isinstance(cell.value, str):
                lines = max(lines, _lines(cell.value, self._widths[place] * LETTERS))
        if lines > 1:
            self.worksheet.set_row(self.row, lines * LINE_HEIGHT)
        self.row += 1

    def write(self, column: int, cell: Cell) -> None:
        """A cell of the row at hand; a text stays a text, whatever it begins with."""
        look = self.book.format_of(cell)
        if cell.value is None:
            self.worksheet.write_blank(self.row, column, None, look)
        elif isinstance(cell.value, str):
            self.worksheet.write_string(self.row, column, cell.value, look)
        else:
            self.worksheet.write_number(self.row, column, cell.value, look)

    def long_table(self, columns: Sequence[Column], rows: Iterable[Sequence[Cell | Value]]) -> None:
        """A table that may be filtered, whose head stays in sight and on every printed page.

        A line divides what differs in the first column.
        """
        top = self.row
        self.head(columns)
        before: Cell | Value = None
        for row in rows:
            self.cells(row, ruled=row[0] != before and self.row > top + 1)
            before = row[0]
        self.worksheet.autofilter(top, 0, max(top + 1, self.row - 1), len(columns) - 1)
        self.worksheet.freeze_panes(top + 1, 0)
        self.worksheet.repeat_rows(top)


def _lines(text: str, width: float) -> int:
    return len(wrap(text, max(1, int(width)))) or 1
