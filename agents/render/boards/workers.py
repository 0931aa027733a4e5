"""How each worker is doing; read as it was scraped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.render import names
from agents.render.boards import words
from agents.render.boards.charts import lines
from agents.render.boards.faces import pipeline_face
from agents.render.boards.panels import BYTES, NUMBER, SECONDS, Query
from streams.conventions import Monitor

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Panel

    from agents.render.boards.frame import Board

JOB = 'job="kontaktpuls"'
"""As in `prometheus.yml`."""


def loop(board: Board) -> Panel:
    """How late each worker's event loop is."""
    return lines(
        pipeline_face(
            board,
            words.Text("Händelseslingans fördröjning", "Event loop lag"),
            words.Text(
                "Hur sen slingan var. Sekunder som består: arbetaren har för mycket att göra.",
                "How late the loop was. Lasting seconds: the worker has too much to do.",
            ),
            SECONDS,
        )._replace(decimals=2),
        [Query("lag", Monitor.LOOP_LAG, "{{instance}}")],
    )


def rendering(board: Board) -> Panel:
    """How long each worker takes to write out its KPIs."""
    return lines(
        pipeline_face(
            board,
            words.Text("Tid att skriva ut alla KPI:er", "Time to write out all KPIs"),
            words.Text(
                "Siffrorna kan vara dubbelt så gamla; vid en sekund behövs fler arbetare.",
                "Numbers may be twice as old; at a second, add workers.",
            ),
            SECONDS,
        )._replace(decimals=2),
        [Query("seconds", Monitor.RENDER_SECONDS, "{{instance}}")],
    )


def memory(board: Board) -> Panel:
    """What each worker uses."""
    return lines(
        pipeline_face(
            board,
            words.Text("Minne", "Memory"),
            words.Text("Det minne som en arbetare använder.", "The memory a worker uses."),
            BYTES,
        ),
        [Query("memory", f"process_resident_memory_bytes{{{JOB}}}", "{{instance}}")],
    )


def sizes(board: Board) -> Panel:
    """How much is kept one by one."""
    said = {
        Monitor.CONTACTS: board.say("kontakter", "contacts"),
        Monitor.OPEN_CONTACTS: board.say("öppna kontakter", "open contacts"),
        Monitor.COHORTS: board.say("rader i ändringsloggen", "rows of the changelog"),
    }
    return lines(
        pipeline_face(
            board,
            words.Text("Vad som hålls i minnet", "What is kept in memory"),
            words.Text(
                "Kontakter och rader, för varje kanal; de ska följa antalet kontakter i veckan.",
                "Contacts and rows, for each channel; they should follow the contacts of a week.",
            ),
            NUMBER,
        ),
        [
            Query(metric.name.lower(), names.size_series(metric), f"{{{{channel}}}} {text}")
            for metric, text in said.items()
        ],
    )
