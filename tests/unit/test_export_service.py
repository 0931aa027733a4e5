"""The schedule in a worker: what it starts when, what it tells, and that nothing outlives it."""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import asynccontextmanager
from datetime import date
from typing import TYPE_CHECKING, Any, cast

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from agents.exports import service as module
from agents.exports.marks import Mark, MarksError
from agents.exports.service import ExportService, Pace
from agents.exports.status import ExportStatus
from agents.settings import load_settings
from streams.instants import HOUR, MINUTE, SECOND, parse_rfc3339

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

DUE = parse_rfc3339("2026-11-23T06:00:00+01:00")
PATIENCE = 60.0
REPORTING = """
import sys, time
file, *keys = sys.argv[1:]
with open(file, "a") as report:
    for key in keys:
        report.write('{{"key": "%s", "outcome": "{outcome}", "detail": "why"}}\\n' % key)
with open(file + ".asked", "a") as asked:
    asked.write(" ".join(keys) + "\\n")
time.sleep({seconds})
sys.exit({code})
"""


class FakeMarks:
    """Marks without Kafka."""

    def __init__(self) -> None:
        self.by_key: dict[str, Mark] = {}
        self.away = False

    async def read_on(self) -> None:
        """Nothing new, or nobody there."""
        if self.away:
            msg = "kafka is away"
            raise MarksError(msg)


class FakeRedis:
    """As much of a connection as is closed."""

    async def aclose(self) -> None:
        """Nothing to give back."""


class Stage:
    """A service with everything around it in our hands."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (folder / "organisations").mkdir()
        for name in ("orust", "skara"):
            (folder / "organisations" / f"{name}.yaml").write_text(
                "display_name: A\ncalendars: {default: {hours: {mon-fri: 08:00-16:30}}}\n", "utf-8"
            )
        (folder / "kontaktpuls.yaml").write_text(
            f"brokers: 'a:1'\ndata_dir: {folder / 'data'}\nexports: {{catch_up: 0, retry: 1 s}}\n",
            "utf-8",
        )
        self.settings = load_settings(folder, environ={})
        self.status = ExportStatus()
        self.marks = FakeMarks()
        self.now = DUE
        self.ready = True
        self.stopping = False
        self.told = True
        self.days: dict[str, date] | None = {"skara": date(2026, 1, 5)}
        self.folder = folder / "data" / "exporting-9464"

        async def first_days(_redis: object, names: list[str]) -> dict[str, date]:
            if self.days is None:
                raise RedisConnectionError
            return {name: day for name, day in self.days.items() if name in names}

        async def is_told(*_: object) -> bool:
            return self.told

        monkeypatch.setattr(module, "first_days", first_days)
        monkeypatch.setattr(module, "is_told", is_told)

    @asynccontextmanager
    async def running(
        self, outcome: str = "done", *, seconds: float = 0.0, code: int = 0, **pace: float
    ) -> AsyncIterator[ExportService]:
        """The service with a program that reports this."""
        source = REPORTING.format(outcome=outcome, seconds=seconds, code=code)
        service = ExportService(
            self.settings,
            self.status,
            redis=cast("Any", FakeRedis()),
            clock=lambda: self.now,
            is_ready=lambda: self.ready,
            is_stopping=lambda: self.stopping,
            pace=Pace(**{"settle": 0.0, "look": 0.05, "tick": 0.01, "held": 60.0} | pace),
            program=[sys.executable, "-c", source],
        )
        service._marks = cast("Any", self.marks)
        await service.start()
        try:
            yield service
        finally:
            await service.stop()

    def asked(self) -> list[str]:
        """What each process that was started was asked to make."""
        file = self.folder / "report.jsonl.asked"
        return file.read_text("utf-8").splitlines() if file.exists() else []


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """Monday at six."""
    return Stage(tmp_path, monkeypatch)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for it."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def test_what_is_due_is_made_by_a_process_of_its_own(stage: Stage) -> None:
    """One that is done is not asked for again, however often somebody looks."""
    async with stage.running(seconds=0.2):
        await until(lambda: bool(stage.asked()))
        stage.marks.by_key["skara|2026-W47"] = Mark(1, "2026-11-23T06:00:09+01:00", {})
        await until(lambda: bool(stage.status.succeeded))
        await asyncio.sleep(0.3)

    assert stage.asked() == ["skara|2026-W47"]
    assert stage.status.succeeded == {"skara": DUE + 9 * SECOND}
    assert stage.status.failures == {}


async def test_one_that_fails_is_tried_again_after_a_while_and_counted(stage: Stage) -> None:
    """Not at once over and over: whatever is broken wants time."""
    async with stage.running("failed"):
        await until(lambda: len(stage.asked()) == 1)
        began = time.monotonic()
        await until(lambda: len(stage.asked()) == 2)

    assert time.monotonic() - began > 0.7
    assert stage.status.failures["skara"] >= 1


async def test_one_that_another_worker_makes_is_left_to_it(stage: Stage) -> None:
    """It is no failure, and no reason to ask again at once."""
    async with stage.running("held"):
        await until(lambda: len(stage.asked()) == 1)
        await asyncio.sleep(0.3)

    assert len(stage.asked()) == 1
    assert stage.status.failures == {}


async def test_a_process_that_breaks_off_has_failed_at_what_it_had_begun(stage: Stage) -> None:
    """Killed for its memory, for instance: the worker is well, and tells of it."""
    async with stage.running("begun", code=9):
        await until(lambda: stage.status.failures["skara"] == 1)


async def test_a_process_that_takes_too_long_is_ended(stage: Stage) -> None:
    """One that hangs does not keep the others from being made."""
    async with stage.running("begun", seconds=600.0, limit=0.5):
        await until(lambda: stage.status.failures["skara"] == 1)


@pytest.mark.parametrize("how", ["stopped", "asked to stop"])
async def test_a_worker_that_stops_takes_the_process_along_at_once(stage: Stage, how: str) -> None:
    """Whatever it was doing can be begun again; ten seconds are all a worker has."""
    async with stage.running("begun", seconds=600.0) as service:
        await until(lambda: bool(stage.asked()))
        child = service._child
        assert child is not None
        began = time.monotonic()
        if how == "asked to stop":
            stage.stopping = True
            await until(lambda: child.poll() is not None)

    assert child.poll() is not None
    assert time.monotonic() - began < 10.0


async def test_nothing_is_looked_at_before_the_worker_is_ready(stage: Stage) -> None:
    """A worker that recovers would take a Redis that it has not filled yet for the truth."""
    stage.ready = False
    async with stage.running():
        await asyncio.sleep(0.3)
        assert stage.status.overdue == {}
        stage.ready = True
        await until(lambda: bool(stage.asked()))


async def test_a_week_is_waited_for_while_sources_still_tell_of_it(stage: Stage) -> None:
    """After downtime the backlog comes first; a source that stays silent is not waited for."""
    stage.told = False
    async with stage.running(complete=1.0):
        began = time.monotonic()
        await until(lambda: bool(stage.asked()))

    assert time.monotonic() - began > 0.9


async def test_an_hour_late_is_told_and_ends_with_the_export(stage: Stage) -> None:
    """Zero for everybody else, so that an alert knows that somebody is looking."""
    stage.told = False
    stage.now = DUE + HOUR + MINUTE
    async with stage.running(complete=600.0):
        await until(lambda: stage.status.overdue == {"orust": 0, "skara": 1})
        stage.marks.by_key["skara|2026-W47"] = Mark(1, "2026-11-23T07:05:00+01:00", {})
        await until(lambda: stage.status.overdue == {"orust": 0, "skara": 0})


async def test_without_kafka_nothing_is_begun_and_soon_nothing_is_told(stage: Stage) -> None:
    """A worker that cannot read what is done would make it twice, and cry wolf."""
    stage.marks.away = True
    async with stage.running():
        await asyncio.sleep(0.3)
        assert stage.asked() == []
        assert stage.status.overdue == {}

        stage.marks.away = False
        await until(lambda: bool(stage.asked()))


async def test_without_redis_it_is_known_who_was_exported_before(stage: Stage) -> None:
    """A flushed or absent Redis does not hide that a week is missing."""
    stage.days = None
    stage.now = DUE + HOUR + MINUTE
    stage.marks.by_key["skara|2026-W46"] = Mark(1, "2026-11-16T06:00:09+01:00", {})
    async with stage.running():
        await until(lambda: stage.status.overdue == {"skara": 1})
        await until(lambda: stage.asked() == ["skara|2026-W47"])
