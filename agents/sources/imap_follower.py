"""Follows one mailbox for as long as the source runs: connects, reads, waits, connects again."""

from __future__ import annotations

import random
import sqlite3
import threading
import time
import traceback
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import structlog

from agents.sources.imap_account import SecretError
from agents.sources.imap_connection import connect
from agents.sources.imap_errors import FolderError, LoginRefusedError, NoConnectionError
from agents.sources.imap_mailbox import MailboxReader
from agents.sources.outbox import StoppedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from agents.sources.imap_account import Account, Login
    from agents.sources.imap_ledger import Ledger
    from agents.sources.imap_mailbox import MailboxPlan
    from agents.sources.imap_session import ImapSession

log = structlog.stdlib.get_logger("kontaktpuls.imap")

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
FIRST_LOGIN_PAUSE = 5 * 60.0
LONGEST_LOGIN_PAUSE = 60 * 60.0
"""Servers lock users out who try a wrong password too often."""

SECRET_PAUSE = 5.0
"""How long a password or token that was mended may go unnoticed."""

STALL_SECONDS = 120.0
"""A server that owes an answer for longer is given up, even if it still sends a byte at times."""


class Pace(NamedTuple):
    """How often folders are looked into.

    Attributes:
        poll: seconds between two looks.
        idle: whether the server may tell of news in between.
    """

    poll: float
    idle: bool


class MailboxFollower:
    """Reads one mailbox in a thread of its own.

    Attributes:
        through: everything up to this instant was read and delivered; `None` before the first time.
        is_up: whether the server answers.
        failure: what ended the thread against all expectation.
    """

    def __init__(
        self,
        account: Account,
        plan: MailboxPlan,
        pace: Pace,
        ledger: Ledger,
        *,
        stopping: threading.Event,
        clock: Callable[[], int],
    ) -> None:
        self.through: int | None = None
        self.is_up = False
        self.failure: BaseException | None = None
        self._account = account
        self._plan = plan
        self._pace = pace
        self._ledger = ledger
        self._stopping = stopping
        self._clock = clock
        self._session: ImapSession | None = None
        self._pause = FIRST_PAUSE
        self._login_pause = FIRST_LOGIN_PAUSE
        self._complaint: str | None = None
        self._dice = random.Random()  # noqa: S311 - spreads attempts, keeps no secret
        self._thread = threading.Thread(
            target=self._run, name=f"imap-{account.mailbox}", daemon=True
        )

    def start(self) -> None:
        """Begin; never blocks."""
        self._thread.start()

    def watch(self) -> None:
        """Give a connection up that stalls; to be called every now and then."""
        session = self._session
        asked_at = None if session is None else session.asked_at
        if session is None or asked_at is None:
            return
        if time.monotonic() - asked_at > STALL_SECONDS:
            session.break_off()

    def stop(self, *, within: float) -> bool:
        """Break off what it waits for; whether it has ended in time (seconds)."""
        session = self._session
        if session is not None:
            session.break_off()
        self._thread.join(within)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._stopping.wait(self._attempt())
        except StoppedError:
            pass
        except BaseException as error:  # noqa: BLE001 - the source tells, and ends
            # Where it failed; what it says may quote a mail.
            where = "".join(traceback.format_tb(error.__traceback__))
            log.error(  # noqa: TRY400 - a traceback with its last line would say that
                "reading a mailbox failed",
                mailbox=self._account.mailbox,
                error=type(error).__name__,
                where=where,
            )
            self.failure = error
            self._stopping.set()
        finally:
            self.is_up = False

    def _attempt(self) -> float:
        """Follow the mailbox until that fails; how many seconds to wait before the next attempt."""
        login: Login | None = None
        try:
            login = self._account.login()
            with connect(self._account, login, also=self._ledger.extra_headers) as session:
                self._session = session
                self._follow(session)
        except (NoConnectionError, FolderError, sqlite3.Error) as error:
            return self._failed(error, self._next_pause())
        except SecretError as error:
            return self._failed(error, SECRET_PAUSE)
        except LoginRefusedError as error:
            self._failed(error, 0)
            self._wait_for_another(login)
        finally:
            self._session = None
            self.is_up = False
        return 0.0

    def _follow(self, session: ImapSession) -> None:
        reader = MailboxReader(
            self._plan, session, self._ledger, clock=self._clock, check_stop=self._check_stop
        )
        while not self._stopping.is_set():
            self.through = reader.read_all()
            self._works(reader)
            seconds = reader.pause(self._pace.poll)
            if self._pace.idle:
                session.wait(seconds, self._stopping)
            else:
                self._stopping.wait(seconds)

    def _works(self, reader: MailboxReader) -> None:
        if self.is_up:
            return
        self.is_up = True
        self._complaint = None
        self._pause, self._login_pause = FIRST_PAUSE, FIRST_LOGIN_PAUSE
        # Members name folders after people; whoever wants the names asks `kontaktpuls doctor`.
        roles = Counter(folder.role.value for folder in reader.folders.values())
        log.info("following a mailbox", mailbox=self._account.mailbox, folders=dict(roles))

    def _failed(self, error: Exception, pause: float) -> float:
        """Say what is wrong, once, and return the pause."""
        if self._stopping.is_set():
            return 0.0
        text = str(error)
        if text != self._complaint:
            self._complaint = text
            log.warning("the mailbox cannot be read", mailbox=self._account.mailbox, reason=text)
        return pause

    def _next_pause(self) -> float:
        pause = self._pause
        self._pause = min(2 * pause, LONGEST_PAUSE)
        # Many sources shall not come back in step when a server does.
        return pause * self._dice.uniform(0.5, 1.0)

    def _wait_for_another(self, refused: Login | None) -> None:
        """Until the secret was changed, or for so long that no server takes it for an attack."""
        until = time.monotonic() + self._login_pause
        self._login_pause = min(2 * self._login_pause, LONGEST_LOGIN_PAUSE)
        while time.monotonic() < until and not self._stopping.wait(SECRET_PAUSE):
            try:
                if self._account.login() != refused:
                    return
            except SecretError:
                continue

    def _check_stop(self) -> None:
        if self._stopping.is_set():
            msg = "the source stops; what was not entered is read again at the next start"
            raise StoppedError(msg)
