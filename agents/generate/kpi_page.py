"""The KPIs of `docs/kpis.md`, from the registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agents.generate.marks import table
from streams.conventions import Label
from streams.kpis import KPIS
from streams.kpis.definition import PART_LABEL, PART_NOUN, PART_SUFFIXES
from streams.windows import WINDOWS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.kpis import Kpi

TITLE: Final = {"calls": "Calls", "emails": "E-mails", "surveys": "Surveys", "visits": "Visits"}
BOUND_SUFFIXES: Final = ("_lower", "_upper")
UNIT_WORDS: Final = {
    "count": "number",
    "ratio": "share, 0 to 1",
    "seconds": "seconds",
    "timestamp_seconds": "seconds since 1970-01-01T00:00Z",
    "index": "index, 0 to 100",
    "flag": "0 or 1",
}
WITHOUT_DATA: Final = {
    "count": "0 when nothing happened",
    "flag": "0 when nothing happened",
    "ratio": "absent while `n` is 0",
    "mean": "absent while `n` is 0",
    "quantile": "absent while `n` is 0",
    "index": "absent while `n` is 0",
}


def kpi_blocks() -> dict[str, str]:
    """Blocks by name: one for each channel."""
    return {channel: _channel(channel) for channel in KPIS}


def metrics_of(kpi: Kpi, *, total: bool) -> tuple[str, ...]:
    """Every metric a KPI brings, for totals or for queues, mailboxes, desks and surveys."""
    suffixes: tuple[str, ...] = ("",)
    if kpi.kind == "ratio":
        suffixes += BOUND_SUFFIXES
        if kpi.parts is None:
            suffixes += PART_SUFFIXES
    return tuple(kpi.metric(total=total, suffix=suffix) for suffix in suffixes)


def _channel(channel: str) -> str:
    kpis = KPIS[channel]
    overview = table(
        ("KPI", "svenska", "English", "unit"),
        [
            (f"[`{kpi.name}`](#{channel}-{kpi.name})", kpi.sv, kpi.en, UNIT_WORDS[kpi.unit])
            for kpi in kpis
        ],
    )
    return "\n\n".join((f"## {TITLE[channel]}", overview, *map(_section, kpis)))


def _section(kpi: Kpi) -> str:
    lines = "\n".join(f"* {name}: {words}" for name, words in _properties(kpi))
    return (
        f"### {kpi.channel}: {kpi.name}\n\n**{kpi.en}** · {kpi.sv}\n\n{kpi.definition}\n\n{lines}"
    )


def _properties(kpi: Kpi) -> Iterator[tuple[str, str]]:
    yield "Unit", f"{UNIT_WORDS[kpi.unit]}; {_without_data(kpi)}"
    yield "Windows", "none: at `as_of`" if kpi.kind == "now" else ", ".join(WINDOWS)
    if kpi.parts:
        numerator, denominator = kpi.parts
        yield "Formula", f"`{numerator}` / `{denominator}`"
    if kpi.choices and kpi.label:
        values = ", ".join(f"`{choice}`" for choice in kpi.choices)
        yield f"One value for each `{kpi.label}`", values
    if kpi.channel != "surveys":
        yield "Metrics of the total", _metrics(kpi, total=True)
    if not kpi.totals_only:
        yield f"Metrics of a {PART_NOUN[kpi.channel]}", _metrics(kpi, total=False)
    yield "Labels", ", ".join(_labels(kpi))
    if kpi.source:
        yield "Source", kpi.source


def _without_data(kpi: Kpi) -> str:
    if kpi.kind == "now":
        return "0 when there is none" if kpi.unit == "count" else "absent when there is none"
    return WITHOUT_DATA[kpi.kind]


def _metrics(kpi: Kpi, *, total: bool) -> str:
    return ", ".join(f"`{metric}`" for metric in metrics_of(kpi, total=total))


def _labels(kpi: Kpi) -> Iterator[str]:
    yield f"`{Label.ORGANISATION}`"
    if not kpi.totals_only:
        part = PART_LABEL[kpi.channel]
        yield f"`{part}`" if kpi.channel == "surveys" else f"`{part}` (not on the total)"
    if kpi.kind != "now":
        yield f"`{Label.WINDOW}`"
    if kpi.promise:
        yield f"`{Label.PROMISE}`"
    if kpi.label:
        yield f"`{kpi.label}`"
