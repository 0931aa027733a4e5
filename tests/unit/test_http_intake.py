"""A request is answered 202 only when Kafka has all of it, and otherwise says what is wrong."""

from __future__ import annotations

import asyncio
import gzip
import json
import tracemalloc
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from agents.host_names import asked_name
from agents.sources import http_bodies, http_intake
from agents.sources.http_bodies import MAX_BODY_BYTES, MAX_LINES
from agents.sources.http_intake import SHARE
from agents.sources.outbox import NotDeliveredError, StoppedError
from streams.instants import MINUTE, SECOND
from tests.http_source import ENTERED, JSON, LINES, TOKENS, Desk, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HEARTBEAT = b'{"type":"heartbeat","source":"exchange","through":"2026-03-02T09:00:00Z"}'


async def until(condition: Any) -> None:
    """Wait for something that happens in another thread."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - threads set no events of the loop
            await asyncio.sleep(0.005)


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    """A running server."""
    async with running() as it:
        yield it


async def test_an_event_is_taken_once_kafka_has_it(desk: Desk) -> None:
    """The answer waits for the acknowledgement, and the organisation is the token's."""
    desk.outbox.opened.clear()
    waiting = asyncio.create_task(desk.post(ENTERED))
    await until(lambda: desk.outbox.entered.acquire(blocking=False))
    early = waiting.done()
    desk.outbox.opened.set()
    status, body, _ = await waiting

    assert not early
    assert (status, body) == (202, {"accepted": 1})
    assert [event.organisation for event in desk.outbox.kept[0]] == ["skara"]
    assert desk.counted("read", source="pbx") == 1
    assert desk.counted("events_delivered", source="pbx") == 1


@pytest.mark.parametrize(
    ("kind", "body", "accepted"),
    [
        pytest.param(JSON, ENTERED, 1, id="one event"),
        pytest.param(f"{JSON}; charset=utf-8", ENTERED, 1, id="one event and its charset"),
        pytest.param(JSON, ENTERED.replace(b",", b",\r\n  "), 1, id="one event over lines"),
        pytest.param(JSON, b"\xef\xbb\xbf" + ENTERED, 1, id="one event of Windows"),
        pytest.param(LINES, ENTERED + b"\n\r\n" + HEARTBEAT, 2, id="lines"),
        pytest.param("application/jsonl", ENTERED + b"\n" + HEARTBEAT + b"\n", 2, id="jsonl"),
        pytest.param("Application/X-NDJSON", ENTERED, 1, id="in large letters"),
        pytest.param(None, ENTERED.replace(b",", b",\n"), 1, id="unsaid, one event over lines"),
        pytest.param(None, ENTERED + b"\n" + HEARTBEAT, 2, id="unsaid, lines"),
    ],
)
async def test_one_event_or_lines(desk: Desk, kind: str | None, body: bytes, accepted: int) -> None:
    """By the content type; without one, by what it is."""
    assert (await desk.post(body, kind=kind))[:2] == (202, {"accepted": accepted})
    assert [len(events) for events in desk.outbox.kept] == [accepted]


async def test_every_problem_is_told_by_line_and_nothing_is_sent(desk: Desk) -> None:
    """All or nothing: whoever mends the lines sends the same request again."""
    body = b"\n".join([
        ENTERED, b"{", b"", b'{"type":"call.parked"}', ENTERED.replace(b"+01:00", b""),
        ENTERED.replace(b'"1"', b"7"), b'{"organisation":"x",' + ENTERED[1:],
        HEARTBEAT.replace(b"exchange", b"survey"),
    ])  # fmt: skip
    status, told, headers = await desk.post(body, kind=LINES)

    assert status == 400
    assert headers["Content-Type"] == "application/problem+json"
    assert (told["status"], told["title"]) == (400, "Bad Request")
    assert told["detail"].startswith("6 of 7 events are refused")
    assert [(problem["line"], problem["reason"]) for problem in told["problems"]] == [
        (2, "not_json"),
        (4, "unknown_type"),
        (5, "time_without_offset"),
        (6, "wrong_type"),
        (7, "foreign_organisation"),
        (8, "foreign_source"),
    ]
    assert desk.outbox.kept == []
    assert desk.counted("left_out", source="pbx", reason="refused_with_others") == 1
    assert desk.counted("left_out", source="pbx", reason="not_json") == 1
    assert desk.counted("read", source="pbx") == 7


@pytest.mark.parametrize("body", [b"", b"\n \n", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("kind", [JSON, LINES, None])
async def test_a_request_without_events_is_a_slip(
    desk: Desk, body: bytes, kind: str | None
) -> None:
    """Saying 202 to nothing would hide that a sender sends nothing."""
    status, told, _ = await desk.post(body, kind=kind)

    assert status == 400
    assert [problem["reason"] for problem in told["problems"]] == ["empty"]


async def test_no_value_of_an_event_is_repeated(desk: Desk, caplog: Any) -> None:
    """What stands in the wrong field may be a number or a name."""
    body = json.dumps({"type": "call.left", "call": 46701234567, "reason": "Anna Andersson"})
    _, told, _ = await desk.post(body.encode())
    _, again, _ = await desk.post(body.replace("46701234567", '"46701234567"').encode())

    for text in (json.dumps([told, again]), caplog.text):
        assert "46701234567" not in text
        assert "Andersson" not in text


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Bearer kp_wrong", f"Basic {TOKENS['pbx']}", TOKENS["pbx"]],
)
async def test_without_a_known_token_nothing_is_read(desk: Desk, header: str | None) -> None:
    """The answer is the same, whatever was wrong with it."""
    headers = {} if header is None else {"Authorization": header}
    status, told, answered = await desk.post(ENTERED, token=None, headers=headers)

    assert status == 401
    assert answered["WWW-Authenticate"] == 'Bearer realm="kontaktpuls"'
    assert told["detail"] == "send `Authorization: Bearer TOKEN` with a token that is known here"
    assert desk.counted("left_out", source="other", reason="unknown_token") == 1
    assert desk.counted("read", source="pbx") == 0


async def test_a_token_speaks_for_its_organisation_only(desk: Desk) -> None:
    """Its own may be named; another's is forbidden, as is a heartbeat of another source."""
    own = await desk.post(b'{"organisation":"skara",' + ENTERED[1:])
    foreign = await desk.post(b'{"organisation":"lidkoping",' + ENTERED[1:])
    beat = await desk.post(HEARTBEAT, token=TOKENS["cases"])

    assert own[0] == 202
    assert (foreign[0], foreign[1]["problems"][0]["reason"]) == (403, "foreign_organisation")
    assert (beat[0], beat[1]["problems"][0]["reason"]) == (403, "foreign_source")
    assert len(desk.outbox.kept) == 1


@pytest.mark.parametrize(
    ("kind", "headers", "status"),
    [
        pytest.param("text/plain", {}, 415, id="another type"),
        pytest.param("application/jsonp", {}, 415, id="nearly JSON"),
        pytest.param(JSON, {"Content-Encoding": "br"}, 415, id="another packing"),
        pytest.param(JSON, {"Content-Encoding": "gzip"}, 400, id="said to be packed, and is not"),
        pytest.param(JSON, {"Host": "evil.example"}, 421, id="a foreign name"),
        pytest.param(JSON, {"Host": "localhost@evil.example"}, 421, id="a name in disguise"),
        pytest.param(JSON, {"Host": ""}, 421, id="no name"),
    ],
)
async def test_what_cannot_be_read_is_refused(
    desk: Desk, kind: str, headers: dict[str, str], status: int
) -> None:
    """With a problem in the same form as all others."""
    answered, told, _ = await desk.post(ENTERED, kind=kind, headers=headers)

    assert answered == told["status"] == status
    assert desk.outbox.kept == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/events", 405),
        ("DELETE", "/events", 405),
        ("POST", "/livez", 405),
    ],
)
async def test_other_paths_and_methods_have_nothing(
    desk: Desk, method: str, path: str, status: int
) -> None:
    """And say so in the same form; `Allow` says what there is."""
    async with desk.session.request(method, path) as answer:
        told = await answer.json(content_type="application/problem+json")

        assert answer.status == told["status"] == status
        assert ("Allow" in answer.headers) == (status == 405)
        assert answer.headers["Server"] == "kontaktpuls"


def test_names_are_read_as_a_client_writes_them() -> None:
    """With and without a port, in any case, and nothing that only looks like one."""
    assert asked_name("Events.Skara.example.:9466") == "events.skara.example."
    assert asked_name("127.0.0.1:80") == "127.0.0.1"
    for disguise in ("a/b", "a?b", "a#b", "a:b@c", "[::1", "a:99999"):
        assert asked_name(disguise) is None


# -- limits --------------------------------------------------------------------------------


def lines(count: int) -> bytes:
    """So many events."""
    return (ENTERED + b"\n") * count


async def test_as_many_lines_as_are_allowed(desk: Desk) -> None:
    """And one more is too many."""
    most = await desk.post(lines(MAX_LINES), kind=LINES)
    more = await desk.post(lines(MAX_LINES + 1), kind=LINES)

    assert most[:2] == (202, {"accepted": MAX_LINES})
    assert more[0] == 413
    assert desk.counted("left_out", source="pbx", reason="body_too_large") == 1


async def chunks(count: int) -> AsyncIterator[bytes]:
    """A body that does not say how long it is."""
    for _ in range(count):
        yield b" " * 1_000_000


async def test_a_body_that_is_too_large_is_refused_while_it_comes(desk: Desk) -> None:
    """By what it says of itself, and by what comes where it says nothing."""
    said = await desk.post(BytesIO(b" " * (MAX_BODY_BYTES + 1)))
    unsaid = await desk.post(chunks(9))
    fits = await desk.post(BytesIO(b" " * (MAX_BODY_BYTES - len(ENTERED)) + ENTERED))

    assert said[0] == unsaid[0] == 413
    assert fits[0] == 202


async def test_packed_bodies_are_unpacked_no_further_than_allowed(desk: Desk) -> None:
    """A small body may hold gigabytes; they are neither unpacked nor kept."""
    fine = await desk.post(
        gzip.compress(lines(3)), kind=LINES, headers={"Content-Encoding": "gzip"}
    )
    bomb = gzip.compress(b" " * 200_000_000, 1)
    tracemalloc.start()
    refused = await desk.post(bomb, headers={"Content-Encoding": "gzip"})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert fine[:2] == (202, {"accepted": 3})
    assert refused[0] == 413
    assert peak < 4 * MAX_BODY_BYTES


@pytest.mark.parametrize(
    "body", [gzip.compress(ENTERED)[:-5], gzip.compress(ENTERED) + b"more", ENTERED]
)
async def test_a_damaged_packing_is_no_event(desk: Desk, body: bytes) -> None:
    """Half a body is not read as far as it goes."""
    status, told, _ = await desk.post(body, headers={"Content-Encoding": "gzip"})

    assert status == 400
    assert "gzip" in told["detail"]
    assert desk.counted("left_out", source="pbx", reason="unreadable") == 1


async def test_a_body_that_trickles_is_not_waited_for(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its sender is told, and its turn is somebody else's."""
    monkeypatch.setattr(http_bodies, "BODY_SECONDS", 0.05)
    never = asyncio.Event()

    async def trickle() -> AsyncIterator[bytes]:
        yield ENTERED[:10]
        await never.wait()

    status, _, _ = await desk.post(trickle())
    never.set()

    assert status == 408
    assert desk.counted("left_out", source="pbx", reason="too_slow") == 1
    assert (await desk.post(ENTERED))[0] == 202


@pytest.mark.parametrize(
    ("ending", "reason"),
    [
        pytest.param(None, "broken_off", id="hangs up"),
        pytest.param(b"zz\r\n", "too_slow", id="breaks its own form and stays"),
    ],
)
async def test_a_body_that_breaks_off_sends_nothing(
    desk: Desk, ending: bytes | None, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However whole the event in it looks; the sender sends it again."""
    monkeypatch.setattr(http_bodies, "BODY_SECONDS", 0.2 if ending else 20)
    reader, writer = await asyncio.open_connection("127.0.0.1", desk.source.port)
    writer.write(
        b"POST /events HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
        b"Content-Type: application/json\r\nAuthorization: Bearer "
        + TOKENS["pbx"].encode()
        + b"\r\n\r\n%x\r\n%b\r\n" % (len(ENTERED), ENTERED)
    )
    await until(lambda: desk.intake.vouching["pbx"]._open)
    if ending is None:
        writer.close()
    else:
        writer.write(ending)
        await reader.read()
    await until(lambda: desk.counted("left_out", source="pbx", reason=reason))
    writer.close()
    await writer.wait_closed()

    assert desk.outbox.kept == []


# -- Kafka lags ----------------------------------------------------------------------------


async def test_when_kafka_lags_the_sender_is_told_when_to_come_again(desk: Desk) -> None:
    """429 with Retry-After, and the same request later is taken."""
    desk.outbox.fails = NotDeliveredError("too long")
    desk.outbox.away_since = 1.0
    status, told, headers = await desk.post(lines(3), kind=LINES)
    async with desk.session.get("/readyz") as ready:
        health = ready.status, await ready.json()
    desk.outbox.fails = None

    assert (status, told["status"]) == (429, 429)
    assert int(headers["Retry-After"]) > 0
    assert health == (200, {"ok": ["taking"], "failing": {"kafka": "does not take events"}})
    assert desk.counted("left_out", source="pbx", reason="not_acknowledged") == 3
    assert (await desk.post(lines(3), kind=LINES))[0] == 202


async def test_an_answer_is_given_even_when_kafka_s_client_hangs(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A turn is kept until the thread is done, so that hanging threads are bounded too."""
    monkeypatch.setattr(http_intake, "GRACE_SECONDS", 0.0)
    desk.outbox.opened.clear()
    hanging = await asyncio.gather(*(desk.post(ENTERED) for _ in range(SHARE)))
    full = await desk.post(ENTERED)
    desk.outbox.opened.set()
    await until(lambda: len(desk.outbox.kept) == SHARE)

    assert [status for status, _, _ in hanging] == [429] * SHARE
    assert full[0] == 429
    assert desk.counted("left_out", source="pbx", reason="too_many_at_once") == 1
    assert (await desk.post(ENTERED))[0] == 202


async def test_one_producer_that_floods_leaves_room_for_the_others(desk: Desk) -> None:
    """It waits in its own line, with as few bodies in memory as its share has."""
    desk.outbox.opened.clear()
    flood = [asyncio.create_task(desk.post(ENTERED)) for _ in range(3 * SHARE)]
    for _ in range(SHARE):
        await until(lambda: desk.outbox.entered.acquire(blocking=False))
    await asyncio.sleep(0.05)
    beyond = desk.outbox.entered.acquire(blocking=False)
    other = asyncio.create_task(desk.post(ENTERED, token=TOKENS["cases"]))
    await until(lambda: desk.outbox.entered.acquire(blocking=False))
    desk.outbox.opened.set()
    answers = await asyncio.gather(other, *flood)

    assert not beyond
    assert [status for status, _, _ in answers] == [202] * (3 * SHARE + 1)


async def test_a_server_that_stops_says_so(desk: Desk) -> None:
    """The sender sends the same to whoever runs next."""
    desk.outbox.fails = StoppedError("about to stop")
    desk.intake.stopping = True
    status, _, headers = await desk.post(ENTERED)
    async with desk.session.get("/readyz") as ready:
        health = ready.status

    assert status == health == 503
    assert "Retry-After" in headers


async def test_a_fault_of_ours_is_answered_and_ends_nothing(desk: Desk) -> None:
    """500 in the common form; the next request is taken, and the turn is free again."""
    desk.outbox.fails = ZeroDivisionError()
    with capture_logs() as logged:
        broken = [await desk.post(ENTERED) for _ in range(SHARE + 1)]
    desk.outbox.fails = None

    assert [entry["event"] for entry in logged] == ["a request could not be answered"] * (SHARE + 1)
    assert [(status, told["status"]) for status, told, _ in broken] == [(500, 500)] * (SHARE + 1)
    assert (await desk.post(ENTERED))[0] == 202


# -- the rest ------------------------------------------------------------------------------


async def test_health_and_the_contract_need_no_token(desk: Desk) -> None:
    """Load balancers and programmers have none."""
    async with desk.session.get("/livez") as live, desk.session.get("/readyz") as ready:
        assert (live.status, await live.json()) == (200, {"ok": ["serving"], "failing": {}})
        assert (ready.status, await ready.json()) == (
            200,
            {"ok": ["kafka", "taking"], "failing": {}},
        )
    async with desk.session.get("/openapi.yaml") as page:
        assert (page.status, page.content_type) == (200, "application/yaml")
        assert (await page.text()).startswith("openapi: 3.1")


async def test_what_is_turned_away_holds_back_the_heartbeats_of_its_producer() -> None:
    """What was refused for what it says does not."""
    now = [100 * SECOND]
    async with running(clock=lambda: now[0]) as desk:
        vouching = desk.intake.vouching["cases"]
        now[0] += MINUTE
        await desk.post(b"{", token=TOKENS["cases"])
        before = vouching.heartbeats(now[0])
        desk.outbox.fails = NotDeliveredError("too long")
        await desk.post(ENTERED, token=TOKENS["cases"])
        now[0] += MINUTE
        held = vouching.heartbeats(now[0])
        desk.outbox.fails = None
        await desk.post(ENTERED, token=TOKENS["cases"])
        after = vouching.heartbeats(now[0])

        assert len(before) == 1
        assert held == before
        assert after[0].through > held[0].through
