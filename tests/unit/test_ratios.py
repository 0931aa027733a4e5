"""Confidence intervals against published values, percentiles against sorted lists."""

from __future__ import annotations

from collections import Counter
from math import ceil
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.kpis.definition import QUANTILES
from streams.kpis.ratios import Z, quantiles, wilson

SHARES = tuple(map(float, QUANTILES))
counts = st.integers(1, 100_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.mark.parametrize(
    ("n", "lower", "upper"),
    [
        pytest.param(10, 54, 96, id="half a day of e-mails"),
        pytest.param(50, 73, 92, id="a slow week of e-mails"),
        pytest.param(100, 77, 91, id="a survey that may just be published"),
        pytest.param(200, 79, 89, id="a busy week of e-mails"),
    ],
)
def test_85_percent_is_as_sure_as_its_n(n: int, lower: int, upper: int) -> None:
    """The intervals of 85 % at the sizes a municipality has, in whole percent."""
    kept: Any = 85 * n / 100  # the table speaks of shares, 8.5 of 10 among them

    bounds = wilson(kept, n)

    assert (lower, upper) == tuple(round(100 * bound) for bound in bounds)


@pytest.mark.parametrize(
    ("kept", "n", "lower", "upper"),
    [
        pytest.param(5525, 6500, 0.841, 0.858, id="a week of calls"),
        pytest.param(17, 20, 0.640, 0.948, id="17 of 20"),
        pytest.param(81, 263, 0.255, 0.366, id="81 of 263, Newcombe 1998"),
        pytest.param(15, 148, 0.062, 0.160, id="15 of 148, Newcombe 1998"),
        pytest.param(0, 20, 0.000, 0.161, id="none of 20, Newcombe 1998"),
        pytest.param(1, 29, 0.006, 0.172, id="1 of 29, Newcombe 1998"),
    ],
)
def test_intervals_are_those_of_the_literature(
    kept: int, n: int, lower: float, upper: float
) -> None:
    """Wilson's score interval without continuity correction, to three places."""
    assert (lower, upper) == tuple(round(bound, 3) for bound in wilson(kept, n))


@given(counts=counts)
def test_an_interval_holds_its_share_and_stays_a_share(counts: tuple[int, int]) -> None:
    """However small the numbers, no bound leaves 0-1 and the share lies between them."""
    kept, n = counts

    lower, upper = wilson(kept, n)

    assert 0 <= lower <= kept / n + 1e-12
    assert kept / n - 1e-12 <= upper <= 1
    assert lower < upper


@given(counts=counts)
def test_bounds_solve_the_equation_they_come_from(counts: tuple[int, int]) -> None:
    """Seen from a bound, the share is just as far away as chance goes in 95 of 100 cases."""
    kept, n = counts

    for bound in wilson(kept, n):
        away = (kept / n - bound) ** 2
        by_chance = Z * Z * bound * (1 - bound) / n

        assert away == pytest.approx(by_chance, rel=1e-6, abs=1e-9)


@given(counts=counts)
def test_kept_and_missed_mirror_each_other(counts: tuple[int, int]) -> None:
    """The interval of what was missed is that of what was kept, seen from the other end."""
    kept, n = counts
    lower, upper = wilson(kept, n)

    assert (1 - upper, 1 - lower) == pytest.approx(wilson(n - kept, n), abs=1e-12)


@given(waits=st.lists(st.integers(0, 3_600), min_size=1, max_size=200))
def test_percentiles_are_those_of_the_sorted_list(waits: list[int]) -> None:
    """Nearest rank: the smallest value that at least that share does not exceed."""
    in_order = sorted(waits)
    expected = [in_order[ceil(share * len(waits)) - 1] for share in SHARES]

    assert expected == quantiles(dict(Counter(waits)), SHARES)


@given(
    left=st.lists(st.integers(0, 60), min_size=1, max_size=50),
    right=st.lists(st.integers(0, 60), max_size=50),
)
def test_percentiles_of_merged_counts_are_those_of_all(left: list[int], right: list[int]) -> None:
    """Counts of two windows may be added; their percentiles may not, and are not."""
    together = Counter(left) + Counter(right)

    assert quantiles(dict(Counter(left + right)), SHARES) == quantiles(dict(together), SHARES)


@pytest.mark.parametrize(
    ("waits", "expected"),
    [
        pytest.param({7: 1}, [7, 7, 7], id="one wait is all of them"),
        pytest.param({10: 1, 20: 1}, [10, 20, 20], id="the median of two is the smaller"),
        pytest.param(dict.fromkeys(range(1, 11), 1), [5, 9, 10], id="one to ten"),
        pytest.param({0: 9, 600: 1}, [0, 0, 600], id="one long wait shows in the maximum only"),
        pytest.param({0: 8, 600: 2}, [0, 600, 600], id="two long ones reach the 90th percentile"),
    ],
)
def test_percentiles_of_small_samples(waits: dict[int, int], expected: list[int]) -> None:
    """Every percentile is a wait that somebody had."""
    assert expected == quantiles(waits, SHARES)
