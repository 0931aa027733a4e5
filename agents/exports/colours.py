"""The colours of the page, its charts and its heat maps: readable in grey and to the colour-blind.

No meaning hangs on a colour alone: there is always a word, a shape or a line style beside it.
"""

from __future__ import annotations

from typing import Final

PAPER: Final = "#ffffff"
INK: Final = "#16242d"
QUIET: Final = "#4a5963"
LINE: Final = "#c5d0d6"
HEAD: Final = "#0b3c52"

GOOD, ON_GOOD = "#e2f3e6", "#0d3f1f"
WARN, ON_WARN = "#fff0c9", "#4a2f00"
BAD, ON_BAD = "#fbe3e2", "#7a1014"

BAND: Final = "#e4eaed"
SERIES: Final = "#0b5f8a"
TARGET: Final = "#8a4b00"

SHADES: Final = (
    ("#eaf2f7", INK),
    ("#c6ddea", INK),
    ("#8fbad3", INK),
    ("#2f7299", PAPER),
    ("#0b3c52", PAPER),
)
"""Of heat maps, the lowest first: what is painted, and what is written on it."""

PAIRS: Final = (
    (INK, PAPER),
    (QUIET, PAPER),
    (HEAD, PAPER),
    (ON_GOOD, GOOD),
    (ON_WARN, WARN),
    (ON_BAD, BAD),
    (SERIES, PAPER),
    (TARGET, PAPER),
    *((text, shade) for shade, text in SHADES),
)
"""Every text with what it stands on."""

NAMED: Final = {
    "paper": PAPER,
    "ink": INK,
    "quiet": QUIET,
    "line": LINE,
    "head": HEAD,
    "good": GOOD,
    "on-good": ON_GOOD,
    "warn": WARN,
    "on-warn": ON_WARN,
    "bad": BAD,
    "on-bad": ON_BAD,
}
"""As the style sheet names them."""
