"""How far a log was read and delivered, and what was in flight there; outlives every crash."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal

import msgspec

from agents.sources.log_files import Position
from streams.errors import KontaktpulsError

if TYPE_CHECKING:
    from pathlib import Path


class CheckpointError(KontaktpulsError):
    """A checkpoint that is none of this version, or of another log."""


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Everything before this was acknowledged by Kafka.

    Attributes:
        log: the name of the log's file.
        organisation: whose events were made of it.
        position: the next byte to read.
        parser: what is in flight at that byte.
    """

    version: Literal[1] = 1
    log: str
    organisation: str
    position: Position
    parser: bytes


class CheckpointFile:
    """One checkpoint on the disk, the old one or the new one at any moment."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self) -> Checkpoint | None:
        """The last one saved; `None` before the first.

        Raises:
            CheckpointError: it cannot be read.
        """
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=Checkpoint)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            raise self.unusable(str(error)) from None

    def save(self, checkpoint: Checkpoint) -> None:
        """Write it so that a power cut leaves the old one or the new one; `OSError` if it fails."""
        fresh = self.path.with_suffix(".new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(checkpoint))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.path)
        # The new name is only certain once the folder is on the disk too.
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def unusable(self, reason: str) -> CheckpointError:
        """What to do about a checkpoint that cannot be gone on from."""
        return CheckpointError(
            f"`{self.path}` cannot be used: {reason}. Move it away to read the log anew from its "
            "beginning; what is told twice counts once"
        )
