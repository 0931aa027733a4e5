"""Which folders of a mailbox are read, as what, and how far each has been read."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from agents.settings.imap import usual_name
from agents.sources.imap_errors import FolderError
from agents.sources.imap_session import FolderState
from streams.parsers.mail.folders import Folder, Role, role_by_name

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    from agents.settings.imap import FoldersSection
    from agents.sources.imap_session import ListedFolder
    from streams.events import CloseReason

MAX_FOLDERS = 200
"""More than that cannot be looked into every few seconds."""

ROLES = {"\\sent": Role.SENT, "\\junk": Role.SPAM, "\\trash": Role.TRASH, "\\archive": Role.OTHER}
NOT_READ = frozenset({"\\drafts", "\\all", "\\flagged", "\\important"})
"""What was never sent, and views of mails that lie elsewhere."""


def folders_of(
    listed: Sequence[ListedFolder],
    *,
    mailbox: str,
    wanted: FoldersSection,
    closed: Mapping[str, CloseReason],
) -> dict[str, Folder]:
    """The folders to read, by name: those of new mail first, those of sent mail last.

    What the operator wrote counts more than what the server tells (RFC 6154), and that more than
    what a folder is called.

    Raises:
        FolderError: a folder of new or sent mail or of spam is not there, or there are too many.
    """
    there = {usual_name(folder.name): folder for folder in listed}
    named = {**dict.fromkeys(wanted.spam, Role.SPAM), **dict.fromkeys(wanted.sent, Role.SENT)}
    named |= dict.fromkeys(wanted.inbox, Role.INBOX)
    missing = [name for name in named if name not in there]
    if missing:
        wrong = ", ".join(f"`{name}`" for name in missing)
        known = ", ".join(f"`{name}`" for name in sorted(there))
        msg = f"the mailbox has no folder {wrong}; it has {known}"
        raise FolderError(msg)
    named |= dict.fromkeys(closed, Role.CLOSED)
    found: dict[str, Folder] = {}
    for name, folder in there.items():
        role = named.get(name)
        if role is None and name not in wanted.skip:
            role = _told_role(folder)
            if role in {Role.INBOX, Role.OTHER} and not wanted.others:
                role = None
        if role is not None:
            found[name] = Folder(mailbox, role, closed.get(name) if role is Role.CLOSED else None)
    if len(found) > MAX_FOLDERS:
        msg = f"the mailbox has {len(found)} folders, too many to follow; write `others: false` "
        msg += f"under `folders`, or `skip` those that are not used (at most {MAX_FOLDERS})"
        raise FolderError(msg)
    order = {name: place for place, name in enumerate(wanted.inbox)}
    last = len(order)
    return dict(
        sorted(
            found.items(),
            key=lambda item: (item[1].role is Role.SENT, order.get(item[0], last), item[0]),
        )
    )


def absent(
    listed: Sequence[ListedFolder], wanted: FoldersSection, closed: Mapping[str, CloseReason]
) -> list[str]:
    """Folders that the operator named and that need not be there, and are not."""
    there = {usual_name(folder.name) for folder in listed}
    return [name for name in (*closed, *wanted.skip) if name not in there]


def _told_role(folder: ListedFolder) -> Role | None:
    attributes = {attribute.casefold() for attribute in folder.attributes}
    if attributes & NOT_READ:
        return None
    for attribute, role in ROLES.items():
        if attribute in attributes:
            return role
    return role_by_name(folder.name)


class Span(NamedTuple):
    """Mails of a folder that were not read yet: `first <= UID < end`.

    Attributes:
        is_first: nothing of the folder is known, so only what arrived recently is read.
        was_renumbered: the server gave all mails new UIDs (RFC 3501, section 2.3.1.1).
    """

    first: int
    end: int
    validity: int
    is_first: bool
    was_renumbered: bool


class Positions:
    """How far each folder was read; in the database of the index, to be saved with it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        connection.execute(
            "CREATE TABLE IF NOT EXISTS imap_positions (mailbox TEXT, folder TEXT, "
            "validity INTEGER NOT NULL, next_uid INTEGER NOT NULL, "
            "PRIMARY KEY (mailbox, folder)) WITHOUT ROWID"
        )
        for table in ("imap_begun", "imap_looks"):
            connection.execute(
                f"CREATE TABLE IF NOT EXISTS {table} (mailbox TEXT PRIMARY KEY, at INTEGER) "
                "WITHOUT ROWID"
            )

    def begun(self, mailbox: str, now: int) -> int:
        """When the mailbox was looked into for the first time; now, if it never was."""
        return self._once("imap_begun", mailbox, now)

    def look(self, mailbox: str, now: int) -> int:
        """When a look began whose mails are being told; `now` unless it was broken off.

        What is told of a look that a crash broke off is told again in the same words.
        """
        return self._once("imap_looks", mailbox, now)

    def forget_look(self, mailbox: str) -> None:
        """All that was looked at was told; part of the transaction that is under way."""
        self._connection.execute("DELETE FROM imap_looks WHERE mailbox = ?", (mailbox,))

    def _once(self, table: str, mailbox: str, now: int) -> int:
        self._connection.execute(f"INSERT OR IGNORE INTO {table} VALUES (?, ?)", (mailbox, now))  # noqa: S608
        row = self._connection.execute(
            f"SELECT at FROM {table} WHERE mailbox = ?",  # noqa: S608
            (mailbox,),
        ).fetchone()
        return int(row[0])

    def of(self, mailbox: str, folder: str) -> FolderState | None:
        """How far it was read; `None` if it never was."""
        row = self._connection.execute(
            "SELECT validity, next_uid FROM imap_positions WHERE mailbox = ? AND folder = ?",
            (mailbox, folder),
        ).fetchone()
        return None if row is None else FolderState(*row)

    def unread(self, mailbox: str, folder: str, state: FolderState) -> Span:
        """What of a folder was not read yet."""
        known = self.of(mailbox, folder)
        if known is None or known.validity != state.validity:
            return Span(1, state.next_uid, state.validity, True, known is not None)
        return Span(known.next_uid, state.next_uid, state.validity, False, False)

    def save(self, mailbox: str, folder: str, span: Span) -> None:
        """All of a span was read; part of the transaction that is under way."""
        self._connection.execute(
            "INSERT INTO imap_positions VALUES (?, ?, ?, ?) "
            "ON CONFLICT (mailbox, folder) DO UPDATE SET validity = excluded.validity, "
            "next_uid = excluded.next_uid",
            (mailbox, folder, span.validity, span.end),
        )
