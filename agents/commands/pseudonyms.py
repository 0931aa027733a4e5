"""`kontaktpuls pseudonyms`: what the sources call the people behind numbers and addresses."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agents.input_files import BOM, DAMAGED, Input, numbered_lines, open_input, shown_name
from agents.sources.keys import PseudonymKeyError, pseudonymiser_of
from streams.exports.opt_outs import OptOutError, as_told, read_opt_outs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from streams.pseudonyms import Pseudonymiser

LONGEST_LINE = 4_096


def pseudonyms(
    file: Annotated[
        Path, typer.Argument(help="A telephone number or mail address a line; - = stdin.")
    ],
    *,
    beside: Annotated[
        bool, typer.Option("--beside", help="Print CSV with each line and its pseudonym.")
    ] = False,
    opt_outs: Annotated[
        bool,
        typer.Option(
            "--opt-outs",
            help="Print the pseudonyms of every usual spelling, for `export contacts --opt-outs`.",
        ),
    ] = False,
) -> None:
    """Print the pseudonym of each number or address, line by line, to join lists by.

    Numbers are read as they stand, since that is what the sources do: write them as the exchange
    does. The key comes from the environment.
    """
    try:
        pseudonymise = pseudonymiser_of()
    except PseudonymKeyError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    try:
        with open_input(file) as opened:
            people = _lines(opened)
            if opt_outs:
                for pseudonym in sorted(read_opt_outs(people, pseudonymise)):
                    typer.echo(pseudonym)
            else:
                _print(people, pseudonymise, beside=beside)
    except OptOutError as error:
        typer.echo(f"{shown_name(file)}: {error}", err=True)
        raise typer.Exit(1) from None
    except DAMAGED as error:
        typer.echo(f"{shown_name(file)}: cannot be read to its end: {error}", err=True)
        raise typer.Exit(1) from None


def _lines(opened: Input) -> Iterator[str]:
    for _, line in numbered_lines(opened.stream, longest=LONGEST_LINE):
        # Numbers are bytes of a log to a source, so what is no UTF-8 stays told apart.
        yield line.removeprefix(BOM).decode("utf-8", "backslashreplace").strip()


def _print(people: Iterable[str], pseudonymise: Pseudonymiser, *, beside: bool) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    if beside:
        writer.writerow(("person", "pseudonym"))
    for person in people:
        pseudonym = pseudonymise(as_told(person)) if person else ""
        if beside:
            writer.writerow((person, pseudonym))
        else:
            sys.stdout.write(f"{pseudonym}\n")
