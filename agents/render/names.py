"""Names of recorded series: `level:metric` or `level:metric:operation`, made from the registry.

The level says whose value it is: `organisation` (the total over its parts), `queue`, `mailbox`,
`desk`, `survey`, `promise`, `channel`, `source`, `partition`, `view`. Whatever a board or an alert
reads has its name from here.
"""

from __future__ import annotations

from streams.conventions import PREFIX, Label, Monitor
from streams.kpis import KPIS, Kpi
from streams.kpis.definition import PART_LABEL, PART_NOUN

TOTAL_LEVEL = "organisation"

OWNER = f"owner:{Monitor.AS_OF}"
"""One series for each channel of each organisation: the worker whose word counts."""

AS_OF = f"channel:{Monitor.AS_OF}"
SOURCE_THROUGH = f"source:{Monitor.SOURCE_THROUGH}"
SOURCE_SEEN = f"source:{Monitor.SOURCE_SEEN}"
TARGET = f"promise:{Monitor.TARGET}"
WITHIN = f"promise:{Monitor.WITHIN}"
OWNED = f"partition:{Monitor.OWNED}:sum"
LAG = f"partition:{Monitor.LAG}:max"
VIEW_UP = f"view:{Monitor.VIEW_UP}:min"
EXPORTS_OVERDUE = f"{TOTAL_LEVEL}:{Monitor.EXPORTS_OVERDUE}:max"
CLEARED = f"mailbox:{PREFIX}_cleared:last_hour"
"""Mails that stopped being due within the last hour: the promise was met, or no longer applies."""
PACE = f"mailbox:{PREFIX}_cleared:per_open_hour"
"""The same per hour of opening, over the last hours that were open; it stands still when closed."""
INPUT_RATES = (
    Monitor.EVENTS_IN,
    Monitor.APPLIED,
    Monitor.UNCHANGED,
    Monitor.FORWARDED,
    Monitor.LATE,
    Monitor.CONFLICTS,
)
SIZES = (Monitor.CONTACTS, Monitor.COHORTS, Monitor.OPEN_CONTACTS)


def kpi_of(channel: str, name: str) -> Kpi:
    """The KPI of a channel with that name.

    Raises:
        LookupError: the registry has none.
    """
    for kpi in KPIS[channel]:
        if kpi.name == name:
            return kpi
    msg = f"`{name}` is no KPI of `{channel}`; write one of the registry"
    raise LookupError(msg)


def recorded(kpi: Kpi, *, total: bool, suffix: str = "") -> str:
    """The recorded series of a KPI, for totals or for queues, mailboxes, desks and surveys.

    >>> recorded(kpi_of("calls", "service_level"), total=False, suffix="_lower")
    'queue:kontaktpuls_queue_service_level_lower_ratio'
    """
    return f"{level_of(kpi, total=total)}:{kpi.metric(total=total, suffix=suffix)}"


def level_of(kpi: Kpi, *, total: bool) -> str:
    """Whose value it is: the organisation's, or a queue's, mailbox's, desk's or survey's."""
    return TOTAL_LEVEL if total else PART_NOUN[kpi.channel]


def part_series(metric: Monitor, channel: str) -> str:
    """A pipeline metric by queue, mailbox or desk; the total's is the series without that label.

    >>> part_series(Monitor.OPEN, "emails")
    'mailbox:kontaktpuls_open'
    """
    return f"{PART_NOUN[channel]}:{metric}"


def rate_series(metric: Monitor) -> str:
    """Events a second of a channel, all workers together.

    >>> rate_series(Monitor.APPLIED)
    'channel:kontaktpuls_events_applied:rate5m'
    """
    return f"channel:{metric}:rate5m"


def increase_series(metric: Monitor) -> str:
    """Events of a channel within the last hour, all workers together."""
    return f"channel:{metric}:increase1h"


def size_series(metric: Monitor) -> str:
    """A size of a channel, all workers together."""
    return f"channel:{metric}:sum"


def floor_series(burn: float) -> str:
    """The share below which a promise's allowance for misses is used up `burn` times as fast.

    >>> floor_series(0.5)
    'promise:kontaktpuls_promise_target_ratio:burn0_5'
    """
    return f"{TARGET}:burn{burn:g}".replace(".", "_")


def labels_of(kpi: Kpi, *, total: bool) -> list[str]:
    """The labels that tell the samples of a KPI apart."""
    labels = [Label.ORGANISATION]
    if not total:
        labels.append(PART_LABEL[kpi.channel])
    if kpi.kind != "now":
        labels.append(Label.WINDOW)
    if kpi.promise:
        labels.append(Label.PROMISE)
    if kpi.label is not None:
        labels.append(kpi.label)
    return [str(label) for label in labels]
