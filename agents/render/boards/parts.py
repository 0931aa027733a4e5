"""The table of queues or mailboxes: who waits, how the promises are kept, what it rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from agents.render import names
from agents.render.boards.frame import LABEL_NAMES
from agents.render.boards.panels import SHARE, UNIT_OF, Face
from agents.render.boards.queries import ORGANISATION, chosen, part, share
from agents.render.boards.queries import window as window_is
from agents.render.boards.tables import Column, rows
from agents.render.boards.words import LIGHT_HELP, NO_NUMBERS, WINDOW_NAMES, Text
from streams.conventions import Label
from streams.kpis.definition import PART_LABEL

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Panel

    from agents.render.boards.frame import Board
    from streams.organisations import Channel


class PartTable(NamedTuple):
    """Which columns.

    Attributes:
        channel: whose queues or mailboxes.
        title: over the table.
        now: KPIs of the present moment.
        counted: KPIs of the window.
        chosen: whether only those chosen at the top of the board are shown.
    """

    channel: Channel
    title: Text
    now: tuple[str, ...]
    counted: tuple[str, ...] = ()
    chosen: bool = False


LIVE_QUEUES: Final = PartTable(
    "calls", Text("Köerna", "The queues"), ("waiting", "longest_wait"), ()
)
QUEUES: Final = PartTable(
    "calls",
    Text("Köerna", "The queues"),
    ("waiting", "longest_wait"),
    ("offered", "answered", "abandoned", "abandonment", "wait_mean"),
    chosen=True,
)
MAILBOXES: Final = PartTable(
    "emails",
    Text("Brevlådorna", "The mailboxes"),
    ("open", "overdue"),
    ("received", "first_replies", "reply_time_mean"),
    chosen=True,
)


def part_table(board: Board, of: PartTable, *, window: str) -> Panel:
    """One row for each queue or mailbox and promise.

    Args:
        board: where it will stand.
        of: which table.
        window: of what is counted; `$window` = the one chosen.
    """
    language, label = board.language, PART_LABEL[of.channel]
    where = (ORGANISATION, *([chosen(label)] if of.chosen else []))
    over = (*where, window_is(window))
    judged = share(of.channel, "service_level", *over, by_part=True)
    by = f"max by ({label}, {Label.PROMISE})"
    # What is not about a promise stands in the row of each promise that the part has; a part
    # without any promise has a row too.
    present = part(of.channel, of.now[0], *where)
    base = f"({by} ({judged.n}) or on ({label}) 0 * max by ({label}) ({present}))"
    each = f"(0 * {base} + 1) * on ({label}) group_left ()"

    def column(name: str, *matchers: str) -> Column:
        kpi = names.kpi_of(of.channel, name)
        series = part(of.channel, name, *matchers)
        newest = f"{by} ({series})" if kpi.promise else f"{each} max by ({label}) ({series})"
        return Column(name, kpi.named(language), newest, UNIT_OF[kpi.unit])

    kpi, state = judged.kpi, board.say("Läge", "State")
    shown = "" if window.startswith("$") else f", {WINDOW_NAMES[window].say(language).lower()}"
    return rows(
        Face(
            f"{of.title.say(language)}{shown}",
            LIGHT_HELP.say(language),
            SHARE,
            NO_NUMBERS.say(language),
        ),
        {
            label.value: LABEL_NAMES[label].say(language),
            Label.PROMISE.value: LABEL_NAMES[Label.PROMISE].say(language),
        },
        [
            *(column(name, *where) for name in of.now),
            *(column(name, *over) for name in of.counted),
            Column("share", kpi.named(language), f"{by} ({judged.judged()})", SHARE),
            Column("n", board.say("Underlag", "Based on"), base),
            Column("light", state, f"{by} ({judged.level()})", light=True),
        ],
        language,
        sort_by=state,
        ascending=True,
    )
