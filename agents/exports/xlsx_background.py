"""The sheets behind the numbers: how far they can be trusted, and what they mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.exports.json_file import definitions_of
from agents.exports.xlsx_looks import COUNT, SHARE, Cell, Column, Value
from streams.exports.numbers import moment
from streams.exports.sentences import source_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agents.exports.xlsx_book import Book


def add_quality(book: Book) -> None:
    """What speaks for the numbers and what against them."""
    words, quality = book.words, book.export.quality
    widths = (44.0, 18.0, 24.0, 14.0, 14.0)
    sheet = book.sheet(words.sheets["quality"], widths)
    sheet.reasons()
    sheet.heading(words.sources)
    texts = (words.source, words.channel, words.told_until)
    sheet.head([*_columns(texts, widths), Column(words.covers, widths[3], is_number=True)])
    for source in quality.sources:
        through = None if source.through is None else moment(source.through)
        channel = words.channels[source.channel]
        name = source_name(source, words)
        sheet.cells([name, channel, through, Cell(source.covered, SHARE)])
    sheet.heading(words.by_channel)
    counted = (words.open_hours, words.silent_hours, words.decided, words.undecided)
    sheet.head([Column(words.channel, widths[0]), *_columns(counted, widths[1:], is_number=True)])
    for told in quality.channels:
        counts = (told.open_hours, told.silent_hours, told.decided, told.pending)
        sheet.cells([words.channels[told.channel], *(Cell(n, COUNT) for n in counts)])
    sheet.heading(words.dead_letters)
    letters = quality.dead_letters
    if not letters:
        sheet.line(words.dead_letters_unknown if letters is None else words.dead_letters_none)
        return
    sheet.head([Column(words.reason, widths[0]), Column(words.number, widths[1], is_number=True)])
    named = {str(reason): text for reason, text in words.reasons.items()}
    for reason, n in sorted(letters.items()):
        sheet.cells([named.get(reason, reason), Cell(n, COUNT)])


def add_definitions(book: Book) -> None:
    """What every word and every KPI means."""
    words, language = book.words, book.language
    columns = _columns(
        (
            words.channel,
            words.kpi,
            words.definition,
            words.unit,
            words.definition_source,
            words.name_in_data,
        ),
        (15, 38, 80, 18, 40, 26),
    )
    sheet = book.sheet(words.sheets["definitions"], [column.width for column in columns])
    sheet.row += 1
    sheet.long_table(
        columns,
        [
            *(_definition(None, term, meaning) for term, meaning in words.terms),
            *(
                _definition(
                    words.channels[one.channel],
                    one.sv if language == "sv" else one.en,
                    one.definition_sv if language == "sv" else one.definition_en,
                    words.units[one.unit],
                    Cell(one.source or None, wrap=True),
                    one.kpi,
                )
                for one in definitions_of(book.export)
            ),
        ],
    )


def _definition(
    channel: str | None, name: str, meaning: str, *more: Cell | Value
) -> list[Cell | Value]:
    return [channel, Cell(name, look="strong", wrap=True), Cell(meaning, wrap=True), *more]


def _columns(
    heads_of: Sequence[str], widths: Sequence[float], *, is_number: bool = False
) -> list[Column]:
    return [Column(head, width, is_number) for head, width in zip(heads_of, widths, strict=False)]
