"""What every peer is told, and what it has to tell: when it began, and what it counted.

Standard library only: peers run in a virtual environment of their own, without Kontaktpuls.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

BROKER = os.environ.get("BENCH_BROKER", "")
"""`host:port`."""

CALLS = os.environ.get("BENCH_CALLS", "")
MAILS = os.environ.get("BENCH_MAILS", "")
"""Names of the topics."""

GROUP = os.environ.get("BENCH_GROUP", "")
"""Consumer group or application id, of this run alone."""

FOLDER = Path(os.environ.get("BENCH_FOLDER", "."))
"""A folder of this run alone, also for state."""

PARTITIONS = 4
WITHIN = 120.0
"""Seconds in which a call is to be answered."""

_begun = False


def begin() -> None:
    """To be called with every record: the first one starts the clock."""
    global _begun  # noqa: PLW0603 - the cheapest way to look once
    if not _begun:
        _begun = True
        (FOLDER / "began.new").write_text(repr(time.time()), encoding="utf-8")
        (FOLDER / "began.new").rename(FOLDER / "began")


def tell(numbers: dict[tuple[str, str, int], int]) -> None:
    """Hand over what was counted: name, queue or mailbox, and hour since 1970."""
    rows = [[*key, count] for key, count in numbers.items()]
    (FOLDER / "numbers.new").write_text(json.dumps(rows), encoding="utf-8")
    (FOLDER / "numbers.new").rename(FOLDER / "numbers")
