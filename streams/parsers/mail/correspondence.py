"""What the mails of an organisation's mailboxes tell: events, and why there are none."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from streams.conventions import OTHER
from streams.events import EmailClosed, EmailForwarded, EmailReceived, EmailSent
from streams.instants import to_datetime
from streams.parsers.mail.rescues import ARCHIVE, is_beside, is_rescue, remember_look, rescue
from streams.parsers.mail.sights import Kind, Sight, glimpse
from streams.parsers.mail.threading import (
    Index,
    Known,
    Place,
    match,
    note_answer,
    note_question,
    place,
    settle,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from streams.events import CloseReason, EmailEvent
    from streams.parsers.mail.classification import Automatic
    from streams.parsers.mail.folders import Folder
    from streams.parsers.mail.headers import Mail
    from streams.parsers.mail.rescues import Look
    from streams.parsers.mail.rules import Rules
    from streams.pseudonyms import Pseudonymiser


class LeftOut(StrEnum):
    """Why a mail became no event; safe as a metric label."""

    SEEN_BEFORE = "seen_before"
    INTERNAL = "internal"
    UNMATCHED_OUTGOING = "unmatched_outgoing"
    AUTOMATIC_OUTGOING = "automatic_outgoing"
    DELETED = "deleted"


class Note(StrEnum):
    """What is worth counting about a mail, whether or not it became an event."""

    CONVERSATION_SPLIT = "conversation_split"
    MATCHED_BY_RECIPIENT = "matched_by_recipient"
    MESSAGE_ID_REUSED = "message_id_reused"


class Told(NamedTuple):
    """What a mail tells.

    Attributes:
        events: in no order; the same again are harmless.
        left_out: why there are none.
        notes: what is worth counting.
        automatic: the sign by which a machine shows.
        is_rescue: whether it tells nothing yet, and is to be told again at the end of the look.
    """

    events: tuple[EmailEvent, ...] = ()
    left_out: LeftOut | None = None
    notes: tuple[Note, ...] = ()
    automatic: Automatic | None = None
    is_rescue: bool = False


class Correspondence:
    """Reads the mails of one organisation.

    Attributes:
        extra_headers: names of the headers that the rules look at, for `read_headers`.
    """

    def __init__(self, rules: Rules, *, organisation: str, pseudonymise: Pseudonymiser) -> None:
        self.rules = rules
        self.extra_headers = frozenset(name for name, _ in rules.holding.headers)
        self._organisation = organisation
        self._pseudonymise = pseudonymise

    def read(
        self,
        mail: Mail,
        index: Index,
        *,
        folder: Folder,
        arrived_at: int,
        flags: Collection[str] = (),
        look: Look = ARCHIVE,
    ) -> Told:
        """What a mail tells; see `glimpse` and `tell`."""
        sight = self.glimpse(mail, folder=folder, arrived_at=arrived_at, flags=flags)
        return self.tell(sight, index, look)

    def glimpse(
        self, mail: Mail, *, folder: Folder, arrived_at: int, flags: Collection[str] = ()
    ) -> Sight:
        """What a mail in a folder is, by itself; pseudonyms only."""
        return glimpse(
            mail,
            self.rules,
            self._pseudonymise,
            folder=folder,
            arrived_at=arrived_at,
            flags=flags,
        )

    def tell(self, sight: Sight, index: Index, look: Look = ARCHIVE) -> Told:
        """What a mail tells, given what is remembered and where it was found; remembers it too."""
        notes: list[Note] = []
        known = index.mail(sight.key)
        if known is not None and known.at is not None and known.dated != sight.dated:
            # Some forms and machines give all their mails the same id.
            notes.append(Note.MESSAGE_ID_REUSED)
            if not known.ambiguous:
                ambiguous = msgspec.structs.replace(known, ambiguous=True)
                index.keep_mail(sight.key, ambiguous, touched=sight.at)
            own = self._pseudonymise(f"{sight.key} {sight.dated}")
            sight = msgspec.structs.replace(sight, key=own)
            known = index.mail(own)
        if known is not None and known.at is not None:
            return self._told_again(sight, known, index, look)
        match sight.kind:
            case Kind.INCOMING:
                told = self._incoming(sight, index, look)
            case Kind.OUTGOING | Kind.FORWARD if sight.deleted:
                return Told(left_out=LeftOut.DELETED)
            case Kind.OUTGOING:
                told = self._outgoing(sight, index)
            case Kind.FORWARD | Kind.INTERNAL:
                told = self._inside(sight, index)
        return told._replace(notes=(*notes, *told.notes), automatic=sight.automatic)

    def _told_again(self, sight: Sight, known: Known, index: Index, look: Look) -> Told:
        """A mail that was moved, copied or read again: the first arrival counts."""
        if is_rescue(sight, known, look):
            if not look.at_last:
                return Told(is_rescue=True)
            waits, found = rescue(sight, known, index, look)
            # Told in its old conversation, which it reopens; that may go on in another.
            event = self._received(waits, known.conversation, revision=1)
            return Told((event,), notes=_split(found))
        if not known.question or known.closed:
            return Told(left_out=LeftOut.SEEN_BEFORE)
        if sight.closing is None:
            index.keep_mail(sight.key, remember_look(sight, known, look), touched=sight.at)
            return Told(left_out=LeftOut.SEEN_BEFORE)
        if is_beside(sight, known, look):
            cleared = msgspec.structs.replace(known, cleared=True)
            index.keep_mail(sight.key, cleared, touched=sight.at)
            return Told(left_out=LeftOut.SEEN_BEFORE)
        closed = msgspec.structs.replace(known, closed=True)
        index.keep_mail(sight.key, closed, touched=sight.at)
        thread = index.thread(known.conversation)
        home = known.conversation if thread is None else thread.home
        # Never before the instant from which it was told to wait.
        at = sight.at if look.at is None else max(look.at, sight.at, known.at or 0)
        return Told(tuple(self._closed(tuple(index.parts(home)), at, sight.closing)))

    def _incoming(self, sight: Sight, index: Index, look: Look) -> Told:
        found = place(sight, index)
        question = sight.automatic is None
        closed = question and sight.closing is not None
        events: list[EmailEvent] = [self._received(sight, found.home)]
        if closed and sight.closing is not None:
            events += self._closed(found.parts, sight.at, sight.closing)
        known = _known(sight, found.home, question=question, closed=closed)
        settle(sight, found.home, index, remember_look(sight, known, look))
        if question and not sight.spam:
            note_question(found.home, sight, index)
        return Told(tuple(events), notes=_split(found))

    def _outgoing(self, sight: Sight, index: Index) -> Told:
        found = place(sight, index)
        notes = _split(found)
        if not found.found:
            # With references to mails nobody saw, only an open question can be meant.
            matched = self._matched(sight, index, only_open=bool(sight.ancestors))
            if matched is not None:
                found = Place(matched, tuple(index.parts(matched)), found=True, split=False)
                notes = (Note.MATCHED_BY_RECIPIENT,)
        settle(sight, found.home, index, _known(sight, found.home))
        if not found.found and not sight.ancestors:
            human = sight.automatic is None
            reason = LeftOut.UNMATCHED_OUTGOING if human else LeftOut.AUTOMATIC_OUTGOING
            return Told(left_out=reason, notes=notes)
        thread = index.thread(found.home)
        asked = thread is not None and thread.asked is not None
        if sight.handed_on and asked and not index.has_written(sight.people, found.parts):
            return Told((self._forwarded(sight, found.home, OTHER),), notes=notes)
        # A tag that the citizen's mail already quotes says nothing about this answer.
        tagged = sight.tagged and not (thread is not None and thread.tagged)
        human = sight.automatic is None
        holding = human and (sight.holding or tagged)
        if human and not holding:
            note_answer(found.home, sight, index)
        sent = tuple(self._sent(sight, part, holding=holding) for part in found.parts)
        return Told(sent, notes=notes)

    def _inside(self, sight: Sight, index: Index) -> Told:
        """A mail among colleagues: it stops no clock."""
        found = place(sight, index)
        settle(sight, found.home, index, _known(sight, found.home))
        thread = index.thread(found.home)
        asked = thread is not None and thread.asked is not None
        if sight.kind is Kind.FORWARD and asked and sight.automatic is None:
            event = self._forwarded(sight, found.home, sight.unit)
            return Told((event,), notes=_split(found))
        return Told(left_out=LeftOut.INTERNAL, notes=_split(found))

    def _matched(self, sight: Sight, index: Index, *, only_open: bool) -> str | None:
        if sight.automatic is not None:
            return None
        return match(sight, index, window=self.rules.match_window, only_open=only_open)

    def _received(self, sight: Sight, conversation: str, *, revision: int = 0) -> EmailReceived:
        return EmailReceived(
            organisation=self._organisation,
            revision=revision,
            conversation=conversation,
            message=sight.key,
            mailbox=sight.mailbox,
            at=to_datetime(sight.at),
            automatic=sight.automatic is not None,
            sender=sight.people[0] if sight.people else None,
        )

    def _sent(self, sight: Sight, conversation: str, *, holding: bool) -> EmailSent:
        return EmailSent(
            organisation=self._organisation,
            conversation=conversation,
            message=sight.key,
            mailbox=sight.mailbox,
            at=to_datetime(sight.at),
            automatic=sight.automatic is not None,
            holding=holding,
        )

    def _closed(
        self, conversations: tuple[str, ...], at: int, reason: CloseReason
    ) -> list[EmailEvent]:
        return [
            EmailClosed(
                organisation=self._organisation,
                conversation=conversation,
                at=to_datetime(at),
                reason=reason,
            )
            for conversation in conversations
        ]

    def _forwarded(self, sight: Sight, conversation: str, unit: str) -> EmailForwarded:
        return EmailForwarded(
            organisation=self._organisation,
            conversation=conversation,
            at=to_datetime(sight.at),
            unit=unit,
        )


def _split(found: Place) -> tuple[Note, ...]:
    return (Note.CONVERSATION_SPLIT,) if found.split else ()


def _known(sight: Sight, home: str, *, question: bool = False, closed: bool = False) -> Known:
    return Known(
        conversation=home, at=sight.at, dated=sight.dated, question=question, closed=closed
    )
