"""What a board is made of, worded and judged; whatever draws it only has to place it."""

from __future__ import annotations

from typing import Literal

import msgspec

from streams.board.light import Level


class Step(msgspec.Struct, frozen=True):
    """From so many seconds on, a running wait is judged like this."""

    after: float
    level: Level
    word: str


class Tile(msgspec.Struct, frozen=True, kw_only=True):
    """One big number.

    Attributes:
        key: stable, for whoever draws it again.
        label, scope: what it is, and over what time.
        value: as shown at `as_of`.
        level, word: what it says about the promise; never the colour alone.
        note: what it rests on.
        minor: worth less room than the others.
        seconds: a wait that goes on, as of `as_of`; runs on while the truth is fresh.
        steps: how the running wait is judged, the longest first.
    """

    key: str
    label: str
    value: str
    scope: str = ""
    level: Level = "calm"
    word: str = ""
    note: str = ""
    minor: bool = False
    seconds: float | None = None
    steps: tuple[Step, ...] = ()


class Figure(msgspec.Struct, frozen=True):
    """One small number with what it counts."""

    value: str
    label: str


class PartTile(msgspec.Struct, frozen=True, kw_only=True):
    """One queue or mailbox; `state` says so if it is closed while others are open."""

    key: str
    name: str
    level: Level
    word: str
    state: str
    figures: tuple[Figure, ...]


class DueList(msgspec.Struct, frozen=True):
    """When replies fall due next, and how many at each time."""

    title: str
    note: str
    times: tuple[Figure, ...]


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """One channel.

    Attributes:
        as_of: milliseconds since 1970; `None` before the first snapshot.
        live: whether the snapshot is still kept up to date; old numbers are shown as old.
        stale_after: age of the truth, in milliseconds, from which on it is old.
        empty: what is said instead of numbers before the first snapshot.
        hidden_parts: says how many queues or mailboxes are not shown.
        is_open, hours: whether people are there to answer, and until or from when.
    """

    key: Literal["calls", "emails"]
    title: str
    is_open: bool
    hours: str
    as_of: int | None = None
    as_of_text: str
    live: bool
    stale_after: int
    tiles: tuple[Tile, ...] = ()
    due: DueList | None = None
    parts: tuple[PartTile, ...] = ()
    empty: str = ""
    hidden_parts: str = ""


class Board(msgspec.Struct, frozen=True, kw_only=True):
    """One organisation on a wall.

    Attributes:
        clock: `events` where history is replayed: then waits do not run on with the wall's clock.
        summary: what changed enough to be read out.
    """

    name: str
    clock: Literal["wall", "events"]
    sections: tuple[Section, ...]
    summary: str
