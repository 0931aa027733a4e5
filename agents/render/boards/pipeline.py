"""*Pipeline*: whether what the other boards show can be trusted, and what Kontaktpuls is doing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.render import names, thresholds
from agents.render.boards import inflow, words, workers
from agents.render.boards.alerts import firing_alerts
from agents.render.boards.faces import pipeline_face
from agents.render.boards.frame import Board
from agents.render.boards.panels import ANY_PROBLEM, NUMBER, Query
from agents.render.boards.tiles import tile, tiles
from agents.render.boards.workers import JOB
from streams.conventions import Monitor

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Panel

    from streams.board.words import Language


def pipeline(language: Language) -> Board:
    """The board."""
    board = Board(
        "pipeline",
        language,
        what=words.Text(
            "Om siffrorna går att lita på: källor, fördröjning, arbetare.",
            "Whether the numbers can be trusted: sources, delay, workers.",
        ),
        since="now-6h",
        refresh="15s",
    )
    board.choose_organisation(several=True)
    board.row(
        5,
        (4, _workers(board)),
        (4, _partitions(board)),
        (4, _lag_now(board)),
        (4, _rejected(board)),
        (4, _unknown(board)),
        (4, _views(board)),
    )
    board.heading(words.Text("Hur långt siffrorna når", "How far the numbers reach"))
    board.row(9, (12, inflow.behind(board)), (12, inflow.sources(board)))
    board.heading(words.Text("Vad som kommer in", "What comes in"))
    board.row(9, (12, inflow.events(board)), (12, inflow.lag(board)))
    board.row(9, (12, inflow.reasons(board)), (12, firing_alerts(board)))
    board.heading(words.Text("Arbetarna", "The workers"))
    board.row(
        9, (8, workers.loop(board)), (8, workers.rendering(board)), (8, workers.memory(board))
    )
    board.row(8, (24, workers.sizes(board)))
    return board


def _workers(board: Board) -> Panel:
    return tiles(
        pipeline_face(
            board,
            words.Text("Arbetare", "Workers"),
            words.Text(
                "Arbetare som svarar Prometheus, och hur många av dem som ännu återställer.",
                "Workers that answer Prometheus, and how many of them still recover.",
            ),
            NUMBER,
        ),
        [
            Query("up", f"sum(up{{{JOB}}})", board.say("svarar", "answer")),
            Query("away", f"count(up{{{JOB}}}) - sum(up{{{JOB}}})", board.say("borta", "away")),
            Query("recovering", f"sum({Monitor.RECOVERING})", board.say("återställer", "recover")),
        ],
        special={"away": {None: "green", 1: "red"}, "recovering": ANY_PROBLEM},
    )


def _partitions(board: Board) -> Panel:
    return tile(
        pipeline_face(
            board,
            words.Text("Partitioner utan en ägare", "Partitions without one owner"),
            words.Text(
                "Var och en ska ägas av precis en arbetare. Annars saknas organisationer, eller "
                "så berättar två om samma.",
                "Each has to be owned by exactly one worker. Else organisations are missing, or "
                "two workers tell about the same.",
            ),
            NUMBER,
        ),
        # A partition that nobody owns has no series: only what was owned before tells of it.
        f"count(last_over_time({names.OWNED}[1d]) unless {names.OWNED} == 1) "
        f"or 0 * count({names.OWNED})",
        steps={None: "green", 1: "red"},
    )


def _lag_now(board: Board) -> Panel:
    return tile(
        pipeline_face(
            board,
            words.Text("Händelser på kö", "Events waiting"),
            words.Text(
                "Händelser i Kafka som ingen arbetare har hunnit med.",
                "Events in Kafka that no worker has handled yet.",
            ),
            NUMBER,
        ),
        f"sum({names.LAG})",
        steps={None: "green", thresholds.LAG_RECORDS: "orange"},
    )


def _rejected(board: Board) -> Panel:
    return tile(
        pipeline_face(
            board,
            words.Text("Avvisade händelser, senaste timmen", "Events rejected, last hour"),
            words.Text(
                "Händelser som inte gick att förstå: `kontaktpuls dead-letters list` visar dem.",
                "Events that could not be understood: `kontaktpuls dead-letters list` shows them.",
            ),
            NUMBER,
        ),
        # No event was ever rejected: there is no reason yet, and so no series.
        f"round(sum({names.increase_series(Monitor.REJECTED)})) or 0 * count({names.OWNED})",
        steps=ANY_PROBLEM,
    )


def _unknown(board: Board) -> Panel:
    return tile(
        pipeline_face(
            board,
            words.Text("Okända köer, senaste timmen", "Unknown queues, last hour"),
            words.Text(
                "Händelser om köer, brevlådor eller receptioner som ingen har lagt in; de räknas "
                "i totalen och visas som `other`.",
                "Events of queues, mailboxes or desks that nobody configured; they count in the "
                "total and are shown as `other`.",
            ),
            NUMBER,
        ),
        f"round(sum({names.increase_series(Monitor.UNKNOWN_PART)}))",
        steps=ANY_PROBLEM,
    )


def _views(board: Board) -> Panel:
    return tiles(
        pipeline_face(
            board,
            words.Text("Vyer", "Views"),
            words.Text(
                "1 när vyn, till exempel Redis, tog emot det senaste.",
                "1 when the view, such as Redis, took what was newest.",
            ),
            NUMBER,
        ),
        [Query("up", names.VIEW_UP, "{{view}}")],
        steps={None: "red", 1: "green"},
    )
