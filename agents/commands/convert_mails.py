"""`kontaktpuls convert mbox` and `maildir`: archives of mails -> events as JSON lines."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from agents.pipes import forget_standard_output
from agents.settings import SettingsError
from agents.settings.imap import ImapFile
from agents.settings.mailboxes import MailsFile, parse_address
from agents.settings.problems import suggestion
from agents.settings.source_file import kind_of, load_source
from agents.settings.values import parse_label, parse_slug
from agents.sources.conversation_index import ConversationIndex
from agents.sources.keys import pseudonymiser_of
from agents.sources.mail_archive import Archived, mails_of_folders, mails_of_mbox
from agents.sources.mail_conversion import convert_mails, render_summary
from streams.codec import encode_event
from streams.errors import KontaktpulsError
from streams.parsers.mail.correspondence import Correspondence
from streams.parsers.mail.rules import Rules

if TYPE_CHECKING:
    from agents.settings.mailboxes import MailsSection
    from streams.events import CloseReason, EmailEvent

Mailbox = Annotated[
    str | None, typer.Option(help="Its address; may be left out if --settings has one mailbox.")
]
Settings = Annotated[
    Path | None,
    typer.Option(help="A source's file with `mails`, e.g. config/sources/mailboxes.yaml."),
]
Organisation = Annotated[str | None, typer.Option(help="Whose mails; else --settings says it.")]
Name = Annotated[
    str | None,
    typer.Option(
        help="The mailbox's name in the configuration, where no --settings says it.",
        show_default="what stands before the @",
    ),
]


class ConvertError(KontaktpulsError):
    """Something that neither the command line nor the settings say."""


class Meant(NamedTuple):
    """Whose archive it is, and how to read it."""

    organisation: str
    mailbox: str
    rules: Rules
    closed_folders: dict[str, CloseReason]


def mbox(
    files: Annotated[
        list[Path], typer.Argument(help="Each one folder's mbox, gz or not; - is standard input.")
    ],
    mailbox: Mailbox = None,
    settings: Settings = None,
    organisation: Organisation = None,
    name: Name = None,
) -> None:
    """Print the mails of one mailbox's mbox files as events, and a summary on standard error."""
    archive = chain.from_iterable(mails_of_mbox(file) for file in files)
    _convert(archive, mailbox=mailbox, settings=settings, organisation=organisation, name=name)


def maildir(
    folder: Annotated[
        Path, typer.Argument(help="A Maildir with the folders in it, or a folder of .eml files.")
    ],
    mailbox: Mailbox = None,
    settings: Settings = None,
    organisation: Organisation = None,
    name: Name = None,
) -> None:
    """Print the mails of one mailbox's Maildir as events, and a summary on standard error."""
    archive = mails_of_folders(folder)
    _convert(archive, mailbox=mailbox, settings=settings, organisation=organisation, name=name)


def _convert(
    archive: Iterable[Archived],
    *,
    mailbox: str | None,
    settings: Path | None,
    organisation: str | None,
    name: str | None,
) -> None:
    try:
        meant = _meant(mailbox, settings, organisation, name)
        correspondence = Correspondence(
            meant.rules, organisation=meant.organisation, pseudonymise=pseudonymiser_of()
        )
        with ConversationIndex(None) as index:
            summary = convert_mails(
                archive,
                correspondence,
                index,
                mailbox=meant.mailbox,
                closed_folders=meant.closed_folders,
                on_event=_print_event,
                on_unreadable=lambda place, reason: typer.echo(f"{place}: {reason}", err=True),
            )
        sys.stdout.buffer.flush()
    except (KontaktpulsError, SettingsError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    except BrokenPipeError:
        forget_standard_output()
        raise typer.Exit(1) from None
    for line in render_summary(summary):
        typer.echo(line, err=True)
    if summary.unreadable:
        raise typer.Exit(1)


def _meant(
    mailbox: str | None, settings: Path | None, organisation: str | None, name: str | None
) -> Meant:
    """Everything the command line and the settings say, or everything they do not."""
    problems = list(_problems(mailbox, settings, organisation, name))
    if problems:
        raise ConvertError("\n".join(problems))
    address = None if mailbox is None else parse_address(mailbox)
    if settings is None:
        label = name or str(address).partition("@")[0]
        rules = Rules(addresses={str(address): label})
        return Meant(str(organisation), label, rules, {})
    section = _section(settings)
    owner = _owner(section, address)
    return Meant(
        organisation or section.organisation,
        owner,
        section.rules(),
        section.mailboxes[owner].closed_folders,
    )


def _problems(
    mailbox: str | None, settings: Path | None, organisation: str | None, name: str | None
) -> Iterator[str]:
    if settings is None and mailbox is None:
        yield "whose mails are these? Write `--mailbox ADDRESS`, or `--settings FILE`"
    if settings is None and organisation is None:
        yield "whose mailbox is it? Write `--organisation NAME`, or `--settings FILE`"
    if settings is not None and name is not None:
        yield "`--name` is what `--settings` says already; leave it out"
    guessed = name is None and settings is None and mailbox is not None
    for option, value, parse in (
        ("--mailbox", mailbox, parse_address),
        ("--organisation", organisation, parse_slug),
        ("--name", name, parse_label),
        ("--name", mailbox.partition("@")[0] if guessed and mailbox else None, parse_label),
    ):
        if value is not None:
            try:
                parse(value)
            except ValueError as error:
                yield f"`{option}`: {error}"


def _section(settings: Path) -> MailsSection:
    """The section `mails` of a file of its own, or of a live source's."""
    if kind_of(settings) == "imap":
        return load_source(settings, ImapFile).mails
    return load_source(settings, MailsFile).mails


def _owner(section: MailsSection, address: str | None) -> str:
    """The name of the mailbox that has an address, or of the only one."""
    names = list(section.mailboxes)
    if address is None:
        if len(names) == 1:
            return names[0]
        msg = "the settings have several mailboxes; write `--mailbox ADDRESS` to say which it is"
        raise ConvertError(msg)
    owner = section.rules().addresses.get(address)
    if owner is None:
        known = suggestion(address, section.rules().addresses)
        msg = f"`--mailbox`: `{address}` is no address in the settings; {known}"
        raise ConvertError(msg)
    return owner


def _print_event(event: EmailEvent) -> None:
    sys.stdout.buffer.write(encode_event(event) + b"\n")
