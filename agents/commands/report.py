"""`kontaktpuls report`: KPIs from a file of events, through the same core, without Kafka."""

from __future__ import annotations

import csv
import gc
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from agents.input_files import DAMAGED, event_lines, open_input, shown_name, with_organisation
from agents.settings import SettingsError, load_settings
from streams.codec import decode_event
from streams.errors import KontaktpulsError, RejectedError
from streams.instants import FIRST_YEAR, LAST_YEAR, from_datetime, local_instant
from streams.reports import Attribute, By, Report

if TYPE_CHECKING:
    from collections.abc import Mapping
    from zoneinfo import ZoneInfo

    from streams.organisations import Organisation
    from streams.views import View

CHANNEL_COLUMNS: dict[str, tuple[tuple[str, str], ...]] = {
    "calls": (
        ("offered", "offered"),
        ("answered", "answered"),
        ("within", "answered_within"),
        ("abandoned", "abandoned"),
        ("service level", "service_level"),
        ("mean wait", "wait_mean"),
        ("handle time", "handle_time_mean"),
        ("resolved", "resolution"),
    ),
    "emails": (
        ("received", "received"),
        ("met", "met"),
        ("missed", "missed"),
        ("in time", "service_level"),
        ("full answer", "full_answer_share"),
        ("reply time", "reply_time_mean"),
    ),
    "surveys": (("answers", "answers"), ("index", "index"), ("publishable", "publishable")),
    "visits": (("visits", "registered"), ("mean wait", "wait_mean")),
}


class ReportError(KontaktpulsError):
    """A report that cannot be made as asked, and how to ask instead."""


def report(
    file: Annotated[Path, typer.Argument(help="Events as JSON lines, also gzipped; - = stdin.")],
    *,
    as_of: Annotated[
        str | None,
        typer.Option(help="Read as of then, e.g. 2026-11-20T16:55+01:00; else the newest."),
    ] = None,
    by: Annotated[By, typer.Option(help="Length of a period, in local time.")] = "day",
    attribute: Annotated[
        Attribute,
        typer.Option(help="Count contacts when they arrived, or each thing when it was decided."),
    ] = "arrival",
    output: Annotated[
        Literal["table", "json", "csv"], typer.Option("--format", help="How to print.")
    ] = "table",
    organisation: Annotated[
        str | None, typer.Option(help="Whose events those are that do not say it themselves.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="The folder of the configuration.", show_default="config")
    ] = None,
) -> None:
    """Print the KPIs of a file of events."""
    # One pass over much data that all stays: looking for cycles in it would only cost time.
    gc.disable()
    try:
        organisations = load_settings(config).organisations
        result = Report(organisations, read_as_of(as_of, organisations), attribute)
        faults = fill(result, file, organisation or only_one(organisations))
        rows = result.rows(by)
    except (SettingsError, ReportError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    if not rows:
        typer.echo(f"{shown_name(file)}: no events to report on", err=True)
    if output == "json":
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(rows), indent=2).decode() + "\n")
    elif output == "csv":
        print_csv(rows)
    else:
        print_tables(rows)
    if faults:
        raise typer.Exit(1)


def only_one(organisations: Mapping[str, Organisation]) -> str | None:
    """The organisation that is meant where there is but one."""
    return next(iter(organisations)) if len(organisations) == 1 else None


def fill(result: Report, file: Path, organisation: str | None = None) -> int:
    """Take in every good line; bad ones go to standard error. Returns how many were bad."""
    faults = 0
    try:
        with open_input(file) as opened:
            for number, line in event_lines(opened.stream):
                try:
                    value = with_organisation(line, organisation) if organisation else line
                    result.add(decode_event(value))
                except RejectedError as refusal:
                    faults += 1
                    typer.echo(f"{opened.name}:{number}: {refusal}", err=True)
    except DAMAGED as error:
        faults += 1
        typer.echo(f"{shown_name(file)}: cannot be read to its end: {error}", err=True)
    return faults


def read_as_of(text: str | None, organisations: Mapping[str, Organisation]) -> int | None:
    """The instant asked for; without offset it is local to the organisations' one time zone.

    Raises:
        ReportError: no time, a time that no clock can mean, or no offset where one is needed.
    """
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        msg = f"--as-of: `{text}` is no time; write e.g. `2026-11-20T16:55+01:00`"
        raise ReportError(msg) from None
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        msg = f"--as-of: `{text}` is out of range; write a time from {FIRST_YEAR} to {LAST_YEAR}"
        raise ReportError(msg)
    if moment.tzinfo is not None:
        return from_datetime(moment)
    zones: dict[str, ZoneInfo] = {o.time_zone: o.zone for o in organisations.values()}
    if len(zones) != 1:
        names = ", ".join(f"`{name}`" for name in sorted(zones))
        msg = f"--as-of: `{text}` has no offset and the organisations live in {names}; add one"
        raise ReportError(msg)
    return local_instant(moment.date(), moment.time(), next(iter(zones.values())))


def print_csv(rows: list[View]) -> None:
    """One table; nested values become columns joined by dots."""
    flat = [dict(flatten(row)) for row in rows]
    columns = list(dict.fromkeys(name for row in flat for name in row))
    writer = csv.DictWriter(sys.stdout, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)


def flatten(row: Mapping[str, object], prefix: str = "") -> list[tuple[str, object]]:
    """Name and value of every leaf.

    >>> flatten({"a": 1, "wait": {"0.5": 20}})
    [('a', 1), ('wait.0.5', 20)]
    """
    leaves: list[tuple[str, object]] = []
    for name, value in row.items():
        if isinstance(value, dict):
            leaves.extend(flatten(value, f"{prefix}{name}."))
        else:
            leaves.append((f"{prefix}{name}", value))
    return leaves


def print_tables(rows: list[View]) -> None:
    """A table for each channel, the most asked-for KPIs of the first promise."""
    # Piped into a file or a pager there is no width to keep to.
    console = Console() if sys.stdout.isatty() else Console(width=160)
    several = len({row["organisation"] for row in rows}) > 1
    for channel, columns in CHANNEL_COLUMNS.items():
        shown = [row for row in rows if row["channel"] == channel]
        if not shown:
            continue
        part = {"calls": "queue", "emails": "mailbox", "visits": "desk"}.get(channel, "survey")
        table = Table(title=f"{channel}, as of {str(shown[0]['as_of'])[:16].replace('T', ' ')}")
        for heading in (["organisation"] if several else []) + ["from", part]:
            table.add_column(heading)
        for heading, _ in columns:
            table.add_column(heading, justify="right")
        for row in shown:
            begins = str(row["from"])[:16].replace("T", " ").removesuffix(" 00:00")
            table.add_row(
                *([str(row["organisation"])] if several else []),
                begins,
                "total" if row[part] is None else str(row[part]),
                *(shown_value(row, name) for _, name in columns),
            )
        console.print(table)


def shown_value(row: Mapping[str, object], name: str) -> str:
    """A value for people: shares with their interval, times in words, no data as a dash."""
    value = row.get(name)
    if isinstance(value, dict):
        return " / ".join("-" if v is None else f"{v:g}" for v in value.values())
    if value is None:
        return "-"
    if f"{name}_lower" in row:
        low, high = float(str(row[f"{name}_lower"])), float(str(row[f"{name}_upper"]))
        return f"{float(str(value)):.1%} ({low:.0%}-{high:.0%})"
    if name.endswith("_mean"):
        return shown_seconds(float(str(value)))
    return str(value)


def shown_seconds(seconds: float) -> str:
    """A duration as minutes or hours.

    >>> shown_seconds(40.774), shown_seconds(7500)
    ('0:41', '2 h 05')
    """
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02}"
    return f"{whole // 60}:{whole % 60:02}"
