"""Which files describe sources, and who can say whether such a source is well."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from agents.findings import Finding
from agents.settings.problems import SettingsError, suggestion
from agents.settings.source_file import SourceFile, kind_of, load_source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from agents.settings import Settings

FOLDER = "sources"

DIAGNOSIS_OF_KIND = {
    "asterisk-queue-log": "agents.sources.queue_log_diagnosis",
    "http": "agents.sources.http_diagnosis",
    "imap": "agents.sources.imap_diagnosis",
}
"""The module whose `diagnose` knows the kind; imported only when there is such a source."""


def source_files(config_dir: Path) -> list[Path]:
    """The files of all sources in a configuration, without the examples."""
    paths = sorted((config_dir / FOLDER).glob("*.yaml"))
    return [path for path in paths if not path.name.endswith(".example.yaml")]


def examine_source(path: Path, settings: Settings, clock: Callable[[], int]) -> Iterator[Finding]:
    """What its kind of source looks at; `clock` tells the instant."""
    kind = kind_of(path)
    if kind in DIAGNOSIS_OF_KIND:
        yield from importlib.import_module(DIAGNOSIS_OF_KIND[kind]).diagnose(path, settings, clock)
        return
    try:
        load_source(path, SourceFile)
        remedy = f"`kind: {kind}` is no source; {suggestion(str(kind), DIAGNOSIS_OF_KIND)}"
    except SettingsError as error:
        remedy = str(error)
    yield Finding(f"source {path}", "is not right", remedy)
