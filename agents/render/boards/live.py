"""*Live*: the board on the wall, one organisation on one screen of 1920 by 1080."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.render import names, thresholds
from agents.render.boards import words
from agents.render.boards.alerts import firing_alerts
from agents.render.boards.faces import face_of
from agents.render.boards.frame import Board
from agents.render.boards.panels import Query
from agents.render.boards.parts import LIVE_QUEUES, part_table
from agents.render.boards.queries import (
    NOTHING,
    ORGANISATION,
    moving,
    or_nothing,
    pick,
    share,
    total,
    window,
)
from agents.render.boards.tiles import coloured, tile, tiles, traffic_lights
from agents.render.boards.truth import age_of_truth, open_now
from streams.board.calls import FAR
from streams.conventions import Label
from streams.kpis.emails import DUE_WITHIN_HOURS

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Panel

    from agents.render.boards.queries import Light
    from streams.board.words import Language

NOW = "1h"
"""What *now* means for a share: a quarter of an hour of a small municipality judges nothing."""


def live(language: Language) -> Board:
    """The board."""
    board = Board(
        "live",
        language,
        what=words.Text(
            "Tavlan på väggen: vad som väntar och om löftena hålls.",
            "The board on the wall: what is waiting, and whether promises are kept.",
        ),
        since="now-6h",
        refresh="5s",
    )
    board.choose_organisation()
    last_hour, today = (words.WINDOW_NAMES[name].say(language).lower() for name in (NOW, "today"))
    calls, emails = moving("calls"), moving("emails")
    board.row(
        7,
        (
            4,
            tile(
                face_of(language, "calls", "waiting"),
                total("calls", "waiting", ORGANISATION),
                fresh=calls,
            ),
        ),
        (4, longest_wait(board)),
        (8, _service_level(board, NOW, last_hour)),
        (8, _service_level(board, "today", today)),
    )
    board.row(
        6,
        (
            4,
            tile(
                face_of(language, "calls", "abandoned", ending=today),
                total("calls", "abandoned", ORGANISATION, window("today")),
                fresh=calls,
            ),
        ),
        (
            4,
            mean_wait(board, window("today"), ending=today),
        ),
        (16, part_table(board, LIVE_QUEUES, window="today")),
    )
    board.row(
        6,
        (4, overdue(board, fresh=emails)),
        (4, _open(board, fresh=emails)),
        (8, due_next(board)),
        (8, _mails_in_time(board)),
    )
    board.row(
        6,
        (4, age_of_truth(board, "calls")),
        (4, age_of_truth(board, "emails")),
        (4, open_now(board, "calls")),
        (12, firing_alerts(board)),
    )
    return board


def mean_wait(board: Board, over: str, *, ending: str = "") -> Panel:
    """The mean wait of who was answered, or that nobody was."""
    return tile(
        face_of(board.language, "calls", "wait_mean", ending=ending, empty=words.NO_NUMBERS),
        or_nothing(
            total("calls", "wait_mean", ORGANISATION, over),
            total("calls", "answered", ORGANISATION, over),
        ),
        fresh=moving("calls"),
        words={str(NOTHING): words.NOTHING_YET["calls"].say(board.language)},
    )


def longest_wait(board: Board) -> Panel:
    """The longest wait, judged by the strictest promise that holds for every caller."""
    language = board.language
    longest = total("calls", "longest_wait", ORGANISATION)
    waiting = total("calls", "waiting", ORGANISATION)
    promised = (
        f"{pick(names.WITHIN, ORGANISATION)} and on ({Label.ORGANISATION}, {Label.PROMISE}) "
        f"{total('calls', 'pending', ORGANISATION)}"
    )
    limit = f"min by ({Label.ORGANISATION}) ({promised})"
    on = f"on ({Label.ORGANISATION})"
    wait = f"({longest} or on ({Label.ORGANISATION}) (0 * {waiting} == 0))"
    still = f"and {on} ({moving('calls')})"
    far = f"{on} group_left () ({FAR} * {limit})"
    lights: dict[Light, str] = {
        "bad": f"({wait} > {far}) {still}",
        "near": f"({wait} > {on} group_left () {limit} <= {far}) {still}",
        "good": f"({wait} <= {on} group_left () {limit}) {still}",
        "few": f"({wait} unless {on} {limit}) {still}",
        "stale": f"{wait} unless {on} ({moving('calls')})",
    }
    more = board.say(
        f"Grön: inom det kortaste löftet. Orange: över det. Röd: mer än {FAR} gånger det. "
        "Grå: inget löfte finns. Lila: siffrorna har slutat röra sig.",
        f"Green: within the shortest promise. Orange: over it. Red: more than {FAR} times it. "
        "Grey: there is no promise. Purple: the numbers have stopped moving.",
    )
    return coloured(
        face_of(language, "calls", "longest_wait", more=more, empty=words.NO_NUMBERS),
        {light: Query(light, expr) for light, expr in lights.items()},
        words={"0": words.NOBODY_WAITS.say(language)},
    )


def overdue(board: Board, *, fresh: str) -> Panel:
    """Mails whose promise is missed; of the promise with most of them."""
    return tile(
        face_of(board.language, "emails", "overdue"),
        f"max by ({Label.ORGANISATION}) ({total('emails', 'overdue', ORGANISATION)})",
        steps={None: "green", 1: "orange", thresholds.MANY_OVERDUE: "red"},
        fresh=fresh,
    )


def due_next(board: Board) -> Panel:
    """How many mails fall due within the next working hours; orange where it is urgent."""
    queries = []
    for hours in DUE_WITHIN_HOURS:
        one = hours == "1"
        said = board.say(
            f"inom {hours} {'arbetstimme' if one else 'arbetstimmar'}",
            f"within {hours} working {'hour' if one else 'hours'}",
        )
        due = total("emails", "due_within", ORGANISATION, f'{Label.HOURS}="{hours}"')
        expr = f"max by ({Label.ORGANISATION}) ({due})"
        queries.append(Query(f"within_{hours}", expr, said))
    return tiles(
        face_of(board.language, "emails", "due_within"),
        queries,
        special={queries[0].ref: {None: "green", 1: "orange"}},
        fresh=moving("emails"),
    )


def _service_level(board: Board, over: str, ending: str) -> Panel:
    return traffic_lights(
        face_of(board.language, "calls", "service_level", ending=ending),
        share("calls", "service_level", ORGANISATION, window(over)),
        board.language,
    )


def _mails_in_time(board: Board) -> Panel:
    week = words.WINDOW_NAMES["7d"].say(board.language).lower()
    return traffic_lights(
        face_of(board.language, "emails", "service_level", ending=week),
        share("emails", "service_level", ORGANISATION, window("7d")),
        board.language,
    )


def _open(board: Board, *, fresh: str) -> Panel:
    return tile(
        face_of(board.language, "emails", "open"),
        total("emails", "open", ORGANISATION),
        fresh=fresh,
    )
