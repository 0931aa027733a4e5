"""`kontaktpuls due`: when would an answer to what arrives then be due?"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agents.settings import load_settings
from streams.errors import KontaktpulsError
from streams.instants import from_datetime, local_instant, to_rfc3339
from streams.promises import due as due_at
from streams.promises import parse_within

if TYPE_CHECKING:
    from collections.abc import Iterable
    from zoneinfo import ZoneInfo

    from streams.calendars import Calendar
    from streams.organisations import Organisation


class DueError(KontaktpulsError):
    """A question that has no answer, and how to ask it instead."""


def due(
    arrival: Annotated[
        str,
        typer.Argument(
            help="When it arrives, e.g. 2026-11-20T16:55; local time unless it has an offset."
        ),
    ],
    within: Annotated[
        str, typer.Option(help='What is promised, e.g. "2 working days", as in the configuration.')
    ],
    calendar: Annotated[
        str, typer.Option(help="The calendar that working days and hours follow.")
    ] = "default",
    organisation: Annotated[
        str | None, typer.Option(help="Whose calendar, where several have one of that name.")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(help="The folder of the configuration.", show_default="config"),
    ] = None,
) -> None:
    """Print when an answer is due, in local time as RFC 3339."""
    try:
        allowed = parse_within(within)
        chosen = find_calendar(load_settings(config).organisations, calendar, organisation)
        instant = due_at(read_arrival(arrival, chosen.zone), allowed, chosen)
        answer = to_rfc3339(instant, chosen.zone)
    except KontaktpulsError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    except OverflowError:
        typer.echo(f"`{arrival}` or its due time lies outside the years 1-9999", err=True)
        raise typer.Exit(1) from None
    typer.echo(answer)


def find_calendar(
    organisations: dict[str, Organisation], name: str, organisation: str | None
) -> Calendar:
    """The one calendar meant; `DueError` if there is none, or more than one."""
    if organisation is not None and organisation not in organisations:
        msg = f"no organisation `{organisation}`; write one of {_list(organisations)}"
        raise DueError(msg)
    asked = [organisation] if organisation is not None else list(organisations)
    owners = [owner for owner in asked if name in organisations[owner].calendars]
    if len(owners) == 1:
        return organisations[owners[0]].calendars[name]
    if owners:
        msg = f"several organisations have a calendar `{name}`; add --organisation with one of "
        raise DueError(msg + _list(owners))
    known = {calendar for owner in asked for calendar in organisations[owner].calendars}
    msg = f"no calendar `{name}`; write one of {_list(known)}"
    raise DueError(msg)


def read_arrival(text: str, zone: ZoneInfo) -> int:
    """The instant of an ISO 8601 time, in a zone where it has no offset of its own."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        msg = f"`{text}` is no time; write e.g. `2026-11-20T16:55` or `2026-11-20T15:55Z`"
        raise DueError(msg) from None
    if moment.tzinfo is None:
        return local_instant(moment.date(), moment.time(), zone)
    return from_datetime(moment)


def _list(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names)) or "those you configure first"
