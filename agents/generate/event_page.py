"""The tables of `docs/events.md`."""

from __future__ import annotations

from typing import Any

from agents.generate.asyncapi import types_on
from agents.generate.contract import EVENT_TYPES, EXAMPLES, meaning, summary, tag_of
from agents.generate.json_schema import event_schemas
from agents.generate.marks import table
from streams.topics import TOPIC_OF_CHANNEL


def event_blocks() -> dict[str, str]:
    """Blocks by name: the topics, and the fields of every type."""
    return {"topics": _topics(), "types": _types()}


def _topics() -> str:
    rows = [
        (f"`{topic}`", ", ".join(f"`{tag_of(kind)}`" for kind in types_on(channel)))
        for channel, topic in TOPIC_OF_CHANNEL.items()
    ]
    return table(("topic", "events"), rows)


def _types() -> str:
    schemas = event_schemas("#/$defs/{name}")
    sections = []
    for kind in EVENT_TYPES:
        schema = schemas[kind.__name__]
        rows = [
            (
                f"`{name}`",
                "yes" if name in schema["required"] else "no",
                _rule(value),
                meaning(kind, name),
            )
            for name, value in schema["properties"].items()
            if name != "type"
        ]
        sections.append(
            f"### `{tag_of(kind)}`\n\n{summary(kind)}\n\n"
            f"{table(('field', 'required', 'value', 'meaning'), rows)}\n\n"
            f"```json\n{EXAMPLES[kind]}\n```"
        )
    return "\n\n".join(sections)


def _rule(schema: dict[str, Any]) -> str:
    """What a value may be, in words.

    >>> _rule({"type": "integer", "minimum": 1, "maximum": 5})
    'whole number, 1 to 5'
    """
    for option in schema.get("anyOf", ()):
        if option != {"type": "null"}:
            return _rule(option)
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if schema.get("format") == "date-time":
        return "time with offset"
    kind = schema["type"]
    if kind == "string":
        return f"text, {schema['minLength']} to {schema['maxLength']} characters"
    if kind == "boolean":
        return "`true` or `false`"
    words = {"integer": "whole number", "number": "number"}[kind]
    return f"{words}, {schema['minimum']} to {schema['maximum']:,}"
