"""Where the mails of all mailboxes come together: events are told, delivered, and then kept."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple, Protocol

from agents.sources.imap_folders import Positions
from streams.parsers.mail.folders import Role
from streams.parsers.mail.headers import MailError, read_headers
from streams.parsers.mail.rescues import Look

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from agents.sources.conversation_index import ConversationIndex
    from agents.sources.imap_folders import Span
    from agents.sources.imap_session import FolderState
    from agents.sources.meter import Meter
    from streams.events import Event
    from streams.parsers.mail.correspondence import Correspondence
    from streams.parsers.mail.folders import Folder


MOST_REFUSALS = 10
"""How often a server may refuse a mail, over as many connections, until it is left out."""


class ArrivedMail(NamedTuple):
    """A mail as it was fetched; personal, for this process's memory only.

    `reread` says that its folder is read from the beginning.
    """

    folder: Folder
    arrived_at: int
    flags: frozenset[str]
    header: bytes
    reread: bool = False


class DeliversEvents(Protocol):
    """The part of an `Outbox` that is used."""

    def deliver(self, events: Sequence[Event]) -> None:
        """Return once Kafka has every event."""


class Ledger:
    """Turns mails into delivered events, one batch at a time; for several threads.

    What a batch has taught the index is kept only when Kafka has acknowledged its events, so that
    a crash in between reads the batch again.

    Attributes:
        source: the name that is counted under.
        extra_headers: names of headers that have to be fetched beside the usual ones.
    """

    def __init__(
        self,
        source: str,
        *,
        index: ConversationIndex,
        correspondence: Correspondence,
        outbox: DeliversEvents,
        meter: Meter,
    ) -> None:
        self.source = source
        self.extra_headers = correspondence.extra_headers
        self._positions = Positions(index.connection)
        self._index = index
        self._correspondence = correspondence
        self._outbox = outbox
        self._meter = meter
        self._lock = threading.Lock()
        self._refused: Counter[tuple[str, str, int]] = Counter()

    def enter(
        self, mails: Iterable[ArrivedMail], *, seen_at: int, at_last: bool = False
    ) -> list[ArrivedMail]:
        """Tell mails, in the order of their arrival; returns when Kafka has what they tell.

        Those it returns were rescued from the spam folder, and are to be entered `at_last`: only
        then is known whether they were answered meanwhile.

        Raises:
            StoppedError: the source shall stop; they are read again at the next start.
        """
        events: list[Event] = []
        left_out: list[str] = []
        noted: list[str] = []
        ordered = sorted(mails, key=lambda mail: (mail.folder.role is Role.SPAM, mail.arrived_at))
        mailboxes = {mail.folder.mailbox for mail in ordered}
        with self._lock:
            told_at = {mailbox: self._positions.look(mailbox, seen_at) for mailbox in mailboxes}
            looks = [
                Look(seen_at, told_at[mail.folder.mailbox], mail.reread, at_last)
                for mail in ordered
            ]
            with self._index.transaction():
                told = [
                    self._tell(mail, look, events, left_out, noted)
                    for mail, look in zip(ordered, looks, strict=True)
                ]
                if events:
                    self._outbox.deliver(events)
        rescued = [mail for mail, is_told in zip(ordered, told, strict=True) if not is_told]
        self._meter.read(self.source, len(ordered) - len(rescued))
        self._meter.delivered(self.source, len(events))
        for reason in left_out:
            self._meter.left_out(self.source, reason)
        for reason in noted:
            self._meter.noted(self.source, reason)
        return rescued

    def leave_out(self, reason: str, count: int = 1) -> None:
        """Count mails that were seen and cannot be entered."""
        if count:
            self._meter.read(self.source, count)
            self._meter.left_out(self.source, reason, count)

    def is_hopeless(self, mailbox: str, folder: str, uid: int) -> bool:
        """Whether the server has refused a mail too often; to be called once a refusal."""
        with self._lock:
            self._refused[mailbox, folder, uid] += 1
            return self._refused[mailbox, folder, uid] >= MOST_REFUSALS

    def begun(self, mailbox: str, now: int) -> int:
        """When a mailbox was looked into for the first time."""
        with self._lock:
            return self._positions.begun(mailbox, now)

    def unread(self, mailbox: str, folder: str, state: FolderState) -> Span:
        """What of a folder was not read yet."""
        with self._lock:
            return self._positions.unread(mailbox, folder, state)

    def has_read(self, mailbox: str, folder: str) -> bool:
        """Whether a folder could be read before."""
        with self._lock:
            return self._positions.of(mailbox, folder) is not None

    def save(self, mailbox: str, spans: Mapping[str, Span]) -> None:
        """All of these spans, by folder, was entered; the look at the mailbox is over."""
        with self._lock:
            with self._index.transaction():
                self._positions.forget_look(mailbox)
                for folder, span in spans.items():
                    self._positions.save(mailbox, folder, span)
            for refused in [key for key in self._refused if key[0] == mailbox]:
                del self._refused[refused]

    def forget(self, before: int) -> None:
        """Drop conversations that nobody has spoken of since an instant."""
        with self._lock, self._index.transaction():
            self._index.forget_before(before)

    def _tell(
        self,
        mail: ArrivedMail,
        look: Look,
        events: list[Event],
        left_out: list[str],
        noted: list[str],
    ) -> bool:
        """Whether it was told, and need not be entered again."""
        try:
            read = read_headers(mail.header, also=self.extra_headers)
        except MailError as error:
            left_out.append(error.reason.value)
            return True
        told = self._correspondence.read(
            read,
            self._index,
            folder=mail.folder,
            arrived_at=mail.arrived_at,
            flags=mail.flags,
            look=look,
        )
        events += told.events
        noted += (note.value for note in told.notes)
        if told.left_out is not None:
            left_out.append(told.left_out.value)
        return not told.is_rescue
