"""What an alert is, and the words of its messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from agents.render import names
from streams.conventions import Label
from streams.kpis.definition import PART_LABEL

if TYPE_CHECKING:
    from streams.kpis import Kpi

Severity = Literal["info", "warning", "critical"]
AlertKind = Literal["business", "truth", "platform"]
Board = Literal["live", "calls", "emails", "pipeline"]

MEANING_OF_SEVERITY: dict[Severity, str] = {
    "info": "Stands on the boards; nobody is sent anything.",
    "warning": "A message to those concerned: there is still time, or it can wait until tomorrow.",
    "critical": "Somebody is called: it gets worse with every minute.",
}
MEANING_OF_KIND: dict[AlertKind, str] = {
    "business": "Citizens wait too long, or soon will: for the team lead, while they are open.",
    "truth": "The numbers are old or incomplete: for whoever runs exchange and mailboxes. "
    "As long as it lasts, business alerts say nothing that can be trusted.",
    "platform": "Kontaktpuls itself is not well: for whoever runs it, at any hour.",
}


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One alert rule.

    Attributes:
        name: also the name of its runbook.
        kind: whom it is for.
        severity: what is done with it.
        expr: PromQL; its value is what the summary shows.
        lasting: seconds it must be true, in the time of the events.
        board: where to look.
        summary, sammanfattning: one line, English and Swedish.
        description, beskrivning: what it means and what to do first.
    """

    name: str
    kind: AlertKind
    severity: Severity
    expr: str
    lasting: int
    board: Board
    summary: str
    sammanfattning: str
    description: str
    beskrivning: str


def either(kpi: Kpi, *, suffix: str = "", **matchers: str) -> str:
    """The recorded series of the total and of the parts, as one vector."""
    inside = ",".join(f'{label}="{value}"' for label, value in matchers.items())
    braces = f"{{{inside}}}" if inside else ""
    total, part = (names.recorded(kpi, total=total, suffix=suffix) for total in (True, False))
    return f"({total}{braces} or {part}{braces})"


def on(channel: str, *more: str) -> str:
    """The labels of one queue, mailbox or desk, or of the total, to match by."""
    return f"on ({', '.join([Label.ORGANISATION, Label.CHANNEL, PART_LABEL[channel], *more])})"


def where(channel: str) -> str:
    """Who it is about, as a template."""
    return (
        f"{{{{ $labels.{Label.ORGANISATION} }}}}"
        f"{{{{ with $labels.{PART_LABEL[channel]} }}}}, {{{{ . }}}}{{{{ end }}}}"
    )


def looked_up(kpi: Kpi, *, suffix: str = "", times: int = 1, **matchers: str) -> str:
    """A template that shows another KPI of the same total or part."""
    total, part = (names.recorded(kpi, total=total, suffix=suffix) for total in (True, False))
    labels = [Label.ORGANISATION, PART_LABEL[kpi.channel]]
    if kpi.promise:
        labels.append(Label.PROMISE)
    fixed = "".join(f',{label}="{value}"' for label, value in matchers.items())
    return _asked(f"{total}|{part}", labels, fixed, times)


def looked_up_series(
    series: str, labels: list[Label], *, times: int = 1, shown: str = "%.0f"
) -> str:
    """A template that shows another recorded series with the same values of these labels."""
    return _asked(series, labels, "", times, shown)


def promised_share() -> str:
    """A template that shows the target of the promise it is about, as percent."""
    place = [Label.ORGANISATION, Label.CHANNEL, Label.PROMISE]
    return looked_up_series(names.TARGET, place, times=100, shown="%.4g")


def below(share: str, limit: str) -> str:
    """A share in percent where it is below a limit, rounded down: 79.6 % is not shown as 80 %."""
    return f"floor(1e-9 + ({share} {limit}))"


def _asked(series: str, labels: list[Label], fixed: str, times: int, shown: str = "%.0f") -> str:
    matching = ",".join(f"{label}=%q" for label in labels)
    values = " ".join(f"$labels.{label}" for label in labels)
    factor = "" if times == 1 else f"{times} * "
    asked = f'{factor}{{__name__=~"{series}",{matching}{fixed}}}'
    return (
        f"{{{{ with printf `{asked}` {values} | query }}}}"
        f'{{{{ . | first | value | printf "{shown}" }}}}{{{{ else }}}}?{{{{ end }}}}'
    )
