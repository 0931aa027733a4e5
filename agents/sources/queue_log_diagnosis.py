"""What `kontaktpuls doctor` looks at for a queue_log: the log, its rotation, the state."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import TYPE_CHECKING

from agents.doctor import examine_folder
from agents.findings import Finding
from agents.settings import SettingsError
from agents.settings.queue_log import live_queue_log
from agents.settings.values import duration_text
from agents.sources.checkpoint import CheckpointError, CheckpointFile
from agents.sources.keys import PseudonymKeyError
from agents.sources.log_siblings import Siblings, said
from agents.sources.logrotate import rules_for
from agents.sources.queue_log import create_parser
from agents.sources.queue_log_running import CHECKPOINT, LOCK, state_dir
from streams.instants import DAY, SECOND, to_rfc3339

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agents.settings import Settings
    from agents.settings.queue_log import QueueLogSource
    from streams.organisations import Organisation

LOGROTATE = Path("/etc/logrotate.d")
TAIL = 256 * 1024
SILENCE = 4 * DAY
"""Longer than an office is closed at most, in the usual week; then the log may be the wrong one."""

TOLERANCE = 5 * SECOND
"""Two clocks that differ by more are not both set by NTP."""


def diagnose(
    path: Path, settings: Settings, clock: Callable[[], int], *, logrotate: Path = LOGROTATE
) -> Iterator[Finding]:
    """Look at a source's file and all that it names; changes nothing.

    Args:
        path: the source's file.
        settings: the configuration of cluster and organisations.
        clock: the present instant.
        logrotate: the folder with the rules of logrotate.
    """
    try:
        source, log = live_queue_log(settings.organisations, settings=path)
    except SettingsError as error:
        for problem in error.problems:
            yield Finding(f"source {path}", "is not right", str(problem))
        return
    yield Finding(f"source {path}", f"{source.organisation}, heartbeats as {source.source}")
    yield from _log(source, log, settings.organisations[source.organisation], clock())
    yield from _rotation(log, logrotate)
    yield from _state(state_dir(source, settings.cluster), log, path)


def _log(
    source: QueueLogSource, path: Path, organisation: Organisation, now: int
) -> Iterator[Finding]:
    subject = f"log {path}"
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            file.seek(max(0, status.st_size - TAIL))
            lines = file.read(TAIL).split(b"\n")
    except FileNotFoundError:
        remedy = "write under `file` where Asterisk writes it, and keep `queue_log = yes` in its "
        yield Finding(subject, "is not there", remedy + "logger.conf")
        return
    except OSError as error:
        yield Finding(subject, "cannot be read", said(error))
        return
    # The first may be half a line; the last may not be finished.
    complete = lines[0 if status.st_size <= TAIL else 1 : -1]
    try:
        parser = create_parser(source)
    except PseudonymKeyError as error:
        yield Finding(subject, "cannot be read without a usable key", str(error))
        return
    parser.feed(complete)
    if parser.through is None:
        fact = f"{status.st_size:,} bytes, and no line of a queue_log at its end"
        remedy = "is that the queue_log? Its lines begin with seconds: `1772438400|...|ENTERQUEUE`"
        yield Finding(subject, fact, remedy if status.st_size else None)
        return
    age = now - parser.through
    fact = f"{status.st_size:,} bytes, last line of {to_rfc3339(parser.through)}"
    remedy = "does Asterisk still write here? Its `logger show channels` says where"
    yield Finding(subject, fact, remedy if age > SILENCE else None)
    # A line of the future shows it also where the folder has the exchange's own clock.
    yield _clock_of(parser.through, min(now, status.st_mtime_ns // 1_000), source.margin)
    yield _queues(parser.queues - organisation.queues.keys(), organisation)


def _clock_of(last_line: int, written: int, margin: int) -> Finding:
    """Asterisk's clock against that of the folder: the last line was written when it changed."""
    apart = written - last_line
    subject = "clock of the exchange"
    if abs(apart) <= TOLERANCE:
        return Finding(subject, "agrees with that of the folder")
    direction = "behind" if apart > 0 else "ahead of"
    fact = f"the last line is {abs(apart) / SECOND:,.0f} s {direction} the moment it was written"
    remedy = (
        "set both clocks by NTP: waits stay right, but calls are counted in the wrong minute, and "
        f"what was read is vouched for too early or too late (`margin` is {duration_text(margin)})"
    )
    return Finding(subject, fact, remedy)


def _queues(strange: frozenset[str], organisation: Organisation) -> Finding:
    subject = "queues in the last lines"
    if not strange:
        return Finding(subject, "all known")
    names = ", ".join(f"`{name}`" for name in sorted(strange)[:12])
    known = ", ".join(f"`{name}`" for name in organisation.queues)
    remedy = (
        f"they are counted as `other`: say under `queues` which of {known} each one is, or add "
        f"them to organisations/{organisation.name}.yaml"
    )
    return Finding(subject, f"not configured: {names}", remedy)


def _rotation(log: Path, logrotate: Path) -> Iterator[Finding]:
    for rule in rules_for(log, logrotate):
        subject = f"rotation by {rule.file}"
        if rule.copies:
            remedy = (
                "what is written between the copying and the emptying is lost to everybody: take "
                "`copytruncate` out, and reload with `asterisk -rx 'logger reload'` in `postrotate`"
            )
            yield Finding(subject, "copies the log and empties it", remedy)
        elif rule.kept == 0:
            yield Finding(subject, "keeps no older file", "write `rotate 7`, or another number")
        else:
            kept = "older files" if rule.kept is None else f"{rule.kept} older files"
            yield Finding(subject, f"renames the log and keeps {kept}")


def _state(folder: Path, log: Path, settings: Path) -> Iterator[Finding]:
    subject = f"state {folder}"
    writable = examine_folder(folder, setting="state_dir")
    if writable.remedy is not None:
        yield writable._replace(subject=subject)
        return
    runs = _is_locked(folder / LOCK)
    remedy = f"start `kontaktpuls source asterisk-queue-log --settings {settings}`"
    fact = "a source runs on it" if runs else "no source runs on it"
    yield Finding(subject, fact, None if runs else remedy)
    try:
        checkpoint = CheckpointFile(folder / CHECKPOINT).load()
    except CheckpointError as error:
        yield Finding(subject, "cannot be gone on from", str(error))
        return
    if checkpoint is None:
        yield Finding("read so far", "nothing")
        return
    position = checkpoint.position
    try:
        found = Siblings(log).find(position)
    except OSError as error:
        yield Finding("read so far", f"`{log.parent}` cannot be looked through", said(error))
        return
    if found is None:
        fact = "a file that is no longer there"
        remedy = "let the rotation keep more older files; what is gone cannot be counted"
        yield Finding("read so far", fact, remedy if position.signature else None)
        return
    left = "" if found.packed else f", {max(0, found.size - position.offset):,} to go in that file"
    yield Finding("read so far", f"{position.offset:,} bytes of {found.path}{left}")


def _is_locked(path: Path) -> bool:
    try:
        with path.open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
