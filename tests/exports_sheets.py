"""Whether spreadsheets hold what the oracle says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from openpyxl.utils.datetime import to_excel  # type: ignore[import-untyped]

from streams.exports.sentences import part_name
from streams.exports.words import WORDS
from streams.instants import DAY, SECOND
from tests.exports_displayed import Check
from tests.exports_oracle import Cell, HeatPlace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.exports.model import Section
    from streams.kpis import Kpi
    from tests.exports_displayed import Expected


class SheetChecks:
    """Goes through a workbook that openpyxl has read."""

    def __init__(self, expected: Expected, workbook: Any) -> None:
        self._expected = expected
        self._words = WORDS[expected.language]
        self._sheets: dict[str, list[tuple[Any, ...]]] = {
            sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in workbook.worksheets
        }

    def run(self) -> Iterator[Check]:
        """Every number of every channel's sheet, of heat maps and of topics."""
        words, sections = self._words, self._expected.export.sections
        for section in sections:
            rows = self._sheets[words.channels[section.channel]]
            top = next(n for n, row in enumerate(rows) if row[0] == words.part[section.channel])
            yield from self._channel(section, rows[top], rows[top + 1 :])
            if section.topics:
                yield from self._topics(self._sheets[words.sheets["topics"]])
        yield from self._heat_maps(self._sheets[words.sheets["heat_maps"]])

    def _channel(
        self, section: Section, head: tuple[Any, ...], rows: list[tuple[Any, ...]]
    ) -> Iterator[Check]:
        words, language = self._words, self._expected.language
        place = {name: head.index(name) for name in head if name}
        first, last = place[words.promised] + 1, place[words.target]
        told = [(part, row) for part in section.parts for row in part.rows]
        yield Check(f"{section.channel}: rows", len(rows), len(rows) == len(told))
        for (part, row), shown in zip(told, rows, strict=False):
            cell = Cell(section.channel, part.name, row.kpi, row.promise, row.choice)
            kpi = self._expected.kpis[section.channel, row.kpi]
            name = part_name(section.channel, part, language)
            yield Check(f"{cell}", shown[0], shown[0] == name)
            yield Check(f"{cell}", shown[1], str(shown[1]).startswith(kpi.named(language)))
            for value, right in zip(shown[first:last], self._expected.compared(cell), strict=True):
                yield Check(f"{cell} {right}", value, _is_same(kpi, value, right))
            opinion = self._expected.opinion(cell)
            for head_of, field in (
                (words.lowest, "lower"),
                (words.highest, "upper"),
                (words.rests_on, "n"),
                (words.numerator, "numerator"),
                (words.undecided, "pending"),
            ):
                value, right = shown[place[head_of]], getattr(opinion, field, None)
                is_right = _is_close(value, right) or (not value and not right)
                yield Check(f"{cell} {field} {right}", value, is_right)

    def _topics(self, rows: list[tuple[Any, ...]]) -> Iterator[Check]:
        export = self._expected.export
        top = next(n for n, row in enumerate(rows) if row[0] == self._words.topic)
        for name, handled, before, share, _n, coded, _of, resolution, _k, _on in rows[top + 1 :]:
            for value, kpi, period in (
                (handled, "handled", export.period),
                (before, "handled", export.before),
                (share, "share", export.period),
                (coded, "coded_share", export.period),
                (resolution, "resolution", export.period),
            ):
                right = self._expected.topic(name, kpi, period)
                yield Check(f"topic {name} {kpi} {right}", value, _is_close(value, right))

    def _heat_maps(self, rows: list[tuple[Any, ...]]) -> Iterator[Check]:
        maps = [
            ((section.channel, part.name, heat_map.kpi, heat_map.promise), len(heat_map.cells))
            for section in self._expected.export.sections
            for part in section.parts
            for heat_map in part.heat_maps
            if heat_map.cells
        ]
        tops = [n for n, row in enumerate(rows) if row[0] == self._words.weekday]
        yield Check("heat maps", len(tops), len(tops) == len(maps))
        days = [day.capitalize() for day in self._words.weekdays]
        for (place, cells), top in zip(maps, tops, strict=False):
            count = 0
            for day, *values in rows[top + 1 :]:
                if day not in days:
                    break
                for hour, value in zip(rows[top][1:], values, strict=True):
                    if hour is None:
                        continue
                    where = HeatPlace(*place, days.index(day), int(hour))
                    right = self._expected.heat(where)
                    count += value is not None
                    is_right = _is_close(value, right) or (value is None and not right)
                    yield Check(f"{where} {right}", value, is_right)
            yield Check(f"{place}: cells", count, count <= cells)


def _is_same(kpi: Kpi, value: Any, right: float | None) -> bool:
    """Times are parts of a day in spreadsheets; openpyxl reads them to the second, as shown."""
    if kpi.unit != "seconds" or value is None or right is None:
        return _is_close(value, right)
    days = value if isinstance(value, int | float) else to_excel(value)
    return bool(abs(days * DAY / SECOND - right) < 0.501)


def _is_close(value: Any, right: float | None) -> bool:
    if value is None or right is None:
        return value is right
    return abs(float(value) - right) <= 1e-9 * max(1.0, abs(right))
