"""The tiles about calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.board.light import FEWEST
from streams.board.phrases import clock_text, percent
from streams.board.snapshots import count, number
from streams.board.view import Figure, PartTile, Step, Tile
from streams.conventions import TOTAL
from streams.instants import SECOND, to_datetime

if TYPE_CHECKING:
    from streams.board.worded import Worded

MOST_QUEUES = 6
"""What fits on a wall and can be read from across the room."""

FAR = 3
"""Times the promise: somebody has been forgotten."""


def tiles(worded: Worded) -> tuple[Tile, ...]:
    """The big numbers, in the order they are read."""
    words, today = worded.words, worded.total.windows.get("today", {})
    answered, abandoned = count(today, "answered"), count(today, "abandoned")
    departures = count(today, "departures")
    return (
        _waiting(worded),
        _longest_wait(worded),
        _service_level_now(worded),
        worded.share_tile("today", "today", words.today, words.no_calls_yet),
        Tile(
            key="answered",
            label=words.answered,
            scope=words.today,
            value=str(answered),
            minor=True,
        ),
        Tile(
            key="abandoned",
            label=words.abandoned,
            scope=words.today,
            value=str(abandoned),
            minor=True,
            note=words.of_departed.format(departures) if departures else "",
        ),
    )


def part_tiles(worded: Worded) -> tuple[tuple[PartTile, ...], str]:
    """The queues there is room for, and how many more there are."""
    words = worded.words
    shown = worded.shown_parts("waiting", MOST_QUEUES)
    made = []
    for part in shown:
        now, judged = worded.parts[part].now, worded.share(part, "today")
        level, word = worded.judge(part, judged, words.no_calls_yet)
        figures = (
            Figure(str(count(now, "waiting")), words.waiting_short),
            Figure(clock_text(number(now, "longest_wait")), words.longest_short),
            Figure(percent(judged, words), words.share_short),
        )
        made.append(worded.part_tile(part, level, word, figures))
    return tuple(made), worded.hidden(len(shown), words.more_queues)


def _service_level_now(worded: Worded) -> Tile:
    """The last quarter of an hour; the last hour, where that says too little."""
    words = worded.words
    if worded.share(TOTAL, "15m").n >= FEWEST:
        return worded.share_tile("now", "15m", words.last_minutes, words.no_calls)
    return worded.share_tile("now", "1h", words.last_hour, words.no_calls)


def _waiting(worded: Worded) -> Tile:
    words = worded.words
    return Tile(
        key="waiting",
        label=words.waiting,
        value=str(count(worded.total.now, "waiting")),
    )


def _longest_wait(worded: Worded) -> Tile:
    words, longest = worded.words, number(worded.total.now, "longest_wait")
    if longest is None:
        return Tile(
            key="longest",
            label=words.longest_wait,
            value=clock_text(None),
            level=worded.muted(TOTAL, "good"),
            word=words.nobody_waits,
        )
    steps = _steps(worded, TOTAL)
    entered = worded.snapshot.instant - round(longest * SECOND)
    step = next((step for step in steps if longest > step.after), None)
    return Tile(
        key="longest",
        label=words.longest_wait,
        value=clock_text(longest),
        level=step.level if step else "calm",
        word=step.word if step else "",
        note=words.since.format(f"{to_datetime(entered, worded.plan.zone):%H:%M:%S}"),
        seconds=longest,
        steps=steps,
    )


def _steps(worded: Worded, part: str) -> tuple[Step, ...]:
    """How a wait is judged by the promise; answered exactly at its end is still in time."""
    promise, words = worded.promise(part), worded.words
    if promise is None:
        return ()
    within, limit = worded.within(promise), promise.within.amount / SECOND
    return (
        Step(FAR * limit, worded.muted(part, "bad"), words.far_over_promise.format(within)),
        Step(limit, worded.muted(part, "warn"), words.over_promise.format(within)),
        Step(-1, worded.muted(part, "good"), words.within_promise.format(within)),
    )
