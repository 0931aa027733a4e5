"""Numbers about numbers: confidence of a share, and percentiles of counted seconds."""

from __future__ import annotations

from math import ceil, sqrt

Z = 1.959963984540054
"""97.5th percentile of the normal distribution: a 95 % interval."""


def wilson(kept: int, n: int) -> tuple[float, float]:
    """The 95 % score interval of a share (E. B. Wilson, 1927).

    It stays inside 0-1 and is honest where n is small, as with a municipality's e-mails.

    >>> [round(bound, 3) for bound in wilson(17, 20)]
    [0.64, 0.948]
    """
    share = kept / n
    z2 = Z * Z
    middle = share + z2 / (2 * n)
    half = Z * sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    scale = 1 + z2 / n
    return max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)


def quantiles(counts: dict[int, int], shares: tuple[float, ...]) -> list[int]:
    """Nearest-rank quantiles of counted values, for ascending shares; `counts` is not empty.

    >>> quantiles({10: 1, 20: 2, 90: 1}, (0.5, 0.9, 1.0))
    [20, 90, 90]
    """
    n = sum(counts.values())
    found: list[int] = []
    seen = 0
    wanted = iter(shares)
    rank = ceil(next(wanted) * n)
    for value in sorted(counts):
        seen += counts[value]
        while seen >= rank:
            found.append(value)
            share = next(wanted, None)
            if share is None:
                return found
            rank = ceil(share * n)
    return found
