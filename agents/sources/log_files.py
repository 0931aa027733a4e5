"""One log on the disk: told apart by its first line, read forward in whole lines.

Logs are renamed, copied, emptied and packed while they are read, so neither name nor inode says
which one it is. Its first line does: it holds the time, and nobody writes it into two logs.
"""

from __future__ import annotations

import bz2
import contextlib
import errno
import gzip
import lzma
import os
import re
import zlib
from hashlib import blake2b
from typing import IO, TYPE_CHECKING, NamedTuple, Self, cast

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHUNK = 256 * 1024
LONGEST_LINE = 64 * 1024
"""What is longer is handed on once, cut off, and left out to its end."""

LONGEST_FIRST_LINE = 4096
SECONDS = re.compile(rb"([0-9]{9,11})\|")
LONGEST_MAGIC = 5
DAMAGED = (OSError, EOFError, zlib.error, lzma.LZMAError)


class DamagedLogError(OSError):
    """A packed log that cannot be unpacked (to its end)."""


class Head(NamedTuple):
    """What a log begins with.

    Attributes:
        signature: tells this log from others; `None` while its first line is not complete.
        length: bytes that make the signature.
        began: seconds since 1970 of the first line, or when the file changed last, lacking that.
    """

    signature: str | None
    length: int
    began: int


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """How far which log was read; kept in a checkpoint.

    Attributes:
        device, inode: of the file when it was read.
        signature, began: see `Head`.
        modified: nanoseconds since 1970, when the file changed last as far as was seen.
        offset: bytes that were read, unpacked, up to a line's end.
        seen: bytes that were there.
        overlong: whether `offset` lies in a line that is too long.
    """

    device: int
    inode: int
    signature: str | None
    began: int
    modified: int
    offset: int = 0
    seen: int = 0
    overlong: bool = False


class LogFile:
    """An opened log, packed or not.

    Attributes:
        path: where it was found; it may be elsewhere by now.
        packed: nobody writes to it any more.
        head: what it begins with.
        offset: bytes that were handed on in whole lines.
    """

    def __init__(self, path: Path) -> None:
        """Open it; `OSError` when that cannot be done, `DamagedLogError` when it is unusable."""
        self.path = path
        self.offset = 0
        self._overlong = False
        self._carry = b""
        self._file = path.open("rb", buffering=0)
        try:
            self._look()
            self._unpacked = self._unpacker(self._pread(LONGEST_MAGIC, 0))
            self.packed = self._unpacked is not None
            self.head = self._read_head()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        """The log itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Close it."""
        if self._unpacked is not None:
            self._unpacked.close()
        self._file.close()

    @property
    def is_known(self) -> bool:
        """Whether its first line is there."""
        return self.head.signature is not None

    @property
    def pending(self) -> int:
        """Bytes of a line that has no end yet."""
        return len(self._carry)

    @property
    def position(self) -> Position:
        """How far it was read."""
        return Position(
            device=self.device,
            inode=self.inode,
            signature=self.head.signature,
            began=self.head.began,
            modified=self.modified,
            offset=self.offset,
            seen=self.offset if self.packed else max(self._size, self.offset),
            overlong=self._overlong,
        )

    def go_to(self, position: Position) -> None:
        """Go on where somebody stopped; at its end if it is a copy that lacks the rest."""
        self.offset = position.offset if self.packed else min(position.offset, self._size)
        self._overlong = position.overlong
        self._carry = b""
        self._unpack_from(position.offset)

    def take(self) -> list[bytes]:
        """Some whole lines, without their ends; none if there are no more (yet).

        Raises:
            DamagedLogError: it is packed and breaks off.
        """
        while data := self._read():
            if self._overlong:
                end = data.find(b"\n") + 1
                self.offset += end or len(data)
                if not end:
                    continue
                self._overlong = False
                data = data[end:]
            self._carry += data
            end = self._carry.rfind(b"\n") + 1
            if end:
                lines = self._carry[: end - 1].split(b"\n")
                self._carry = self._carry[end:]
                self.offset += end
                return lines
            if len(self._carry) > LONGEST_LINE:
                line = self._carry[: LONGEST_LINE + 1]
                self._overlong = True
                self._drop_carry()
                return [line]
        return []

    def leave_torso(self) -> None:
        """Pass over what has no line end in a log that nobody writes to any more."""
        self._drop_carry()

    def was_emptied(self) -> bool:
        """Whether what was read is no longer in it: somebody cut it or began it anew.

        What was taken just before this says yes is not to be trusted.
        """
        if self.packed:
            return False
        size = os.fstat(self._file.fileno()).st_size
        if size < self.offset + len(self._carry):
            return True
        if _digest(self._pread(self.head.length, 0)) != self.head.signature:
            return True
        self._look()
        return False

    def _look(self) -> None:
        status = os.fstat(self._file.fileno())
        self.device, self.inode = status.st_dev, status.st_ino
        self.modified, self._size = status.st_mtime_ns, status.st_size

    def _drop_carry(self) -> None:
        self.offset += len(self._carry)
        self._carry = b""

    def _pread(self, length: int, offset: int) -> bytes:
        return os.pread(self._file.fileno(), length, offset)

    def _read(self) -> bytes:
        """The bytes after those that were handed on or are carried."""
        if self._unpacked is None:
            return self._pread(CHUNK, self.offset + len(self._carry))
        with self._unpacking():
            return self._unpacked.read(CHUNK)

    def _unpacker(self, magic: bytes) -> IO[bytes] | None:
        """What unpacks it; `None` if it is a plain file."""
        if magic.startswith(b"\x1f\x8b"):
            return cast("IO[bytes]", gzip.GzipFile(fileobj=self._file))
        if magic.startswith(b"BZh"):
            return cast("IO[bytes]", bz2.BZ2File(self._file))
        if magic.startswith(b"\xfd7zXZ"):
            return cast("IO[bytes]", lzma.LZMAFile(self._file))
        if magic.startswith(b"\x28\xb5\x2f\xfd"):
            raise DamagedLogError(errno.EIO, "packed with zstd", str(self.path))
        return None

    def _unpack_from(self, offset: int) -> None:
        if self._unpacked is not None:
            with self._unpacking():
                self._unpacked.seek(offset)

    @contextlib.contextmanager
    def _unpacking(self) -> Iterator[None]:
        try:
            yield
        except DAMAGED as error:
            said = f"packed and damaged: {error}"
            raise DamagedLogError(errno.EIO, said, str(self.path)) from error

    def _read_head(self) -> Head:
        """What it begins with."""
        start = self._read()[:LONGEST_FIRST_LINE]
        self._unpack_from(0)
        line = start[: start.find(b"\n") + 1] or start
        if not line.endswith(b"\n") and len(line) < LONGEST_FIRST_LINE:
            self._look()
            return Head(None, 0, self.modified // 1_000_000_000)
        seconds = SECONDS.match(line)
        began = int(seconds[1]) if seconds else self.modified // 1_000_000_000
        return Head(_digest(line), len(line), began)


def _digest(first_line: bytes) -> str:
    return blake2b(first_line, digest_size=16).hexdigest()
