"""Which mail belongs to which conversation, in a file of SQLite; pseudonyms and instants only.

The index is part of a source's checkpoint: what is written in a `transaction` is kept when the
events were delivered in it, and else dropped. One conversation may span several mailboxes, so they
share one index; whoever reads in several threads holds one lock around each transaction.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from typing import TYPE_CHECKING, Self

from streams.errors import KontaktpulsError
from streams.parsers.mail.threading import Known, Thread

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path
    from types import TracebackType

VERSION = 2
BUSY_SECONDS = 10.0
MAX_PARTS = 20
MAX_FOUND = 50

VERSION_1 = """
CREATE TABLE mails (
    key TEXT PRIMARY KEY, conversation TEXT NOT NULL, at INTEGER, dated TEXT NOT NULL,
    question INTEGER NOT NULL, closed INTEGER NOT NULL,
    ambiguous INTEGER NOT NULL, touched INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX mails_touched ON mails (touched);
CREATE TABLE threads (
    conversation TEXT PRIMARY KEY, home TEXT NOT NULL, opened INTEGER NOT NULL, asked INTEGER,
    answered INTEGER, tagged INTEGER NOT NULL, touched INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX threads_home ON threads (home);
CREATE INDEX threads_touched ON threads (touched);
CREATE TABLE writers (
    person TEXT NOT NULL, conversation TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (person, conversation, at)
) WITHOUT ROWID;
CREATE INDEX writers_at ON writers (at);
"""
VERSION_2 = """
ALTER TABLE mails ADD COLUMN spam TEXT NOT NULL DEFAULT '';
ALTER TABLE mails ADD COLUMN cleared INTEGER NOT NULL DEFAULT 0;
ALTER TABLE mails ADD COLUMN looked INTEGER;
"""
STEPS = {0: VERSION_1, 1: VERSION_2}
"""What makes the next version out of each."""


class IndexFileError(KontaktpulsError):
    """The file of an index cannot be used."""


class ConversationIndex:
    """The memory of a mail source; a context manager.

    Attributes:
        connection: for tables of the source's own, kept and dropped together with the index's.
    """

    def __init__(self, path: Path | None) -> None:
        """Open or make it; without a path it is a temporary one, gone when it is closed.

        Raises:
            IndexFileError: it cannot be opened, is no index, or belongs to another version.
        """
        try:
            if path is not None:
                # Its owner's alone, whatever the folder allows; files beside it inherit that.
                os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self.connection = sqlite3.connect(
                "" if path is None else path,
                timeout=BUSY_SECONDS,
                check_same_thread=False,
                isolation_level=None,
            )
            try:
                self._prepare()
            except BaseException:
                self.connection.close()
                raise
        except (sqlite3.Error, OSError) as error:
            msg = f"`{path}` cannot be used as a conversation index ({error}); give it a folder "
            msg += "that can be written, and move a file that is damaged away"
            raise IndexFileError(msg) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.connection.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Keep what is written in it if it ends well, and drop it on any exception."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.connection.execute("COMMIT")
        except BaseException:
            # A full disk may have ended the transaction already, or left it open at its COMMIT.
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            raise

    def forget_before(self, before: int) -> int:
        """Drop what nobody has spoken of since an instant; how many mails that were."""
        execute = self.connection.execute
        gone = execute("DELETE FROM mails WHERE touched < ?", (before,)).rowcount
        execute("DELETE FROM threads WHERE touched < ?", (before,))
        execute("DELETE FROM writers WHERE at < ?", (before,))
        return gone

    def mail(self, key: str) -> Known | None:
        """What is known of a mail."""
        row = self.connection.execute(
            "SELECT conversation, at, dated, question, closed, ambiguous, spam, cleared, looked "
            "FROM mails WHERE key = ?",
            (key,),
        ).fetchone()
        if row is None:
            return None
        conversation, at, dated, question, closed, ambiguous, spam, cleared, looked = row
        return Known(
            conversation=conversation,
            at=at,
            dated=dated,
            question=bool(question),
            closed=bool(closed),
            ambiguous=bool(ambiguous),
            spam=spam,
            cleared=bool(cleared),
            looked=looked,
        )

    def keep_mail(self, key: str, known: Known, *, touched: int) -> None:
        """Remember a mail."""
        self.connection.execute(
            "INSERT INTO mails (key, conversation, at, dated, question, closed, ambiguous, "
            "touched, spam, cleared, looked) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (key) DO UPDATE SET "
            "conversation = excluded.conversation, at = excluded.at, dated = excluded.dated, "
            "question = excluded.question, "
            "closed = excluded.closed, ambiguous = excluded.ambiguous, spam = excluded.spam, "
            "cleared = excluded.cleared, looked = excluded.looked, "
            "touched = max(touched, excluded.touched)",
            (
                key,
                known.conversation,
                known.at,
                known.dated,
                known.question,
                known.closed,
                known.ambiguous,
                touched,
                known.spam,
                known.cleared,
                known.looked,
            ),
        )

    def thread(self, conversation: str) -> Thread | None:
        """What is known of a conversation."""
        row = self.connection.execute(
            "SELECT home, opened, asked, answered, tagged FROM threads WHERE conversation = ?",
            (conversation,),
        ).fetchone()
        if row is None:
            return None
        home, opened, asked, answered, tagged = row
        return Thread(home=home, opened=opened, asked=asked, answered=answered, tagged=bool(tagged))

    def keep_thread(self, conversation: str, thread: Thread, *, touched: int) -> None:
        """Remember a conversation."""
        self.connection.execute(
            "INSERT INTO threads VALUES (?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (conversation) DO UPDATE SET "
            "home = excluded.home, opened = excluded.opened, asked = excluded.asked, "
            "answered = excluded.answered, tagged = excluded.tagged, "
            "touched = max(touched, excluded.touched)",
            (
                conversation,
                thread.home,
                thread.opened,
                thread.asked,
                thread.answered,
                thread.tagged,
                touched,
            ),
        )

    def parts(self, home: str) -> Sequence[str]:
        """The conversations that were joined into one, itself first."""
        rows = self.connection.execute(
            "SELECT conversation FROM threads WHERE home = ? AND conversation != home "
            "ORDER BY opened DESC, conversation LIMIT ?",
            (home, MAX_PARTS),
        )
        return (home, *(row[0] for row in rows))

    def wrote(self, person: str, conversation: str, at: int) -> None:
        """Remember that somebody outside wrote in a conversation."""
        self.connection.execute(
            "INSERT OR IGNORE INTO writers VALUES (?, ?, ?)", (person, conversation, at)
        )

    def has_written(self, people: Iterable[str], conversations: Iterable[str]) -> bool:
        """Whether any of some people wrote in any of some conversations."""
        wanted = set(conversations)
        for person in people:
            rows = self.connection.execute(
                "SELECT DISTINCT conversation FROM writers WHERE person = ?", (person,)
            )
            if any(row[0] in wanted for row in rows):
                return True
        return False

    def asked_by(self, people: Iterable[str], *, since: int, until: int) -> Sequence[str]:
        """The conversations in which some people wrote in a span, the newest first."""
        found: dict[str, int] = {}
        for person in people:
            rows = self.connection.execute(
                "SELECT conversation, max(at) FROM writers WHERE person = ? AND at BETWEEN ? AND ? "
                "GROUP BY conversation ORDER BY 2 DESC LIMIT ?",
                (person, since, until, MAX_FOUND),
            )
            for conversation, at in rows:
                found[conversation] = max(at, found.get(conversation, at))
        return sorted(found, key=lambda conversation: (-found[conversation], conversation))

    def _prepare(self) -> None:
        connection = self.connection
        connection.execute("PRAGMA journal_mode = WAL")
        # A checkpoint that a power cut undoes is read again; one that is torn is not.
        connection.execute("PRAGMA synchronous = NORMAL")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version == VERSION:
            return
        there = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if version not in STEPS or (there and not version):
            msg = f"version {version} of its tables, not {VERSION}"
            raise sqlite3.DatabaseError(msg)
        steps = "".join(STEPS[step] for step in range(version, VERSION))
        connection.executescript(f"BEGIN; {steps} PRAGMA user_version = {VERSION}; COMMIT;")
