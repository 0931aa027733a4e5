"""The PDF of an export, read back by a library that did not make it."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import OpenerDirector, Request

import pdfplumber
import pytest
from msgspec.structs import replace

from agents.exports import pdf
from agents.exports.page import page
from agents.exports.pdf import PdfError, pdf_file
from streams.instants import from_datetime
from tests.html_pages import read_html, rows_of
from tests.sample_export import sample_export

if TYPE_CHECKING:
    from streams.exports.model import Export
    from streams.organisations import Language

ROOT = Path(__file__).parents[2]
STAMP = from_datetime(datetime(2026, 11, 23, 5, 0, tzinfo=UTC))
MARGIN = 14 * 72 / 25.4
"""Millimetres of the style sheet, in points."""


LANGUAGES: tuple[Language, ...] = ("sv", "en")
in_both_languages = pytest.mark.parametrize("language", LANGUAGES)


@pytest.fixture(scope="module")
def made() -> dict[Language, bytes]:
    """The sample in both languages."""
    return {one: pdf_file(sample_export(), one, "1.2.3", STAMP) for one in LANGUAGES}


def opened(content: bytes) -> Any:
    """As pdfplumber reads it."""
    return pdfplumber.open(io.BytesIO(content))


def text_of(content: bytes) -> str:
    """What all pages say, in one line."""
    with opened(content) as document:
        told = " ".join(one.extract_text() for one in document.pages)
    return " ".join(told.replace("\N{NO-BREAK SPACE}", " ").split())


@in_both_languages
def test_every_number_of_the_page_is_in_the_pdf(
    made: dict[Language, bytes], language: Language
) -> None:
    """Row by row, as the HTML file has them."""
    told = text_of(made[language])
    rows = 0
    for table in read_html(page(sample_export(), language, "1.2.3")).all("table"):
        for cells in rows_of(table).values():
            line = " ".join(cell for cell in cells if cell)
            assert line in told, line
            rows += 1

    assert rows > 50


@in_both_languages
def test_it_is_short_and_says_what_it_is(made: dict[Language, bytes], language: Language) -> None:
    """Title, language, times and tags for those who cannot see it."""
    with opened(made[language]) as document:
        pages, about, catalog = len(document.pages), document.metadata, document.doc.catalog
        fonts = {char["fontname"] for char in document.pages[0].chars}
    # Where there is nothing but DejaVu, which is wide, the last lines may need another page.
    most = 3 if any("Liberation" in font for font in fonts) else 4

    assert 2 <= pages <= most
    assert about["Title"].endswith("2026")
    assert about["CreationDate"] == about["ModDate"] == "D:20261123050000+00'00"
    assert catalog["Lang"].decode() == language
    assert {"StructTreeRoot", "Outlines", "MarkInfo"} <= catalog.keys()
    assert "Metadata" in catalog


@in_both_languages
def test_nothing_leaves_the_page_and_pages_are_numbered(
    made: dict[Language, bytes], language: Language
) -> None:
    """No column runs over the edge; heads and numbers stand on every page after the first."""
    with opened(made[language]) as document:
        for number, one in enumerate(document.pages, start=1):
            words = one.extract_words()
            assert min(word["x0"] for word in words) >= MARGIN - 1
            assert max(word["x1"] for word in words) <= one.width - MARGIN + 1
            told = one.extract_text()
            assert re.search(rf"(Sida|Page) {number} (av|of) {len(document.pages)}", told)
            if number > 1:
                assert told.startswith(("Exempelkommun", "Municipality"))


def test_crowded_pages_keep_their_edges() -> None:
    """Twelve queues with long names and two promises each stay on the paper."""
    export = sample_export()
    calls = export.sections[0]
    total, queue, *_ = calls.parts
    names = [f"Kundtjänstreceptionsväxeltelefonistsamordningsfunktionen {n}" for n in range(12)]
    parts = (total, *(replace(queue, name=f"q{n}", sv=name) for n, name in enumerate(names)))
    crowded = replace(export, sections=(replace(calls, parts=parts),))
    with opened(pdf_file(crowded, "sv", "1.2.3", STAMP)) as document:
        for one in document.pages:
            assert max(word["x1"] for word in one.extract_words()) <= one.width - MARGIN + 1


def test_the_same_export_is_the_same_file(made: dict[Language, bytes]) -> None:
    """Byte for byte, also in another process, where sets have another order."""
    program = (
        "import sys; from agents.exports.pdf import pdf_file; "
        "from tests.sample_export import sample_export; "
        f"sys.stdout.buffer.write(pdf_file(sample_export(), 'sv', '1.2.3', {STAMP}))"
    )
    again = subprocess.run(
        (sys.executable, "-c", program),
        check=True,
        capture_output=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "42"},
    )

    assert again.stdout == made["sv"]


def test_the_time_of_the_metadata_is_an_argument() -> None:
    """Another time, other bytes, and no clock is asked."""
    short = sample_export(sections=())
    first, later = (pdf_file(short, "sv", "1.2.3", STAMP + more) for more in (0, 1_000_000))

    assert first != later
    assert pdf_file(short, "sv", "1.2.3", STAMP) == first


def test_nothing_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even a page that asked for something would not get it: no network, no file."""
    asked: list[str] = []

    def asking(export: Export, language: Language, version: str, stamped_at: str = "") -> str:
        text = page(export, language, version, stamped_at)
        return text.replace("</main>", '<img alt="x" src="file:///etc/hostname"></main>')

    def opening(_opener: object, wanted: Request, **_patience: object) -> None:
        asked.append(wanted.full_url)

    monkeypatch.setattr(OpenerDirector, "open", opening)
    monkeypatch.setattr(pdf, "page", asking)

    assert pdf_file(sample_export(sections=()), "sv", "1.2.3", STAMP).startswith(b"%PDF-1.7")
    assert not asked


def test_a_machine_without_pango_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names packages, not a Python traceback."""

    def missing(_name: str) -> None:
        msg = "cannot load library 'libpango-1.0-0': no such file\nand much more"
        raise OSError(msg)

    monkeypatch.setattr(pdf, "import_module", missing)

    with pytest.raises(PdfError, match="apt-get install libpango") as caught:
        pdf_file(sample_export(), "sv", "1.2.3", STAMP)
    assert "\n" not in str(caught.value)
