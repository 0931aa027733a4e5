"""`kontaktpuls validate`: is the configuration right? Every problem, or what it comes to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from agents.settings import Settings, SettingsError, load_settings
from agents.settings.opening_hours import WEEKDAYS, clock_text
from agents.settings.source_kinds import source_files, source_problems

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.calendars import Calendar, CalendarVersion
    from streams.organisations import Organisation, Promise


def validate(
    config: Annotated[
        Path | None, typer.Option(help="The folder of the configuration.", show_default="config")
    ] = None,
) -> None:
    """Check the configuration: print every problem, or a summary when there is none."""
    try:
        settings = load_settings(config)
    except SettingsError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    problems = [
        problem
        for path in source_files(settings.config_dir)
        for problem in source_problems(path, settings.organisations)
    ]
    if problems:
        typer.echo(str(SettingsError(problems)), err=True)
        raise typer.Exit(1)
    Console().print(render_summary(settings))


def render_summary(settings: Settings) -> Table:
    """What the configuration comes to, one row an organisation."""
    table = Table(title=escape(f"{settings.config_dir} is right"), show_lines=True)
    for heading in ("Organisation", "Covers", "Promises", "Calendars"):
        table.add_column(heading, overflow="fold")
    for organisation in settings.organisations.values():
        cells = (
            _who(organisation),
            _covers(organisation),
            (_promise(promise) for promise in organisation.promises),
            (line for calendar in organisation.calendars.values() for line in _calendar(calendar)),
        )
        table.add_row(*(escape("\n".join(cell)) for cell in cells))
    return table


def _who(organisation: Organisation) -> Iterator[str]:
    yield organisation.name
    yield from dict.fromkeys((organisation.sv, organisation.en))
    yield organisation.time_zone


def _covers(organisation: Organisation) -> Iterator[str]:
    for label, names in (
        ("queues", organisation.queues),
        ("mailboxes", organisation.mailboxes),
        ("desks", organisation.desks),
        ("sources", [source.name for source in organisation.sources]),
    ):
        if names:
            yield f"{label} ({len(names)}): {', '.join(names)}"


def _promise(promise: Promise) -> str:
    parts = f" for {', '.join(promise.parts)}" if promise.parts else ""
    begins = f" from {promise.valid_from}" if promise.valid_from else ""
    share = f"{promise.target:.10%}".rstrip("%").rstrip("0").rstrip(".")
    rule = promise.service_level if promise.channel == "calls" else promise.met_by
    text = f"{promise.name}{begins}: {share} % of {promise.channel}{parts} "
    return f"{text}within {promise.within.text} ({rule})"


def _calendar(calendar: Calendar) -> Iterator[str]:
    for version in calendar.versions:
        begins = f" from {version.valid_from}" if version.valid_from else ""
        yield f"{calendar.name}{begins}: {_week(version)}{_exceptions(version)}"


def _week(version: CalendarVersion) -> str:
    """The weekdays, days with the same hours in a row put together."""
    runs: list[tuple[int, int]] = []
    for day, hours in enumerate(version.weekdays):
        if not hours:
            continue
        if runs and runs[-1][1] == day - 1 and version.weekdays[day - 1] == hours:
            runs[-1] = (runs[-1][0], day)
        else:
            runs.append((day, day))
    return ", ".join(
        f"{WEEKDAYS[first]}{f'-{WEEKDAYS[last]}' if last > first else ''} "
        + " ".join(map(str, version.weekdays[first]))
        for first, last in runs
    )


def _exceptions(version: CalendarVersion) -> str:
    eves = " and eves" if version.de_facto else ""
    text = f"; closed on holidays{eves} of {version.country}" if version.country else ""
    if version.half_day_closes is not None:
        text += f", half days until {clock_text(version.half_day_closes)}"
    if version.dates:
        text += f"; {len(version.dates)} dates of their own"
    return text
