"""Connects to a mail server: TLS unless it is this machine, a password or an OAuth 2 token."""

from __future__ import annotations

import imaplib
import ssl
from typing import TYPE_CHECKING, Any

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import CapabilityError, LoginError

from agents.sources.imap_errors import LoginRefusedError, NoConnectionError, reason_of
from agents.sources.imap_session import ImapSession, drop

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agents.sources.imap_account import Account, Login

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 30.0
"""How long a server may be silent when it owes an answer."""

PASSING = ("[UNAVAILABLE]", "[INUSE]", "[LIMIT]", "[SERVERBUG]", "[CONTACTADMIN]")
"""Response codes of RFC 5530 that refuse a login for another reason than the password."""

NOT_ANSWERED = (OSError, imaplib.IMAP4.error, ValueError, AttributeError)
"""What the library raises when the other end is no mail server, or not one that behaves."""


def connect(account: Account, login: Login, *, also: Iterable[str] = ()) -> ImapSession:
    """Connect, secure the connection, log in; `also` are more headers to fetch.

    Raises:
        NoConnectionError: nobody answers there, or not as expected.
        LoginRefusedError: user name, password or token are refused.
    """
    context = _context(account)
    try:
        client = IMAPClient(
            account.host,
            account.port,
            ssl=account.security == "tls",
            ssl_context=context,
            timeout=SocketTimeout(connect=CONNECT_SECONDS, read=ANSWER_SECONDS),
        )
    except NOT_ANSWERED as error:
        raise NoConnectionError(reason_of(error)) from error
    # Aware times: INTERNALDATE carries its own offset.
    client.normalise_times = False
    try:
        if account.security == "starttls":
            client.starttls(context)
        _log_in(client, account, login)
        return ImapSession(client, also=also)
    except (LoginRefusedError, NoConnectionError):
        drop(client)
        raise
    except CapabilityError as error:
        drop(client)
        msg = "the server does not offer STARTTLS on this port; write `security: tls`"
        raise NoConnectionError(msg) from error
    except NOT_ANSWERED as error:
        drop(client)
        raise NoConnectionError(reason_of(error)) from error


def _context(account: Account) -> ssl.SSLContext | None:
    if account.security == "none":
        return None
    try:
        return ssl.create_default_context(cafile=account.ca_file)
    except OSError as error:
        msg = f"`ca_file`: `{account.ca_file}` holds no certificates that can be read"
        raise NoConnectionError(msg) from error


def _log_in(client: Any, account: Account, login: Login) -> None:
    secret = login.secret.get_secret_value()
    try:
        if login.is_token:
            client.oauth2_login(account.user, secret)
        elif client.has_capability("AUTH=PLAIN"):
            # Unlike LOGIN it may carry any letter.
            client.plain_login(account.user, secret)
        else:
            client.login(account.user, secret)
    except UnicodeEncodeError:
        msg = "the server takes passwords of ASCII letters only; choose another password"
        raise LoginRefusedError(msg) from None
    except LoginError as error:
        if isinstance(error.__context__, imaplib.IMAP4.abort):
            raise NoConnectionError(reason_of(error.__context__)) from None
        if any(code in str(error).upper() for code in PASSING):
            msg = "the server lets nobody in at the moment"
            raise NoConnectionError(msg) from None
        msg = "the server refuses the login; mend `user`, or the password or token in its file"
        raise LoginRefusedError(msg) from None
