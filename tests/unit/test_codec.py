"""What comes from outside: every bad value has its reason, and none of them speaks."""

from __future__ import annotations

import json
from datetime import timedelta, timezone
from typing import Any, get_args

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from agents.generate.contract import EVENT_TYPES, EXAMPLES, tag_of
from streams import events as ev
from streams.codec import decode_event, encode_event
from streams.conventions import Reason
from streams.errors import RejectedError

EXAMPLE: dict[str, dict[str, Any]] = {
    tag_of(kind): json.loads(line) for kind, line in EXAMPLES.items()
}


def line(tag: str, **changes: object) -> bytes:
    """An example with some fields changed."""
    return json.dumps(EXAMPLE[tag] | changes).encode()


def without(tag: str, field: str) -> bytes:
    """An example with a field missing."""
    return json.dumps({k: v for k, v in EXAMPLE[tag].items() if k != field}).encode()


def raw(tag: str, field: str, value: str) -> bytes:
    """An example with a value that `json` would not write."""
    return without(tag, field)[:-1] + f', "{field}": {value}}}'.encode()


GOOD = line("call.entered")
RECORD = {
    "entered_at": "2026-03-02T09:00:00Z",
    "answered_at": "2026-03-02T09:00:30Z",
    "ended_at": "2026-03-02T09:02:00Z",
}

BAD = [
    pytest.param(b"hello", Reason.NOT_JSON, id="no JSON"),
    pytest.param(b"", Reason.NOT_JSON, id="nothing at all"),
    pytest.param(GOOD[:-7], Reason.NOT_JSON, id="cut off"),
    pytest.param(GOOD + GOOD, Reason.NOT_JSON, id="two objects in one record"),
    pytest.param(b"\xef\xbb\xbf" + GOOD, Reason.NOT_JSON, id="a byte-order mark"),
    pytest.param(GOOD.decode().encode("utf-16"), Reason.NOT_JSON, id="UTF-16"),
    pytest.param(GOOD.replace(b"vaxel", b"v\xe4xel"), Reason.NOT_JSON, id="Latin-1"),
    pytest.param(GOOD.replace(b"vaxel", b"v\nxel"), Reason.NOT_JSON, id="a bare line break"),
    pytest.param(raw("visit.registered", "wait_seconds", "NaN"), Reason.NOT_JSON, id="NaN"),
    pytest.param(GOOD.replace(b'"', b"'"), Reason.NOT_JSON, id="single quotes"),
    pytest.param(line("call.entered", x="x" * 1_000_000), Reason.TOO_LARGE, id="1 MB"),
    pytest.param(line("call.entered", call="x" * 257), Reason.TOO_LONG, id="257 characters"),
    pytest.param(line("call.entered", call=""), Reason.OUT_OF_RANGE, id="an empty id"),
    pytest.param(b"[]", Reason.WRONG_TYPE, id="a list"),
    pytest.param(b"[" + GOOD + b"]", Reason.WRONG_TYPE, id="an event in a list"),
    pytest.param(b"[" * 60_000, Reason.WRONG_TYPE, id="nested lists"),
    pytest.param(b"null", Reason.WRONG_TYPE, id="null"),
    pytest.param(without("call.entered", "type"), Reason.MISSING_FIELD, id="no type"),
    pytest.param(without("call.left", "reason"), Reason.MISSING_FIELD, id="no reason to leave"),
    pytest.param(without("heartbeat", "organisation"), Reason.MISSING_FIELD, id="no organisation"),
    pytest.param(
        GOOD.replace(b'"queue"', b'"Queue"'), Reason.MISSING_FIELD, id="a field in wrong case"
    ),
    pytest.param(line("call.entered", type="Call.Entered"), Reason.UNKNOWN_TYPE, id="a wrong case"),
    pytest.param(line("call.entered", type="call.parked"), Reason.UNKNOWN_TYPE, id="no such type"),
    pytest.param(line("call.entered", type=7), Reason.WRONG_TYPE, id="a type that is no text"),
    pytest.param(line("call.entered", call=1772438400), Reason.WRONG_TYPE, id="a number as id"),
    pytest.param(line("call.entered", queue=None), Reason.WRONG_TYPE, id="null for a text"),
    pytest.param(line("call.entered", caller=[["x"]]), Reason.WRONG_TYPE, id="a nested list"),
    pytest.param(
        line("email.received", automatic="no"), Reason.WRONG_TYPE, id="text for a boolean"
    ),
    pytest.param(line("call.left", reason="bored"), Reason.UNKNOWN_VALUE, id="a new reason"),
    pytest.param(
        line("survey.answered", question="Enkelhet"), Reason.UNKNOWN_VALUE, id="a question's case"
    ),
    pytest.param(line("survey.answered", score=7), Reason.OUT_OF_RANGE, id="score 7"),
    pytest.param(line("survey.answered", score=0), Reason.OUT_OF_RANGE, id="score 0"),
    pytest.param(line("survey.answered", score=3.5), Reason.WRONG_TYPE, id="score 3.5"),
    pytest.param(line("survey.answered", score="3"), Reason.WRONG_TYPE, id="a score in quotes"),
    pytest.param(line("survey.answered", score=True), Reason.WRONG_TYPE, id="a score that is true"),
    pytest.param(
        line("call.entered", revision=2**53 + 1), Reason.OUT_OF_RANGE, id="revision 2^53+1"
    ),
    pytest.param(raw("call.entered", "revision", "9" * 400), Reason.OUT_OF_RANGE, id="400 digits"),
    pytest.param(line("call.entered", revision=-1), Reason.OUT_OF_RANGE, id="revision -1"),
    pytest.param(raw("visit.registered", "wait_seconds", "1e400"), Reason.OUT_OF_RANGE, id="1e400"),
    pytest.param(
        line("visit.registered", wait_seconds=-1), Reason.OUT_OF_RANGE, id="a wait of -1 s"
    ),
    pytest.param(
        line("visit.registered", wait_seconds=86_401), Reason.OUT_OF_RANGE, id="a wait of a day"
    ),
    pytest.param(
        line("call.entered", at="2026-03-02T09:00:00"), Reason.TIME_WITHOUT_OFFSET, id="no offset"
    ),
    pytest.param(line("call.entered", at=1772438400000), Reason.INVALID_TIME, id="milliseconds"),
    pytest.param(line("call.entered", at=1772438400), Reason.INVALID_TIME, id="seconds"),
    pytest.param(line("call.entered", at=None), Reason.INVALID_TIME, id="null for a time"),
    pytest.param(line("call.entered", at="1772438400"), Reason.INVALID_TIME, id="seconds as text"),
    pytest.param(line("call.entered", at="2026-03-02"), Reason.INVALID_TIME, id="a date"),
    pytest.param(
        line("call.entered", at="02/03/2026 09:00"), Reason.INVALID_TIME, id="other order"
    ),
    pytest.param(
        line("call.entered", at="2026-02-30T09:00:00Z"), Reason.INVALID_TIME, id="30 February"
    ),
    pytest.param(
        line("call.entered", at="2026-03-02T24:00:00Z"), Reason.INVALID_TIME, id="24 o'clock"
    ),
    pytest.param(
        line("call.entered", at="2016-12-31T23:59:60Z"), Reason.INVALID_TIME, id="a leap second"
    ),
    pytest.param(
        line("call.entered", at="10000-01-01T00:00:00Z"), Reason.INVALID_TIME, id="year 10000"
    ),
    pytest.param(
        line("call.record", **RECORD | {"answered_at": "2026-03-02T08:59:59Z"}),
        Reason.CONTRADICTORY_TIMES,
        id="answered before it entered",
    ),
    pytest.param(
        line("call.record", **RECORD | {"ended_at": "2026-03-02T09:00:29Z"}),
        Reason.CONTRADICTORY_TIMES,
        id="ended before the answer",
    ),
    pytest.param(
        line("call.record", left_at="2026-03-02T09:00:00+05:00"),
        Reason.CONTRADICTORY_TIMES,
        id="left before it entered, by the offsets",
    ),
    pytest.param(
        line("call.record", reason="abandoned"), Reason.MISSING_FIELD, id="a reason but no leaving"
    ),
]


@pytest.mark.parametrize(("data", "reason"), BAD)
def test_a_bad_value_has_its_reason(data: bytes, reason: Reason) -> None:
    """Whoever mends a source is told what is wrong, by a word from the fixed list."""
    with pytest.raises(RejectedError) as rejected:
        decode_event(data)

    assert rejected.value.reason is reason
    assert rejected.value.detail


@pytest.mark.parametrize("depth", [100, 1_000, 5_000, 30_000])
def test_nothing_is_nested_too_deeply_to_be_answered(depth: int) -> None:
    """An unknown field, however deeply nested, is ignored or rejected; it never ends a worker."""
    data = GOOD[:-1] + b', "x": ' + b"[" * depth + b"]" * depth + b"}"
    try:
        told = encode_event(decode_event(data))
    except RejectedError as rejected:
        told = rejected.reason.encode()

    # How deep is too deep depends on the Python that runs it.
    assert told in (encode_event(decode_event(GOOD)), Reason.NOT_JSON.encode())


@pytest.mark.parametrize(
    "at",
    [
        pytest.param("9999-12-31T23:59:59-12:00", id="the end of time"),
        pytest.param("0001-01-01T00:00:00+14:00", id="the beginning of time"),
        pytest.param("2026-03-02T09:00:00.123456789Z", id="nanoseconds"),
        pytest.param("2026-03-02t09:00:00z", id="small letters"),
    ],
)
def test_any_instant_can_be_written(at: str) -> None:
    """Whether a time is plausible is not judged from its form."""
    event = decode_event(line("call.entered", at=at))

    assert isinstance(event, ev.CallEntered)


def test_unknown_fields_are_ignored() -> None:
    """A source may send more than is read, so that it may be newer than the worker."""
    assert decode_event(line("call.entered", priority={"vip": True})) == decode_event(GOOD)


def test_an_event_of_just_64_kib_is_not_too_large() -> None:
    """The limit is what it says."""
    room = ev.MAX_EVENT_BYTES - len(line("call.entered", x=""))
    data = line("call.entered", x="x" * room)

    assert len(data) == ev.MAX_EVENT_BYTES
    assert decode_event(data) == decode_event(GOOD)


SECRETS = ["0511-320 00", "Anna O'Hara", 'the "number"', "0511\n - at `$.at`", 51132000, [51132000]]
TELL_TALE = ("0511", "Hara", "number", "51132000")


@pytest.mark.parametrize("tag", EXAMPLE)
def test_a_rejected_value_is_never_quoted(tag: str) -> None:
    """A telephone number in the wrong field reaches no log and no metric."""
    told = []
    for field in EXAMPLE[tag]:
        for secret in SECRETS:
            try:
                decode_event(line(tag, **{field: secret}))
            except RejectedError as rejected:
                told.append(str(rejected))

    assert told
    assert [text for text in told if any(word in text for word in TELL_TALE)] == []


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("without a timezone component", id="about time zones"),
        pytest.param("out of range", id="about ranges"),
        pytest.param("two\nlines with a timezone component", id="on two lines"),
    ],
)
@pytest.mark.parametrize(
    ("tag", "field", "reason"),
    [
        pytest.param("call.entered", "type", Reason.UNKNOWN_TYPE, id="type"),
        pytest.param("call.left", "reason", Reason.UNKNOWN_VALUE, id="reason"),
    ],
)
def test_a_value_cannot_choose_its_reason(tag: str, field: str, reason: Reason, value: str) -> None:
    """The reason follows from the fault, whatever words the value is made of."""
    with pytest.raises(RejectedError) as rejected:
        decode_event(line(tag, **{field: value}))

    assert rejected.value.reason is reason


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=ev.MAX_NAME)
offsets = st.integers(-12 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
times = st.datetimes(timezones=offsets)
maybe = st.one_of(st.none(), st.booleans())
revisions = st.integers(0, 2**53)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "at": times,
    "through": times,
    "caller": st.none() | names,
    "member": st.none() | names,
    "sender": st.none() | names,
    "topic": st.none() | names,
    "resolved": maybe,
    "got_reply": maybe,
    "automatic": st.booleans(),
    "holding": st.booleans(),
    "promised_by": st.none() | times,
    "channel": st.sampled_from(get_args(ev.SurveyChannel)),
    "question": st.sampled_from(get_args(ev.Question)),
    "score": st.integers(1, 5),
    "wait_seconds": st.none() | st.floats(0, ev.MAX_WAIT_SECONDS),
}
REASONS: dict[type[ev.Event], tuple[str, ...]] = {
    ev.CallLeft: get_args(ev.LeaveReason),
    ev.EmailClosed: get_args(ev.CloseReason),
}


def of_type(kind: type[ev.Event]) -> st.SearchStrategy[ev.Event]:
    """Any event of a type, save that a call's record keeps its times apart."""
    if kind is ev.CallRecord:
        return records()
    fields = {name: VALUES.get(name, names) for name in kind.__struct_fields__}
    if kind in REASONS:
        fields["reason"] = st.sampled_from(REASONS[kind])
    if kind is ev.CallEnded:
        fields["queue"] = st.none() | names
    return st.builds(kind, **fields | {"organisation": names, "revision": revisions})


@st.composite
def records(draw: st.DrawFn) -> ev.CallRecord:
    """Any record whose times follow each other."""
    entered, answered, ended = sorted(draw(st.lists(times, min_size=3, max_size=3)))
    left = draw(st.none() | st.just(ended))
    return ev.CallRecord(
        organisation=draw(names),
        revision=draw(revisions),
        call=draw(names),
        queue=draw(names),
        entered_at=entered,
        caller=draw(VALUES["caller"]),
        answered_at=draw(st.none() | st.just(answered)),
        left_at=left,
        reason=None if left is None else draw(st.sampled_from(get_args(ev.LeaveReason))),
        ended_at=draw(st.none() | st.just(ended)),
        resolved=draw(maybe),
        topic=draw(VALUES["topic"]),
    )


@given(event=st.one_of([of_type(kind) for kind in EVENT_TYPES]))
def test_what_is_written_is_read(event: ev.AnyEvent) -> None:
    """Decoding undoes encoding, for every event there can be."""
    assume(len(encode_event(event)) <= ev.MAX_EVENT_BYTES)

    assert decode_event(encode_event(event)) == event


@given(data=st.binary(max_size=300))
@example(data=b"\x00")
def test_arbitrary_bytes_are_read_or_rejected(data: bytes) -> None:
    """No bytes raise anything but a rejection."""
    with pytest.raises(RejectedError):
        decode_event(data)


@given(data=st.data(), tag=st.sampled_from(sorted(EXAMPLE)))
def test_broken_events_are_read_or_rejected(data: st.DataObject, tag: str) -> None:
    """Neither do events with bytes changed, left out or put in."""
    value = bytearray(line(tag))
    place = data.draw(st.integers(0, len(value) - 1))
    width = data.draw(st.integers(0, 8))
    value[place : place + width] = data.draw(st.binary(max_size=8))

    try:
        event = decode_event(bytes(value))
    except RejectedError:
        return

    assert decode_event(encode_event(event)) == event
