"""What was measured, on the page about performance: blocks between marks, written by benchmarks."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

PAGE = Path(__file__).parents[2] / "docs" / "performance.md"
WRITE = "--write"
"""The option that makes a benchmark write its block as well as print it."""


def show(
    headings: Sequence[str], rows: Sequence[Sequence[str]], *, block: str, notes: str, write: bool
) -> None:
    """Print a table, and write it into the block of that name."""
    table = Table(*headings)
    for row in rows:
        table.add_row(*row)
    console = Console()
    console.print(table)
    console.print(notes, markup=False)
    if write:
        lines = [headings, ["---"] * len(headings), *rows]
        text = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
        _put(block, f"{text}\n\n{notes}\n")


def machine() -> str:
    """What it ran on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    cores = len(os.sched_getaffinity(0))
    return (
        f"{cores} cores, {memory:.0f} GB, {platform.system()}, Python {platform.python_version()}"
    )


def _put(block: str, text: str) -> None:
    pattern = re.compile(
        rf"(<!-- measured: benchmarks/{re.escape(block)} -->\n).*?(<!-- end -->)", re.DOTALL
    )
    page = PAGE.read_text(encoding="utf-8")
    changed, places = pattern.subn(lambda match: f"{match[1]}\n{text}\n{match[2]}", page)
    if places != 1:
        msg = f"`{PAGE}` marks the block `{block}` {places} times; mark it once"
        raise SystemExit(msg)
    PAGE.write_text(changed, encoding="utf-8")
