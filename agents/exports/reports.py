"""How exports ended: told by the process that makes them to the worker that started it."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from pathlib import Path


class Outcome(StrEnum):
    """How far a scheduled export came: made now or before, left to another worker, or not."""

    BEGUN = "begun"
    DONE = "done"
    HELD = "held"
    FAILED = "failed"


class Report(msgspec.Struct, frozen=True):
    """What became of one export; `detail` says why it failed."""

    key: str
    outcome: Outcome
    detail: str = ""


def add_report(file: Path, report: Report) -> None:
    """Write it down at once: whoever is killed afterwards has said so much."""
    with file.open("ab") as opened:
        opened.write(msgspec.json.encode(report) + b"\n")


def read_reports(file: Path) -> dict[str, Report]:
    """The last word on each export; half a line at the end is none."""
    try:
        lines = file.read_bytes().splitlines()
    except FileNotFoundError:
        return {}
    reports: dict[str, Report] = {}
    for line in lines:
        try:
            report = msgspec.json.decode(line, type=Report)
        except msgspec.MsgspecError:
            continue
        reports[report.key] = report
    return reports
