"""Whatever bytes come, the codec and the endpoint know what to say to them."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.sources.http_bodies import read_events, unpack
from agents.sources.http_problems import ProblemError
from streams.codec import decode_event, encode_event
from streams.errors import RejectedError
from tests.http_source import ENTERED, JSON, LINES, TOKENS, Desk, running
from tests.strategies import call_events, email_events

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agents.sources.http_bodies import Form

CASES = 2_000

names = st.sampled_from(["type", "organisation", "call", "queue", "at", "source"]) | st.text()
"""Names that mean something, so that the fuzz gets behind the first check."""

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["call.entered", "heartbeat", "2026-03-02T09:00:00+01:00", "vaxel"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=8,
)
json_like = st.dictionaries(names, values, max_size=8).map(lambda it: json.dumps(it).encode())
events = st.one_of(call_events, email_events).map(encode_event)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """An event with a byte changed, cut off, or nested too deeply."""
    event = draw(events)
    how = draw(st.sampled_from(["changed", "cut", "nested", "doubled"]))
    place = draw(st.integers(0, len(event) - 1))
    if how == "changed":
        return event[:place] + draw(st.binary(min_size=1, max_size=4)) + event[place + 1 :]
    if how == "nested":
        depth = draw(st.integers(1, 2_000))
        return event[:-1] + b',"x":' + b"[" * depth + b"]" * depth + b"}"
    return event[:place] if how == "cut" else event + event


bodies = st.binary(max_size=200) | json_like | damaged() | events
many = st.lists(bodies, max_size=5).map(b"\n".join)


@settings(max_examples=CASES)
@given(bodies)
def test_the_codec_rejects_and_never_fails(data: bytes) -> None:
    """An event, or a rejection with a reason; and what was an event is one again."""
    event = None
    with contextlib.suppress(RejectedError):
        event = decode_event(data)

    assert event is None or decode_event(encode_event(event)) == event


@settings(max_examples=CASES)
@given(many, st.sampled_from(["one event", "lines", "unsaid"]))
def test_a_body_is_events_and_problems(body: bytes, form: Form) -> None:
    """Every line is one or the other, and no event is of anybody else."""
    reading = read_events(body, form, organisation="provkommun", sources=["exchange"])

    assert reading.lines == len(reading.events) + len(reading.problems) >= 1
    assert {event.organisation for event in reading.events} <= {"provkommun"}
    assert all(1 <= problem.line <= body.count(b"\n") + 1 for problem in reading.problems)


@settings(max_examples=CASES)
@given(st.binary(max_size=300) | bodies.map(gzip.compress), st.binary(max_size=3))
def test_packed_bodies_are_unpacked_or_refused(body: bytes, more: bytes) -> None:
    """Nothing else happens to them."""
    with contextlib.suppress(ProblemError):
        assert isinstance(unpack(body + more), bytes)


# -- over the wire -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wire() -> Iterator[tuple[asyncio.Runner, Desk]]:
    """A running server and the loop it runs in."""
    with asyncio.Runner() as runner, contextlib.ExitStack() as stack:
        server = running()
        desk = runner.run(server.__aenter__())
        stack.callback(lambda: runner.run(server.__aexit__(None, None, None)))
        yield runner, desk


@settings(max_examples=400)
@given(
    body=many,
    kind=st.sampled_from([JSON, LINES, None]) | st.text("ajson/;=-+ ", max_size=20),
    packing=st.sampled_from([None, None, "gzip", "identity", "br", ""]),
    token=st.sampled_from([TOKENS["pbx"], TOKENS["pbx"], TOKENS["cases"], "kp_none", None]),
)
def test_the_endpoint_answers_everything(
    wire: tuple[asyncio.Runner, Desk],
    body: bytes,
    kind: str | None,
    packing: str | None,
    token: str | None,
) -> None:
    """With an acceptance or a problem, never with a fault of ours."""
    runner, desk = wire
    headers = {} if packing is None else {"Content-Encoding": packing}
    sent = gzip.compress(body) if packing == "gzip" else body
    status, told, _ = runner.run(desk.post(sent, kind=kind, token=token, headers=headers))

    assert status in {202, 400, 401, 403, 415}
    assert told["accepted"] > 0 if status == 202 else told["status"] == status


HEAD = b"POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
AUTHORISED = HEAD + b"Authorization: Bearer " + TOKENS["pbx"].encode() + b"\r\n"
pieces = st.lists(
    st.binary(max_size=30)
    | st.sampled_from([
        HEAD, AUTHORISED, b"\r\n", b"\r\n\r\n", ENTERED, b"Content-Length: 83\r\n", b"0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n", b"Expect: 100-continue\r\n", b"53\r\n", b"\x00",
        b"Content-Length: -1\r\n", b"Connection: Upgrade\r\nUpgrade: websocket\r\n",
        b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ]),
    max_size=6,
).map(b"".join)  # fmt: skip


@settings(max_examples=300)
@given(pieces)
def test_bytes_that_are_no_request_harm_nobody(
    wire: tuple[asyncio.Runner, Desk], sent: bytes
) -> None:
    """Whatever one connection sends, there is no fault of ours and the next one is served."""
    runner, desk = wire

    async def exchange() -> tuple[bytes, int]:
        reader, writer = await asyncio.open_connection("127.0.0.1", desk.source.port)
        with contextlib.suppress(ConnectionError):
            writer.write(sent)
            writer.write_eof()
            answer = await reader.read()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        async with desk.session.get("/livez") as live:
            return answer, live.status

    answer, live = runner.run(exchange())

    assert live == 200
    assert b" 500 " not in answer
