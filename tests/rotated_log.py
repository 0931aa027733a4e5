"""A log that is written as Asterisk writes it, and rotated as logrotate does."""

from __future__ import annotations

import gzip
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class RotatedLog:
    """One writer, who appends to the file that he has open, and the files beside it.

    Attributes:
        path: the log's name.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("ab", buffering=0)
        self._pieces = 0

    def append(self, data: bytes) -> None:
        """Write at the end of the file that is open, whatever its name is by now."""
        self._file.write(data)

    def close(self) -> None:
        """Write no more."""
        self._file.close()

    def rename(self) -> None:
        """Rename the log; what is written goes to it until it is opened anew."""
        self._shift()
        self.path.rename(self.path.with_name(f"{self.path.name}.1"))

    def reopen(self) -> None:
        """Open the log by its name, as `logger reload` does."""
        self._file.close()
        self._file = self.path.open("ab", buffering=0)

    def copy(self) -> None:
        """The first half of copy-truncate."""
        self._shift()
        shutil.copyfile(self.path, self.path.with_name(f"{self.path.name}.1"))

    def empty(self) -> None:
        """The second half of copy-truncate."""
        self._file.truncate(0)

    def pack(self) -> None:
        """Pack the older pieces, as logrotate does a turn later."""
        for number in range(1, self._pieces + 1):
            piece = self.path.with_name(f"{self.path.name}.{number}")
            if piece.exists():
                packed = piece.with_name(f"{piece.name}.gz")
                packed.write_bytes(gzip.compress(piece.read_bytes()))
                shutil.copystat(piece, packed)
                piece.unlink()

    def pieces(self) -> list[Path]:
        """All files of the log, the oldest first."""
        older = [
            path
            for number in range(self._pieces, 0, -1)
            for path in self._called(number)
        ]  # fmt: skip
        return [*older, self.path]

    def _called(self, number: int) -> list[Path]:
        names = (f"{self.path.name}.{number}{ending}" for ending in ("", ".gz"))
        return [path for name in names if (path := self.path.with_name(name)).exists()]

    def _shift(self) -> None:
        """Make room for a new `.1`."""
        for number in range(self._pieces, 0, -1):
            for path in self._called(number):
                ending = ".gz" if path.suffix == ".gz" else ""
                path.rename(self.path.with_name(f"{self.path.name}.{number + 1}{ending}"))
        self._pieces += 1
