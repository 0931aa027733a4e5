"""The kinds of sources that a file in `config/sources` may describe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.settings.document import read_document
from agents.settings.http import load_http_source
from agents.settings.imap import load_imap_source
from agents.settings.problems import SettingsError, quoted, suggestion
from agents.settings.queue_log import live_queue_log, load_queue_log
from agents.settings.source_file import SourceFile, kind_of, load_source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from agents.settings.problems import Problem
    from streams.organisations import Organisation

FOLDER = "sources"


def source_files(config_dir: Path) -> list[Path]:
    """The files of all sources in a configuration, without the examples."""
    paths = sorted((config_dir / FOLDER).glob("*.yaml"))
    return [path for path in paths if not path.name.endswith(".example.yaml")]


def source_problems(path: Path, organisations: Mapping[str, Organisation]) -> Iterator[Problem]:
    """Everything that is wrong with the file of a source."""
    kind = kind_of(path)
    load = LOADERS.get(kind or "")
    if kind is not None and load is None:
        # What else it may hold, nobody knows.
        document = read_document(path.read_text(encoding="utf-8-sig"), str(path))
        text = f"{quoted(kind)} is no source; {suggestion(kind, LOADERS)}"
        yield document.report(("kind",), text)
        return
    try:
        if load is None:
            load_source(path, SourceFile)
        else:
            load(path, organisations)
    except SettingsError as error:
        unkind = [problem for problem in error.problems if problem.path == "kind"]
        yield from unkind if load is None and unkind else error.problems


def _check_queue_log(path: Path, organisations: Mapping[str, Organisation]) -> object:
    # The command line may say where the log is.
    return live_queue_log(
        organisations, settings=path, file=load_queue_log(path).file or path.with_name("queue_log")
    )


LOADERS: dict[str, Callable[[Path, Mapping[str, Organisation]], object]] = {
    "asterisk-queue-log": _check_queue_log,
    "http": load_http_source,
    "imap": load_imap_source,
}
