"""From live snapshots to a board."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from streams.board import calls, emails
from streams.board.phrases import as_of_text, hours_text, is_open
from streams.board.snapshots import Snapshot
from streams.board.view import Board, Section
from streams.board.worded import Worded
from streams.board.words import WORDS
from streams.instants import MILLISECOND, MINUTE
from streams.plans import Plan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streams.board.words import Language
    from streams.organisations import Organisation

BoardChannel = Literal["calls", "emails"]
CHANNELS: tuple[BoardChannel, ...] = ("calls", "emails")
STALE_AFTER = {"calls": MINUTE, "emails": 5 * MINUTE}
"""Callers come and go by the second; mail is judged by the day, and some readers poll."""

SUMMED_UP = frozenset({"today", "week", "overdue"})


class Known(msgspec.Struct, frozen=True):
    """A snapshot, and whether it is still where it was read from."""

    snapshot: Snapshot
    live: bool


class BoardMaker:
    """Makes the boards of one organisation."""

    def __init__(self, organisation: Organisation, clock: Literal["wall", "events"]) -> None:
        """Prepare the plans once; only channels with queues or mailboxes are shown."""
        self._organisation = organisation
        self._clock: Literal["wall", "events"] = clock
        self._plans = {
            channel: Plan(organisation, channel)
            for channel in CHANNELS
            if organisation.parts(channel)
        }

    def make(self, known: Mapping[str, Known], language: Language, now: int) -> Board:
        """The board at an instant.

        Args:
            known: snapshots by channel, those that were ever read.
            language: of all words.
            now: the clock's instant; where events tell the time, opening hours follow `as_of`.
        """
        sections = tuple(
            self._section(channel, known.get(channel), language, now) for channel in self._plans
        )
        organisation = self._organisation
        return Board(
            name=organisation.sv if language == "sv" else organisation.en,
            clock=self._clock,
            sections=sections,
            summary=" ".join(map(_summary, sections)),
        )

    def _section(
        self, channel: BoardChannel, known: Known | None, language: Language, now: int
    ) -> Section:
        plan, words = self._plans[channel], WORDS[language]
        if known is not None and self._clock == "events":
            now = known.snapshot.instant
        calendars = {plan.calendar(part) for part in plan.parts}
        section = Section(
            key=channel,
            title=words.calls if channel == "calls" else words.emails,
            is_open=is_open(calendars, now),
            hours=hours_text(calendars, now, words),
            as_of_text=words.no_numbers,
            empty=words.no_numbers_why,
            live=False,
            stale_after=STALE_AFTER[channel] // MILLISECOND,
        )
        if known is None:
            return section
        worded = Worded(plan, known.snapshot, language, now)
        about = calls if channel == "calls" else emails
        parts, hidden = about.part_tiles(worded)
        instant = known.snapshot.instant
        return msgspec.structs.replace(
            section,
            as_of=instant // MILLISECOND,
            as_of_text=as_of_text(instant, now, plan.zone, words),
            live=known.live,
            empty="",
            tiles=about.tiles(worded),
            due=emails.due_list(worded) if channel == "emails" else None,
            parts=parts,
            hidden_parts=hidden,
        )


def _summary(section: Section) -> str:
    """What is read out when it changes: hours and judgements, no number that never rests."""
    words = [tile.word for tile in section.tiles if tile.key in SUMMED_UP]
    return ". ".join([f"{section.title}: {section.hours}", *words]) + "."
