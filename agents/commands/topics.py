"""`kontaktpuls topics create`: the topics, as correctness needs them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agents.settings import load_settings
from agents.topic_admin import create_topics
from streams.errors import KontaktpulsError


def create(
    config: Annotated[
        Path | None, typer.Option(help="The folder of the configuration.", show_default="config")
    ] = None,
) -> None:
    """Create the topics that are missing and check the others; safe to repeat."""
    try:
        reports = create_topics(load_settings(config).cluster)
    except KontaktpulsError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    for report in reports:
        if report.problem is None:
            typer.echo(f"{'created' if report.created else 'present'}  {report.name}")
        else:
            typer.echo(report.problem, err=True)
    if any(report.problem for report in reports):
        raise typer.Exit(1)
