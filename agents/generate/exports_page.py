"""The columns of the table in `docs/exports.md`."""

from __future__ import annotations

from agents.exports.csv_columns import COLUMNS
from agents.generate.marks import table


def export_blocks() -> dict[str, str]:
    """Blocks by name."""
    rows = [(f"`{name}`", meaning) for name, meaning in COLUMNS.items()]
    return {"columns": table(("column", "what it says"), rows)}
