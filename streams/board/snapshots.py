"""Live snapshots as the board reads them back."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from streams.conventions import TOTAL
from streams.instants import parse_rfc3339
from streams.kpis.definition import PART_LABEL

View = dict[str, Any]
"""KPIs by name."""

# What a view may hold, by depth: a KPI, KPIs by choice, and both of these by promise.
_Choices = dict[str, float | None]
_Kpis = dict[str, float | _Choices | None]
_Promises = dict[str, float | _Kpis | None]
_View = dict[str, float | _Promises | None]


class SnapshotError(ValueError):
    """A stored snapshot that is none: another version wrote it, or somebody else."""


class PartSnapshot(msgspec.Struct, frozen=True):
    """One queue or mailbox, or the total; KPIs by name."""

    now: _View
    windows: dict[str, _View]
    queue: str | None = None
    mailbox: str | None = None


class Due(msgspec.Struct, frozen=True):
    """A promise that can still be kept."""

    due: str
    opened: str
    promise: str


class Snapshot(msgspec.Struct, frozen=True):
    """One channel of one organisation at one instant."""

    organisation: str
    channel: str
    as_of: str
    parts: list[PartSnapshot]
    due_next: list[Due]

    @property
    def instant(self) -> int:
        """`as_of` as an instant."""
        return parse_rfc3339(self.as_of)

    def by_part(self) -> dict[str, PartSnapshot]:
        """The parts by name, the total first."""
        label = PART_LABEL[self.channel].value
        return {getattr(part, label) or TOTAL: part for part in self.parts}


class Share(NamedTuple):
    """A ratio and what it rests on."""

    kept: int
    n: int


_decoder = msgspec.json.Decoder(Snapshot)


def read_snapshot(stored: bytes) -> Snapshot:
    """A snapshot as `streams.views.live_snapshot` wrote it.

    Raises:
        SnapshotError: it is none.
    """
    try:
        snapshot = _decoder.decode(stored)
        for instant in (snapshot.as_of, *(due.due for due in snapshot.due_next)):
            parse_rfc3339(instant)
        has_total = TOTAL in snapshot.by_part()
    except (ValueError, KeyError, AttributeError) as error:
        raise SnapshotError(str(error)) from error
    if not has_total:
        msg = "the snapshot has no total"
        raise SnapshotError(msg)
    return snapshot


def number(view: View, name: str) -> float | None:
    """The value of a KPI that is one number; `None` = no data."""
    value = view.get(name)
    return value if isinstance(value, int | float) else None


def count(view: View, name: str) -> int:
    """A KPI that counts; no data counts nothing."""
    return int(number(view, name) or 0)


def of_promise(view: View, promise: str) -> View:
    """The KPIs of one promise; none where it does not hold."""
    promises: dict[str, View] = view.get("promises", {})
    return promises.get(promise, {})


def share(view: View, name: str, promise: str) -> Share:
    """A ratio of a promise; 0 of 0 where there is no data."""
    kpis = of_promise(view, promise)
    return Share(count(kpis, f"{name}_numerator"), count(kpis, f"{name}_n"))
