"""The folder in which a source keeps what it must not forget, for one process at a time."""

from __future__ import annotations

import contextlib
import fcntl
from typing import TYPE_CHECKING

from streams.errors import KontaktpulsError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SOURCES = "sources"


class StateFolderError(KontaktpulsError):
    """The folder cannot be used, or somebody else uses it."""


def state_folder(data_dir: Path, organisation: str, source: str) -> Path:
    """Where a source keeps its state unless it is told otherwise."""
    return data_dir / SOURCES / organisation / source


@contextlib.contextmanager
def locked(folder: Path, name: str) -> Iterator[None]:
    """Hold the lock `name` of a folder, which is made if it is not there.

    The lock ends with the process, however that ends; the file stays and means nothing.

    Raises:
        StateFolderError: another process holds it, or the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (folder / name).open("wb")
    except OSError as error:
        msg = (
            f"`{folder}` cannot be written ({error.strerror}); give it to the user that the "
            "source runs as, or write another `state_dir`"
        )
        raise StateFolderError(msg) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            msg = f"another source uses `{folder}`; stop it, or write another `state_dir`"
            raise StateFolderError(msg) from None
        yield
