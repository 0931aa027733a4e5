"""`kontaktpuls convert asterisk-queue-log`: a log of Asterisk's -> events as JSON lines."""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agents.input_files import DAMAGED, open_input, shown_name
from agents.pipes import forget_standard_output
from agents.settings import SettingsError, load_settings
from agents.settings.problems import suggestion
from agents.settings.queue_log import QueueLogSource, load_queue_log
from agents.settings.values import parse_slug
from agents.sources.queue_log import QueueLogFiles, create_parser, render_summary
from streams.codec import encode_event
from streams.errors import KontaktpulsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streams.events import CallEvent
    from streams.organisations import Organisation


class ConvertError(KontaktpulsError):
    """Something that neither the options nor the settings nor the configuration say."""


def asterisk_queue_log(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...", help="The log, the oldest file first, gz or not; - = standard input."
        ),
    ],
    organisation: Annotated[
        str | None, typer.Option(help="Whose calls; else the settings say it.")
    ] = None,
    settings: Annotated[
        Path | None,
        typer.Option(help="Names of queues and the like, e.g. config/sources/exchange.yaml."),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(help="The folder of the configuration, to tell queues that it does not name."),
    ] = None,
) -> None:
    """Print the calls of a queue_log as events, and a summary on standard error."""
    # One pass that keeps next to nothing: looking for cycles in it would only cost time.
    gc.disable()
    name = ""
    try:
        source = _settings(settings, organisation)
        known = None if config is None else _configured(config, source.organisation)
        parser = create_parser(source)
        log = QueueLogFiles(parser, _print_events)
        for file in files:
            name = shown_name(file)
            with open_input(file) as opened:
                log.read(opened.stream)
        sys.stdout.buffer.flush()
    except (KontaktpulsError, SettingsError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    except BrokenPipeError:
        forget_standard_output()
        raise typer.Exit(1) from None
    except DAMAGED as error:
        typer.echo(f"{name}: cannot be read to its end: {error}", err=True)
        raise typer.Exit(1) from None
    strange = () if known is None else parser.queues - known.queues.keys()
    for line in render_summary(parser, strange):
        typer.echo(line, err=True)
    if parser.counts.unreadable:
        raise typer.Exit(1)


def _settings(file: Path | None, organisation: str | None) -> QueueLogSource:
    """What the file says, with the organisation of the command line before its own."""
    try:
        whose = None if organisation is None else parse_slug(organisation)
    except ValueError as error:
        msg = f"--organisation: {error}"
        raise ConvertError(msg) from None
    if file is not None:
        source = load_queue_log(file)
        return source if whose is None else source.model_copy(update={"organisation": whose})
    if whose is None:
        msg = "whose calls are these? Write --organisation, or --settings with a file that says it"
        raise ConvertError(msg)
    return QueueLogSource(kind="asterisk-queue-log", organisation=whose)


def _configured(config: Path, organisation: str) -> Organisation:
    organisations = load_settings(config).organisations
    if organisation not in organisations:
        msg = f"`{organisation}` is not configured; {suggestion(organisation, organisations)}"
        raise ConvertError(msg)
    return organisations[organisation]


def _print_events(events: Sequence[CallEvent]) -> None:
    sys.stdout.buffer.write(b"".join([encode_event(event) + b"\n" for event in events]))
