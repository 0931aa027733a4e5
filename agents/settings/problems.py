"""What is wrong with the configuration, said so that whoever edits it can mend it."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

import msgspec

from streams.errors import KontaktpulsError

if TYPE_CHECKING:
    from collections.abc import Iterable

SHOWN_NAMES = 12
SHOWN_CHARACTERS = 60


class Problem(msgspec.Struct, frozen=True, order=True):
    """One thing to mend.

    Attributes:
        file: as the operator would open it, or `environment`.
        line: counted from 1; 0 where there are no lines.
        path: where in the file, e.g. `promises[2].within`.
        message: what is wrong; what to write instead.
    """

    file: str
    line: int
    path: str
    message: str

    def __str__(self) -> str:
        """`file:line: path: message`."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.path}: {self.message}"


class SettingsError(KontaktpulsError):
    """A configuration that cannot be used.

    Attributes:
        problems: all of them, sorted by file and line; `str()` prints one a line.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(str(problem) for problem in self.problems))


def quoted(value: object) -> str:
    """A value in backticks, cut where it would drown the message."""
    if isinstance(value, (list, dict)):
        return "a list" if isinstance(value, list) else "a mapping"
    text = " ".join(str(value).split())
    if isinstance(value, bool):
        text = text.lower()
    if not text:
        return "an empty text"
    if len(text) > SHOWN_CHARACTERS:
        text = f"{text[:SHOWN_CHARACTERS]}…"
    return f"`{text}`"


def suggestion(wrong: str, known: Iterable[str]) -> str:
    """What the operator may have meant, or what there is to choose from."""
    names = sorted(known)
    folded = {name.casefold(): name for name in names}
    near = difflib.get_close_matches(wrong.casefold(), folded, n=1, cutoff=0.6)
    if near:
        return f"did you mean `{folded[near[0]]}`?"
    if not names:
        return "there are none yet"
    if len(names) == 1:
        return f"write `{names[0]}`"
    shown = ", ".join(f"`{name}`" for name in names[:SHOWN_NAMES])
    rest = len(names) - SHOWN_NAMES
    return f"write one of {shown}" + (f" (and {rest} more)" if rest > 0 else "")
