"""From history to what an export says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.exports.model import Export, Quality
from streams.exports.open_hours import OpenHours
from streams.exports.quality import sources
from streams.exports.sections import ChannelReader
from streams.instants import HOUR, to_rfc3339

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streams.exports.history import History
    from streams.exports.truth import Truth
    from streams.organisations import Channel


def compose(
    history: History, truths: Mapping[Channel, Truth], dead_letters: dict[str, int] | None
) -> Export:
    """One organisation's week, month or year.

    Args:
        history: to which everything that it wants has been added.
        truths: how far each channel was known when its rollups were written.
        dead_letters: rejected events of the period by reason; `None` where nobody knows any more.
    """
    wanted = history.wanted
    organisation, period, zone = wanted.organisation, wanted.period, wanted.organisation.zone
    known = {channel: truth.until(wanted.made_at) for channel, truth in truths.items()}
    open_hours = OpenHours(*wanted.span)
    readers = [
        ChannelReader(one, wanted, known[channel].as_of if channel in known else None, open_hours)
        for channel, one in history.channels.items()
        if organisation.parts(channel) or one.parts()
    ]
    shown = [reader.history.plan.channel for reader in readers]
    told = tuple(sources(organisation, shown, known, wanted.span))
    qualities = tuple(reader.quality() for reader in readers)
    complete = bool(told) and all(source.covered == 1 for source in told)
    as_of = min((reader.truth for reader in readers if reader.truth is not None), default=None)
    start, end = wanted.span
    return Export(
        organisation=organisation.name,
        sv=organisation.sv,
        en=organisation.en,
        time_zone=organisation.time_zone,
        period=period,
        before=period.before,
        year_before=period.year_before,
        start=to_rfc3339(start, zone),
        end=to_rfc3339(end, zone),
        hours=(end - start) // HOUR,
        as_of=None if as_of is None else to_rfc3339(as_of, zone),
        made_at=to_rfc3339(wanted.made_at, zone),
        sections=tuple(reader.section() for reader in readers),
        quality=Quality(
            complete=complete,
            final=complete and not any(one.pending for one in qualities),
            sources=told,
            channels=qualities,
            dead_letters=dead_letters,
        ),
    )
