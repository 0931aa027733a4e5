"""How to read somebody's table of calls: which column means what.

The values are written by hand in `config/mappings/*.yaml` and checked by
`agents.sources.calls_csv`; every rule here that a person can break says what to write instead.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from streams.events import LeaveReason

Outcome = Literal["answered"] | LeaveReason

_LABEL = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True, kw_only=True)
class Unlike:
    """Any value but these."""

    other_than: str | tuple[str, ...]


When = dict[str, str | tuple[str, ...] | Unlike]
"""Column to value, values, or `other_than`; a row fits when every column does."""


@dataclass(frozen=True, kw_only=True)
class Formats:
    """How dates and clocks are written, as for `strptime`.

    Attributes:
        date: of the column `date`.
        clock: of clock columns.
        timestamp: of timestamp columns; or `rfc3339`, `epoch` (seconds), `epoch_ms`.
    """

    date: str = "%Y-%m-%d"
    clock: str = "%H:%M:%S"
    timestamp: str = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True, kw_only=True)
class Moment:
    """Where a moment of a call is written: exactly one of `timestamp`, `clock`, `seconds`.

    Attributes:
        timestamp: column with date and clock, or seconds since 1970.
        clock: column with the local clock only; the day comes from the column `date`.
        since: clock column this clock comes after, where midnight may lie between the two.
        seconds: column with the time since the moment before, in seconds or `H:MM:SS`.
        unless: rows in which the moment is not known.
    """

    timestamp: str | None = None
    clock: str | None = None
    since: str | None = None
    seconds: str | None = None
    unless: When = field(default_factory=dict)

    def __post_init__(self) -> None:
        given = [name for name in ("timestamp", "clock", "seconds") if getattr(self, name)]
        if len(given) != 1:
            found = " and ".join(f"`{name}`" for name in given) or "none"
            msg = f"{found} given; write exactly one of `timestamp`, `clock` and `seconds`"
            raise ValueError(msg)
        if self.since and not self.clock:
            msg = "`since` needs a `clock`; only clocks without a date can pass midnight"
            raise ValueError(msg)


def _refuse_seconds(moment: Moment, name: str) -> None:
    if moment.seconds:
        msg = f"`{name}` has no moment before it to count from; write its `timestamp` or `clock`"
        raise ValueError(msg)


@dataclass(frozen=True, kw_only=True)
class Queue:
    """The column that names the queue, and what its values are called in events.

    Attributes:
        column: left out when the whole table is one queue.
        names: value to queue name; other values stay as they are.
        name: the queue when there is no column.
    """

    column: str | None = None
    names: dict[str, str] = field(default_factory=dict)
    name: str | None = None

    def __post_init__(self) -> None:
        if (self.column is None) == (self.name is None):
            msg = "write either `column` (one queue a row) or `name` (one queue for all rows)"
            raise ValueError(msg)


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Whose number it was; it leaves as a pseudonym only.

    Attributes:
        columns: joined before they are pseudonymised.
        none: values that mean "withheld" or "unknown".
    """

    columns: tuple[str, ...]
    none: tuple[str, ...] = ("",)


@dataclass(frozen=True, kw_only=True)
class Outcomes:
    """What became of the call: the column's values in the words of the events."""

    column: str
    values: dict[str, Outcome]


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """Whether the question was solved in the call; any other value is "not coded"."""

    column: str
    yes: tuple[str, ...] = ()
    no: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class NoCall:
    """Rows that are not a call to a queue, and why not."""

    when: When
    because: str

    def __post_init__(self) -> None:
        if not self.when:
            msg = "an empty `when` fits every row; name a column and its value"
            raise ValueError(msg)


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A duration that is written twice: as two moments and in seconds."""

    start: Moment
    end: Moment
    seconds: str
    tolerance: float = 0

    def __post_init__(self) -> None:
        _refuse_seconds(self.start, "start")


@dataclass(frozen=True, kw_only=True)
class Near:
    """A moment that should lie close to one of the call's own.

    Attributes:
        moment: the one that is checked.
        to: the one it belongs to.
        tolerance: seconds either way.
    """

    moment: Moment
    to: Literal["entered", "answered", "left", "ended"]
    tolerance: float


@dataclass(frozen=True, kw_only=True)
class Check:
    """One way in which a row may contradict itself: counted and explained, never mended.

    With none of `negative`, `interval`, `near` and `order`, every row that fits `when` counts.
    """

    name: str
    explanation: str
    when: When = field(default_factory=dict)
    negative: str | None = None
    interval: Interval | None = None
    near: Near | None = None
    order: Moment | None = None

    def __post_init__(self) -> None:
        if not _LABEL.fullmatch(self.name):
            msg = f"`{self.name}` is no check's name; write e.g. `negative-wait`"
            raise ValueError(msg)
        kinds = [n for n in ("negative", "interval", "near", "order") if getattr(self, n)]
        if len(kinds) > 1:
            msg = f"a check looks at one thing; {' and '.join(kinds)} need a check each"
            raise ValueError(msg)
        if self.order is not None:
            _refuse_seconds(self.order, "order")
        if not kinds and not self.when:
            msg = "write what contradicts: `when`, `negative`, `interval`, `near` or `order`"
            raise ValueError(msg)


@dataclass(frozen=True, kw_only=True)
class CallsCsvMapping:
    """A whole mapping.

    Attributes:
        version: of this format; 1.
        call: columns that together name a call.
        queue: which queue the caller waited in.
        entered: when the caller entered the queue.
        outcome: what became of the call.
        organisation: whose calls; left out when the command line says it.
        time_zone: of the clocks; left out = the organisation's.
        encoding: of the file.
        delimiter: between columns, or `tab`.
        formats: of dates and clocks.
        date: column with the local day on which the row's first clock was read.
        answered: when a member answered; needed when an outcome is `answered`.
        left: when the caller left without an answer; needed for any other outcome.
        ended: when the conversation ended.
        caller: whose number it was.
        resolved: whether the question was solved.
        topic: column that says what it was about.
        no_call: rows that are no calls to a queue; the first that fits gives the reason.
        checks: contradictions to count.
    """

    version: Literal[1]
    call: tuple[str, ...]
    queue: Queue
    entered: Moment
    outcome: Outcomes
    organisation: str | None = None
    time_zone: str | None = None
    encoding: str = "utf-8"
    delimiter: str = ","
    formats: Formats = field(default_factory=Formats)
    date: str | None = None
    answered: Moment | None = None
    left: Moment | None = None
    ended: Moment | None = None
    caller: Caller | None = None
    resolved: Resolved | None = None
    topic: str | None = None
    no_call: tuple[NoCall, ...] = ()
    checks: tuple[Check, ...] = ()

    def __post_init__(self) -> None:
        if not self.call:
            msg = "`call` is empty; name the columns that together tell one call from another"
            raise ValueError(msg)
        if self.delimiter != "tab" and len(self.delimiter) != 1:
            msg = f"`delimiter` is `{self.delimiter}`; write one character or `tab`"
            raise ValueError(msg)
        _refuse_seconds(self.entered, "entered")
        if self.date is None and any(moment.clock for moment in self.moments()):
            msg = "a `clock` needs a day; write the column of the day as `date`"
            raise ValueError(msg)
        outcomes = set(self.outcome.values.values())
        if "answered" in outcomes and self.answered is None:
            msg = "an outcome is `answered`; write when, as `answered`"
            raise ValueError(msg)
        if outcomes - {"answered"} and self.left is None:
            other = min(outcomes - {"answered"})
            msg = f"an outcome is `{other}`; write when the caller left, as `left`"
            raise ValueError(msg)

    def moments(self) -> tuple[Moment, ...]:
        """Every moment the mapping reads, those of the checks included."""
        own = (self.entered, self.answered, self.left, self.ended)
        checked = [
            moment
            for check in self.checks
            for moment in (
                *((check.interval.start, check.interval.end) if check.interval else ()),
                *((check.near.moment,) if check.near else ()),
                *((check.order,) if check.order else ()),
            )
        ]
        return (*(moment for moment in own if moment), *checked)

    def columns(self) -> tuple[str, ...]:
        """Every column the mapping reads, each once, in the order of the mapping."""
        named: list[str | None] = [*self.call, self.queue.column, self.date, self.outcome.column]
        conditions: list[When] = [rule.when for rule in self.no_call]
        for moment in self.moments():
            named += (moment.timestamp, moment.since, moment.clock, moment.seconds)
            conditions.append(moment.unless)
        if self.caller:
            named += self.caller.columns
        named += (self.resolved.column if self.resolved else None, self.topic)
        for check in self.checks:
            named += (check.negative, check.interval.seconds if check.interval else None)
            conditions.append(check.when)
        named += [column for condition in conditions for column in condition]
        return tuple(dict.fromkeys(column for column in named if column is not None))
