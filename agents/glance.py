"""A glance at a worker: its main KPIs of today and of now, read from `/metrics`, as a table."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families
from rich.table import Table

from streams.conventions import Label, Monitor
from streams.instants import SECOND, to_datetime
from streams.kpis import KPIS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from streams.organisations import Channel, Organisation

Samples = dict[str, list[tuple[dict[str, str], float]]]

WINDOWS = ("today", "7d")
SOON = "4"
"""Working hours; one of the choices of `due_within`."""


def read_metrics(text: str) -> Samples:
    """Samples by metric name, with their labels."""
    samples: Samples = defaultdict(list)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            samples[sample.name].append((sample.labels, sample.value))
    return samples


def has_numbers(samples: Samples) -> bool:
    """Whether any contact is behind what is shown."""
    offered = samples.get(_metric("calls", "offered"), [])
    return any(value > 0 for _, value in offered)


def render_glance(samples: Samples, organisations: Mapping[str, Organisation]) -> Table:
    """The table, one column an organisation that has told anything so far."""
    table = Table(box=None, show_header=False)
    for organisation in organisations.values():
        of: dict[str, str] = {Label.ORGANISATION: organisation.name}
        instants = [value for _, value in _select(samples, Monitor.AS_OF, of)]
        if not instants:
            continue
        moment = to_datetime(int(max(instants) * SECOND), organisation.zone)
        table.add_row(organisation.sv, f"[bold]{moment:%A %d %B %H:%M:%S}[/bold]")
        for title, value in _rows(samples, of):
            table.add_row(f"  {title}", value)
    if not table.rows:
        table.add_row("no numbers yet", "")
    return table


def _rows(samples: Samples, of: dict[str, str]) -> Iterator[tuple[str, str]]:
    channel: Channel
    for channel in ("calls", "emails"):
        for labels, target in _select(samples, Monitor.TARGET, of | {Label.CHANNEL: channel}):
            promise = of | {Label.PROMISE: labels[Label.PROMISE]}
            shares = [
                share
                for window in WINDOWS
                if (share := _share(samples, channel, promise, window)) is not None
            ]
            # A promise about single queues or mailboxes has no share of the whole.
            if shares:
                yield labels[Label.PROMISE], f"{', '.join(shares)}; aim {target:.0%}"
    counts: tuple[tuple[str, Channel, str, dict[str, str]], ...] = (
        ("callers waiting now", "calls", "waiting", {}),
        ("calls offered today", "calls", "offered", {Label.WINDOW: "today"}),
        (f"e-mails due in {SOON} working hours", "emails", "due_within", {Label.HOURS: SOON}),
        ("e-mails overdue", "emails", "overdue", {}),
    )
    for title, channel, kpi, more in counts:
        values = [value for _, value in _select(samples, _metric(channel, kpi), of | more)]
        if values:
            yield title, f"{max(values):,.0f}"


def _share(samples: Samples, channel: Channel, of: dict[str, str], window: str) -> str | None:
    of = of | {Label.WINDOW: window}
    ratios = [value for _, value in _select(samples, _metric(channel, "service_level"), of)]
    events = [value for _, value in _select(samples, _metric(channel, "service_level_events"), of)]
    if not ratios or not events:
        return None
    return f"{window} {ratios[0]:.1%} of {events[0]:,.0f}"


def _metric(channel: Channel, name: str) -> str:
    kpi = next(kpi for kpi in KPIS[channel] if kpi.name == name)
    return kpi.metric(total=True)


def _select(
    samples: Samples, name: str, wanted: Mapping[str, str]
) -> Iterator[tuple[dict[str, str], float]]:
    for labels, value in samples.get(name, []):
        if wanted.items() <= labels.items():
            yield labels, value
