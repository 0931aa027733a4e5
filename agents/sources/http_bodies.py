"""From the body of a request to events, or to everything that is wrong with it."""

from __future__ import annotations

import asyncio
import zlib
from http import HTTPStatus
from io import BytesIO
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec
from aiohttp import web

from agents.input_files import BOM, event_lines, with_organisation
from agents.sources.http_problems import LineProblem, ProblemError, Refusal
from streams.codec import decode_event
from streams.conventions import Reason
from streams.errors import RejectedError
from streams.events import Heartbeat

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from streams.events import AnyEvent

MAX_BODY_BYTES = 8 * 1024 * 1024
"""Of a body, compressed or not; what comes out of a compressed one counts too."""

MAX_LINES = 10_000
BODY_SECONDS = 30.0

ONE_EVENT = frozenset({"application/json"})
JSON_LINES = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl"})
GZIP = frozenset({"gzip", "x-gzip"})

_GZIP_WINDOW = 31  # zlib's way to ask for gzip

Form = Literal["one event", "lines", "unsaid"]


class Reading(NamedTuple):
    """What a body says.

    Attributes:
        lines: events, good and bad.
        events: the good ones; to be sent only if there is no problem.
        problems: of the others, by line.
    """

    lines: int
    events: list[AnyEvent]
    problems: list[LineProblem]


def form_of(content_type: str) -> Form:
    """How to read a body, by its `Content-Type`; empty = there is none.

    Raises:
        ProblemError: it is of another type.

    >>> form_of("application/json; charset=utf-8")
    'one event'
    """
    media_type = content_type.partition(";")[0].strip().lower()
    if not content_type:
        return "unsaid"
    if media_type in ONE_EVENT:
        return "one event"
    if media_type in JSON_LINES:
        return "lines"
    detail = (
        "send one event as `application/json`, or one event on each line as `application/x-ndjson`"
    )
    raise ProblemError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, Refusal.WRONG_MEDIA_TYPE, detail)


def is_packed(content_encoding: str) -> bool:
    """Whether a body is gzip, by its `Content-Encoding`.

    Raises:
        ProblemError: it is packed in another way.
    """
    encoding = content_encoding.strip().lower()
    if encoding in GZIP:
        return True
    if encoding in {"", "identity"}:
        return False
    raise ProblemError(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        Refusal.WRONG_MEDIA_TYPE,
        "send the body as it is, or packed with gzip",
        headers={"Accept-Encoding": "gzip"},
    )


def too_large() -> ProblemError:
    """What to answer to more than fits into one request."""
    detail = (
        f"a request has at most {MAX_BODY_BYTES:,} bytes, unpacked too, and {MAX_LINES:,} events; "
        "send several"
    )
    return ProblemError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, Refusal.TOO_LARGE, detail)


async def read_body(request: web.Request) -> bytes:
    """All that is sent, as it is sent.

    Raises:
        ProblemError: it is too much, too slow, or breaks off.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > MAX_BODY_BYTES:
                    raise too_large()
    except TimeoutError:
        detail = f"the body did not arrive within {BODY_SECONDS:g} s; send it again"
        raise ProblemError(
            HTTPStatus.REQUEST_TIMEOUT, Refusal.TOO_SLOW, detail, headers={"Connection": "close"}
        ) from None
    except (web.RequestPayloadError, ConnectionError):
        detail = "the body ended before its end, or not as its headers say; send it again"
        raise ProblemError(HTTPStatus.BAD_REQUEST, Refusal.BROKEN_OFF, detail) from None
    return bytes(body)


def unpack(body: bytes) -> bytes:
    """What a gzip body holds.

    Raises:
        ProblemError: it is damaged, or holds more than fits into one request.
    """
    member = zlib.decompressobj(_GZIP_WINDOW)
    try:
        # One byte more than may be: a small body can hold gigabytes, and they stay in it.
        whole = member.decompress(body, MAX_BODY_BYTES + 1)
    except zlib.error:
        raise _damaged() from None
    if len(whole) > MAX_BODY_BYTES:
        raise too_large()
    if not member.eof or member.unused_data:
        raise _damaged()
    return whole


def read_events(body: bytes, form: Form, *, organisation: str, sources: Collection[str]) -> Reading:
    """The events of a producer, and what is wrong with the other lines.

    Args:
        body: as it was sent, unpacked.
        form: how to read it.
        organisation: the producer's; filled in where an event names none.
        sources: those the producer may send heartbeats of.

    Raises:
        ProblemError: there are too many lines.
    """
    events: list[AnyEvent] = []
    problems: list[LineProblem] = []
    number = 0
    for number, (line, content) in enumerate(_contents(body, form), 1):
        if number > MAX_LINES:
            raise too_large()
        try:
            event = _decode(content, organisation)
        except RejectedError as error:
            problems.append(LineProblem(line, error.reason, error.detail))
            continue
        refused = _foreign(event, organisation, sources)
        if refused is None:
            events.append(event)
        else:
            problems.append(LineProblem(line, *refused))
    if number == 0:
        number = 1
        problems.append(LineProblem(1, Reason.EMPTY, "there is no event in the request"))
    return Reading(number, events, problems)


def _contents(body: bytes, form: Form) -> Iterable[tuple[int, bytes]]:
    whole = body.removeprefix(BOM).strip()
    if form == "one event" or (form == "unsaid" and _is_json(whole)):
        return [(1, whole)] if whole else []
    return event_lines(BytesIO(body))


def _is_json(body: bytes) -> bool:
    try:
        msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _decode(content: bytes, organisation: str) -> AnyEvent:
    try:
        return decode_event(content)
    except RejectedError as error:
        if error.reason is not Reason.MISSING_FIELD:
            raise
    return decode_event(with_organisation(content, organisation))


def _foreign(
    event: AnyEvent, organisation: str, sources: Collection[str]
) -> tuple[Refusal, str] | None:
    if event.organisation != organisation:
        detail = f"the token is of `{organisation}`; leave `organisation` out, or write that"
        return Refusal.FOREIGN_ORGANISATION, detail
    if isinstance(event, Heartbeat) and event.source not in sources:
        known = ", ".join(f"`{source}`" for source in sources) or "none"
        detail = f"the sources whose heartbeats this token may send: {known}"
        return Refusal.FOREIGN_SOURCE, detail
    return None


def _damaged() -> ProblemError:
    detail = "the body is no gzip, breaks off, or goes on after its end; pack it again"
    return ProblemError(HTTPStatus.BAD_REQUEST, Refusal.UNREADABLE, detail)
