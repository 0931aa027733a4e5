"""The watchdog ends a worker that has silently stopped, and no other."""

from __future__ import annotations

import threading
from time import monotonic
from typing import Any

import pytest

from agents.watchdog import EXIT_CODE, Limits, Vitals, Watchdog, judge

LIMITS = Limits(recovery=600.0, stall=60.0, stop=10.0)
NOW = 10_000.0


def vitals(**changes: Any) -> Vitals:
    """A worker in good health at `NOW`, except for what is said."""
    return Vitals(**({"beat_at": NOW, "advanced_at": NOW} | changes))


@pytest.mark.parametrize(
    ("signs", "reason"),
    [
        pytest.param(
            {"failure": "kontaktpuls-cohorts-changelog: TimeoutError()"},
            "Kafka did not take a record: kontaktpuls-cohorts-changelog: TimeoutError()",
            id="a record was refused",
        ),
        pytest.param({"stopping_since": NOW - 10.1}, "did not stop within 10 s", id="a stop hangs"),
        pytest.param(
            {"beat_at": NOW - 60.1},
            "the event loop has not turned for 60 s",
            id="the event loop is stuck",
        ),
        pytest.param(
            {"beat_at": NOW - 60.1, "unsettled_since": NOW - 60.1},
            "the event loop has not turned for 60 s",
            id="the event loop is stuck during recovery",
        ),
        pytest.param(
            {"busy_since": NOW - 60.1},
            "one chunk has been in work for 60 s",
            id="an agent waits for something that never comes",
        ),
        pytest.param(
            {"unsettled_since": NOW - 600.1},
            "rebalance and recovery have not ended within 600 s",
            id="recovery died in silence",
        ),
        pytest.param(
            {"behind": 7, "advanced_at": NOW - 60.1},
            "7 records behind, and none fetched for 60 s",
            id="the consumer stopped fetching",
        ),
        pytest.param(
            {"uncommitted_since": NOW - 60.1},
            "offsets have been handled but not committed for 60 s",
            id="commits stopped",
        ),
    ],
)
def test_every_silent_stop_has_a_reason(signs: dict[str, Any], reason: str) -> None:
    """What hangs for longer than allowed is named."""
    assert judge(vitals(**signs), LIMITS, NOW) == reason


@pytest.mark.parametrize(
    "signs",
    [
        pytest.param({}, id="idle and healthy"),
        pytest.param({"advanced_at": NOW - 86_400}, id="a night without events"),
        pytest.param({"behind": 1_000_000}, id="far behind but advancing"),
        pytest.param(
            {"behind": 7, "advanced_at": NOW - 60.0}, id="behind for just as long as may be"
        ),
        pytest.param({"unsettled_since": NOW - 599.0}, id="a long recovery"),
        pytest.param(
            {"unsettled_since": NOW - 300.0, "behind": 7, "advanced_at": NOW - 300.0},
            id="nothing is fetched during recovery",
        ),
        pytest.param({"stopping_since": NOW - 9.0}, id="a stop that takes its time"),
        pytest.param({"uncommitted_since": NOW - 2.0}, id="the next commit is due soon"),
    ],
)
def test_a_worker_that_works_is_left_alone(signs: dict[str, Any]) -> None:
    """No false alarm: a restart costs a recovery."""
    assert judge(vitals(**signs), LIMITS, NOW) is None


def test_time_in_which_the_whole_process_was_frozen_does_not_count() -> None:
    """After SIGCONT the loop gets its full time to turn again."""
    frozen = vitals(beat_at=NOW - 90.0, busy_since=NOW - 90.0)

    assert judge(frozen, LIMITS, NOW, awake_since=NOW - 1.0) is None
    assert judge(frozen, LIMITS, NOW + 60.0, awake_since=NOW - 1.0) is not None


def test_the_thread_ends_the_process_with_its_own_exit_code() -> None:
    """It runs beside the event loop, and acts without it."""
    codes: list[int] = []
    ended = threading.Event()

    def exit_process(code: int) -> None:
        codes.append(code)
        ended.set()

    signs = Vitals(beat_at=monotonic())
    dog = Watchdog(signs, LIMITS, exit_process=exit_process, interval=0.01)
    dog.start()
    signs.failure = "refused"

    assert ended.wait(5)

    dog.join(5)

    assert codes == [EXIT_CODE]
    assert not dog.is_alive()


def test_a_closed_watchdog_lets_go() -> None:
    """A worker inside another program can be stopped without ending that program."""
    codes: list[int] = []
    signs = Vitals(beat_at=monotonic())
    dog = Watchdog(signs, LIMITS, exit_process=codes.append, interval=0.01)
    dog.start()
    dog.close()
    signs.failure = "refused"

    assert not dog.is_alive()
    assert codes == []
    assert dog.reason() is not None
