"""Reads one mailbox, folder by folder, as often as it is told to; by UID (RFC 3501)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import structlog

from agents.sources.imap_errors import (
    FolderError,
    NoConnectionError,
    RefusedMailError,
    UnreadableMailError,
)
from agents.sources.imap_folders import absent, folders_of
from agents.sources.imap_ledger import ArrivedMail
from streams.instants import DAY, SECOND, to_datetime
from streams.parsers.mail.folders import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import date

    from agents.settings.imap import FoldersSection
    from agents.sources.imap_folders import Span
    from agents.sources.imap_ledger import Ledger
    from agents.sources.imap_session import FetchedMail, FolderState, ImapSession
    from streams.events import CloseReason
    from streams.parsers.mail.folders import Folder

log = structlog.stdlib.get_logger("kontaktpuls.imap")

BATCH = 200
"""Mails that are fetched, delivered and kept at once."""

ARRIVALS_AT_ONCE = 1_000
TELL_SECONDS = 10.0
RELIST_SECONDS = 60.0
"""How long a folder that was made, renamed or removed may go unnoticed."""

SETTLING = 5 * SECOND
"""A mail shows in its folder a little later than the server says that it arrived."""

TALKING_SHARE = 0.2
"""Of the time, at most so much is spent asking the server for news."""

LONGEST_PAUSE = 300.0

UNREADABLE = "unreadable_answer"
GONE = "gone_before_it_was_read"
NO_ARRIVAL = "no_arrival_time"
TOO_OLD = "older_than_since"
DRAFT = "draft"


T = TypeVar("T")


class MailboxPlan(NamedTuple):
    """What is read of one mailbox.

    Attributes:
        name: in the configuration.
        closed: folders of mail that needs no reply, and why.
        since: how far back the first start reads (microseconds).
        reach: how far back anything is read, however long the source was away (microseconds).
    """

    name: str
    folders: FoldersSection
    closed: Mapping[str, CloseReason]
    since: int
    reach: int


class Found(NamedTuple):
    """A mail that was not read yet; sorts by arrival, spam last."""

    is_spam: bool
    arrived_at: int
    place: int
    uid: int
    folder: str


class MailboxReader:
    """Reads one mailbox over one connection.

    Attributes:
        folders: what is read, by name.
    """

    def __init__(
        self,
        plan: MailboxPlan,
        session: ImapSession,
        ledger: Ledger,
        *,
        clock: Callable[[], int],
        check_stop: Callable[[], None],
    ) -> None:
        """`clock` tells the instant; `check_stop` raises when the source shall stop."""
        self.folders: dict[str, Folder] = {}
        self._plan = plan
        self._session = session
        self._ledger = ledger
        self._clock = clock
        self._check_stop = check_stop
        self._listed_at: float | None = None
        self._denied: set[str] = set()
        self._warned: set[str] = set()
        self._open: str | None = None
        self._took = 0.0

    @property
    def watched(self) -> str:
        """The folder whose news the server may tell by itself."""
        return self._plan.folders.inbox[0]

    def read_all(self) -> int:
        """Read what is new in every folder, and return the instant up to which all was read.

        Raises:
            NoConnectionError: the server hangs up, hangs or talks nonsense.
            FolderError: a folder that matters is not there or cannot be read.
            StoppedError: the source shall stop.
        """
        began, started = time.monotonic(), self._clock()
        self._list()
        # An answer is seen only if its question is: what was sent after this look at the sent
        # folder, which comes first, waits for the next pass.
        states = {name: self._look(name) for name in reversed(self.folders)}
        # What reading takes, a long history or Kafka's absence too, is no reason to look less.
        self._took = time.monotonic() - began
        spans = {
            name: self._ledger.unread(self._plan.name, name, state)
            for name in self.folders
            if (state := states[name]) is not None
        }
        new = {name: span for name, span in spans.items() if span.is_first or span.first < span.end}
        if new:
            self._read(new, seen_at=started)
            self._ledger.save(self._plan.name, new)
        if self._open != self.watched:
            self._examine(self.watched)
        return started - SETTLING

    def pause(self, poll: float) -> float:
        """How many seconds to wait before the next pass, so that the server can breathe."""
        return max(poll, min(self._took / TALKING_SHARE, LONGEST_PAUSE))

    def _list(self) -> None:
        now = time.monotonic()
        if self._listed_at is not None and now - self._listed_at < RELIST_SECONDS:
            return
        plan, listed = self._plan, self._session.folders()
        self.folders = folders_of(
            listed, mailbox=plan.name, wanted=plan.folders, closed=plan.closed
        )
        for folder in absent(listed, plan.folders, plan.closed):
            self._warn(folder, "a folder that the settings name is not there")
        self._listed_at = now
        self._denied.clear()

    def _look(self, folder: str) -> FolderState | None:
        """How far a folder has come; `None` for one that may not be read and need not be."""
        if folder in self._denied:
            return None
        try:
            # The server need not tell the truth about a folder that is open (RFC 3501, 6.3.10).
            if folder == self._open:
                return self._examine(folder)
            return self._session.status(folder)
        except FolderError:
            needed = self.folders[folder].role not in {Role.OTHER, Role.TRASH}
            if needed or self._ledger.has_read(self._plan.name, folder):
                raise
            self._denied.add(folder)
            self._warn(folder, "a folder cannot be read")
            return None

    def _warn(self, folder: str, what: str) -> None:
        if folder not in self._warned:
            self._warned.add(folder)
            log.warning(what, mailbox=self._plan.name, folder=folder)

    def _examine(self, folder: str) -> FolderState:
        self._open = None
        state = self._session.examine(folder)
        self._open = folder
        return state

    def _enter(self, folder: str, span: Span) -> None:
        """Open a folder whose mails still have the numbers that were looked up."""
        if self._open != folder and self._examine(folder).validity != span.validity:
            msg = f"the server gave the mails of `{folder}` new numbers while they were read"
            raise NoConnectionError(msg)

    def _read(self, spans: Mapping[str, Span], *, seen_at: int) -> None:
        """Enter the mails of all these folders in the order in which they arrived, spam last.

        A mail that another folder has too is no spam, whichever of the two is new.
        """
        found = sorted(
            mail
            for place, (name, span) in enumerate(spans.items())
            for mail in self._find(place, name, span, now=seen_at)
        )
        told_at = float("-inf")
        rescued: list[ArrivedMail] = []
        for start in range(0, len(found), BATCH):
            self._check_stop()
            batch = found[start : start + BATCH]
            mails: list[ArrivedMail] = []
            for name, span in spans.items():
                uids = [mail.uid for mail in batch if mail.folder == name]
                if uids:
                    self._enter(name, span)
                    fetched = self._ask(self._session.fetch, uids)
                    mails += filter(None, (self._arrived(name, mail, span) for mail in fetched))
            rescued += self._ledger.enter(mails, seen_at=seen_at)
            if len(rescued) >= BATCH or (rescued and start + BATCH >= len(found)):
                self._ledger.enter(rescued, seen_at=seen_at, at_last=True)
                rescued = []
            if len(found) > BATCH and time.monotonic() > told_at + TELL_SECONDS:
                told_at = time.monotonic()
                done = min(start + BATCH, len(found))
                log.info("catching up", mailbox=self._plan.name, read=done, of=len(found))

    def _find(self, place: int, name: str, span: Span, *, now: int) -> Iterator[Found]:
        """The mails of a folder that were not read yet and are not too old."""
        self._enter(name, span)
        # What came while the source was away is new, however short `since` is.
        begun = self._ledger.begun(self._plan.name, now)
        oldest = max(min(begun, now) - self._plan.since, now - self._plan.reach)
        if span.was_renumbered:
            log.warning(
                "the server gave all mails new numbers", mailbox=self._plan.name, folder=name
            )
        uids = self._session.uids(
            span.first, span.end, since=_day(oldest) if span.is_first else None
        )
        is_spam = self.folders[name].role is Role.SPAM
        for start in range(0, len(uids), ARRIVALS_AT_ONCE):
            self._check_stop()
            asked = uids[start : start + ARRIVALS_AT_ONCE]
            for uid, arrived_at in self._ask(self._session.arrivals, asked):
                if arrived_at is None:
                    self._ledger.leave_out(NO_ARRIVAL)
                elif arrived_at >= oldest:
                    yield Found(is_spam, arrived_at, place, uid, name)
                elif not span.is_first:
                    self._ledger.leave_out(TOO_OLD)

    def _ask(self, ask: Callable[[Sequence[int]], list[T]], uids: Sequence[int]) -> list[T]:
        """What the server says about some mails, without those about which it says nonsense."""
        try:
            answers = ask(uids)
        except UnreadableMailError as error:
            if len(uids) == 1:
                if isinstance(error, RefusedMailError):
                    self._insist(uids[0])
                self._ledger.leave_out(UNREADABLE)
                return []
            half = len(uids) // 2
            return [*self._ask(ask, uids[:half]), *self._ask(ask, uids[half:])]
        self._ledger.leave_out(GONE, len(uids) - len(answers))
        return answers

    def _insist(self, uid: int) -> None:
        """Give the connection up rather than a mail, unless the server refused it too often."""
        folder = self._open or ""
        if not self._ledger.is_hopeless(self._plan.name, folder, uid):
            msg = f"the server refuses to tell about a mail in `{folder}`; after some attempts "
            msg += "that mail is left out"
            raise NoConnectionError(msg)

    def _arrived(self, folder: str, fetched: FetchedMail, span: Span) -> ArrivedMail | None:
        if fetched.arrived_at is None:
            self._ledger.leave_out(NO_ARRIVAL)
            return None
        if "\\draft" in {flag.casefold() for flag in fetched.flags}:
            self._ledger.leave_out(DRAFT)
            return None
        known = self.folders[folder]
        return ArrivedMail(
            known, fetched.arrived_at, fetched.flags, fetched.header, reread=span.is_first
        )


def _day(instant: int) -> date:
    """A day of which every server, whatever its time zone, knows only mail that is new enough."""
    return to_datetime(instant - DAY).date()
