"""A worker that only looks after exports, in a hurry and by a clock of its own; tests kill it.

`export_worker.py CONFIG` runs it; what it starts is `export_worker.py REPORT KEY...`.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from agents.exports.program import make_all
from agents.exports.service import ExportService, Pace
from agents.exports.status import ExportStatus
from agents.logs import configure_logging
from agents.settings import load_settings
from agents.sinks.redis import connect_redis
from streams.instants import parse_rfc3339

NOW = "EXPORT_TEST_NOW"
"""The variable with the instant at which its clock stands still."""
PACE = Pace(settle=0.0, look=0.5, tick=0.05, complete=0.0, held=0.5)
LOCK_TTL = 3.0


def now() -> int:
    """The instant, which never moves."""
    return parse_rfc3339(os.environ[NOW])


async def look_after(config: Path) -> None:
    """Until somebody kills us."""
    settings = load_settings(config)
    assert settings.cluster.redis_url is not None
    service = ExportService(
        settings,
        ExportStatus(),
        redis=connect_redis(settings.cluster, settings.cluster.redis_url),
        clock=now,
        is_ready=lambda: True,
        is_stopping=lambda: False,
        pace=PACE,
        program=[sys.executable, __file__],
    )
    await service.start()
    await service.wait_until_stopped()


def main() -> None:
    """As the head of this file says."""
    configure_logging()
    where, *keys = sys.argv[1:]
    if keys:
        asyncio.run(make_all(load_settings(), Path(where), keys, clock=now, lock_ttl=LOCK_TTL))
    else:
        asyncio.run(look_after(Path(where)))


if __name__ == "__main__":
    main()
