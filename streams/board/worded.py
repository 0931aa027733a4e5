"""One snapshot with its promises, calendars and words: what the tiles of both channels share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.board.light import Level, light
from streams.board.phrases import (
    is_open,
    percent,
    target_text,
    within_text,
)
from streams.board.snapshots import PartSnapshot, Share, count, share
from streams.board.view import PartTile, Tile
from streams.board.words import WORDS
from streams.conventions import TOTAL

if TYPE_CHECKING:
    from streams.board.snapshots import Snapshot
    from streams.board.view import Figure
    from streams.board.words import Language
    from streams.organisations import Promise
    from streams.plans import Plan


class Worded:
    """A snapshot, ready to be told.

    Attributes:
        plan, snapshot: of one channel.
        words: in the language asked for.
        now: the instant that opening hours and times of day are told for.
        parts: of the snapshot, by name.
    """

    def __init__(self, plan: Plan, snapshot: Snapshot, language: Language, now: int) -> None:
        self.plan = plan
        self.snapshot = snapshot
        self.words = WORDS[language]
        self.now = now
        self.parts = snapshot.by_part()
        self._language = language

    @property
    def total(self) -> PartSnapshot:
        """All queues or mailboxes together."""
        return self.parts[TOTAL]

    def promise(self, part: str) -> Promise | None:
        """The first promise that holds for who arrives now: the one a part is judged by."""
        rules = self.plan.rules(part, self.snapshot.instant)
        return rules[0].promise if rules else None

    def within(self, promise: Promise) -> str:
        """What the promise allows."""
        return within_text(promise.within, self.words)

    def is_open(self, part: str) -> bool:
        """Whether a part is open; the total is while any part is."""
        parts = self.plan.parts if part == TOTAL else (part,)
        return is_open({self.plan.calendar(name) for name in parts}, self.now)

    def share(self, part: str, window: str) -> Share:
        """The service level of a part over a window, by its first promise."""
        promise = self.promise(part)
        here = self.parts[part].windows.get(window, {})
        return share(here, "service_level", promise.name) if promise else Share(0, 0)

    def judge(self, part: str, judged: Share, nothing_yet: str) -> tuple[Level, str]:
        """What a share says about the promise of a part.

        Closing time takes the alarm away, not the words: nobody can act on it before morning.
        """
        promise, words = self.promise(part), self.words
        if promise is None:
            return "calm", words.no_promise
        if judged.n == 0:
            return "calm", nothing_yet
        level = light(*judged, promise.target)
        said = {"good": words.reached, "warn": words.near, "bad": words.below}.get(level)
        word = said.format(target_text(promise.target, words)) if said else words.too_few
        return self.muted(part, level), word

    def muted(self, part: str, level: Level) -> Level:
        """A level as it is shown: closed parts are calm."""
        return level if self.is_open(part) else "calm"

    def share_tile(
        self, key: str, window: str, scope: str, nothing_yet: str, *, minor: bool = False
    ) -> Tile:
        """The service level of everybody over a window."""
        words, promise = self.words, self.promise(TOTAL)
        judged = self.share(TOTAL, window)
        level, word = self.judge(TOTAL, judged, nothing_yet)
        return Tile(
            key=key,
            label=words.answered_within.format(self.within(promise)) if promise else words.answered,
            scope=scope,
            value=percent(judged, words),
            level=level,
            word=word,
            note=words.share_of.format(*judged) if judged.n else "",
            minor=minor,
        )

    def part_tile(
        self, part: str, level: Level, word: str, figures: tuple[Figure, ...]
    ) -> PartTile:
        """A small tile of one queue or mailbox."""
        known = self.plan.parts.get(part)
        name = getattr(known, self._language) if known else self.words.other_part
        return PartTile(
            key=part,
            name=name,
            level=level,
            word=word,
            state="" if self.is_open(part) or not self.is_open(TOTAL) else self.words.closed,
            figures=figures,
        )

    def shown_parts(self, waiting: str, most: int) -> list[str]:
        """The parts there is room for, in their order: those with most waiting, if not all.

        The line that says how many are left out takes the room of one.
        """
        parts = [part for part in self.parts if part != TOTAL]
        if len(parts) <= most:
            return parts
        busiest = sorted(parts, key=lambda part: -count(self.parts[part].now, waiting))
        room = frozenset(busiest[: most - 1])
        return [part for part in parts if part in room]

    def hidden(self, shown: int, said: str) -> str:
        """How many parts there is no room for."""
        left = len(self.parts) - 1 - shown
        return said.format(left) if left else ""
