"""The past for a new Prometheus, as `promtool tsdb create-blocks-from openmetrics` takes it.

It holds the recorded series that the boards *Trend* and *Organisations* read, under the names and
labels that the recording rules give them, so that the live series go on where these end. One sample
stands at each whole hour, where boards that step by an hour look for it.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Final, NamedTuple

from agents.exposition import escape
from agents.render import names
from streams.conventions import TOTAL, Label
from streams.exports.rolling import ROLLING_WINDOWS, rolling_readings
from streams.instants import HOUR, SECOND
from streams.kpis.definition import PART_LABEL

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from streams.exports.rolling import HourlyCells
    from streams.kpis.readings import Reading
    from streams.organisations import Channel
    from streams.plans import Plan

READ_BY_BOARDS: Final[dict[Channel, frozenset[str]]] = {
    "calls": frozenset(
        {
            "offered",
            "answered",
            "abandoned",
            "departures",
            "abandonment",
            "wait_mean",
            "handle_time_mean",
            "coded",
            "resolution",
            "service_level_events",
            "service_level",
        }
    ),
    "emails": frozenset(
        {
            "received",
            "first_replies",
            "reply_time_mean",
            "reply_time",
            "service_level_events",
            "service_level",
        }
    ),
    "surveys": frozenset({"answers", "index", "publishable"}),
    "visits": frozenset({"registered", "measured_waits"}),
}
"""The KPIs that the two boards read, by channel; each over every window that hours can tell."""

HELP: Final = "From hourly rollups, by the hour of arrival; live values count when decided."
END: Final = b"# EOF\n"
_SECONDS_AN_HOUR: Final = HOUR // SECOND


class _Series(NamedTuple):
    """The samples of one series; a year of all of them fits into some megabytes."""

    hours: array[int]
    values: array[float]


_Families = dict[str, dict[str, _Series]]


def openmetrics_file(hourlies: Iterable[HourlyCells], first: int, last: int) -> bytes:
    """The whole text; see `openmetrics_chunks`."""
    return b"".join(openmetrics_chunks(hourlies, first, last))


def openmetrics_chunks(hourlies: Iterable[HourlyCells], first: int, last: int) -> Iterator[bytes]:
    """The text, series by series.

    Args:
        hourlies: the total of each channel, and each survey, of one or more organisations, with
            cells from 28 days before `first` on.
        first: the first whole hour that gets a sample, counted since 1970-01-01T00:00Z.
        last: the first one that gets none.
    """
    families: _Families = {}
    told: set[tuple[str, str]] = set()
    for hourly in hourlies:
        if not hourly.cells:
            continue
        for window in ROLLING_WINDOWS:
            for instant, _, readings in rolling_readings(hourly, window, first, last):
                for reading in readings:
                    _add_reading(families, hourly, window, instant // HOUR, reading)
        plan = hourly.plan
        place = (plan.organisation.name, plan.channel)
        if place not in told:
            told.add(place)
            _add_frame(families, plan, hourly.known_hours(first, last))
    for name in sorted(families):
        yield f"# HELP {name} {HELP}\n# TYPE {name} gauge\n".encode()
        for labels, series in sorted(families[name].items()):
            yield "".join(
                f"{name}{{{labels}}} {value!r} {hour * _SECONDS_AN_HOUR}\n"
                for hour, value in zip(series.hours, series.values, strict=True)
            ).encode()
    yield END


def _add_reading(
    families: _Families, hourly: HourlyCells, window: str, hour: int, reading: Reading
) -> None:
    """A KPI, and the bounds of a share; nothing where there is no data."""
    kpi, value = reading.kpi, reading.value
    channel = hourly.plan.channel
    if kpi.name not in READ_BY_BOARDS[channel] or value is None:
        return
    total = hourly.part == TOTAL
    labels = {
        Label.ORGANISATION: hourly.plan.organisation.name,
        Label.CHANNEL: channel,
        Label.WINDOW: window,
    }
    if not total:
        labels[PART_LABEL[channel]] = hourly.part
    if kpi.promise:
        labels[Label.PROMISE] = reading.promise
    if kpi.label is not None:
        labels[kpi.label] = reading.choice
    written = _labels(labels)
    _add(families, names.recorded(kpi, total=total), written, hour, value)
    for suffix, bound in (("_lower", reading.lower), ("_upper", reading.upper)):
        if bound is not None:
            recorded = names.recorded(kpi, total=total, suffix=suffix)
            _add(families, recorded, written, hour, bound)


def _add_frame(families: _Families, plan: Plan, hours: Sequence[int]) -> None:
    """What promises ask for, and that the channel was known."""
    place = {Label.ORGANISATION: plan.organisation.name, Label.CHANNEL: plan.channel}
    known = _labels(place)
    for hour in hours:
        _add(families, names.AS_OF, known, hour, hour * _SECONDS_AN_HOUR)
        in_force = {
            rule.promise.name: rule.promise.target
            for part in (TOTAL, *plan.parts)
            for rule in plan.rules(part, hour * HOUR)
        }
        for promise, target in in_force.items():
            _add(families, names.TARGET, _labels(place | {Label.PROMISE: promise}), hour, target)


def _add(families: _Families, name: str, labels: str, hour: int, value: float) -> None:
    family = families.setdefault(name, {})
    series = family.get(labels)
    if series is None:
        series = family[labels] = _Series(array("q"), array("d"))
    series.hours.append(hour)
    series.values.append(value)


def _labels(values: dict[Label, str]) -> str:
    return ",".join(f'{label}="{escape(value)}"' for label, value in sorted(values.items()))
