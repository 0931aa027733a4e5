"""The envelope of a dead letter: the record as received, and why it could not be applied."""

from __future__ import annotations

from base64 import b64encode
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import msgspec

from streams.instants import MILLISECOND, TOO_LATE, to_rfc3339

if TYPE_CHECKING:
    from streams.records import Rejection

MAX_VALUE: Final = 128 * 1024
"""Bytes of a value that are kept; as JSON text they may grow sixfold, and Kafka takes 1 MB.

An event may have half of that, so a value that is cut could not have been applied anyway.
"""

MAX_KEY: Final = 1024

_encoder = msgspec.json.Encoder()


class DeadLetter(msgspec.Struct, frozen=True, omit_defaults=True):
    """What stands on the dead-letter topic, as JSON.

    Attributes:
        reason: from the fixed list.
        detail: for the person who mends the source.
        topic, partition, offset: where it came from.
        appended_at: when it was appended there, RFC 3339.
        key, value: as text; where that is not possible, their `_base64` twins are set instead.
        cut_from: bytes the value had, when it was too long to keep whole.
    """

    reason: str
    detail: str
    topic: str
    partition: int
    offset: int
    appended_at: str
    key: str | None = None
    key_base64: str | None = None
    value: str | None = None
    value_base64: str | None = None
    cut_from: int | None = None


def seal(rejection: Rejection) -> bytes:
    """The letter for a rejected record, as JSON."""
    record = rejection.record
    size = len(record.value or b"")
    key, key_base64 = _as_text(record.key, MAX_KEY)
    value, value_base64 = _as_text(record.value, MAX_VALUE)
    return _encoder.encode(
        DeadLetter(
            reason=str(rejection.reason),
            detail=rejection.detail,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            appended_at=_moment(record.timestamp),
            key=key,
            key_base64=key_base64,
            value=value,
            value_base64=value_base64,
            cut_from=size if size > MAX_VALUE else None,
        )
    )


@lru_cache(maxsize=1024)
def _moment(timestamp: int) -> str:
    """A broker stamps all records of a batch alike, and to write a time takes 3 microseconds.

    A producer that may stamp its own can write what no calendar has.
    """
    return to_rfc3339(min(max(timestamp * MILLISECOND, 0), TOO_LATE))


def _as_text(raw: bytes | None, limit: int) -> tuple[str | None, str | None]:
    if raw is None:
        return None, None
    kept = raw[:limit]
    try:
        return kept.decode(), None
    except UnicodeDecodeError:
        return None, b64encode(kept).decode()
