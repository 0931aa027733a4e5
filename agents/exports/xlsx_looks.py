"""How cells of the workbook look: what is written into them, number formats and colours."""

from __future__ import annotations

from typing import Any, Final, Literal, NamedTuple

from agents.exports import colours

FONT: Final = "Arial"
"""Where it is missing, Liberation Sans is as wide: nothing is cut off."""
COUNT, SHARE, INDEX = "#,##0", "0.0%", "0.0"
SMALL_MEAN: Final = "#,##0.0"
TIME: Final = "[<0.04166]m:ss;[h]:mm:ss"
"""Up to 59 minutes and 59 seconds without hours; a day is 1."""

Value = str | float | None
Look = Literal["plain", "strong", "head", "title", "quiet", "final", "provisional", "incomplete"]

_LOOKS: Final[dict[Look, dict[str, object]]] = {
    "plain": {},
    "strong": {"bold": True},
    "head": {
        "bold": True,
        "font_color": colours.PAPER,
        "bg_color": colours.HEAD,
        "text_wrap": True,
        "valign": "vcenter",
    },
    "title": {"bold": True, "font_size": 16, "font_color": colours.HEAD},
    "quiet": {"font_color": colours.QUIET},
    "final": {"bold": True, "font_color": colours.ON_GOOD, "bg_color": colours.GOOD},
    "provisional": {"bold": True, "font_color": colours.ON_WARN, "bg_color": colours.WARN},
    "incomplete": {"bold": True, "font_color": colours.ON_BAD, "bg_color": colours.BAD},
}


class Cell(NamedTuple):
    """What is written into one cell.

    Attributes:
        value: `None` leaves it empty.
        number_format: as spreadsheets write it; empty for text.
        look: of the cell.
        wrap: whether a long text is broken into lines.
        right: whether a text stands at the right, as the head of numbers does.
        apart: whether a text keeps away from the number at its left.
        ruled: whether a line stands over it.
    """

    value: Value
    number_format: str = ""
    look: Look = "plain"
    wrap: bool = False
    right: bool = False
    apart: bool = False
    ruled: bool = False


class Column(NamedTuple):
    """A column of a table.

    Attributes:
        head: its name.
        width: in characters.
        is_number: whether numbers stand in it.
    """

    head: str
    width: float
    is_number: bool = False


def format_properties(cell: Cell) -> dict[str, Any]:
    """What XlsxWriter has to know of how a cell looks; its value makes no difference."""
    looks: dict[str, Any] = {
        "font_name": FONT,
        "font_size": 10,
        "valign": "top",
        "text_wrap": cell.wrap,
        **_LOOKS[cell.look],
    }
    if cell.number_format:
        looks["num_format"] = cell.number_format
    if cell.right:
        looks["align"] = "right"
    if cell.apart:
        looks |= {"align": "left", "indent": 1}
    if cell.ruled:
        looks |= {"top": 1, "top_color": colours.LINE}
    return looks
