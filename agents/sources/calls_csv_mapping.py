"""Reads `config/mappings/*.yaml`: every problem with its line, as for all configuration."""

from __future__ import annotations

import codecs
import dataclasses
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError

from agents.settings.document import WHOLE_FILE, read_document
from agents.settings.problems import Problem, SettingsError, quoted, suggestion
from agents.settings.values import parse_time_zone
from streams.parsers.calls_csv_mapping import CallsCsvMapping

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pydantic_core import ErrorDetails

    from agents.settings.document import Document, Loc

PAGE = "docs/sources/calls-csv.md"

WANTED = {
    "string_type": "text; put it in quotes",
    "tuple_type": "a list; write `[a, b]`",
    "dict_type": "a mapping; write `key: value` lines under it",
    "dataclass_type": "a mapping; write `key: value` lines under it",
    "float_parsing": "a number of seconds",
    "float_type": "a number of seconds",
    "bool_parsing": "a switch; write `true` or `false`",
    "bool_type": "a switch; write `true` or `false`",
}

REQUIRED = {
    "version": 1,
    "call": ["call"],
    "queue": {"name": "queue"},
    "entered": {"timestamp": "entered"},
    "outcome": {"rules": [{"when": {"outcome": "x"}, "means": "unknown"}]},
}
"""Stands in for what a mapping must have and has not, while the rest of it is looked at."""


class _Root(BaseModel):
    """Gives the mapping, and all that is nested in it, one rule: no unknown keys."""

    model_config = ConfigDict(extra="forbid")

    mapping: CallsCsvMapping


def load_mapping(path: Path) -> CallsCsvMapping:
    """A mapping from its file; `SettingsError` with every problem of it."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        message = f"cannot be read ({reason}); write the name of a mapping"
        raise SettingsError([Problem(str(path), 1, WHOLE_FILE, message)]) from None
    return mapping_from_text(text, str(path))


def mapping_from_text(text: str, file: str) -> CallsCsvMapping:
    """A mapping from YAML; `SettingsError` with every problem of it."""
    document = read_document(text, file)
    problems = list(document.problems)
    if document.value is None:
        raise SettingsError(problems)
    broken = {str(loc[0]) for loc in document.unreadable if loc}
    mapping: CallsCsvMapping | None
    try:
        mapping = _validated(document.value)
    except ValidationError as error:
        problems += _refusals(error, document)
        broken |= {str(details["loc"][1]) for details in error.errors() if len(details["loc"]) > 1}
        mapping = _rest(document.value, broken)
    if mapping is not None:
        problems += _faults(mapping, document, broken)
        problems += _unusable(mapping, document)
    if problems or mapping is None:
        raise SettingsError(problems)
    return mapping


def _validated(value: object) -> CallsCsvMapping:
    return _Root.model_validate({"mapping": value}).mapping


def _rest(value: object, broken: set[str]) -> CallsCsvMapping | None:
    """What is right of a mapping, so that its other faults need not wait until the first go."""
    if not isinstance(value, dict):
        return None
    right = {key: inner for key, inner in value.items() if key not in broken}
    try:
        return _validated(REQUIRED | right)
    except ValidationError:
        return None


def _faults(mapping: CallsCsvMapping, document: Document, broken: set[str]) -> Iterator[Problem]:
    """What does not go together, as far as it does not follow from what is broken."""
    for fault in mapping.faults():
        if not fault.about & broken:
            absent = fault.key[-1] if document.known(fault.key) != fault.key else None
            yield document.report(fault.key, fault.message, absent=absent)


def _refusals(error: ValidationError, document: Document) -> Iterator[Problem]:
    """One problem a place, although pydantic has one for every member of a union."""
    places: dict[Loc, list[ErrorDetails]] = {}
    for details in error.errors(include_url=False):
        loc: Loc = details["loc"][1:]
        key = loc if details["type"] in {"missing", "unexpected_keyword_argument"} else ()
        places.setdefault(key or document.known(loc), []).append(details)
    for loc, refused in places.items():
        if any(loc[: len(lost)] == lost for lost in document.unreadable):
            continue
        first = refused[0]
        if first["type"] == "missing":
            message = f"is missing; {PAGE} says what to write"
            yield document.report(loc, message, absent=str(loc[-1]))
        elif first["type"] == "unexpected_keyword_argument":
            known = _keys(tuple(step for step in loc[:-1] if step in _ALL_KEYS))
            yield document.report(loc, f"is no key of a mapping; {suggestion(str(loc[-1]), known)}")
        else:
            yield document.report(loc, _message(refused))


def _message(refused: list[ErrorDetails]) -> str:
    first = refused[0]
    value = quoted(first["input"])
    kinds = {details["type"] for details in refused}
    if "value_error" in kinds:
        found = next(details for details in refused if details["type"] == "value_error")
        return str(found["ctx"]["error"])
    if "literal_error" in kinds:
        choices = " or ".join(str(details["ctx"]["expected"]) for details in refused)
        return f"{value} is not possible here; write {choices.replace(chr(39), '`')}"
    if {"string_type", "tuple_type", "dataclass_type"} <= kinds:
        return f"{value} is no value; write text in quotes, a list, or `{{other_than: ...}}`"
    if first["type"] in WANTED:
        return f"{value} is not {WANTED[first['type']]}"
    return f"{value} is refused: {first['msg']}; {PAGE} says what to write"


def _unusable(mapping: CallsCsvMapping, document: Document) -> Iterator[Problem]:
    """What only this machine knows: its encodings and time zones."""
    try:
        # Rows are found by their line ends before they are decoded.
        usable = codecs.encode("\n", mapping.encoding) == b"\n"
    except (LookupError, TypeError):
        usable = False
    if not usable:
        message = f"{quoted(mapping.encoding)} is no encoding of text files that is known here; "
        message += "write e.g. `utf-8`, `cp1252` or `iso-8859-1`, and convert UTF-16 first"
        yield document.report(("encoding",), message)
    if mapping.time_zone is not None:
        try:
            parse_time_zone(mapping.time_zone)
        except ValueError as error:
            yield document.report(("time_zone",), str(error))


def _dataclass_of(hint: Any) -> Any:
    """The dataclass in an annotation such as `Moment | None` or `tuple[Check, ...]`."""
    if dataclasses.is_dataclass(hint):
        return hint
    return next((found for arg in get_args(hint) if (found := _dataclass_of(arg))), None)


def _keys(steps: tuple[str | int, ...]) -> list[str]:
    """The keys that may be written at a place."""
    owner: Any = CallsCsvMapping
    for step in steps:
        owner = _dataclass_of(get_type_hints(owner).get(str(step))) or owner
    return [field.name for field in dataclasses.fields(owner)]


def _every_key(owner: Any) -> Iterator[str]:
    for name, hint in get_type_hints(owner).items():
        yield name
        if nested := _dataclass_of(hint):
            yield from _every_key(nested)


_ALL_KEYS = frozenset(_every_key(CallsCsvMapping))
