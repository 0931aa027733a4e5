"""What `kontaktpuls doctor` asks a mail server before anybody relies on it."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING

from agents.findings import Finding
from agents.settings import SettingsError
from agents.settings.imap import load_imap_source
from agents.sources.imap_account import SecretError, accounts_of
from agents.sources.imap_connection import connect
from agents.sources.imap_errors import (
    FolderError,
    LoginRefusedError,
    NoConnectionError,
    UnreadableMailError,
)
from agents.sources.imap_folders import absent, folders_of
from agents.sources.imap_source import state_dir
from streams.instants import MINUTE, to_rfc3339
from streams.parsers.mail.folders import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from agents.settings import Settings
    from agents.sources.imap_account import Account
    from agents.sources.imap_session import ImapSession, ListedFolder
    from streams.events import CloseReason
    from streams.parsers.mail.folders import Folder

LAST_UIDS = 1_000
"""Numbers to look back for the newest mail; there are gaps where mails were moved or removed."""

AHEAD = MINUTE
"""No mail arrives later than now, unless two clocks differ."""

ROLES = {
    Role.INBOX: "incoming mail",
    Role.SENT: "sent mail",
    Role.SPAM: "spam",
    Role.CLOSED: "mail that needs no reply",
    Role.TRASH: "trash",
    Role.OTHER: "other mail",
}


def diagnose(path: Path, settings: Settings, clock: Callable[[], int]) -> Iterator[Finding]:
    """Look at a source's file, its state, its server and its mailboxes; changes nothing."""
    try:
        source = load_imap_source(path, settings.organisations)
    except SettingsError as error:
        yield Finding(f"source {path}", "is not right", str(error))
        return
    yield Finding(f"source {path}", f"mailboxes: {', '.join(source.accounts)}")
    yield _state(state_dir(source, settings.cluster, path.parent))
    for account in accounts_of(source, path.parent):
        closed = source.mails.mailboxes[account.mailbox].closed_folders
        try:
            yield from _account(account, closed, clock)
        except NoConnectionError as error:
            yield Finding(_subject(account), "the connection does not hold", str(error))


def _state(state: Path) -> Finding:
    subject = f"state folder {state}"
    place = next(folder for folder in (state, *state.parents) if folder.exists())
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        remedy = f"make it writable for user {os.geteuid()}, or write another `state_dir`"
        return Finding(subject, f"cannot be written to ({error.strerror})", remedy)
    return Finding(subject, "can be written to")


def _account(
    account: Account, closed: Mapping[str, CloseReason], clock: Callable[[], int]
) -> Iterator[Finding]:
    subject = _subject(account)
    server = f"{account.host}:{account.port}"
    try:
        session = connect(account, account.login())
    except SecretError as error:
        yield Finding(subject, "has no password or token", str(error))
        return
    except NoConnectionError as error:
        yield Finding(subject, f"no connection to {server}", str(error))
        return
    except LoginRefusedError as error:
        yield Finding(subject, f"{server} answers, but lets nobody in", str(error))
        return
    with session:
        news = "tells of new mail (IDLE)" if session.has_idle else "has to be asked (no IDLE)"
        how = {"tls": "TLS", "starttls": "STARTTLS", "none": "no TLS, on this machine"}
        yield Finding(subject, f"logged in to {server} ({how[account.security]}); it {news}")
        listed = session.folders()
        try:
            folders = folders_of(
                listed, mailbox=account.mailbox, wanted=account.folders, closed=closed
            )
        except FolderError as error:
            yield Finding(f"{subject}: folders", "are not as the file says", str(error))
            return
        for name in absent(listed, account.folders, closed):
            remedy = "mend the name in the file, or make the folder"
            yield Finding(f"{subject}: folder {name}", "is not there", remedy)
        yield from _folders(subject, session, folders, clock)
        yield from _roles(subject, listed, folders)


def _folders(
    subject: str, session: ImapSession, folders: Mapping[str, Folder], clock: Callable[[], int]
) -> Iterator[Finding]:
    newest_of_all: int | None = None
    for name, folder in folders.items():
        where = f"{subject}: folder {name}"
        what = f"read as {ROLES[folder.role]}"
        try:
            newest = _newest(session, name)
        except (FolderError, UnreadableMailError) as error:
            yield Finding(where, what, str(error))
            continue
        fact = "no mail lately" if newest is None else f"newest mail {to_rfc3339(newest)}"
        yield Finding(where, f"{what}; {fact}")
        # Mail programs may date what they put into the sent folder; the rest the server dates.
        if newest is not None and folder.role is Role.INBOX:
            newest_of_all = max(newest, newest_of_all or newest)
    if newest_of_all is not None and newest_of_all > clock() + AHEAD:
        ahead = (newest_of_all - clock()) // MINUTE
        remedy = "let NTP keep both clocks; times of arrival are those of the server"
        yield Finding(f"{subject}: clock", f"the server is {ahead:,} min ahead of us", remedy)


def _newest(session: ImapSession, folder: str) -> int | None:
    state = session.examine(folder)
    uids = session.uids(max(1, state.next_uid - LAST_UIDS), state.next_uid)
    return next((at for _, at in session.arrivals(uids[-1:])), None) if uids else None


def _roles(
    subject: str, listed: list[ListedFolder], folders: Mapping[str, Folder]
) -> Iterator[Finding]:
    roles = {folder.role for folder in folders.values()}
    if Role.SENT not in roles:
        remedy = "write its name as `sent` under `folders`: without it no reply counts"
        yield Finding(f"{subject}: sent folder", "not found", remedy)
    unread = sorted(folder.name for folder in listed if folder.name not in folders)
    if unread:
        yield Finding(f"{subject}: not read", ", ".join(unread))


def _subject(account: Account) -> str:
    return f"mailbox {account.mailbox}"
