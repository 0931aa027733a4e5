"""`config/sources/NAME.yaml`: how one source is connected; each kind says what may be written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeVar

from pydantic import Field, ValidationError

from agents.settings.addresses import Port
from agents.settings.document import WHOLE_FILE, read_document
from agents.settings.problems import Problem, SettingsError
from agents.settings.refusals import problems_of
from agents.settings.values import Section

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from agents.settings.document import Loc


class SourceFile(Section):
    """What every source's file may hold; a kind overrides `kind` with its own literal.

    Attributes:
        metrics_port: where its own counters are served on the loopback interface; `None` = nowhere.
    """

    version: Literal[1] = Field(default=1, examples=["1"])
    kind: str = Field(examples=["imap"])
    metrics_port: Port | None = Field(default=None, examples=["9465"])


Kind = TypeVar("Kind", bound=SourceFile)


def kind_of(path: Path) -> str | None:
    """What kind of source a file says that it is; `None` where `load_source` will complain."""
    try:
        value = read_document(path.read_text(encoding="utf-8-sig"), str(path)).value
    except (OSError, UnicodeDecodeError):
        return None
    kind = value.get("kind") if isinstance(value, dict) else None
    return kind if isinstance(kind, str) else None


def load_source(
    path: Path,
    model: type[Kind],
    check: Callable[[Kind], Iterable[tuple[Loc, str]]] = lambda _: (),
) -> Kind:
    """The settings in a source's file; `check` tells what only the rest of the world knows of it.

    Raises:
        SettingsError: with every problem.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        message = f"cannot be read ({reason}); write the name of a file that can"
        raise SettingsError([Problem(str(path), 1, WHOLE_FILE, message)]) from None
    return source_from_text(text, str(path), model, check)


def source_from_text(
    text: str,
    file: str,
    model: type[Kind],
    check: Callable[[Kind], Iterable[tuple[Loc, str]]] = lambda _: (),
) -> Kind:
    """The settings in a YAML text, as `load_source`."""
    document = read_document(text, file)
    problems = list(document.problems)
    if document.value is None:
        raise SettingsError(problems)
    try:
        source = model.model_validate(document.value)
    except ValidationError as error:
        raise SettingsError([*problems, *problems_of(error, document, model)]) from None
    problems += [document.report(loc, message) for loc, message in check(source)]
    if problems:
        raise SettingsError(problems)
    return source
