"""The files beside a log that are older pieces of it, in the order in which they were written."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, NamedTuple

from agents.sources.log_files import DamagedLogError, LogFile

if TYPE_CHECKING:
    from pathlib import Path

    from agents.sources.log_files import Head, Position

SEPARATORS = (".", "-", "_")
"""What may stand between a log's name and that of its older pieces: `queue_log.1`, `-20260302`."""

LOOKS = 5
"""How often a folder is listed until two listings in a row are the same."""


class UnstableError(OSError):
    """Files are being renamed; a listing may lack one of them."""


class Found(NamedTuple):
    """A piece of the log.

    Attributes:
        modified: nanoseconds since 1970, when it changed last.
        size: bytes on the disk.
    """

    path: Path
    device: int
    inode: int
    modified: int
    size: int
    packed: bool
    head: Head

    def open(self) -> LogFile:
        """Open it; `UnstableError` if another file has its name by now."""
        log = LogFile(self.path)
        if log.head.signature != self.head.signature:
            log.close()
            msg = "renamed meanwhile"
            raise UnstableError(msg)
        return log


class Unusable(NamedTuple):
    """A file that may be a piece of the log, if only it could be read."""

    path: Path
    modified: int
    reason: str


Place = tuple[str, int, int, int, int]
"""Name, device, inode, modified and size: while these are the same, so is what is in the file."""


class Siblings:
    """The log and its older pieces, as they lie there at the moment of each question."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[Place, Found | Unusable] = {}

    def status(self) -> os.stat_result | None:
        """The file that has the log's name; `None` if there is none."""
        try:
            return self._path.stat()
        except FileNotFoundError:
            return None

    def newest(self) -> Found | None:
        """What has the log's name, if it can be read."""
        return next((piece for piece in self._pieces() if piece.path == self._path), None)

    def find(self, position: Position) -> Found | None:
        """The piece in which `position` lies: rather the log itself, rather unpacked.

        A copy that is shorter was read to its end; the log itself has lost something if it is.
        """
        pieces = [
            piece for piece in self._pieces()
            if _is_at(piece, position)
            and (piece.path != self._path or piece.packed or piece.size >= position.offset)
        ]  # fmt: skip
        return min(pieces, key=self._preference, default=None)

    def after(self, position: Position) -> Found | None:
        """The piece that was begun next; the log itself, however its clock was set, comes last."""
        others: dict[str, Found] = {}
        for piece in sorted(self._pieces(), key=self._preference, reverse=True):
            if piece.head.signature is not None:
                others[piece.head.signature] = piece
        others.pop(position.signature or "", None)
        rest = list(others.values())
        older = [
            piece for piece in rest
            if piece.path != self._path and _order(piece) > (position.began, position.modified)
        ]  # fmt: skip
        newest = [piece for piece in rest if piece.path == self._path]
        return min(older, key=_order) if older else next(iter(newest), None)

    def unusable_since(self, modified: int) -> str | None:
        """What to do about a file that changed since and cannot be read, if there is one."""
        for file in self._list():
            if isinstance(file, Unusable) and file.modified >= modified:
                return f"`{file.path}` may hold lines that were not read: {file.reason}"
        return None

    def _preference(self, piece: Found) -> tuple[bool, bool, int]:
        return piece.path != self._path, piece.packed, -piece.size

    def _pieces(self) -> list[Found]:
        return [file for file in self._list() if isinstance(file, Found)]

    def _list(self) -> list[Found | Unusable]:
        """Every file that may be a piece.

        Raises:
            UnstableError: the folder does not stand still.
        """
        before = self._places()
        for _ in range(LOOKS):
            self._known = {
                place: self._known.get(place) or _inspect(self._path.parent, place)
                for place in before
            }
            places = self._places()
            # A log that is being written grows, which changes no name.
            if [place[:3] for place in places] == [place[:3] for place in before]:
                return list(self._known.values())
            before = places
        msg = "the folder does not stand still"
        raise UnstableError(msg)

    def _places(self) -> list[Place]:
        name = self._path.name
        places: list[Place] = []
        with os.scandir(self._path.parent) as entries:
            for entry in entries:
                rest = entry.name.removeprefix(name)
                if entry.name != name and (rest == entry.name or not rest.startswith(SEPARATORS)):
                    continue
                try:
                    status = entry.stat()
                except FileNotFoundError:
                    if entry.is_symlink():  # it points at nothing, and will go on to
                        continue
                    raise
                if stat.S_ISREG(status.st_mode):
                    places.append(
                        (entry.name, status.st_dev, status.st_ino, status.st_mtime_ns,
                         status.st_size)
                    )  # fmt: skip
        return sorted(places)


def said(error: OSError) -> str:
    """What is wrong with a file, and what to do, for the person who runs the source."""
    if isinstance(error, PermissionError):
        return "may not be read; make the user that this runs as a member of the file's group"
    reason = error.strerror or str(error)
    if isinstance(error, DamagedLogError):
        return f"{reason}; unpack it or pack it with gzip, or move it away if it is not needed"
    return f"cannot be read ({reason})"


def _inspect(folder: Path, place: Place) -> Found | Unusable:
    name, device, inode, modified, size = place
    path = folder / name
    try:
        with LogFile(path) as log:
            return Found(path, device, inode, modified, size, log.packed, log.head)
    except FileNotFoundError:
        raise
    except OSError as error:
        return Unusable(path, modified, said(error))


def _is_at(piece: Found, position: Position) -> bool:
    if position.signature is None:
        return (piece.device, piece.inode) == (position.device, position.inode)
    return piece.head.signature == position.signature


def _order(piece: Found) -> tuple[int, int]:
    return piece.head.began, piece.modified
