"""A mail server that takes everything, keeps it, and passes nothing on."""

from __future__ import annotations

import email
import email.policy
import socketserver
import threading
from typing import TYPE_CHECKING, Self, cast

if TYPE_CHECKING:
    from collections.abc import Callable
    from email.message import EmailMessage
    from types import TracebackType

LONGEST_LINE = 65_536
PATIENCE = 30.0


class PostOffice:
    """Listens on the loopback interface from `with` on.

    Attributes:
        received: every mail, in the order in which they came.
        address: `host:port`.
        strangers: recipients whom it refuses.
    """

    def __init__(self, when_received: Callable[[EmailMessage], None] | None = None) -> None:
        """`when_received` is told of each mail, in a thread of the server's."""
        self.received: list[EmailMessage] = []
        self.when_received = when_received
        self.strangers: frozenset[str] = frozenset()
        self._server = _Server(("127.0.0.1", 0), _Conversation)
        self._server.office = self
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        """Open."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(PATIENCE)

    def take(self, content: bytes) -> None:
        """Keep one mail."""
        message = email.message_from_bytes(content, policy=email.policy.default)
        self.received.append(message)
        if self.when_received is not None:
            self.when_received(message)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    office: PostOffice


class _Conversation(socketserver.StreamRequestHandler):
    """As much of RFC 5321 as a client needs that asks for no extension."""

    timeout = PATIENCE

    def handle(self) -> None:
        self._say("220 localhost")
        while line := self.rfile.readline(LONGEST_LINE):
            verb = line[:4].upper()
            office = cast("_Server", self.server).office
            if verb == b"DATA":
                self._say("354 go on")
                office.take(self._content())
                self._say("250 kept")
            elif verb == b"RCPT" and (who := line.decode().partition("<")[2].partition(">")[0]) in (
                office.strangers
            ):
                self._say(f"550 5.1.1 <{who}> does not live here")
            elif verb == b"QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 localhost")

    def _content(self) -> bytes:
        lines: list[bytes] = []
        while (line := self.rfile.readline(LONGEST_LINE)) not in (b".\r\n", b""):
            # A line that begins with a dot got another one on the way.
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        return b"".join(lines)

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())
