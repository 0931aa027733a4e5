"""Sets of files that are whole or not there: written beside their place, then moved there at once.

A set is a folder, `FOLDER/ORGANISATION/PERIOD`. Whoever reads it sees the old one or the new one,
never half of either, also when the machine stops in between.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import re
import secrets
import shutil
import time
from hashlib import sha256
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

MANIFEST: Final = "manifest.json"
LEFT_BEHIND: Final = 3600.0
"""Seconds after which an unfinished set has nobody left who would finish it; one takes a few."""

_LEFTOVER = re.compile(r"\..+\.(new|old)-[0-9a-f]{16}")
_TAKEN = frozenset({errno.EEXIST, errno.ENOTEMPTY})
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


class FileEntry(msgspec.Struct, frozen=True):
    """One file of a set."""

    name: str
    sha256: str
    bytes: int


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a set is, for whoever collects it.

    Attributes:
        organisation, period, kind: what it is about.
        made_at, as_of: RFC 3339; as in every file of it.
        complete, final: as in every file of it.
        files: all but this one.
    """

    version: int = 1
    organisation: str
    period: str
    kind: str
    made_at: str
    as_of: str | None
    complete: bool
    final: bool
    files: tuple[FileEntry, ...] = ()

    @property
    def sums(self) -> dict[str, str]:
        """SHA-256 of each file, by name."""
        return {entry.name: entry.sha256 for entry in self.files}


def write_hidden(place: Path, files: Mapping[str, bytes], about: Manifest) -> Path:
    """Write a whole set beside its place, safe on the disk; the hidden folder it is in.

    Raises:
        OSError: the disk is full, or the folder may not be written.
    """
    entries = tuple(
        FileEntry(name, sha256(content).hexdigest(), len(content))
        for name, content in sorted(files.items())
    )
    manifest = msgspec.structs.replace(about, files=entries)
    encoded = msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"
    place.parent.mkdir(parents=True, exist_ok=True)
    hidden = place.with_name(f".{place.name}.new-{secrets.token_hex(8)}")
    hidden.mkdir()
    try:
        for name, content in (*files.items(), (MANIFEST, encoded)):
            with (hidden / name).open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        _sync(hidden)
    except BaseException:
        shutil.rmtree(hidden, ignore_errors=True)
        raise
    return hidden


def publish_first(hidden: Path, place: Path) -> bool:
    """Move a set to its place, unless there is one already; whether it was moved."""
    try:
        hidden.rename(place)
    except OSError as error:
        if error.errno not in _TAKEN:
            raise
        return False
    _sync(place.parent)
    return True


def publish_instead(hidden: Path, place: Path) -> None:
    """Move a set to its place; the one that was there goes once the new one is there."""
    old: list[Path] = []
    while True:
        try:
            hidden.rename(place)
            break
        except OSError as error:
            if error.errno not in _TAKEN:
                raise
        if _exchange(hidden, place):
            old.append(hidden)
            break
        old.append(place.with_name(f".{place.name}.old-{secrets.token_hex(8)}"))
        with contextlib.suppress(FileNotFoundError):
            place.rename(old[-1])
    _sync(place.parent)
    for path in old:
        shutil.rmtree(path, ignore_errors=True)


def read_manifest(place: Path) -> Manifest | None:
    """The manifest of a set whose files are all there and as they were written, else `None`."""
    try:
        manifest = msgspec.json.decode((place / MANIFEST).read_bytes(), type=Manifest)
        for entry in manifest.files:
            if sha256((place / entry.name).read_bytes()).hexdigest() != entry.sha256:
                return None
    except (OSError, ValueError, msgspec.MsgspecError):
        return None
    return manifest


def sweep(folders: Iterable[Path], *, older_than: float = LEFT_BEHIND) -> list[Path]:
    """Remove what was begun and never finished more than so many seconds ago; what it was."""
    swept = []
    for folder in folders:
        with contextlib.suppress(OSError):
            for path in folder.iterdir():
                if not _LEFTOVER.fullmatch(path.name):
                    continue
                with contextlib.suppress(OSError):
                    if time.time() - path.stat().st_mtime > older_than:
                        shutil.rmtree(path)
                        swept.append(path)
    return swept


def _exchange(one: Path, other: Path) -> bool:
    """Let two folders change names at once; `False` where the system cannot."""
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    done = rename(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE)
    return bool(done == 0)


def _sync(folder: Path) -> None:
    """Make the names in a folder safe on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
