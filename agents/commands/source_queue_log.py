"""`kontaktpuls source asterisk-queue-log`: the calls of an Asterisk -> Kafka, as they happen."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Annotated

import typer

from agents.logs import configure_logging
from agents.settings import SettingsError, load_settings
from agents.settings.queue_log import live_queue_log
from agents.sources.meter import Meter
from agents.sources.outbox import create_outbox
from agents.sources.queue_log_running import opened_queue_log
from streams.errors import KontaktpulsError

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def asterisk_queue_log(
    file: Annotated[
        Path | None,
        typer.Argument(help="Where Asterisk writes it; else the settings say it."),
    ] = None,
    *,
    organisation: Annotated[
        str | None, typer.Option(help="Whose calls; else the settings say it.")
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(help="The exchange's name under the organisation's `sources`; or `exchange`."),
    ] = None,
    state: Annotated[
        Path | None, typer.Option(help="Where to keep how far was read; else in `data_dir`.")
    ] = None,
    settings: Annotated[
        Path | None,
        typer.Option(help="Names of queues and the like, e.g. config/sources/exchange.yaml."),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="The folder of the configuration.", show_default="config")
    ] = None,
) -> None:
    """Follow a queue_log through rotations and restarts until interrupted."""
    configure_logging(quiet=["kafka"])
    stopping = threading.Event()
    for number in STOP_SIGNALS:
        signal.signal(number, lambda *_: stopping.set())
    meter = Meter()
    try:
        configured = load_settings(config)
        queue_log, path = live_queue_log(
            configured.organisations,
            settings=settings,
            file=file,
            organisation=organisation,
            source=source,
            state_dir=state,
        )
        outbox = create_outbox(configured.cluster, configured.organisations, stopping=stopping)
        try:
            with (
                opened_queue_log(
                    queue_log, path, configured.cluster, outbox, meter, stopping=stopping
                ) as running,
                meter.served(queue_log.metrics_port),
            ):
                running.run()
        finally:
            outbox.close()
    except (KontaktpulsError, SettingsError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
