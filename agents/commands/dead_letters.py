"""`kontaktpuls dead-letters`: what could not be applied, and how to bring it back."""

from __future__ import annotations

from collections import deque
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from agents.dead_letters import Unreadable, raw_value, read_letters
from agents.dead_letters import replay as replay_letters
from agents.settings import load_settings
from streams.conventions import Reason
from streams.errors import KontaktpulsError
from streams.topics import DEAD_LETTERS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agents.envelopes import DeadLetter

EXCERPT = 60

OfReason = Annotated[Reason | None, typer.Option(help="Only letters with this reason.")]
Config = Annotated[
    Path | None, typer.Option(help="The folder of the configuration.", show_default="config")
]


class Format(StrEnum):
    """How a list is printed."""

    TABLE = "table"
    JSON = "json"


def list_letters(
    reason: OfReason = None,
    limit: Annotated[int, typer.Option(min=1, help="At most this many, the newest.")] = 100,
    format: Annotated[Format, typer.Option(help="For people or for programs.")] = Format.TABLE,  # noqa: A002 - names the option
    config: Config = None,
) -> None:
    """List events that could not be applied, with the reason."""
    newest: deque[DeadLetter] = deque(maxlen=limit)
    unreadable: list[Unreadable] = []
    count = 0
    try:
        for _, _, letter in read_letters(load_settings(config).cluster, reason=reason):
            if isinstance(letter, Unreadable):
                unreadable.append(letter)
            else:
                newest.append(letter)
                count += 1
    except KontaktpulsError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    letters = sorted(newest, key=lambda letter: (letter.appended_at, letter.offset))
    if format is Format.JSON:
        typer.echo(msgspec.json.format(msgspec.json.encode(letters)).decode())
    else:
        Console().print(_table(letters, count))
    _complain(unreadable)


def replay(
    reason: OfReason = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say how many would be sent.")
    ] = False,
    config: Config = None,
) -> None:
    """Send letters back to the topics they came from, each of them once."""
    try:
        done = replay_letters(load_settings(config).cluster, reason=reason, dry_run=dry_run)
    except KontaktpulsError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    for name, number in sorted(done.sent.items()):
        typer.echo(f"{name}: {number}")
    verb = "would be sent" if dry_run else "sent"
    typer.echo(f"{done.sent.total()} {verb} again, {done.earlier} were sent before")
    if done.cut:
        typer.echo(f"{done.cut} were too long to be kept whole and stay where they are")
    _complain(done.unreadable)


def _table(letters: Iterable[DeadLetter], count: int) -> Table:
    table = Table(caption=f"{count} in {DEAD_LETTERS}")
    for heading in ("Received", "Topic", "Reason", "Detail", "Value"):
        table.add_column(heading, overflow="fold")
    for letter in letters:
        value = (raw_value(letter) or b"").decode(errors="replace")
        excerpt = value if len(value) <= EXCERPT else f"{value[:EXCERPT]}…"
        table.add_row(
            letter.appended_at,
            f"{letter.topic}/{letter.partition}@{letter.offset}",
            letter.reason,
            escape(letter.detail),
            escape(excerpt),
        )
    return table


def _complain(unreadable: list[Unreadable]) -> None:
    for letter in unreadable:
        where = f"{DEAD_LETTERS}/{letter.partition}@{letter.offset}"
        typer.echo(f"{where}: is no dead letter: {letter.detail}", err=True)
    if unreadable:
        raise typer.Exit(1)
