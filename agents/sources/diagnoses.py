"""Who can say whether a source is well."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from agents.findings import Finding
from agents.settings.source_file import kind_of
from agents.settings.source_kinds import source_problems

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from agents.settings import Settings

DIAGNOSIS_OF_KIND = {
    "asterisk-queue-log": "agents.sources.queue_log_diagnosis",
    "http": "agents.sources.http_diagnosis",
    "imap": "agents.sources.imap_diagnosis",
}
"""The module whose `diagnose` knows the kind; imported only when there is such a source."""


def examine_source(path: Path, settings: Settings, clock: Callable[[], int]) -> Iterator[Finding]:
    """What its kind of source looks at; `clock` tells the instant."""
    kind = kind_of(path)
    if kind in DIAGNOSIS_OF_KIND:
        yield from importlib.import_module(DIAGNOSIS_OF_KIND[kind]).diagnose(path, settings, clock)
        return
    remedy = "\n".join(map(str, source_problems(path, settings.organisations)))
    yield Finding(f"source {path}", "is not right", remedy)
