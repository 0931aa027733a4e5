"""KPIs as Prometheus text.

A municipality's queues make thousands of samples; `prometheus_client.generate_latest` needs
10-14 microseconds for each, plain string building less than one. The format is checked against
that library's own parser (docs/adr/ says what was measured).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.conventions import TOTAL, Label
from streams.kpis import KPIS
from streams.kpis.definition import PART_LABEL
from streams.kpis.readings import Reading, read_now
from streams.views import opens_by_part, window_readings
from streams.windows import WINDOWS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streams.books import Book
    from streams.kpis.definition import Kpi


class _Names:
    """The metric names of one KPI, for totals or for parts."""

    __slots__ = ("denominator", "lower", "numerator", "upper", "value")

    def __init__(self, kpi: Kpi, *, total: bool) -> None:
        self.value = kpi.metric(total=total)
        self.lower = kpi.metric(total=total, suffix="_lower")
        self.upper = kpi.metric(total=total, suffix="_upper")
        self.numerator = kpi.metric(total=total, suffix="_numerator")
        self.denominator = kpi.metric(total=total, suffix="_denominator")


_NAMES = {
    (kpi.channel, kpi.name, total): _Names(kpi, total=total)
    for kpis in KPIS.values()
    for kpi in kpis
    for total in (True, False)
}


class Exposition:
    """Metric families under construction; every sample is a gauge."""

    def __init__(self) -> None:
        """No families yet."""
        self._samples: dict[str, list[str]] = {}
        self._help: dict[str, str] = {}

    def add_book(self, book: Book, as_of: int) -> None:
        """All KPIs of one channel of one organisation at one instant."""
        opens = opens_by_part(book)
        channel = book.plan.channel
        for part in book.shown_parts():
            labels = f'{Label.ORGANISATION}="{book.plan.organisation.name}"'
            if part != TOTAL:
                labels += f',{PART_LABEL[channel]}="{escape(part)}"'
            here = opens.get(part, [])
            total = part == TOTAL
            for window in WINDOWS:
                readings = window_readings(book, part, here, as_of, window)
                self._add(readings, f'{labels},{Label.WINDOW}="{window}"', total=total)
            self._add(read_now(book.plan, part, here, as_of), labels, total=total)

    def render(self) -> bytes:
        """The text of everything added."""
        blocks = []
        for name in sorted(self._samples):
            blocks.append(f"# HELP {name} {self._help[name]}\n# TYPE {name} gauge\n")
            blocks.extend(self._samples[name])
        return "".join(blocks).encode()

    def _add(self, readings: Iterable[Reading], labels: str, *, total: bool) -> None:
        for reading in readings:
            value = reading.value
            kpi = reading.kpi
            if value is None or (kpi.totals_only and not total):
                continue
            names = _NAMES[kpi.channel, kpi.name, total]
            own = labels
            if reading.promise:
                own += f',{Label.PROMISE}="{reading.promise}"'
            if reading.choice:
                own += f',{kpi.label}="{reading.choice}"'
            self._sample(names.value, kpi, own, value)
            if reading.lower is None:
                continue
            self._sample(names.lower, kpi, own, reading.lower)
            self._sample(names.upper, kpi, own, reading.upper)
            if kpi.parts is None:
                self._sample(names.numerator, kpi, own, reading.numerator)
                self._sample(names.denominator, kpi, own, reading.n)

    def _sample(self, name: str, kpi: Kpi, labels: str, value: float | None) -> None:
        samples = self._samples.get(name)
        if samples is None:
            samples = self._samples[name] = []
            self._help[name] = _help(name, kpi)
        samples.append(f"{name}{{{labels}}} {value!r}\n")


def escape(value: str) -> str:
    r"""A label value as the text format wants it.

    >>> print(escape('say "a"'))
    say \"a\"
    """
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _help(name: str, kpi: Kpi) -> str:
    kinds = {
        "_lower": "lower 95 % Wilson bound",
        "_upper": "upper 95 % Wilson bound",
        "_numerator": "numerator",
        "_denominator": "denominator",
    }
    bare = name.removesuffix(f"_{kpi.unit}")
    for suffix, words in kinds.items():
        if bare.endswith(suffix):
            return f"{kpi.en}: {words}."
    return f"{kpi.en}. {kpi.definition}".replace("\\", r"\\").replace("\n", " ")
