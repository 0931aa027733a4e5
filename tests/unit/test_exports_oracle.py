"""Exports agree with a second opinion: eight weeks that are easily counted wrong, cell by cell.

The opinion is SQL over the raw events (`tests/exports_oracle.sql`). Here the weeks are quiet and
formats are made of two of them only; `pytest --hypothesis-profile=explore` takes the volumes of a
municipality, and makes every format of every week in both languages.
"""

from __future__ import annotations

import csv
from codecs import BOM_UTF8
from io import BytesIO
from typing import TYPE_CHECKING

import hypothesis
import msgspec
import openpyxl  # type: ignore[import-untyped]
import pytest

from agents.exports.csv_file import csv_file
from agents.exports.json_file import Document, json_file
from agents.exports.page import html_file
from agents.exports.pdf import pdf_file
from agents.exports.xlsx_file import xlsx_file
from streams.exports.model import Figure
from streams.exports.periods import Period
from tests.eight_weeks import EXPORTED
from tests.exports_agreement import Telling, Where, agrees
from tests.exports_displayed import Expected
from tests.exports_pages import PageChecks, in_pdf
from tests.exports_readback import PageReader, words_of_pdf
from tests.exports_sheets import SheetChecks

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streams.organisations import Language
    from tests.exports_displayed import Check

pytestmark = pytest.mark.timeout(3_600)
"""For the full weeks; the quiet ones take seconds."""

FULL = "explore"
VERSION = "test"
LONGER = (Period("month", 2026, 3), Period("month", 2026, 10), Period("year", 2026))
CLOCKS_GO_BACK, UNDECIDED = Period("week", 2026, 43), EXPORTED[-1]
OF_EACH_FORMAT: list[tuple[Period, Language]] = [(CLOCKS_GO_BACK, "sv"), (UNDECIDED, "en")]


def is_full() -> bool:
    """Whether time is no object."""
    return hypothesis.settings.get_current_profile_name() == FULL


@pytest.fixture(scope="module")
def telling() -> Telling:
    """The eight weeks, told to the product and to the oracle."""
    return Telling(calls=6_500 if is_full() else 120)


def asked(period: Period, language: Language) -> list[tuple[Period, Language]]:
    """One week in one language; every week in both where time is no object."""
    if not is_full():
        return [(period, language)]
    return [(one, spoken) for one in EXPORTED for spoken in ("sv", "en")]


def assert_right(checks: Iterable[Check]) -> int:
    """How much was shown; all of it right."""
    done = list(checks)
    wrong = [check for check in done if not check.is_right]

    assert not wrong, f"{len(wrong)} of {len(done)}, such as {wrong[:5]}"
    return len(done)


@pytest.mark.parametrize("period", [*EXPORTED, *LONGER], ids=lambda period: period.label)
def test_every_figure_is_what_the_raw_events_say(telling: Telling, period: Period) -> None:
    """Each KPI of each part and promise, heat maps, topics, and every period compared with."""
    said = list(telling.everything(telling.export(period)))
    wrong = [one for one in said if not agrees(one[1], one[2])]

    assert not wrong, f"{len(wrong)} of {len(said)}, such as {wrong[:5]}"
    assert len(said) > 4_000


def test_the_weeks_are_as_long_as_the_clocks_make_them(telling: Telling) -> None:
    """A week has 167 or 169 hours where the clocks are changed, and a long year a week 53."""
    hours = {period.label: telling.export(period).hours for period in EXPORTED}

    assert hours == {
        "2026-W12": 168, "2026-W13": 167, "2026-W14": 168, "2026-W43": 169, "2026-W44": 168,
        "2026-W52": 168, "2026-W53": 168, "2027-W01": 168,
    }  # fmt: skip


def test_what_is_undecided_is_said(telling: Telling) -> None:
    """The newest week still waits for answers; the weeks before it are final."""
    newest = telling.export(UNDECIDED).quality
    cells = telling.opinions(UNDECIDED)
    pending = {
        channel: sum(
            opinion.pending
            for cell, opinion in cells.items()
            if (cell.channel, cell.kpi) == (channel, "missed") and _counts_once(cell)
        )
        for channel in ("calls", "emails")
    }

    assert newest.complete
    assert not newest.final
    assert {q.channel: q.pending for q in newest.channels if q.channel in pending} == pending
    assert pending["emails"]
    assert telling.export(CLOCKS_GO_BACK).quality.final


def _counts_once(cell: tuple[str, ...]) -> bool:
    """In the total if the promise holds there, else in its part."""
    _channel, part, _kpi, promise, _choice = cell
    return part == "" or promise in ("switchboard-in-60-seconds", "bygg-in-ten")


@pytest.mark.parametrize(("period", "language"), OF_EACH_FORMAT)
def test_the_json_says_the_same(telling: Telling, period: Period, language: Language) -> None:
    """Read back it is the export, and every figure of it is right."""
    for one, _ in asked(period, language):
        document = msgspec.json.decode(json_file(telling.export(one)), type=Document)

        assert all(agrees(figure, right) for _, figure, right in telling.everything(document))


@pytest.mark.parametrize(("period", "language"), OF_EACH_FORMAT)
def test_the_csv_says_the_same(telling: Telling, period: Period, language: Language) -> None:
    """Each row is a figure, each figure a row, to the last digit."""
    for one, spoken in asked(period, language):
        content = csv_file(telling.export(one), spoken).removeprefix(BOM_UTF8).decode()
        rows = [row for row in csv.DictReader(content.splitlines()) if row["view"] != "quality"]
        said = {where_of(row): figure_of(row) for row in rows}
        right = {where: opinion for where, _, opinion in telling.everything(telling.export(one))}

        assert len(said) == len(rows)
        assert said.keys() == right.keys()
        assert all(agrees(said[where], opinion) for where, opinion in right.items())


def where_of(row: dict[str, str]) -> Where:
    """What a row of the table is about."""
    return Where(**{name: row[name] for name in Where._fields})


def figure_of(row: dict[str, str]) -> Figure:
    """What it says."""
    whole = {name: int(row[name]) if row[name] else None for name in ("n", "numerator")}
    parts = {name: float(row[name]) if row[name] else None for name in ("value", "lower", "upper")}
    return Figure(pending=int(row["pending"]), **whole, **parts)  # type: ignore[arg-type]


@pytest.mark.parametrize(("period", "language"), OF_EACH_FORMAT)
def test_the_spreadsheet_shows_the_same(
    telling: Telling, period: Period, language: Language
) -> None:
    """Every cell of channels, topics and heat maps, as openpyxl reads it."""
    for one, spoken in asked(period, language):
        export = telling.export(one)
        content = xlsx_file(export, spoken, VERSION, created=telling.as_of)
        workbook = openpyxl.load_workbook(BytesIO(content), data_only=True)

        assert assert_right(SheetChecks(Expected(telling, export, spoken), workbook).run()) > 5_000


@pytest.mark.parametrize(("period", "language"), OF_EACH_FORMAT)
def test_the_page_shows_the_same(telling: Telling, period: Period, language: Language) -> None:
    """Every number in its tables, as far as its digits go."""
    for one, spoken in asked(period, language):
        export = telling.export(one)
        page = html_file(export, spoken, VERSION).decode()

        assert assert_right(PageChecks(Expected(telling, export, spoken), page).run()) > 500


@pytest.mark.parametrize(("period", "language"), OF_EACH_FORMAT[:1])
def test_the_pdf_shows_the_same(telling: Telling, period: Period, language: Language) -> None:
    """Every row of the page's tables stands in the PDF, its numbers side by side."""
    for one, spoken in asked(period, language):
        export = telling.export(one)
        shown = {section.channel for section in export.sections}
        page = html_file(export, spoken, VERSION).decode()
        tables = [table for table in PageReader(page).tables if table.section in shown]
        words = words_of_pdf(pdf_file(export, spoken, VERSION, telling.as_of))

        assert assert_right(in_pdf(tables, words)) > 50
