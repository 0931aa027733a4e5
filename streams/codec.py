"""Bytes to events and back; every refusal has a reason from the fixed list.

`msgspec` decodes and checks in one pass of C, and stops at the first fault of an event.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import get_args

import msgspec

from streams import events
from streams.conventions import Reason
from streams.errors import RejectedError
from streams.events import MAX_EVENT_BYTES, CallRecord

_decoder: msgspec.json.Decoder[events.AnyEvent] = msgspec.json.Decoder(events.AnyEvent)
_decode = _decoder.decode
_encoder = msgspec.json.Encoder()

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What the decoder raises; thousands of brackets exhaust its stack before they mean anything."""

_REASON_OF_MESSAGE: tuple[tuple[re.Pattern[str], Reason], ...] = (
    (re.compile(r"^Object missing required field"), Reason.MISSING_FIELD),
    (re.compile(r"^Invalid value - at `\$\.type`$"), Reason.UNKNOWN_TYPE),
    (re.compile(r"^Invalid enum value"), Reason.UNKNOWN_VALUE),
    (re.compile(r"with a timezone component"), Reason.TIME_WITHOUT_OFFSET),
    (re.compile(r"^(Invalid RFC3339|Expected `datetime)"), Reason.INVALID_TIME),
    (re.compile(r"^Expected `str` of length <="), Reason.TOO_LONG),
    (re.compile(r"^Expected `str` of length >="), Reason.OUT_OF_RANGE),
    (re.compile(r"^Expected `(int|float)` [<>]=|out of range"), Reason.OUT_OF_RANGE),
)
"""First match wins; whatever is left is a value of the wrong JSON type."""

_WRITE_INSTEAD = {
    Reason.UNKNOWN_TYPE: "; write one of "
    + ", ".join(str(kind.__struct_config__.tag) for kind in get_args(events.AnyEvent)),
    Reason.UNKNOWN_VALUE: "; docs/events.md lists the values of this field",
    Reason.TIME_WITHOUT_OFFSET: "; write e.g. 2026-03-02T09:00:00+01:00",
    Reason.INVALID_TIME: "; write e.g. 2026-03-02T09:00:00+01:00",
}

LONGEST_KEPT = 200

_QUOTED_VALUE = re.compile(r"^(Invalid (?:enum )?value) .*( - at `[^`]*`)$", re.DOTALL)


def decode_event(data: bytes) -> events.AnyEvent:
    """The event in one Kafka value.

    Raises:
        RejectedError: with the reason and the place of the first fault.

    >>> decode_event(b'{"type": "heartbeat", "organisation": "skara"}')
    Traceback (most recent call last):
    streams.errors.RejectedError: missing_field: Object missing required field `source`
    """
    try:
        return read_event(data)
    except UNREADABLE as fault:
        raise RejectedError(*reason_of(fault)) from None


def read_event(data: bytes) -> events.AnyEvent:
    """As `decode_event`, in half the time for a bad one: whoever calls it calls `reason_of`.

    Raises:
        RejectedError: it can be decoded, or is too long for that.
        UNREADABLE: it cannot.
    """
    if len(data) > MAX_EVENT_BYTES:
        detail = f"{len(data):,} bytes; an event has at most {MAX_EVENT_BYTES:,}"
        raise RejectedError(Reason.TOO_LARGE, detail)
    event = _decode(data)
    if type(event) is CallRecord:
        _check_record(event)
    return event


def reason_of(fault: Exception) -> tuple[Reason, str]:
    """The reason and the detail of what the decoder raised, which is one of `UNREADABLE`."""
    message = str(fault)
    if type(fault) is not msgspec.ValidationError:
        return Reason.NOT_JSON, message
    # It quotes a value that may be as long as an event; a thousand of those are not to be kept.
    return (_reason_of if len(message) < LONGEST_KEPT else _reason_of.__wrapped__)(message)


def encode_event(event: events.Event) -> bytes:
    """The JSON of an event, without line end."""
    return _encoder.encode(event)


@lru_cache(maxsize=1024)
def _reason_of(fault: str) -> tuple[Reason, str]:
    """The reason and the detail for what `msgspec` says, which is mostly the same."""
    # A rejected value may be a telephone number in the wrong field: name the place, not the value.
    if quoting := _QUOTED_VALUE.match(fault):
        fault = quoting[1] + quoting[2]
    known = (reason for pattern, reason in _REASON_OF_MESSAGE if pattern.search(fault))
    reason = next(known, Reason.WRONG_TYPE)
    return reason, fault + _WRITE_INSTEAD.get(reason, "")


def _check_record(record: CallRecord) -> None:
    """A record whose clocks run backwards describes no call; guessing would hide it."""
    if record.left_at is None and record.reason is not None:
        raise RejectedError(Reason.MISSING_FIELD, "`reason` is given without `left_at`")
    if record.answered_at is None and record.left_at is None and record.ended_at is None:
        return
    for name in ("answered_at", "left_at", "ended_at"):
        moment = getattr(record, name)
        if moment is not None and moment < record.entered_at:
            raise RejectedError(Reason.CONTRADICTORY_TIMES, f"`{name}` is before `entered_at`")
    if (
        record.answered_at is not None
        and record.ended_at is not None
        and record.ended_at < record.answered_at
    ):
        raise RejectedError(Reason.CONTRADICTORY_TIMES, "`ended_at` is before `answered_at`")
