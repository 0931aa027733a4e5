"""Readings as plain mappings: what reports, snapshots and rollups have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.conventions import TOPIC_PREFIX, TOTAL, Label
from streams.instants import to_rfc3339
from streams.kpis.definition import PART_LABEL
from streams.kpis.readings import Reading, read_now, read_window
from streams.windows import WINDOWS, window_end, window_start

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streams.books import Book
    from streams.cells import Cell
    from streams.outcomes import Open

View = dict[str, object]
DUE_NEXT = 20


def mapping(readings: Iterable[Reading], primary: str = "") -> View:
    """Readings by KPI name.

    A ratio brings its `_n`, `_numerator`, `_lower` and `_upper`. KPIs with an extra label are
    mappings by its value. Promises stand under `promises`; those of the primary one also at the
    top, so that the common case reads without detour.
    """
    view: View = {}
    promises: dict[str, View] = {}
    for reading in readings:
        if reading.promise:
            _put(promises.setdefault(reading.promise, {}), reading)
            if reading.promise == primary:
                _put(view, reading)
        else:
            _put(view, reading)
    if promises:
        view["promises"] = promises
    return view


def part_columns(book: Book, part: str) -> View:
    """The columns that say what a row is about."""
    plan = book.plan
    columns: View = {"organisation": plan.organisation.name, "channel": plan.channel}
    if part.startswith(TOPIC_PREFIX):
        return columns | {Label.TOPIC.value: part.removeprefix(TOPIC_PREFIX)}
    return columns | {PART_LABEL[plan.channel].value: None if part == TOTAL else part}


def window_readings(
    book: Book, part: str, opens: list[Open], as_of: int, window: str
) -> list[Reading]:
    """All KPIs of a part over a rolling window that ends at `as_of`."""
    cell = window_sum(book, part, opens, as_of, window)
    return list(read_window(book.plan, part, cell, as_of))


def window_sum(book: Book, part: str, opens: list[Open], as_of: int, window: str) -> Cell:
    """What a window counts, promises missed without any event included."""
    start, end = window_start(window, as_of, book.plan.zone), window_end(as_of)
    cell = book.tally(part).between(start, end)
    for item in opens:
        for mark in item.marks(as_of):
            if start <= mark[2] < end:
                cell.add(mark)
    return cell


def opens_by_part(book: Book) -> dict[str, list[Open]]:
    """The open items of every part."""
    result: dict[str, list[Open]] = {}
    for item in book.opens():
        result.setdefault(item.part, []).append(item)
    return result


def live_snapshot(book: Book, as_of: int) -> View:
    """Everything about one channel at one instant, for wallboards and other programs."""
    opens = opens_by_part(book)
    zone = book.plan.zone
    primary = book.plan.promise_names[0] if book.plan.promise_names else ""
    parts = []
    for part in book.shown_parts():
        here = opens.get(part, [])
        windows = {
            window: mapping(window_readings(book, part, here, as_of, window), primary)
            for window in WINDOWS
        }
        now = mapping(read_now(book.plan, part, here, as_of), primary)
        parts.append({**part_columns(book, part), "now": now, "windows": windows})
    return {
        "organisation": book.plan.organisation.name,
        "channel": book.plan.channel,
        "as_of": to_rfc3339(as_of, zone),
        "parts": parts,
        "due_next": [
            {"due": to_rfc3339(due, zone), "opened": to_rfc3339(opened, zone), "promise": name}
            for due, opened, name in due_next(book, opens.get(TOTAL, []), as_of)[:DUE_NEXT]
        ],
    }


def due_next(book: Book, opens: list[Open], as_of: int) -> list[tuple[int, int, str]]:
    """What can still be kept, in the order it falls due: due, opened, name of the promise."""
    pending = []
    for item in opens:
        if item.waiting(as_of):
            names = book.plan.official_misses(item.part, item.opened)
            pending += [
                (due, item.opened, names[measure])
                for measure, due in item.dues
                if due >= as_of and measure in names
            ]
    return sorted(pending)


def _put(view: View, reading: Reading) -> None:
    name = reading.kpi.name
    if reading.choice:
        choices = view.setdefault(name, {})
        if isinstance(choices, dict):
            choices[reading.choice] = reading.value
        return
    view[name] = reading.value
    if reading.n is not None:
        view[f"{name}_n"] = reading.n
    if reading.kpi.kind == "ratio":
        view[f"{name}_numerator"] = reading.numerator
        view[f"{name}_lower"] = reading.lower
        view[f"{name}_upper"] = reading.upper
