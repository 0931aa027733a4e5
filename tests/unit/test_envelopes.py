"""A dead letter can be written whatever the record was."""

from __future__ import annotations

from base64 import b64decode

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.dead_letters import raw_value
from agents.envelopes import MAX_KEY, MAX_VALUE, DeadLetter, seal
from streams.conventions import Reason
from streams.records import Rejection
from tests.kafka_records import Record


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
    letter = msgspec.json.decode(
        seal(Rejection(record, Reason.NOT_JSON, "no object"), record.topic, record.partition)
    )

    assert letter["appended_at"] == shown


@given(
    key=st.none() | st.binary(max_size=30) | st.text(max_size=30).map(str.encode),
    value=st.none() | st.binary(max_size=60) | st.text(max_size=60).map(str.encode),
    detail=st.text(max_size=40),
    offset=st.integers(0, 2**63 - 1),
)
def test_a_letter_tells_what_was_received(
    key: bytes | None, value: bytes | None, detail: str, offset: int
) -> None:
    """Byte for byte, as text wherever it is text, whatever the texts quote."""
    record = Record(value, key, 0, offset, "kontaktpuls.calls", 1)
    rejection = Rejection(record, Reason.WRONG_TYPE, detail)
    letter = msgspec.json.decode(seal(rejection, "kontaktpuls.calls", 1), type=DeadLetter)

    assert raw_value(letter) == value
    assert (letter.value_base64 is None) == (value is None or is_text(value))
    assert (letter.key_base64 is None) == (key is None or is_text(key))
    if letter.key_base64 is None:
        assert letter.key == (None if key is None else key.decode())
    else:
        assert b64decode(letter.key_base64) == key
    assert (letter.reason, letter.detail, letter.cut_from) == ("wrong_type", detail, None)
    assert (letter.topic, letter.partition, letter.offset) == ("kontaktpuls.calls", 1, offset)


def test_what_is_too_long_is_cut() -> None:
    """The letter says how long it was, and stays a letter where a character is cut in two."""
    record = Record(b"x" + "\u00e5".encode() * MAX_VALUE, b"k" * 2 * MAX_KEY, 0, 7, "t", 1)
    rejection = Rejection(record, Reason.TOO_LARGE, "too long")
    letter = msgspec.json.decode(seal(rejection, "t", 1), type=DeadLetter)

    assert letter.cut_from == 2 * MAX_VALUE + 1
    assert letter.value is None
    assert len(b64decode(letter.value_base64 or "")) == MAX_VALUE
    assert letter.key == "k" * MAX_KEY


def is_text(raw: bytes) -> bool:
    """Whether it can be decoded."""
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
