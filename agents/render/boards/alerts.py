"""The alerts that fire, on the boards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.render.boards.panels import MOMENT, Face
from agents.render.boards.queries import REAL_ALERTS
from agents.render.boards.tables import Column, rows
from agents.render.boards.words import NO_ALERTS
from streams.conventions import Label

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Panel

    from agents.render.boards.frame import Board

NAMED_BY = (Label.ORGANISATION, Label.QUEUE, Label.MAILBOX, Label.PROMISE)


def firing_alerts(board: Board) -> Panel:
    """Every alert that fires for the organisation or for nobody in particular, and since when."""
    by = ", ".join(["alertname", "severity", *NAMED_BY])
    about = (f'{Label.ORGANISATION}=~"${Label.ORGANISATION}|"', REAL_ALERTS)
    firing = ",".join(('alertstate="firing"', *about))
    since = f"1000 * max by ({by}) (ALERTS_FOR_STATE{{{','.join(about)}}})"
    labels = {
        "alertname": board.say("Larm", "Alert"),
        "severity": board.say("Allvar", "Severity"),
        Label.ORGANISATION.value: board.say("Organisation", "Organisation"),
        Label.QUEUE.value: board.say("Kö", "Queue"),
        Label.MAILBOX.value: board.say("Brevlåda", "Mailbox"),
        Label.PROMISE.value: board.say("Löfte", "Promise"),
    }
    return rows(
        Face(
            board.say("Larm", "Alerts"),
            board.say(
                "Det som larmar nu. Vad ett larm betyder och vad man gör står i dess runbook.",
                "What is alerting now. What an alert means and what to do stands in its runbook.",
            ),
            MOMENT,
            NO_ALERTS.say(board.language),
        ),
        labels,
        [
            Column(
                "since",
                board.say("Sedan", "Since"),
                f"{since} and on ({by}) ALERTS{{{firing}}}",
                MOMENT,
            )
        ],
        board.language,
    )
