"""What is needed to log in to one mailbox, with its secret read anew at each attempt."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from pydantic import SecretStr

from agents.settings.imap import PORTS, FoldersSection
from streams.errors import KontaktpulsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agents.settings.imap import ImapFile

MAX_SECRET_BYTES = 64 * 1024


class SecretError(KontaktpulsError):
    """A password or token that is not there, or cannot be read."""


class Login(NamedTuple):
    """What proves who logs in: a password, or an OAuth 2 access token."""

    secret: SecretStr
    is_token: bool


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One mailbox on a server.

    Attributes:
        mailbox: its name in the configuration.
        security: `tls`, `starttls` or `none`.
        password_file, password_variable, oauth2_token_file: one of them is given.
    """

    mailbox: str
    host: str
    port: int
    security: str
    ca_file: Path | None
    user: str
    password_file: Path | None
    password_variable: str | None
    oauth2_token_file: Path | None
    folders: FoldersSection

    def login(self, environ: Mapping[str, str] | None = None) -> Login:
        """The secret as it is now; tokens last an hour and are renewed by others.

        Raises:
            SecretError: there is none, and what to write.
        """
        if self.password_variable is not None:
            secret = (os.environ if environ is None else environ).get(self.password_variable, "")
            if not secret:
                msg = f"`{self.password_variable}` is not set; set it to the mailbox's password"
                raise SecretError(msg)
            return Login(SecretStr(secret), is_token=False)
        path = self.oauth2_token_file or self.password_file
        if path is None:
            msg = "has no secret; write `password_file`, `password_variable` or `oauth2_token_file`"
            raise SecretError(msg)
        return Login(SecretStr(_read(path)), is_token=self.oauth2_token_file is not None)


def accounts_of(source: ImapFile, folder: Path) -> list[Account]:
    """The accounts of a source's file; file names in it are relative to `folder`."""
    server = source.server
    return [
        Account(
            mailbox=name,
            host=server.host,
            port=server.port or PORTS[server.security],
            security=server.security,
            ca_file=_beside(folder, server.ca_file),
            user=account.user,
            password_file=_beside(folder, account.password_file),
            password_variable=account.password_variable,
            oauth2_token_file=_beside(folder, account.oauth2_token_file),
            folders=account.folders,
        )
        for name, account in source.accounts.items()
    ]


def _beside(folder: Path, name: Path | None) -> Path | None:
    return None if name is None else folder / name


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            secret = file.read(MAX_SECRET_BYTES).decode().rstrip("\r\n")
    except OSError as error:
        msg = f"`{path}` cannot be read ({error.strerror}); write the name of a file that can"
        raise SecretError(msg) from None
    except UnicodeDecodeError:
        msg = f"`{path}` is not UTF-8 text; write nothing but the password or token into it"
        raise SecretError(msg) from None
    if not secret or "\n" in secret or "\0" in secret:
        msg = f"`{path}` does not hold one line; write nothing but the password or token into it"
        raise SecretError(msg)
    return secret
