"""Mail that was taken for spam and is none: somebody took it out of the spam folder.

A source sees that a mail has come into a folder, never that it has left one. So a mail that a
mailbox has both in its spam folder and in an ordinary one is no spam; whether the former copy came
later can be told only if it was not there already when the latter was seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from streams.parsers.mail.threading import note_question, place

if TYPE_CHECKING:
    from streams.parsers.mail.sights import Sight
    from streams.parsers.mail.threading import Index, Known, Place


class Look(NamedTuple):
    """One look into a mailbox, in which spam is told after all other mail.

    Attributes:
        began: when it began; no other look of the mailbox did.
        at: when what it finds put away or rescued is told to have been so. A look that was broken
            off is told like the first attempt, so that nothing is told twice in other words.
        reread: whether the mail's folder is read from its beginning, so that it need not be new.
        at_last: whether all else of the look was told, so that rescues may be.
    """

    began: int
    at: int | None
    reread: bool = False
    at_last: bool = True


ARCHIVE = Look(0, None)
"""An archive tells when mails came, and not when somebody moved them."""


def is_rescue(sight: Sight, known: Known, look: Look) -> bool:
    """Whether a mail that a mailbox had as spam only is now seen elsewhere in it.

    Another mailbox's copy is none: it may have come with the first.
    """
    return look.at is not None and sight.is_waiting and known.spam == sight.mailbox


def is_beside(sight: Sight, known: Known, look: Look) -> bool:
    """Whether a mail in the spam folder is a copy of one that waits in an ordinary folder."""
    return sight.spam and (known.looked == look.began or (known.cleared and look.reread))


def remember_look(sight: Sight, known: Known, look: Look) -> Known:
    """What is known of a mail, and where it was seen."""
    if sight.is_waiting:
        return replace(known, looked=look.began)
    first_seen_as_spam = sight.spam and known.question and known.looked is None
    return replace(known, spam=sight.mailbox) if first_seen_as_spam else known


def rescue(sight: Sight, known: Known, index: Index, look: Look) -> tuple[Sight, Place]:
    """Let a mail wait from its rescue on, or from its arrival if it was answered since."""
    came = sight.at if known.at is None else known.at
    thread = index.thread(known.conversation)
    home = None if thread is None else index.thread(thread.home)
    answered = None if home is None else home.answered
    # What was answered out of the spam folder, or before the rescue was seen, waits no more.
    is_answered = answered is not None and answered > came
    waits = replace(sight, at=came + 1 if is_answered else max(look.at or 0, came + 1))
    found = place(waits, index)
    kept = replace(known, at=waits.at, closed=False, spam="", cleared=True)
    index.keep_mail(waits.key, kept, touched=waits.at)
    note_question(found.home, waits, index)
    return waits, found
