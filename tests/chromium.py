"""The system's Chromium, to look at pages as their readers do."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip

# The contrast of every piece of text with what is painted behind it (WCAG 2.2, 1.4.3).
CONTRASTS = """() => {
  const channel = (c) => (c /= 255) <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4;
  const numbers = (color) => color.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => .2126 * channel(r) + .7152 * channel(g) + .0722 * channel(b);
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const color = numbers(getComputedStyle(e).backgroundColor);
      if (color.length < 4 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  return [...document.querySelectorAll("body *")]
    .filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()))
    .filter((e) => !e.closest(".unseen, noscript, script"))
    .map((e) => {
      const style = getComputedStyle(e);
      const [a, b] = [luminance(numbers(style.color)), luminance(behind(e))];
      return {
        text: e.textContent, size: parseFloat(style.fontSize),
        contrast: (Math.max(a, b) + .05) / (Math.min(a, b) + .05),
      };
    });
}"""


def chromium() -> Iterator[Browser]:
    """Chromium; without it the tests are skipped unless REQUIRE_CHROMIUM is set."""
    program = shutil.which("chromium")
    if program is None:
        reason = "`chromium` is not on the PATH; install the system's package `chromium`"
        if os.environ.get("REQUIRE_CHROMIUM"):
            pytest.fail(reason)
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only where there is a browser

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield browser
        browser.close()
