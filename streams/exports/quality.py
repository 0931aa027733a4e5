"""How far an export can be trusted: what sources vouch for, silence, and what is undecided."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams import measures as m
from streams.conventions import TOTAL
from streams.exports.model import ChannelQuality, SourceQuality
from streams.instants import HOUR, to_rfc3339

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from streams.exports.history import ChannelHistory
    from streams.exports.truth import Truth
    from streams.exports.wanted import Wanted
    from streams.organisations import Channel, Organisation
    from streams.plans import Plan, Rule


def sources(
    organisation: Organisation,
    shown: Collection[Channel],
    truths: Mapping[Channel, Truth],
    span: tuple[int, int],
) -> Iterator[SourceQuality]:
    """Every configured source, and every channel that is shown and has none.

    Args:
        organisation: whose.
        shown: the channels of the export.
        truths: how far each channel is known, by its sources.
        span: of the exported period.
    """
    configured = {source.channel for source in organisation.sources}
    for source in organisation.sources:
        truth = truths.get(source.channel)
        through = truth.sources.get(source.name) if truth else None
        yield _source(organisation, source.name, source.channel, through, span)
    for channel in shown:
        if channel not in configured:
            truth = truths.get(channel)
            yield _source(organisation, "", channel, truth.as_of if truth else None, span)


def _source(
    organisation: Organisation,
    name: str,
    channel: Channel,
    through: int | None,
    span: tuple[int, int],
) -> SourceQuality:
    start, end = span
    reached = start if through is None else min(max(through, start), end)
    return SourceQuality(
        name=name,
        channel=channel,
        through=None if through is None else to_rfc3339(through, organisation.zone),
        covered=(reached - start) / (end - start),
    )


def channel_quality(
    history: ChannelHistory,
    wanted: Wanted,
    *,
    open_hours: frozenset[int],
    truth: int | None,
    at: int,
) -> ChannelQuality:
    """What speaks against the numbers of one channel.

    Args:
        history: of the channel.
        wanted: the exported period.
        open_hours: hours, since 1970, in which anything of the channel was open.
        truth: instant up to which the channel is known; only whole hours before it count.
        at: as in `figures.read`.
    """
    known = {hour for hour in open_hours if truth is not None and (hour + 1) * HOUR <= truth}
    pending = decided = 0
    for part, rule in _promised(history.plan, at):
        told = history.total(part, wanted.period)
        pending += told.pending[rule.promise.name]
        decided += sum(told.cell.counts[place] for place in _decided(history.plan, rule))
    return ChannelQuality(
        channel=history.plan.channel,
        open_hours=len(known),
        silent_hours=len(known - history.arrived),
        pending=pending,
        decided=decided,
    )


def _promised(plan: Plan, at: int) -> Iterator[tuple[str, Rule]]:
    """Where each promise is counted: in the total if it holds there, else in its parts."""
    total = plan.rules(TOTAL, at)
    yield from ((TOTAL, rule) for rule in total)
    whole = {rule.promise.name for rule in total}
    for part in plan.parts:
        for rule in plan.rules(part, at):
            if rule.promise.name not in whole:
                yield part, rule


def _decided(plan: Plan, rule: Rule) -> tuple[int, ...]:
    """The measures that count a promise that was decided, of whatever kind."""
    if plan.channel == "calls":
        return tuple(rule.base + n for n in (m.MET, m.MISSED, m.EARLY_ABANDONED, m.EXCLUDED))
    track = rule.base + m.TRACK_OF_MET_BY[rule.promise.met_by]
    return tuple(track + n for n in (m.TRACK_MET, m.TRACK_MISSED, m.TRACK_EXCLUDED))
