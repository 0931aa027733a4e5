"""The tiles about e-mails."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING

from streams.board.light import light
from streams.board.phrases import DASH, moment, percent
from streams.board.snapshots import count, of_promise
from streams.board.view import DueList, Figure, PartTile, Tile
from streams.conventions import TOTAL
from streams.instants import parse_rfc3339
from streams.views import DUE_NEXT

if TYPE_CHECKING:
    from streams.board.light import Level
    from streams.board.worded import Worded

SOON = "4"
"""Working hours; one of the choices of `due_within`."""

MOST_TIMES = 3
MOST_MAILBOXES = 4


def tiles(worded: Worded) -> tuple[Tile, ...]:
    """The big numbers, in the order they are read."""
    words = worded.words
    level, word = _overdue(worded, TOTAL)
    return (
        Tile(
            key="open",
            label=words.open_mails,
            value=str(count(worded.total.now, "open")),
        ),
        Tile(
            key="overdue",
            label=words.overdue,
            value=_overdue_text(worded, TOTAL),
            level=level,
            word=word,
        ),
        worded.share_tile("week", "7d", words.last_week, words.no_mails),
        worded.share_tile("today", "today", words.today, words.no_mails_yet, minor=True),
    )


def part_tiles(worded: Worded) -> tuple[tuple[PartTile, ...], str]:
    """The mailboxes there is room for, and how many more there are."""
    words = worded.words
    shown = worded.shown_parts("open", MOST_MAILBOXES)
    made = []
    for part in shown:
        judged = worded.share(part, "7d")
        level, word = worded.judge(part, judged, words.no_mails)
        figures = (
            Figure(str(count(worded.parts[part].now, "open")), words.open_short),
            Figure(_overdue_text(worded, part), words.overdue_short),
            Figure(percent(judged, words), words.week_short),
        )
        made.append(worded.part_tile(part, level, word, figures))
    return tuple(made), worded.hidden(len(shown), words.more_mailboxes)


def due_list(worded: Worded) -> DueList:
    """When the next replies are due; times only, never which mail it is."""
    words, promise = worded.words, worded.promise(TOTAL)
    zone, (one, many) = worded.plan.zone, words.mails
    name = promise.name if promise else ""
    due_next = worded.snapshot.due_next
    times = Counter(
        moment(parse_rfc3339(due.due), worded.now, zone, words)
        for due in due_next
        if due.promise == name
    )
    # A full list may end among mails that are due at the same time.
    cut = next(reversed(times), "") if len(due_next) == DUE_NEXT else ""
    soon = count(of_promise(worded.total.now, name).get("due_within", {}), SOON)
    if promise is None:
        note = words.no_promise
    elif times or soon:
        # A full list may hold nothing but other promises; the count knows better.
        note = words.due_soon.format(soon, SOON)
    else:
        note = words.nothing_due
    return DueList(
        words.due_next,
        note,
        tuple(
            Figure(time, f"{n}+ {many}" if time == cut else f"{n} {one if n == 1 else many}")
            for time, n in islice(times.items(), MOST_TIMES)
        ),
    )


def _overdue_count(worded: Worded, part: str) -> int:
    promise = worded.promise(part)
    now = worded.parts[part].now
    return count(of_promise(now, promise.name), "overdue") if promise else 0


def _overdue_text(worded: Worded, part: str) -> str:
    """Where nothing is promised nothing can be overdue, which is not the same as 0."""
    return str(_overdue_count(worded, part)) if worded.promise(part) else DASH


def _overdue(worded: Worded, part: str) -> tuple[Level, str]:
    """Any overdue mail asks for an answer; it is red when the target is lost among the open."""
    words, promise = worded.words, worded.promise(part)
    if promise is None:
        return "calm", words.no_promise
    overdue = _overdue_count(worded, part)
    if not overdue:
        return worded.muted(part, "good"), words.none_overdue
    waiting = max(count(worded.parts[part].now, "open"), overdue)
    if light(waiting - overdue, waiting, promise.target) == "bad":
        return worded.muted(part, "bad"), words.many_overdue
    return worded.muted(part, "warn"), words.some_overdue
