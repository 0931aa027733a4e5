"""Which conversation a mail belongs to.

The conversation is named after its oldest ancestor that is known, and every mail that is referred
to is remembered with it, so that a chain with missing or cut-off parts is found again. The subject
is never looked at. Where two conversations turn out to be one after both were published, they are
joined for all that follows, and an answer is told in each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec
from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from streams.parsers.mail.sights import Sight

MAX_MATCHED_PEOPLE = 10
"""What is sent to more people at once answers none of them."""


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of one mail.

    Attributes:
        conversation: as it was published.
        at: when it came; `None` if other mails refer to it and it was not seen.
        dated: as in `Sight`.
        question: whether a human outside wrote it.
        closed: whether it was told to need no reply.
        ambiguous: whether several mails bear its id.
        spam: the mailbox that has it as spam, and was seen to have it nowhere else; or none.
        cleared: whether it was seen in an ordinary folder after the spam folder, or beside it.
        looked: when that mailbox was looked into as it was last seen in an ordinary folder.
    """

    conversation: str
    at: int | None = None
    dated: str = ""
    question: bool = False
    closed: bool = False
    ambiguous: bool = False
    spam: str = ""
    cleared: bool = False
    looked: int | None = None


class Thread(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of one conversation.

    Attributes:
        home: the conversation it was joined into, or itself.
        opened: the earliest instant known of it.
        asked, answered: when a human outside last wrote, and when the last full answer was sent.
        tagged: whether a citizen's mail bears the tag of holding replies, quoted from ours.
    """

    home: str
    opened: int
    asked: int | None = None
    answered: int | None = None
    tagged: bool = False

    @property
    def is_open(self) -> bool:
        """Whether a question waits for its answer."""
        return self.asked is not None and (self.answered is None or self.answered < self.asked)


class Index(Protocol):
    """What is remembered; see `agents.sources.conversation_index`."""

    def mail(self, key: str) -> Known | None:
        """What is known of a mail."""

    def keep_mail(self, key: str, known: Known, *, touched: int) -> None:
        """Remember a mail; `touched` is the instant it was last spoken of."""

    def thread(self, conversation: str) -> Thread | None:
        """What is known of a conversation."""

    def keep_thread(self, conversation: str, thread: Thread, *, touched: int) -> None:
        """Remember a conversation."""

    def parts(self, home: str) -> Sequence[str]:
        """The conversations that were joined into one, itself included."""

    def wrote(self, person: str, conversation: str, at: int) -> None:
        """Remember that somebody outside wrote in a conversation."""

    def has_written(self, people: Iterable[str], conversations: Iterable[str]) -> bool:
        """Whether any of some people wrote in any of some conversations."""

    def asked_by(self, people: Iterable[str], *, since: int, until: int) -> Sequence[str]:
        """The conversations in which some people wrote in a span, the newest first."""


class Place(NamedTuple):
    """Where a mail belongs.

    Attributes:
        home: the conversation that goes on.
        parts: all that it was published as.
        found: whether it was known before.
        split: whether this mail shows that two were one.
    """

    home: str
    parts: tuple[str, ...]
    found: bool
    split: bool


def place(sight: Sight, index: Index) -> Place:
    """The conversation of a mail, by its ancestors, by what refers to it, by Exchange's id."""
    if sight.spam:
        # Spam quotes ids of other people's mails; it shall not close their conversation.
        return Place(sight.key, (sight.key,), found=False, split=False)
    ancestors = [key for key in sight.ancestors if not _is_ambiguous(index, key)]
    homes = _homes([*ancestors, sight.key], index)
    if not homes and not sight.ancestors and sight.thread is not None:
        homes = _homes([sight.thread], index)
    if not homes:
        root = ancestors[0] if ancestors else sight.key
        return Place(root, (root,), found=False, split=False)
    home = min(homes, key=lambda conversation: (homes[conversation].opened, conversation))
    for other, thread in homes.items():
        if other != home:
            join(other, thread, home, index, touched=sight.at)
    return Place(home, tuple(index.parts(home)), found=True, split=len(homes) > 1)


def settle(sight: Sight, home: str, index: Index, known: Known) -> None:
    """Remember a mail, all that it refers to, and that its conversation lives."""
    for key in (*sight.ancestors, sight.thread):
        if key is not None and index.mail(key) is None:
            index.keep_mail(key, Known(conversation=home), touched=sight.at)
    index.keep_mail(sight.key, known, touched=sight.at)
    thread = index.thread(home) or Thread(home=home, opened=sight.at)
    if sight.at < thread.opened:
        thread = replace(thread, opened=sight.at)
    index.keep_thread(home, thread, touched=sight.at)


def note_question(home: str, sight: Sight, index: Index) -> None:
    """Remember that a citizen wrote, and who."""
    thread = index.thread(home)
    if thread is None:
        return
    asked = _latest(thread.asked, sight.at)
    changed = replace(thread, asked=asked, tagged=thread.tagged or sight.tagged)
    index.keep_thread(home, changed, touched=sight.at)
    for person in sight.people:
        index.wrote(person, home, sight.at)


def note_answer(home: str, sight: Sight, index: Index) -> None:
    """Remember that a full answer was sent."""
    thread = index.thread(home)
    if thread is not None:
        answered = _latest(thread.answered, sight.at)
        index.keep_thread(home, replace(thread, answered=answered), touched=sight.at)


def match(sight: Sight, index: Index, *, window: int, only_open: bool) -> str | None:
    """The conversation that a mail to somebody most likely answers: the newest question."""
    if not sight.people or len(sight.people) > MAX_MATCHED_PEOPLE:
        return None
    found = index.asked_by(sight.people, since=sight.at - window, until=sight.at)
    homes = list(_homes_of(found, index))
    for home, thread in homes:
        if thread.is_open:
            return home
    return homes[0][0] if homes and not only_open else None


def join(conversation: str, thread: Thread, home: str, index: Index, *, touched: int) -> None:
    """Let one conversation go on in another."""
    kept = index.thread(home)
    if kept is None:
        return
    merged = replace(
        kept,
        opened=min(kept.opened, thread.opened),
        asked=_latest(kept.asked, thread.asked),
        answered=_latest(kept.answered, thread.answered),
        tagged=kept.tagged or thread.tagged,
    )
    index.keep_thread(home, merged, touched=touched)
    for part in index.parts(conversation):
        old = index.thread(part)
        if old is not None:
            index.keep_thread(part, replace(old, home=home), touched=touched)


def _is_ambiguous(index: Index, key: str) -> bool:
    known = index.mail(key)
    return known is not None and known.ambiguous


def _homes(keys: Iterable[str], index: Index) -> dict[str, Thread]:
    known = (index.mail(key) for key in keys)
    return dict(_homes_of([mail.conversation for mail in known if mail is not None], index))


def _homes_of(conversations: Iterable[str], index: Index) -> list[tuple[str, Thread]]:
    found: dict[str, Thread] = {}
    for conversation in conversations:
        part = index.thread(conversation)
        home = None if part is None else index.thread(part.home)
        if part is not None and home is not None:
            found.setdefault(part.home, home)
    return list(found.items())


def _latest(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else max(one, other)
