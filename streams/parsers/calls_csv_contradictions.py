"""Where a row says something twice and differently, by the checks of its mapping."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from streams.instants import SECOND
from streams.parsers.rows import fits, read_duration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streams.parsers.calls_csv_checks import Check, Interval, Near
    from streams.parsers.calls_csv_columns import Moment
    from streams.parsers.calls_csv_moments import MomentReader


class Times(msgspec.Struct, frozen=True):
    """The instants of a call, as far as its outcome has them."""

    entered: int
    answered: int | None = None
    left: int | None = None
    ended: int | None = None


class ContradictionFinder:
    """Looks at rows in file order, since a check may compare a row with the one before."""

    def __init__(self, checks: tuple[Check, ...], moments: MomentReader) -> None:
        self._checks = checks
        self._moments = moments
        self._latest: dict[str, int] = {}

    def found(self, row: Mapping[str, str], times: Times | None) -> list[str]:
        """The names of the checks that a row fails; `times` is `None` where it is no call."""
        return [
            check.name
            for check in self._checks
            if fits(row, check.when) and self._fails(check, row, times)
        ]

    def _fails(self, check: Check, row: Mapping[str, str], times: Times | None) -> bool:
        if check.negative is not None:
            return read_duration(row, check.negative) < 0
        if check.interval is not None:
            return self._disagrees(check.interval, row)
        if check.near is not None:
            return self._is_far(check.near, row, getattr(times, check.near.to, None))
        return check.order is None or self._runs_backwards(check.name, check.order, row)

    def _disagrees(self, interval: Interval, row: Mapping[str, str]) -> bool:
        start = self._moments.instant(interval.start, row)
        end = self._moments.instant(interval.end, row, start)
        if start is None or end is None:
            return False
        error = end - start - read_duration(row, interval.seconds)
        return abs(error) > interval.tolerance * SECOND

    def _is_far(self, near: Near, row: Mapping[str, str], own: int | None) -> bool:
        other = None if own is None else self._moments.instant(near.moment, row, own)
        if own is None or other is None:
            return False
        return abs(other - own) > near.tolerance * SECOND

    def _runs_backwards(self, name: str, moment: Moment, row: Mapping[str, str]) -> bool:
        at = self._moments.instant(moment, row)
        if at is None:
            return False
        before = self._latest.get(name, at)
        self._latest[name] = at
        return at < before
