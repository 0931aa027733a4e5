"""The judge: what is not as a story expects, with the line that expects it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from streams.conventions import OTHER
from streams.instants import HOUR, parse_rfc3339, to_rfc3339
from tests.storytelling.claims import ABSENT, DERIVED, Place, counts, fault, name_of
from tests.storytelling.story import CHANNELS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.reports import Attribute, By
    from tests.storytelling.claims import Path
    from tests.storytelling.stage import Stage
    from tests.storytelling.story import Expect, Span

    Fault = tuple[int, str]
    Key = tuple[Place, str, Path]

OTHER_NAME = {"calls": "other queues", "emails": "other mailboxes", "visits": "other desks"}
ATTRIBUTES: tuple[Attribute, ...] = ("arrival", "decision")


def faults(expect: Expect, stage: Stage) -> Iterator[Fault]:
    """Everything that is not as expected."""
    for channel, (line, wanted) in expect.as_ofs.items():
        if stage.as_of(channel) != wanted:
            yield line, f"{channel} are as of {_moment(stage.as_of(channel), stage)}"
    for source, (line, wanted) in expect.sources.items():
        through = stage.source_through(source)
        if through != wanted:
            yield line, f"{source} has told everything up to {_moment(through, stage)}"
    for channel, (line, dues) in expect.due_next.items():
        if stage.due_next(channel) != dues:
            seen = ", ".join(_moment(due, stage) for due in stage.due_next(channel))
            yield line, f"{channel} fall due next at {seen or 'no time'}"
    for span in expect.claims:
        yield from _faults_of_span(expect, span, stage)
    for span, hours in expect.lasts.items():
        yield from _faults_of_length(expect.line, span, hours, stage)
    if expect.sums:
        for attribute in ATTRIBUTES:
            yield from _faults_of_sums(expect.line, attribute, stage)


def _faults_of_span(expect: Expect, span: Span, stage: Stage) -> Iterator[Fault]:
    """Claims that are not so, and whatever is counted that no claim speaks of."""
    claims = expect.claims[span]
    views = stage.views(span, {place.channel for place in claims})
    for place in sorted({*views, *claims}):
        view = views.get(place, {})
        name = f"{_name(place)}, {span.name}"
        for claim in claims.get(place, ()):
            what = fault(claim, view, stage.organisation.zone)
            if what is not None:
                yield claim.line, f"{name}: {what}"
        spoken_of = {claim.path for claim in claims.get(place, ())}
        for path, count in counts(view, place.channel, stage.promises(place.channel)):
            if path not in spoken_of and path[1] not in DERIVED:
                yield expect.line, f"{name}: {name_of(path)} is {count:g}, and nobody said so"


def _faults_of_length(line: int, span: Span, hours: int, stage: Stage) -> Iterator[Fault]:
    rows = stage.views(span, set(CHANNELS)).values()
    lasts = {parse_rfc3339(str(row["to"])) - parse_rfc3339(str(row["from"])) for row in rows}
    if lasts != {hours * HOUR}:
        seen = ", ".join(f"{length / HOUR:g}" for length in lasts)
        yield line, f"{span.name} has {seen or 'no'} hours"


def _faults_of_sums(line: int, attribute: Attribute, stage: Stage) -> Iterator[Fault]:
    days, weeks = _sums("day", attribute, stage), _sums("week", attribute, stage)
    for key in sorted({*days, *weeks}):
        week, its_days = weeks.get(key, 0), days.get(key, 0)
        if week != its_days:
            place, monday, path = key
            what = f"{_name(place)}, week of {monday} by {attribute}: {name_of(path)}"
            yield line, f"{what} is {week:g}, its days have {its_days:g}"


def _sums(by: By, attribute: Attribute, stage: Stage) -> dict[Key, float]:
    """Every count of every row, added up by the Monday of its week."""
    total: dict[Key, float] = {}
    for place, row in stage.report(by, attribute):
        start = datetime.fromisoformat(str(row["from"]))
        monday = f"{start.date() - timedelta(days=start.weekday())}"
        for path, count in counts(row, place.channel, stage.promises(place.channel)):
            key = (place, monday, path)
            total[key] = total.get(key, 0) + count
    return total


def _name(place: Place) -> str:
    """What a story calls a part."""
    if place.channel == "surveys":
        return f"survey of {place.part}"
    if place.part == OTHER:
        return OTHER_NAME[place.channel]
    return place.part or f"all {place.channel}"


def _moment(instant: int | None, stage: Stage) -> str:
    return ABSENT if instant is None else to_rfc3339(instant, stage.organisation.zone)
