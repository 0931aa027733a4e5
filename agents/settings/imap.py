"""`config/sources/mailboxes.yaml`: the mail server, its mailboxes, and how to log in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from agents.settings.addresses import FileName, Host, Port, is_loopback
from agents.settings.environment import PREFIX
from agents.settings.mailboxes import MailsSection  # noqa: TC001 - pydantic reads it
from agents.settings.problems import quoted, suggestion
from agents.settings.source_file import SourceFile, load_source
from agents.settings.values import Duration, Label, Section, as_list, from_to
from streams.instants import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from agents.settings.document import Loc
    from streams.organisations import Organisation

PORTS = {"tls": 993, "starttls": 143, "none": 143}
SECRETS = ("password_file", "password_variable", "oauth2_token_file")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def one_line(value: str) -> str:
    """A text that fits into one command of the protocol."""
    if not value.strip() or not value.isprintable():
        msg = f"{quoted(value)} cannot be sent; write one line of text"
        raise ValueError(msg)
    return value


def usual_name(folder: str) -> str:
    """INBOX is the one name whose case does not matter (RFC 3501, section 5.1)."""
    return "INBOX" if folder.upper() == "INBOX" else folder


def a_variable(value: str) -> str:
    """A variable of the operator's own; those of the project have fixed names."""
    if not VARIABLE.fullmatch(value) or value.startswith(PREFIX):
        msg = f"{quoted(value)} cannot be used; write a name of letters, digits and `_` that does "
        msg += f"not begin with `{PREFIX}`, e.g. `IMAP_PASSWORD`"
        raise ValueError(msg)
    return value


Line = Annotated[str, AfterValidator(one_line)]
Folders = Annotated[list[Annotated[Line, AfterValidator(usual_name)]], BeforeValidator(as_list)]


class ServerSection(Section):
    """Where the mailboxes are.

    Attributes:
        security: `tls` from the first byte, `starttls` after the greeting, or `none`.
        ca_file: who signed the server's certificate, where the system does not know them.
    """

    host: Host = Field(examples=["mail.exempelkommun.se"])
    security: Literal["tls", "starttls", "none"] = Field(default="tls", examples=["tls"])
    port: Port | None = Field(default=None, examples=["993"])
    ca_file: FileName | None = Field(default=None, examples=["/etc/ssl/exempelkommun-ca.pem"])

    @field_validator("security")
    @classmethod
    def _never_sends_passwords_in_the_clear(cls, security: str, info: ValidationInfo) -> str:
        if security == "none" and not is_loopback(info.data.get("host", "localhost")):
            msg = "`none` sends the password over the network as it is; write `tls` or `starttls`"
            raise ValueError(msg)
        return security


class FoldersSection(Section):
    """Which folders are read as what, where the server does not tell or tells wrong.

    Attributes:
        inbox: what new mail comes to; the first is the one the server tells news of.
        others: whether the folders that nobody names here are read too.
        skip: folders that are not read.
    """

    inbox: Folders = Field(default=["INBOX"], examples=["[INBOX, Bygglov]"], min_length=1)
    sent: Folders = Field(default=[], examples=["[Skickat]"])
    spam: Folders = Field(default=[], examples=["[Skräppost]"])
    others: bool = Field(default=True, examples=["false"])
    skip: Folders = Field(default=[], examples=["[Arkiv 2019]"])


class AccountSection(Section):
    """How to log in to one mailbox; exactly one of the three secrets."""

    user: Line = Field(examples=["kontaktcenter@exempelkommun.se"])
    password_file: FileName | None = Field(default=None, examples=["/run/secrets/kontaktcenter"])
    password_variable: Annotated[str, AfterValidator(a_variable)] | None = Field(
        default=None, examples=["IMAP_PASSWORD"]
    )
    oauth2_token_file: FileName | None = Field(
        default=None, examples=["/run/kontaktpuls/kontaktcenter.token"]
    )
    folders: FoldersSection = Field(default=FoldersSection(), examples=["{sent: Skickat}"])


class ImapFile(SourceFile):
    """The whole file.

    Attributes:
        source: the name its heartbeats go under.
        state_dir: where the index and the reading positions are kept; `None` = in `data_dir`.
        since: how far back the first start reads (microseconds); `None` = to the horizon.
        poll: time between two looks into every folder (microseconds).
        idle: whether the server may tell of new mail between two looks.
        accounts: by the mailbox's name in the configuration.
    """

    kind: Literal["imap"] = Field(examples=["imap"])
    source: Label = Field(examples=["mailbox"])
    state_dir: FileName | None = Field(default=None, examples=["/var/lib/kontaktpuls/mailboxes"])
    since: Annotated[Duration, from_to("1 h", "400 days")] | None = Field(
        default=None, examples=["35 days"]
    )
    poll: Annotated[Duration, from_to("1 s", "10 min")] = Field(
        default=5 * SECOND, examples=["5 s"]
    )
    idle: bool = Field(default=True, examples=["false"])
    server: ServerSection = Field(examples=["{host: mail.exempelkommun.se}"])
    accounts: dict[Label, AccountSection] = Field(
        examples=["{kontaktcenter: {user: USER, password_file: FILE}}"], min_length=1
    )
    mails: MailsSection = Field(examples=["{organisation: exempelkommun, mailboxes: ...}"])


def load_imap_source(path: Path, organisations: Mapping[str, Organisation]) -> ImapFile:
    """The settings in a file, all names in it known to the organisation's configuration.

    Raises:
        SettingsError: with every problem.
    """
    return load_source(
        path,
        ImapFile,
        lambda source: (*_secrets(source), *_unknown_names(source, organisations)),
    )


def _secrets(source: ImapFile) -> Iterator[tuple[Loc, str]]:
    for name, account in source.accounts.items():
        given = [f"`{key}`" for key in SECRETS if getattr(account, key) is not None]
        if not given:
            text = "has no secret; write `password_file`, `password_variable` or "
            yield ("accounts", name), text + "`oauth2_token_file`"
        elif len(given) > 1:
            yield ("accounts", name), f"has {' and '.join(given)}; keep one of them"


def _unknown_names(
    source: ImapFile, organisations: Mapping[str, Organisation]
) -> Iterator[tuple[Loc, str]]:
    for name in source.accounts:
        if name not in source.mails.mailboxes:
            near = suggestion(name, source.mails.mailboxes)
            yield ("accounts", name), f"{quoted(name)} is not under `mails.mailboxes`; {near}"
    organisation = organisations.get(source.mails.organisation)
    if organisation is None:
        near = suggestion(source.mails.organisation, organisations)
        wrong = quoted(source.mails.organisation)
        yield ("mails", "organisation"), f"{wrong} is not configured; {near}"
        return
    for name in source.mails.mailboxes:
        if name not in organisation.mailboxes:
            near = suggestion(name, organisation.mailboxes)
            text = f"{quoted(name)} is no mailbox of `{organisation.name}`; {near}"
            yield ("mails", "mailboxes", name), text
    yield from _coverage(source, organisation)


def _coverage(source: ImapFile, organisation: Organisation) -> Iterator[tuple[Loc, str]]:
    """A heartbeat says that everything was read, so its source covers just what is read here."""
    channel = [known for known in organisation.sources if known.channel == "emails"]
    here = next((known for known in channel if known.name == source.source), None)
    file = f"`organisations/{organisation.name}.yaml`"
    if here is None:
        text = f"{quoted(source.source)} is no source of e-mails of `{organisation.name}`; "
        text += suggestion(source.source, [known.name for known in channel])
        if not channel:
            text += f": write `sources: [{{name: {source.source}, channel: emails}}]` into {file}"
        yield ("source",), text
        return
    covered = here.parts or tuple(organisation.mailboxes)
    for name in source.accounts:
        if name in organisation.mailboxes and name not in covered:
            text = f"is not covered by the source `{here.name}`; add it to the source in {file}"
            yield ("accounts", name), text
    unread = [f"`{name}`" for name in covered if name not in source.accounts]
    if unread:
        read = ", ".join(name for name in source.accounts if name in organisation.mailboxes)
        text = f"`{here.name}` also vouches for {', '.join(unread)}, which no account here reads; "
        text += f"write `mailboxes: [{read}]` beside its name in {file}, or add the account"
        yield ("source",), text
