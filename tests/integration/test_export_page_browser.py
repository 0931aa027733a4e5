"""The page of an export in a real browser: on a desk, on a phone, without network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agents.exports.page import html_file
from tests.chromium import CONTRASTS, chromium
from tests.sample_export import sample_export

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

    from streams.organisations import Language

pytestmark = pytest.mark.integration

SHOTS = Path(__file__).parents[2] / ".artefacts" / "exports"
"""Not committed; the continuous integration keeps them."""

# Text that is cut off: what does not fit scrolls inside its own region.
CUT = """() => [...document.querySelectorAll("body *")]
  .filter((e) => !e.closest(".unseen, svg") && !e.classList.contains("scroll"))
  .filter((e) => getComputedStyle(e).overflow !== "visible" && e.scrollWidth > e.clientWidth + 1)
  .map((e) => `${e.tagName}.${e.className}: ${e.textContent.slice(0, 60)}`)"""

# Labels of a chart that cover each other.
COVERED = """() => [...document.querySelectorAll("figure svg")].flatMap((svg) => {
  const boxes = [...svg.querySelectorAll("text")].map((e) => [e.textContent, e.getBBox()]);
  return boxes.flatMap(([name, a], i) => boxes.slice(i + 1)
    .filter(([, b]) => a.x < b.x + b.width - 1 && b.x < a.x + a.width - 1 &&
      a.y < b.y + b.height - 4 && b.y < a.y + a.height - 4)
    .map(([other]) => `${name} / ${other}`));
})"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium of the system."""
    yield from chromium()


@pytest.mark.parametrize(("name", "width"), [("desk", 1280), ("phone", 360)])
@pytest.mark.parametrize("language", ["sv", "en"])
def test_the_page_is_readable_and_asks_for_nothing(
    browser: Browser, tmp_path: Path, language: Language, name: str, width: int
) -> None:
    """No text is cut or too faint, the page never scrolls sideways, and no request leaves it."""
    file = tmp_path / "export.html"
    file.write_bytes(html_file(sample_export(), language, "1.2.3"))
    asked: list[str] = []
    complaints: list[str] = []
    page = browser.new_page(viewport={"width": width, "height": 900})
    try:
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.goto(file.as_uri())
        SHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SHOTS / f"{name}-{language}.png", full_page=True)

        assert asked == [file.as_uri()]
        assert complaints == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(CUT) == []
        assert page.evaluate(COVERED) == []
        faint = [piece for piece in page.evaluate(CONTRASTS) if piece["contrast"] < 4.5]
        assert faint == []
    finally:
        page.close()
