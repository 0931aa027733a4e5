"""What schemathesis has to be told about the HTTP source; loaded by its command line."""

from __future__ import annotations

import json
from typing import Any

import schemathesis

from streams.codec import decode_event
from streams.conventions import Reason
from streams.errors import RejectedError

LINES = "application/x-ndjson"


@schemathesis.hook
def before_load_schema(_: schemathesis.HookContext, raw_schema: dict[str, Any]) -> None:
    """OpenAPI 3.1 has no word for JSON lines; let it make lists of events instead of texts."""
    content = raw_schema["paths"]["/events"]["post"]["requestBody"]["content"]
    content[LINES] = {
        "schema": {
            "type": "array",
            "minItems": 1,
            "items": content["application/json"]["schema"],
        }
    }


@schemathesis.serializer(LINES)
def as_lines(_: schemathesis.SerializationContext, value: Any) -> bytes:
    """One event on each line; what is no list is one line."""
    events = value if isinstance(value, list) else [value]
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)


@schemathesis.hook
def filter_case(_: schemathesis.HookContext, case: schemathesis.Case[Any]) -> bool:
    """Whether the schema can say all that decides about the events."""
    body = case.body
    return not any(map(_is_beyond_schemas, body if isinstance(body, list) else [body]))


def _is_beyond_schemas(event: Any) -> bool:
    """The order of two times; and `3.0`, which schemas and few others take for a whole number."""
    if not isinstance(event, dict):
        return False
    if any(isinstance(event.get(name), float) for name in ("revision", "score")):
        return True
    try:
        decode_event(json.dumps({"organisation": "any", **event}).encode())
    except RejectedError as error:
        return error.reason is Reason.CONTRADICTORY_TIMES
    return False
