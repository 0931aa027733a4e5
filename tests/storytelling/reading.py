"""Reading a story: what `tests/transcripts/README.md` allows, and nothing else.

Whatever is not clear is refused before anything is played, so that a slip of the pen cannot make
a story true.
"""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any, NoReturn, cast

from agents.settings import SettingsError, organisation_from_text
from agents.settings.document import Document, read_document
from streams.instants import parse_rfc3339, start_of_day
from tests.storytelling.claims import ABSENT, Claim, claim_of, kpi_of, place_of
from tests.storytelling.sentences import DAY, MOMENT, Almanac, UnreadableStoryError, deliveries
from tests.storytelling.story import CHANNELS, Clock, Expect, Kill, Span, Step, Story, Told

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from streams.organisations import Channel, Organisation
    from streams.reports import Attribute, By

WINDOWS = {
    "last 15 minutes": "15m",
    "last hour": "1h",
    "today": "today",
    "last 7 days": "7d",
    "last 28 days": "28d",
}
PERIOD = re.compile(r"(?P<by>hour|day|week) (?P<start>\S+) by (?P<attribute>arrival|decision)")
KILLED = "the worker is killed and starts again"
LASTS = re.compile(r"expect (?P<period>(?:day|week) \S+) to last (?P<hours>\d+) hours")
SUMS = "expect every week to be the sum of its days"
NOTHING = "nothing"


def read_story(text: str, file: str, organisations: Path) -> Story:
    """The story in a YAML text; `UnreadableStoryError` at the first thing that is not clear.

    Args:
        text: the story.
        file: its name, for messages.
        organisations: folder of the organisations that stories may name.
    """
    document = read_document(text, file)
    if document.problems:
        raise UnreadableStoryError("\n".join(map(str, document.problems)))
    reader = _Reader(document)
    fields = reader.mapping((), {"title", "why", "organisation", "steps"})
    for field in ("title", "why", "organisation", "steps"):
        if not fields.get(field):
            reader.refuse((), f"a story has a `{field}`; write it")
    if not isinstance(fields["steps"], list):
        reader.refuse(("steps",), "is no list; begin each step with `- `")
    organisation = reader.read_organisation(str(fields["organisation"]), organisations)
    reader.organisation, reader.almanac = organisation, Almanac(organisation.zone)
    steps = list(reader.steps(fields["steps"]))
    if not steps or not isinstance(steps[-1], Expect):
        last = ("steps", len(fields["steps"]) - 1)
        reader.refuse(last, "the last step expects nothing; end with an `expect`")
    return Story(file, str(fields["title"]), str(fields["why"]), organisation, steps)


class _Reader:
    organisation: Organisation
    almanac: Almanac

    def __init__(self, document: Document) -> None:
        self.document = document

    def refuse(self, loc: tuple[str | int, ...], why: str) -> NoReturn:
        """Raise, with file and line."""
        msg = f"{self.document.file}:{self.line(loc)}: {why}"
        raise UnreadableStoryError(msg)

    def line(self, loc: tuple[str | int, ...]) -> int:
        return self.document.lines[loc]

    def mapping(
        self, loc: tuple[str | int, ...], allowed: set[str] | None = None
    ) -> dict[str, Any]:
        """The mapping at `loc`, without keys nobody knows."""
        value = self.document.value
        for step in loc:
            value = value[step]
        if not isinstance(value, dict):
            self.refuse(loc, f"`{value}` is no mapping; write `key: value`")
        for key in value:
            if allowed is not None and key not in allowed:
                self.refuse((*loc, key), f"`{key}` is unknown; write one of {sorted(allowed)}")
        return cast("dict[str, Any]", value)

    def read_organisation(self, said: str, folder: Path) -> Organisation:
        """The organisation of a snippet, or of a file in the folder."""
        known = {path.stem: path for path in folder.glob("*.yaml")}
        if "\n" not in said and said not in known:
            self.refuse(("organisation",), f"`{said}` is not known; write one of {sorted(known)}")
        try:
            if "\n" in said:
                return organisation_from_text(said, "provkommun")
            return organisation_from_text(known[said].read_text(encoding="utf-8"), said)
        except SettingsError as error:
            self.refuse(("organisation",), str(error))

    def steps(self, steps: list[Any]) -> Iterator[Step]:
        for n, step in enumerate(steps):
            loc = ("steps", n)
            if isinstance(step, dict):
                self.mapping(loc, {"expect"})
                yield self.expectation((*loc, "expect"))
                continue
            sentence = str(step)
            try:
                if re.fullmatch(DAY, sentence):
                    self.almanac.turn_to(sentence)
                elif sentence == KILLED:
                    yield Kill()
                elif sentence == SUMS:
                    yield Expect(self.line(loc), {}, {}, {}, {}, {}, sums=True)
                elif lasts := LASTS.fullmatch(sentence):
                    span = self._span(f"{lasts['period']} by decision")
                    lengths = {span: int(lasts["hours"])}
                    yield Expect(self.line(loc), {}, {}, {}, {}, lengths)
                elif shows := re.fullmatch(rf"the clock shows ({MOMENT})", sentence):
                    yield Clock(self.almanac.instant(shows[1]))
                else:
                    yield Told(
                        deliveries(sentence, self.line(loc), self.almanac, self.organisation)
                    )
            except ValueError as error:
                self.refuse(loc, str(error))

    def expectation(self, loc: tuple[str | int, ...]) -> Expect:
        expect = Expect(self.line(loc), {}, {}, {}, {}, {})
        for key, value in self.mapping(loc).items():
            here = (*loc, key)
            line = self.line(here)
            channel = cast("Channel", key.split(" ", maxsplit=1)[0])
            try:
                if key == "sources":
                    for source, through in self.mapping(here).items():
                        if source not in {s.name for s in self.organisation.sources}:
                            self.refuse((*here, source), f"`{source}` is no source")
                        told = self._instant(through)
                        expect.sources[source] = (self.line((*here, source)), told)
                elif channel in CHANNELS and key == f"{channel} as of":
                    expect.as_ofs[channel] = (line, self._instant(value))
                elif channel in CHANNELS and key == f"{channel} fall due next":
                    dues = [self.almanac.instant(str(due)) for due in value]
                    expect.due_next[channel] = (line, dues)
                else:
                    self._claims(here, key, value, expect)
            except ValueError as error:
                self.refuse(here, str(error))
        if expect == Expect(expect.line, {}, {}, {}, {}, {}):
            self.refuse(loc, "expects nothing; say what holds, or take it out")
        return expect

    def _instant(self, words: object) -> int | None:
        return None if words == ABSENT else self.almanac.instant(str(words))

    def _claims(self, loc: tuple[str | int, ...], key: str, value: object, to: Expect) -> None:
        """`vaxel and all calls, last hour and today: {offered: 1}`."""
        names, comma, span_names = key.partition(", ")
        if not comma:
            msg = f"`{key}` is unknown; write e.g. `vaxel, last hour` or `calls as of`"
            raise ValueError(msg)
        for span_name in span_names.split(" and "):
            for name in names.split(" and "):
                place = place_of(name, self.organisation)
                claims = [] if value == NOTHING else list(self._of_kpis(loc, place.channel))
                known = to.claims.setdefault(self._span(span_name), {})
                if place in known:
                    msg = f"`{name}, {span_name}` is there twice; join the two"
                    raise ValueError(msg)
                known[place] = claims

    def _of_kpis(
        self, loc: tuple[str | int, ...], channel: Channel, promise: str = ""
    ) -> Iterator[Claim]:
        promises = {p.name for p in self.organisation.promises if p.channel == channel}
        for name, value in self.mapping(loc).items():
            here = (*loc, name)
            if not promise and name in promises:
                yield from self._of_kpis(here, channel, name)
                continue
            try:
                kpi = kpi_of(channel, name, promise)
                choices = self.mapping(here, set(kpi.choices)) if kpi.choices else {"": value}
                for choice, text in choices.items():
                    path = (promise, name, choice) if choice else (promise, name)
                    yield claim_of(self.line(here), kpi, path, str(text), self.almanac)
            except ValueError as error:
                self.refuse(here, str(error))

    def _span(self, name: str) -> Span:
        if name in WINDOWS:
            return Span(name, window=WINDOWS[name])
        period = PERIOD.fullmatch(name)
        if period is None:
            known = ", ".join(WINDOWS)
            msg = f"`{name}` is no span; write {known}, or e.g. `day 2026-11-16 by arrival`"
            raise ValueError(msg)
        by, start = cast("By", period["by"]), period["start"]
        if by == "hour":
            instant = parse_rfc3339(start)
        else:
            day = date.fromisoformat(start if by == "day" else f"{start}-1")
            instant = start_of_day(day, self.almanac.zone)
        return Span(name, by=by, attribute=cast("Attribute", period["attribute"]), start=instant)
