"""What an export says in words: names of rows, verdicts, and how far the numbers can be trusted."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal

import msgspec

from streams.conventions import TOTAL
from streams.exports.numbers import count, moment, target, within
from streams.exports.words import WORDS
from streams.frontiers import LEFT_BEHIND
from streams.instants import parse_rfc3339
from streams.kpis import KPIS

if TYPE_CHECKING:
    from streams.exports.model import ChannelQuality, Chart, Export, Part, Row, SourceQuality
    from streams.exports.periods import Kind
    from streams.exports.vocabulary import Words
    from streams.kpis import Kpi
    from streams.organisations import Channel, Language

Level = Literal["final", "provisional", "incomplete"]
Reach = Literal["reached", "perhaps", "missed", ""]
"""How a share stands to its target: there, below it within chance, below it; not to be said."""

KPI_OF: dict[tuple[str, str], Kpi] = {
    (channel, kpi.name): kpi for channel, kpis in KPIS.items() for kpi in kpis
}
"""The registry, by channel and name."""


class Completeness(msgspec.Struct, frozen=True, kw_only=True):
    """How far the numbers can be trusted, in words.

    Attributes:
        level: which of three.
        heading: the same for people.
        reasons: why.
    """

    level: Level
    heading: str
    reasons: tuple[str, ...]


def completeness(export: Export, language: Language) -> Completeness:
    """Complete and final, provisional, or not complete, and why."""
    words = WORDS[language]
    quality = export.quality
    if quality.final:
        return Completeness(level="final", heading=words.final, reasons=(words.final_why,))
    pending = tuple(
        _plural(words.pending_contacts[channel.channel], contacts, words)
        for channel in quality.channels
        if (contacts := _pending(export, channel))
    )
    if quality.complete:
        reasons = (*pending, words.may_change) if pending else (words.may_change,)
        return Completeness(level="provisional", heading=words.provisional, reasons=reasons)
    is_running = parse_rfc3339(export.made_at) < parse_rfc3339(export.end)
    silent = silences(export, language)
    reasons = (
        *((words.still_running[export.period.kind],) if is_running else ()),
        *((words.nothing_known,) if export.as_of is None else ()),
        *silent,
        *pending,
    )
    heading = words.running if is_running and not silent else words.incomplete
    return Completeness(level="incomplete", heading=heading, reasons=reasons)


def silences(export: Export, language: Language, channel: Channel | None = None) -> tuple[str, ...]:
    """Which sources have not told what they should have told by now; of one channel or of all."""
    return tuple(
        _silence(source, WORDS[language])
        for source in export.quality.sources
        if channel in (None, source.channel) and _is_silent(source, export)
    )


def _is_silent(source: SourceQuality, export: Export) -> bool:
    """A source may lag the clock a little while the period runs, but not its end."""
    if source.through is None:
        return True
    expected = min(parse_rfc3339(export.end), parse_rfc3339(export.made_at) - LEFT_BEHIND)
    return parse_rfc3339(source.through) < expected


def _silence(source: SourceQuality, words: Words) -> str:
    name, channel = source.name, words.channels[source.channel]
    if not name:
        name, channel = channel, words.no_source
    if source.through is None:
        return words.never_heard.format(name, channel)
    return words.incomplete_why.format(name, channel, moment(source.through))


def source_name(source: SourceQuality, words: Words) -> str:
    """What a source is called, also where none is configured."""
    return source.name or words.no_source


def part_name(channel: Channel, part: Part, language: Language) -> str:
    """What people call a queue, mailbox, desk or survey; the total has a name of its own."""
    if part.name == TOTAL:
        return WORDS[language].total[channel]
    return (part.sv if language == "sv" else part.en) or part.name


def organisation_name(export: Export, language: Language) -> str:
    """What people call it."""
    return (export.sv if language == "sv" else export.en) or export.organisation


def row_name(channel: Channel, row: Row, language: Language) -> str:
    """A KPI with its promise and its extra label.

    >>> from streams.exports.model import Figure
    >>> none = {name: Figure() for name in ("now", "before", "year_before", "recent")}
    >>> from streams.exports.model import Row
    >>> row_name("calls", Row(kpi="wait", choice="0.9", **none), "en")
    'Wait of answered calls: 90th percentile'
    """
    words = WORDS[language]
    name = KPI_OF[channel, row.kpi].named(language)
    details = [words.choices.get(row.choice, row.choice)] if row.choice else []
    if row.promise:
        details.insert(0, allowed(row, language))
    return f"{name}: {', '.join(details)}" if details else name


def allowed(row: Row, language: Language) -> str:
    """The time that a promise allows; its own name where the export does not say."""
    return row.promise if row.within is None else within(row.within, language)


def promise_name(channel: Channel, row: Row, language: Language) -> str:
    """What is promised, in words."""
    if row.within is None:
        return row.promise
    return WORDS[language].promise_within[channel].format(allowed(row, language))


def reach(row: Row) -> Reach:
    """How the share of a promise stands to its target."""
    now = row.now
    if row.target is None or now.value is None:
        return ""
    if now.value >= row.target:
        return "reached"
    return "perhaps" if now.upper is not None and now.upper >= row.target else "missed"


def reached(row: Row, words: Words) -> str:
    """The same in words."""
    if row.target is None:
        return words.no_target
    said = {
        "reached": words.reached,
        "perhaps": words.perhaps_reached,
        "missed": words.not_reached,
        "": words.no_verdict,
    }[reach(row)]
    return said.format(target(row.target, words))


def verdict(chart: Chart, kind: Kind, words: Words) -> str:
    """What the control chart says about the exported period."""
    said = words.trends[chart.trend]
    if chart.trend == "unknown":
        is_young = chart.centre is None
        return f"{said}: {words.too_few_periods[kind] if is_young else words.too_undecided}"
    return f"{said}, {words.runs[kind]}" if chart.rule == "run" else said


def short_verdict(chart: Chart, words: Words) -> str | None:
    """The same in a word; `None` where there is no chart."""
    return words.short_trends[chart.trend] if chart.points else None


def is_signal(chart: Chart) -> bool:
    """Whether the exported period differs from chance."""
    return chart.trend not in ("stable", "unknown")


def hours_explained(export: Export, words: Words) -> str | None:
    """Why a period has an hour more or fewer than its days; `None` where it has not."""
    days = datetime.fromisoformat(export.end).date() - datetime.fromisoformat(export.start).date()
    extra = export.hours - 24 * days.days
    if extra == 0:
        return None
    return (words.longer if extra > 0 else words.shorter).format(count(export.hours, words))


def _pending(export: Export, told: ChannelQuality) -> int:
    """How many contacts are not decided; the channel counts each promise of each contact."""
    of_all = [
        row.now.pending
        for section in export.sections
        for part in section.parts
        for row in part.rows
        if section.channel == told.channel and part.name == TOTAL
    ]
    return max(of_all, default=0) or told.pending


def colophon(export: Export, words: Words, version: str) -> str:
    """Who made it when, and up to when the numbers are known."""
    known = words.nothing_known
    if export.as_of is not None:
        known = words.known_until.format(moment(export.as_of))
    return words.colophon.format(moment(export.made_at), version, known, export.time_zone)


def _plural(forms: tuple[str, str], n: int, words: Words) -> str:
    return forms[n != 1].format(count(n, words))
