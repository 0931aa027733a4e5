"""The table of an export: each value once, with everything that says what it is."""

from __future__ import annotations

import csv
from collections import Counter
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import msgspec
import pytest

from agents.exports.csv_columns import COLUMNS
from agents.exports.csv_file import csv_chunks, csv_file
from agents.exports.csv_rows import FORMULA, harmless
from streams.conventions import TOTAL
from streams.exports.words import WORDS
from tests.sample_export import sample_export

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.exports.model import Figure
    from streams.organisations import Language

PAGE = Path(__file__).parents[2] / "docs" / "exports.md"
EXPORT = sample_export()
PLACES = (
    "view",
    "about",
    "channel",
    "part",
    "kpi",
    "promise",
    "choice",
    "weekday",
    "hour",
    "topic",
)
VALUES = ("value", "n", "numerator", "lower", "upper", "pending")
Row = dict[str, str]
Told = tuple[str, ...]


def table(language: Language = "sv") -> list[Row]:
    """What a program reads."""
    return list(csv.DictReader(StringIO(csv_file(EXPORT, language).decode("utf-8-sig"))))


def number(text: str) -> float | None:
    """A cell as a number; empty = no data."""
    return float(text) if text else None


def told(place: Told, figure: Figure) -> tuple[Told, tuple[float | None, ...]]:
    """A figure with where it belongs."""
    values = (figure.value, figure.n, figure.numerator, figure.lower, figure.upper, figure.pending)
    return place, values


def figures_of_the_model() -> Iterator[tuple[Told, tuple[float | None, ...]]]:
    """Every figure of the export."""
    for section in EXPORT.sections:
        for part in section.parts:
            whose = (section.channel, harmless(part.name))
            for row in part.rows:
                what = (*whose, row.kpi, row.promise, row.choice, "", "", "")
                yield told(("now", EXPORT.period.label, *what), row.now)
                yield told(("before", EXPORT.before.label, *what), row.before)
                yield told(("year_before", EXPORT.year_before.label, *what), row.year_before)
                yield told(("recent", "2026-W39/2026-W46", *what), row.recent)
                for point in row.chart.points:
                    yield told(("chart", point.period.label, *what), point.figure)
            for heat_map in part.heat_maps:
                for cell in heat_map.cells:
                    place = (str(cell.weekday), str(cell.hour), "")
                    what = (*whose, heat_map.kpi, heat_map.promise, "", *place)
                    yield told(("heat_map", EXPORT.period.label, *what), cell.figure)
        for topic in section.topics:
            for kpi, about, figure in (
                ("handled", EXPORT.period, topic.handled),
                ("topic_share", EXPORT.period, topic.share),
                ("coded_share", EXPORT.period, topic.coded_share),
                ("resolution", EXPORT.period, topic.resolution),
                ("handled", EXPORT.before, topic.before),
            ):
                what = (section.channel, TOTAL, kpi, "", "", "", "", harmless(topic.name))
                yield told(("topic", about.label, *what), figure)


def figures_of(rows: list[Row]) -> Iterator[tuple[Told, tuple[float | None, ...]]]:
    """The same, read back."""
    for row in rows:
        if row["view"] != "quality":
            yield tuple(row[place] for place in PLACES), tuple(number(row[v]) for v in VALUES)


def test_every_figure_is_in_the_table_and_no_other() -> None:
    """To the last digit, each exactly once."""
    assert Counter(figures_of(table())) == Counter(figures_of_the_model())


def test_charts_are_in_the_table() -> None:
    """Limits stand beside their points, the verdict beside the exported period."""
    rows = [row for row in table() if row["kpi"] == "service_level" and not row["part"]]
    now = next(row for row in rows if row["view"] == "now" and row["channel"] == "calls")
    (total, *_) = EXPORT.sections[0].parts
    (share,) = (row for row in total.rows if row.kpi == "service_level")
    points = [row for row in rows if row["view"] == "chart" and row["channel"] == "calls"]

    assert (now["trend"], now["rule"]) == ("better", "limits")
    assert number(now["centre"]) == share.chart.centre
    assert now["periods"] == str(share.chart.periods)
    assert [(number(p["low"]), number(p["high"])) for p in points] == [
        (point.low, point.high) for point in share.chart.points
    ]
    assert {row["target"] for row in points} == {"0.8"}


def test_quality_is_in_the_table() -> None:
    """Each source, each channel, each reason; and on every row whether it can be trusted."""
    rows = [row for row in table() if row["view"] == "quality"]
    quality = EXPORT.quality
    sources = [row for row in rows if row["kpi"] == "covered"]
    told_of = {(r["channel"], r["kpi"]): number(r["value"]) for r in rows if r["kpi"] != "covered"}
    letters = {r["choice"]: number(r["value"]) for r in rows if r["kpi"] == "dead_letters"}

    assert [
        (row["source"], row["channel"], row["through"] or None, number(row["value"]))
        for row in sources
    ] == [(one.name, one.channel, one.through, one.covered) for one in quality.sources]
    for one in quality.channels:
        assert told_of[one.channel, "open_hours"] == one.open_hours
        assert told_of[one.channel, "silent_hours"] == one.silent_hours
        assert told_of[one.channel, "decided"] == one.decided
        assert told_of[one.channel, "pending"] == one.pending
    assert letters == quality.dead_letters
    assert {(row["complete"], row["final"]) for row in table()} == {("false", "false")}


@pytest.mark.parametrize(
    ("known", "value"), [pytest.param(None, "", id="nobody knows"), pytest.param({}, "0", id="0")]
)
def test_no_dead_letters_differ_from_unknown_ones(known: dict[str, int] | None, value: str) -> None:
    """Nothing known is an empty cell, nothing rejected is 0."""
    quality = msgspec.structs.replace(EXPORT.quality, dead_letters=known)
    text = csv_file(sample_export(quality=quality), "en").decode("utf-8-sig")
    (row,) = (r for r in csv.DictReader(StringIO(text)) if r["kpi"] == "dead_letters")

    assert row["value"] == value


def test_periods_have_their_local_bounds() -> None:
    """Summer time begins and ends inside what is compared."""
    spans = {row["about"]: (row["from"], row["to"]) for row in table()}

    assert spans["2026-W47"] == (EXPORT.start, EXPORT.end)
    assert spans["2026-W43"] == ("2026-10-19T00:00:00+02:00", "2026-10-26T00:00:00+01:00")
    assert spans["2026-W39/2026-W46"] == ("2026-09-21T00:00:00+02:00", EXPORT.start)


def test_no_text_is_taken_for_a_formula() -> None:
    """An apostrophe stands before it; the rest of the name is untouched."""
    rows = table()
    columns = [name for name in COLUMNS if name not in ("value", "low", "lower")]
    suspicious = [row[name] for row in rows for name in columns if row[name].startswith(FORMULA)]

    assert suspicious == []
    assert "'=Växel+1" in {row["part_name"] for row in rows}
    assert '\'=HYPERLINK("http://exempel.example")' in {row["topic"] for row in rows}
    assert "Bygg & miljö <ny>" in {row["part_name"] for row in rows}


@pytest.mark.parametrize("language", list(WORDS))
def test_names_speak_the_language_and_nothing_else_changes(language: Language) -> None:
    """A program reads the same table whichever language it was asked for in."""
    names = ("part_name", "kpi_name")
    mine, swedish = table(language), table("sv")

    assert {row["kpi_name"] for row in mine if row["kpi"] == "offered"} == {
        {"sv": "Inkomna samtal", "en": "Calls offered"}[language]
    }
    for row, other in zip(mine, swedish, strict=True):
        assert {k: v for k, v in row.items() if k not in names} == {
            k: v for k, v in other.items() if k not in names
        }


def test_another_reader_agrees(tmp_path: Path) -> None:
    """DuckDB finds head, types and every row by itself, the byte order mark notwithstanding."""
    file = tmp_path / "week.csv"
    file.write_bytes(csv_file(EXPORT, "sv"))
    with duckdb.connect() as connection:
        found = connection.execute("from read_csv(?, sample_size = -1)", [str(file)])
        columns = [column[0] for column in found.description or ()]
        rows = found.fetchall()
    values = {type(row[columns.index("value")]) for row in rows}

    assert columns == list(COLUMNS)
    assert values == {float, type(None)}
    assert len(rows) == len(table())


def test_several_exports_share_one_head() -> None:
    """All municipalities in one table: the second begins where the first ends."""
    other = sample_export(organisation="grannkommun")
    text = b"".join(csv_chunks((EXPORT, other), "sv")).decode("utf-8-sig")
    rows = list(csv.DictReader(StringIO(text)))

    assert Counter(row["organisation"] for row in rows) == {
        "exempelkommun": len(table()),
        "grannkommun": len(table()),
    }


def test_the_page_lists_every_column_in_order() -> None:
    """Whoever reads the table finds each of its columns explained."""
    section = PAGE.read_text(encoding="utf-8").split("\n## The table\n")[1].split("\n## ")[0]
    listed = [line.split("`")[1] for line in section.splitlines() if line.startswith("| `")]
    (head,) = list(csv.reader(StringIO(csv_file(EXPORT, "sv").decode("utf-8-sig"))))[:1]

    assert listed == head == list(COLUMNS)
