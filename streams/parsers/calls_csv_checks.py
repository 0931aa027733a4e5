"""The ways in which a row may contradict itself, as a mapping writes them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from streams.parsers.calls_csv_columns import Moment, When  # noqa: TC001 - read by pydantic

if TYPE_CHECKING:
    from collections.abc import Iterator

_LABEL = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def refuse_seconds(moment: Moment, name: str) -> None:
    """Refuse a moment that counts from one before it, where there is none."""
    if moment.seconds:
        msg = f"`{name}` has no moment before it to count from; write its `timestamp` or `clock`"
        raise ValueError(msg)


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A duration that is written twice: as two moments and in seconds."""

    start: Moment
    end: Moment
    seconds: str
    tolerance: float = 0

    def __post_init__(self) -> None:
        refuse_seconds(self.start, "start")


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
            refuse_seconds(self.order, "order")
        if not kinds and not self.when:
            msg = "write what contradicts: `when`, `negative`, `interval`, `near` or `order`"
            raise ValueError(msg)

    def moments(self) -> Iterator[Moment]:
        """The moments it looks at."""
        if self.interval:
            yield from (self.interval.start, self.interval.end)
        if self.near:
            yield self.near.moment
        if self.order:
            yield self.order

    def durations(self) -> Iterator[str]:
        """The columns of durations it looks at."""
        if self.negative:
            yield self.negative
        if self.interval:
            yield self.interval.seconds
