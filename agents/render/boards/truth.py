"""How old the numbers are, and whether the doors are open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.render import names, thresholds
from agents.render.boards.panels import DURATION, NUMBER, Face, Steps
from agents.render.boards.queries import ORGANISATION, moving, pick
from agents.render.boards.tiles import tile
from agents.render.boards.words import NO_NUMBERS, TITLES
from streams.conventions import Label, Monitor
from streams.kpis.definition import PART_LABEL

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Panel

    from agents.render.boards.frame import Board
    from streams.organisations import Channel

BEHIND: Steps = {None: "green", 120: "orange", thresholds.TRUTH_BEHIND: "red"}
"""Colours of an age in seconds: heartbeats come every minute or so."""


def age_of_truth(board: Board, channel: Channel) -> Panel:
    """How long ago a channel was last known; red long before anybody could be misled."""
    name = TITLES["calls" if channel == "calls" else "emails"].say(board.language).lower()
    as_of = pick(names.AS_OF, ORGANISATION, f'{Label.CHANNEL}="{channel}"')
    return tile(
        Face(
            board.say(f"Siffrornas ålder, {name}", f"Age of the numbers, {name}"),
            board.say(
                "Hur länge sedan det är som källorna hade berättat allt. Är det minuter mitt på "
                "dagen är en källa tyst, och tavlan visar hur det var då. Vid uppspelning av "
                "gamla händelser är åldern hög.",
                "How long ago the sources had told everything. Minutes in the middle of the day "
                "mean that a source is silent, and the board shows how things were then. While "
                "old events are replayed the age is large.",
            ),
            DURATION,
            NO_NUMBERS.say(board.language),
            0,
        ),
        f"clamp_min(time() - {as_of}, 0)",
        steps=BEHIND,
    )


def open_now(board: Board, channel: Channel) -> Panel:
    """Whether the channel as a whole is open."""
    label = PART_LABEL[channel]
    return tile(
        Face(
            board.say("Öppettider", "Opening hours"),
            board.say(
                "Om telefonerna är öppna, enligt organisationens kalender.",
                "Whether the telephones are open, by the calendar of the organisation.",
            ),
            NUMBER,
            NO_NUMBERS.say(board.language),
        ),
        pick(names.part_series(Monitor.OPEN, channel), ORGANISATION, f'{label}=""'),
        fresh=moving(channel),
        words={"0": board.say("Stängt", "Closed"), "1": board.say("Öppet", "Open")},
    )
