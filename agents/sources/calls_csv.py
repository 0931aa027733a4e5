"""Tables of calls, or JSON objects, from files -> events, one row at a time.

Rows that cannot be read are told and skipped; what contradicts itself is counted. The file is read
once, row by row, so its length does not matter.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from agents.settings.problems import suggestion
from agents.sources.calls_csv_json import ObjectReader
from agents.sources.calls_csv_table import read_rows
from streams.parsers.rows import RowError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from streams.events import CallRecord
    from streams.parsers.calls_csv import CallsCsvParser


@dataclass
class Summary:
    """What became of the rows of one file.

    Attributes:
        rows: all of them, without the header and blank lines.
        events: rows that became a call.
        no_calls: rows that are none, by reason.
        contradictions: how often each check failed.
        examples: the first line on which it did.
        bad: rows that could not be read.
        absent: columns that no JSON object had, with what may have been meant.
    """

    rows: int = 0
    events: int = 0
    no_calls: Counter[str] = field(default_factory=Counter)
    contradictions: Counter[str] = field(default_factory=Counter)
    examples: dict[str, int] = field(default_factory=dict)
    bad: int = 0
    absent: dict[str, str] = field(default_factory=dict)


def convert_calls(
    stream: IO[bytes],
    parser: CallsCsvParser,
    *,
    on_event: Callable[[CallRecord], object],
    on_bad_row: Callable[[int, str], object],
) -> Summary:
    """Read a whole file; `on_bad_row` gets the line and what is wrong with it.

    Raises:
        HeaderError: a column is missing, or named twice.
    """
    summary = Summary()
    mapping = parser.mapping
    objects = ObjectReader(mapping) if mapping.format == "json" else None
    for line, row in objects.rows(stream) if objects else read_rows(stream, mapping):
        summary.rows += 1
        try:
            if isinstance(row, RowError):
                raise row
            parsed = parser.parse(row)
        except RowError as error:
            summary.bad += 1
            on_bad_row(line, str(error))
            continue
        for name in parsed.contradictions:
            summary.contradictions[name] += 1
            summary.examples.setdefault(name, line)
        if parsed.no_call is not None:
            summary.no_calls[parsed.no_call] += 1
        if parsed.event is not None:
            summary.events += 1
            on_event(parsed.event)
    if objects and objects.names:
        summary.absent = {
            name: suggestion(name, objects.names)
            for name in mapping.wanted()
            if name not in objects.seen
        }
    return summary


def render_summary(summary: Summary, explain: Callable[[str], str]) -> Iterable[str]:
    """The summary in lines for a person; `explain` says what a contradiction means."""
    yield f"{summary.rows:>9,} rows read"
    yield f"{summary.events:>9,} events"
    yield f"{summary.no_calls.total():>9,} rows that are no call to a queue"
    for reason, number in summary.no_calls.most_common():
        yield f"{number:>13,} {reason}"
    yield f"{summary.bad:>9,} rows that could not be read"
    yield f"{summary.contradictions.total():>9,} contradictions, none of them mended"
    for name, number in summary.contradictions.most_common():
        line = summary.examples[name]
        yield f"{number:>13,} {name} (first on line {line:,}): {explain(name)}"
    for name, meant in summary.absent.items():
        yield f"no record has `{name}` ({meant}); it was taken for empty"
