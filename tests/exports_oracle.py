"""The second opinion on exports: every figure from the raw events, by SQL in DuckDB.

`exports_oracle.sql` is the opinion; here it is given events, what was configured, and a day to look
at. It shares with the product only opening hours and due times, which have twins of their own.
"""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import duckdb
import msgspec

from streams.instants import local_date, start_of_day
from streams.promises import due

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from streams import events as ev
    from streams.organisations import Channel, Organisation, Promise

SQL = Path(__file__).with_suffix(".sql")
FOREVER = 2**62
COLUMNS = {
    "type": "VARCHAR",
    "revision": "BIGINT",
    "call": "VARCHAR",
    "queue": "VARCHAR",
    "at": "VARCHAR",
    "reason": "VARCHAR",
    "entered_at": "VARCHAR",
    "answered_at": "VARCHAR",
    "left_at": "VARCHAR",
    "ended_at": "VARCHAR",
    "resolved": "BOOLEAN",
    "topic": "VARCHAR",
    "conversation": "VARCHAR",
    "message": "VARCHAR",
    "mailbox": "VARCHAR",
    "automatic": "BOOLEAN",
    "holding": "BOOLEAN",
    "unit": "VARCHAR",
    "answer": "VARCHAR",
    "channel": "VARCHAR",
    "question": "VARCHAR",
    "score": "INTEGER",
    "got_reply": "BOOLEAN",
    "visit": "VARCHAR",
    "desk": "VARCHAR",
    "wait_seconds": "DOUBLE",
}


class Cell(NamedTuple):
    """Whose figure it is."""

    channel: str
    part: str
    kpi: str
    promise: str
    choice: str


class Opinion(NamedTuple):
    """What the figure should be."""

    value: float | None
    n: int | None
    numerator: int | None
    lower: float | None
    upper: float | None
    pending: int


class HeatPlace(NamedTuple):
    """A cell of a heat map; Monday is 0."""

    channel: str
    part: str
    kpi: str
    promise: str
    weekday: int
    hour: int


class HeatOpinion(NamedTuple):
    """What should stand in it."""

    value: float | None
    n: int | None
    numerator: int | None
    pending: int


class Oracle:
    """What exports of one organisation must say, given its raw events."""

    def __init__(
        self, organisation: Organisation, events: Iterable[ev.AnyEvent], as_of: dict[Channel, int]
    ) -> None:
        """Load everything and look at each contact once.

        Args:
            organisation: as configured.
            events: of that organisation, in any order, some of them twice or corrected.
            as_of: up to when each channel is known.
        """
        self._organisation = organisation
        self._db = duckdb.connect(config={"threads": 1})
        with tempfile.NamedTemporaryFile(suffix=".jsonl") as file:
            encode = msgspec.json.Encoder().encode
            file.writelines(encode(event) + b"\n" for event in events)
            file.flush()
            self._db.execute(
                'CREATE TABLE events AS SELECT * RENAME ("at" AS happened) FROM '
                "read_json(?, format = 'newline_delimited', columns = ?)",
                [file.name, COLUMNS],
            )
        self._configure(as_of)
        self._db.execute(SQL.read_text(encoding="utf-8"))
        self._fill_dues()

    def figures(self, start: int, stop: int, periods: int = 1) -> dict[Cell, Opinion]:
        """Everything about who arrived in a stretch of time.

        Args:
            start: first instant.
            stop: the first one after it.
            periods: how many the stretch has, to tell counts for one of them.
        """
        found = self._db.execute("FROM figures(?, ?, ?)", [start, stop, periods]).fetchall()
        return {Cell(*row[:5]): Opinion(*row[5:]) for row in found}

    def heat_map(self, start: int, stop: int) -> dict[HeatPlace, HeatOpinion]:
        """Who arrived in a stretch of time, by weekday and hour."""
        found = self._db.execute("FROM heat_map(?, ?)", [start, stop]).fetchall()
        return {HeatPlace(*row[:6]): HeatOpinion(*row[6:]) for row in found}

    def topics(self, start: int, stop: int) -> dict[tuple[str, str], Opinion]:
        """What the calls of a stretch of time were about, by topic and KPI."""
        found = self._db.execute("FROM topic_figures(?, ?)", [start, stop]).fetchall()
        return {(row[0], row[1]): Opinion(*row[2:]) for row in found}

    def _configure(self, as_of: dict[Channel, int]) -> None:
        organisation = self._organisation
        self._table(
            "settings (max_wait BIGINT, zone VARCHAR)",
            [(organisation.max_wait, organisation.time_zone)],
        )
        self._table("truth (channel VARCHAR, as_of BIGINT)", as_of.items())
        parts = (
            (channel, name, part.calendar)
            for channel in as_of
            for name, part in organisation.parts(channel).items()
        )
        self._table("parts (channel VARCHAR, part VARCHAR, calendar VARCHAR)", parts)
        promises = (
            (p.channel, part, p.name, begins, ends, p.within.amount, p.short_abandon,
             p.service_level, p.met_by)
            for part, p, begins, ends in self._versions()
        )  # fmt: skip
        self._table(
            "promises (channel VARCHAR, part VARCHAR, promise VARCHAR, valid_from BIGINT, "
            "valid_until BIGINT, within_us BIGINT, short_us BIGINT, formula VARCHAR, "
            "met_by VARCHAR)",
            promises,
        )
        self._table("openings (calendar VARCHAR, opens BIGINT, closes BIGINT)", self._openings())

    def _table(self, declared: str, rows: Iterable[tuple[object, ...]]) -> None:
        self._db.execute(f"CREATE TABLE {declared}")
        self._insert(declared.partition(" ")[0], rows)

    def _insert(self, table: str, rows: Iterable[tuple[object, ...]]) -> None:
        told = list(rows)
        if told:
            places = ", ".join("?" * len(told[0]))
            self._db.executemany(f"INSERT INTO {table} VALUES ({places})", told)  # noqa: S608 - names of this file

    def _versions(self) -> Iterator[tuple[str, Promise, int, int]]:
        """Each version of each promise for each part it holds for, with when it holds."""
        organisation = self._organisation
        for channel in ("calls", "emails"):
            for part in ("", "other", *organisation.parts(channel)):
                name = part or "total"
                holding = [
                    p
                    for p in organisation.promises
                    if p.channel == channel and (not p.parts or name in p.parts)
                ]
                for promise in holding:
                    begins = self._begins(promise)
                    later = [
                        self._begins(p)
                        for p in holding
                        if p.name == promise.name and self._begins(p) > begins
                    ]
                    yield part, promise, begins, min(later, default=FOREVER)

    def _begins(self, promise: Promise) -> int:
        day = promise.valid_from
        return -FOREVER if day is None else start_of_day(day, self._organisation.zone)

    def _openings(self) -> Iterator[tuple[str, int, int]]:
        """Opening hours around everything that mails tell of."""
        first, last = self._db.execute(
            "SELECT epoch_us(min(t)), epoch_us(max(t)) "
            "FROM (SELECT happened::TIMESTAMPTZ AS t FROM events)"
        ).fetchall()[0]
        zone = self._organisation.zone
        if first is None:
            return
        day, end = local_date(first, zone), local_date(last, zone)
        while day <= end:
            for name, calendar in self._organisation.calendars.items():
                for opens, closes in calendar.intervals(day):
                    yield name, opens, closes
            day += timedelta(days=1)

    def _fill_dues(self) -> None:
        asked = self._db.execute("SELECT DISTINCT part, opened FROM writers").fetchall()
        by_part: dict[str, list[tuple[Promise, int, int]]] = {}
        for part, promise, begins, ends in self._versions():
            if promise.channel == "emails":
                by_part.setdefault(part, []).append((promise, begins, ends))
        calendars = self._organisation.calendars
        rows = [
            (part, p.name, opened, due(opened, p.within, calendars[p.calendar]), p.met_by)
            for part, opened in asked
            for p, begins, ends in by_part.get(part, [])
            if begins <= opened < ends
        ]
        self._insert("dues", rows)
