"""The command `kontaktpuls`: every command is a plain function in `agents.commands`.

Only the module of the command that is asked for is imported, so that `kontaktpuls due` does not
wait for Kafka, Redis and Faust.
"""

from __future__ import annotations

import importlib
import sys
from importlib import metadata
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

COMMANDS = {
    "worker": "worker:worker",
    "demo": "demo:demo",
    "simulate": "simulate:simulate",
    "validate": "validate:validate",
    "publish": "publish:publish",
    "report": "report:report",
    "pseudonyms": "pseudonyms:pseudonyms",
    "due": "due:due",
    "doctor": "doctor:doctor",
    "generate": "generate:generate",
    "render": "render:render",
}
ALONE = {"export": "export:export"}
"""Groups that do something without any of their commands, too."""
GROUPS = {
    "export": (
        "Weekly, monthly and yearly reports, and lists for others.",
        {"contacts": "export_contacts:contacts"},
    ),
    "topics": ("Kafka topics.", {"create": "topics:create"}),
    "redis": ("The view that other programs read.", {"rebuild": "redis:rebuild"}),
    "dead-letters": (
        "Events that could not be applied.",
        {"list": "dead_letters:list_letters", "replay": "dead_letters:replay"},
    ),
    "convert": (
        "Turn other formats into events.",
        {
            "calls-csv": "convert:calls_csv",
            "asterisk-queue-log": "convert_queue_log:asterisk_queue_log",
            "mbox": "convert_mails:mbox",
            "maildir": "convert_mails:maildir",
        },
    ),
    "source": (
        "Send events as they happen.",
        {
            "asterisk-queue-log": "source_queue_log:asterisk_queue_log",
            "imap": "source_imap:imap",
            "http": "source_http:http",
            "http-token": "source_http:http_token",
        },
    ),
}


def main() -> None:
    """Run the command line."""
    asked_for = sys.argv[1] if len(sys.argv) > 1 else ""
    create_cli(asked_for)(prog_name="kontaktpuls")


def create_cli(asked_for: str = "") -> typer.Typer:
    """The command line with the command asked for, or with all where there is none such."""
    known = asked_for in COMMANDS or asked_for in GROUPS
    cli = typer.Typer(
        name="kontaktpuls",
        help="Service levels of contact centres, while there is still time to act.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )

    @cli.callback()
    def _options(
        *,
        _version: Annotated[
            bool,
            typer.Option(
                "--version", callback=_say_version, is_eager=True, help="Say which one this is."
            ),
        ] = False,
    ) -> None:
        pass

    for name, place in COMMANDS.items():
        if not known or name == asked_for:
            _register(cli, name, place)
    for name, (text, commands) in GROUPS.items():
        if not known or name == asked_for:
            if name in ALONE:
                group = typer.Typer(invoke_without_command=True)
                group.callback()(_function(ALONE[name]))
            else:
                group = typer.Typer(help=text, no_args_is_help=True)
                group.callback()(lambda: None)
            for command, place in commands.items():
                _register(group, command, place)
            cli.add_typer(group, name=name, help=text)
    return cli


def _say_version(value: bool) -> None:  # noqa: FBT001 - typer hands it over like this
    if value:
        typer.echo(metadata.version("kontaktpuls"))
        raise typer.Exit


def _register(cli: typer.Typer, name: str, place: str) -> None:
    cli.command(name)(_function(place))


def _function(place: str) -> Callable[..., None]:
    module, function = place.split(":")
    found: Callable[..., None] = getattr(
        importlib.import_module(f"agents.commands.{module}"), function
    )
    return found
