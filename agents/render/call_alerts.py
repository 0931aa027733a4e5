"""Alerts about telephone queues: they look at minutes, so only while the queue is open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.render import names
from agents.render import thresholds as t
from agents.render.alert import Alert, below, either, looked_up, on, promised_share, where
from streams.conventions import Label, Monitor

if TYPE_CHECKING:
    from collections.abc import Iterator

WHO = where("calls")
PART = on("calls")
PROMISE = on("calls", Label.PROMISE)
BY_PROMISE = f"on ({Label.ORGANISATION}, {Label.CHANNEL}, {Label.PROMISE}) group_left ()"
SHARE = names.kpi_of("calls", "service_level")
EVENTS = names.kpi_of("calls", "service_level_events")
OPEN = f"and {PART} ({names.part_series(Monitor.OPEN, 'calls')} == 1)"
TARGET = promised_share()
PERCENT = '{{ $value | printf "%.0f" }} %'


def call_alerts() -> Iterator[Alert]:
    """Every alert about calls, the early one first."""
    yield Alert(
        name="CallServiceLevelFalling",
        kind="business",
        severity="warning",
        expr=f"""{below(_share("15m"), f"<= {BY_PROMISE} 100 * {names.floor_series(t.FAST_BURN)}")}
and {PROMISE} ({either(EVENTS, window="15m")} >= {t.FAST_MIN_EVENTS})
and {PROMISE} ({_share("1h")} <= {BY_PROMISE} 100 * {names.floor_series(t.EARLY_BURN)})
and {PROMISE} ({either(EVENTS, window="1h")} >= {t.HOUR_MIN_EVENTS})
{OPEN}""",
        lasting=0,
        board="calls",
        summary=f"{WHO}: calls are being missed fast: {PERCENT} of {_events('15m')} answered in "
        f"time in the last 15 minutes, promised {TARGET} %",
        sammanfattning=f"{WHO}: många samtal missas just nu: {PERCENT} av {_events('15m')} "
        f"besvarade i tid de senaste 15 minuterna, löftet är {TARGET} %",
        description="Callers wait longer than promised, and more do so by the minute. Move "
        "members to the queue now, and the hour can still be saved.",
        beskrivning="De som ringer väntar längre än utlovat, och det blir snabbt fler. Flytta "
        "medarbetare till kön nu, så går timmen ännu att rädda.",
    )
    yield Alert(
        name="CallServiceLevelLow",
        kind="business",
        severity="warning",
        expr=f"""{below(_share("1h"), f"< {BY_PROMISE} 100 * {names.TARGET}")}
and {PROMISE} ({either(EVENTS, window="1h")} >= {t.HOUR_MIN_EVENTS})
{OPEN}""",
        lasting=300,
        board="calls",
        summary=f"{WHO}: {PERCENT} of {_events('1h')} calls answered in time in the last hour, "
        f"promised {TARGET} %",
        sammanfattning=f"{WHO}: {PERCENT} av {_events('1h')} samtal besvarade i tid den senaste "
        f"timmen, löftet är {TARGET} %",
        description="The promise has not been kept over the last hour. Look at how many wait and "
        "how many members answer, and move members if you can.",
        beskrivning="Löftet har inte hållits den senaste timmen. Se hur många som väntar och hur "
        "många som svarar, och flytta medarbetare om det går.",
    )
    yield Alert(
        name="CallServiceLevelVeryLow",
        kind="business",
        severity="critical",
        expr=f"""{below(_share("1h"), f"<= {BY_PROMISE} 100 * {names.floor_series(t.FAST_BURN)}")}
and {PROMISE} ({_share("today")} < {BY_PROMISE} 100 * {names.TARGET})
and {PROMISE} ({either(EVENTS, window="1h")} >= {t.PAGE_MIN_EVENTS})
{OPEN}""",
        lasting=300,
        board="calls",
        summary=f"{WHO}: only {PERCENT} of {_events('1h')} calls answered in time in the last "
        f"hour, promised {TARGET} %",
        sammanfattning=f"{WHO}: bara {PERCENT} av {_events('1h')} samtal besvarade i tid den "
        f"senaste timmen, löftet är {TARGET} %",
        description="Twice as many callers as the promise allows have been missed for an hour, "
        "and the whole day is below target. Call in everybody who can answer; tell callers.",
        beskrivning="I en timme har dubbelt så många som löftet tillåter fått vänta för länge, "
        "och hela dagen ligger under målet. Kalla in alla som kan svara, och informera i kön.",
    )
    yield _longest_wait()
    yield _abandonment()


def _longest_wait() -> Alert:
    longest = names.kpi_of("calls", "longest_wait")
    waiting = names.kpi_of("calls", "waiting")
    pending = names.kpi_of("calls", "pending")
    # Which promises hold for a queue is told by the series it has.
    allowed = f"{either(pending)} * 0 + {BY_PROMISE} {names.WITHIN}"
    keep = f"{Label.ORGANISATION}, {Label.CHANNEL}, {Label.QUEUE}"
    limit = f"{t.LONGEST_WAIT_PROMISES} * min by ({keep}) ({allowed})"
    return Alert(
        name="CallLongestWait",
        kind="business",
        severity="warning",
        expr=f"({either(longest)} > {PART} {limit})\n{OPEN}",
        lasting=60,
        board="live",
        summary=f"{WHO}: somebody has waited for {{{{ $value | humanizeDuration }}}}; "
        f"{looked_up(waiting)} wait",
        sammanfattning=f"{WHO}: någon har väntat i {{{{ $value | humanizeDuration }}}}; "
        f"{looked_up(waiting)} väntar",
        description=f"The first in line has waited {t.LONGEST_WAIT_PROMISES} times as long as "
        "promised. See whether members are logged in to this queue and calls come through.",
        beskrivning=f"Den som är först i kön har väntat {t.LONGEST_WAIT_PROMISES} gånger så länge "
        "som utlovat. Se om medarbetare är inloggade i kön, och om samtal kommer fram.",
    )


def _abandonment() -> Alert:
    share = names.kpi_of("calls", "abandonment")
    departures = names.kpi_of("calls", "departures")
    ended = looked_up(departures, window="1h")
    return Alert(
        name="CallAbandonmentHigh",
        kind="business",
        severity="warning",
        expr=f"""100 * {either(share, window="1h")}
and {PART} ({either(share, suffix="_lower", window="1h")} > {t.ABANDONMENT_LIMIT:g})
and {PART} ({either(departures, window="1h")} >= {t.HOUR_MIN_EVENTS})
{OPEN}""",
        lasting=300,
        board="calls",
        summary=f"{WHO}: {PERCENT} of {ended} callers hung up while waiting, in the last hour",
        sammanfattning=f"{WHO}: {PERCENT} av {ended} som ringde har lagt på i kön den senaste "
        "timmen",
        description=f"More than {100 * t.ABANDONMENT_LIMIT:.0f} % of callers give up, and it is no "
        "accident of small numbers. They will call again: offer to call back, and move members.",
        beskrivning=f"Fler än {100 * t.ABANDONMENT_LIMIT:.0f} % ger upp, och det är ingen slump. "
        "De ringer igen: erbjud återuppringning, och flytta medarbetare.",
    )


def _share(window: str) -> str:
    return f"100 * {either(SHARE, window=window)}"


def _events(window: str) -> str:
    return looked_up(EVENTS, window=window)
