"""`kontaktpuls convert`: what other systems write -> events as JSON lines."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from agents.input_files import DAMAGED, open_input, shown_name
from agents.pipes import forget_standard_output
from agents.settings import SettingsError, load_settings
from agents.sources.calls_csv import convert_calls, render_summary
from agents.sources.calls_csv_mapping import load_mapping
from agents.sources.calls_csv_table import HeaderError
from agents.sources.keys import PseudonymKeyError, pseudonymiser_of
from streams.codec import encode_event
from streams.errors import KontaktpulsError
from streams.parsers.calls_csv import CallsCsvParser

if TYPE_CHECKING:
    from streams.events import Event
    from streams.parsers.calls_csv_mapping import CallsCsvMapping
    from streams.pseudonyms import Pseudonymiser


class ConvertError(KontaktpulsError):
    """Something that neither the mapping nor the configuration nor the environment says."""


def calls_csv(
    file: Annotated[
        Path, typer.Argument(help="A table of calls or JSON, gz or not; - = standard input.")
    ],
    mapping: Annotated[
        Path, typer.Option(help="How to read it, e.g. config/mappings/generic.yaml.")
    ],
    organisation: Annotated[
        str | None, typer.Option(help="Whose calls; else the mapping says it.")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            help="The folder of the configuration, read only if the mapping has no time zone.",
            show_default="config",
        ),
    ] = None,
) -> None:
    """Print the calls of a table as events, and a summary on standard error."""
    name = shown_name(file)

    def complain(line: int, reason: str) -> None:
        typer.echo(f"{name}:{line}: {reason}", err=True)

    try:
        parser = create_parser(load_mapping(mapping), organisation=organisation, config=config)
        with open_input(file) as source:
            summary = convert_calls(
                source.stream, parser, on_event=_print_event, on_bad_row=complain
            )
        sys.stdout.buffer.flush()
    except HeaderError as error:
        complain(1, str(error))
        raise typer.Exit(1) from None
    except (KontaktpulsError, SettingsError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    except BrokenPipeError:
        forget_standard_output()
        raise typer.Exit(1) from None
    except DAMAGED as error:
        typer.echo(f"{name}: cannot be read to its end: {error}", err=True)
        raise typer.Exit(1) from None
    for line in render_summary(summary, parser.explanation):
        typer.echo(line, err=True)
    if parser.mapping.warning:
        typer.echo(f"WARNING: {parser.mapping.warning}", err=True)
    if summary.bad:
        raise typer.Exit(1)


def create_parser(
    mapping: CallsCsvMapping, *, organisation: str | None = None, config: Path | None = None
) -> CallsCsvParser:
    """A parser for one organisation's table.

    Raises:
        ConvertError: nobody says whose calls these are, or the key for callers is missing.
        SettingsError: the time zone has to come from a configuration that is not right.
    """
    whose = organisation or mapping.organisation
    if whose is None:
        msg = "whose calls are these? Write `organisation` in the mapping, or --organisation"
        raise ConvertError(msg)
    zone = mapping.time_zone or _configured_zone(whose, config)
    return CallsCsvParser(
        mapping, organisation=whose, zone=ZoneInfo(zone), pseudonymise=_pseudonymiser(mapping)
    )


def _configured_zone(organisation: str, config: Path | None) -> str:
    organisations = load_settings(config).organisations
    if organisation not in organisations:
        known = ", ".join(f"`{name}`" for name in organisations)
        msg = f"`{organisation}` is not configured (there is {known}), so its time zone is not "
        msg += "known; write `time_zone` in the mapping"
        raise ConvertError(msg)
    return organisations[organisation].time_zone


def _pseudonymiser(mapping: CallsCsvMapping) -> Pseudonymiser | None:
    if mapping.caller is None:
        return None
    try:
        return pseudonymiser_of()
    except PseudonymKeyError as error:
        msg = f"{error}; or take `caller` out of the mapping"
        raise ConvertError(msg) from None


def _print_event(event: Event) -> None:
    sys.stdout.buffer.write(encode_event(event) + b"\n")
