"""How the weekly exports are doing, as one worker knows it; the exporter reads it."""

from __future__ import annotations

from collections import Counter

import msgspec


class ExportStatus(msgspec.Struct):
    """What is told to Prometheus.

    Attributes:
        overdue: how many weeks of each organisation are long due; empty while nobody knows.
        succeeded: instant at which each organisation's last export was finished.
        failures: exports of each organisation that this worker began and could not finish.
    """

    overdue: dict[str, int] = {}
    succeeded: dict[str, int] = {}
    failures: Counter[str] = msgspec.field(default_factory=Counter)
