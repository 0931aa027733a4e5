"""What one section of an organisation's file may refer to in another."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Self, cast

from pydantic import AfterValidator, BeforeValidator, ValidationInfo

from agents.settings.problems import quoted, suggestion
from agents.settings.values import as_list, parse_duration
from streams.instants import HOUR
from streams.plans import TOTAL_IN_CONFIGURATION

if TYPE_CHECKING:
    from datetime import date

DEFAULT_MAX_WAIT = 2 * HOUR
TOTAL = frozenset({TOTAL_IN_CONFIGURATION})
"""A promise may hold for the total alone, or for it and some queues."""


@dataclass
class Scope:
    """The rest of the file, as far as it can be told before anything is known to be right.

    Attributes:
        names: what stands under `queues`, `mailboxes`, `desks` and `calendars`.
        max_wait: as written, or its default (microseconds).
        versions: promises seen so far, with the first days they hold for.
        channels: the channel of each promise seen so far.
        sources: sources seen so far.
    """

    names: dict[str, frozenset[str]]
    max_wait: int = DEFAULT_MAX_WAIT
    versions: set[tuple[str, date | None]] = field(default_factory=set)
    channels: dict[str, str] = field(default_factory=dict)
    sources: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, raw: object) -> Self:
        """The scope of a file's raw values."""
        sections = raw if isinstance(raw, dict) else {}
        names = {}
        for kind in ("queues", "mailboxes", "desks", "calendars"):
            section = sections.get(kind)
            names[kind] = frozenset(section if isinstance(section, dict) else ())
        scope = cls(names)
        with contextlib.suppress(ValueError):
            scope.max_wait = parse_duration(sections.get("max_wait"))
        return scope


def scope_of(info: ValidationInfo) -> Scope:
    """The scope that a validation runs in."""
    return cast("Scope", info.context)


def _known(kind: str, extra: frozenset[str] = frozenset()) -> AfterValidator:
    def check(name: str, info: ValidationInfo) -> str:
        names = scope_of(info).names[kind] | extra
        if name not in names:
            msg = f"{quoted(name)} is not under `{kind}`; {suggestion(name, names)}"
            raise ValueError(msg)
        return name

    return AfterValidator(check)


def _some_once(names: list[str]) -> list[str]:
    if not names:
        msg = "is empty; leave it out to mean all of them"
        raise ValueError(msg)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        msg = f"{quoted(twice[0])} is there twice; keep it once"
        raise ValueError(msg)
    return names


_one_or_more = BeforeValidator(as_list)
_each_once = AfterValidator(_some_once)

CalendarName = Annotated[str, _known("calendars")]
QueueNames = Annotated[list[Annotated[str, _known("queues")]], _one_or_more, _each_once]
MailboxNames = Annotated[list[Annotated[str, _known("mailboxes")]], _one_or_more, _each_once]
PromisedQueues = Annotated[list[Annotated[str, _known("queues", TOTAL)]], _one_or_more, _each_once]
PromisedMailboxes = Annotated[
    list[Annotated[str, _known("mailboxes", TOTAL)]], _one_or_more, _each_once
]
DeskNames = Annotated[list[Annotated[str, _known("desks")]], _one_or_more, _each_once]
