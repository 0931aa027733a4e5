"""Recording rules: all workers together, each organisation as its own worker tells it.

An organisation lives on one worker. When two tell about it, because one was frozen during a
rebalance and has not noticed, the one whose truth reaches further counts. An organisation that no
worker owns, or whose worker recovers, has no series: absence, not zeros. What concerns one worker,
such as `up` or how late its event loop is, is read as it was scraped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from agents.generate.kpi_page import metrics_of
from agents.render import names, thresholds
from agents.render.pace import looked_back
from streams.conventions import Label, Monitor
from streams.kpis import KPIS
from streams.kpis.definition import PART_LABEL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.kpis import Kpi

Rule = dict[str, object]
WORKER = "instance, job"
PLACE = f"{Label.ORGANISATION}, {Label.CHANNEL}"
HOUR = 3600
WITH_HOURS = ("calls", "emails", "visits")
"""Channels whose parts have opening hours; a survey is never closed."""


def recording_rules(speed: float, clock: Literal["wall", "events"] = "wall") -> list[Rule]:
    """Every recording rule, in an order in which each reads only what stands before it.

    Args:
        speed: how many times faster than life the events come.
        clock: whose time `as_of` follows.
    """
    return [
        {"record": names.OWNER, "expr": _owner()},
        *_truth(),
        *(rule for kpis in KPIS.values() for kpi in kpis for rule in _kpi(kpi)),
        *_promises(),
        *_pace(speed, clock),
        *_pipeline(speed),
    ]


def _owner() -> str:
    """The newest truth of each channel, among workers that own partitions and are recovered."""
    return (
        f"topk by ({PLACE}) (1,\n"
        f"  {Monitor.AS_OF}\n"
        f"  and on ({WORKER}) ({Monitor.RECOVERING} == 0)\n"
        f"  and on ({WORKER}) ({Monitor.OWNED} == 1)\n"
        ")"
    )


def _owned(metric: str, *, keep: str) -> str:
    """What the owner of each channel says; for metrics that name organisation and channel."""
    return f"max by ({keep}) (\n  {metric}\n  and on ({PLACE}, {WORKER}) {names.OWNER}\n)"


def _truth() -> Iterator[Rule]:
    yield {"record": names.AS_OF, "expr": _owned(Monitor.AS_OF, keep=PLACE)}
    by_source = f"{PLACE}, {Label.SOURCE}"
    yield {
        "record": names.SOURCE_THROUGH,
        "expr": _owned(Monitor.SOURCE_THROUGH, keep=by_source),
    }
    # A source that was never heard of may belong to a channel without any truth, hence no owner.
    yield {
        "record": names.SOURCE_SEEN,
        "expr": f"max by ({by_source}) (\n"
        f"  {Monitor.SOURCE_SEEN} and on ({WORKER}) ({Monitor.RECOVERING} == 0)\n)",
    }
    for channel in WITH_HOURS:
        label = PART_LABEL[channel]
        for metric in (Monitor.OPEN, Monitor.OPEN_SECONDS):
            renamed = (
                f'label_replace({metric}{{{Label.CHANNEL}="{channel}"}}, '
                f'"{label}", "$1", "{Label.PART}", "(.*)")'
            )
            keep = f"{PLACE}, {label}"
            if metric == Monitor.OPEN_SECONDS:
                keep += f", {Label.WINDOW}"
            yield {
                "record": names.part_series(metric, channel),
                "expr": _owned(renamed, keep=keep),
            }


def _kpi(kpi: Kpi) -> Iterator[Rule]:
    for total in (True, False):
        # A survey belongs to the channel it asks about; there is no sum over channels.
        if kpi.channel == "surveys" if total else kpi.totals_only:
            continue
        for metric in metrics_of(kpi, total=total):
            yield {
                "record": f"{names.level_of(kpi, total=total)}:{metric}",
                "expr": f"max by ({', '.join(names.labels_of(kpi, total=total))}) (\n"
                f"  {metric}\n"
                f"  and on ({Label.ORGANISATION}, {WORKER}) "
                f'{names.OWNER}{{{Label.CHANNEL}="{kpi.channel}"}}\n)',
                "labels": {str(Label.CHANNEL): str(kpi.channel)},
            }


def _promises() -> Iterator[Rule]:
    keep = f"{PLACE}, {Label.PROMISE}"
    for record, metric in ((names.TARGET, Monitor.TARGET), (names.WITHIN, Monitor.WITHIN)):
        yield {"record": record, "expr": f"max by ({keep}) ({metric})"}
    for burn in (thresholds.EARLY_BURN, thresholds.FAST_BURN):
        # A target of 50 % allows so many misses that nothing could be twice as bad; half of the
        # target is bad enough there.
        yield {
            "record": names.floor_series(burn),
            "expr": f"(1 - {burn:g} * (1 - {names.TARGET}) > 0.5 * {names.TARGET})\n"
            f"or 0.5 * {names.TARGET}",
        }


def _pace(speed: float, clock: Literal["wall", "events"]) -> Iterator[Rule]:
    """How fast mails are dealt with: averaged over open hours, kept as it is when closed."""
    keep = f"{PLACE}, {Label.MAILBOX}, {Label.PROMISE}"
    on = f"on ({PLACE}, {Label.MAILBOX})"
    met, excluded = names.kpi_of("emails", "met"), names.kpi_of("emails", "excluded")

    def cleared(window: str) -> str:
        parts = (
            f'({names.recorded(met, total=total)}{{window="{window}"}}'
            f' + {names.recorded(excluded, total=total)}{{window="{window}"}})'
            for total in (True, False)
        )
        return f"max by ({keep}) (\n  {' or '.join(parts)}\n)"

    yield {"record": names.CLEARED, "expr": cleared("1h")}
    memory = looked_back(thresholds.PACE_MEMORY, speed)
    opened = names.part_series(Monitor.OPEN_SECONDS, "emails")
    is_open = names.part_series(Monitor.OPEN, "emails")
    recent = f'avg_over_time({opened}{{window="1h"}}[{memory}])'
    # A worker that is still reading the log of past weeks has their pace, not today's; what it has
    # is not to be remembered through the night.
    new = ""
    if clock == "wall":
        new = f"\n  and on ({PLACE}) (time() - {names.AS_OF} <= {thresholds.TRUTH_BEHIND})"
    # A week needs no memory: it comes from the log of events and the calendar.
    yield {
        "record": names.PACE,
        "expr": f"""max by ({keep}) (
  {HOUR} * avg_over_time({names.CLEARED}[{memory}])
  / {on} group_left () ({recent} >= {thresholds.PACE_MIN_OPEN})
  and {on} ({is_open} == 1){new}
)
or max by ({keep}) (last_over_time({names.PACE}[{looked_back(HOUR, speed)}]))
or max by ({keep}) (
  {HOUR} * {_indented(cleared("7d"))}
  / {on} group_left () ({opened}{{window="7d"}} > 0){new}
)""",
    }


def _pipeline(speed: float) -> Iterator[Rule]:
    five_minutes, hour = looked_back(300, speed), looked_back(HOUR, speed)
    for metric in names.INPUT_RATES:
        yield {
            "record": names.rate_series(metric),
            "expr": f"sum by ({Label.CHANNEL}) (rate({metric}_total[{five_minutes}]))",
        }
    yield {
        "record": names.increase_series(Monitor.UNKNOWN_PART),
        "expr": f"sum by ({Label.CHANNEL}) (increase({Monitor.UNKNOWN_PART}_total[{hour}]))",
    }
    # The first event that is rejected for some reason brings the series of that reason with it,
    # and `increase` sees no step in a series that begins at 1.
    rejected = f"{Monitor.REJECTED}_total"
    yield {
        "record": names.increase_series(Monitor.REJECTED),
        "expr": f"sum by ({Label.CHANNEL}, {Label.REASON}) (\n"
        f"  ({rejected} unless last_over_time({rejected}[{five_minutes}] offset {hour}))\n"
        f"  or increase({rejected}[{hour}])\n)",
    }
    for metric in names.SIZES:
        yield {
            "record": names.size_series(metric),
            "expr": f"sum by ({Label.CHANNEL}) ({metric})",
        }
    yield {"record": names.OWNED, "expr": f"sum by ({Label.PARTITION}) ({Monitor.OWNED})"}
    yield {
        "record": names.LAG,
        "expr": f"max by ({Label.TOPIC}, {Label.PARTITION}) ({Monitor.LAG})",
    }
    memory = looked_back(thresholds.EXPORT_MEMORY, speed)
    yield {
        "record": names.EXPORTS_OVERDUE,
        "expr": f"max by ({Label.ORGANISATION}) "
        f"(last_over_time({Monitor.EXPORTS_OVERDUE}[{memory}]))",
    }
    yield {"record": names.VIEW_UP, "expr": f"min by ({Label.VIEW}) ({Monitor.VIEW_UP})"}


def _indented(text: str) -> str:
    return text.replace("\n", "\n  ")
