"""A whole archive of mails -> events, in the order in which the mails came.

What an archive holds is first looked at mail by mail, and put aside as pseudonyms in a temporary
table; then told in order, so that the order of the files does not matter and memory stays flat.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from streams.parsers.mail.folders import Folder, Role, role_by_name
from streams.parsers.mail.headers import MailError, read_headers
from streams.parsers.mail.sights import Kind, Sight, is_outgoing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from agents.sources.conversation_index import ConversationIndex
    from agents.sources.mail_archive import Archived
    from streams.events import CloseReason, EmailEvent
    from streams.parsers.mail.correspondence import Correspondence
    from streams.parsers.mail.headers import Mail

ASIDE = """
CREATE TEMP TABLE aside (at INTEGER, rank INTEGER, key TEXT, mailbox TEXT, sight BLOB)
"""
IN_ORDER = "SELECT sight FROM aside ORDER BY at, rank, key, mailbox, sight"


class Clock(StrEnum):
    """Whose clock tells when a mail came."""

    RECEIVED = "Received"
    ARCHIVE = "the archive"
    DATE = "Date"


@dataclass
class Summary:
    """What became of the mails of one archive.

    Attributes:
        mails: all that were found.
        events: by type.
        left_out: mails without an event, by reason.
        unreadable: mails about which nothing can be said, by reason.
        automatic: mails by the sign that a machine wrote them.
        notes: what else is worth knowing.
        clocks: mails by whose clock tells when they came.
        folders: how each folder was read; `None` = not at all.
    """

    mails: int = 0
    events: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    unreadable: Counter[str] = field(default_factory=Counter)
    automatic: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    clocks: Counter[Clock] = field(default_factory=Counter)
    folders: dict[str, Role | None] = field(default_factory=dict)


def convert_mails(
    archive: Iterable[Archived],
    correspondence: Correspondence,
    index: ConversationIndex,
    *,
    mailbox: str,
    closed_folders: Mapping[str, CloseReason],
    on_event: Callable[[EmailEvent], object],
    on_unreadable: Callable[[str, str], object],
) -> Summary:
    """Read a whole archive of one mailbox; `on_unreadable` gets the place and what is wrong."""
    summary = Summary()
    index.connection.execute(ASIDE)
    with index.transaction():
        for at, sight in _looked_at(
            archive,
            correspondence,
            summary,
            mailbox=mailbox,
            closed_folders=closed_folders,
            on_unreadable=on_unreadable,
        ):
            rank = 2 if sight.closing else 1 if sight.kind is not Kind.INCOMING else 0
            row = (at, rank, sight.key, sight.mailbox, msgspec.msgpack.encode(sight))
            index.connection.execute("INSERT INTO aside VALUES (?, ?, ?, ?, ?)", row)
        decoder = msgspec.msgpack.Decoder(Sight)
        for (raw,) in index.connection.execute(IN_ORDER):
            told = correspondence.tell(decoder.decode(raw), index)
            for event in told.events:
                summary.events[str(event.__struct_config__.tag)] += 1
                on_event(event)
            if told.left_out is not None:
                summary.left_out[told.left_out.value] += 1
            if told.automatic is not None:
                summary.automatic[told.automatic.value] += 1
            summary.notes.update(note.value for note in told.notes)
    return summary


def _looked_at(
    archive: Iterable[Archived],
    correspondence: Correspondence,
    summary: Summary,
    *,
    mailbox: str,
    closed_folders: Mapping[str, CloseReason],
    on_unreadable: Callable[[str, str], object],
) -> Iterator[tuple[int, Sight]]:
    reasons = {name.casefold(): reason for name, reason in closed_folders.items()}
    for found in archive:
        summary.mails += 1
        folder = _folder(found.folder, mailbox, reasons)
        summary.folders.setdefault(found.folder, None if folder is None else folder.role)
        if folder is None or found.draft:
            summary.left_out["draft"] += 1
            continue
        problem = None
        try:
            if found.block is None:
                problem = "unreadable_file"
            else:
                mail = read_headers(found.block, also=correspondence.extra_headers)
                arrival = arrival_of(
                    mail,
                    stamp=found.stamp,
                    is_outgoing=is_outgoing(mail, correspondence.rules, folder),
                )
                problem = "no_arrival" if arrival is None else None
        except MailError as error:
            problem = error.reason.value
        if problem is not None or arrival is None:
            summary.unreadable[str(problem)] += 1
            on_unreadable(found.place, str(problem))
            continue
        at, clock = arrival
        summary.clocks[clock] += 1
        yield at, correspondence.glimpse(mail, folder=folder, arrived_at=at)


def arrival_of(mail: Mail, *, stamp: int | None, is_outgoing: bool) -> tuple[int, Clock] | None:
    """When a mail came, and who says so; `stamp` is the archive's word.

    A stranger's `Date` is the last resort. What the organisation sent bears its own date, which
    survives the copying of an archive better than the times of files.
    """
    told = [
        (mail.received, Clock.RECEIVED),
        (stamp, Clock.ARCHIVE),
        (mail.date, Clock.DATE),
    ]
    if is_outgoing:
        told[1], told[2] = told[2], told[1]
    return next(((at, clock) for at, clock in told if at is not None), None)


def _folder(name: str, mailbox: str, reasons: Mapping[str, CloseReason]) -> Folder | None:
    whole = name.casefold()
    for key in (whole, whole.replace(".", "/").rpartition("/")[2]):
        if key in reasons:
            return Folder(mailbox, Role.CLOSED, reasons[key])
    role = role_by_name(name)
    return None if role is None else Folder(mailbox, role)


EXPLANATIONS = {
    "seen_before": "copies of a mail that was read already",
    "internal": "among colleagues, in no citizen's conversation",
    "unmatched_outgoing": "sent, but no question is known that it answers",
    "automatic_outgoing": "sent by a machine of one's own, as an answer to nothing known",
    "deleted": "sent mail or drafts in the trash",
    "draft": "never sent",
    "no_header": "no mail: there is no header in it",
    "too_large": "the header is larger than 256 KiB",
    "no_arrival": "nothing tells when it came",
    "unreadable_file": "the file cannot be read",
    "conversation_split": "two conversations turned out to be one after both were told",
    "matched_by_recipient": "answers without references, matched by whom they are for",
    "message_id_reused": "another mail has the same id",
}


def render_summary(summary: Summary) -> Iterator[str]:
    """The summary in lines for a person."""
    yield f"{summary.mails:>9,} mails read"
    for name, role in sorted(summary.folders.items()):
        shown = "not read" if role is None else f"read as {role.value}"
        yield f"{'':>13} {name or '(the topmost folder)'}: {shown}"
    yield from _counted(summary.events, "events")
    yield from _counted(summary.left_out, "mails that became no event")
    yield from _counted(summary.unreadable, "mails that could not be read")
    yield from _counted(summary.automatic, "mails that a machine wrote, by what shows it")
    yield f"{summary.clocks.total():>9,} arrivals, by who tells them"
    for clock, number in summary.clocks.most_common():
        yield f"{number:>13,} {clock.value}"
    if summary.notes:
        yield from _counted(summary.notes, "things worth knowing")


def _counted(counts: Counter[str], title: str) -> Iterator[str]:
    yield f"{counts.total():>9,} {title}"
    for name, number in counts.most_common():
        explained = f": {EXPLANATIONS[name]}" if name in EXPLANATIONS else ""
        yield f"{number:>13,} {name}{explained}"
