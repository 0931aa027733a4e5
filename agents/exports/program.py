"""What a worker starts to make exports: `python -m agents.exports.program REPORT KEY...`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from redis.asyncio import Redis

from agents.clock import wall_clock
from agents.exports.lock import TTL, LockError
from agents.exports.making import Maker
from agents.exports.marks import Marks, MarksError
from agents.exports.reading import ReadingError
from agents.exports.reports import Outcome, Report, add_report
from agents.exports.scheduled import ScheduledExports
from agents.logs import configure_logging
from agents.redis_clients import redis_options
from agents.settings import load_settings
from streams.errors import KontaktpulsError
from streams.exports.periods import Period
from streams.exports.schedule import Due

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agents.settings import Settings

TOGETHER: Final = 10
"""Exports that one process makes, which takes two seconds to start; what leaks ends with it."""


def main() -> None:
    """Make what the command line names, and say in the report how each ended."""
    configure_logging()
    report, *keys = sys.argv[1:]
    asyncio.run(make_all(load_settings(), Path(report), keys))


async def make_all(
    settings: Settings,
    report: Path,
    keys: Sequence[str],
    *,
    clock: Callable[[], int] = wall_clock,
    lock_ttl: float = TTL,
) -> None:
    """Make the first few of these exports that nobody else makes."""
    cluster = settings.cluster
    if cluster.redis_url is None:
        msg = "`redis.enabled` is `false`"
        raise ReadingError(msg)
    redis: Redis = Redis.from_url(cluster.redis_url, **redis_options(cluster))
    maker = Maker(settings)
    exports = ScheduledExports(
        settings,
        redis=redis,
        marks=Marks(cluster),
        make=maker.make_due,
        write=maker.write_letter,
        clock=clock,
        lock_ttl=lock_ttl,
    )
    left = TOGETHER
    try:
        for number, key in enumerate(keys, start=1):
            if left == 0:
                return
            add_report(report, Report(key, Outcome.BEGUN))
            try:
                outcome, reason = await exports.export(due_of(key, settings)), ""
            except (KontaktpulsError, OSError) as error:
                outcome, reason = Outcome.FAILED, str(error)
                if isinstance(error, (LockError, MarksError)):
                    # The others would fail of it too, each after a time-out of its own.
                    left = 1
                    for other in keys[number:]:
                        add_report(report, Report(other, Outcome.HELD))
            add_report(report, Report(key, outcome, reason))
            left -= outcome is not Outcome.HELD
    finally:
        await redis.aclose()


def due_of(key: str, settings: Settings) -> Due:
    """The export that a key names."""
    organisation, _, label = key.partition("|")
    week = Period.parse(label, "week")
    due_at = settings.cluster.exports.at.after(week, settings.organisations[organisation].zone)
    return Due(organisation, week, due_at)


if __name__ == "__main__":
    main()
