"""Pages and PDFs of exports, read back as people read them: tables of words and numbers.

Numbers are read with what they leave open: `82,4 %` is anything from 82.35 to 82.45 per cent.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from io import BytesIO
from typing import NamedTuple

import pdfplumber

NO_DATA = "\N{EN DASH}"
SAME_LINE = 3.0
"""Points."""
YES_NO = {"ja": 1, "yes": 1, "nej": 0, "no": 0}
_DURATION = re.compile(r"(?:([\d,. ]+) (?:tim|h) )?(?:(\d+) min ?)?(?:(\d+) (?:s|sec))?")
_NUMBER = re.compile(r"([\d., ]+?)( ?%)?")


class Shown(NamedTuple):
    """What a reader sees: the value is closer to `middle` than `half`, or on the edge."""

    middle: float
    half: float

    def is_of(self, value: float) -> bool:
        """Whether that value would be shown like this."""
        return abs(value - self.middle) <= self.half * (1 + 1e-9)


def read_number(text: str, language: str) -> Shown | None:
    """The number that a text shows; `None` where it shows that there is none.

    >>> read_number("82,4 %", "sv"), read_number("6,512", "en")
    (Shown(middle=0.824, half=0.0005), Shown(middle=6512.0, half=0.5))
    >>> read_number("4 tim 1 min", "sv"), read_number("1 min 5 s", "sv")
    (Shown(middle=14460.0, half=30.0), Shown(middle=65.0, half=0.5))
    """
    text = plain(text)
    if text in ("", NO_DATA):
        return None
    if text in YES_NO:
        return Shown(float(YES_NO[text]), 0.0)
    number = _NUMBER.fullmatch(text)
    if number:
        digits, decimals = _digits(number[1], language)
        scale = 0.01 if number[2] else 1.0
        return Shown(round(digits * scale, 6), 0.5 * 10**-decimals * scale)
    span = _DURATION.fullmatch(text)
    if span is None:
        msg = f"`{text}` shows no number"
        raise ValueError(msg)
    hours, minutes, seconds = (
        _digits(part, language)[0] if part else 0.0 for part in span.groups()
    )
    return Shown(hours * 3600 + minutes * 60 + seconds, 30.0 if span[1] else 0.5)


def _digits(text: str, language: str) -> tuple[float, int]:
    decimal, thousands = (",", " ") if language == "sv" else (".", ",")
    whole, _, rest = text.replace(thousands, "").partition(decimal)
    return float(f"{whole}.{rest or 0}"), len(rest)


def plain(text: str) -> str:
    """With ordinary spaces only."""
    return " ".join(text.split())


class Table(NamedTuple):
    """A table of a page.

    Attributes:
        section: id of the heading it stands under.
        caption: over it.
        head: of its columns.
        rows: texts of its cells; those that reach over several rows stand in the first.
    """

    section: str
    caption: str
    head: list[str]
    rows: list[list[str]]


class PageReader(HTMLParser):
    """Collects the tables of a page, as a sighted reader sees them.

    Attributes:
        tables: in their order.
    """

    def __init__(self, page: str) -> None:
        """Read the whole page."""
        super().__init__(convert_charrefs=True)
        self.tables: list[Table] = []
        self._section = ""
        self._cell: list[str] | None = None
        self._unseen = 0
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begins a section, a table, a row or a cell."""
        attributes = dict(attrs)
        if self._unseen or (tag == "span" and attributes.get("class") == "unseen"):
            self._unseen += tag == "span"
        elif tag == "section":
            self._section = attributes.get("aria-labelledby") or ""
        elif tag == "table":
            self.tables.append(Table(self._section, "", [], []))
        elif tag == "tr":
            self.tables[-1].rows.append([])
        elif tag in ("th", "td", "caption"):
            self._cell = []

    def handle_endtag(self, tag: str) -> None:
        """Ends one."""
        if self._unseen:
            self._unseen -= tag == "span"
        elif tag in ("th", "td") and self._cell is not None:
            self.tables[-1].rows[-1].append(plain("".join(self._cell)))
            self._cell = None
        elif tag == "caption" and self._cell is not None:
            self.tables[-1] = self.tables[-1]._replace(caption=plain("".join(self._cell)))
            self._cell = None
        elif tag == "thead":
            self.tables[-1].head.extend(self.tables[-1].rows.pop())

    def handle_data(self, data: str) -> None:
        """Text of a cell."""
        if self._cell is not None and not self._unseen:
            self._cell.append(data)


class PdfWord(NamedTuple):
    """A word of a PDF, and where its middle is: on which page, how far down, how far right."""

    text: str
    page: int
    down: float
    right: float


def words_of_pdf(content: bytes) -> list[PdfWord]:
    """Every word of a PDF, in no order."""
    with pdfplumber.open(BytesIO(content)) as document:
        return [
            PdfWord(
                word["text"],
                number,
                (float(word["top"]) + float(word["bottom"])) / 2,
                (float(word["x0"]) + float(word["x1"])) / 2,
            )
            for number, page in enumerate(document.pages)
            for word in page.extract_words()
        ]


def lines_of(words: list[PdfWord]) -> list[list[PdfWord]]:
    """The same as lines: whatever is on one page and at one height, from left to right."""
    lines: list[list[PdfWord]] = []
    for word in sorted(words, key=lambda word: (word.page, word.down)):
        if lines and are_level(lines[-1][-1], word):
            lines[-1].append(word)
        else:
            lines.append([word])
    for line in lines:
        line.sort(key=lambda word: word.right)
    return lines


def are_level(one: PdfWord, other: PdfWord) -> bool:
    """Whether two words stand on the same line; neighbouring lines are ten points apart."""
    return one.page == other.page and abs(one.down - other.down) < SAME_LINE
