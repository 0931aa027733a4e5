"""*Trend*: weeks against the target, and how far chance alone would move them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.render import names
from agents.render.boards import words
from agents.render.boards.charts import bars, lines
from agents.render.boards.faces import face_of
from agents.render.boards.frame import Board
from agents.render.boards.graphs import counts, resting_on
from agents.render.boards.panels import DURATION, NUMBER, Query
from agents.render.boards.queries import ORGANISATION, Share, part, share, total, window
from streams.conventions import Label
from streams.kpis.surveys import PUBLISHABLE_FROM

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Panel

    from streams.board.words import Language
    from streams.organisations import Channel

WEEK = window("7d")
WEEKS_BACK = 6
STEP = "1h"
"""Windows of a week begin at a whole hour, so a shorter step shows nothing more."""
PROMISE_OF: dict[Channel, str] = {"calls": "call_promise", "emails": "email_promise"}
PROMISE_TITLES = {
    "call_promise": words.Text("Löfte för samtal", "Promise for calls"),
    "email_promise": words.Text("Löfte för e-post", "Promise for e-mail"),
}


def trend(language: Language) -> Board:
    """The board."""
    board = Board(
        "trend",
        language,
        what=words.Text(
            "Vecka efter vecka mot målet. Varje punkt är de sju dagarna dessförinnan.",
            "Week after week against the target. Every point is the seven days before it.",
        ),
        since="now-90d",
        refresh="5m",
    )
    board.choose_organisation()
    choose_promises(board, ORGANISATION)
    board.heading(words.TITLES["calls"])
    board.row(10, (16, _with_interval(board, "calls")), (8, _weeks(board, "calls")))
    board.row(
        8,
        (
            12,
            counts(board, "calls", ("offered", "answered", "abandoned"), ORGANISATION, WEEK),
        ),
        (12, _durations(board)),
    )
    board.heading(words.TITLES["emails"])
    board.row(10, (16, _with_interval(board, "emails")), (8, _weeks(board, "emails")))
    board.row(
        8,
        (12, counts(board, "emails", ("received", "first_replies"), ORGANISATION, WEEK)),
        (12, _reply_time(board)),
    )
    board.heading(words.Text("Enkäter och besök", "Surveys and visits"))
    board.row(
        8,
        (8, _index(board)),
        (8, _answers(board)),
        (8, counts(board, "visits", ("registered", "measured_waits"), ORGANISATION, WEEK)),
    )
    return board


def choose_promises(board: Board, *matchers: str) -> None:
    """A variable for one promise of each channel that has promises."""
    for channel, name in PROMISE_OF.items():
        board.choose(
            Label.PROMISE,
            names.TARGET,
            *matchers,
            f'{Label.CHANNEL}="{channel}"',
            name=name,
            title=PROMISE_TITLES[name],
        )


def promised(channel: Channel) -> str:
    """A matcher for the promise that is chosen."""
    return f'{Label.PROMISE}="${PROMISE_OF[channel]}"'


def _week_of(channel: Channel) -> Share:
    return share(channel, "service_level", ORGANISATION, WEEK, promised(channel))


def _with_interval(board: Board, channel: Channel) -> Panel:
    """The share, the interval that its `n` leaves open, and the target."""
    week = _week_of(channel)
    return lines(
        face_of(
            board.language,
            channel,
            "service_level",
            ending=words.WINDOW_NAMES["7d"].say(board.language).lower(),
            empty=words.TOO_FEW,
            more=board.say(
                "Skuggan är 95 % konfidensintervall: ligger målet inom skuggan kan skillnaden "
                f"vara slump. Linjen bryts där underlaget är under {week.fewest}.",
                "The shade is the 95 % confidence interval: where the target lies within it the "
                f"difference may be chance. The line breaks below {week.fewest} contacts.",
            ),
        ),
        [
            Query("lower", week.judged(week.lower), board.say("lägst", "at least")),
            Query("upper", week.judged(week.upper), board.say("högst", "at most")),
            Query("share", week.judged(), "{{promise}}"),
            Query("target", week.promised, board.say("mål", "target")),
            resting_on(board, week, "{{promise}}"),
        ],
        targets=["target"],
        told=["share_n"],
        band=("lower", "upper"),
        minimum=None,
        maximum=1,
        interval=STEP,
    )


def _weeks(board: Board, channel: Channel) -> Panel:
    """The last weeks as bars, the newest first, each with what it rests on."""
    queries = []
    for back in range(WEEKS_BACK + 1):
        ago = f" offset {7 * back}d" if back else ""
        week = _week_of(channel)
        counted = f'count_values without () ("n", {week.n}{ago} >= {week.fewest})'
        said = board.say(
            f"{back} v. tidigare" if back else "senaste 7 dagarna",
            f"{back} w. earlier" if back else "last 7 days",
        )
        expr = f"{week.value}{ago} * {week.key} group_left (n) {counted}"
        queries.append(Query(f"week_{back}", expr, f"{said} (n = {{{{n}}}})"))
    queries.append(Query("target", _week_of(channel).promised, board.say("mål", "target")))
    return bars(
        face_of(
            board.language,
            channel,
            "service_level",
            ending=board.say("vecka för vecka", "week by week"),
            empty=words.TOO_FEW,
        ),
        queries,
        maximum=1,
    )


def _durations(board: Board) -> Panel:
    """Mean wait and mean conversation."""
    names_of = ("wait_mean", "handle_time_mean")
    faces = [face_of(board.language, "calls", name, unit=DURATION) for name in names_of]
    return lines(
        faces[0]._replace(
            title=board.say("Väntetid och samtalstid", "Wait and handle time"),
            description=" ".join(face.description for face in faces),
        ),
        [
            Query(name, total("calls", name, ORGANISATION, WEEK), face.title)
            for name, face in zip(names_of, faces, strict=True)
        ],
        interval=STEP,
    )


def _reply_time(board: Board) -> Panel:
    return lines(
        face_of(board.language, "emails", "reply_time_mean"),
        [
            Query(
                "mean",
                total("emails", "reply_time_mean", ORGANISATION, WEEK),
                board.say("medel", "mean"),
            ),
            Query(
                "median",
                total("emails", "reply_time", ORGANISATION, WEEK, f'{Label.QUANTILE}="0.5"'),
                "median",
            ),
        ],
        interval=STEP,
    )


def _index(board: Board) -> Panel:
    """The survey's index over four weeks, only from as many answers on as may be published."""
    index, may = (
        part("surveys", name, ORGANISATION, window("28d")) for name in ("index", "publishable")
    )
    on = f"on ({Label.ORGANISATION}, {Label.SURVEY}, {Label.QUESTION})"
    return lines(
        face_of(
            board.language,
            "surveys",
            "index",
            ending=words.WINDOW_NAMES["28d"].say(board.language).lower(),
            empty=words.NOT_COMPARABLE,
            more=board.say(
                f"Visas från {PUBLISHABLE_FROM} svar.", f"Shown from {PUBLISHABLE_FROM} answers on."
            ),
        ),
        [Query("index", f"{index} and {on} ({may} == 1)", "{{survey}}: {{question}}")],
        maximum=100,
        interval=STEP,
    )


def _answers(board: Board) -> Panel:
    answers = part("surveys", "answers", ORGANISATION, window("28d"))
    face = face_of(
        board.language,
        "surveys",
        "answers",
        ending=words.WINDOW_NAMES["28d"].say(board.language).lower(),
        unit=NUMBER,
    )
    return lines(face, [Query("answers", answers, "{{survey}}: {{question}}")], interval=STEP)
