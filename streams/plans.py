"""One channel of one organisation, prepared for speed: places in cells and valid promises."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from streams import measures
from streams.amounts import once
from streams.conventions import OTHER, TOTAL
from streams.instants import start_of_day

if TYPE_CHECKING:
    from streams.calendars import Calendar
    from streams.organisations import Channel, Organisation, Promise

TOTAL_IN_CONFIGURATION = "total"


class Rule(NamedTuple):
    """One version of a promise, ready to be applied.

    Attributes:
        base: place of its block in a cell.
        ones: one of each measure of its block, as amounts.
        promise: as configured.
        calendar: the one its working days follow.
        valid_from: first instant of arrival it holds for.
        within: the promise's amount, which calls compare their wait with.
        short_abandon: the promise's.
    """

    base: int
    ones: tuple[int, ...]
    promise: Promise
    calendar: Calendar
    valid_from: int
    within: int
    short_abandon: int


class Plan:
    """How one organisation counts one channel.

    Attributes:
        source_of: the source that reports a part.
        default_source: the one that reports all others; empty where the configuration names none.
    """

    def __init__(self, organisation: Organisation, channel: Channel) -> None:
        """Lay out the cells and sort the promises by part."""
        self.organisation = organisation
        self.channel = channel
        self.zone = organisation.zone
        self.max_wait = organisation.max_wait
        self.parts = organisation.parts(channel)
        promises = [p for p in organisation.promises if p.channel == channel]
        self.promise_names = tuple(dict.fromkeys(p.name for p in promises))
        block = len(measures.PROMISE[channel])
        start = len(measures.BASE[channel])
        self.base = {name: start + n * block for n, name in enumerate(self.promise_names)}
        self.width = start + block * len(self.promise_names)
        rules = [self._rule(promise) for promise in promises]
        self._versions: dict[str, tuple[tuple[Rule, ...], ...]] = {
            part: _versions_for(part, rules) for part in (TOTAL, OTHER, *self.parts)
        }
        self._constant: dict[str, tuple[Rule, ...]] = {
            part: tuple(versions[0] for versions in groups)
            for part, groups in self._versions.items()
            if all(len(versions) == 1 and not versions[0].promise.valid_from for versions in groups)
        }
        self.source_of: dict[str | None, str] = {
            part: source.name
            for source in reversed(organisation.sources)
            if source.channel == channel
            for part in source.parts
        }
        self.sources = tuple(s.name for s in organisation.sources if s.channel == channel)
        whole = [s.name for s in organisation.sources if s.channel == channel and not s.parts]
        self.default_source = whole[0] if whole else ""

    def label(self, name: str) -> str:
        """The part a queue, mailbox or desk is counted under; unknown ones are `other`."""
        return name if name in self.parts else OTHER

    def rules(self, part: str, arrival: int) -> tuple[Rule, ...]:
        """The promises that hold for a contact that arrived in a part at an instant."""
        constant = self._constant.get(part)
        if constant is not None:
            return constant
        valid = []
        for versions in self._versions.get(part, ()):
            for rule in versions:
                if rule.valid_from <= arrival:
                    valid.append(rule)
                    break
        return tuple(valid)

    def part_and_rules(self, name: str, arrival: int) -> tuple[str, tuple[Rule, ...]]:
        """The part a queue, mailbox or desk is counted under, and the promises that hold there."""
        constant = self._constant.get(name)
        if constant is not None:
            return name, constant
        part = self.label(name)
        return part, self.rules(part, arrival)

    def official_misses(self, part: str, arrival: int) -> dict[int, str]:
        """The names of the promises by the measure that counts a miss of what they ask for."""
        rules = self.rules(part, arrival)
        if self.channel == "calls":
            return {rule.base + measures.MISSED: rule.promise.name for rule in rules}
        return {
            rule.base + measures.TRACK_OF_MET_BY[rule.promise.met_by] + measures.TRACK_MISSED: (
                rule.promise.name
            )
            for rule in rules
        }

    def calendar(self, part: str) -> Calendar:
        """The calendar of a queue, mailbox or desk."""
        known = self.parts.get(part)
        return self.organisation.calendars[known.calendar if known else "default"]

    def _rule(self, promise: Promise) -> Rule:
        start = promise.valid_from
        valid_from = start_of_day(start, self.zone) if start else -(2**62)
        calendar = self.organisation.calendars[promise.calendar]
        base, within = self.base[promise.name], promise.within.amount
        block = len(measures.PROMISE[self.channel])
        ones = tuple(once(base + place) for place in range(block))
        return Rule(base, ones, promise, calendar, valid_from, within, promise.short_abandon)


def _versions_for(part: str, rules: list[Rule]) -> tuple[tuple[Rule, ...], ...]:
    """For each promise that holds for a part its versions, the newest first."""
    by_name: dict[str, list[Rule]] = {}
    for rule in rules:
        if _holds_for(rule.promise, part):
            by_name.setdefault(rule.promise.name, []).append(rule)
    return tuple(
        tuple(sorted(versions, key=lambda rule: -rule.valid_from)) for versions in by_name.values()
    )


def _holds_for(promise: Promise, part: str) -> bool:
    """A promise without parts holds everywhere; one for `total` only for the total."""
    if not promise.parts:
        return True
    return (TOTAL_IN_CONFIGURATION if part == TOTAL else part) in promise.parts
