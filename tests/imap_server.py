"""A mail server that does what a test tells it, also what no server should.

It speaks as much IMAP as the mail source asks for, keeps folders in memory, and writes down every
command. Before it answers one, a test may step in: hang, hang up, or say something else.
"""

from __future__ import annotations

import base64
import contextlib
import re
import socket
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

PASSWORD = "blåbärssoppa"  # noqa: S105 - of a server that lives as long as a test
CAPABILITIES = "IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 IDLE"


@dataclass
class Stored:
    """One mail; `arrived` as INTERNALDATE tells it."""

    arrived: str
    header: bytes
    flags: str = ""


@dataclass
class StoredFolder:
    """One folder; mails by UID."""

    attributes: str = "\\HasNoChildren"
    validity: int = 1
    next_uid: int = 1
    mails: dict[int, Stored] = field(default_factory=dict)

    def add(self, header: str, arrived: str = "01-Jun-2026 09:00:00 +0000", flags: str = "") -> int:
        """Put a mail in, and return its UID."""
        uid = self.next_uid
        block = header.replace("\n", "\r\n").encode() + b"\r\n\r\n"
        self.mails[uid] = Stored(arrived, block, flags)
        self.next_uid += 1
        return uid


class HangUp(Exception):  # noqa: N818 - what a test asks for is no error
    """Drop the connection now."""


class ImapServer:
    """Listens on a loopback port while the `with` block lasts.

    Attributes:
        folders: by name.
        commands: every command line received, without its tag.
        greeting: the first line.
        capabilities: what it says it can.
        step_in: called with the conversation, the tag and the command; `True` = has been answered.
        logins: how many attempts there were.
    """

    def __init__(self, *, greeting: str = "* OK ready") -> None:
        self.folders: dict[str, StoredFolder] = {"INBOX": StoredFolder()}
        self.commands: list[str] = []
        self.greeting = greeting
        self.capabilities = CAPABILITIES
        self.password = PASSWORD
        self.step_in: Callable[[Conversation, str, str], bool] = lambda *_: False
        self.logins = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        # Whoever waits in accept() or recv() wakes up; closing alone would not do.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.hang_up()
        self._thread.join(5)

    def hang_up(self) -> None:
        """Drop every connection."""
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def wait(self, seconds: float) -> None:
        """Say nothing for so long, or until the test is over."""
        self._ended.wait(seconds)

    def announce(self, folder: str) -> None:
        """Tell everybody who idles how many mails a folder has now."""
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.sendall(b"* %d EXISTS\r\n" % len(self.folders[folder].mails))

    def _accept(self) -> None:
        threads = []
        while not self._ended.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                break
            self._open.add(connection)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            thread.start()
            threads.append(thread)
        for thread in threads:
            thread.join(5)

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, HangUp), connection:
            Conversation(self, connection).hold()
        self._open.discard(connection)


class Conversation:
    """One client's connection."""

    def __init__(self, server: ImapServer, connection: socket.socket) -> None:
        self.server = server
        self._connection = connection
        self._lines = connection.makefile("rb")
        self._folder: StoredFolder | None = None

    def say(self, *lines: str) -> None:
        """Send lines."""
        self.send("".join(f"{line}\r\n" for line in lines).encode())

    def send(self, content: bytes) -> None:
        """Send bytes."""
        self._connection.sendall(content)

    def hold(self) -> None:
        """Answer until the client leaves."""
        with self._lines:
            if self.server.greeting:
                self.say(self.server.greeting)
            while line := self._lines.readline():
                tag, _, command = line.decode("utf-8", "replace").rstrip("\r\n").partition(" ")
                self.server.commands.append(command)
                if not self.server.step_in(self, tag, command):
                    self._answer(tag, command)
                if command.upper() == "LOGOUT":
                    return

    def _answer(self, tag: str, command: str) -> None:
        verb, _, rest = command.partition(" ")
        if verb == "UID":
            verb, _, rest = rest.partition(" ")
        answer = getattr(self, f"_{verb.lower()}", None)
        if answer is None:
            self.say(f"{tag} BAD what is that?")
        else:
            answer(tag, rest)

    def _capability(self, tag: str, rest: str) -> None:
        del rest
        self.say(f"* CAPABILITY {self.server.capabilities}", f"{tag} OK done")

    def _logout(self, tag: str, rest: str) -> None:
        del rest
        self.say("* BYE", f"{tag} OK done")

    def _authenticate(self, tag: str, rest: str) -> None:
        self.server.logins += 1
        self.say("+ ")
        given = base64.b64decode(self._lines.readline()).decode()
        if rest == "PLAIN":
            taken = given.split("\0")[2] == self.server.password
        else:
            taken = f"auth=Bearer {self.server.password}\1\1" in given
        self.say(f"{tag} OK come in" if taken else f"{tag} NO [AUTHENTICATIONFAILED] go away")

    def _login(self, tag: str, rest: str) -> None:
        self.server.logins += 1
        taken = rest.endswith(f'"{self.server.password}"')
        self.say(f"{tag} OK come in" if taken else f"{tag} NO [AUTHENTICATIONFAILED] go away")

    def _list(self, tag: str, rest: str) -> None:
        del rest
        for name, folder in self.server.folders.items():
            self.say(f'* LIST ({folder.attributes}) "/" "{name}"')
        self.say(f"{tag} OK done")

    def _status(self, tag: str, rest: str) -> None:
        name = rest.split('"')[1]
        folder = self.server.folders.get(name)
        if folder is None:
            self.say(f"{tag} NO no such folder")
            return
        numbers = f"UIDNEXT {folder.next_uid} UIDVALIDITY {folder.validity}"
        self.say(f'* STATUS "{name}" ({numbers})', f"{tag} OK done")

    def _examine(self, tag: str, rest: str) -> None:
        self._folder = self.server.folders.get(rest.split('"')[1])
        if self._folder is None:
            self.say(f"{tag} NO no such folder")
            return
        self.say(
            f"* {len(self._folder.mails)} EXISTS",
            f"* OK [UIDVALIDITY {self._folder.validity}] valid",
            f"* OK [UIDNEXT {self._folder.next_uid}] next",
            f"{tag} OK [READ-ONLY] open",
        )

    def _search(self, tag: str, rest: str) -> None:
        assert self._folder is not None
        match = re.match(r"UID (\d+):(\d+)", rest)
        assert match is not None, rest
        span = range(int(match[1]), int(match[2]) + 1)
        found = " ".join(str(uid) for uid in self._folder.mails if uid in span)
        self.say(f"* SEARCH {found}".rstrip(), f"{tag} OK done")

    def _fetch(self, tag: str, rest: str) -> None:
        assert self._folder is not None
        numbers, _, what = rest.partition(" ")
        for place, uid in enumerate(int(number) for number in numbers.split(",")):
            mail = self._folder.mails.get(uid)
            if mail is None:
                continue
            answer = f'* {place + 1} FETCH (UID {uid} INTERNALDATE "{mail.arrived}"'
            if "HEADER.FIELDS" in what:
                answer += f" FLAGS ({mail.flags}) BODY[HEADER.FIELDS (FROM)]<0> "
                answer += f"{{{len(mail.header)}}}\r\n"
                self.send(answer.encode() + mail.header + b")\r\n")
            else:
                self.say(answer + ")")
        self.say(f"{tag} OK done")

    def _idle(self, tag: str, rest: str) -> None:
        del rest
        self.say("+ idling")
        assert self._lines.readline().strip() in {b"DONE", b""}
        self.say(f"{tag} OK done")
