"""Amounts: everything a cell counts as one integer, with 64 bits for each measure.

Adding two cells is one addition, however many measures they have, and so is taking one out of
another. In between the integer may well be negative; what it says of each measure can be read once
all of them are at least zero. 64 bits hold the microseconds of 292,000 years.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

BITS = 64
BYTES = BITS // 8


def once(measure: int) -> int:
    """Once a measure and nothing else; times `n` it is `n` of it.

    >>> unpack(once(0) + 30 * once(2), 3)
    (1, 0, 30)
    """
    return 1 << BITS * measure


def pack(counts: Sequence[int]) -> int:
    """The counts of all measures, each at least zero, as one integer.

    >>> pack([7, 0, 1]) == 7 * once(0) + once(2)
    True
    """
    return int.from_bytes(struct.pack(f"<{len(counts)}Q", *counts), "little")


def unpack(amounts: int, width: int) -> tuple[int, ...]:
    """The counts of `width` measures.

    Raises:
        OverflowError: more was taken out than was put in.
    """
    return struct.unpack(f"<{width}Q", amounts.to_bytes(BYTES * width, "little"))
