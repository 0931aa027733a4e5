"""A dead letter can be written whatever the record was."""

from __future__ import annotations

import msgspec
import pytest

from agents.envelopes import seal
from streams.conventions import Reason
from streams.records import Record, Rejection


@pytest.mark.parametrize(
    ("timestamp", "shown"),
    [
        pytest.param(1_700_000_000_000, "2023-11-14T22:13:20+00:00", id="as brokers stamp"),
        pytest.param(-1, "1970-01-01T00:00:00+00:00", id="none at all"),
        pytest.param(2**62, "2200-01-01T00:00:00+00:00", id="of no calendar"),
        pytest.param(-(2**62), "1970-01-01T00:00:00+00:00", id="of no calendar either"),
    ],
)
def test_any_timestamp_can_be_written(timestamp: int, shown: str) -> None:
    """Where producers stamp their records, one bad record must not end a worker."""
    record = Record(b"{", None, timestamp, 7, "kontaktpuls.calls", 1)
    letter = msgspec.json.decode(seal(Rejection(record, Reason.NOT_JSON, "no object")))

    assert letter["appended_at"] == shown
