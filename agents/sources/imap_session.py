"""One connection to an IMAP server (RFC 3501): read-only, headers only, no wait without an end.

Folders are opened with EXAMINE and headers fetched with BODY.PEEK, so that nothing is marked as
read; a body is never asked for.
"""

from __future__ import annotations

import contextlib
import imaplib
import socket
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from imapclient.exceptions import ProtocolError

from agents.sources.imap_errors import (
    FolderError,
    NoConnectionError,
    RefusedMailError,
    UnreadableMailError,
    reason_of,
)
from streams.instants import from_datetime
from streams.parsers.mail.headers import FIELDS, MAX_HEADER_BYTES

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date

NOT_FETCHED = frozenset({"Received"})
"""The server itself says when a mail arrived; where it came from is nobody's business."""

HEADER_ANSWER = b"BODY[HEADER.FIELDS"

MOST_FOUND = 80_000
"""Mails in one answer, which is one line: the library takes no line longer than a million bytes."""


class ListedFolder(NamedTuple):
    r"""A folder that can be opened, with its attributes (RFC 6154), e.g. `\Sent`."""

    name: str
    attributes: frozenset[str]


class FolderState(NamedTuple):
    """How far a folder has come: UIDs below `next_uid` are taken, as long as `validity` holds."""

    validity: int
    next_uid: int


class FetchedMail(NamedTuple):
    r"""What is fetched of a mail.

    Attributes:
        arrived_at: INTERNALDATE as an instant; `None` where the server tells none.
        flags: as the server spells them, e.g. `\Answered`, `$Forwarded`.
        header: the fields that are read; cut off where there are too many.
    """

    uid: int
    arrived_at: int | None
    flags: frozenset[str]
    header: bytes


class ImapSession:
    """A logged-in connection; a context manager.

    Every method raises `NoConnectionError` when the server hangs up, hangs or talks nonsense.

    Attributes:
        has_idle: whether the server tells of new mail by itself.
        asked_at: monotonic seconds since when it owes an answer; `None` if it does not.
    """

    def __init__(self, client: Any, *, also: Iterable[str] = ()) -> None:
        """Speak through a client that is logged in; `also` are more headers to fetch."""
        self.asked_at: float | None = None
        self._client = client
        self._there = 0
        fields = " ".join([*(field for field in FIELDS if field not in NOT_FETCHED), *also])
        self._header = f"BODY.PEEK[HEADER.FIELDS ({fields})]<0.{MAX_HEADER_BYTES + 1}>"
        self.has_idle: bool = client.has_capability("IDLE")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def folders(self) -> list[ListedFolder]:
        """Every folder that can be opened."""
        with self._speaking():
            listed = self._client.list_folders()
        found = []
        for attributes, _, name in listed:
            texts = frozenset(_text(attribute) for attribute in attributes)
            if not {text.casefold() for text in texts} & {"\\noselect", "\\nonexistent"}:
                found.append(ListedFolder(str(name), texts))
        return found

    def status(self, folder: str) -> FolderState:
        """How far a folder has come that is not open; `FolderError` if there is none."""
        with self._speaking(folder):
            answer = self._client.folder_status(folder, ["UIDNEXT", "UIDVALIDITY"])
        return _state(answer, folder)

    def examine(self, folder: str) -> FolderState:
        """Open a folder for reading only; `FolderError` if there is none."""
        with self._speaking(folder):
            answer = self._client.select_folder(folder, readonly=True)
        self._there = answer.get(b"EXISTS", 0)
        return _state(answer, folder)

    def uids(self, first: int, end: int, *, since: date | None = None) -> list[int]:
        """The mails of the open folder with `first <= UID < end`, in order.

        With `since` only those that arrived on that day of the server's or later.
        """
        if first >= end:
            return []
        at_once = MOST_FOUND if self._there > MOST_FOUND else end - first
        found: list[int] = []
        for start in range(first, end, at_once):
            stop = min(start + at_once, end)
            criteria: list[object] = ["UID", f"{start}:{stop - 1}"]
            if since is not None:
                criteria += ["SINCE", since]
            with self._speaking():
                answer = self._client.search(criteria)
            found += sorted(uid for uid in answer if start <= uid < stop)
        return found

    def arrivals(self, uids: Sequence[int]) -> list[tuple[int, int | None]]:
        """UID and arrival of mails of the open folder; those that are gone are left out.

        Raises:
            UnreadableMailError: the answer cannot be read; with one UID, it is that mail's.
        """
        answers = self._fetch(uids, ["INTERNALDATE"])
        return [(uid, _arrival(answers[uid])) for uid in uids if uid in answers]

    def fetch(self, uids: Sequence[int]) -> list[FetchedMail]:
        """Headers of mails of the open folder; those that are gone are left out.

        Raises:
            UnreadableMailError: the answer cannot be read; with one UID, it is that mail's.
        """
        answers = self._fetch(uids, ["INTERNALDATE", "FLAGS", self._header])
        return [
            FetchedMail(uid, _arrival(answer), _flags(answer), header)
            for uid in uids
            if (answer := answers.get(uid)) is not None and (header := _header(answer)) is not None
        ]

    def wait(self, seconds: float, stopping: threading.Event) -> None:
        """Until something arrives in the open folder (IDLE, RFC 2177), or for so long.

        Without IDLE it only waits. It ends early when the source shall stop.
        """
        if not self.has_idle:
            stopping.wait(seconds)
            return
        until = time.monotonic() + seconds
        with self._speaking():
            self._client.idle()
            while (left := until - time.monotonic()) > 0 and not stopping.is_set():
                self.asked_at = began = time.monotonic()
                patience = min(1.0, left)
                answers = self._client.idle_check(timeout=patience)
                if any(_is_arrival(answer) for answer in answers):
                    break
                # Nothing, but at once: the server has hung up, which the next command finds out.
                if not answers and time.monotonic() - began < patience / 2:
                    break
            self._client.idle_done()

    def break_off(self) -> None:
        """Let whatever another thread waits for in this session end at once."""
        with contextlib.suppress(OSError):
            self._client.socket().shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Log out if the server still listens, and drop the connection."""
        drop(self._client)

    def _fetch(self, uids: Sequence[int], what: list[str]) -> Mapping[int, Mapping[bytes, Any]]:
        with self._speaking():
            try:
                answers: Mapping[int, Mapping[bytes, Any]] = self._client.fetch(list(uids), what)
            except imaplib.IMAP4.abort:
                raise
            except (ProtocolError, ValueError, TypeError, AssertionError) as error:
                msg = f"what the server says about {len(uids)} mails cannot be read"
                raise UnreadableMailError(msg) from error
            except imaplib.IMAP4.error as error:
                msg = f"the server refuses to tell about {len(uids)} mails"
                raise RefusedMailError(msg) from error
        return answers

    @contextlib.contextmanager
    def _speaking(self, folder: str | None = None) -> Iterator[None]:
        """Turn whatever goes wrong while the server is asked into an error of ours."""
        self.asked_at = time.monotonic()
        try:
            yield
        except (OSError, imaplib.IMAP4.abort) as error:
            raise NoConnectionError(reason_of(error)) from error
        except (imaplib.IMAP4.error, ValueError, TypeError, AttributeError) as error:
            if folder is not None:
                msg = f"the folder `{folder}` cannot be opened; is it there, may the user read it?"
                raise FolderError(msg) from error
            raise NoConnectionError(reason_of(error)) from error
        finally:
            self.asked_at = None


def drop(client: Any) -> None:
    """Log out of a client's connection if the server still listens, and close it."""
    # Whatever the server says to this, or does not, changes nothing any more.
    with contextlib.suppress(Exception):
        client.socket().settimeout(2.0)
        client.logout()
    with contextlib.suppress(Exception):
        client.shutdown()


def _is_arrival(answer: Sequence[object]) -> bool:
    return any(isinstance(part, bytes) and part.upper() == b"EXISTS" for part in answer)


def _state(answer: Mapping[bytes, Any], folder: str) -> FolderState:
    validity, next_uid = answer.get(b"UIDVALIDITY"), answer.get(b"UIDNEXT")
    if not isinstance(validity, int) or not isinstance(next_uid, int):
        msg = f"the server does not number the mails of `{folder}`; mails in it cannot be followed"
        raise FolderError(msg)
    return FolderState(validity, next_uid)


def _arrival(answer: Mapping[bytes, Any]) -> int | None:
    moment = answer.get(b"INTERNALDATE")
    return from_datetime(moment) if isinstance(moment, datetime) and moment.tzinfo else None


def _flags(answer: Mapping[bytes, Any]) -> frozenset[str]:
    return frozenset(_text(flag) for flag in answer.get(b"FLAGS", ()))


def _header(answer: Mapping[bytes, Any]) -> bytes | None:
    for key, value in answer.items():
        if key.startswith(HEADER_ANSWER):
            return value if isinstance(value, bytes) else b""
    return None


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
