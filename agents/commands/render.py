"""`kontaktpuls render`: write rules and boards anew, or tell which are out of step."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agents.render import COMMAND, render_all
from agents.settings import SettingsError, load_settings


def render(
    config: Annotated[
        Path | None, typer.Option(help="The configuration folder; else `config`.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail if a file is out of step.")
    ] = False,
    out: Annotated[Path, typer.Option(help="The folder to write into.")] = Path(),
    speed: Annotated[
        float,
        typer.Option(
            min=1, max=3600, help="How many times faster than life a simulation plays its events."
        ),
    ] = 1,
) -> None:
    """Write rules and boards from the KPI registry and the configuration."""
    try:
        settings = load_settings(config)
    except SettingsError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    files = {out / name: text for name, text in render_all(settings, speed=speed).items()}
    stale = {path: text for path, text in files.items() if _read(path) != text}
    if check:
        for path in stale:
            typer.echo(f"{path}: is out of step; write `{COMMAND}`", err=True)
        if stale:
            raise typer.Exit(1)
        return
    for path, text in stale.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        typer.echo(f"wrote  {path}")
    typer.echo(f"{len(files) - len(stale)} of {len(files)} were in step")


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
