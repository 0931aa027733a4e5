"""What pydantic refuses, in the words of whoever has to mend the file."""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from agents.settings.problems import Problem, quoted, suggestion

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import ValidationError
    from pydantic.fields import FieldInfo
    from pydantic_core import ErrorDetails

    from agents.settings.document import Document, Loc

SECRET_KEYS = frozenset({"password", "secret", "sasl_password", "token"})

WANTED = {
    "string_type": "text; put it in quotes",
    "int_type": "a whole number; write digits only",
    "int_from_float": "a whole number; write digits only",
    "bool_type": "a switch; write `true` or `false`",
    "list_type": "a list; write `[a, b]` or one `- a` a line",
    "dict_type": "a mapping; write `key: value` lines under it",
    "model_type": "a mapping; write `key: value` lines under it",
    "model_attributes_type": "a mapping; write `key: value` lines under it",
}


def problems_of(
    error: ValidationError, document: Document, model: type[BaseModel]
) -> Iterator[Problem]:
    """Every refusal as a problem of the document it was found in."""
    for details in error.errors(include_url=False):
        loc = details["loc"]
        if any(loc[: len(lost)] == lost for lost in document.unreadable):
            continue
        # A field may be wrong by its default, or by what it lacks: then it has no line of its own.
        absent = document.known(loc)[-1:] != loc[-1:] and _field(model, loc) is not None
        name = str(loc[-1]) if absent else None
        yield document.report(loc, message_of(details, model), absent=name)


def message_of(details: ErrorDetails, model: type[BaseModel]) -> str:
    """What is wrong; what to write instead."""
    kind, loc, value = details["type"], details["loc"], details["input"]
    if kind == "missing":
        return f"is missing; write {_example(model, loc)}"
    if kind == "extra_forbidden":
        return _unknown_key(model, loc)
    if kind == "value_error":
        return str(details["ctx"]["error"])
    if kind == "literal_error":
        choices = [str(choice) for choice in get_args(_annotation(model, loc))]
        return f"{quoted(value)} is not possible here; {suggestion(str(value), choices)}"
    if kind in WANTED:
        return f"{quoted(value)} is not {WANTED[kind]}"
    return f"{quoted(value)} is refused: {details['msg']}; write {_example(model, loc)}"


def _unknown_key(model: type[BaseModel], loc: Loc) -> str:
    key = str(loc[-1])
    if key in SECRET_KEYS:
        return "secrets do not belong in this file; write `password_file` with the name of a file"
    owner = _annotation(model, loc[:-1])
    known = owner.model_fields if _is_model(owner) else ()
    return f"is no setting; {suggestion(key, known)}"


def _example(model: type[BaseModel], loc: Loc) -> str:
    field = _field(model, loc)
    if field is None or not field.examples:
        return "one"
    return f"e.g. `{loc[-1]}: {field.examples[0]}`"


def _field(model: type[BaseModel], loc: Loc) -> FieldInfo | None:
    owner = _annotation(model, loc[:-1])
    return owner.model_fields.get(str(loc[-1])) if _is_model(owner) else None


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _annotation(model: type[BaseModel], loc: Loc) -> Any:
    """What the models say about the value at `loc`."""
    annotation: Any = model
    for step in loc:
        if _is_model(annotation):
            field = annotation.model_fields.get(str(step))
            annotation = None if field is None else field.annotation
        elif get_origin(annotation) in (list, dict):
            annotation = get_args(annotation)[-1]
        annotation = _bare(annotation)
    return annotation


def _bare(annotation: Any) -> Any:
    """Without `Annotated` and `| None`."""
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            annotation = get_args(annotation)[0]
        elif origin in (Union, types.UnionType):
            annotation = next(arg for arg in get_args(annotation) if arg is not type(None))
        else:
            return annotation
