"""`kontaktpuls generate`: write the generated files anew, or tell which are out of step."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agents.generate import GenerateError, render_files
from agents.generate.marks import COMMAND


def generate(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail if a file is out of step.")
    ] = False,
    out: Annotated[Path, typer.Option(help="The checkout to write into.")] = Path(),
) -> None:
    """Write the schema, the AsyncAPI page and the tables of the documents from the types."""
    try:
        files = list(render_files(out, prose=Path()))
    except GenerateError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    stale = [file for file in files if not file.in_step]
    if check:
        for file in stale:
            typer.echo(f"{file.name}: is out of step with the code; write `{COMMAND}`", err=True)
        if stale:
            raise typer.Exit(1)
        return
    for file in stale:
        path = out / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.text, encoding="utf-8")
        typer.echo(f"wrote  {file.name}")
    typer.echo(f"{len(files) - len(stale)} of {len(files)} were in step")
