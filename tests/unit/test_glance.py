"""The table of the demo shows what `/metrics` says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from agents.glance import has_numbers, read_metrics, render_glance
from agents.settings import load_settings

if TYPE_CHECKING:
    from streams.organisations import Organisation

CONFIG = Path(__file__).parents[2] / "config"

SCRAPE = """
kontaktpuls_as_of_timestamp_seconds{channel="calls",organisation="exempelkommun"} 1794208636.2
kontaktpuls_calls_offered{organisation="exempelkommun",window="today"} 104
kontaktpuls_calls_service_level_events{organisation="exempelkommun",window="today",promise="p"} 102
kontaktpuls_calls_service_level_ratio{organisation="exempelkommun",window="today",promise="p"} 0.75
kontaktpuls_calls_waiting{organisation="exempelkommun"} 3
kontaktpuls_emails_due_within{organisation="exempelkommun",promise="r",hours="1"} 4
kontaktpuls_emails_due_within{organisation="exempelkommun",promise="r",hours="4"} 7
kontaktpuls_promise_target_ratio{channel="calls",organisation="exempelkommun",promise="p"} 0.8
kontaktpuls_promise_target_ratio{channel="calls",organisation="exempelkommun",promise="one-queue"} 1
kontaktpuls_promise_target_ratio{channel="calls",organisation="anonymous-bank",promise="p"} 0.9
"""


@pytest.fixture(scope="module")
def organisations() -> dict[str, Organisation]:
    """Those of the shipped configuration."""
    return load_settings(CONFIG, environ={}).organisations


def shown(text: str, organisations: dict[str, Organisation]) -> list[str]:
    """The lines of the table."""
    console = Console(width=100)
    with console.capture() as captured:
        console.print(render_glance(read_metrics(text), organisations))
    return [" ".join(line.split()) for line in captured.get().splitlines()]


def test_shares_come_with_their_number_and_their_aim(
    organisations: dict[str, Organisation],
) -> None:
    """Every ratio says of how many, and the moment is that of the organisation's clock."""
    assert shown(SCRAPE, organisations) == [
        "Exempelkommun Monday 09 November 08:17:16",
        "p today 75.0% of 102; aim 80%",
        "callers waiting now 3",
        "calls offered today 104",
        "e-mails due in 4 working hours 7",
    ]


def test_nothing_is_shown_as_nothing(organisations: dict[str, Organisation]) -> None:
    """A worker that recovers shows no zeros."""
    assert shown("", organisations) == ["no numbers yet"]


def test_numbers_begin_with_the_first_call() -> None:
    """A worker that has heard of nobody has no numbers."""
    nobody = SCRAPE.replace("} 104", "} 0")

    assert has_numbers(read_metrics(SCRAPE))
    assert not has_numbers(read_metrics(nobody))
