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

_encode = msgspec.json.Encoder().encode


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


def seal(rejection: Rejection, topic: str, partition: int) -> bytes:
    """The letter for a record that was rejected from a partition of a topic, as JSON."""
    record = rejection.record
    head = _head(rejection.reason, rejection.detail, topic, partition, record.timestamp)
    key, value = record.key, record.value
    named = b"" if key is None else _key(key[:MAX_KEY])
    told = b"" if value is None else _field(b"value", value[:MAX_VALUE])
    if value and len(value) > MAX_VALUE:
        told += b',"cut_from":%d' % len(value)
    return b'%b,"offset":%d%b%b}' % (head, record.offset, named, told)


@lru_cache(maxsize=1024)
def _head(reason: str, detail: str, topic: str, partition: int, timestamp: int) -> bytes:
    """What many letters have in common: sources err alike, and a broker stamps whole batches.

    A producer that may stamp its own records can write what no calendar has.
    """
    moment = to_rfc3339(min(max(timestamp * MILLISECOND, 0), TOO_LATE))
    told = {"reason": str(reason), "detail": detail, "topic": topic, "partition": partition}
    return _encode(told | {"appended_at": moment}).removesuffix(b"}")


@lru_cache(maxsize=1024)
def _key(key: bytes) -> bytes:
    """The key, which is mostly an organisation."""
    return _field(b"key", key)


def _field(name: bytes, raw: bytes) -> bytes:
    """Bytes as text, or in base 64 where they are none."""
    try:
        return b',"%b":%b' % (name, _encode(raw.decode()))
    except UnicodeDecodeError:
        return b',"%b_base64":"%b"' % (name, b64encode(raw))
