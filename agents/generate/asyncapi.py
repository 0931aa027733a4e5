"""AsyncAPI page: which events travel on which topic, and what Kontaktpuls sends itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import msgspec

from agents.envelopes import DeadLetter
from agents.generate.contract import (
    DEAD_LETTER_MEANING,
    EVENT_TYPES,
    EXAMPLES,
    meaning,
    summary,
    tag_of,
)
from agents.generate.json_schema import event_schemas
from agents.generate.yaml_page import render_yaml
from streams.conventions import Reason
from streams.topics import CHANNEL_OF_EVENT, DEAD_LETTERS, TOPIC_OF_CHANNEL

if TYPE_CHECKING:
    from streams import events

CONTRACT_VERSION: Final = "1.0.0"
"""Of the contract, not of the program: a new optional field or type raises the second number."""

DEAD_LETTER: Final = "dead-letter"
DEAD_LETTER_CHANNEL: Final = "dead-letters"
BINDING_VERSION: Final = "0.5.0"
TITLE_OF_CHANNEL: Final = {
    "calls": "Facts about calls",
    "emails": "Facts about e-mail conversations",
    "surveys": "Answers to survey questions",
    "visits": "Visits to the desks",
}

Document = dict[str, Any]


def types_on(channel: str) -> list[type[events.Event]]:
    """The event types that travel on a channel's topic; heartbeats travel on all."""
    return [kind for kind in EVENT_TYPES if CHANNEL_OF_EVENT.get(kind, channel) == channel]


def render_asyncapi() -> str:
    """`docs/asyncapi.yaml`."""
    return render_yaml(_document(), made_from="streams/")


def _document() -> Document:
    schemas: Document = event_schemas("#/components/schemas/{name}")
    schemas["DeadLetter"] = _dead_letter_schema()
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Kontaktpuls",
            "version": CONTRACT_VERSION,
            "description": (
                "Facts about calls, e-mails, surveys and visits on Kafka, one JSON object a "
                "record. docs/events.md says what identifies a fact and how one is corrected."
            ),
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {
            **{channel: _channel(channel) for channel in TOPIC_OF_CHANNEL},
            DEAD_LETTER_CHANNEL: {
                "address": DEAD_LETTERS,
                "title": "Dead letters",
                "description": "Records that could not be applied, as received, with the reason.",
                "messages": _references([DEAD_LETTER]),
            },
        },
        "operations": {
            **{
                f"receive-{channel}": _operation(
                    "receive", channel, [tag_of(kind) for kind in types_on(channel)]
                )
                for channel in TOPIC_OF_CHANNEL
            },
            f"send-{DEAD_LETTER_CHANNEL}": _operation("send", DEAD_LETTER_CHANNEL, [DEAD_LETTER]),
        },
        "components": {
            "messages": {
                **{tag_of(kind): _message(kind) for kind in EVENT_TYPES},
                DEAD_LETTER: {
                    "name": DEAD_LETTER,
                    "title": "DeadLetter",
                    "summary": "A record that could not be applied, and why.",
                    "payload": {"$ref": "#/components/schemas/DeadLetter"},
                },
            },
            "schemas": schemas,
        },
    }


def _channel(channel: str) -> Document:
    return {
        "address": TOPIC_OF_CHANNEL[channel],  # type: ignore[index]
        "title": TITLE_OF_CHANNEL[channel],
        "messages": _references([tag_of(kind) for kind in types_on(channel)]),
    }


def _references(messages: list[str]) -> Document:
    return {name: {"$ref": f"#/components/messages/{name}"} for name in messages}


def _operation(action: str, channel: str, messages: list[str]) -> Document:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in messages],
    }


def _message(kind: type[events.Event]) -> Document:
    return {
        "name": tag_of(kind),
        "title": kind.__name__,
        "summary": summary(kind),
        "payload": {"$ref": f"#/components/schemas/{kind.__name__}"},
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": meaning(kind, "organisation")},
                "bindingVersion": BINDING_VERSION,
            }
        },
        "examples": [{"payload": json.loads(EXAMPLES[kind])}],
    }


def _dead_letter_schema() -> Document:
    _, components = msgspec.json.schema_components(
        [DeadLetter], ref_template="#/components/schemas/{name}"
    )
    schema: Document = components["DeadLetter"]
    schema["description"] = "A record that could not be applied, and why."
    for name, value in schema["properties"].items():
        value["description"] = DEAD_LETTER_MEANING[name]
    schema["properties"]["reason"]["enum"] = [str(reason) for reason in Reason]
    schema["properties"]["appended_at"]["format"] = "date-time"
    schema["properties"]["topic"]["enum"] = list(TOPIC_OF_CHANNEL.values())
    return schema
