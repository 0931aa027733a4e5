"""What comes in, and how far it is known: sources, events, what was rejected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.render import names, thresholds
from agents.render.boards import words
from agents.render.boards.charts import bars, lines
from agents.render.boards.faces import pipeline_face
from agents.render.boards.panels import ANY_PROBLEM, DURATION, NUMBER, RATE, Query
from agents.render.boards.queries import ANY_ORGANISATION, pick
from agents.render.boards.tables import Column, rows
from streams.conventions import Label, Monitor

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Panel

    from agents.render.boards.frame import Board


PLACE = f"{Label.ORGANISATION}, {Label.CHANNEL}"


def behind(board: Board) -> Panel:
    """How old the numbers of each channel are."""
    as_of = pick(names.AS_OF, ANY_ORGANISATION)
    return lines(
        pipeline_face(
            board,
            words.Text("Siffrornas ålder", "Age of the numbers"),
            words.Text(
                "Hur länge sedan det är som allt var känt, för varje kanal. Den långsammaste "
                "källan bestämmer.",
                "How long ago everything was known, for each channel. The slowest source decides.",
            ),
            DURATION,
        ),
        [Query("age", f"clamp_min(time() - {as_of}, 0)", "{{organisation}}, {{channel}}")],
    )


def sources(board: Board) -> Panel:
    """Which sources were seen, and how far each has read."""
    by = f"max by ({PLACE}, {Label.SOURCE})"
    through = pick(names.SOURCE_THROUGH, ANY_ORGANISATION)
    seen = pick(names.SOURCE_SEEN, ANY_ORGANISATION)
    return rows(
        pipeline_face(
            board,
            words.Text("Källorna", "The sources"),
            words.Text(
                f"Hur långt varje källa har läst. Över {thresholds.SOURCE_BEHIND // 60} minuter "
                "mitt på dagen: se efter den. En källa som aldrig setts är inte ansluten.",
                "How far each source has read. More than "
                f"{thresholds.SOURCE_BEHIND // 60} minutes in the middle of the day: look after "
                "it. A source never seen is not connected.",
            ),
            NUMBER,
        ),
        {
            Label.ORGANISATION.value: board.say("Organisation", "Organisation"),
            Label.CHANNEL.value: board.say("Kanal", "Channel"),
            Label.SOURCE.value: board.say("Källa", "Source"),
        },
        [
            Column("seen", board.say("Har setts", "Was seen"), f"{by} ({seen})"),
            Column(
                "age",
                board.say("Ålder", "Age"),
                f"{by} (clamp_min(time() - {through}, 0))",
                DURATION,
            ),
        ],
        board.language,
        sort_by=board.say("Ålder", "Age"),
    )


def events(board: Board) -> Panel:
    """Events a second, by what they were."""
    said = {
        Monitor.EVENTS_IN: board.say("in", "in"),
        Monitor.UNCHANGED: board.say("redan kända", "known already"),
        Monitor.FORWARDED: board.say("fel partition", "wrong partition"),
        Monitor.LATE: board.say("sena", "late"),
        Monitor.CONFLICTS: board.say("motsägelser", "contradictions"),
    }
    return lines(
        pipeline_face(
            board,
            words.Text("Händelser per sekund", "Events a second"),
            words.Text(
                "Vad som kommer in, och vad det var. Motsägelser: två källor säger olika om samma.",
                "What comes in, and what it was. Contradictions: two sources disagree.",
            ),
            RATE,
        ),
        [
            Query(metric.name.lower(), names.rate_series(metric), f"{{{{channel}}}} {text}")
            for metric, text in said.items()
        ],
    )


def lag(board: Board) -> Panel:
    """Events not handled yet, by partition."""
    return lines(
        pipeline_face(
            board,
            words.Text("Händelser på kö, per partition", "Events waiting, by partition"),
            words.Text(
                "Växer en partition och de andra inte har dess arbetare stannat.",
                "If one partition grows and the others do not, its worker has stopped.",
            ),
            NUMBER,
        ),
        [Query("lag", names.LAG, "{{topic}} {{partition}}")],
    )


def reasons(board: Board) -> Panel:
    """Rejected events, by reason."""
    return bars(
        pipeline_face(
            board,
            words.Text("Varför händelser avvisas", "Why events are rejected"),
            words.Text(
                "Senaste timmen, efter orsak; docs/events.md säger vad man gör åt var och en.",
                "Last hour, by reason; docs/events.md says what to do about each.",
            ),
            NUMBER,
        )._replace(empty=board.say("Inga avvisade", "None rejected")),
        [
            Query(
                "reasons",
                f"round({names.increase_series(Monitor.REJECTED)})",
                "{{channel}}: {{reason}}",
            )
        ],
        steps=ANY_PROBLEM,
    )
