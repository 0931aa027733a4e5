"""Every story in `tests/transcripts` is true, however its events arrive; false ones are not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agents.settings.document import read_document
from streams import books
from streams.desk import Desk
from streams.reports import Report
from tests.storytelling import stage
from tests.storytelling.reading import read_story
from tests.storytelling.replays import REPLAYS, UntrueStoryError, play
from tests.storytelling.sentences import UnreadableStoryError

if TYPE_CHECKING:
    from collections.abc import Callable

    from streams.facts import AnyFact, Facts
    from streams.reports import By
    from streams.views import View
    from tests.storytelling.story import Story

STORIES = Path(__file__).parents[1] / "transcripts"
SLIPS: Any = read_document(
    (STORIES / "rejected" / "slips.yaml").read_text(encoding="utf-8"), "slips.yaml"
).value


def read(path: Path) -> Story:
    """One of the stories on disk."""
    return told(path.read_text(encoding="utf-8"), path.name)


def told(text: str, file: str = "slip.yaml") -> Story:
    """The story in a text."""
    return read_story(text, file, STORIES / "organisations")


def with_slip(slip: dict[str, str]) -> str:
    """The true story with one thing written differently."""
    story: str = SLIPS["story"]
    assert story.count(slip["instead of"]) == 1
    return story.replace(slip["instead of"], slip["write"])


def slips(kind: str) -> pytest.MarkDecorator:
    """The slips of one kind, each a test case."""
    cases = [pytest.param(slip, id=slip["slip"]) for slip in SLIPS[kind]]
    return pytest.mark.parametrize("slip", cases)


def last_word(known: Facts, fact: AnyFact) -> Facts:
    """What a core would believe that lets the last word stand, whatever its revision."""
    return (*(old for old in known if old.identity != fact.identity), fact)


def every_word(known: Facts, fact: AnyFact) -> Facts:
    """What a core would believe that takes everything it hears for new."""
    return (*known, fact)


def nothing(*_: object) -> None:
    """What a core would remember that starts afresh."""


class Forgetful(Report):
    """A report that loses a day."""

    def rows(self, by: By) -> list[View]:
        """All rows but the first, by day."""
        rows = super().rows(by)
        return rows[1:] if by == "day" else rows


@pytest.mark.parametrize("replay", REPLAYS)
@pytest.mark.parametrize(
    "path", [pytest.param(path, id=path.stem) for path in sorted(STORIES.glob("*.yaml"))]
)
def test_the_story_is_true(path: Path, replay: str) -> None:
    """What an operations manager is told holds in any order, twice, and through every crash."""
    play(read(path), replay)


@pytest.mark.parametrize("replay", REPLAYS)
def test_the_story_without_a_slip_is_true(replay: str) -> None:
    """What is rejected below is rejected for its slip, and for nothing else."""
    play(told(SLIPS["story"]), replay)


@slips("wrong")
def test_a_wrong_expectation_is_found_out(slip: dict[str, str]) -> None:
    """A story that expects too much, too little or the wrong thing fails, and says where."""
    story = told(with_slip(slip))

    with pytest.raises(UntrueStoryError) as failure:
        play(story, "as written")

    assert f"slip.yaml:{slip['says']}" in str(failure.value)
    assert str(failure.value).endswith("(played as written)")


@slips("unclear")
def test_an_unclear_story_is_refused_before_it_is_played(slip: dict[str, str]) -> None:
    """A slip of the pen cannot make a story true: it is refused, with its line."""
    with pytest.raises(UnreadableStoryError) as refusal:
        told(with_slip(slip))

    assert str(refusal.value).startswith("slip.yaml:")
    assert slip["says"] in str(refusal.value)


@pytest.mark.parametrize(
    ("mistake", "replay", "story"),
    [
        pytest.param((books, "merge", last_word), "shuffled", "18*", id="the last word stands"),
        pytest.param((books, "merge", every_word), "again and again", "40*", id="twice is two"),
        pytest.param(
            (Desk, "restore", nothing), "killed after every event", "02*", id="a restart forgets"
        ),
        pytest.param((stage, "Report", Forgetful), "as written", "60*", id="a day is lost"),
    ],
)
def test_a_core_with_a_mistake_is_found_out(
    mistake: tuple[Any, str, Callable[..., Any]],
    replay: str,
    story: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each way of playing a story finds the mistake that it is there to find."""
    (path,) = STORIES.glob(story)
    monkeypatch.setattr(*mistake)

    with pytest.raises(UntrueStoryError):
        play(read(path), replay)
