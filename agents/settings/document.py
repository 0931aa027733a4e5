"""A YAML file as plain values that remember their lines.

Only the part of YAML that means what it looks like: no anchors, no tags, one document. Plain
scalars follow the core schema of YAML 1.2, so that `NO` is a country and `08:00` a time; keys
are always text.
"""

from __future__ import annotations

from typing import Any

import msgspec
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.reader import ReaderError

from agents.settings.problems import Problem
from agents.settings.yaml_values import ValueBuilder

Loc = tuple[str | int, ...]
"""The way from the root of a document to a value: keys and list positions."""

MAX_CHARACTERS = 1_000_000
WHOLE_FILE = "(file)"
ENVIRONMENT = "environment"

HINTS = (
    (
        "cannot start any token",
        "indent with spaces, and put text that starts with a sign in quotes",
    ),
    ("mapping values are not allowed", "put text that contains `: ` in quotes, or mend the indent"),
    ("end of stream", "close the quote"),
    ("another document", "take the `---` line out and keep one document a file"),
)


class Document(msgspec.Struct):
    """What one file says.

    Attributes:
        file: as named in problems.
        value: dicts, lists, text, whole numbers and booleans; `None` only if nothing could be read.
        lines: the line of every value, by its way from the root.
        unreadable: values that were left out; nothing more should be said about them.
        overrides: values that the environment gave, by variable.
        problems: what YAML itself, or our narrower use of it, forbids.
    """

    file: str
    value: Any = None
    lines: dict[Loc, int] = msgspec.field(default_factory=lambda: {(): 1})
    unreadable: set[Loc] = msgspec.field(default_factory=set)
    overrides: dict[Loc, str] = msgspec.field(default_factory=dict)
    problems: list[Problem] = msgspec.field(default_factory=list)

    def known(self, loc: Loc) -> Loc:
        """The part of a validator's `loc` that the file has.

        Short forms are widened before validation (`vaxel: Växel` has no `sv` of its own), and a
        validator adds words of its own such as `[key]`; such steps are left out.
        """
        found: Loc = ()
        for step in loc:
            if (*found, step) in self.lines:
                found = (*found, step)
        return found

    def report(self, loc: Loc, message: str, *, absent: str | None = None) -> Problem:
        """A problem with the value at `loc`, or with a key that is absent from it."""
        for overridden, variable in self.overrides.items():
            if loc[: len(overridden)] == overridden:
                return Problem(ENVIRONMENT, 0, variable, message)
        known = self.known(loc)
        path = known if absent is None else (*known, absent)
        return Problem(self.file, self.lines[known], path_text(path), message)

    def refuse(self, loc: Loc, line: int, message: str) -> None:
        """Note a problem that YAML itself makes, on a line of its own."""
        self.problems.append(Problem(self.file, line, path_text(loc), message))


def path_text(loc: Loc) -> str:
    """`("promises", 2, "within")` as `promises[2].within`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in loc)
    return text.removeprefix(".") or WHOLE_FILE


def read_document(text: str, file: str) -> Document:
    """The values of a YAML text; what is wrong with it is in `problems`, never raised."""
    document = Document(file)
    if len(text) > MAX_CHARACTERS:
        message = f"is longer than {MAX_CHARACTERS:,} characters; split it up"
        document.problems.append(Problem(file, 1, WHOLE_FILE, message))
        return document
    try:
        builder = ValueBuilder(document, YAML(typ="safe", pure=True).parse(text))
        document.value = builder.root()
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        message = f"holds the control character U+{error.character:04X}; take it out"
        document.problems.append(Problem(file, line, WHOLE_FILE, message))
    except MarkedYAMLError as error:
        document.problems.append(_syntax_problem(file, error))
    else:
        if document.value is None and not document.problems:
            message = "is empty; write the settings into it, or remove it"
            document.problems.append(Problem(file, 1, WHOLE_FILE, message))
    return document


def _syntax_problem(file: str, error: MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    what = str(error.problem or error.context)
    begun = error.context_mark
    if begun is not None and error.context and begun.line + 1 != line:
        what += f" ({error.context} that begins on line {begun.line + 1})"
    hint = next((hint for sign, hint in HINTS if sign in what), "mend the quotes and the indent")
    return Problem(file, line, WHOLE_FILE, f"is not YAML: column {column}: {what}; {hint}")
