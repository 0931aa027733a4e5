"""The row of a folded hour: counts that outlive changes of the configuration.

What promises count stands under the promise's name, since their places in a cell move when one is
added or taken out. Zeros at the end of counts are left out. The hours of arrival stand in front, so
that a row is found by them without reading the rest of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from streams import measures
from streams.cells import Cell
from streams.errors import StateError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.folding import CellsByPlace
    from streams.plans import Plan

Counts = tuple[int, ...]
FoldedCell = tuple[str, int, Counts, dict[int, Counts], dict[int, int]]
"""Part, hour of arrival, the channel's own counts, those of promises by the place of their name,
waits by whole second."""


class FoldedRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What the contacts first seen in one hour came to, as it is stored.

    Attributes:
        offset: of the last input record its writer had applied; the highest wins.
        hours: of arrival, ascending.
        body: the cells.
    """

    offset: int
    hours: list[int]
    body: msgspec.Raw


class _Body(msgspec.Struct, frozen=True, array_like=True, gc=False):
    promises: tuple[str, ...]
    cells: list[FoldedCell]


_encoder = msgspec.msgpack.Encoder()
_rows = msgspec.msgpack.Decoder(FoldedRow)
_bodies = msgspec.msgpack.Decoder(_Body)


def encode_folded(plan: Plan, cells: CellsByPlace, offset: int) -> bytes:
    """The value of a folded hour's row."""
    start, block = len(measures.BASE[plan.channel]), len(measures.PROMISE[plan.channel])
    folded: list[FoldedCell] = []
    for (part, hour), cell in sorted(cells.items()):
        told = cell.counts
        promises = {
            place: counts
            for place in range(len(plan.promise_names))
            if (counts := _trimmed(told[start + place * block :][:block]))
        }
        folded.append((part, hour, _trimmed(told[:start]), promises, cell.waits))
    body = msgspec.Raw(_encoder.encode(_Body(plan.promise_names, folded)))
    return _encoder.encode(FoldedRow(offset, sorted({hour for _, hour in cells}), body))


def decode_folded(value: bytes) -> FoldedRow:
    """A folded hour's row, its cells unread; `StateError` when it is none."""
    try:
        return _rows.decode(value)
    except msgspec.MsgspecError as fault:
        msg = f"a folded hour of {len(value)} bytes cannot be read: {fault}"
        raise StateError(msg) from None


def folded_cells(plan: Plan, row: FoldedRow, hour: int) -> Iterator[tuple[str, Cell]]:
    """What a row counts of those who arrived in an hour, by part, as the plan lays cells out.

    Promises that are configured no longer are left out here, and stay in the row.

    Raises:
        StateError: the cells cannot be read.
    """
    try:
        body = _bodies.decode(row.body)
    except msgspec.MsgspecError as fault:
        msg = f"the cells of a folded hour cannot be read: {fault}"
        raise StateError(msg) from None
    bases = [plan.base.get(name) for name in body.promises]
    for part, arrived, counts, promises, waits in body.cells:
        if arrived == hour:
            laid_out = [*counts, *[0] * (plan.width - len(counts))]
            for place, block in promises.items():
                base = bases[place]
                if base is not None:
                    laid_out[base : base + len(block)] = block
            yield part, Cell.of(laid_out, waits)


def _trimmed(counts: Counts) -> Counts:
    """Without the zeros at the end.

    >>> _trimmed((0, 7, 0))
    (0, 7)
    """
    length = len(counts)
    while length and not counts[length - 1]:
        length -= 1
    return counts[:length]
