"""How to read somebody's table of calls: which column means what.

The values are written by hand in `config/mappings/*.yaml` and checked by
`agents.sources.calls_csv_mapping`; every rule here that a person can break says what to write
instead.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Literal, NamedTuple

from streams.parsers.calls_csv_checks import Check  # noqa: TC001 - read by pydantic
from streams.parsers.calls_csv_columns import Derived, Formats, Moment, When, refusal_of_form
from streams.parsers.calls_csv_outcomes import (  # noqa: TC001 - read by pydantic
    NoCall,
    Outcomes,
    Revision,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


class Fault(NamedTuple):
    """Keys of a mapping that do not go together.

    Attributes:
        key: where to mend it, from the root.
        message: what is wrong; what to write instead.
        about: the keys at the root that it follows from.
    """

    key: tuple[str, ...]
    message: str
    about: frozenset[str]


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
class Resolved:
    """Whether the question was solved in the call; any other value is "not coded"."""

    column: str
    yes: tuple[str, ...] = ()
    no: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CallsCsvMapping:
    """A whole mapping.

    Attributes:
        version: of this form of mappings; 1.
        call: columns that together name a call.
        queue: which queue the caller waited in.
        entered: when the caller entered the queue.
        outcome: what became of the call.
        warning: what whoever uses the numbers has to know.
        organisation: whose calls; left out when the command line says it.
        time_zone: of the clocks; left out = the organisation's.
        format: of the file: a table, or JSON objects.
        encoding: of the file.
        delimiter: between columns, or `tab`.
        columns: their names, where the file has no first line that says them.
        ignore_case: whether `Channel` and `channel` are the same column.
        percent_encoded: whether values are written as in web addresses, `%40` for `@`.
        formats: of dates and clocks.
        derived: columns made of others.
        date: column with the local day on which the row's first clock was read.
        answered: when a member answered; needed when an outcome is `answered`.
        left: when the caller left without an answer; needed for any other outcome.
        ended: when the conversation ended.
        revision: which of several rows about the same visit holds.
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
    warning: str | None = None
    organisation: str | None = None
    time_zone: str | None = None
    format: Literal["csv", "json"] = "csv"
    encoding: str = "utf-8"
    delimiter: str = ","
    columns: tuple[str, ...] = ()
    ignore_case: bool = False
    percent_encoded: bool = False
    formats: Formats = field(default_factory=Formats)
    derived: dict[str, Derived] = field(default_factory=dict)
    date: str | None = None
    answered: Moment | None = None
    left: Moment | None = None
    ended: Moment | None = None
    revision: Revision | None = None
    caller: Caller | None = None
    resolved: Resolved | None = None
    topic: str | None = None
    no_call: tuple[NoCall, ...] = ()
    checks: tuple[Check, ...] = ()

    def faults(self) -> Iterator[Fault]:
        """Whatever does not go together, all at once."""
        if not self.call:
            msg = "is empty; name the columns that together tell one call from another"
            yield Fault(("call",), msg, frozenset({"call"}))
        if self.delimiter != "tab" and len(self.delimiter) != 1:
            msg = f"`{self.delimiter}` is none; write one character or `tab`"
            yield Fault(("delimiter",), msg, frozenset({"delimiter"}))
        for kind, form in (
            ("date", self.formats.date),
            ("clock", self.formats.clock),
            ("timestamp", self.formats.timestamp),
        ):
            refused = refusal_of_form(form, kind)
            if refused:
                yield Fault(("formats", kind), refused, frozenset({"formats"}))
        yield from self._missing_moments()
        yield from self._missing_columns()

    def _missing_moments(self) -> Iterator[Fault]:
        if self.entered.seconds:
            msg = "has no moment before it to count from; write its `timestamp` or `clock`"
            yield Fault(("entered",), msg, frozenset({"entered"}))
        if self.date is None and any(moment.clock for moment in self.moments()):
            msg = "a `clock` needs a day; write the column of the day as `date`"
            yield Fault(("date",), msg, frozenset({"date"}))
        outcomes = self.outcome.possible()
        if "answered" in outcomes and self.answered is None:
            msg = "an outcome is `answered`; write when, as `answered`"
            yield Fault(("outcome",), msg, frozenset({"outcome", "answered"}))
        others = outcomes - {"answered"}
        if others and self.left is None:
            msg = f"an outcome is `{min(others)}`; write when the caller left, as `left`"
            yield Fault(("outcome",), msg, frozenset({"outcome", "left"}))

    def _missing_columns(self) -> Iterator[Fault]:
        if not self.columns:
            return
        about = frozenset({"columns"})
        if self.format == "json":
            msg = "JSON objects name their columns themselves; take `columns` out"
            yield Fault(("columns",), msg, about | {"format"})
            return
        twice = sorted({name for name in self.columns if self.columns.count(name) > 1})
        if twice:
            msg = f"names `{'` and `'.join(twice)}` twice; give every column a name of its own"
            yield Fault(("columns",), msg, about)
        spelt = {self._spelt(name) for name in self.columns}
        lacking = [name for name in self.wanted() if self._spelt(name) not in spelt]
        if lacking:
            msg = (
                f"does not name `{'`, `'.join(lacking)}`, which the mapping reads; mend one of them"
            )
            yield Fault(("columns",), msg, frozenset(f.name for f in fields(self)))

    def _spelt(self, column: str) -> str:
        return column.casefold() if self.ignore_case else column

    def moments(self) -> tuple[Moment, ...]:
        """Every moment the mapping reads, those of the checks included."""
        own = (self.entered, self.answered, self.left, self.ended)
        checked = (moment for check in self.checks for moment in check.moments())
        return (*(moment for moment in own if moment), *checked)

    def wanted(self) -> tuple[str, ...]:
        """Every column the file has to have, each once, in the order of the mapping."""
        named: list[str | None] = [*self.call, self.queue.column, self.date]
        named += [self.outcome.column, self.revision.column if self.revision else None]
        conditions: list[When] = [rule.when for rule in self.no_call]
        conditions += [rule.when for rule in self.outcome.rules]
        for moment in self.moments():
            named += moment.columns()
            conditions.append(moment.unless)
        if self.caller:
            named += self.caller.columns
        named += (self.resolved.column if self.resolved else None, self.topic)
        for check in self.checks:
            named += check.durations()
            conditions.append(check.when)
        named += [column for condition in conditions for column in condition]
        read = [column for column in named if column is not None and column not in self.derived]
        read += [column for derived in self.derived.values() for column in derived.first_of]
        return tuple(dict.fromkeys(read))
