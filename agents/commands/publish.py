"""`kontaktpuls publish`: a file of events -> Kafka, every one acknowledged."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from agents.input_files import DAMAGED, event_lines, open_input, shown_name, with_organisation
from agents.publisher import PublishError, create_publisher, topic_of
from agents.settings import SettingsError, load_settings
from streams.codec import decode_event
from streams.errors import RejectedError
from streams.statements import refuse_implausible, span_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agents.input_files import Input
    from agents.publisher import Publisher
    from streams.organisations import Organisation


def publish(
    events: Annotated[
        Path, typer.Argument(help="Events as JSON lines, gz or not; - reads standard input.")
    ],
    brokers: Annotated[
        str | None, typer.Option(help="host:port, several with commas; else the configuration's.")
    ] = None,
    organisation: Annotated[
        str | None, typer.Option(help="Whose events those are that do not say it themselves.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="The folder of the configuration.", show_default="config")
    ] = None,
    one_per_batch: Annotated[
        bool, typer.Option("--one-per-batch", help="One record a batch, for the embedded broker.")
    ] = False,
) -> None:
    """Send events to Kafka, keyed by organisation; bad lines are named and left out."""
    try:
        settings = load_settings(config)
        cluster = settings.cluster
        if brokers is not None:
            cluster = msgspec.structs.replace(cluster, brokers=brokers)
        with (
            open_input(events) as source,
            create_publisher(cluster, one_per_batch=one_per_batch or None) as publisher,
        ):
            rejected = publish_lines(
                source, publisher, settings.organisations, organisation=organisation
            )
    except (SettingsError, PublishError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    except OSError as error:
        typer.echo(f"{shown_name(events)}: cannot be read: {error}", err=True)
        raise typer.Exit(1) from None
    typer.echo(
        f"{publisher.acknowledged:,} events published, {rejected:,} lines left out", err=True
    )
    if rejected:
        raise typer.Exit(1)


def publish_lines(
    source: Input,
    publisher: Publisher,
    organisations: Mapping[str, Organisation],
    *,
    organisation: str | None = None,
) -> int:
    """Send every good line, wait for all acknowledgements, and count the bad lines.

    Raises:
        PublishError: Kafka did not take one.
    """
    rejected = 0
    console = Console(stderr=True)
    with Progress(
        TextColumn("publishing"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    ) as progress:
        task = progress.add_task("publishing", total=source.length)
        try:
            for number, line in event_lines(source.stream):
                progress.advance(task, len(line) + 1)
                try:
                    value = line if organisation is None else with_organisation(line, organisation)
                    event = decode_event(value)
                    topic = topic_of(event, organisations)
                    refuse_implausible(*span_of(event))
                except RejectedError as error:
                    rejected += 1
                    typer.echo(f"{source.name}:{number}: {error}", err=True)
                else:
                    publisher.send(topic, event.organisation, value)
        except DAMAGED as error:
            # What could be read is published all the same; the end of a file may come later.
            rejected += 1
            typer.echo(f"{source.name}: cannot be read to its end: {error}", err=True)
        publisher.flush()
    return rejected
