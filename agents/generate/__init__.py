"""Files made from the types and the KPI registry; committed, and kept in step by a test.

A file is either generated as a whole, or it is a page written by hand whose tables stand between
marks. Both say which command made them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from agents.generate.asyncapi import render_asyncapi
from agents.generate.event_page import event_blocks
from agents.generate.export_schema import render_export_schema
from agents.generate.exports_page import export_blocks
from agents.generate.json_schema import render_event_schema
from agents.generate.kpi_page import kpi_blocks
from agents.generate.marks import GenerateError, fill
from agents.generate.openapi import render_openapi

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["GENERATED_FILES", "MARKED_PAGES", "GenerateError", "Rendered", "render_files"]

GENERATED_FILES = {
    "docs/events.schema.json": render_event_schema,
    "docs/asyncapi.yaml": render_asyncapi,
    "docs/openapi.yaml": render_openapi,
    "docs/export.schema.json": render_export_schema,
}
MARKED_PAGES = {
    "docs/events.md": event_blocks,
    "docs/kpis.md": kpi_blocks,
    "docs/exports.md": export_blocks,
}


class Rendered(NamedTuple):
    """A file as it has to be.

    Attributes:
        name: path from the root of the checkout.
        text: what has to stand in it.
        in_step: whether exactly that stands there now.
    """

    name: str
    text: str
    in_step: bool


def render_files(root: Path, *, prose: Path | None = None) -> Iterator[Rendered]:
    """Every generated file of the checkout at `root`; nothing is written.

    Args:
        root: where the files stand or will stand.
        prose: checkout to take a page from that `root` does not have.

    Raises:
        GenerateError: a page written by hand, or a mark in it, is missing.
    """
    for name, render in GENERATED_FILES.items():
        yield _compared(root, name, render())
    for name, blocks in MARKED_PAGES.items():
        page = _read(root / name)
        if page is None and prose is not None:
            page = _read(prose / name)
        if page is None:
            msg = f"`{root / name}` does not exist; name a checkout of kontaktpuls with `--out`"
            raise GenerateError(msg)
        yield _compared(root, name, fill(page, blocks(), name=name))


def _compared(root: Path, name: str, text: str) -> Rendered:
    return Rendered(name, text, in_step=_read(root / name) == text)


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
