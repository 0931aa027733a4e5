"""What can go wrong between a mail server and us, said so that an operator can mend it.

* KontaktpulsError
  + NoConnectionError     try again later, more and more seldom
  + LoginRefusedError     try again seldom: servers lock users out
  + FolderError           the operator has to mend a name
  + UnreadableMailError   leave this mail out
    - RefusedMailError    ask again later: it may be the server's mood, not the mail
"""

from __future__ import annotations

import imaplib
import socket
import ssl

from streams.errors import KontaktpulsError


class NoConnectionError(KontaktpulsError):
    """The server does not answer, hung up in the middle, or talks nonsense."""


class LoginRefusedError(KontaktpulsError):
    """The server does not take the user with this password or token."""


class FolderError(KontaktpulsError):
    """A folder cannot be opened, or is not there."""


class UnreadableMailError(KontaktpulsError):
    """What the server tells about a mail cannot be read; the connection goes on."""


class RefusedMailError(UnreadableMailError):
    """The server answers NO or BAD: the mail is broken there or gone, or we ask too much."""


def reason_of(error: BaseException) -> str:
    """Why there is no connection, and what to look at; never what the server itself wrote."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"the server's certificate does not convince ({error.verify_message}); write the "
            "host's name as the certificate has it, and `ca_file` if your own authority signed it"
        )
    if isinstance(error, ssl.SSLError):
        return "the server does not speak TLS like this; try `security: starttls` or another port"
    if isinstance(error, TimeoutError):
        return "the server does not answer in time"
    if isinstance(error, socket.gaierror):
        return "the host's name is not known; mend `host`"
    if isinstance(error, ConnectionRefusedError):
        return "nobody listens there; mend `host` and `port`, or start the server"
    if isinstance(error, OSError):
        return f"the connection does not hold ({error.strerror or type(error).__name__})"
    if isinstance(error, imaplib.IMAP4.abort):
        return "the server hung up"
    return f"the server's answer is not understood ({type(error).__name__})"
