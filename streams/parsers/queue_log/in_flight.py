"""Callers who wait or talk, as far as the lines read so far tell; small enough to be stored.

An event follows from its own line almost always. What is in flight is needed where lines are
missing, where Asterisk starts anew, and where two lines of the same second have to be told apart.
"""

from __future__ import annotations

from itertools import islice
from typing import Annotated

import msgspec

from streams.errors import StateError
from streams.instants import DAY, SECOND

VERSION = b"\x01"
"""First byte of a snapshot."""

MAX_CALLERS = 20_000
"""Callers kept of each kind; more than any exchange has at a time."""

LONGEST = DAY
"""What is in flight for longer than this has lost its end."""

JUST_NOW = 10 * SECOND
"""For so long, and up to twice as long, it is known who has gone."""

MAX_GONE = 5_000

LOOK_BACK = 1_000
"""So many newest callers are looked at to find whose place somebody has taken."""

Key = tuple[str, str]
"""Call, queue."""


Instant = Annotated[int, msgspec.Meta(ge=0, le=100_000 * DAY)]
"""What a calendar can show; a stored one is checked, since it may be anything."""


class Talk(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A conversation: when the caller entered the queue, and when a member answered."""

    entered: Instant
    answered: Instant


class Snapshot(msgspec.Struct, gc=False, array_like=True, forbid_unknown_fields=True):
    """What is stored of a parser; instants in microseconds."""

    through: Instant | None
    last_entry: Instant
    waiting: list[tuple[Key, Instant]]
    talking: list[tuple[Key, Talk]]
    period: Instant
    gone: list[tuple[Key, Instant]]
    gone_before: list[tuple[Key, Instant]]


_decoder = msgspec.msgpack.Decoder(Snapshot)


class InFlight:
    """Who waits, who talks, and who has just gone.

    Attributes:
        waiting: the instant of entry of each caller, the oldest first.
        talking: the conversation of each caller, the oldest first.
    """

    def __init__(self) -> None:
        self.waiting: dict[Key, int] = {}
        self.talking: dict[Key, Talk] = {}
        self._last_entry = 0
        self._period = 0
        self._gone: dict[Key, int] = {}
        self._gone_before: dict[Key, int] = {}

    def enter(self, key: Key, entered: int) -> int:
        """Somebody waits from now on; how many others were forgotten for it."""
        self.waiting[key] = entered
        # A single line with an absurd time must not make all the others look old.
        limit = min(self._last_entry, entered) - LONGEST
        self._last_entry = entered
        forgotten = 0
        while len(self.waiting) > MAX_CALLERS or next(iter(self.waiting.values())) < limit:
            del self.waiting[next(iter(self.waiting))]
            forgotten += 1
        while self.talking and (
            len(self.talking) > MAX_CALLERS or next(iter(self.talking.values())).answered < limit
        ):
            del self.talking[next(iter(self.talking))]
            forgotten += 1
        return forgotten

    def go(self, key: Key, at: int, now: int) -> None:
        """Somebody left at an instant, or the conversation was over, and it is told now."""
        period = now // JUST_NOW
        if period != self._period or len(self._gone) >= MAX_GONE:
            self._gone_before = self._gone if abs(period - self._period) <= 1 else {}
            self._gone = {}
            self._period = period
        self._gone[key] = at

    def gone_since(self, key: Key) -> int | None:
        """When somebody left a queue, if that was just now."""
        at = self._gone.get(key)
        return self._gone_before.get(key) if at is None else at

    def place(self, queue: str, entered: int) -> Key | None:
        """Who waits in a queue since an instant, give or take what clocks of seconds lose."""
        newest = islice(reversed(self.waiting.items()), LOOK_BACK)
        found = [
            (abs(since - entered), key)
            for key, since in newest
            if key[1] == queue and -SECOND <= since - entered <= 2 * SECOND
        ]
        return min(found)[1] if found else None

    def conversation(self, queue: str, entered: int, answered: int) -> Key | None:
        """Whose conversation in a queue began so, give or take what clocks of seconds lose."""
        newest = islice(reversed(self.talking.items()), LOOK_BACK)
        found = [
            (abs(talk.answered - answered) + abs(talk.entered - entered), key)
            for key, talk in newest
            if key[1] == queue
            and abs(talk.answered - answered) <= 2 * SECOND
            and abs(talk.entered - entered) <= 2 * SECOND
        ]
        return min(found)[1] if found else None

    def pack(self, through: int | None) -> bytes:
        """All of it, with the instant up to which the lines were read."""
        return VERSION + msgspec.msgpack.encode(
            Snapshot(
                through,
                self._last_entry,
                list(self.waiting.items()),
                list(self.talking.items()),
                self._period,
                list(self._gone.items()),
                list(self._gone_before.items()),
            )
        )

    def unpack(self, data: bytes) -> int | None:
        """Take all from a snapshot; the instant up to which the lines were read.

        Raises:
            StateError: it is none, or of another version.
        """
        if data[:1] != VERSION:
            msg = "the calls in flight were stored by another version of this program; run that one"
            raise StateError(msg)
        try:
            stored = _decoder.decode(data[1:])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            msg = f"the calls in flight cannot be read ({error}); was the file changed?"
            raise StateError(msg) from None
        self.waiting = dict(stored.waiting)
        self.talking = dict(stored.talking)
        self._last_entry, self._period = stored.last_entry, stored.period
        self._gone, self._gone_before = dict(stored.gone), dict(stored.gone_before)
        return stored.through
