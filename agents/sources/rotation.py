"""Follows a log through its rotation: which file comes next, and that none is left out.

A log is renamed (what is still written to it under its new name is read first), or copied and
emptied (what was not read before is read from the copy); several times over while nobody looked,
and packed since. What cannot be found again is told, never passed over in silence.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from agents.sources.log_files import DamagedLogError, LogFile
from agents.sources.log_siblings import Siblings, UnstableError, said

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agents.sources.log_files import Position
    from agents.sources.log_siblings import Found

LINGER_SECONDS = 1.0
"""How long a renamed log is still read after its successor has its first line."""

PATIENCE_SECONDS = 10.0
"""How long a log may be between two names, or half packed, before it counts as gone."""

TURNS = 8
"""How many files one call looks at; more come with the next."""


class Loss(NamedTuple):
    """A log that was gone before it was read to its end.

    Attributes:
        bytes_known: bytes that were seen and not read; what came after the last look is not known.
    """

    bytes_known: int


class Follower:
    """Reads a log forward, whatever happens to its file.

    Args:
        path: its name.
        position: how far it was read; `None` = read it from its beginning, without older files.
        monotonic: seconds.

    Attributes:
        path: where the log is written.
        position: how far the lines go that were handed on; `None` before there is a file.
        at_end: whether the last call found that nothing more was written anywhere.
        torsos: lines that were left out because a finished file breaks off in them.
        trouble: what keeps it from reading on, and what to do; `None` when all is well.
    """

    def __init__(
        self,
        path: Path,
        position: Position | None,
        *,
        linger: float = LINGER_SECONDS,
        patience: float = PATIENCE_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.position = position
        self.at_end = False
        self.torsos = 0
        self.trouble: str | None = None
        self.path = path
        self._losses: list[Loss] = []
        self._linger = linger
        self._patience = patience
        self._monotonic = monotonic
        self._siblings = Siblings(path)
        self._missing = f"`{path}` is not there; it is waited for"
        self._log: LogFile | None = None
        self._since: float | None = None

    def close(self) -> None:
        """Let go of the file."""
        if self._log is not None:
            self._log.close()
            self._log = None

    def told_losses(self) -> list[Loss]:
        """The logs that were given up since the last time this was asked."""
        losses, self._losses = self._losses, []
        return losses

    def begin(self) -> None:
        """Find the log's beginning, if that has not been done; hands on nothing."""
        if self.position is None:
            try:
                self._begin()
            except OSError as error:
                self._tell(error)

    def read(self) -> list[bytes]:
        """Some lines that were not handed on yet, without their ends; none if there are none."""
        self.at_end = False
        for _ in range(TURNS):
            try:
                lines = self._turn()
            except (UnstableError, FileNotFoundError):
                # Somebody is renaming files at this moment: look again next time.
                if self._siblings.status() is None:
                    self.trouble = self._missing
                return []
            except OSError as error:
                self._tell(error)
                return []
            if lines is not None:
                return lines
        return []

    def _turn(self) -> list[bytes] | None:
        """One look; `None` when another one may find more."""
        log = self._log
        if log is None:
            return self._find()
        try:
            lines = log.take()
        except DamagedLogError:
            # It may be half packed, with the whole one still beside it: find it anew.
            self._lose_sight(log)
            raise
        if log.was_emptied():
            self._lose_sight(log)
            return None
        self.position = log.position
        if lines:
            self._since = None
            self.trouble = None
            return lines
        return self._at_its_end(log)

    def _lose_sight(self, log: LogFile) -> None:
        """Close it; `position` still says what was handed on, and how much was there."""
        log.close()
        self._log = None
        self._since = None

    def _at_its_end(self, log: LogFile) -> list[bytes] | None:
        live = self._siblings.status()
        if live is not None and (live.st_dev, live.st_ino) == (log.device, log.inode):
            self.trouble = None
            self.at_end = log.pending == 0
            return []
        if live is None:
            self.trouble = self._missing
            return []
        newest = self._siblings.newest()
        if newest is not None and newest.head.signature == log.head.signature:
            return self._replaced(log, newest)
        following = self._following(log.position)
        if following is None:
            # The writer still writes to the renamed one until it opens the new one, empty so far.
            self.at_end = log.pending == 0 and live.st_size == 0 and self.trouble is None
            return []
        if self._since is None:
            # From here on the writer has moved on: what the old one holds at the next look is all.
            self._since = self._monotonic()
            return None
        if not log.packed and self._monotonic() - self._since < self._linger:
            return []
        if log.pending:
            log.leave_torso()
            self.torsos += 1
            self.position = log.position
        self._switch(following)
        return None

    def _replaced(self, log: LogFile, newest: Found) -> list[bytes] | None:
        """The same log is another file now: something copies it here, such as rsync."""
        if newest.size >= log.offset:
            self._lose_sight(log)
            return None
        self.trouble = f"`{self.path}` is shorter than what was read of it; it is waited for"
        return []

    def _find(self) -> list[bytes] | None:
        """Open the file to go on with; an empty list = there is none at this moment."""
        sought = self.position
        if sought is None:
            return self._begin()
        if sought.signature is None:
            return self._await_first_line(sought)
        found = self._siblings.find(sought)
        if found is not None:
            log = found.open()
            try:
                log.go_to(sought)
            except OSError:
                log.close()
                raise
            self._take_up(log)
            return None
        if self._siblings.status() is None:
            self.trouble = self._missing
            return []
        unusable = self._siblings.unusable_since(sought.modified)
        if unusable is not None:
            self.trouble = unusable
            return []
        if self._since is None:
            self._since = self._monotonic()
        if self._monotonic() - self._since < self._patience:
            return []
        self._since = None
        self._losses.append(Loss(sought.seen - sought.offset))
        following = self._following(sought)
        if following is None:
            return self._begin()
        self._switch(following)
        return None

    def _following(self, position: Position) -> Found | None:
        """The log that was begun after the one at `position`; sets `trouble` if it is hidden."""
        self.trouble = self._siblings.unusable_since(position.modified)
        if self.trouble is not None:
            return None
        return self._siblings.after(position)

    def _switch(self, found: Found) -> None:
        log = found.open()
        if self._log is not None:
            self._log.close()
        self._take_up(log)

    def _begin(self) -> list[bytes] | None:
        """Read the log itself from its beginning; without a first line, note where it will be."""
        try:
            log = LogFile(self.path)
        except FileNotFoundError:
            self.trouble = self._missing
            return []
        self._take_up(log)
        if not log.is_known:
            self._lose_sight(log)
        return None

    def _await_first_line(self, since: Position) -> list[bytes] | None:
        """Go on with the first log that was begun since an empty one was seen."""
        following = self._following(since)
        if following is not None:
            self._switch(following)
            return None
        live = self._siblings.status()
        if live is None:
            self.trouble = self._missing
        self.at_end = live is not None and live.st_size == 0 and self.trouble is None
        return []

    def _tell(self, error: OSError) -> None:
        self.trouble = f"`{error.filename or self.path}`: {said(error)}"

    def _take_up(self, log: LogFile) -> None:
        self._log = log
        self._since = None
        self.trouble = None
        self.position = log.position
