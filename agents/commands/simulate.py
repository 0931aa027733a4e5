"""`kontaktpuls simulate`: a believable contact centre, to Kafka or to a file."""

from __future__ import annotations

import signal
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from agents.clock import wall_clock
from agents.pipes import forget_standard_output
from agents.publisher import PublishError, create_publisher
from agents.settings import SettingsError, load_settings
from agents.sources.simulator import Player, default_start, heartbeats
from streams.codec import encode_event
from streams.errors import KontaktpulsError
from streams.instants import (
    FIRST_YEAR,
    LAST_YEAR,
    from_datetime,
    local_date,
    local_instant,
    start_of_day,
    to_rfc3339,
)
from streams.simulation import MUNICIPAL, SCENARIOS, monday_of
from streams.simulation import simulate as simulate_weeks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agents.settings import Settings
    from streams.events import Event
    from streams.organisations import Organisation
    from streams.simulation import Profile

STANDARD_OUTPUT = Path("-")
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
WEEKS_WITHOUT_OUT = "goes with --out; towards Kafka one week follows the other without an end"


class SimulateError(KontaktpulsError):
    """Options that do not go together, or name what is not there."""


def simulate(
    *,
    speed: Annotated[
        float, typer.Option(min=0.1, help="How much faster than the wall clock; 1 is real time.")
    ] = 60.0,
    seed: Annotated[int, typer.Option(help="The same seed plays the same weeks.")] = 1,
    organisation: Annotated[
        str, typer.Option(help="Whose contact centre; its configuration says when it is open.")
    ] = "exempelkommun",
    scenario: Annotated[
        str, typer.Option(help=f"What kind of weeks: {', '.join(SCENARIOS)}.")
    ] = "ordinary",
    backfill: Annotated[
        int, typer.Option(min=0, max=400, help="Days of history to publish at once, first.")
    ] = 7,
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="TIME",
            help="Where the simulated clock begins, e.g. 2026-11-16T07:55; else a week ago.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Write whole weeks as JSON lines here (- is standard output) instead."),
    ] = None,
    weeks: Annotated[int | None, typer.Option(min=1, max=530, help="How many, with --out.")] = None,
    config: Annotated[
        Path | None, typer.Option(help="The folder of the configuration.", show_default="config")
    ] = None,
) -> None:
    """Play a contact centre to Kafka until interrupted, or write weeks of it to a file."""
    if weeks is not None and out is None:
        raise typer.BadParameter(WEEKS_WITHOUT_OUT, param_hint="--weeks")
    try:
        settings = load_settings(config)
        played = _organisation(settings, organisation)
        profile = _profile(scenario)
        begins = _start(played, start, must_be_past=out is None)
        if out is not None:
            write_weeks(played, out, seed=seed, begins=begins, weeks=weeks or 1, profile=profile)
        else:
            player = Player(
                played, seed=seed, speed=speed, start=begins, backfill=backfill, profile=profile
            )
            _play(settings, played, player, speed=speed, begins=begins)
    except BrokenPipeError:
        forget_standard_output()
        raise typer.Exit(1) from None
    except (SettingsError, PublishError, SimulateError, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


def write_weeks(
    organisation: Organisation,
    out: Path,
    *,
    seed: int,
    begins: int,
    weeks: int,
    profile: Profile = MUNICIPAL,
) -> None:
    """Write the events of whole weeks, from the Monday of the week of `begins`, in time order.

    What happens after the last Sunday is left out, and every source says it has read up to there.
    """
    monday = monday_of(local_date(begins, organisation.zone))
    end = start_of_day(monday + timedelta(weeks=weeks), organisation.zone)
    moments = simulate_weeks(organisation, seed=seed, monday=monday, profile=profile)
    if out == STANDARD_OUTPUT:
        _write(sys.stdout.buffer, organisation, moments, end)
        sys.stdout.buffer.flush()
    else:
        with out.open("wb") as stream:
            _write(stream, organisation, moments, end)


def _write(
    stream: IO[bytes], organisation: Organisation, moments: Iterator[tuple[int, Event]], end: int
) -> None:
    for instant, event in moments:
        if instant >= end:
            break
        stream.write(encode_event(event) + b"\n")
    for _, heartbeat in heartbeats(organisation, end):
        stream.write(encode_event(heartbeat) + b"\n")


def _play(
    settings: Settings, organisation: Organisation, player: Player, *, speed: float, begins: int
) -> None:
    # Whoever stops a container sends SIGTERM; it means the same as Ctrl-C.
    for number in STOP_SIGNALS:
        signal.signal(number, _interrupt_once)
    try:
        # The embedded broker minds batches only at the end of its log, where the heartbeats are.
        with create_publisher(settings.cluster, one_per_batch=False) as publisher:
            player.publish_history(publisher)
        typer.echo(
            f"{organisation.name}: {player.published:,} events of history published; "
            f"{speed:g} times as fast as life from {to_rfc3339(begins, organisation.zone)} on",
            err=True,
        )
        with create_publisher(settings.cluster) as publisher:
            player.play(publisher)
    except KeyboardInterrupt:
        typer.echo("stopped", err=True)


def _interrupt_once(number: int, frame: object) -> None:
    """Stop, and let nothing interrupt the stopping; it takes a few seconds at most."""
    del number, frame
    for again in STOP_SIGNALS:
        signal.signal(again, signal.SIG_IGN)
    raise KeyboardInterrupt


def _organisation(settings: Settings, name: str) -> Organisation:
    if name not in settings.organisations:
        known = ", ".join(f"`{known}`" for known in settings.organisations)
        msg = f"`{name}` is not configured; write one of {known}"
        raise SimulateError(msg)
    return settings.organisations[name]


def _profile(scenario: str) -> Profile:
    if scenario not in SCENARIOS:
        known = ", ".join(f"`{known}`" for known in SCENARIOS)
        msg = f"`{scenario}` is no scenario; write one of {known}"
        raise SimulateError(msg)
    return SCENARIOS[scenario]


def _start(organisation: Organisation, text: str | None, *, must_be_past: bool) -> int:
    now = wall_clock()
    if text is None:
        return default_start(organisation, now)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        msg = f"`--from {text}` is no time; write e.g. `2026-11-16T07:55`"
        raise SimulateError(msg) from None
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        msg = f"`--from {text}` is out of range; write a year from {FIRST_YEAR} to {LAST_YEAR}"
        raise SimulateError(msg)
    if moment.tzinfo is None:
        instant = local_instant(moment.date(), moment.time(), organisation.zone)
    else:
        instant = from_datetime(moment)
    if must_be_past and instant > now:
        msg = f"`--from {text}` lies ahead; only the past can be played, so that no event is early"
        raise SimulateError(msg)
    return instant
