"""Stored rollups read back: from the JSON that Redis keeps to counts that add up."""

from __future__ import annotations

from operator import add
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from streams import measures
from streams.cells import Cell
from streams.exports.truth import HistoryError
from streams.rollups import PENDING, rollup_field

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from streams.organisations import Channel
    from streams.plans import Plan

amounts_of: Callable[[Any], tuple[int, ...]] = msgspec.structs.astuple
"""The counts of a rollup or of one of its promises, in the order of their measures; behind those of
a rollup come its promises and waits."""


class Sum(NamedTuple):
    """Everything that was counted of a part over some hours of arrival.

    Attributes:
        cell: as KPIs read it.
        pending: open promises that time has not decided, by name of the promise.
    """

    cell: Cell
    pending: dict[str, int]


class Counted:
    """Rollups added up.

    Attributes:
        base: by measure of the channel.
        promises: by name, and in each by measure; the last one counts what is pending.
        waits: by whole second.
    """

    __slots__ = ("base", "promises", "waits")

    def __init__(self, channel: Channel) -> None:
        """Nobody yet."""
        self.base: Sequence[int] = [0] * len(measures.BASE[channel])
        self.promises: dict[str, Sequence[int]] = {}
        self.waits: dict[int, int] = {}

    def add_counts(self, rollup: Any) -> None:
        """Add a decoded rollup, its waits apart."""
        self.base = list(map(add, self.base, amounts_of(rollup)))
        known = self.promises
        for name, promise in rollup.promises.items():
            before, amounts = known.get(name), amounts_of(promise)
            known[name] = list(map(add, before, amounts)) if before else amounts

    def add_waits(self, others: Mapping[int, int]) -> None:
        """Add waits by whole second."""
        waits = self.waits
        for second, n in others.items():
            waits[second] = waits.get(second, 0) + n

    def include(self, other: Counted) -> None:
        """Add everything that was counted elsewhere."""
        self.base = list(map(add, self.base, other.base))
        for name, amounts in other.promises.items():
            before = self.promises.get(name)
            self.promises[name] = list(map(add, before, amounts)) if before else amounts
        self.add_waits(other.waits)

    def laid_out(self, plan: Plan) -> Sum:
        """As a plan says: promises that it does not name are left out, its new ones are nothing."""
        counts, pending = list(self.base), {}
        nothing = [0] * (len(measures.PROMISE[plan.channel]) + 1)
        for name in plan.base:
            *block, pending[name] = self.promises.get(name, nothing)
            counts += block
        return Sum(Cell.of(counts, dict(self.waits)), pending)


def decode_rollup(channel: Channel, hour: int, part: str, value: bytes) -> Any:
    """A rollup as Redis keeps it, for `Counted`; everything but counts is skipped.

    Raises:
        HistoryError: it cannot be read.
    """
    try:
        return _DECODE[channel](value)
    except msgspec.MsgspecError as fault:
        msg = f"the rollup `{rollup_field(hour, part)}` cannot be read: {fault}"
        raise HistoryError(msg) from None


def rollups_of_day(fields: Mapping[bytes, bytes]) -> Iterator[tuple[int, str, bytes]]:
    """The hour, part and value of every rollup in a hash, as Redis returns it.

    Raises:
        HistoryError: a field is neither of a rollup nor the writer's offset.
    """
    for field, value in fields.items():
        hour, bar, part = field.partition(b"|")
        # What is no hour of a part is the offset of the writer.
        if bar:
            try:
                yield int(hour), part.decode(), value
            except ValueError:
                msg = f"`{field!r}` is no hour and part of a rollup"
                raise HistoryError(msg) from None


def _decoder(channel: Channel) -> Callable[[bytes], Any]:
    names = (*measures.PROMISE[channel], PENDING)
    promise = msgspec.defstruct("Promise", [(name, int, 0) for name in names], gc=False)
    counts = [(name, int, 0) for name in measures.BASE[channel]]
    more: list[tuple[str, Any, Any]] = [
        ("promises", dict[str, promise], {}),  # type: ignore[valid-type]
        ("waits", dict[int, int], {}),
    ]
    return msgspec.json.Decoder(msgspec.defstruct("Rollup", [*counts, *more], gc=False)).decode


_DECODE = {channel: _decoder(channel) for channel in measures.BASE}
