"""One scheduled export, from the lock to the mark; killed anywhere and begun again, it ends as one.

The set of files is made beside its place and moved there as a whole, then mailed, then marked as
done. Before each of the three the lock and the marks are looked at again: a worker that was frozen,
or whose Redis was flushed, finds that another one went on. Whoever goes on takes a set that is
whole as it is, so that the mail never shows other numbers than the files.
"""

from __future__ import annotations

import asyncio
import shutil
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from agents.exports.files import (
    Manifest,
    publish_first,
    publish_instead,
    read_manifest,
    sweep,
    write_hidden,
)
from agents.exports.lock import TTL, ExportLock
from agents.exports.mail import Letter, send_mail
from agents.exports.marks import Mark, Marks
from agents.exports.reports import Outcome
from streams.errors import KontaktpulsError
from streams.exports.schedule import run_key
from streams.instants import parse_rfc3339, to_rfc3339

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from redis.asyncio import Redis

    from agents.settings import Settings
    from streams.exports.schedule import Due
    from streams.organisations import Organisation

log: Final = structlog.stdlib.get_logger("kontaktpuls.exports")


class DoneElsewhereError(KontaktpulsError):
    """Another worker has marked it as done in the meantime."""


class MakesSet(Protocol):
    """Makes the files of one export; blocks, in a thread."""

    def __call__(self, due: Due, made_at: int, /) -> tuple[Manifest, dict[str, bytes]]:
        """What the set says about itself, and its files by name."""


class WritesLetter(Protocol):
    """Writes the mail about a set that is in its place; blocks, in a thread."""

    def __call__(self, place: Path, manifest: Manifest, organisation: Organisation, /) -> Letter:
        """The letter, to every recipient of the organisation."""


class ScheduledExports:
    """Makes due exports one at a time."""

    def __init__(
        self,
        settings: Settings,
        *,
        redis: Redis,
        marks: Marks,
        make: MakesSet,
        write: WritesLetter,
        clock: Callable[[], int],
        lock_ttl: float = TTL,
    ) -> None:
        """Wire it up.

        Args:
            settings: whose organisations, folder and mail server.
            redis: for locks, with time-outs set.
            marks: what is done; read on here.
            make: makes the files.
            write: writes the mail.
            clock: tells the instant.
            lock_ttl: seconds after which the lock of somebody who was killed is free.
        """
        self._settings = settings
        self._redis = redis
        self._marks = marks
        self._make = make
        self._write = write
        self._clock = clock
        self._lock_ttl = lock_ttl

    def place(self, due: Due) -> Path:
        """Where the set of a week belongs."""
        return self._settings.cluster.exports.folder / due.organisation / due.week.label

    async def export(self, due: Due) -> Outcome:
        """Make one, unless it is done or somebody else is at it.

        Raises:
            KontaktpulsError, OSError: it could not be finished; try again later.
        """
        key = run_key(due.organisation, due.week)
        await self._marks.read_on()
        if key in self._marks.by_key:
            return Outcome.DONE
        async with ExportLock(self._redis, key, ttl=self._lock_ttl) as lock:
            if not await lock.take(above=self._marks.highest_token):
                return Outcome.HELD
            try:
                await self._export(due, lock, key)
            except DoneElsewhereError:
                log.info("another worker has made this export", export=key)
        return Outcome.DONE

    async def _export(self, due: Due, lock: ExportLock, key: str) -> None:
        place = self.place(due)
        manifest = await asyncio.to_thread(self._present, place, due)
        if manifest is None:
            hidden = await asyncio.to_thread(self._write_hidden, place, due)
            try:
                await self._still_ours(lock, key)
                manifest = await asyncio.to_thread(self._publish, hidden, place, due)
            finally:
                await asyncio.to_thread(shutil.rmtree, hidden, ignore_errors=True)
        await self._still_ours(lock, key)
        mailed = await asyncio.to_thread(self._mail, place, manifest)
        await self._still_ours(lock, key)
        finished_at = to_rfc3339(self._clock())
        await self._marks.write(key, Mark(lock.token, finished_at, manifest.sums, mailed))
        log.info("exported", export=key, complete=manifest.complete, mailed=mailed is not None)

    async def _still_ours(self, lock: ExportLock, key: str) -> None:
        await lock.check()
        await self._marks.read_on()
        if key in self._marks.by_key:
            raise DoneElsewhereError(key)

    def _present(self, place: Path, due: Due) -> Manifest | None:
        """The set that is there already; one that was made by hand before its time does not count.

        Such a set shows a week that was not over.
        """
        manifest = read_manifest(place)
        if manifest is None or parse_rfc3339(manifest.made_at) < due.due_at:
            return None
        return manifest

    def _write_hidden(self, place: Path, due: Due) -> Path:
        sweep([place.parent])
        about, files = self._make(due, self._clock())
        return write_hidden(place, files, about)

    def _publish(self, hidden: Path, place: Path, due: Due) -> Manifest:
        """Move ours there, unless somebody was first; the set that is there then."""
        if not publish_first(hidden, place) and self._present(place, due) is None:
            publish_instead(hidden, place)
        manifest = self._present(place, due)
        if manifest is None:
            msg = f"`{place}` was changed by somebody else at the same time"
            raise OSError(msg)
        return manifest

    def _mail(self, place: Path, manifest: Manifest) -> str | None:
        """Send the mail; its Message-ID, or `None` where nobody wants one."""
        organisation = self._settings.organisations[manifest.organisation]
        if not organisation.exports.mail:
            return None
        letter = self._write(place, manifest, organisation)
        send_mail(self._settings.cluster.exports.smtp, letter, organisation.zone)
        return letter.message_id
