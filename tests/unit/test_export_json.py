"""The JSON of an export is the model, and its schema says what stands in it."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from agents.exports.json_file import Document, definitions_of, json_file
from agents.generate.export_schema import meanings, render_export_schema
from streams.exports.model import Export
from streams.kpis import KPIS
from tests.sample_export import sample_export

SCHEMA: dict[str, Any] = json.loads(render_export_schema())
EXPORT = sample_export()


def test_what_is_written_reads_back_as_the_same_export() -> None:
    """Nothing is rounded, left out or made up."""
    read = msgspec.json.decode(json_file(EXPORT), type=Document)

    for field in Export.__struct_fields__:
        assert getattr(read, field) == getattr(EXPORT, field)


def test_the_same_export_gives_the_same_bytes() -> None:
    """Also where a dictionary was filled in another order."""
    letters = {"unknown_organisation": 1, "invalid_time": 3}
    turned = sample_export(quality=msgspec.structs.replace(EXPORT.quality, dead_letters=letters))

    assert list(letters) != list(EXPORT.quality.dead_letters or {})
    assert json_file(turned) == json_file(EXPORT)


def test_no_data_is_null() -> None:
    """A week nobody counted is not a week without calls."""
    document = json.loads(json_file(EXPORT))
    (emails,) = (one for one in document["sections"] if one["channel"] == "emails")
    row = emails["parts"][0]["rows"][0]

    assert row["now"]["value"] == 143
    assert row["year_before"]["value"] is None


def test_every_kpi_that_occurs_is_defined_and_no_other() -> None:
    """A reader needs no other document, in either language."""
    document = json.loads(json_file(EXPORT))
    occurring = {
        (section["channel"], row["kpi"])
        for section in document["sections"]
        for part in section["parts"]
        for row in (*part["rows"], *part["heat_maps"])
    }
    defined = {(one["channel"], one["kpi"]): one for one in document["definitions"]}

    assert set(defined) == occurring
    for (channel, name), one in defined.items():
        (kpi,) = (kpi for kpi in KPIS[channel] if kpi.name == name)
        assert (one["sv"], one["en"]) == (kpi.sv, kpi.en)
        assert (one["definition_sv"], one["definition_en"]) == (kpi.definition_sv, kpi.definition)
        assert (one["unit"], one["better"], one["source"]) == (kpi.unit, kpi.better, kpi.source)


def test_topics_bring_their_definitions() -> None:
    """They are counted by KPIs of calls, also where no part shows those."""
    (calls, *_) = EXPORT.sections
    bare = msgspec.structs.replace(calls, parts=())

    names = [one.kpi for one in definitions_of(sample_export(sections=(bare,)))]

    assert names == ["handled", "coded_share", "resolution"]


def test_the_schema_takes_what_the_code_writes() -> None:
    """It is a schema of the dialect it names, and the file fits it."""
    Draft202012Validator.check_schema(SCHEMA)
    Draft202012Validator(SCHEMA).validate(json.loads(json_file(EXPORT)))


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"as_of": "2026-11-19"}, id="a date for an instant"),
        pytest.param({"made_at": "2026-11-23T06:00:00"}, id="a time without offset"),
        pytest.param({"hours": "168"}, id="a text for a number"),
        pytest.param({"period": "2026-W47"}, id="a text for a period"),
        pytest.param({"quality": None}, id="no word on quality"),
    ],
)
def test_the_schema_refuses_what_it_does_not_mean(changes: dict[str, object]) -> None:
    """A program that validates finds out at once."""
    document = json.loads(json_file(EXPORT)) | changes

    assert not Draft202012Validator(SCHEMA).is_valid(document)


def test_every_field_of_the_schema_has_a_meaning() -> None:
    """From the docstrings of the model, where its authors keep them in step."""
    speechless = [
        f"{name}.{field}"
        for name, schema in {"Document": SCHEMA, **SCHEMA["$defs"]}.items()
        for field, value in schema.get("properties", {}).items()
        if not value.get("description")
    ]

    assert speechless == []
    assert meanings(Document)["version"] == "of this shape."
