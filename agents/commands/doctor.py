"""`kontaktpuls doctor`: is everything there that a worker or a source needs?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from agents.clock import wall_clock
from agents.doctor import examine_cluster
from agents.settings import SettingsError, load_settings
from agents.settings.source_kinds import source_files
from agents.sources.diagnoses import examine_source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agents.findings import Finding
    from agents.settings import Settings


def doctor(
    sources: Annotated[
        list[Path] | None,
        typer.Argument(help="Files of sources; left out, all of config/sources.", metavar="SOURCE"),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="The folder of the configuration.", show_default="config")
    ] = None,
) -> None:
    """Check connections, permissions and clocks, and say what to mend; changes nothing."""
    try:
        settings = load_settings(config)
    except SettingsError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    ill = 0
    console = Console()
    for finding in examine(settings, sources or source_files(settings.config_dir)):
        ill += finding.remedy is not None
        console.print(rendered(finding), soft_wrap=True)
    console.print(f"\n{ill} to mend" if ill else "\nall is well")
    if ill:
        raise typer.Exit(1)


def examine(settings: Settings, sources: list[Path]) -> Iterator[Finding]:
    """The cluster first, then every source."""
    yield from examine_cluster(settings, wall_clock)
    for path in sources:
        yield from examine_source(path, settings, wall_clock)


def rendered(finding: Finding) -> Text:
    """One finding for a terminal; what to do stands on a line of its own."""
    line = Text()
    if finding.remedy is None:
        line.append("  ok    ", style="green")
    else:
        line.append("  MEND  ", style="bold red")
    line.append(f"{finding.subject}: {finding.fact}")
    if finding.remedy is not None:
        for row in finding.remedy.splitlines():
            line.append(f"\n        {row}", style="yellow")
    return line
