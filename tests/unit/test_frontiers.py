"""How far the truth reaches: no further than what every living source has told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.conventions import OTHER
from streams.frontiers import LEFT_BEHIND, UNATTRIBUTED, as_of
from streams.instants import HOUR, MINUTE, SECOND

NINE = 9 * HOUR
known_sources = st.dictionaries(
    st.sampled_from(["exchange", "mailbox", "tickets"]), st.integers(NINE - HOUR, NINE), min_size=1
)


@pytest.mark.parametrize(
    ("frontiers", "expected"),
    [
        pytest.param({}, None, id="nobody has told anything"),
        pytest.param({"exchange": NINE}, NINE, id="one source"),
        pytest.param(
            {"exchange": NINE, "mailbox": NINE - MINUTE}, NINE - MINUTE, id="the slower of two"
        ),
        pytest.param(
            {"exchange": NINE, "mailbox": NINE - LEFT_BEHIND},
            NINE - LEFT_BEHIND,
            id="just near enough to be waited for",
        ),
        pytest.param(
            {"exchange": NINE, "mailbox": NINE - LEFT_BEHIND - 1},
            NINE,
            id="too far behind to hold the others back",
        ),
        pytest.param(
            {"exchange": NINE, "mailbox": NINE - MINUTE, "tickets": NINE - HOUR},
            NINE - MINUTE,
            id="the slowest of those that are near",
        ),
        pytest.param(
            {"exchange": NINE, UNATTRIBUTED: NINE + HOUR},
            NINE,
            id="facts of nobody's parts move no clock while a source is heard",
        ),
        pytest.param(
            {"exchange": NINE, UNATTRIBUTED: NINE - MINUTE},
            NINE,
            id="nor do they hold it back",
        ),
        pytest.param(
            {"exchange": NINE, OTHER: NINE + HOUR},
            NINE,
            id="sources nobody configured move no clock either",
        ),
        pytest.param(
            {"exchange": NINE, OTHER: NINE - MINUTE},
            NINE,
            id="nor do those hold it back",
        ),
        pytest.param({UNATTRIBUTED: NINE}, NINE, id="facts alone, where no source is configured"),
    ],
)
def test_a_channel_is_known_up_to_its_slowest_living_source(
    frontiers: dict[str, int], expected: int | None
) -> None:
    """What the slowest has not told may still change; one far behind is not waited for."""
    assert expected == as_of(frontiers)


def test_the_truth_is_never_ahead_of_the_clock() -> None:
    """An exchange whose clock is fast makes nobody late before it is time."""
    assert as_of({"exchange": NINE + MINUTE}, now=NINE) == NINE
    assert as_of({"exchange": NINE - SECOND}, now=NINE) == NINE - SECOND


@given(frontiers=known_sources, now=st.integers(NINE - 2 * HOUR, NINE + HOUR))
def test_the_truth_lies_between_the_slowest_and_the_fastest(
    frontiers: dict[str, int], now: int
) -> None:
    """It is some source's frontier, or the clock; and within reach of the fastest source."""
    instant = as_of(frontiers, now)

    assert instant is not None
    assert instant == now or instant in frontiers.values()
    assert min(now, max(frontiers.values()) - LEFT_BEHIND) <= instant
    assert instant <= min(now, max(frontiers.values()))


@given(frontiers=known_sources, ahead=st.integers(0, HOUR))
def test_time_goes_on_with_everybody(frontiers: dict[str, int], ahead: int) -> None:
    """When all sources move on by as much, so does the truth."""
    before, after = (
        as_of({name: at + moved for name, at in frontiers.items()}) for moved in (0, ahead)
    )

    assert before is not None
    assert after == before + ahead
