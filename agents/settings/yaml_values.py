"""Plain values out of the events of a YAML parser, by the rules of `document`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ruamel.yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agents.settings.document import Document, Loc

MAX_DEPTH = 20
NULLS = frozenset({"", "~", "null", "Null", "NULL"})
BOOLEANS = {
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
AMBIGUOUS = re.compile(r"[-+]?0[0-9_]+|0[ox][0-9a-fA-F]+")


def scalar(text: str) -> str | int | bool | None:
    """A plain scalar by the core schema of YAML 1.2.

    No setting is a fraction, so `13.00` stays the text that it was meant as.
    """
    if text in NULLS:
        return None
    if text in BOOLEANS:
        return BOOLEANS[text]
    if INTEGER.fullmatch(text):
        return int(text)
    return text


class ValueBuilder:
    """Turns parser events into values, noting lines and everything we do not allow."""

    def __init__(self, document: Document, events: Iterator[Any]) -> None:
        self.document = document
        self.events = events

    def root(self) -> Any:
        """The value of the only document."""
        value = None
        seen = False
        for event in self.events:
            if isinstance(event, (ScalarEvent, AliasEvent, MappingStartEvent, SequenceStartEvent)):
                if seen:
                    self._refuse((), event, "holds a second document; keep one document a file")
                    return value
                seen = True
                self.document.lines[()] = event.start_mark.line + 1
                value = self._value(event, ())
        return value

    def _refuse(self, loc: Loc, event: Any, message: str) -> None:
        self.document.refuse(loc, event.start_mark.line + 1, message)

    def _value(self, event: Any, loc: Loc) -> Any:
        if isinstance(event, AliasEvent):
            self._refuse(loc, event, f"uses the alias `*{event.anchor}`; write the value out")
            self.document.unreadable.add(loc)
            return None
        if event.anchor is not None:
            self._refuse(loc, event, f"has the anchor `&{event.anchor}`; take it out")
        if event.tag is not None:
            self._refuse(loc, event, f"has the tag `{event.tag}`; take it out")
        if len(loc) > MAX_DEPTH:
            self._refuse(loc, event, f"is nested deeper than {MAX_DEPTH} levels; mend the indent")
            self._skip(event)
            self.document.unreadable.add(loc)
            return None
        if isinstance(event, MappingStartEvent):
            return self._mapping(loc)
        if isinstance(event, SequenceStartEvent):
            return self._sequence(loc)
        return self._scalar(event, loc)

    def _scalar(self, event: Any, loc: Loc) -> Any:
        plain = event.implicit[0] and event.style is None
        if plain and AMBIGUOUS.fullmatch(event.value):
            message = f"`{event.value}` looks like an octal or hexadecimal number; write "
            message += f'`"{event.value}"` for text, or the number in decimal'
            self._refuse(loc, event, message)
            self.document.unreadable.add(loc)
            return None
        value = scalar(event.value) if plain else event.value
        if value is None and loc:
            # The parser finds nothing until the next line that has something; the key is meant.
            message = "has no value; write one, or take the line out"
            self.document.problems.append(self.document.report(loc, message))
            self.document.unreadable.add(loc)
        return value

    def _sequence(self, loc: Loc) -> list[Any]:
        items: list[Any] = []
        for event in self.events:
            if isinstance(event, SequenceEndEvent):
                break
            at = (*loc, len(items))
            self.document.lines[at] = event.start_mark.line + 1
            items.append(self._value(event, at))
        return items

    def _mapping(self, loc: Loc) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for event in self.events:
            if isinstance(event, MappingEndEvent):
                break
            if not isinstance(event, ScalarEvent):
                message = (
                    "a key must be a plain word; put text that holds `{`, `[` or `*` in quotes"
                )
                self._refuse(loc, event, message)
                self._skip(event)
                self._skip(next(self.events))
                continue
            self._entry(event, loc, values)
        return values

    def _entry(self, key: Any, loc: Loc, values: dict[str, Any]) -> None:
        name = key.value
        at = (*loc, name)
        if key.anchor is not None or key.tag is not None:
            self._refuse(at, key, "the key has an anchor or a tag; take it out")
        if name == "<<" and key.style is None:
            self._refuse(at, key, "merges another mapping; write its keys out")
            self._skip(next(self.events))
        elif at in self.document.lines:
            first = self.document.lines[at]
            self._refuse(at, key, f"is written twice, first on line {first}; keep one of them")
            self._skip(next(self.events))
        else:
            self.document.lines[at] = key.start_mark.line + 1
            value = self._value(next(self.events), at)
            if at not in self.document.unreadable:
                values[name] = value

    def _skip(self, event: Any) -> None:
        """Read past a value and everything in it."""
        depth = 0
        while True:
            depth += isinstance(event, (MappingStartEvent, SequenceStartEvent))
            depth -= isinstance(event, (MappingEndEvent, SequenceEndEvent))
            if depth == 0:
                return
            event = next(self.events)
