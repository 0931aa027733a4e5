"""Control charts: every point where it belongs, and the picture in words."""

from __future__ import annotations

import re
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

from agents.exports.charts import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, apart, axis, chart_svg
from streams.exports.chapters import Drawn
from streams.exports.model import Chart, Figure, Point, Row, Trend
from streams.exports.periods import Period, periods_before
from streams.exports.sentences import KPI_OF

WEEK = Period("week", 2027, 3)
NONE = Figure()
SVG = "{http://www.w3.org/2000/svg}"


def drawn(
    values: list[float | None],
    *,
    kpi: str = "service_level",
    limits: tuple[float, float] | None = None,
    pending: int = 0,
    target: float | None = None,
    trend: Trend = "stable",
    name: str = "Svar inom 2 min",
) -> Drawn:
    """A chart of these weeks, the last one exported."""
    low, high = limits or (None, None)
    periods = [*periods_before(WEEK, len(values) - 1), WEEK]
    points = tuple(
        Point(
            period=period,
            figure=Figure(value=value, pending=pending if period == WEEK else 0),
            low=low,
            high=high,
        )
        for period, value in zip(periods, values, strict=True)
    )
    known = [value for value in values if value is not None]
    centre = sum(known) / len(known) if limits else None
    chart = Chart(points=points, centre=centre, trend=trend, periods=len(known))
    row = Row(
        kpi=kpi, target=target, now=points[-1].figure, before=NONE, year_before=NONE,
        recent=NONE, chart=chart,
    )  # fmt: skip
    return Drawn(name=name, kpi=KPI_OF["calls", kpi], row=row, trend="", is_signal=False)


def picture(chart: Drawn) -> ET.Element:
    """The picture as a tree, well-formed."""
    return ET.fromstring(chart_svg(chart, "sv", "c"))  # noqa: S314 - made here


def places(root: ET.Element) -> list[tuple[float, float]]:
    """Where the points are, from left to right."""
    circles = [(float(c.attrib["cx"]), float(c.attrib["cy"])) for c in root.iter(f"{SVG}circle")]
    squares = [
        (
            float(r.attrib["x"]) + float(r.attrib["width"]) / 2,
            float(r.attrib["y"]) + float(r.attrib["height"]) / 2,
        )
        for r in root.iter(f"{SVG}rect")
    ]
    return sorted(circles + squares)


def test_points_are_where_their_values_are() -> None:
    """Height follows the value, and the scale beside it says the same."""
    values: list[float | None] = [0.70, 0.74, 0.72, 0.80, 0.78]
    root = picture(drawn(values))
    marks = {
        float(t.text.split()[0].replace(",", ".")) / 100: float(t.attrib["y"]) - 4
        for t in root.iter(f"{SVG}text")
        if t.attrib["text-anchor"] == "end" and t.text and "%" in t.text
    }
    (low, bottom), (high, top) = min(marks.items()), max(marks.items())

    for value, (_, y) in zip(values, places(root), strict=True):
        assert value is not None
        assert y == pytest.approx(bottom + (top - bottom) * (value - low) / (high - low), abs=0.2)
    assert all(left < right for (left, _), (right, _) in pairwise(places(root)))


def test_a_week_without_data_is_a_gap() -> None:
    """No line runs through a week of which nothing is known, and nothing falls to zero."""
    root = picture(drawn([0.7, 0.7, None, 0.7, 0.7, None, 0.7]))
    lines = [line.attrib["points"].split() for line in root.iter(f"{SVG}polyline")]

    assert [len(line) for line in lines] == [2, 2, 1]
    assert len(places(root)) == 5


def test_shapes_tell_what_colours_tell() -> None:
    """A point beyond the limits is a square, one that is not decided is hollow."""
    root = picture(drawn([0.7, 0.9, 0.7], limits=(0.6, 0.8), pending=3))
    last = list(root.iter(f"{SVG}circle"))[-1]

    assert len(list(root.iter(f"{SVG}rect"))) == 1
    assert last.attrib["fill"] == "#ffffff"
    assert last.attrib["r"] == "4.5"


def test_the_picture_in_words() -> None:
    """Who cannot see it hears the last value, mean, limits and target."""
    root = picture(drawn([0.7, 0.8, 0.9], limits=(0.6, 0.95), target=0.85))

    assert root.findtext(f"{SVG}title") == "Svar inom 2 min"
    assert (root.findtext(f"{SVG}desc") or "").replace("\N{NO-BREAK SPACE}", " ") == (
        "3 punkter, den sista är v. 3: 90,0 %. medel: 80,0 %. "
        "slumpens gränser: 60,0 % \N{EN DASH} 95,0 %. Mål: 85 %."
    )
    assert [p.findtext(f"{SVG}title") for p in root.iter(f"{SVG}circle")] == [
        f"v.\N{NO-BREAK SPACE}{week}: {share}\N{NO-BREAK SPACE}%"
        for week, share in (("1 2027", "70,0"), ("2 2027", "80,0"), ("3 2027", "90,0"))
    ]


def test_a_new_year_is_named_where_it_begins() -> None:
    """Week 3 after week 53 needs its year."""
    root = picture(drawn([0.7] * 5))
    texts = [t.text for t in root.iter(f"{SVG}text")]

    assert "52" in texts
    assert "53" in texts
    assert texts.count("2026") == texts.count("2027") == 1


def test_everything_stays_inside_the_picture() -> None:
    """Extreme values, one week alone, all the same: no label or point leaves the frame."""
    charts = [
        drawn([0.0] * 9, limits=(0.0, 0.01), target=0.95),
        drawn([1.0]),
        drawn([6500.0, 0.0, 13.5], kpi="offered"),
        drawn([123456.0] * 3, kpi="offered", limits=(0.0, 999999.0)),
        drawn([None, None, None]),
    ]
    for chart in charts:
        root = picture(chart)
        for x, y in places(root):
            assert LEFT <= x <= RIGHT
            assert TOP - 0.1 <= y <= BOTTOM + 0.1
        for text in root.iter(f"{SVG}text"):
            assert 0 <= float(text.attrib["x"]) <= WIDTH
            assert 0 <= float(text.attrib["y"]) <= HEIGHT
        assert not re.search("nan|inf|None", ET.tostring(root, encoding="unicode"))


def test_names_are_text() -> None:
    """A promise that is called like markup stays a name."""
    root = picture(drawn([0.7], name="</title><script>x</script>"))

    assert root.findtext(f"{SVG}title") == "</title><script>x</script>"
    assert not list(root.iter(f"{SVG}script"))


def test_the_same_chart_is_the_same_picture() -> None:
    """Byte for byte."""
    chart = drawn([0.7, 0.8], limits=(0.6, 0.9))

    assert chart_svg(chart, "en", "c") == chart_svg(chart, "en", "c")


def test_labels_do_not_cover_each_other() -> None:
    """Mean, target and value of a week may be nearly the same."""
    for crowd in ([80.0, 80.0, 80.0], [10.0, 11.0, 12.0], [20.0, 90.0, 91.0]):
        moved = apart(crowd)

        assert all(lower - upper > 12 for upper, lower in pairwise(moved))


@pytest.mark.parametrize("values", [[0.801, 0.802], [3.0], [0.0], [1e-9, 2e-9], [5.0, 900_000.0]])
def test_scales_hold_their_values_with_few_marks(values: list[float]) -> None:
    """A scale is neither empty nor crowded, and no value lies beyond it."""
    low, high, step = axis(values)

    assert low <= min(values)
    assert max(values) <= high
    assert 1 <= round((high - low) / step) <= 7
