"""The worker's schedule: looks what is due, and lets a process of its own make it.

Rendering takes seconds of a whole core, which the event loop does not have, and memory that a
process gives back when it ends. It never outlives the worker, at most one runs at a time, and it is
ended at once when the worker stops: whatever it was doing can be begun again.
"""

from __future__ import annotations

import random
import sys
from time import monotonic
from typing import TYPE_CHECKING, Final

import msgspec
import structlog
from mode import Service
from redis.exceptions import RedisError

from agents.children import Child
from agents.exports.known import first_days, is_told
from agents.exports.marks import Marks, MarksError
from agents.exports.reports import Outcome, read_reports
from agents.settings.environment import CONFIG_VARIABLE
from streams.exports.schedule import due_runs, known_since, overdue, run_key
from streams.exports.truth import HistoryError
from streams.instants import HOUR, MINUTE, SECOND, parse_rfc3339

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from redis.asyncio import Redis

    from agents.exports.status import ExportStatus
    from agents.settings import Settings
    from streams.exports.schedule import Due

OVERDUE_AFTER: Final = 1 * HOUR
TRUSTED: Final = 10 * MINUTE
"""How long what was read from Kafka is believed: a worker cut off from it would cry wolf."""

log = structlog.stdlib.get_logger("kontaktpuls.exports")


class Pace(msgspec.Struct, frozen=True):
    """How long things wait, in seconds.

    Attributes:
        settle: from readiness to the first look; a worker that comes back reads its backlog.
        look: between two looks.
        tick: between two looks at a process that runs.
        complete: for a source that has not told all of the week yet; then it is exported without.
        remember: until the first days of organisations are read anew.
        limit: for one process; one that takes longer is ended.
        held: until something that another worker was making is looked at again.
    """

    settle: float = 60.0
    look: float = 60.0
    tick: float = 0.5
    complete: float = 30 * 60.0
    remember: float = 3600.0
    limit: float = 15 * 60.0
    held: float = 60.0


class ExportService(Service):
    """Runs beside the intake of a worker."""

    def __init__(
        self,
        settings: Settings,
        status: ExportStatus,
        *,
        redis: Redis,
        clock: Callable[[], int],
        is_ready: Callable[[], bool],
        is_stopping: Callable[[], bool],
        pace: Pace | None = None,
        program: Sequence[str] = (sys.executable, "-m", "agents.exports.program"),
    ) -> None:
        """Wire it up.

        Args:
            settings: what is exported when.
            status: told to Prometheus.
            redis: a connection of its own, with time-outs set.
            clock: tells the instant.
            is_ready: whether the worker serves its partitions.
            is_stopping: whether somebody asked the worker to stop.
            pace: how long things wait.
            program: what makes exports; gets the file for its report, and their keys.
        """
        super().__init__()
        self._settings = settings
        self._status = status
        self._redis = redis
        self._clock = clock
        self._is_ready = is_ready
        self._is_stopping = is_stopping
        self._pace = pace or Pace()
        self._program = program
        self._marks = Marks(settings.cluster)
        self._first_days: dict[str, date] = {}
        self._asked_at: float | None = None
        self._read_at: int | None = None
        self._not_before: dict[str, float] = {}
        self._seen_at: dict[str, float] = {}
        self._waiting: list[Due] = []
        self._child: Child | None = None
        self._began_at = 0.0
        self._troubles: set[str] = set()
        # Two workers of one machine have different ports.
        self._folder = settings.cluster.data_dir / f"exporting-{settings.cluster.web_port}"
        self._report_file = self._folder / "report.jsonl"

    @Service.task
    async def _run(self) -> None:
        await self._settle()
        look_at = monotonic()
        try:
            while not (self.should_stop or self._is_stopping()):
                if self._child is not None and self._has_ended(self._child):
                    self._finish(self._child)
                    self._child, look_at = None, monotonic()
                if monotonic() >= look_at:
                    await self._look()
                    look_at = monotonic() + self._pace.look
                if self._child is None and self._waiting:
                    self._start()
                await self.sleep(self._pace.tick)
        finally:
            if self._child is not None:
                self._child.kill()
            await self._redis.aclose()

    async def _settle(self) -> None:
        """Until the worker has been ready for a while without a break."""
        ready_since: float | None = None
        while not (self.should_stop or self._is_stopping()):
            now = monotonic()
            ready_since = (ready_since or now) if self._is_ready() else None
            if ready_since is not None and now - ready_since >= self._pace.settle:
                return
            await self.sleep(self._pace.tick)

    async def _look(self) -> None:
        """Find out what is due, and tell how it stands."""
        now = self._clock()
        try:
            await self._marks.read_on()
            self._read_at = now
            self._tell("kafka", None)
        except MarksError as error:
            self._tell("kafka", error)
        await self._ask_redis()
        exports, organisations = self._settings.cluster.exports, self._settings.organisations
        due = due_runs(
            now,
            {name: organisation.zone for name, organisation in organisations.items()},
            at=exports.at,
            catch_up=exports.catch_up,
            first_days=known_since(self._first_days, self._marks.by_key),
            done=self._marks.by_key,
        )
        self._report(due, now)
        self._waiting = [] if "kafka" in self._troubles else await self._to_make(due)

    async def _ask_redis(self) -> None:
        """Learn since when organisations are known; what was learnt is kept while Redis is away."""
        now, names = monotonic(), set(self._settings.organisations)
        is_fresh = self._asked_at is not None and now - self._asked_at < self._pace.remember
        if is_fresh:
            names -= self._first_days.keys()
        try:
            self._first_days |= await first_days(self._redis, sorted(names))
            self._asked_at = self._asked_at if is_fresh else now
            self._tell("redis", None)
        except (RedisError, OSError, ValueError) as error:
            self._tell("redis", error)

    def _report(self, due: Sequence[Due], now: int) -> None:
        """Tell Prometheus."""
        trusted = self._read_at is not None and now - self._read_at <= TRUSTED
        # Without Redis nobody knows yet of whom there is anything to export.
        told = () if self._asked_at is None else self._settings.organisations
        known = dict.fromkeys(told, 0) | overdue(due, now, patience=OVERDUE_AFTER)
        self._status.overdue = known if trusted else {}
        succeeded: dict[str, int] = {}
        for key, mark in self._marks.by_key.items():
            name, finished = key.partition("|")[0], parse_rfc3339(mark.finished_at)
            succeeded[name] = max(finished, succeeded.get(name, finished))
        self._status.succeeded = succeeded

    async def _to_make(self, due: Sequence[Due]) -> list[Due]:
        """What can be begun now: not what was tried just now, nor what sources still tell of."""
        now = monotonic()
        keys = {run_key(run.organisation, run.week): run for run in due}
        self._seen_at = {key: self._seen_at.get(key, now) for key in keys}
        self._not_before = {key: at for key, at in self._not_before.items() if key in keys}
        found = [
            run
            for key, run in keys.items()
            if now >= self._not_before.get(key, now) and await self._is_told(run, key)
        ]
        # Of several workers each begins elsewhere in the list, the newest week first all the same.
        random.shuffle(found)
        return sorted(found, key=lambda run: -run.due_at)

    async def _is_told(self, run: Due, key: str) -> bool:
        if monotonic() - self._seen_at[key] >= self._pace.complete:
            return True
        organisation = self._settings.organisations[run.organisation]
        try:
            return await is_told(self._redis, organisation, run.week.span(organisation.zone))
        except (RedisError, OSError, HistoryError):
            return False

    def _start(self) -> None:
        """Begin to make what waits, in a process of its own."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._report_file.unlink(missing_ok=True)
        keys = [run_key(run.organisation, run.week) for run in self._waiting]
        self._waiting = []
        self._began_at = monotonic()
        # From the main thread, whose end is the end of the worker.
        self._child = Child(
            "export",
            [*self._program, str(self._report_file), *keys],
            log=self._folder / "export.log",
            environment={CONFIG_VARIABLE: str(self._settings.config_dir)},
        )

    def _has_ended(self, child: Child) -> bool:
        if child.poll() is not None:
            return True
        if monotonic() - self._began_at <= self._pace.limit:
            return False
        log.error("an export takes too long and is ended", seconds=self._pace.limit)
        child.kill()
        return True

    def _finish(self, child: Child) -> None:
        """Learn what became of it."""
        now, code = monotonic(), child.poll()
        for report in read_reports(self._report_file).values():
            if report.outcome is Outcome.DONE:
                log.info("exported", export=report.key)
            elif report.outcome is Outcome.HELD:
                self._not_before[report.key] = now + self._pace.held
            else:
                self._not_before[report.key] = now + self._settings.cluster.exports.retry / SECOND
                self._status.failures[report.key.partition("|")[0]] += 1
                log.error("an export failed", export=report.key, reason=report.detail)
        if code:
            log.error("what makes exports broke off", code=code, last=child.last_lines(5))

    def _tell(self, whom: str, trouble: Exception | None) -> None:
        """Say once that something cannot be asked, and once that it can again."""
        if trouble is not None and whom not in self._troubles:
            log.warning("exports wait", whom=whom, error=str(trouble))
        elif trouble is None and whom in self._troubles:
            log.info("exports go on", whom=whom)
        if trouble is None:
            self._troubles.discard(whom)
        else:
            self._troubles.add(whom)
