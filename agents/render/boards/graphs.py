"""Graphs that several boards share: a share against its target, counts, waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.render import names
from agents.render.boards.charts import lines
from agents.render.boards.faces import face_of
from agents.render.boards.panels import Query
from agents.render.boards.queries import share, total
from agents.render.boards.words import TOO_FEW
from streams.conventions import Label

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Panel

    from agents.render.boards.frame import Board
    from agents.render.boards.queries import Share

QUANTILE_NAMES = {"0.5": ("median", "median"), "0.9": ("90 %", "90 %"), "1": ("längst", "longest")}


def against_target(board: Board, channel: str, *matchers: str, ending: str = "") -> Panel:
    """The share of every promise, where it rests on enough, and what it is to reach."""
    judged = share(channel, "service_level", *matchers)
    goal = board.say("mål {{promise}}", "target {{promise}}")
    return lines(
        face_of(
            board.language,
            channel,
            "service_level",
            ending=ending,
            empty=TOO_FEW,
            more=board.say(
                f"Linjen bryts där underlaget är under {judged.fewest}.",
                f"The line breaks where it rests on fewer than {judged.fewest}.",
            ),
        ),
        [
            Query("share", judged.judged(), "{{promise}}"),
            Query("target", judged.promised, goal),
            resting_on(board, judged, "{{promise}}"),
        ],
        targets=["target"],
        told=["share_n"],
        maximum=1,
    )


def resting_on(board: Board, of: Share, who: str, ref: str = "share") -> Query:
    """What a share rests on, to be told beside it."""
    return Query(f"{ref}_n", of.n, board.say(f"underlag {who}", f"{who} based on"))


def counts(board: Board, channel: str, kpis: tuple[str, ...], *matchers: str) -> Panel:
    """Some counts in one graph; its face is that of the first."""
    definitions = " ".join(
        f"**{names.kpi_of(channel, name).named(board.language)}:** "
        f"{face_of(board.language, channel, name).description}"
        for name in kpis[1:]
    )
    face = face_of(board.language, channel, kpis[0], more=definitions)
    titles = [names.kpi_of(channel, name).named(board.language) for name in kpis]
    return lines(
        face._replace(title=" · ".join(titles)),
        [
            Query(
                name,
                f"max by ({Label.ORGANISATION}) ({total(channel, name, *matchers)})",
                title,
            )
            for name, title in zip(kpis, titles, strict=True)
        ],
    )


def quantiles(board: Board, channel: str, name: str, *matchers: str) -> Panel:
    """Median, 90th percentile and maximum."""
    return lines(
        face_of(board.language, channel, name),
        [
            Query(
                f"quantile_{quantile.replace('.', '_')}",
                total(channel, name, *matchers, f'{Label.QUANTILE}="{quantile}"'),
                board.say(*said),
            )
            for quantile, said in QUANTILE_NAMES.items()
        ],
    )
