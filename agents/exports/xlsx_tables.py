"""The sheets that show numbers: summary, channels and topics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agents.exports.xlsx_looks import COUNT, Cell, Column, Value
from streams.conventions import TOTAL
from streams.exports.chapters import heads, promises
from streams.exports.numbers import capital
from streams.exports.sentences import (
    KPI_OF,
    colophon,
    is_signal,
    part_name,
    promise_name,
    reached,
    short_verdict,
    verdict,
)
from streams.kpis import KPIS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agents.exports.xlsx_book import Book
    from agents.exports.xlsx_looks import Look
    from streams.exports.model import Part, Row, Section, Topic
    from streams.organisations import Channel

NUMBER: Final = 10.0
"""Characters a column of numbers needs: `1 234 567`, `123:45:59`."""

Cells = list[Cell | Value]


def add_summary(book: Book, version: str) -> None:
    """The promises of the organisation, how many people came, and how far it can be trusted."""
    words, export = book.words, book.export
    columns = [
        Column(words.channel, 20),
        Column(words.kpi, 24),
        *_compared_columns(book),
        *_basis_columns(book),
        Column(words.status, 24),
        Column(words.trend, 26),
    ]
    sheet = book.sheet(words.summary, [column.width for column in columns])
    sheet.reasons()
    sheet.line(words.sheet_note, "quiet")
    sheet.row += 1
    sheet.head(columns)
    for section in export.sections:
        for part, row in promises(section):
            sheet.cells(_promise(book, section.channel, part, row))
    for section in export.sections:
        volume = KPIS[section.channel][0]
        for part in section.parts:
            for row in part.rows:
                if part.name == TOTAL and row.kpi == volume.name:
                    sheet.cells(_volume(book, section.channel, row))
    sheet.row += 1
    sheet.line(colophon(export, words, version), "quiet")


def add_channel(book: Book, section: Section) -> None:
    """Every KPI of every part of a channel, in a table that may be filtered."""
    words, channel = book.words, section.channel
    columns = [
        Column(words.part[channel], 24),
        Column(words.kpi, 52),
        Column(words.promised, 24),
        *_compared_columns(book),
        *_basis_columns(book),
        Column(words.numerator, NUMBER, is_number=True),
        Column(words.trend, 13),
        Column(words.status, 13),
    ]
    sheet = book.sheet(words.channels[channel], [column.width for column in columns])
    sheet.line(words.sheet_note, "quiet")
    sheet.row += 1
    rows = (_row(book, channel, part, row) for part in section.parts for row in part.rows)
    sheet.long_table(columns, rows)


def add_topics(book: Book, section: Section) -> None:
    """What calls were about."""
    words, now_and_before = book.words, heads(book.export, book.language)
    handled, coded, resolution = (
        KPI_OF[section.channel, name].named(book.language)
        for name in ("handled", "coded_share", "resolution")
    )
    columns = [
        Column(words.topic, 40),
        *(
            Column(head, 14, is_number=True)
            for head in (
                f"{handled}, {now_and_before.now}",
                f"{handled}, {now_and_before.before}",
                words.share,
                words.rests_on,
                coded,
                words.rests_on,
                resolution,
                words.numerator,
                words.rests_on,
            )
        ),
    ]
    sheet = book.sheet(words.sheets["topics"], [column.width for column in columns])
    sheet.row += 1
    sheet.long_table(columns, (_topic(book, topic) for topic in section.topics))


def _promise(book: Book, channel: Channel, part: Part, row: Row) -> Cells:
    whose = book.words.channels[channel]
    if part.name != TOTAL:
        whose = f"{whose}, {part_name(channel, part, book.language)}"
    provisional = f"{book.words.provisional}. " if row.now.pending else ""
    return [
        Cell(whose, wrap=True),
        Cell(capital(promise_name(channel, row, book.language)), look="strong", wrap=True),
        *_compared(book, channel, row, "strong"),
        *_basis(book, row),
        Cell(f"{provisional}{reached(row, book.words)}", wrap=True),
        _verdict(book, row),
    ]


def _volume(book: Book, channel: Channel, row: Row) -> Cells:
    return [
        book.words.channels[channel],
        KPI_OF[channel, row.kpi].named(book.language),
        *_compared(book, channel, row, "strong"),
        *_basis(book, row),
        None,
        _verdict(book, row),
    ]


def _row(book: Book, channel: Channel, part: Part, row: Row) -> Cells:
    words = book.words
    name = KPI_OF[channel, row.kpi].named(book.language)
    if row.choice:
        name = f"{name}: {words.choices.get(row.choice, row.choice)}"
    look: Look = "strong" if row.target is not None else "plain"
    promise = capital(promise_name(channel, row, book.language)) if row.promise else None
    return [
        part_name(channel, part, book.language),
        Cell(name, look=look, wrap=True),
        promise,
        *_compared(book, channel, row, look),
        *_basis(book, row),
        Cell(row.now.numerator, COUNT),
        Cell(short_verdict(row.chart, words), look="strong" if is_signal(row.chart) else "plain"),
        Cell(words.provisional, look="provisional") if row.now.pending else None,
    ]


def _topic(book: Book, topic: Topic) -> Cells:
    return [
        Cell(topic.name or book.words.other_topics, wrap=True),
        book.value("count", topic.handled.value),
        book.value("count", topic.before.value),
        book.value("ratio", topic.share.value),
        Cell(topic.share.n, COUNT),
        book.value("ratio", topic.coded_share.value),
        Cell(topic.coded_share.n, COUNT),
        book.value("ratio", topic.resolution.value),
        Cell(topic.resolution.numerator, COUNT),
        Cell(topic.resolution.n, COUNT),
    ]


def _compared_columns(book: Book) -> list[Column]:
    """The exported period and those beside it; a year earlier only where that is another one."""
    head = heads(book.export, book.language)
    found = [head.now, head.before, head.year_before, head.recent]
    return [Column(text, NUMBER, is_number=True) for text in found if text]


def _compared(book: Book, channel: Channel, row: Row, look: Look = "plain") -> Iterator[Cell]:
    unit = KPI_OF[channel, row.kpi].unit
    yield book.value(unit, row.now.value, look)
    yield book.value(unit, row.before.value)
    if heads(book.export, book.language).year_before:
        yield book.value(unit, row.year_before.value)
    yield book.value(unit, row.recent.value)


def _basis_columns(book: Book) -> list[Column]:
    words = book.words
    found = (words.target, words.lowest, words.highest, words.rests_on, words.undecided)
    return [Column(text, NUMBER, is_number=True) for text in found]


def _basis(book: Book, row: Row) -> Iterator[Cell]:
    """Target, interval, what it rests on, and what time has not decided."""
    for share in (row.target, row.now.lower, row.now.upper):
        yield book.value("ratio", share)
    yield Cell(row.now.n, COUNT)
    yield Cell(row.now.pending or None, COUNT)


def _verdict(book: Book, row: Row) -> Cell:
    look: Look = "strong" if is_signal(row.chart) else "plain"
    return Cell(verdict(row.chart, book.export.period.kind, book.words), look=look, wrap=True)
