"""`kontaktpuls export contacts`: who was answered on a day, for the supplier of a survey."""

from __future__ import annotations

import csv
import io
import os
import sys
import tempfile
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import typer

from agents.changelog import read_desks
from agents.exports.csv_rows import harmless
from agents.input_files import BOM, DAMAGED, open_input, shown_name
from agents.settings import Settings, load_settings
from agents.settings.environment import PSEUDONYM_KEY, PSEUDONYM_KEY_FILE
from agents.sources.keys import pseudonymiser_of
from streams.errors import KontaktpulsError
from streams.exports.contact_list import (
    CHANNELS,
    ContactList,
    Listed,
    Reach,
    list_contacts,
    reach,
    together,
)
from streams.exports.opt_outs import OptOutError, read_opt_outs
from streams.instants import DAY, to_rfc3339

Format = Literal["csv", "json"]


class ContactListError(KontaktpulsError):
    """A list that cannot be made as asked, and how to ask instead."""


class Document(ContactList, frozen=True, kw_only=True):
    """The list as JSON.

    Attributes:
        day: local.
        complete: whether the sources have told all of the day.
    """

    day: str
    complete: bool


def contacts(
    *,
    day: Annotated[str, typer.Option(help="The local day, e.g. 2026-11-20.")],
    organisation: Annotated[
        str | None, typer.Option(help="Whose contacts; else those of all organisations.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The file to write.", show_default="standard output")
    ] = None,
    opt_outs: Annotated[
        Path | None,
        typer.Option(help="Who must not be asked: a pseudonym, number or mail address a line."),
    ] = None,
    output: Annotated[Format, typer.Option("--format", help="How to write it.")] = "csv",
    config: Annotated[
        Path | None, typer.Option(help="The folder of the configuration.", show_default="config")
    ] = None,
) -> None:
    """List the contacts answered on a day, each citizen once a channel, as pseudonyms."""
    try:
        settings = load_settings(config)
        asked = _read_day(day)
        names = _organisations(settings, organisation)
        refused = _read_opt_outs(opt_outs) if opt_outs else frozenset[str]()
        listed, unfinished = _list(settings, names, asked, refused)
        content = _encode(listed, asked, output, complete=not unfinished)
        _write(content, out)
    except KontaktpulsError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    except OSError as error:
        typer.echo(f"{out}: cannot be written: {error.strerror}", err=True)
        raise typer.Exit(1) from None
    for line in unfinished:
        typer.echo(line, err=True)
    typer.echo(
        f"{asked}: {len(listed.rows)} listed; left out: {listed.repeated} repeated, "
        f"{listed.opted_out} opted out, {listed.unknown} unknown",
        err=True,
    )


def _read_day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        msg = f"--day: `{text}` is no day; write e.g. `2026-11-20`"
        raise ContactListError(msg) from None


def _organisations(settings: Settings, asked_for: str | None) -> list[str]:
    if asked_for is None:
        return list(settings.organisations)
    if asked_for not in settings.organisations:
        names = ", ".join(f"`{name}`" for name in settings.organisations)
        msg = f"--organisation: no organisation `{asked_for}`; write one of {names}"
        raise ContactListError(msg)
    return [asked_for]


def _read_opt_outs(path: Path) -> frozenset[str]:
    """The pseudonyms in a file; the key is only asked for where one is set."""
    has_key = any(os.environ.get(name) for name in (PSEUDONYM_KEY, PSEUDONYM_KEY_FILE))
    pseudonymise = pseudonymiser_of() if has_key else None
    try:
        with open_input(path) as opened:
            text = opened.stream.read().removeprefix(BOM).decode("utf-8", "backslashreplace")
        return read_opt_outs(text.splitlines(), pseudonymise)
    except DAMAGED as error:
        msg = f"{shown_name(path)}: cannot be read to its end: {error}"
        raise ContactListError(msg) from None
    except OptOutError as error:
        hint = "" if has_key else f"; the key is missing: set `{PSEUDONYM_KEY_FILE}`"
        msg = f"{shown_name(path)}: {error}{hint}"
        raise ContactListError(msg) from None


def _list(
    settings: Settings, names: list[str], day: date, opt_outs: frozenset[str]
) -> tuple[ContactList, list[str]]:
    """The list, and what is to be said about channels that are not known to the day's end.

    Raises:
        ContactListError: of one of the channels there are only counts by now.
    """
    horizon = settings.cluster.horizon
    lists: list[ContactList] = []
    seen: dict[tuple[str, str], tuple[Reach, str]] = {}
    for desk in read_desks(settings, names):
        if desk.channel not in CHANNELS:
            continue
        books = {name: desk.books[name] for name in names if name in desk.books}
        for name, book in books.items():
            as_of = book.as_of()
            told = "nothing" if as_of is None else to_rfc3339(as_of, book.plan.zone)
            seen[name, desk.channel] = reach(book, day, horizon), told
        lists.append(list_contacts(books.values(), day, opt_outs))
    beyond = [place for place, (how_far, _) in seen.items() if how_far == "beyond"]
    if beyond:
        places = ", ".join(f"`{name}` {channel}" for name, channel in sorted(beyond))
        msg = (
            f"--day: {day} lies beyond the horizon of {horizon // DAY} days, of {places} there are "
            "counts only; make the list the day after"
        )
        raise ContactListError(msg)
    unfinished = []
    for name in names:
        for channel in CHANNELS:
            how_far, told = seen.get((name, channel), ("unfinished", "nothing"))
            if how_far != "whole" and settings.organisations[name].parts(channel):
                known = "nothing is known" if told == "nothing" else f"known until {told} only"
                unfinished.append(f"{name} {channel}: {known}; the list of {day} is not complete")
    return together(lists), unfinished


def _encode(listed: ContactList, day: date, output: Format, *, complete: bool) -> bytes:
    if output == "json":
        fields = {name: getattr(listed, name) for name in ContactList.__struct_fields__}
        document = Document(day=str(day), complete=complete, **fields)
        return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(Listed.__struct_fields__)
    for row in listed.rows:
        writer.writerow(_cell(value) for value in msgspec.structs.astuple(row))
    return BOM + text.getvalue().encode()


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return harmless(value) if isinstance(value, str) else value


def _write(content: bytes, out: Path | None) -> None:
    """To standard output, or whole into a file that only its owner may read."""
    if out is None:
        sys.stdout.buffer.write(content)
        sys.stdout.flush()
        return
    handle, name = tempfile.mkstemp(prefix=f".{out.name}.", dir=out.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(out)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
