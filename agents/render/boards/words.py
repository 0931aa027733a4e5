"""What boards say in both languages, beside the names and definitions of KPIs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from agents.render.boards.naming import BoardName
    from agents.render.boards.queries import Light
    from streams.board.words import Language
    from streams.organisations import Channel


class Text(NamedTuple):
    """The same in both languages."""

    sv: str
    en: str

    def say(self, language: Language) -> str:
        """In one of them.

        >>> Text("Kö", "Queue").say("en")
        'Queue'
        """
        return self.sv if language == "sv" else self.en


TITLES: Final[dict[BoardName, Text]] = {
    "live": Text("Läget just nu", "Right now"),
    "calls": Text("Samtal", "Calls"),
    "emails": Text("E-post", "E-mail"),
    "trend": Text("Utveckling", "Trend"),
    "organisations": Text("Jämförelse", "Organisations"),
    "pipeline": Text("Drift", "Pipeline"),
}
WINDOW_NAMES: Final[dict[str, Text]] = {
    "15m": Text("Senaste 15 min", "Last 15 min"),
    "1h": Text("Senaste timmen", "Last hour"),
    "today": Text("I dag", "Today"),
    "7d": Text("Senaste 7 dagarna", "Last 7 days"),
    "28d": Text("Senaste 28 dagarna", "Last 28 days"),
}
LIGHT_WORDS: Final[dict[Light, Text]] = {
    "bad": Text("Under målet", "Below the target"),
    "near": Text("Nära målet", "Near the target"),
    "good": Text("Når målet", "Reaches the target"),
    "few": Text("För få för att bedöma", "Too few to judge"),
    "stale": Text("Gamla siffror", "Old numbers"),
    "none": Text("Inget ännu", "Nothing yet"),
}
LIGHT_COLOURS: Final[dict[Light, str]] = {
    "bad": "red",
    "near": "orange",
    "good": "green",
    "few": "#6b7280",
    "stale": "purple",
    "none": "#6b7280",
}
LIGHT_HELP: Final = Text(
    "Grön: målet nås. Orange: under målet, men det kan vara slump. Röd: under målet, även med "
    "hänsyn till slumpen (95 %). Grå: för få för att bedöma. Lila: siffrorna har slutat röra sig.",
    "Green: the target is reached. Orange: below it, but perhaps by chance. Red: below it beyond "
    "chance (95 %). Grey: too few to judge. Purple: the numbers have stopped moving.",
)

NOTHING_YET: Final[dict[Channel, Text]] = {
    "calls": Text("Inga samtal ännu", "No calls yet"),
    "emails": Text("Inga mejl ännu", "No e-mails yet"),
    "surveys": Text("Inga enkätsvar ännu", "No survey answers yet"),
    "visits": Text("Inga besök ännu", "No visits yet"),
}
NO_NUMBERS: Final = Text("Inga siffror just nu", "No numbers right now")
NOTHING_OR_NO_NUMBERS: Final[dict[Channel, Text]] = {
    "calls": Text("Inga samtal, eller inga siffror", "No calls, or no numbers"),
    "emails": Text("Inga mejl, eller inga siffror", "No e-mails, or no numbers"),
    "surveys": Text("Inga enkätsvar, eller inga siffror", "No survey answers, or no numbers"),
    "visits": Text("Inga besök, eller inga siffror", "No visits, or no numbers"),
}
TOO_FEW: Final = Text(
    "För få för att bedöma, eller inga siffror", "Too few to judge, or no numbers"
)
NOBODY_WAITS: Final = Text("Ingen väntar", "Nobody is waiting")
NOTHING_OPEN: Final = Text("Inget öppet", "Nothing open")
NO_ALERTS: Final = Text("Inga larm", "No alerts")
NOT_COMPARABLE: Final = Text(
    "Ingen har tillräckligt underlag ännu", "Nobody has enough to compare yet"
)
