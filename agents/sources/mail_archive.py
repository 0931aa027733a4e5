"""Mails in files: mbox, Maildir, and folders of `.eml`; of each only its header block.

Files are read as far as the first blank line of each mail; bodies are never kept.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple, NoReturn

from agents.input_files import DAMAGED, open_input
from streams.errors import KontaktpulsError
from streams.parsers.mail.folders import decode_folder_name
from streams.parsers.mail.headers import MAX_HEADER_BYTES
from streams.parsers.mail.times import from_line_at, plausible

if TYPE_CHECKING:
    from collections.abc import Iterator

NANOSECONDS = 1_000
"""In a microsecond."""

LONGEST_LINE = 64 * 1024
FIELD = re.compile(rb"[!-9;-~]+[ \t]*:|>?From ")

BARE_FROM = re.compile(rb"From [^\s:@]+@[^\s:@]+\s*")
INFO = re.compile(r"[:;!]2,([A-Za-z]*)$")
"""What stands behind a file's name in a Maildir; Windows allows no colon there."""

DRAFT = "D"


class ArchiveError(KontaktpulsError):
    """A path at which there is no archive."""


class Archived(NamedTuple):
    """One mail of an archive.

    Attributes:
        place: where it stands, for messages.
        folder: the name of its folder, decoded; empty for the topmost.
        block: its header block, or more than `MAX_HEADER_BYTES` of it; `None` if unreadable.
        stamp: the instant the archive gives it.
        draft: whether it was never sent.
    """

    place: str
    folder: str
    block: bytes | None
    stamp: int | None
    draft: bool = False


def mails_of_mbox(path: Path) -> Iterator[Archived]:
    """The mails of one mbox (RFC 4155), compressed or not; `-` is standard input.

    Raises:
        ArchiveError: it cannot be opened, or begins with no mail.
    """
    try:
        with open_input(path) as source:
            folder = "" if source.name == "<stdin>" else path.name.removesuffix(".gz")
            yield from _split(source.stream, source.name, folder.removesuffix(".mbox"))
    except DAMAGED as error:
        msg = f"`{path}` cannot be read to its end ({error}); write the name of an mbox file"
        raise ArchiveError(msg) from None


def _split(stream: IO[bytes], name: str, folder: str) -> Iterator[Archived]:
    """Cut an mbox at its `From ` lines.

    Such a line begins a mail only after a blank line, with a date or a bare address, and before a
    header: mails quote others, and not every program escapes that.
    """
    block, begun, in_header, blank, number = bytearray(), 0, False, True, 0
    stamp: int | None = None
    waiting: tuple[int, int | None] | None = None
    while line := stream.readline(LONGEST_LINE):
        number += 1
        if waiting is not None:
            # Some programs leave a blank line before the header; texts do so after an address.
            dated_blank = waiting[1] is not None and not line.strip()
            if not begun or dated_blank or FIELD.match(line):
                if begun:
                    yield Archived(f"{name}:{begun}", folder, bytes(block), stamp)
                block.clear()
                (begun, stamp), in_header = waiting, True
            waiting = None
        begins = blank and line.startswith(b"From ")
        at = from_line_at(line) if begins else None
        if at is not None or (begins and BARE_FROM.fullmatch(line)):
            waiting = (number, at)
        elif not begun:
            if line.strip():
                msg = f"`{name}` is no mbox: line {number} is no `From ` line with a date; give "
                msg += "the folder to `kontaktpuls convert maildir` if there is one mail a file"
                raise ArchiveError(msg)
        elif in_header:
            if line.strip(b"\r\n"):
                block += line if len(block) <= MAX_HEADER_BYTES else b""
            elif block:
                in_header = False
        blank = not line.strip(b"\r\n")
    if begun:
        yield Archived(f"{name}:{begun}", folder, bytes(block), stamp)


def mails_of_folders(path: Path) -> Iterator[Archived]:
    """The mails of a Maildir and the folders in it, or of folders of `.eml` files.

    Raises:
        ArchiveError: there is neither at the path, or a folder cannot be read.
    """
    if not path.is_dir():
        msg = f"`{path}` is no folder; write the folder in which `cur` and `new` are"
        raise ArchiveError(msg)
    found = False
    for parent, folders, files in os.walk(path, onerror=_refuse):
        folders.sort()
        is_maildir = not {"cur", "new"}.isdisjoint(folders)
        paths = [Path(parent, file) for file in sorted(files) if file.lower().endswith(".eml")]
        if is_maildir:
            paths = [
                Path(entry)
                for part in ("cur", "new")
                if part in folders
                for entry in _entries(Path(parent, part))
            ]
            folders[:] = [name for name in folders if name not in {"cur", "new", "tmp"}]
        found = found or is_maildir or bool(paths)
        name = folder_name(Path(parent).relative_to(path))
        for file in paths:
            if not file.name.startswith(".") and file.is_file():
                yield _read(file, name)
    if not found:
        msg = f"`{path}` is no Maildir: there is neither `cur` nor `new` nor an `.eml` file in it; "
        msg += "write the folder in which they are"
        raise ArchiveError(msg)


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        _refuse(error)


def _refuse(error: OSError) -> NoReturn:
    """A folder that is left out would make answers, or questions, look as if there were none."""
    msg = f"`{error.filename}` cannot be read ({error.strerror}); run the command as a user who can"
    raise ArchiveError(msg) from None


def folder_name(relative: Path) -> str:
    """What people call a folder of a Maildir.

    >>> folder_name(Path(".INBOX.Skr&AOQ-ppost")), folder_name(Path("."))
    ('INBOX.Skräppost', '')
    """
    return decode_folder_name("/".join(relative.parts).removeprefix("."))


def _read(file: Path, folder: str) -> Archived:
    info = INFO.search(file.name)
    draft = info is not None and DRAFT in info[1]
    try:
        with file.open("rb") as stream:
            stamp = plausible(os.fstat(stream.fileno()).st_mtime_ns // NANOSECONDS)
            block = _header_block(stream)
    except OSError:
        return Archived(str(file), folder, None, None, draft)
    return Archived(str(file), folder, block, stamp, draft)


def _header_block(stream: IO[bytes]) -> bytes:
    block = bytearray()
    while len(block) <= MAX_HEADER_BYTES:
        line = stream.readline(LONGEST_LINE)
        if not line or (block.strip() and not line.strip(b"\r\n")):
            break
        block += line
    return bytes(block)
