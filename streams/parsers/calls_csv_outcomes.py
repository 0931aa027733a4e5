"""What became of a call, as a mapping reads it: in one column, in several, or in several rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from streams.events import LeaveReason
from streams.parsers.calls_csv_columns import When  # noqa: TC001 - read by pydantic

Outcome = Literal["answered"] | LeaveReason


@dataclass(frozen=True, kw_only=True)
class OutcomeRule:
    """Rows that all had the same outcome, however many columns say so."""

    when: When
    means: Outcome

    def __post_init__(self) -> None:
        if not self.when:
            msg = "an empty `when` fits every row; write `otherwise` for all that is left"
            raise ValueError(msg)


@dataclass(frozen=True, kw_only=True)
class Outcomes:
    """What became of the call, in the words of the events.

    Attributes:
        rules: the first that fits decides.
        column: decides where no rule fits.
        values: what each of its values means.
        otherwise: what is meant where nothing else decides.
    """

    rules: tuple[OutcomeRule, ...] = ()
    column: str | None = None
    values: dict[str, Outcome] = field(default_factory=dict)
    otherwise: Outcome | None = None

    def __post_init__(self) -> None:
        if (self.column is None) != (not self.values):
            msg = "`column` and `values` go together; write both, or `rules` alone"
            raise ValueError(msg)
        if self.column is None and not self.rules:
            msg = "write `column` and `values`, or `rules`"
            raise ValueError(msg)

    def possible(self) -> set[Outcome]:
        """Every outcome a row may have."""
        found = {*self.values.values(), *(rule.means for rule in self.rules)}
        return found if self.otherwise is None else found | {self.otherwise}


@dataclass(frozen=True, kw_only=True)
class Revision:
    """Which of several rows about the same visit holds: the latest.

    Attributes:
        column: when the row was written, or ended.
        prefer: rows with this outcome hold against all others, whenever they were written.
    """

    column: str
    prefer: Outcome | None = None


@dataclass(frozen=True, kw_only=True)
class NoCall:
    """Rows that are not a call to a queue, and why not."""

    when: When
    because: str

    def __post_init__(self) -> None:
        if not self.when:
            msg = "an empty `when` fits every row; name a column and its value"
            raise ValueError(msg)
