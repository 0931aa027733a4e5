"""`kontaktpuls source http`: events that other systems post -> Kafka; and the tokens they need."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agents.clock import wall_clock
from agents.generate.openapi import render_openapi
from agents.logs import configure_logging
from agents.settings import SettingsError, load_settings
from agents.settings.http import load_http_source
from agents.settings.values import parse_label
from agents.sources.http_server import Server
from agents.sources.http_tokens import create_token, hash_of, load_tokens
from agents.sources.meter import Meter
from agents.sources.outbox import create_outbox
from streams.errors import KontaktpulsError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def http(
    settings_file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The settings, e.g. config/sources/http.yaml.")
    ],
    config: Annotated[
        Path | None, typer.Option(help="The folder of the configuration.", show_default="config")
    ] = None,
) -> None:
    """Take in the events that other systems post, until interrupted."""
    configure_logging(quiet=["kafka"])
    stopping = threading.Event()
    try:
        settings = load_settings(config)
        source = load_http_source(settings_file, settings.organisations)
        tokens = load_tokens(source, settings_file, os.environ)
        meter = Meter()
        outbox = create_outbox(settings.cluster, settings.organisations, stopping=stopping)
        server = Server(
            source,
            file=settings_file,
            tokens=tokens,
            outbox=outbox,
            meter=meter,
            contract=render_openapi(),
            clock=wall_clock,
        )
        try:
            with meter.served(source.metrics_port):
                asyncio.run(_until_signalled(server.run, stopping))
        finally:
            outbox.close()
    except (KontaktpulsError, SettingsError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


def http_token(
    producer: Annotated[str, typer.Argument(help="Who shall have it, as the settings name it.")],
    append_to: Annotated[
        Path | None, typer.Option(help="The file of tokens; its hash is written there.")
    ] = None,
) -> None:
    """Make a token: it is printed once and kept nowhere, only its hash is."""
    try:
        name = parse_label(producer)
        token = create_token()
        line = f"{name} {hash_of(token)}"
        if append_to is not None:
            _append(append_to, line)
    except (ValueError, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    if append_to is None:
        typer.echo(f"the line for the file of tokens: {line}", err=True)
    typer.echo(token)


def _append(path: Path, line: str) -> None:
    """Add a line to a file that only its owner may read."""
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "rb+") as file:
        file.seek(0)
        text = file.read()
        gap = b"\n" if text and not text.endswith(b"\n") else b""
        file.write(gap + line.encode() + b"\n")


async def _until_signalled(
    run: Callable[[asyncio.Event], Coroutine[None, None, None]], stopping: threading.Event
) -> None:
    stop = asyncio.Event()

    def end() -> None:
        stopping.set()
        stop.set()

    for number in STOP_SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, end)
    await run(stop)
