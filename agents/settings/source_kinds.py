"""The kinds of sources that a file in `config/sources` may describe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.settings.http import load_http_source
from agents.settings.imap import load_imap_source
from agents.settings.problems import Problem, SettingsError, suggestion
from agents.settings.queue_log import live_queue_log, load_queue_log
from agents.settings.source_file import SourceFile, kind_of, load_source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from streams.organisations import Organisation

FOLDER = "sources"


def source_files(config_dir: Path) -> list[Path]:
    """The files of all sources in a configuration, without the examples."""
    paths = sorted((config_dir / FOLDER).glob("*.yaml"))
    return [path for path in paths if not path.name.endswith(".example.yaml")]


def source_problems(path: Path, organisations: Mapping[str, Organisation]) -> Iterator[Problem]:
    """Everything that is wrong with the file of a source."""
    load = LOADERS.get(kind_of(path) or "")
    try:
        if load is not None:
            load(path, organisations)
            return
        kind = load_source(path, SourceFile).kind
    except SettingsError as error:
        yield from error.problems
        return
    yield Problem(str(path), 1, "kind", f"`{kind}` is no source; {suggestion(kind, LOADERS)}")


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
