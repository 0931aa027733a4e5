"""Whether pages and PDFs show what the oracle says, as far as their digits go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.conventions import TOTAL
from streams.exports.chapters import heat_name
from streams.exports.sentences import allowed, part_name, row_name
from streams.exports.words import WORDS
from tests.exports_displayed import Check
from tests.exports_oracle import Cell, HeatPlace
from tests.exports_readback import (
    NO_DATA,
    PageReader,
    are_level,
    lines_of,
    plain,
    read_number,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streams.exports.model import Part, Row, Section
    from tests.exports_displayed import Expected
    from tests.exports_readback import PdfWord, Table

DAY_LABEL, HALF_A_CELL = 60.0, 8.0
"""Points that the name of a day may stand left of the first hour, and a number beside its own."""


class PageChecks:
    """Goes through the tables of a page."""

    def __init__(self, expected: Expected, page: str) -> None:
        self._expected = expected
        self._words = WORDS[expected.language]
        self.tables = PageReader(page).tables

    def run(self) -> Iterator[Check]:
        """Every number in a table about contacts."""
        for section in self._expected.export.sections:
            tables = [table for table in self.tables if table.section == section.channel]
            total = next((part for part in section.parts if part.name == TOTAL), None)
            heats = self._heat_maps(section, total) if total else {}
            drawn = 0
            for table in tables:
                if table.caption == self._words.key_figures and total:
                    yield from self._figures(table, section, total)
                elif table.caption == self._words.by_part[section.channel]:
                    yield from self._parts(table, section)
                elif table.caption == self._words.topics:
                    yield from self._topics(table)
                elif self._words.by_hour in table.caption:
                    drawn += 1
                    name = table.caption.partition(f": {self._words.by_hour}")[0]
                    yield from self._heat(table, heats[name])
                else:
                    yield from self._survey(table, section)
            # Where few came, their shares by the hour would be noise, and are left out.
            yield Check(f"{section.channel}: heat maps", drawn, drawn > 0 or not heats)

    def _heat_maps(self, section: Section, part: Part) -> dict[str, tuple[str, str, str, str]]:
        """Whose heat maps the page may show, by the name in their caption."""
        rows, language = list(part.rows), self._expected.language
        return {
            plain(heat_name(section.channel, one, rows, language)): (
                section.channel, part.name, one.kpi, one.promise
            )
            for one in part.heat_maps
            if one.cells
        }  # fmt: skip

    def _figures(self, table: Table, section: Section, part: Part) -> Iterator[Check]:
        language = self._expected.language
        names = {plain(row_name(section.channel, row, language)): row for row in part.rows}
        for name, *texts in table.rows:
            row = names[name]
            cell = Cell(section.channel, part.name, row.kpi, row.promise, row.choice)
            now, basis, interval, *compared, _trend = texts
            values = self._expected.compared(cell)
            for text, value in zip([now, *compared], values, strict=True):
                yield self._number(f"{cell}", text, value)
            yield from self._basis(cell, basis)
            yield from self._interval(cell, interval)

    def _parts(self, table: Table, section: Section) -> Iterator[Check]:
        channel, language = section.channel, self._expected.language
        parts = {plain(part_name(channel, part, language)): part for part in section.parts}
        names = {
            plain(row_name(channel, row, language)): row
            for part in section.parts
            for row in part.rows
            if not row.promise
        }
        asked = [names[head] for head in table.head[1:] if head in names]
        promises: list[Row] = []
        part: Part | None = None
        for texts in table.rows:
            rest = texts
            if len(texts) > len(asked) and texts[0] in parts:
                part = parts[texts[0]]
                promises = [row for row in part.rows if row.kpi == "service_level"]
                for text, row in zip(texts[1:], asked, strict=False):
                    cell = Cell(channel, part.name, row.kpi, "", row.choice)
                    yield self._number(f"{cell}", text, self._expected.value(cell))
                rest = texts[1 + len(asked) :]
            if len(rest) > 1 and part is not None:
                row = promises.pop(0)
                cell = Cell(channel, part.name, row.kpi, row.promise, "")
                name, share, basis, _target, before, _trend = rest
                yield Check(f"{cell}", name, name == plain(allowed(row, language)))
                now, earlier, *_ = self._expected.compared(cell)
                yield self._number(f"{cell}", share, now)
                yield self._number(f"{cell}", before, earlier)
                yield from self._basis(cell, basis)
        yield Check("parts of the table", len(parts), len(parts) == len(section.parts))

    def _topics(self, table: Table) -> Iterator[Check]:
        export = self._expected.export
        for name, handled, before, share, resolution, coded in table.rows:
            for text, kpi, period in (
                (handled, "handled", export.period),
                (before, "handled", export.before),
                (share, "share", export.period),
                (resolution, "resolution", export.period),
                (coded, "coded_share", export.period),
            ):
                value = self._expected.topic(name, kpi, period)
                yield self._number(f"topic {name} {kpi}", text, value)

    def _heat(self, table: Table, place: tuple[str, str, str, str]) -> Iterator[Check]:
        days = [plain(day) for day in self._words.weekdays_short]
        is_share = self._expected.kpis[place[0], place[2]].unit == "ratio"
        for day, *texts in table.rows:
            for hour, text in zip(table.head[1:], texts, strict=True):
                where = HeatPlace(*place, days.index(day), int(hour))
                value = self._expected.heat(where)
                if text == "":
                    # Nothing was open and nobody came.
                    yield Check(f"{where}", text, not value)
                else:
                    shown = f"{text} %" if is_share and text != NO_DATA else text
                    yield self._number(f"{where}", shown, value)

    def _survey(self, table: Table, section: Section) -> Iterator[Check]:
        language, words = self._expected.language, self._words
        cells = {
            plain(f"{part_name('surveys', part, language)}, {words.choices[row.choice]}"): Cell(
                "surveys", part.name, row.kpi, "", row.choice
            )
            for part in section.parts
            for row in part.rows
            if row.kpi == "index"
        }
        for name, now, note, *compared in table.rows:
            cell = cells[name]
            for text, value in zip([now, *compared], self._expected.compared(cell), strict=True):
                yield self._number(f"{cell}", text, value)
            n = self._expected.value(cell._replace(kpi="answers"))
            yield Check(f"{cell}", note, f"{n:.0f}" in note.split())

    def _number(self, where: str, text: str, value: float | None) -> Check:
        shown = read_number(text, self._expected.language)
        if shown is None or value is None:
            return Check(where, text, shown is None and value is None)
        return Check(f"{where} {value}", text, shown.is_of(value))

    def _basis(self, cell: Cell, text: str) -> Iterator[Check]:
        opinion = self._expected.opinion(cell)
        if opinion is None or opinion.value is None or opinion.n is None:
            yield Check(f"{cell} rests on", text, text == "")
            return
        kept, _, n = text.rpartition(plain(self._words.of.format("", "")).join("  "))
        if opinion.numerator is not None:
            yield self._number(f"{cell} numerator", kept, opinion.numerator)
        yield self._number(f"{cell} n", n, opinion.n)

    def _interval(self, cell: Cell, text: str) -> Iterator[Check]:
        opinion = self._expected.opinion(cell)
        if opinion is None or opinion.value is None or opinion.lower is None:
            yield Check(f"{cell} interval", text, text == "")
            return
        low, _, high = text.partition(NO_DATA)
        yield self._number(f"{cell} lower", f"{low} %", opinion.lower)
        yield self._number(f"{cell} upper", high, opinion.upper)


def in_pdf(tables: Sequence[Table], words: list[PdfWord]) -> Iterator[Check]:
    """Whether each row of a page's tables about contacts stands on a line of its PDF.

    Names may be broken into lines, and so may the words of a trend, but never numbers. In heat
    maps each number must stand under its hour.
    """
    lines = lines_of(words)
    texts = [" ".join(word.text for word in line) for line in lines]
    for table in tables:
        if table.head[1:2] and table.head[1].isdigit():
            shown = list(_heat_maps_in_pdf(table, lines, words))
            right = {
                day: {hour: text for hour, text in zip(table.head[1:], cells, strict=True) if text}
                for day, *cells in table.rows
            }
            yield Check(f"{table.section} {table.caption}", shown, right in shown)
            continue
        for name, *cells in table.rows:
            numbers = " ".join(text for text in cells[:-1] if text)
            names = {text.partition(numbers)[0].strip() for text in texts if numbers in text}
            is_there = any(one in name or one.endswith(name) for one in names)
            yield Check(f"{table.section} {table.caption} {name}", numbers, is_there)


def _heat_maps_in_pdf(
    table: Table, lines: list[list[PdfWord]], words: list[PdfWord]
) -> Iterator[dict[str, dict[str, str]]]:
    """What stands by day and hour under each head with the hours of a table."""
    hours = table.head[1:]
    for line in lines:
        for begin in range(len(line) - len(hours) + 1):
            head = line[begin : begin + len(hours)]
            if [word.text for word in head] != hours:
                continue
            below = [w for w in words if w.page == head[0].page and w.down > head[0].down]
            left = head[0].right
            found: dict[str, dict[str, str]] = {}
            for day, *_ in table.rows:
                label = min(
                    (w for w in below if w.text == day and left - DAY_LABEL < w.right < left),
                    key=lambda word: word.down,
                    default=None,
                )
                if label is not None:
                    found[day] = {
                        min(head, key=lambda hour: abs(hour.right - cell.right)).text: cell.text
                        for cell in below
                        if are_level(cell, label)
                        and left - HALF_A_CELL < cell.right < head[-1].right + HALF_A_CELL
                    }
            yield found
