"""*Organisations*: rank and distance to the mean, of those with enough contacts to compare."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.render import names
from agents.render.boards import words
from agents.render.boards.faces import face_of
from agents.render.boards.frame import LABEL_NAMES, Board
from agents.render.boards.panels import NUMBER, SECONDS, SHARE, UNIT_OF
from agents.render.boards.queries import CHOSEN_WINDOW, part, publishable, total
from agents.render.boards.tables import Column, rows
from agents.render.boards.trend import choose_promises, promised
from streams.conventions import Label
from streams.kpis.surveys import PUBLISHABLE_FROM

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Panel

    from streams.board.words import Language
    from streams.organisations import Channel

EVERY = f'{Label.ORGANISATION}=~".+"'


def organisations(language: Language) -> Board:
    """The board."""
    board = Board(
        "organisations",
        language,
        what=words.Text(
            f"Alla organisationer bredvid varandra. Bara den som har minst {PUBLISHABLE_FROM} i "
            "underlag är med; medelvärdet väger alla lika.",
            f"All organisations side by side. Only those with at least {PUBLISHABLE_FROM} to "
            "rest on are in it; the mean counts everybody the same.",
        ),
        since="now-1h",
        refresh="1m",
    )
    board.remember_organisation()
    choose_promises(board)
    board.choose_window("28d")
    board.row(
        12,
        (12, _share_table(board, "calls", "service_level", promised("calls"))),
        (12, _share_table(board, "emails", "service_level", promised("emails"))),
    )
    board.row(
        12,
        (12, _share_table(board, "calls", "resolution")),
        (12, _share_table(board, "calls", "abandonment", best_is_low=True)),
    )
    board.row(
        12,
        (
            12,
            _mean_table(board, "calls", "wait_mean", "answered"),
        ),
        (12, _index_table(board)),
    )
    return board


def _share_table(
    board: Board, channel: Channel, name: str, *matchers: str, best_is_low: bool = False
) -> Panel:
    """Rank by a share, with its interval: ranks within each other's intervals mean little."""
    over = (EVERY, CHOSEN_WINDOW, *matchers)
    judged = publishable(channel, name, *over)
    by = f"max by ({Label.ORGANISATION})"
    value = f"{by} ({judged.judged()})"
    title = judged.kpi.named(board.language)
    columns = [
        Column("value", title, value, SHARE),
        Column("distance", *_distance(board, f"100 * ({value})"), decimals=1),
        Column(
            "lower",
            board.say("Lägst (95 %)", "At least (95 %)"),
            f"{by} ({judged.judged(judged.lower)})",
            SHARE,
        ),
        Column(
            "upper",
            board.say("Högst (95 %)", "At most (95 %)"),
            f"{by} ({judged.judged(judged.upper)})",
            SHARE,
        ),
        Column("n", board.say("Underlag", "Based on"), f"{by} ({judged.enough})"),
    ]
    return _ranking(board, channel, name, columns, ascending=best_is_low)


def _mean_table(board: Board, channel: Channel, name: str, rests_on: str) -> Panel:
    """Rank by a mean; the shortest first."""
    by = f"max by ({Label.ORGANISATION})"
    n = f"{by} ({total(channel, rests_on, EVERY, CHOSEN_WINDOW)}) >= {PUBLISHABLE_FROM}"
    value = f"{by} ({total(channel, name, EVERY, CHOSEN_WINDOW)}) and {n}"
    kpi = names.kpi_of(channel, name)
    heading, distance, _ = _distance(board, value)
    columns = [
        Column("value", kpi.named(board.language), value, UNIT_OF[kpi.unit]),
        # Grafana writes a negative duration as one that is over: "00:01:00 ago".
        Column("distance", heading, distance, SECONDS),
        Column("n", board.say("Underlag", "Based on"), n),
    ]
    return _ranking(board, channel, name, columns, ascending=True)


def _index_table(board: Board) -> Panel:
    """Rank by the survey's index, a row for each question of a survey.

    One survey may be published and another not, so their answers are never mixed.
    """
    by = f"max by ({Label.ORGANISATION}, {Label.SURVEY}, {Label.QUESTION})"
    over = (EVERY, CHOSEN_WINDOW)
    value = (
        f"{by} ({part('surveys', 'index', *over)}) "
        f"and {by} ({part('surveys', 'publishable', *over)}) == 1"
    )
    heading, distance, unit = _distance(board, value, Label.SURVEY, Label.QUESTION)
    columns = [
        Column("value", board.say("Index", "Index"), value, decimals=1),
        Column("distance", heading, distance, unit, decimals=1),
        Column(
            "n",
            board.say("Underlag", "Based on"),
            f"{by} ({part('surveys', 'answers', *over)}) >= {PUBLISHABLE_FROM}",
        ),
    ]
    rows_of = {
        Label.SURVEY.value: board.say("Enkät", "Survey"),
        Label.QUESTION.value: board.say("Fråga", "Question"),
    }
    return _ranking(board, "surveys", "index", columns, more_labels=rows_of)


def _distance(board: Board, value: str, *by: Label) -> tuple[str, str, str]:
    """Heading, expression and unit of the distance to the mean over all who can be compared."""
    mean = f"avg by ({', '.join(by)}) ({value})" if by else f"avg ({value})"
    on = f"on ({', '.join(by)})"
    points = board.say("suffix: enh.", "suffix: pts")
    return (
        board.say("Mot medel", "To the mean"),
        f"({value}) - {on} group_left () {mean}",
        points,
    )


def _ranking(
    board: Board,
    channel: Channel,
    name: str,
    columns: list[Column],
    *,
    ascending: bool = False,
    more_labels: dict[str, str] | None = None,
) -> Panel:
    face = face_of(board.language, channel, name, empty=words.NOT_COMPARABLE)
    labels = {Label.ORGANISATION.value: LABEL_NAMES[Label.ORGANISATION].say(board.language)}
    return rows(
        face._replace(unit=columns[0].unit if columns[0].unit != NUMBER else face.unit),
        labels | (more_labels or {}),
        columns,
        board.language,
        sort_by=columns[0].title,
        ascending=ascending,
        rank=board.say("Plats", "Rank"),
    )
