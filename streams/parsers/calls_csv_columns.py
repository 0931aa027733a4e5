"""How one column of a table of calls is written: texts, dates, clocks, and when a row is meant."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

TIMESTAMP_WORDS = frozenset({"rfc3339", "epoch", "epoch_ms"})
"""Forms of a time stamp that `strptime` has no letters for."""

EXAMPLES = {
    "date": "`%Y-%m-%d`",
    "clock": "`%H:%M:%S`",
    "timestamp": "`%Y-%m-%d %H:%M:%S`, `rfc3339`, `epoch` or `epoch_ms`",
}
_SAMPLE = datetime(2026, 11, 16, 13, 45, 57, tzinfo=UTC)
"""A day above 12 and an hour after noon, so that nothing can be mistaken for something else."""


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
        form: how this one column is written, where that is not as under `formats`.
        unless: rows in which the moment is not known.
    """

    timestamp: str | None = None
    clock: str | None = None
    since: str | None = None
    seconds: str | None = None
    form: str | None = None
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
        if self.form is not None:
            if self.seconds:
                msg = "`seconds` are read as they are; take `form` out"
                raise ValueError(msg)
            refused = refusal_of_form(self.form, given[0])
            if refused:
                msg = f"`form` {refused}"
                raise ValueError(msg)

    def columns(self) -> tuple[str | None, ...]:
        """The columns that say the moment, those of its condition not included."""
        return (self.timestamp, self.since, self.clock, self.seconds)


@dataclass(frozen=True, kw_only=True)
class Derived:
    """A column that the table does not have, made of those it has.

    Attributes:
        first_of: the first of these that says something.
        after: only what follows the last of these signs is kept.
        until: only what comes before the first of these signs is kept.
    """

    first_of: tuple[str, ...]
    after: str | None = None
    until: str | None = None

    def __post_init__(self) -> None:
        if not self.first_of:
            msg = "`first_of` is empty; name the columns, the one that counts most first"
            raise ValueError(msg)
        if "" in (self.after, self.until):
            msg = "`after` and `until` need a sign; take out the one that is empty"
            raise ValueError(msg)

    def cut(self, text: str) -> str:
        """The part of a value that is meant.

        >>> Derived(first_of=("linkedid",), after="-", until=".").cut("skara-1795000000.17")
        '1795000000'
        """
        if self.after is not None:
            text = text.rsplit(self.after, 1)[-1]
        return text if self.until is None else text.split(self.until, 1)[0]


def refusal_of_form(form: str, kind: str) -> str | None:
    """Why nothing can be read as `form`, a `date`, `clock` or `timestamp`; `None` if it can.

    Seconds may be missing; everything else has to come back as it was written.

    >>> refusal_of_form("%I:%M", "clock")
    'is `%I:%M`, which does not say a whole clock; write e.g. `%H:%M:%S`'
    >>> refusal_of_form("%d.%m.%y %H.%M", "timestamp") is None
    True
    """
    if kind == "timestamp" and form in TIMESTAMP_WORDS:
        return None
    try:
        read = datetime.strptime(_SAMPLE.strftime(form), form)  # noqa: DTZ007 - compared by parts
    except ValueError:
        return f"is `{form}`, which cannot be read; write e.g. {EXAMPLES[kind]}"
    same_day = read.date() == _SAMPLE.date() or kind == "clock"
    same_clock = (read.hour, read.minute) == (_SAMPLE.hour, _SAMPLE.minute) or kind == "date"
    if same_day and same_clock:
        return None
    return f"is `{form}`, which does not say a whole {kind}; write e.g. {EXAMPLES[kind]}"
