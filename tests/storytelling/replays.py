"""Playing a story: as it is written, and in the ways in which Kafka might tell it.

Between two expectations events may come in any order, again and again, one at a time, and with
a worker killed after each of them: what is expected must hold all the same.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from tests.storytelling.judge import faults
from tests.storytelling.stage import RefusedError, Stage
from tests.storytelling.story import Clock, Expect, Kill, Story, Told

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.storytelling.sentences import Delivery

    Events = list[Delivery]
    Telling = Callable[[Events, Events, Random], list[Events]]


class UntrueStoryError(AssertionError):
    """A story that expects what is not so: one line for each fault, with file and line."""


class Replay(NamedTuple):
    """One way of playing.

    Attributes:
        telling: cuts the events since the last expectation into batches; it also gets those
            before, and dice.
        killed: whether the worker dies after every batch.
        times: how often to play, with other dice each time.
    """

    telling: Telling
    killed: bool = False
    times: int = 1


def _as_written(events: Events, _before: Events, _dice: Random) -> list[Events]:
    return [[event] for event in events]


def _in_one_batch(events: Events, _before: Events, _dice: Random) -> list[Events]:
    return [events]


def _shuffled(events: Events, _before: Events, dice: Random) -> list[Events]:
    mixed = dice.sample(events, len(events))
    cut = dice.randint(0, len(mixed))
    return [mixed[:cut], mixed[cut:]]


def _again_and_again(events: Events, before: Events, dice: Random) -> list[Events]:
    """Everything twice, and the whole log once more from its beginning."""
    return [*_shuffled(events + events, before, dice), before + events]


REPLAYS = {
    "as written": Replay(_as_written),
    "in one batch": Replay(_in_one_batch),
    "shuffled": Replay(_shuffled, times=5),
    "again and again": Replay(_again_and_again, times=5),
    "killed after every event": Replay(_as_written, killed=True),
    "shuffled and killed": Replay(_shuffled, killed=True, times=5),
}


def play(story: Story, name: str) -> None:
    """Play a story in one way; `UntrueStoryError` at the first expectation that fails."""
    replay = REPLAYS[name]
    for seed in range(replay.times):
        dice = Random(seed)  # noqa: S311 - to shuffle, not to hide
        stage = Stage(story.organisation, dice)
        how = f"played {name}" + (f", seed {seed}" if replay.times > 1 else "")
        try:
            _play(story, replay, stage, dice, how)
        except RefusedError as refusal:
            _fail(story, [(refusal.line, f"the event is refused: {refusal}")], how)


def _play(story: Story, replay: Replay, stage: Stage, dice: Random, how: str) -> None:
    waiting: Events = []
    for step in story.steps:
        match step:
            case Told():
                waiting += step.events
                continue
            case Clock():
                stage.clock = step.shows
                continue
        for batch in replay.telling(waiting, stage.told, dice):
            stage.tell(batch)
            if replay.killed:
                stage.kill()
        waiting = []
        match step:
            case Kill():
                stage.kill()
            case Expect():
                found = list(faults(step, stage))
                if found:
                    _fail(story, found, how)


def _fail(story: Story, found: list[tuple[int, str]], how: str) -> NoReturn:
    lines = [f"{story.file}:{line}: {what}" for line, what in sorted(found)]
    raise UntrueStoryError("\n".join([*lines, f"({how})"]))
