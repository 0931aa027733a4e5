"""`kontaktpuls source imap`: mailboxes of a mail server -> Kafka, as mails come and go."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Annotated

import typer

from agents.logs import configure_logging
from agents.settings import SettingsError, load_settings
from agents.settings.imap import load_imap_source
from agents.sources.imap_source import create_imap_source
from agents.sources.meter import Meter
from agents.sources.outbox import create_outbox
from streams.errors import KontaktpulsError


def imap(
    file: Annotated[
        Path, typer.Argument(help="The mailboxes, e.g. config/sources/mailboxes.yaml.")
    ],
    config: Annotated[
        Path | None, typer.Option(help="The folder of the configuration.", show_default="config")
    ] = None,
) -> None:
    """Follow mailboxes until interrupted; headers only, and nothing is marked as read."""
    configure_logging(quiet=["kafka"])
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    meter = Meter()
    try:
        settings = load_settings(config)
        source = load_imap_source(file, settings.organisations)
        outbox = create_outbox(settings.cluster, settings.organisations, stopping=stopping)
        try:
            with (
                meter.served(source.metrics_port),
                create_imap_source(
                    source,
                    settings.cluster,
                    folder=file.parent,
                    outbox=outbox,
                    meter=meter,
                    stopping=stopping,
                ) as running,
            ):
                running.run()
        finally:
            outbox.close()
    except (KontaktpulsError, SettingsError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
