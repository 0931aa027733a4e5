"""What the mail with an export says: how far to trust it first, then each promise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from streams.exports.chapters import chapters
from streams.exports.numbers import capital, period_name
from streams.exports.overview import Tile, tiles, volumes
from streams.exports.sentences import Level, completeness, organisation_name
from streams.exports.words import WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from streams.exports.lines import Line
    from streams.exports.model import Export
    from streams.exports.vocabulary import Words
    from streams.organisations import Language

MOST_REASONS: Final = 4
MOST_PROMISES: Final = 6
"""Somebody reads this on a phone; the rest is in the report."""


class Summary(NamedTuple):
    """A mail's subject, one line; and its text, plain, with a line break at its end."""

    subject: str
    text: str


def summary(export: Export, language: Language) -> Summary:
    """The mail's words."""
    words = WORDS[language]
    state = completeness(export, language)
    whose, when = organisation_name(export, language), period_name(export.period, words)
    subjects: dict[Level, str] = {
        "final": words.subject,
        "provisional": words.subject_provisional,
        "incomplete": words.subject_incomplete,
    }
    lines = [
        f"{capital(when)}: {state.heading.lower()}.",
        *_some(state.reasons, MOST_REASONS, words),
        "",
        *_promises(tiles(export, language), export, words),
        *(
            _volume(line, words.before[export.period.kind], words)
            for line in volumes(export, language)
        ),
        *_surveys(export, language),
        "",
        words.mail_attached,
        words.mail_end,
    ]
    return Summary(
        subject=_one_line(subjects[state.level].format(whose, when)),
        text="".join(f"{_one_line(line)}\n" for line in lines),
    )


def _promises(told: Iterable[Tile], export: Export, words: Words) -> Iterator[str]:
    lines = [_promise(tile, words.before[export.period.kind], words) for tile in told]
    yield from _some(lines, MOST_PROMISES, words)
    if lines:
        yield ""


def _promise(tile: Tile, before: str, words: Words) -> str:
    line = tile.line
    basis = f" ({line.basis})" if line.basis else ""
    said = [
        f"{tile.whose}, {line.name[:1].lower()}{line.name[1:]}: {line.now or words.no_data}{basis}",
        tile.verdict,
        *([capital(tile.pending)] if tile.pending else []),
        f"{before} {line.before or words.no_data}",
        tile.trend,
    ]
    return ". ".join(said) + "."


def _volume(line: Line, before: str, words: Words) -> str:
    now, then = line.now or words.no_data, line.before or words.no_data
    return f"{line.name}: {now}. {before} {then}."


def _surveys(export: Export, language: Language) -> Iterator[str]:
    for chapter in chapters(export, language):
        for asked in chapter.answers:
            value = asked.line.now or WORDS[language].no_data
            yield f"{chapter.name}, {asked.line.name}: {value}. {asked.note}."


def _some(lines: Iterable[str], most: int, words: Words) -> list[str]:
    told = list(lines)
    if len(told) <= most:
        return told
    return [*told[: most - 1], words.more_in_report.format(len(told) - most + 1)]


def _one_line(text: str) -> str:
    """Names come from configuration: none of them may begin another line, or another header."""
    return " ".join(text.split())
