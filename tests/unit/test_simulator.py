"""The simulator's clock: faster than life, never ahead of it, with heartbeats all the way."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from agents.cli import create_cli
from agents.settings import load_settings
from agents.sources.simulator import Player, default_start
from streams.codec import decode_event
from streams.events import AnyEvent, Heartbeat
from streams.instants import DAY, HOUR, MINUTE, SECOND, from_datetime, parse_rfc3339, to_rfc3339
from streams.topics import CALLS, EMAILS, SURVEYS, VISITS

if TYPE_CHECKING:
    from typer.testing import Result

CONFIG = Path(__file__).parents[2] / "config"
TOWN = load_settings(CONFIG).organisations["exempelkommun"]
SUNDAY = parse_rfc3339("2026-11-22T03:00:00+01:00")
START = parse_rfc3339("2026-11-09T07:55:00+01:00")


class EnoughError(Exception):
    """Ends a player that would go on for ever."""


class World:
    """A wall clock that moves only while the player sleeps, and what the player published."""

    def __init__(self, now: int, *, lasts: int) -> None:
        self.now = now
        self.ends = now + lasts
        self.published: list[tuple[int, str, AnyEvent]] = []
        self.safe = 0

    def clock(self) -> int:
        """Now."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass, until it is enough."""
        self.now += int(seconds * SECOND)
        if self.now > self.ends:
            raise EnoughError

    def send(self, topic: str, organisation: str, value: bytes) -> None:
        """Take an event as Kafka would."""
        event = decode_event(value)
        assert event.organisation == organisation
        self.published.append((self.now, topic, event))

    def flush(self) -> None:
        """Remember what is acknowledged."""
        self.safe = len(self.published)

    def play(self, player: Player) -> None:
        """Play until it is enough."""
        with pytest.raises(EnoughError):
            player.play(self)

    def heartbeats(self) -> list[tuple[int, str, Heartbeat]]:
        """The heartbeats, with the real time and the topic they were sent at."""
        return [
            (at, topic, event)
            for at, topic, event in self.published
            if isinstance(event, Heartbeat)
        ]

    def facts(self) -> list[int]:
        """Instants of everything else."""
        return [instant(event) for _, _, event in self.published if not is_heartbeat(event)]


def is_heartbeat(event: AnyEvent) -> bool:
    """Whether an event is no fact."""
    return isinstance(event, Heartbeat)


def instant(event: AnyEvent) -> int:
    """The time of a fact."""
    moment: datetime = event.at  # type: ignore[union-attr]
    return from_datetime(moment)


def player(world: World, *, speed: float = 60, start: int = START, backfill: int = 0) -> Player:
    """A player in a world, not begun."""
    return Player(
        TOWN,
        seed=1,
        speed=speed,
        start=start,
        backfill=backfill,
        clock=world.clock,
        sleep=world.sleep,
    )


def simulate(*arguments: str) -> Result:
    """What the command answers."""
    return CliRunner().invoke(
        create_cli("simulate"), ["simulate", "--config", str(CONFIG), *arguments]
    )


def test_the_simulated_clock_runs_at_its_speed() -> None:
    """Ten real seconds at sixty times life are ten simulated minutes."""
    world = World(SUNDAY, lasts=10 * SECOND)
    simulated = player(world)
    world.play(simulated)

    assert simulated.now == pytest.approx(START + 10 * MINUTE, abs=15 * SECOND)


def test_an_event_is_published_when_its_time_comes() -> None:
    """Nothing that lies ahead of the simulated clock is told, and nothing is told much later."""
    world = World(SUNDAY, lasts=20 * SECOND)
    simulated = player(world)
    simulated.publish_history(world)
    history = len(world.published)
    world.play(simulated)
    delays = [
        START + (at - SUNDAY) * 60 - instant(event)
        for at, _, event in world.published[history:]
        if not is_heartbeat(event)
    ]

    assert len(delays) > 100
    assert all(0 <= delay <= 13 * SECOND for delay in delays)


def test_every_source_says_every_second_how_far_it_has_read() -> None:
    """Heartbeats go on the topic of their source's facts, and follow the facts they speak of."""
    world = World(SUNDAY, lasts=10 * SECOND)
    world.play(player(world))
    exchange = [(at, beat) for at, _, beat in world.heartbeats() if beat.source == "exchange"]

    assert {(topic, beat.source) for _, topic, beat in world.heartbeats()} == {
        (CALLS, "exchange"),
        (EMAILS, "mailbox"),
        (VISITS, "queue-tickets"),
        (SURVEYS, "survey"),
    }
    assert all(
        before[1].through < after[1].through and SECOND <= after[0] - before[0] <= 1.4 * SECOND
        for before, after in pairwise(exchange)
    )
    assert len(exchange) >= 8
    read = START
    for _, _, event in world.published:
        if isinstance(event, Heartbeat):
            read = from_datetime(event.through)
        else:
            assert instant(event) > read or read == START


def test_history_is_published_at_once_from_a_monday_on() -> None:
    """The windows of a week are full from the beginning, and every conversation has its start."""
    world = World(SUNDAY, lasts=0)
    player(world, backfill=7).publish_history(world)
    monday = parse_rfc3339("2026-11-02T00:00:00+01:00")

    assert {at for at, _, _ in world.published} == {SUNDAY}
    assert monday <= min(world.facts()) < monday + DAY
    assert START - HOUR < max(world.facts()) <= START
    assert len(world.facts()) > 18_000
    assert world.safe == len(world.published)


def test_the_simulated_clock_never_overtakes_the_wall_clock() -> None:
    """When the past is used up, time goes on at its ordinary pace."""
    world = World(START + 30 * MINUTE, lasts=60 * SECOND)
    simulated = player(world, speed=1_000)
    world.play(simulated)

    assert world.now - SECOND <= simulated.now <= world.now
    assert max(world.facts()) <= world.now


def test_a_wall_clock_that_is_set_back_takes_nothing_back() -> None:
    """A source that said it has read up to a time does not unsay it."""
    world = World(SUNDAY, lasts=20 * SECOND)
    simulated = player(world)
    world.play(simulated)
    reached = simulated.now
    world.now = SUNDAY - DAY
    world.ends = world.now + 3 * SECOND
    world.play(simulated)

    assert simulated.now >= reached


@pytest.mark.parametrize(
    ("now", "start"),
    [
        ("2026-11-22T03:00:00+01:00", "2026-11-09T07:55:00+01:00"),
        ("2026-11-23T00:00:00+01:00", "2026-11-16T07:55:00+01:00"),
        # Easter Monday is closed: the week before it is played instead.
        ("2026-04-14T12:00:00+02:00", "2026-03-30T07:55:00+02:00"),
    ],
)
def test_the_simulation_begins_on_the_monday_of_the_last_full_week(now: str, start: str) -> None:
    """A week that is over, so that it can be played to its end; and one with an open Monday."""
    assert to_rfc3339(default_start(TOWN, parse_rfc3339(now)), TOWN.zone) == start


def test_weeks_can_be_written_to_a_file_instead(tmp_path: Path) -> None:
    """The file holds whole weeks in time order and ends with a heartbeat of every source."""
    path = tmp_path / "weeks.jsonl"
    result = simulate("--out", str(path), "--weeks", "2", "--from", "2026-11-12T10:00")
    events = [decode_event(line) for line in path.read_bytes().splitlines()]
    instants = [instant(event) for event in events if not is_heartbeat(event)]
    end = datetime(2026, 11, 22, 23, tzinfo=UTC)

    assert result.exit_code == 0
    assert instants == sorted(instants)
    assert parse_rfc3339("2026-11-09T00:00:00+01:00") <= instants[0]
    assert from_datetime(end) - 3 * DAY < instants[-1] < from_datetime(end)
    assert [(type(event), getattr(event, "through", None)) for event in events[-4:]] == [
        (Heartbeat, end)
    ] * 4


def test_standard_output_takes_the_same_events(tmp_path: Path) -> None:
    """`-` is standard output, and the seed decides alone."""
    path = tmp_path / "week.jsonl"
    simulate("--out", str(path), "--from", "2026-11-09")
    printed = simulate("--out", "-", "--from", "2026-11-09").stdout
    other = simulate("--out", "-", "--from", "2026-11-09", "--seed", "2").stdout

    assert printed.encode() == path.read_bytes()
    assert other != printed
    assert json.loads(printed.splitlines()[0])["organisation"] == "exempelkommun"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--weeks", "2"], "goes with --out"),
        (["--from", "2150-01-01"], "`--from 2150-01-01` lies ahead; only the past can be played"),
        (["--from", "9999-01-01"], "`--from 9999-01-01` is out of range; write a year from 1971"),
        (["--from", "monday"], "`--from monday` is no time; write e.g. `2026-11-16T07:55`"),
        (["--organisation", "atlantis"], "`atlantis` is not configured; write one of"),
        (["--out", "/proc/none/x"], "/proc/none/x"),
    ],
)
def test_options_that_cannot_be_played_are_refused(arguments: list[str], message: str) -> None:
    """The message says what to write instead."""
    result = simulate(*arguments)

    assert result.exit_code != 0
    assert message in " ".join(result.stderr.replace("│", " ").split())
