"""The memory of a mail source: kept with the checkpoint, or dropped with it."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

import pytest

from agents.sources.conversation_index import (
    VERSION,
    VERSION_1,
    ConversationIndex,
    IndexFileError,
)
from streams.parsers.mail.threading import Known, Thread

if TYPE_CHECKING:
    from pathlib import Path

KNOWN = Known(conversation="c", at=1, dated="d", question=True)
SPAM = Known(conversation="s", at=1, question=True, closed=True, spam="kontakt")
RESCUED = Known(conversation="s", at=3, question=True, cleared=True, looked=3)
THREAD = Thread(home="c", opened=1, asked=2)


class StoppedError(Exception):
    """Something that ends a transaction."""


def write_and_stop(index: ConversationIndex) -> None:
    """A transaction that does not end well."""
    with index.transaction():
        index.keep_mail("k", KNOWN, touched=5)
        index.connection.execute("INSERT INTO positions VALUES (7)")
        raise StoppedError


def test_what_was_kept_is_there_after_a_restart(tmp_path: Path) -> None:
    """A file of SQLite, with everything as it was written."""
    with ConversationIndex(tmp_path / "index.sqlite") as index, index.transaction():
        index.keep_mail("k", KNOWN, touched=5)
        index.keep_mail("s", SPAM, touched=5)
        index.keep_mail("r", SPAM, touched=5)
        index.keep_mail("r", RESCUED, touched=5)
        index.keep_thread("c", THREAD, touched=5)
        index.wrote("person", "c", 2)
    with ConversationIndex(tmp_path / "index.sqlite") as index:
        assert [index.mail(key) for key in "ksr"] == [KNOWN, SPAM, RESCUED]
        assert index.thread("c") == THREAD
        assert index.asked_by(["person"], since=0, until=2) == ["c"]


def test_what_was_not_delivered_is_forgotten_whole(tmp_path: Path) -> None:
    """An exception inside the transaction drops all of it, also the source's own tables."""
    with ConversationIndex(tmp_path / "index.sqlite") as index:
        index.connection.execute("CREATE TABLE positions (uid INTEGER)")
        with pytest.raises(StoppedError):
            write_and_stop(index)

        assert index.mail("k") is None
        assert index.connection.execute("SELECT count(*) FROM positions").fetchone() == (0,)


def keep_what_cannot_be(index: ConversationIndex) -> None:
    """A transaction that the database refuses at its very end."""
    with index.transaction():
        index.connection.execute("INSERT INTO positions VALUES (7)")


def end_it_from_inside(index: ConversationIndex) -> None:
    """A transaction that the database has ended itself, as it does on a full disk."""
    with index.transaction():
        index.connection.execute("ROLLBACK")
        raise StoppedError


def test_a_transaction_that_cannot_be_kept_is_over(tmp_path: Path) -> None:
    """The next one begins anew, and what went wrong is told as it is."""
    with ConversationIndex(tmp_path / "index.sqlite") as index:
        index.connection.execute("PRAGMA foreign_keys = ON")
        index.connection.execute(
            "CREATE TABLE positions (uid INTEGER REFERENCES mails (key) "
            "DEFERRABLE INITIALLY DEFERRED)"
        )
        with pytest.raises(sqlite3.IntegrityError):
            keep_what_cannot_be(index)
        with pytest.raises(StoppedError):
            end_it_from_inside(index)
        with index.transaction():
            index.keep_mail("k", KNOWN, touched=5)

        assert index.mail("k") == KNOWN


def test_a_kill_drops_what_was_not_committed(tmp_path: Path) -> None:
    """Another connection, as after kill -9, sees the last whole transaction."""
    path = tmp_path / "index.sqlite"
    with ConversationIndex(path) as index:
        with index.transaction():
            index.keep_mail("before", KNOWN, touched=5)
        index.connection.execute("BEGIN IMMEDIATE")
        index.keep_mail("after", KNOWN, touched=5)
        with ConversationIndex(path) as other:
            assert other.mail("before") == KNOWN
            assert other.mail("after") is None


def test_old_mails_are_forgotten_by_when_they_were_last_spoken_of() -> None:
    """A reply keeps its question in memory."""
    with ConversationIndex(None) as index:
        index.keep_mail("old", KNOWN, touched=5)
        index.keep_mail("answered", KNOWN, touched=5)
        index.keep_mail("answered", KNOWN, touched=50)
        index.keep_mail("answered", KNOWN, touched=7)
        index.keep_thread("c", THREAD, touched=5)
        index.wrote("person", "c", 5)

        assert index.forget_before(50) == 1
        assert index.mail("old") is None
        assert index.mail("answered") == KNOWN
        assert index.thread("c") is None
        assert not index.has_written(["person"], ["c"])


def test_the_file_of_an_older_version_goes_on(tmp_path: Path) -> None:
    """With what it remembers; a newer version's is refused."""
    path = tmp_path / "index.sqlite"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as old:
        old.executescript(VERSION_1)
        old.execute("INSERT INTO mails VALUES ('k', 'c', 1, 'd', 1, 0, 0, 5)")
        old.execute("PRAGMA user_version = 1")
    for _ in range(2):
        with ConversationIndex(path) as index, index.transaction():
            assert index.mail("k") == KNOWN

            index.keep_mail("s", SPAM, touched=5)

            assert index.mail("s") == SPAM
    with contextlib.closing(sqlite3.connect(path)) as newer:
        newer.execute(f"PRAGMA user_version = {VERSION + 1}")
    with pytest.raises(IndexFileError, match=f"version {VERSION + 1} of its tables"):
        ConversationIndex(path)


def test_a_file_that_is_no_index_is_refused_by_name(tmp_path: Path) -> None:
    """Somebody else's file is left as it is."""
    garbage, foreign = tmp_path / "garbage", tmp_path / "foreign"
    garbage.write_bytes(b"not SQLite at all, but quite long enough to be looked at" * 20)
    connection = sqlite3.connect(foreign)
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    for path in (garbage, foreign, tmp_path / "no" / "folder"):
        with pytest.raises(IndexFileError, match=f"`{path}` cannot be used"):
            ConversationIndex(path)
