"""How often control charts cry wolf, and how soon they see a wolf.

Stable weeks are simulated: the share that chance is to give moves around a mean from week to week
(staffing, weather, holidays), and each contact keeps the promise by that week's share. A chart
looks at every week of a year with the 26 weeks before it as its baseline, as an export does. Then
the mean falls by five points and stays there.

    python benchmarks/control_chart.py [--years 2000]
"""

from __future__ import annotations

import argparse
from math import sqrt
from random import Random
from statistics import mean, median
from typing import TYPE_CHECKING, NamedTuple

from rich.console import Console
from rich.table import Table

from streams.exports.control_chart import RUN, individual_limits, share_limits, signal
from streams.exports.wanted import BASELINE

if TYPE_CHECKING:
    from streams.exports.model import Rule

Share = tuple[int, int]
"""Kept and all."""

CHARTS = ("p", "p'", "XmR")
WEEKS = 52
LONGEST = 26
DROP = 0.05
NEVER = LONGEST + 1


class World(NamedTuple):
    """A stable contact centre.

    Attributes:
        name: for the table.
        n: contacts a week, give or take a twelfth.
        share: of them that keep the promise.
        moves: standard deviation of that share from week to week.
        memory: correlation of a week's share with the one before.
    """

    name: str
    n: int
    share: float
    moves: float
    memory: float = 0.0


WORLDS = (
    World("100 mails, 85 %", 100, 0.85, 0.02),
    World("100 mails, 97 %", 100, 0.97, 0.005),
    World("20 mails, 85 %", 20, 0.85, 0.02),
    World("6,500 calls, 80 %", 6_500, 0.80, 0.03),
    World("6,500 calls, with memory", 6_500, 0.80, 0.03, 0.3),
    World("6,500 calls, chance only", 6_500, 0.80, 0.0),
)


def weeks(world: World, rng: Random, count: int, drop_from: int | None = None) -> list[Share]:
    """Kept and all of some weeks, from one of them on with a lower mean."""
    found: list[Share] = []
    drift = rng.gauss(0, world.moves)
    for number in range(count):
        fresh = rng.gauss(0, world.moves) * sqrt(1 - world.memory**2)
        drift = world.memory * drift + fresh
        fallen = DROP if drop_from is not None and number >= drop_from else 0
        share = min(1.0, max(0.0, world.share - fallen + drift))
        n = max(1, round(rng.gauss(world.n, world.n / 12)))
        found.append((draw(rng, n, share), n))
    return found


def draw(rng: Random, n: int, share: float) -> int:
    """How many of `n` keep the promise; by the normal distribution where there are many."""
    if n * share * (1 - share) > 200:
        kept = round(rng.gauss(n * share, sqrt(n * share * (1 - share))))
        return min(n, max(0, kept))
    return sum(rng.random() < share for _ in range(n))


def judge(chart: str, history: list[Share]) -> Rule:
    """Which test gives a signal in the last week, if one does."""
    *past, (kept, n) = history[-BASELINE - 1 :]
    shares = [k / m for k, m in past]
    is_share = chart != "XmR"
    limits = share_limits(past) if is_share else individual_limits(shares, most=1.0)
    if chart == "p":
        limits = limits._replace(sigma=sqrt(limits.centre * (1 - limits.centre)))
    return signal(limits, shares, kept / n, n)[1]


def false_alarms(world: World, chart: str, years: int) -> tuple[float, float]:
    """Weeks a year with a point beyond the limits, and with a run only, while nothing happens."""
    rng = Random(1)  # noqa: S311 - chance, not secrecy
    seen = {"limits": 0, "run": 0, "": 0}
    for _ in range(years):
        told = weeks(world, rng, BASELINE + WEEKS)
        for week in range(BASELINE, BASELINE + WEEKS):
            seen[judge(chart, told[: week + 1])] += 1
    return seen["limits"] / years, seen["run"] / years


def weeks_to_detect(world: World, chart: str, years: int) -> tuple[float, float]:
    """The median of weeks until the first signal after the drop, and the share seen in eight."""
    rng = Random(2)  # noqa: S311 - chance, not secrecy
    waits = []
    for _ in range(years):
        told = weeks(world, rng, BASELINE + LONGEST, drop_from=BASELINE)
        ends = range(BASELINE + 1, BASELINE + LONGEST + 1)
        waits.append(next((e - BASELINE for e in ends if judge(chart, told[:e])), NEVER))
    return median(waits), mean(wait <= RUN for wait in waits)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--years", type=int, default=500, help="simulated, of each world")
    years = parser.parse_args().years
    table = Table(title=f"{years} simulated years of each; the last two after a drop of 5 points")
    for heading in ("world", "chart", "limits", "runs", "false alarms a year"):
        table.add_column(heading)
    table.add_column("weeks to detect", justify="right")
    table.add_column("seen in 8 weeks", justify="right")
    for world in WORLDS:
        for chart in CHARTS:
            limits, runs = false_alarms(world, chart, years)
            wait, soon = weeks_to_detect(world, chart, years)
            table.add_row(
                world.name,
                chart,
                f"{limits:.2f}",
                f"{runs:.2f}",
                f"{limits + runs:.1f}",
                "-" if wait == NEVER else f"{wait:.0f}",
                f"{soon:.0%}",
            )
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
