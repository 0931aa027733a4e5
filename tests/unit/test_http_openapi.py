"""The OpenAPI page is an OpenAPI page, and says what the server does."""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from agents.generate.contract import EVENT_TYPES, EXAMPLES, tag_of
from agents.generate.openapi import render_openapi
from agents.sources.http_bodies import form_of, read_events
from agents.sources.http_problems import FOREIGN
from streams.conventions import Reason

if TYPE_CHECKING:
    from streams import events as ev

PAGE = Path(__file__).parents[2] / "docs/sources/http.md"
OPENAPI: dict[str, Any] = YAML(typ="safe").load(render_openapi())
SEND: dict[str, Any] = OPENAPI["paths"]["/events"]["post"]
TYPES = [pytest.param(kind, id=tag_of(kind)) for kind in EVENT_TYPES]


def resolved(reference: str) -> Any:
    """What a local reference points to; `KeyError` if nothing is there."""
    node: Any = OPENAPI
    for step in reference.removeprefix("#/").split("/"):
        node = node[step]
    return node


def test_every_reference_leads_somewhere() -> None:
    """The page is complete in itself."""
    found = re.findall(r"#/components/\w+/\w+", render_openapi())

    assert len(found) > len(EVENT_TYPES)
    for reference in found:
        assert resolved(reference)


@pytest.mark.parametrize("kind", TYPES)
def test_its_events_are_those_of_the_code(kind: type[ev.Event]) -> None:
    """But for the organisation, which the token knows; each example is taken."""
    schema = OPENAPI["components"]["schemas"][kind.__name__]
    example = SEND["requestBody"]["content"]["application/json"]["examples"][tag_of(kind)]["value"]
    Draft202012Validator(schema).validate(example)
    reading = read_events(
        json.dumps(example).encode(), "one event", organisation="skara", sources=["exchange"]
    )

    assert "organisation" not in schema["required"]
    assert reading.problems == []
    assert type(reading.events[0]) is kind
    assert EXAMPLES[kind]


def test_its_media_types_are_those_of_the_code() -> None:
    """What the page names is read as what it is."""
    forms = {kind: form_of(kind) for kind in SEND["requestBody"]["content"]}

    assert forms == {"application/json": "one event", "application/x-ndjson": "lines"}


def test_it_names_every_reason() -> None:
    """A program that mends its events knows what to expect."""
    reasons = OPENAPI["components"]["schemas"]["LineProblem"]["properties"]["reason"]["enum"]

    assert set(reasons) == {*map(str, Reason), *FOREIGN}


def test_the_answers_are_those_of_the_page_for_people() -> None:
    """Every status has a row that says what the sender does, and a response in the contract."""
    section = PAGE.read_text("utf-8").partition("\n## Set-up in steps\n")[0]
    rows = re.findall(r"^\| `(\d{3})` \| .{10,} \| .{5,} \|$", section, re.MULTILINE)

    assert rows == list(SEND["responses"])
    for status in rows:
        assert HTTPStatus(int(status))
