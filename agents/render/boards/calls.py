"""*Calls*: what the telephones are like, by queue and over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.render import names
from agents.render.boards import words
from agents.render.boards.charts import bars, lines
from agents.render.boards.faces import face_of
from agents.render.boards.frame import Board
from agents.render.boards.graphs import against_target, counts, quantiles, resting_on
from agents.render.boards.live import longest_wait, mean_wait
from agents.render.boards.panels import Query
from agents.render.boards.parts import QUEUES, part_table
from agents.render.boards.queries import (
    CHOSEN_WINDOW,
    ORGANISATION,
    chosen,
    moving,
    part,
    share,
    total,
)
from agents.render.boards.tiles import tile, traffic_lights
from streams.conventions import Label

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Panel

    from streams.board.words import Language

OVER = (ORGANISATION, CHOSEN_WINDOW)


def calls(language: Language) -> Board:
    """The board."""
    board = Board(
        "calls",
        language,
        what=words.Text(
            "Samtalen kö för kö: väntetider, löften, tappade samtal.",
            "The calls, queue by queue: waits, promises, abandoned calls.",
        ),
        since="now-12h",
        refresh="15s",
    )
    board.choose_organisation()
    board.choose(
        Label.QUEUE,
        names.recorded(names.kpi_of("calls", "waiting"), total=False),
        ORGANISATION,
        several=True,
    )
    board.choose_window("today")
    board.heading(words.Text("Alla köer tillsammans", "All queues together"))
    board.row(
        5,
        (
            3,
            tile(
                face_of(language, "calls", "waiting"),
                total("calls", "waiting", ORGANISATION),
                fresh=moving("calls"),
            ),
        ),
        (3, longest_wait(board)),
        (3, _number(board, "offered")),
        (3, _number(board, "answered")),
        (3, mean_wait(board, CHOSEN_WINDOW)),
        (
            9,
            traffic_lights(
                face_of(language, "calls", "service_level"),
                share("calls", "service_level", *OVER),
                language,
            ),
        ),
    )
    board.row(
        9,
        (12, against_target(board, "calls", *OVER, ending=board.say("över tid", "over time"))),
        (12, counts(board, "calls", ("offered", "answered", "abandoned"), *OVER)),
    )
    board.row(
        9,
        (8, quantiles(board, "calls", "wait", *OVER)),
        (8, counts(board, "calls", ("waiting", "pending"), ORGANISATION)),
        (8, _ratios(board)),
    )
    board.heading(words.Text("Kö för kö", "Queue by queue"))
    board.row(9, (24, part_table(board, QUEUES, window=f"${Label.WINDOW}")))
    board.row(9, (12, _waiting_by_queue(board)), (12, _share_by_queue(board)))
    board.heading(words.Text("Bakom siffrorna", "Behind the numbers"))
    board.row(10, (12, _exits(board)), (12, _six_formulas(board)))
    return board


def _number(board: Board, name: str) -> Panel:
    face = face_of(board.language, "calls", name)
    return tile(face, total("calls", name, *OVER), fresh=moving("calls"))


def _ratios(board: Board) -> Panel:
    """Shares without a promise, where they rest on enough."""
    shares = [share("calls", name, *OVER) for name in ("abandonment", "resolution", "coded_share")]
    queries = []
    for each in shares:
        title = each.kpi.named(board.language)
        queries.append(Query(each.kpi.name, each.judged(), title))
        queries.append(resting_on(board, each, title, each.kpi.name))
    face = face_of(board.language, "calls", "abandonment", empty=words.TOO_FEW)
    more = " ".join(
        face_of(board.language, "calls", each.kpi.name).description for each in shares[1:]
    )
    return lines(
        face._replace(
            title=board.say(
                "Tappade, lösta och kodade andelar", "Shares abandoned, resolved and coded"
            ),
            description=f"{face.description} {more}",
        ),
        queries,
        told=[f"{each.kpi.name}_n" for each in shares],
        maximum=1,
    )


def _waiting_by_queue(board: Board) -> Panel:
    waiting = part("calls", "waiting", ORGANISATION, chosen(Label.QUEUE))
    return lines(
        face_of(
            board.language,
            "calls",
            "waiting",
            ending=board.say("kö för kö", "queue by queue"),
        ),
        [Query("waiting", waiting, "{{queue}}")],
    )


def _share_by_queue(board: Board) -> Panel:
    judged = share("calls", "service_level", *OVER, chosen(Label.QUEUE), by_part=True)
    return lines(
        face_of(
            board.language,
            "calls",
            "service_level",
            ending=board.say("kö för kö", "queue by queue"),
            empty=words.TOO_FEW,
        ),
        [
            Query("share", judged.judged(), "{{queue}}, {{promise}}"),
            Query("target", judged.promised, board.say("mål {{promise}}", "target {{promise}}")),
            resting_on(board, judged, "{{queue}}, {{promise}}"),
        ],
        targets=["target"],
        told=["share_n"],
        maximum=1,
    )


def _exits(board: Board) -> Panel:
    exits = total("calls", "exits", *OVER)
    return bars(
        face_of(board.language, "calls", "exits"),
        [Query("exits", f"sort_desc({exits})", f"{{{{{Label.REASON}}}}}")],
    )


def _six_formulas(board: Board) -> Panel:
    variants = share("calls", "service_level_by_variant", *OVER)
    on = f"on ({Label.ORGANISATION}, {Label.PROMISE}, {Label.VARIANT})"
    noted = (
        f"{variants.value} * {on} group_left (n) "
        f'count_values without () ("n", {variants.n} >= {variants.fewest})'
    )
    return bars(
        face_of(board.language, "calls", "service_level_by_variant", empty=words.TOO_FEW),
        [Query("variants", noted, "{{promise}}: {{variant}} (n = {{n}})")],
        maximum=1,
    )
