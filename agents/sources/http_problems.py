"""What is wrong with a request, as `application/problem+json` (RFC 9457)."""

from __future__ import annotations

from enum import StrEnum
from http import HTTPStatus
from typing import TYPE_CHECKING

import msgspec
from aiohttp import web

from streams.errors import KontaktpulsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PROBLEM_TYPE = "application/problem+json"
RETRY_SECONDS = 5


class Refusal(StrEnum):
    """Why a request, or a line of it, was refused; beside the reasons of rejected events."""

    FOREIGN_ORGANISATION = "foreign_organisation"
    FOREIGN_SOURCE = "foreign_source"
    UNKNOWN_TOKEN = "unknown_token"  # noqa: S105 - the name of a reason
    UNREADABLE = "unreadable"
    BROKEN_OFF = "broken_off"
    TOO_LARGE = "body_too_large"
    TOO_SLOW = "too_slow"
    WRONG_MEDIA_TYPE = "wrong_media_type"
    BUSY = "too_many_at_once"
    KAFKA_AWAY = "not_acknowledged"
    STOPPING = "stopping"
    WITH_OTHERS = "refused_with_others"


FOREIGN = frozenset({Refusal.FOREIGN_ORGANISATION, Refusal.FOREIGN_SOURCE})
COMES_AGAIN = frozenset(
    {
        Refusal.BROKEN_OFF,
        Refusal.TOO_SLOW,
        Refusal.BUSY,
        Refusal.KAFKA_AWAY,
        Refusal.STOPPING,
    }
)
"""What the same request, sent again, may get past."""


class LineProblem(msgspec.Struct, frozen=True):
    """What is wrong with one line; lines are counted from 1."""

    line: int
    reason: str
    detail: str


class ProblemError(KontaktpulsError):
    """A request that is refused as a whole.

    Attributes:
        status: of the answer.
        reason: for the counter.
        problems: by line, where lines are what is wrong.
        headers: of the answer.
    """

    def __init__(
        self,
        status: HTTPStatus,
        reason: Refusal,
        detail: str,
        *,
        problems: Sequence[LineProblem] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.reason = reason
        self.problems = problems
        self.headers = dict(headers or {})


def busy() -> ProblemError:
    """What to answer to more requests at a time than there is room for."""
    detail = "too many requests are on their way; send fewer at a time, and this one again"
    return _later(HTTPStatus.TOO_MANY_REQUESTS, Refusal.BUSY, detail)


def kafka_away() -> ProblemError:
    """What to answer when Kafka does not."""
    detail = "Kafka has not acknowledged the events in time; send the same again"
    return _later(HTTPStatus.TOO_MANY_REQUESTS, Refusal.KAFKA_AWAY, detail)


def stopping() -> ProblemError:
    """What to answer once the server has been told to stop."""
    detail = "the server is being stopped; send the same again"
    return _later(HTTPStatus.SERVICE_UNAVAILABLE, Refusal.STOPPING, detail)


def problem_response(
    status: int,
    detail: str,
    *,
    problems: Sequence[LineProblem] = (),
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    """The answer that says what is wrong."""
    told = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "detail": detail,
        **({"problems": problems} if problems else {}),
    }
    return web.Response(
        status=status,
        headers=headers,
        body=msgspec.json.encode(told),
        content_type=PROBLEM_TYPE,
    )


def _later(status: HTTPStatus, reason: Refusal, detail: str) -> ProblemError:
    return ProblemError(status, reason, detail, headers={"Retry-After": str(RETRY_SECONDS)})
