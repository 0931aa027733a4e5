"""OpenAPI page: how systems that can call a webhook send events."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any, Final

from agents.generate.contract import EVENT_TYPES, EXAMPLES, meaning, summary, tag_of
from agents.generate.json_schema import event_schemas
from agents.generate.yaml_page import render_yaml
from agents.settings.http import DEFAULT_PORT
from agents.sources.http_bodies import BODY_SECONDS, MAX_BODY_BYTES, MAX_LINES
from agents.sources.http_problems import FOREIGN, PROBLEM_TYPE
from streams.conventions import Reason

CONTRACT_VERSION: Final = "1.0.0"
"""Of the contract, not of the program; counted as that of the AsyncAPI page is."""

Document = dict[str, Any]

WHAT_IS_WRONG: Final[dict[HTTPStatus, str]] = {
    HTTPStatus.BAD_REQUEST: "Events are wrong, each named by its line; none was taken.",
    HTTPStatus.UNAUTHORIZED: "No token, or none that is known.",
    HTTPStatus.FORBIDDEN: "Events of another organisation, or heartbeats of another source; none "
    "was taken.",
    HTTPStatus.REQUEST_TIMEOUT: f"The body took longer than {BODY_SECONDS:g} s.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: f"More than {MAX_BODY_BYTES:,} bytes, unpacked too, or "
    f"{MAX_LINES:,} events; send several requests.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "Neither JSON nor JSON lines, or not packed with gzip.",
    HTTPStatus.MISDIRECTED_REQUEST: "The name in `Host` is none of this server's.",
    HTTPStatus.TOO_MANY_REQUESTS: "Too many requests at a time, or Kafka lags; send it again.",
    HTTPStatus.SERVICE_UNAVAILABLE: "The server is being stopped; send it again.",
}
ON_EVERY_PATH: Final = (HTTPStatus.MISDIRECTED_REQUEST,)
SENT_AGAIN: Final = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


def render_openapi() -> str:
    """`docs/openapi.yaml`."""
    return render_yaml(_document(), made_from="streams/ and agents/sources/")


def _document() -> Document:
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Kontaktpuls: events over HTTP",
            "version": CONTRACT_VERSION,
            "description": (
                "Facts about calls, e-mails, surveys and visits from systems that can call a "
                "webhook. docs/events.md says what identifies a fact and how one is corrected; "
                "docs/sources/http.md how the server is set up. The same event may be sent any "
                "number of times, in any order."
            ),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": f"http://127.0.0.1:{DEFAULT_PORT}"}],
        "paths": {
            "/events": {"post": _send_events()},
            "/livez": {"get": _health("isAlive", "Whether the server answers at all.")},
            "/readyz": {"get": _health("isReady", "Whether it takes events, and Kafka too.")},
            "/openapi.yaml": {"get": _contract()},
        },
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "From `kontaktpuls source http-token`, one for each producer.",
                }
            },
            "responses": {status.name: _problem(status) for status in WHAT_IS_WRONG},
            "schemas": {**_events(), "Accepted": _ACCEPTED, "Health": _HEALTH, **_problems()},
        },
    }


def _send_events() -> Document:
    one_event = {
        "oneOf": [{"$ref": f"#/components/schemas/{kind.__name__}"} for kind in EVENT_TYPES],
        "discriminator": {
            "propertyName": "type",
            "mapping": {
                tag_of(kind): f"#/components/schemas/{kind.__name__}" for kind in EVENT_TYPES
            },
        },
    }
    lines = [EXAMPLES[kind] for kind in EVENT_TYPES[:2]]
    return {
        "operationId": "sendEvents",
        "summary": "Send one event, or many.",
        "description": (
            "All of them or none: 202 says that every copy of Kafka has all events of the request. "
            "One event as `application/json`; many as `application/x-ndjson`, one on each line. "
            "The body may be packed with gzip (`Content-Encoding: gzip`)."
        ),
        "security": [{"token": []}],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": one_event,
                    "examples": {
                        tag_of(kind): {"summary": summary(kind), "value": _example(EXAMPLES[kind])}
                        for kind in EVENT_TYPES
                    },
                },
                "application/x-ndjson": {
                    "schema": {"type": "string", "description": "One event on each line."},
                    "example": "".join(f"{json.dumps(_example(line))}\n" for line in lines),
                },
            },
        },
        "responses": {
            "202": {
                "description": "Kafka has acknowledged all events.",
                "content": _json("Accepted"),
            },
            **_references(*WHAT_IS_WRONG),
        },
    }


def _example(line: str) -> Document:
    event: Document = json.loads(line)
    # What an example cannot know, the token does.
    del event["organisation"]
    return event


def _health(operation: str, text: str) -> Document:
    return {
        "operationId": operation,
        "summary": text,
        "responses": {
            "200": {"description": "All is well.", "content": _json("Health")},
            **_references(*ON_EVERY_PATH),
            "503": {"description": "It is being stopped.", "content": _json("Health")},
        },
    }


def _contract() -> Document:
    return {
        "operationId": "readContract",
        "summary": "This page.",
        "responses": {
            "200": {
                "description": "OpenAPI 3.1.",
                "content": {"application/yaml": {"schema": {"type": "object"}}},
            },
            **_references(*ON_EVERY_PATH),
        },
    }


def _references(*statuses: HTTPStatus) -> Document:
    return {
        str(status.value): {"$ref": f"#/components/responses/{status.name}"} for status in statuses
    }


def _json(schema: str) -> Document:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}


def _problem(status: HTTPStatus) -> Document:
    response: Document = {
        "description": WHAT_IS_WRONG[status],
        "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    if status in SENT_AGAIN:
        response["headers"] = {
            "Retry-After": {
                "description": "After how many seconds to send the same again.",
                "required": True,
                "schema": {"type": "integer", "minimum": 1},
            }
        }
    if status is HTTPStatus.UNAUTHORIZED:
        response["headers"] = {
            "WWW-Authenticate": {
                "description": "`Bearer`, as RFC 6750 has it.",
                "required": True,
                "schema": {"type": "string"},
            }
        }
    return response


def _events() -> Document:
    schemas = event_schemas("#/components/schemas/{name}")
    for kind in EVENT_TYPES:
        schema = schemas[kind.__name__]
        schema["required"].remove("organisation")
        schema["properties"]["organisation"]["description"] = (
            f"{meaning(kind, 'organisation')} Left out, it is the one that the token belongs to; "
            "another is refused."
        )
        schema["examples"] = [_example(EXAMPLES[kind])]
    return schemas


def _problems() -> Document:
    reasons = [*(str(reason) for reason in Reason), *sorted(str(reason) for reason in FOREIGN)]
    return {
        "Problem": {
            "type": "object",
            "description": "What is wrong with a request (RFC 9457).",
            "required": ["type", "title", "status", "detail"],
            "properties": {
                "type": {"type": "string", "const": "about:blank"},
                "title": {"type": "string", "description": "The status in words."},
                "status": {"type": "integer"},
                "detail": {"type": "string", "description": "What is wrong; what to do."},
                "problems": {
                    "type": "array",
                    "description": "Every line that is wrong.",
                    "items": {"$ref": "#/components/schemas/LineProblem"},
                },
            },
        },
        "LineProblem": {
            "type": "object",
            "description": "What is wrong with one line.",
            "required": ["line", "reason", "detail"],
            "properties": {
                "line": {"type": "integer", "minimum": 1, "description": "Counted from 1."},
                "reason": {
                    "type": "string",
                    "enum": reasons,
                    "description": "As on the dead-letter topic; docs/events.md explains each.",
                },
                "detail": {
                    "type": "string",
                    "description": "The place of the fault; never a value.",
                },
            },
        },
    }


_ACCEPTED: Final[Document] = {
    "type": "object",
    "description": "What was taken.",
    "required": ["accepted"],
    "properties": {
        "accepted": {"type": "integer", "minimum": 1, "description": "How many events."}
    },
}

_HEALTH: Final[Document] = {
    "type": "object",
    "description": "Which checks pass.",
    "required": ["ok", "failing"],
    "properties": {
        "ok": {"type": "array", "items": {"type": "string"}},
        "failing": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}
