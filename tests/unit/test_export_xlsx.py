"""The spreadsheet of an export, read back by another library: everything is there, nothing more."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

import msgspec
import pytest
from openpyxl import load_workbook  # type: ignore[import-untyped]
from openpyxl.utils.datetime import to_excel  # type: ignore[import-untyped]

from agents.exports.xlsx_file import xlsx_file
from streams.conventions import TOTAL
from streams.exports.chapters import chapters, heads, promises
from streams.exports.model import Chart, Figure
from streams.exports.numbers import capital, rounded
from streams.exports.sentences import KPI_OF, part_name, promise_name
from streams.exports.words import WORDS
from streams.instants import parse_rfc3339
from streams.kpis import KPIS
from tests.sample_export import sample_export

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.exports.model import Part, Row, Section
    from streams.organisations import Channel, Language

EXPORT = sample_export()
CREATED = parse_rfc3339(EXPORT.made_at)
LANGUAGES = list(WORDS)
LEGAL_NAME = re.compile(r"[^\[\]:*?/\\]{1,31}")
TITLE_ROWS = 3
NUMBERS_FROM = 4
"""The first column of numbers of a channel's sheet, counted from 1."""


@lru_cache(maxsize=8)
def bytes_of(language: Language) -> bytes:
    """The file."""
    return xlsx_file(EXPORT, language, "1.2.3", created=CREATED)


@lru_cache(maxsize=8)
def book(language: Language) -> Any:
    """The workbook as a spreadsheet program has it."""
    return load_workbook(BytesIO(bytes_of(language)))


def rows_below(sheet: Any, head: str) -> list[tuple[Any, ...]]:
    """The rows of the table whose first head is this, up to an empty line."""
    (top,) = (cell.row for (cell,) in sheet.iter_rows(max_col=1) if cell.value == head)
    rows = []
    for cells in sheet.iter_rows(min_row=top + 1):
        if all(cell.value is None for cell in cells):
            break
        rows.append(cells)
    return rows


def seen(cell: Any) -> float | str | None:
    """What a cell holds; times in seconds, numbers to the digits that spreadsheets keep."""
    value = cell.value
    if isinstance(value, datetime):
        value = to_excel(value) * 86_400
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if isinstance(value, time):
        value = value.hour * 3600 + value.minute * 60 + value.second
    assert value is None or isinstance(value, (int, float, str))
    return value if isinstance(value, str) else kept(value)


def kept(value: float | None) -> float | None:
    """A number to 15 digits, as many as spreadsheets keep."""
    return None if value is None else float(f"{value:.15g}")


def held(channel: Channel, row: Row, figure: Figure) -> float | None:
    """What a cell should hold: the value itself, of times whole seconds."""
    if figure.value is None or KPI_OF[channel, row.kpi].unit != "seconds":
        return kept(figure.value)
    return float(rounded(figure.value))


def rows_of(section: Section) -> Iterator[tuple[Part, Row]]:
    """Every KPI of every part."""
    return ((part, row) for part in section.parts for row in part.rows)


def channel_sheet(section: Section, language: Language) -> list[tuple[Any, ...]]:
    """The table of a channel."""
    words = WORDS[language]
    return rows_below(book(language)[words.channels[section.channel]], words.part[section.channel])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("section", EXPORT.sections, ids=lambda section: section.channel)
def test_a_channel_s_sheet_has_every_value_and_no_other(
    section: Section, language: Language
) -> None:
    """Each KPI of each part in its order, each comparison, and what it rests on."""
    expected = [
        (
            part_name(section.channel, part, language),
            *(
                held(section.channel, row, f)
                for f in (row.now, row.before, row.year_before, row.recent)
            ),
            *map(kept, (row.target, row.now.lower, row.now.upper, row.now.n)),
            *map(kept, (row.now.pending or None, row.now.numerator)),
        )
        for part, row in rows_of(section)
    ]

    found = [
        (cells[0].value, *(seen(cell) for cell in cells[NUMBERS_FROM - 1 : -2]))
        for cells in channel_sheet(section, language)
    ]

    assert found == expected


@pytest.mark.parametrize("language", LANGUAGES)
def test_kpi_and_promise_can_be_filtered_by(language: Language) -> None:
    """They stand in columns of their own, in the words of the registry and of the page."""
    words = WORDS[language]
    for section in EXPORT.sections:
        for cells, (_, row) in zip(channel_sheet(section, language), rows_of(section), strict=True):
            choice = f": {words.choices[row.choice]}" if row.choice else ""
            named = KPI_OF[section.channel, row.kpi].named(language)
            promise = capital(promise_name(section.channel, row, language))

            assert cells[1].value == named + choice
            assert cells[2].value == (promise if row.promise else None)


@pytest.mark.parametrize("language", LANGUAGES)
def test_numbers_are_written_by_their_unit(language: Language) -> None:
    """Per cent with a decimal, times as times, an index with a decimal, yes and no in words."""
    formats: dict[str, set[str]] = {}
    for section in EXPORT.sections:
        for cells, (_, row) in zip(channel_sheet(section, language), rows_of(section), strict=True):
            unit = KPI_OF[section.channel, row.kpi].unit
            formats.setdefault(unit, set()).update(
                cell.number_format for cell in cells[3:7] if cell.value is not None
            )
    words = WORDS[language]

    assert formats == {
        "count": {"#,##0", "#,##0.0"},
        "ratio": {"0.0%"},
        "seconds": {"[<0.04166]m:ss;[h]:mm:ss"},
        "index": {"0.0"},
        "flag": {f'"{words.yes}";;"{words.no}"'},
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_summary_has_every_promise_and_how_many_came(language: Language) -> None:
    """First the promises, those of a single queue too, then the volume of each channel."""
    words = WORDS[language]
    cells_of = rows_below(book(language)[words.summary], words.channel)
    shown = [(s.channel, row) for s in EXPORT.sections for _, row in promises(s)] + [
        (section.channel, row)
        for section in EXPORT.sections
        for part, row in rows_of(section)
        if part.name == TOTAL and row.kpi == KPIS[section.channel][0].name
    ]

    assert [tuple(seen(cell) for cell in cells[2:6]) for cells in cells_of] == [
        tuple(held(channel, row, f) for f in (row.now, row.before, row.year_before, row.recent))
        for channel, row in shown
    ]
    assert cells_of[0][12].value == words.trends["better"]
    assert [
        cells[11].value.startswith(words.provisional) for cells in cells_of if cells[11].value
    ] == [row.now.pending > 0 for _, row in shown if row.target is not None]
    assert {cells[0].value for cells in cells_of} >= {words.channels["emails"]}


@pytest.mark.parametrize("language", LANGUAGES)
def test_heat_maps_have_every_hour(language: Language) -> None:
    """Hours with nothing to say are empty; colours come with every table."""
    words = WORDS[language]
    sheet = book(language)[words.sheets["heat_maps"]]
    maps = [m for s in EXPORT.sections for part in s.parts for m in part.heat_maps]
    tops = [cell.row for (cell,) in sheet.iter_rows(max_col=1) if cell.value == words.weekday]

    assert len(tops) == len(maps) == len(sheet.conditional_formatting)
    for top, heat_map in zip(tops, maps, strict=True):
        hours = [int(cell.value) for cell in sheet[top][1:] if cell.value is not None]
        for cell in heat_map.cells:
            column = hours.index(cell.hour) + 2
            shown = sheet.cell(top + 1 + cell.weekday, column)
            assert seen(shown) == kept(cell.figure.value)


@pytest.mark.parametrize("language", LANGUAGES)
def test_topics_are_all_there(language: Language) -> None:
    """Counts, shares, what they rest on; the rest of the topics has a name."""
    words = WORDS[language]
    found = rows_below(book(language)[words.sheets["topics"]], words.topic)
    topics = EXPORT.sections[0].topics

    assert [tuple(seen(cell) for cell in cells) for cells in found] == [
        (
            topic.name or words.other_topics,
            *map(kept, (topic.handled.value, topic.before.value)),
            *map(kept, (topic.share.value, topic.share.n)),
            *map(kept, (topic.coded_share.value, topic.coded_share.n)),
            *map(kept, (topic.resolution.value, topic.resolution.numerator, topic.resolution.n)),
        )
        for topic in topics
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_quality_is_told(language: Language) -> None:
    """Sources, channels, and what was rejected."""
    words, quality = WORDS[language], EXPORT.quality
    sheet = book(language)[words.sheets["quality"]]
    sources = rows_below(sheet, words.source)
    channels = rows_below(sheet, words.channel)
    letters = rows_below(sheet, words.reason)

    assert [cells[3].value for cells in sources] == [one.covered for one in quality.sources]
    assert [cells[2].value for cells in sources] == [
        "2026-11-23 05:58", "2026-11-19 14:12", "2026-11-23 05:00", None,
    ]  # fmt: skip
    assert [tuple(cell.value for cell in cells[1:5]) for cells in channels] == [
        (one.open_hours, one.silent_hours, one.decided, one.pending) for one in quality.channels
    ]
    assert [cells[1].value for cells in letters] == [3, 1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_occurs_is_defined(language: Language) -> None:
    """In the reader's language, with the name that the other formats use."""
    words = WORDS[language]
    found = rows_below(book(language)[words.sheets["definitions"]], words.channel)
    defined = {(cells[0].value, cells[5].value): cells[2].value for cells in found}

    for section in EXPORT.sections:
        for _, row in rows_of(section):
            kpi = KPI_OF[section.channel, row.kpi]
            assert defined[words.channels[section.channel], row.kpi] == kpi.defined(language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_charts_are_drawn_from_the_numbers_beside_them(language: Language) -> None:
    """A native chart of each promise and volume, whose cells hold the points of the model."""
    words = WORDS[language]
    data = book(language)[words.sheets["chart_data"]]
    charts = book(language)[words.sheets["charts"]]._charts
    drawn = [one for chapter in chapters(EXPORT, language) for one in chapter.drawn]

    assert len(charts) == len(drawn) == 5
    for chart, one in zip(charts, drawn, strict=True):
        lines = {line.tx.v: cells(data, line.val.numRef.f) for line in chart.series}
        points = one.row.chart.points
        last = [None] * (len(points) - 1) + [kept(points[-1].figure.value)]

        assert lines[words.value] == [kept(point.figure.value) for point in points]
        assert last in lines.values()
        if one.row.chart.centre is not None:
            assert set(lines[words.centre]) == {kept(one.row.chart.centre)}
            assert lines[words.low_limit] == [kept(point.low) for point in points]
            assert lines[words.high_limit] == [kept(point.high) for point in points]
        if one.row.target is not None:
            assert set(lines[words.target]) == {one.row.target}


def cells(sheet: Any, reference: str) -> list[Any]:
    """The values of a column that a chart refers to."""
    return [seen(cell) for (cell,) in sheet[reference.rpartition("!")[2].replace("$", "")]]


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_name_is_a_formula(language: Language) -> None:
    """A queue called `=Växel+1` is called so, and its chart has no formula for a title either."""
    kinds = {
        cell.data_type for sheet in book(language) for row in sheet.iter_rows() for cell in row
    }
    names = {part_name("calls", part, language) for part in EXPORT.sections[0].parts}
    found = {cells[0].value for cells in channel_sheet(EXPORT.sections[0], language)}

    assert kinds <= {"s", "n", "d"}
    assert found == names
    with ZipFile(BytesIO(bytes_of(language))) as file:
        titles = b"".join(file.read(name) for name in file.namelist() if "/charts/" in name)
    assert re.findall(rb"<c:f>(?!'?[^'!]+'?!\$)[^<]*</c:f>", titles) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sheet_can_be_found_and_printed(language: Language) -> None:
    """A legal name, landscape, as wide as a page, and whose and which week on each page."""
    for sheet in book(language):
        assert LEGAL_NAME.fullmatch(sheet.title)
        assert sheet.page_setup.orientation == "landscape"
        # One page wide is what a spreadsheet does unless it is told another number.
        assert (sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight) == (None, 0)
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert " && " in sheet.oddFooter.left.text or " & " in sheet.oddFooter.left.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_long_tables_keep_their_heads(language: Language) -> None:
    """In sight, on every page, and with a filter."""
    words = WORDS[language]
    long = [words.channels[section.channel] for section in EXPORT.sections] + [
        words.sheets[name] for name in ("topics", "definitions", "chart_data")
    ]
    for name in long:
        sheet = book(language)[name]
        top = int(re.findall(r"\d+", sheet.auto_filter.ref)[0])

        assert sheet.freeze_panes == f"A{top + 1}"
        assert sheet.print_title_rows == f"${top}:${top}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_not_final_says_so_in_words(language: Language) -> None:
    """On top of every sheet, and beside every share that may still change."""
    words = WORDS[language]

    assert {sheet.cell(TITLE_ROWS, 1).value for sheet in book(language)} == {words.incomplete}
    for section in EXPORT.sections:
        for row_cells, (_, row) in zip(
            channel_sheet(section, language), rows_of(section), strict=True
        ):
            assert row_cells[-1].value == (words.provisional if row.now.pending else None)


def test_a_final_week_says_that_too() -> None:
    """Whoever passes it on need not ask."""
    quality = msgspec.structs.replace(EXPORT.quality, complete=True, final=True)
    final = xlsx_file(sample_export(quality=quality), "sv", "1", created=CREATED)

    sheets = load_workbook(BytesIO(final))

    assert {sheet.cell(TITLE_ROWS, 1).value for sheet in sheets} == {WORDS["sv"].final}


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_number_is_wider_than_its_column(language: Language) -> None:
    """Nobody reads `####`."""
    for sheet in book(language):
        for column, cells_of in enumerate(sheet.iter_cols(), start=1):
            letter = cells_of[0].column_letter
            width = sheet.column_dimensions[letter].width
            longest = max((len(written(cell)) for cell in cells_of), default=0)

            assert longest + 1 <= width, f"{sheet.title}, column {column}"


def written(cell: Any) -> str:
    """About what a spreadsheet shows of a number."""
    value = seen(cell)
    if value is None or isinstance(value, str):
        return ""
    if ":" in cell.number_format:
        hours, rest = divmod(int(value), 3600)
        return f"{hours}:{rest // 60:02}:{rest % 60:02}"
    decimals = 1 if "0.0" in cell.number_format else 0
    return (
        f"{value * 100:.{decimals}f} %" if "%" in cell.number_format else f"{value:,.{decimals}f}"
    )


def test_the_same_export_gives_the_same_bytes() -> None:
    """The clock of the machine is nowhere in it, the one that was given is."""
    again = xlsx_file(EXPORT, "sv", "1.2.3", created=CREATED)
    later = xlsx_file(EXPORT, "sv", "1.2.3", created=CREATED + 60_000_000)

    assert again == bytes_of("sv") != later
    assert book("sv").properties.created == datetime(2026, 11, 23, 5)  # noqa: DTZ001
    with ZipFile(BytesIO(again)) as file:
        assert {entry.date_time for entry in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_an_empty_export_is_a_workbook_too() -> None:
    """An organisation that was configured a minute ago gets its sheets, without charts."""
    empty = sample_export(sections=(), as_of=None)

    sheets = load_workbook(BytesIO(xlsx_file(empty, "sv", "1", created=CREATED)))

    words = WORDS["sv"]
    assert sheets.sheetnames == [
        words.summary, words.sheets["quality"], words.sheets["definitions"],
    ]  # fmt: skip


def test_a_year_shows_the_year_before_once() -> None:
    """The same period a year earlier is the one before."""
    periods = {
        name: msgspec.convert({"kind": "year", "year": year}, type(EXPORT.period))
        for name, year in (("period", 2026), ("before", 2025), ("year_before", 2025))
    }
    year = sample_export(**periods)
    sheets = load_workbook(BytesIO(xlsx_file(year, "sv", "1", created=CREATED)))
    texts = [cell.value for cell in sheets["Telefon"][6]]
    head = heads(year, "sv")

    assert texts.count(head.before) == 1
    assert head.year_before == ""


def test_a_chart_needs_two_points() -> None:
    """A single week is no line."""
    sections = tuple(
        msgspec.structs.replace(section, parts=tuple(map(with_one_point, section.parts)))
        for section in EXPORT.sections
    )
    sheets = load_workbook(
        BytesIO(xlsx_file(sample_export(sections=sections), "sv", "1", created=CREATED))
    )

    assert WORDS["sv"].sheets["charts"] not in sheets.sheetnames


def with_one_point(part: Part) -> Part:
    """The part as it is in its first week."""
    rows = tuple(
        msgspec.structs.replace(row, chart=Chart(points=row.chart.points[-1:])) for row in part.rows
    )
    return msgspec.structs.replace(part, rows=rows)
