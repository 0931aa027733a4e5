"""The mail source: mailboxes of one server, followed side by side, vouched for together."""

from __future__ import annotations

import sqlite3
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import structlog

from agents.clock import wall_clock
from agents.sources.conversation_index import ConversationIndex
from agents.sources.imap_account import accounts_of
from agents.sources.imap_follower import MailboxFollower, Pace
from agents.sources.imap_ledger import Ledger
from agents.sources.imap_mailbox import MailboxPlan
from agents.sources.keys import pseudonymiser_of
from agents.sources.outbox import StoppedError
from agents.sources.state_folder import locked, state_folder
from streams.errors import KontaktpulsError
from streams.events import Heartbeat
from streams.instants import DAY, HOUR, SECOND, to_datetime
from streams.parsers.mail.correspondence import Correspondence

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from agents.settings import Cluster
    from agents.settings.imap import ImapFile
    from agents.sources.imap_ledger import DeliversEvents
    from agents.sources.meter import Meter

log = structlog.stdlib.get_logger("kontaktpuls.imap")

HEARTBEAT_SECONDS = 1.0
STOP_SECONDS = 5.0
KEPT_BEYOND = 7 * DAY
FORGET_EVERY = HOUR
INDEX_FILE = "mailboxes.sqlite"
LOCK_FILE = "mailboxes.lock"


class ImapSourceError(KontaktpulsError):
    """Something went wrong that nobody thought of."""


class ImapSource:
    """Everything one file of kind `imap` asks for."""

    def __init__(
        self,
        settings: ImapFile,
        followers: Sequence[MailboxFollower],
        ledger: Ledger,
        outbox: DeliversEvents,
        meter: Meter,
        *,
        stopping: threading.Event,
        clock: Callable[[], int],
        keep: int,
    ) -> None:
        """`keep` is how long a silent conversation is remembered (microseconds)."""
        self._settings = settings
        self._followers = followers
        self._ledger = ledger
        self._outbox = outbox
        self._meter = meter
        self._stopping = stopping
        self._clock = clock
        self._keep = keep
        self._forgot_at: int | None = None

    def run(self) -> None:
        """Follow all mailboxes until the source shall stop.

        Raises:
            ImapSourceError: a follower has failed in a way that was not expected.
        """
        for follower in self._followers:
            follower.start()
        try:
            while not self._stopping.wait(HEARTBEAT_SECONDS):
                for follower in self._followers:
                    follower.watch()
                self._vouch()
                self._forget()
        except StoppedError:
            pass
        finally:
            self._stopping.set()
            until = time.monotonic() + STOP_SECONDS
            for follower in self._followers:
                follower.stop(within=max(0.1, until - time.monotonic()))
        for follower in self._followers:
            if follower.failure is not None:
                msg = f"reading a mailbox failed ({type(follower.failure).__name__}); "
                msg += "what was not delivered is read again at the next start"
                raise ImapSourceError(msg) from follower.failure

    def _vouch(self) -> None:
        """Say how far everything was read, if every mailbox is being read."""
        source = self._settings.source
        all_up = all(follower.is_up for follower in self._followers)
        self._meter.connected(source, is_up=all_up)
        throughs = [f.through for f in self._followers if f.through is not None]
        if not all_up or len(throughs) < len(self._followers):
            return
        through = min(throughs)
        heartbeat = Heartbeat(
            organisation=self._settings.mails.organisation,
            source=source,
            through=to_datetime(through),
        )
        self._outbox.deliver([heartbeat])
        self._meter.through(source, through)

    def _forget(self) -> None:
        now = self._clock()
        if self._forgot_at is None or now - self._forgot_at > FORGET_EVERY:
            self._forgot_at = now
            try:
                self._ledger.forget(now - self._keep)
            except sqlite3.Error as error:
                log.warning("old conversations are kept for an hour more", error=str(error))


@contextmanager
def create_imap_source(
    settings: ImapFile,
    cluster: Cluster,
    *,
    folder: Path,
    outbox: DeliversEvents,
    meter: Meter,
    stopping: threading.Event,
) -> Iterator[ImapSource]:
    """A source as a file in `folder` describes it; its state is closed in the end.

    Raises:
        StateFolderError: another one uses the same state, or the state cannot be written.
        IndexFileError: the index cannot be opened.
        PseudonymKeyError: there is no key for pseudonyms.
    """
    pseudonymise = pseudonymiser_of()
    with ExitStack() as opened:
        state = state_dir(settings, cluster, folder)
        opened.enter_context(locked(state, LOCK_FILE))
        index = opened.enter_context(ConversationIndex(state / INDEX_FILE))
        correspondence = Correspondence(
            settings.mails.rules(),
            organisation=settings.mails.organisation,
            pseudonymise=pseudonymise,
        )
        ledger = Ledger(
            settings.source,
            index=index,
            correspondence=correspondence,
            outbox=outbox,
            meter=meter,
        )
        since = settings.since or cluster.horizon
        reach = max(since, cluster.horizon)
        followers = [
            MailboxFollower(
                account,
                MailboxPlan(
                    account.mailbox,
                    account.folders,
                    settings.mails.mailboxes[account.mailbox].closed_folders,
                    since,
                    reach,
                ),
                Pace(settings.poll / SECOND, settings.idle),
                ledger,
                stopping=stopping,
                clock=wall_clock,
            )
            for account in accounts_of(settings, folder)
        ]
        yield ImapSource(
            settings,
            followers,
            ledger,
            outbox,
            meter,
            stopping=stopping,
            clock=wall_clock,
            keep=reach + settings.mails.match_window + KEPT_BEYOND,
        )


def state_dir(settings: ImapFile, cluster: Cluster, folder: Path) -> Path:
    """Where the state of a source is kept; relative names are relative to its file."""
    if settings.state_dir is not None:
        return folder / settings.state_dir
    return state_folder(cluster.data_dir, settings.mails.organisation, settings.source)
