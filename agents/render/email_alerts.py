"""Alerts about mailboxes. None of them looks at opening hours.

A mail that is late when the mailbox closes is late when it opens again. Whom to disturb when is
what Alertmanager's time intervals are for: closing time mutes these alerts and never resolves one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.render import names
from agents.render import thresholds as t
from agents.render.alert import (
    Alert,
    Severity,
    below,
    either,
    looked_up,
    looked_up_series,
    on,
    promised_share,
    where,
)
from streams.conventions import Label

if TYPE_CHECKING:
    from collections.abc import Iterator

WHO = f"{where('emails')} ({{{{ $labels.{Label.PROMISE} }}}})"
"""With the promise: a mailbox may owe a first reply and, later, a full answer."""
PROMISE = on("emails", Label.PROMISE)
DUE = names.kpi_of("emails", "due_within")
OVERDUE = names.kpi_of("emails", "overdue")
SHARE = names.kpi_of("emails", "service_level")
EVENTS = names.kpi_of("emails", "service_level_events")
COUNT = '{{ $value | printf "%.0f" }}'
ROW = [Label.ORGANISATION, Label.CHANNEL, Label.MAILBOX, Label.PROMISE]


def email_alerts() -> Iterator[Alert]:
    """Every alert about e-mails, the early one first."""
    due = either(DUE, **{Label.HOURS: t.DUE_HOURS})
    cleared = looked_up_series(names.PACE, ROW, times=int(t.DUE_HOURS))
    yield Alert(
        name="EmailsDueSoon",
        kind="business",
        severity="warning",
        expr=f"""({due} >= {t.DUE_MIN})
and {PROMISE} ({due} - {PROMISE} {t.DUE_HOURS} * {names.PACE} >= {t.SHORTFALL_MIN})""",
        lasting=600,
        board="emails",
        summary=f"{WHO}: {COUNT} e-mails fall due within {t.DUE_HOURS} working hours; at the pace "
        f"of the last hours {cleared} of them get a reply in time",
        sammanfattning=f"{WHO}: {COUNT} mejl förfaller inom {t.DUE_HOURS} arbetstimmar; i de "
        f"senaste timmarnas takt hinner {cleared} av dem få svar",
        description="None of these is late yet. Let more members answer mail now, those that fall "
        "due first; the board lists when.",
        beskrivning="Inget av dem är försenat ännu. Låt fler svara på e-post nu, det som förfaller "
        "först; tavlan visar när.",
    )
    yield _overdue("EmailsOverdue", severity="info", least=1)
    yield _overdue("EmailsOverdueMany", severity="warning", least=t.MANY_OVERDUE)
    decided = looked_up(EVENTS, window="7d")
    target = promised_share()
    by_promise = f"on ({Label.ORGANISATION}, {Label.CHANNEL}, {Label.PROMISE}) group_left ()"
    share = f"100 * {either(SHARE, window='7d')}"
    limit = f"< {by_promise} 100 * {names.TARGET}"
    yield Alert(
        name="EmailShareLow",
        kind="business",
        severity="warning",
        expr=f"""{below(share, limit)}
and {PROMISE} ({either(EVENTS, window="7d")} >= {t.WEEK_MIN_EVENTS})""",
        lasting=900,
        board="emails",
        summary=f"{WHO}: {COUNT} % of {decided} e-mails answered in time over seven days, "
        f"promised {target} %",
        sammanfattning=f"{WHO}: {COUNT} % av {decided} mejl besvarade i tid de senaste sju "
        f"dagarna, löftet är {target} %",
        description="The promise has not been kept over the week. Nothing done today changes it at "
        "once: see on the trend board since when, and what was different.",
        beskrivning="Löftet har inte hållits under veckan. Inget som görs i dag ändrar det genast: "
        "se på trendtavlan sedan när, och vad som då var annorlunda.",
    )


def _overdue(name: str, *, severity: Severity, least: int) -> Alert:
    return Alert(
        name=name,
        kind="business",
        severity=severity,
        expr=f"{either(OVERDUE)} >= {least}",
        lasting=900,
        board="emails",
        summary=f"{WHO}: e-mails overdue and still without the reply they wait for: {COUNT}",
        sammanfattning=f"{WHO}: försenade mejl som fortfarande väntar på svar: {COUNT}",
        description="The promise is broken for each of them, and a citizen still waits. Answer "
        "the oldest first, or write when the answer will come.",
        beskrivning="Löftet är brutet för vart och ett, och någon väntar fortfarande. Besvara det "
        "äldsta först, eller skriv när svaret kommer.",
    )
