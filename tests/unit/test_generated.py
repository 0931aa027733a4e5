"""Generated files are in step with the code, complete, and agree with what the code does."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator, Draft202012Validator
from prometheus_client.parser import text_string_to_metric_families
from ruamel.yaml import YAML
from typer.testing import CliRunner

from agents.commands.generate import generate
from agents.exposition import Exposition
from agents.generate import GENERATED_FILES, MARKED_PAGES, GenerateError, render_files
from agents.generate.asyncapi import render_asyncapi
from agents.generate.contract import (
    EVENT_TYPES,
    EXAMPLES,
    MEANING,
    MEANING_IN_TYPE,
    meaning,
    tag_of,
)
from agents.generate.json_schema import render_event_schema
from agents.generate.kpi_page import metrics_of
from agents.generate.marks import COMMAND, fill
from streams import events as ev
from streams.books import Book
from streams.codec import decode_event, encode_event
from streams.conventions import Reason
from streams.errors import RejectedError
from streams.instants import HOUR, SECOND
from streams.kpis import KPIS
from streams.statements import fact_of
from streams.topics import CHANNEL_OF_EVENT, DEAD_LETTERS, TOPIC_OF_CHANNEL
from streams.windows import WINDOWS
from tests.strategies import BASE, ORGANISATION, call_events, email_events

if TYPE_CHECKING:
    from streams.organisations import Channel

ROOT = Path(__file__).parents[2]
NAMES = [*GENERATED_FILES, *MARKED_PAGES]
SCHEMA: dict[str, Any] = json.loads(render_event_schema())
VALIDATOR = Draft202012Validator(SCHEMA)
ASYNCAPI: dict[str, Any] = YAML(typ="safe").load(render_asyncapi())
TYPES = [pytest.param(kind, id=tag_of(kind)) for kind in EVENT_TYPES]
ALL_KPIS = [pytest.param(k, id=f"{k.channel}-{k.name}") for kpis in KPIS.values() for k in kpis]


def page(name: str) -> str:
    """A committed document."""
    return (ROOT / name).read_text(encoding="utf-8")


def is_valid(line: str) -> bool:
    """Whether the schema takes an event."""
    return VALIDATOR.is_valid(json.loads(line))


@pytest.mark.parametrize("name", NAMES)
def test_generated_files_are_in_step(name: str) -> None:
    """What is committed is what the types and the registry say now; else `kontaktpuls generate`."""
    rendered = next(file for file in render_files(ROOT) if file.name == name)

    assert page(name) == rendered.text
    assert rendered.in_step


@pytest.mark.parametrize("name", NAMES)
def test_generated_files_say_how_they_were_made(name: str) -> None:
    """Whoever is about to edit one reads which command would undo it."""
    assert COMMAND in page(name)


# -- the JSON Schema -----------------------------------------------------------------------


def test_the_schema_is_a_schema() -> None:
    """It follows the dialect it names, and also the older one that AsyncAPI tools read."""
    Draft202012Validator.check_schema(SCHEMA)
    Draft7Validator.check_schema(SCHEMA)

    assert list(SCHEMA["$defs"]) == [kind.__name__ for kind in EVENT_TYPES]


@pytest.mark.parametrize("kind", TYPES)
def test_every_type_has_an_example_that_works(kind: type[ev.Event]) -> None:
    """The example of a type is decoded as that type, and the schema takes it."""
    event = decode_event(EXAMPLES[kind].encode())

    assert type(event) is kind
    assert is_valid(EXAMPLES[kind])
    assert is_valid(encode_event(event).decode())
    assert EXAMPLES[kind] in page("docs/events.md")


@pytest.mark.parametrize("kind", TYPES)
def test_every_field_has_a_meaning(kind: type[ev.Event]) -> None:
    """The table of a type names each of its fields and says what it means."""
    section = page("docs/events.md").split(f"### `{tag_of(kind)}`\n")[1].split("\n### ")[0]

    for field in kind.__struct_fields__:
        assert re.search(
            rf"^\| `{field}` .*{re.escape(meaning(kind, field))} \|$", section, re.MULTILINE
        )


def test_no_meaning_is_left_over() -> None:
    """A field that was renamed or removed leaves no words behind."""
    fields = [(tag_of(kind), f) for kind in EVENT_TYPES for f in ("type", *kind.__struct_fields__)]
    special = {tuple(place.rsplit(".", 1)) for place in MEANING_IN_TYPE}

    assert special <= set(fields)
    assert {*MEANING, *(field for _, field in special)} == {field for _, field in fields}


@given(event=st.one_of(call_events, email_events))
def test_the_schema_takes_what_the_code_writes(event: ev.AnyEvent) -> None:
    """Every event this program makes is valid, empty optional fields included."""
    assert is_valid(encode_event(event).decode())


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        pytest.param(ev.CallEntered, {"type": "call.parked"}, id="an unknown type"),
        pytest.param(ev.CallEntered, {"call": 7}, id="a number as id"),
        pytest.param(ev.CallEntered, {"call": ""}, id="an empty id"),
        pytest.param(ev.CallEntered, {"queue": "x" * 257}, id="a name that is too long"),
        pytest.param(ev.CallEntered, {"at": "2026-03-02T09:00:00"}, id="a time without offset"),
        pytest.param(ev.CallEntered, {"at": 1772438400000}, id="milliseconds"),
        pytest.param(ev.CallEntered, {"at": "2026-03-02"}, id="a date"),
        pytest.param(ev.CallEntered, {"revision": -1}, id="a negative revision"),
        pytest.param(ev.CallEntered, {"revision": 2**60}, id="a huge revision"),
        pytest.param(ev.CallLeft, {"reason": "bored"}, id="an unknown reason"),
        pytest.param(ev.SurveyAnswered, {"score": 7}, id="score 7"),
        pytest.param(ev.VisitRegistered, {"wait_seconds": -1}, id="a negative wait"),
        pytest.param(ev.CallRecord, {"reason": "abandoned"}, id="a reason without leaving"),
        pytest.param(
            ev.CallRecord, {"reason": "key", "left_at": None}, id="a reason and an empty leaving"
        ),
    ],
)
def test_the_schema_refuses_what_the_code_refuses(
    kind: type[ev.Event], changes: dict[str, object]
) -> None:
    """A source that validates is spared the dead letters."""
    line = json.dumps(json.loads(EXAMPLES[kind]) | changes)

    with pytest.raises(RejectedError):
        decode_event(line.encode())
    assert not is_valid(line)


@pytest.mark.parametrize("kind", TYPES)
def test_required_fields_are_the_same(kind: type[ev.Event]) -> None:
    """Schema and code miss the same fields."""
    example = json.loads(EXAMPLES[kind])
    missed = {}
    for field in example:
        line = json.dumps({name: value for name, value in example.items() if name != field})
        try:
            decode_event(line.encode())
        except RejectedError as rejected:
            missed[field] = rejected.reason

        assert is_valid(line) == (field not in missed)
    assert set(missed.values()) == {Reason.MISSING_FIELD}


def test_the_schema_allows_fields_of_the_source_s_own() -> None:
    """Unknown fields are ignored on purpose, by schema and code alike."""
    line = json.dumps(json.loads(EXAMPLES[ev.CallEntered]) | {"priority": 3})

    assert is_valid(line)
    assert decode_event(line.encode()) == decode_event(EXAMPLES[ev.CallEntered].encode())


# -- the AsyncAPI page ---------------------------------------------------------------------


def references(node: object) -> list[str]:
    """Every `$ref` in a document."""
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [ref for value in node.values() for ref in references(value)]
    if isinstance(node, list):
        return [ref for value in node for ref in references(value)]
    return []


def resolved(document: dict[str, Any], reference: str) -> Any:
    """What a local reference points to; `KeyError` if nothing is there."""
    node: Any = document
    for step in reference.removeprefix("#/").split("/"):
        node = node[step.replace("~1", "/").replace("~0", "~")]
    return node


@pytest.mark.parametrize("document", [SCHEMA, ASYNCAPI], ids=["JSON Schema", "AsyncAPI"])
def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    """The documents are complete in themselves."""
    found = references(document)

    assert found
    for reference in found:
        assert reference.startswith("#/")
        assert isinstance(resolved(document, reference), dict)


def test_asyncapi_has_every_topic_with_its_events() -> None:
    """Each type is a message on its channel's topic, heartbeats are on all of them."""
    on_topics = {
        channel["address"]: set(channel["messages"]) for channel in ASYNCAPI["channels"].values()
    }
    expected: dict[str, set[str]] = {
        topic: {tag_of(ev.Heartbeat)} for topic in TOPIC_OF_CHANNEL.values()
    }
    for kind, channel in CHANNEL_OF_EVENT.items():
        expected[TOPIC_OF_CHANNEL[channel]].add(tag_of(kind))

    assert on_topics == expected | {DEAD_LETTERS: {"dead-letter"}}


def test_asyncapi_receives_events_and_sends_dead_letters() -> None:
    """Operations are seen from Kontaktpuls, and name messages of their own channel."""
    for operation in ASYNCAPI["operations"].values():
        channel = resolved(ASYNCAPI, operation["channel"]["$ref"])
        is_ours = channel["address"] == DEAD_LETTERS

        assert operation["action"] == ("send" if is_ours else "receive")
        assert [resolved(ASYNCAPI, message["$ref"]) for message in operation["messages"]] == list(
            channel["messages"].values()
        )


@pytest.mark.parametrize("kind", TYPES)
def test_asyncapi_examples_fit_their_schema(kind: type[ev.Event]) -> None:
    """The payload of a message is the schema of its type, and the example fits it."""
    message = ASYNCAPI["components"]["messages"][tag_of(kind)]
    schema = resolved(ASYNCAPI, message["payload"]["$ref"])

    assert schema == SCHEMA["$defs"][kind.__name__]
    for example in message["examples"]:
        Draft7Validator(schema).validate(example["payload"])
    assert message["bindings"]["kafka"]["key"]["type"] == "string"


def test_asyncapi_names_every_reason() -> None:
    """A program that reads dead letters knows what to expect."""
    letter = ASYNCAPI["components"]["schemas"]["DeadLetter"]

    assert letter["properties"]["reason"]["enum"] == [str(reason) for reason in Reason]


# -- the documents -------------------------------------------------------------------------


def test_every_reason_says_what_to_do() -> None:
    """The table of dead letters has a row for each reason, and for nothing else."""
    section = page("docs/events.md").split("\n## Dead letters\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| .{10,} \| .{10,} \|$", section, re.MULTILINE)

    assert rows == [str(reason) for reason in Reason]


def test_examples_by_hand_work_too() -> None:
    """Every line in a JSON block of the page is an event."""
    blocks = re.findall(r"```json\n(.*?)```", page("docs/events.md"), re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]

    assert len(lines) >= len(EVENT_TYPES)
    for line in lines:
        decode_event(line.encode())


@pytest.mark.parametrize("kpi", ALL_KPIS)
def test_every_kpi_is_explained(kpi: Any) -> None:
    """Name, both titles, definition, source, choices and metrics stand in its section."""
    section = page("docs/kpis.md").split(f"### {kpi.channel}: {kpi.name}\n")[1].split("\n### ")[0]
    metrics = metrics_of(kpi, total=False) if not kpi.totals_only else ()
    if kpi.channel != "surveys":
        metrics += metrics_of(kpi, total=True)
    choices = [f"`{choice}`" for choice in kpi.choices]

    for words in (kpi.sv, kpi.en, kpi.definition, kpi.source, *metrics, *choices):
        assert words in section


def test_every_window_is_explained() -> None:
    """The introduction says where each window begins."""
    introduction = page("docs/kpis.md").split("<!--")[0]

    assert [window for window in WINDOWS if f"`{window}`" not in introduction] == []


@pytest.mark.parametrize("channel", list(KPIS))
def test_what_is_exported_is_documented(channel: Channel) -> None:
    """Metrics and labels of a real exposition are those of the page."""
    book = Book(ORGANISATION, channel)
    for line in EXAMPLES.values():
        event = decode_event(line.replace("2026-03", "2026-10").encode())
        if CHANNEL_OF_EVENT.get(type(event)) == channel:
            contact, fact = fact_of(event)
            book.add(contact, fact, fact.at)
    book.settle()
    exposition = Exposition()
    exposition.add_book(book, BASE // HOUR * HOUR + SECOND)
    sections = page("docs/kpis.md").split("\n### ")

    families = list(text_string_to_metric_families(exposition.render().decode()))

    assert families
    for family in families:
        section = next(text for text in sections if f"`{family.name}`" in text)
        for sample in family.samples:
            assert [label for label in sample.labels if f"`{label}`" not in section] == []


# -- the command ---------------------------------------------------------------------------


def run(*arguments: str) -> tuple[int, str]:
    """Exit code and output of `kontaktpuls generate`."""
    app = typer.Typer()
    app.command()(generate)
    result = CliRunner().invoke(app, arguments)
    return result.exit_code, result.output


def test_the_command_writes_what_is_out_of_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Into an empty folder everything; after that nothing is left to write."""
    monkeypatch.chdir(ROOT)

    first = run("--out", str(tmp_path))
    second = run("--out", str(tmp_path))

    assert first[0] == second[0] == 0
    assert {line.split()[1] for line in first[1].splitlines() if "wrote" in line} == set(NAMES)
    assert "wrote" not in second[1]
    for name in NAMES:
        assert (tmp_path / name).read_text(encoding="utf-8") == page(name)


def test_check_names_the_files_out_of_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It fails, says which, and writes nothing."""
    monkeypatch.chdir(ROOT)
    run("--out", str(tmp_path))
    before = run("--check", "--out", str(tmp_path))
    stale = tmp_path / "docs" / "kpis.md"
    stale.write_text(page("docs/kpis.md").replace("Inkomna samtal", "Samtal"), encoding="utf-8")
    (tmp_path / "docs" / "asyncapi.yaml").unlink()

    code, output = run("--check", "--out", str(tmp_path))

    assert before == (0, "")
    assert code == 1
    assert [line.split(":")[0] for line in output.splitlines()] == [
        "docs/asyncapi.yaml",
        "docs/kpis.md",
    ]
    assert "Inkomna samtal" not in stale.read_text(encoding="utf-8")


def test_the_command_says_where_it_wants_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outside a checkout there is no page to put the tables into."""
    monkeypatch.chdir(tmp_path)

    code, output = run()

    assert code == 1
    assert "`docs/events.md` does not exist" in output


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("no marks at all\n", id="a mark is missing"),
        pytest.param("<!-- generated: kontaktpuls generate: a -->\n", id="a block has no end"),
        pytest.param(
            "<!-- generated: kontaktpuls generate: a -->\n<!-- end -->\n" * 2, id="a block twice"
        ),
        pytest.param(
            "<!-- generated: kontaktpuls generate: a -->\n<!-- end -->\n"
            "<!-- generated: kontaktpuls generate: b -->\n<!-- end -->\n",
            id="a block nobody generates",
        ),
    ],
)
def test_a_page_without_its_marks_is_left_alone(text: str) -> None:
    """Prose by hand is never overwritten by guess."""
    with pytest.raises(GenerateError, match=r"`page\.md` has to mark exactly the blocks `a`"):
        fill(text, {"a": "table"}, name="page.md")
