"""*E-mail*: what is to be answered, how fast it goes, and what falls due."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.render import names, thresholds
from agents.render.boards import words
from agents.render.boards.charts import bars, lines
from agents.render.boards.faces import face_of
from agents.render.boards.frame import Board
from agents.render.boards.graphs import against_target, counts, quantiles, resting_on
from agents.render.boards.live import due_next, overdue
from agents.render.boards.panels import NUMBER, Face, Query
from agents.render.boards.parts import MAILBOXES, part_table
from agents.render.boards.queries import (
    CHOSEN_WINDOW,
    NOTHING,
    ORGANISATION,
    chosen,
    moving,
    or_nothing,
    part,
    pick,
    share,
    total,
)
from agents.render.boards.tiles import tile, traffic_lights
from streams.conventions import Label

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Panel

    from streams.board.words import Language

OVER = (ORGANISATION, CHOSEN_WINDOW)


def emails(language: Language) -> Board:
    """The board."""
    board = Board(
        "emails",
        language,
        what=words.Text(
            "E-posten: vad som ska besvaras, i vilken takt det går, och vad som förfaller.",
            "The e-mail: what is to be answered, at what pace, and what falls due.",
        ),
        since="now-2d",
        refresh="30s",
    )
    board.choose_organisation()
    board.choose(
        Label.MAILBOX,
        names.recorded(names.kpi_of("emails", "open"), total=False),
        ORGANISATION,
        several=True,
    )
    board.choose_window("7d")
    board.heading(words.Text("Alla brevlådor tillsammans", "All mailboxes together"))
    board.row(
        5,
        (3, _open(board)),
        (3, overdue(board, fresh=moving("emails"))),
        (3, _oldest(board)),
        (6, due_next(board)),
        (
            9,
            traffic_lights(
                face_of(language, "emails", "service_level"),
                share("emails", "service_level", *OVER),
                language,
            ),
        ),
    )
    board.row(
        9,
        (12, against_target(board, "emails", *OVER, ending=board.say("över tid", "over time"))),
        (12, _due_against_pace(board)),
    )
    board.row(
        9,
        (8, counts(board, "emails", ("received", "first_replies", "full_answers"), *OVER)),
        (8, counts(board, "emails", ("open", "pending", "overdue"), ORGANISATION)),
        (8, quantiles(board, "emails", "reply_time", *OVER)),
    )
    board.heading(words.Text("Brevlåda för brevlåda", "Mailbox by mailbox"))
    board.row(8, (24, part_table(board, MAILBOXES, window=f"${Label.WINDOW}")))
    board.row(8, (24, _open_by_mailbox(board)))
    board.heading(words.Text("Bakom siffrorna", "Behind the numbers"))
    board.row(
        9,
        (8, _first_and_full(board)),
        (8, _closed_without(board)),
        (8, counts(board, "emails", ("automatic", "reminders", "forwarded"), *OVER)),
    )
    return board


def _open(board: Board) -> Panel:
    return tile(
        face_of(board.language, "emails", "open"),
        total("emails", "open", ORGANISATION),
        fresh=moving("emails"),
    )


def _oldest(board: Board) -> Panel:
    """When the oldest open mail came, or that none is open."""
    oldest = f"1000 * {total('emails', 'oldest_open', ORGANISATION)}"
    return tile(
        face_of(board.language, "emails", "oldest_open", empty=words.NO_NUMBERS),
        or_nothing(oldest, total("emails", "open", ORGANISATION)),
        fresh=moving("emails"),
        words={str(NOTHING): words.NOTHING_OPEN.say(board.language)},
    )


def _due_against_pace(board: Board) -> Panel:
    """What falls due soon beside what the pace of late clears in that time."""
    hours = thresholds.DUE_HOURS
    due = total("emails", "due_within", ORGANISATION, f'{Label.HOURS}="{hours}"')
    pace = pick(names.PACE, ORGANISATION, f'{Label.MAILBOX}=""')
    return lines(
        Face(
            board.say(
                f"Förfaller inom {hours} arbetstimmar, mot takten",
                f"Due within {hours} working hours, against the pace",
            ),
            board.say(
                "Heldragen: brev som ska besvaras inom så många arbetstimmar. Streckad: så många "
                "som hinner besvaras om takten från de senaste öppna timmarna håller i sig. Går "
                "den heldragna över den streckade hinner allt inte besvaras i tid.",
                "Solid: mails to be answered within so many working hours. Dashed: as many as "
                "will be answered if the pace of the last open hours goes on. Where the solid "
                "line is above the dashed one, not everything will be answered in time.",
            ),
            NUMBER,
            words.NO_NUMBERS.say(board.language),
        ),
        [
            Query("due", due, "{{promise}}"),
            Query(
                "pace",
                f"{hours} * {pace}",
                board.say("{{promise}}, hinns med", "{{promise}}, will be cleared"),
            ),
        ],
        targets=["pace"],
    )


def _open_by_mailbox(board: Board) -> Panel:
    return lines(
        face_of(
            board.language,
            "emails",
            "open",
            ending=board.say("brevlåda för brevlåda", "mailbox by mailbox"),
        ),
        [
            Query(
                "open",
                part("emails", "open", ORGANISATION, chosen(Label.MAILBOX)),
                "{{mailbox}}",
            )
        ],
    )


def _first_and_full(board: Board) -> Panel:
    """A first sign of life and the whole answer, side by side."""
    queries = []
    for name in ("first_reply_share", "full_answer_share"):
        each = share("emails", name, *OVER)
        title = each.kpi.named(board.language)
        who = f"{{{{promise}}}}: {title}"
        queries.append(Query(name, each.judged(), who))
        queries.append(resting_on(board, each, who, name))
    face = face_of(board.language, "emails", "first_reply_share", empty=words.TOO_FEW)
    more = face_of(board.language, "emails", "full_answer_share").description
    return lines(
        face._replace(
            title=board.say("Första svar och fullständiga svar", "First replies and full answers"),
            description=f"{face.description} {more}",
        ),
        queries,
        told=[query.ref for query in queries if query.ref.endswith("_n")],
        maximum=1,
    )


def _closed_without(board: Board) -> Panel:
    closed = total("emails", "no_reply_needed", *OVER)
    return bars(
        face_of(board.language, "emails", "no_reply_needed"),
        [Query("closed", f"sort_desc({closed})", f"{{{{{Label.REASON}}}}}")],
    )
