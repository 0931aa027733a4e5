"""The bad Tuesday: ordinary until ten, hopeless until noon, and over in the evening."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agents.cli import create_cli
from agents.settings import load_settings
from streams.events import (
    CallAnswered,
    CallEntered,
    EmailClosed,
    EmailForwarded,
    EmailReceived,
    EmailSent,
    Event,
)
from streams.instants import HOUR, MINUTE, start_of_day
from streams.promises import due
from streams.simulation import SCENARIOS, simulate_week

ROOT = Path(__file__).parents[2]
TOWN = load_settings(ROOT / "config", environ={}).organisations["exempelkommun"]
MONDAY = date(2026, 11, 16)
MIDNIGHT = start_of_day(MONDAY + timedelta(days=1), TOWN.zone)
PAUSE = MIDNIGHT + 7 * HOUR, MIDNIGHT + 14 * HOUR + 30 * MINUTE
CLOSES = MIDNIGHT + 17 * HOUR

seeds = pytest.mark.parametrize("seed", [1, 2, 8])


@cache
def moments(seed: int) -> list[tuple[int, Event]]:
    """Two weeks, the second with the Tuesday that is looked at."""
    weeks = (MONDAY - timedelta(weeks=1), MONDAY)
    bad = SCENARIOS["bad-tuesday"]
    return [
        moment
        for monday in weeks
        for moment in simulate_week(TOWN, seed=seed, monday=monday, profile=bad)
    ]


def share_in_time(seed: int, begins: int, ends: int) -> float:
    """Of the calls that first came within two hours of that Tuesday, those answered in time."""
    came: dict[str, int] = {}
    answered: dict[str, int] = {}
    for at, event in moments(seed):
        if isinstance(event, CallEntered):
            came.setdefault(event.call, at)
        elif isinstance(event, CallAnswered):
            answered.setdefault(event.call, at)
    calls = [call for call, at in came.items() if begins <= at - MIDNIGHT < ends]
    kept = [call for call in calls if answered.get(call, CLOSES) - came[call] <= 2 * MINUTE]
    return len(kept) / len(calls)


@seeds
def test_calls_are_fine_then_hopeless_then_fine(seed: int) -> None:
    """There is a drop to be noticed, and an end of it."""
    assert share_in_time(seed, 8 * HOUR, 10 * HOUR) > 0.8
    assert share_in_time(seed, 10 * HOUR + 15 * MINUTE, 12 * HOUR) < 0.1
    assert share_in_time(seed, 13 * HOUR, 16 * HOUR) > 0.7


@seeds
def test_nobody_has_time_for_mail_until_half_past_two(seed: int) -> None:
    """Whatever a person does to a mail waits; machines go on."""
    done = [
        event
        for at, event in moments(seed)
        if PAUSE[0] <= at < PAUSE[1]
        and (
            isinstance(event, EmailClosed | EmailForwarded)
            or (isinstance(event, EmailSent) and not event.automatic)
        )
    ]

    assert done == []


@seeds
def test_most_of_what_is_due_that_evening_is_answered_after_all(seed: int) -> None:
    """Whoever is warned can still keep the promise."""
    (promise,) = (p for p in TOWN.promises if p.channel == "emails")
    arrived: dict[str, int] = {}
    dealt_with: dict[str, int] = {}
    for at, event in moments(seed):
        if isinstance(event, EmailReceived) and not event.automatic:
            arrived.setdefault(event.conversation, at)
        elif isinstance(event, EmailClosed) or (
            isinstance(event, EmailSent) and not event.automatic
        ):
            dealt_with.setdefault(event.conversation, at)
    waiting = [
        dealt_with.get(name)
        for name, at in arrived.items()
        if due(at, promise.within, TOWN.calendars["default"]) == CLOSES
        and dealt_with.get(name, CLOSES) >= PAUSE[1]
    ]
    answered = [at for at in waiting if at is not None and at <= CLOSES]

    assert len(answered) >= 2
    assert len(answered) >= len(waiting) / 2


def test_other_scenarios_are_as_they_were() -> None:
    """The ordinary week knows nothing of it."""
    ordinary = SCENARIOS["ordinary"]

    assert (ordinary.rush, ordinary.no_mail) == (None, None)


def test_an_unknown_scenario_is_refused_with_those_there_are() -> None:
    """A slip of the keyboard does not play another week than was meant."""
    result = CliRunner().invoke(
        create_cli("simulate"),
        ["simulate", "--scenario", "bad-monday", "--out", "-", "--config", str(ROOT / "config")],
    )

    assert result.exit_code == 1
    assert "`bad-monday` is no scenario; write one of `ordinary`, `bad-tuesday`" in result.output
