"""Alerts about the truth: whether the numbers are new and complete enough to be believed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from agents.render import names
from agents.render import thresholds as t
from agents.render.alert import Alert, on
from agents.render.pace import looked_back
from streams.conventions import Label, Monitor

if TYPE_CHECKING:
    from collections.abc import Iterator

CHANNEL = f"{{{{ $labels.{Label.ORGANISATION} }}}}, {{{{ $labels.{Label.CHANNEL} }}}}"
KANALER = {"calls": "telefon", "emails": "e-post", "visits": "besök", "surveys": "enkäter"}
KANAL_ALONE = (
    "".join(
        f'{{{{ {"else " if n else ""}if eq $labels.{Label.CHANNEL} "{channel}" }}}}{words}'
        for n, (channel, words) in enumerate(KANALER.items())
    )
    + "{{ end }}"
)
KANAL = f"{{{{ $labels.{Label.ORGANISATION} }}}}, {KANAL_ALONE}"
SOURCE = f"{CHANNEL}, {{{{ $labels.{Label.SOURCE} }}}}"
KALLA = f"{KANAL}, {{{{ $labels.{Label.SOURCE} }}}}"
COUNT = '{{ $value | printf "%.0f" }}'
ARRIVALS = {"calls": "offered", "emails": "received", "visits": "registered"}


def truth_alerts(clock: Literal["wall", "events"], speed: float) -> Iterator[Alert]:
    """Every alert about the truth.

    Args:
        clock: whose time `as_of` follows; a replay is not old, it can only stand still.
        speed: how many times faster than life the events come.
    """
    yield Alert(
        name="TruthBehind",
        kind="truth",
        severity="critical",
        # One silent source of several holds its channel back for a quarter of an hour at most, and
        # has an alert of its own.
        expr=f"{_old(names.AS_OF, t.TRUTH_BEHIND, clock, speed)}\n"
        f"unless on ({Label.ORGANISATION}, {Label.CHANNEL}) "
        f"({_moving(names.SOURCE_THROUGH, t.SOURCE_BEHIND, clock, speed)})",
        lasting=120,
        board="pipeline",
        summary=f"{CHANNEL}: the numbers are old; nothing new is known for more than "
        f"{t.TRUTH_BEHIND // 60} minutes",
        sammanfattning=f"{KANAL}: siffrorna är gamla; inget nytt är känt sedan mer än "
        f"{t.TRUTH_BEHIND // 60} minuter",
        description="Boards show how it was, and alerts about citizens who wait say nothing. Find "
        "the source that is silent, or the worker that lags.",
        beskrivning="Tavlorna visar hur det var, och larm om dem som väntar säger inget. Leta "
        "efter källan som är tyst, eller processen som ligger efter.",
    )
    yield Alert(
        name="SourceSilent",
        kind="truth",
        severity="warning",
        expr=_old(names.SOURCE_THROUGH, t.SOURCE_BEHIND, clock, speed),
        lasting=120,
        board="pipeline",
        summary=f"{SOURCE}: the source has been silent for more than "
        f"{t.SOURCE_BEHIND // 60} minutes",
        sammanfattning=f"{KALLA}: källan har varit tyst i mer än {t.SOURCE_BEHIND // 60} minuter",
        description="It sends no heartbeat, not even that nothing happened. What it has not told "
        "is missing from every number of its channel.",
        beskrivning="Den skickar inget livstecken, inte ens att inget har hänt. Det den inte har "
        "berättat saknas i kanalens alla siffror.",
    )
    yield Alert(
        name="SourceNeverSeen",
        kind="truth",
        severity="warning",
        expr=f"{names.SOURCE_SEEN} == 0",
        lasting=900,
        board="pipeline",
        summary=f"{SOURCE}: the source is configured, but was never heard of",
        sammanfattning=f"{KALLA}: källan är konfigurerad men har aldrig hörts av",
        description="Connect it, or take it out of the organisation's file.",
        beskrivning="Anslut den, eller ta bort den ur organisationens fil.",
    )
    yield Alert(
        name="NoEventsInOpeningHours",
        kind="truth",
        severity="warning",
        expr=f"max without ({Label.WINDOW}) (\n"
        + "\nor\n".join(
            _no_events(channel, *silence) for channel in ARRIVALS for silence in t.SILENCES[channel]
        )
        + "\n)",
        lasting=300,
        board="pipeline",
        summary=f"{CHANNEL}: open, but not a single contact comes in",
        sammanfattning=f"{KANAL}: öppet, men inte en enda kontakt kommer in",
        description="The source is alive and tells of nothing, which for this channel is not "
        "ordinary. Call the number or write to the mailbox yourself, and see whether it shows.",
        beskrivning="Källan lever men berättar inget, vilket är ovanligt för den här kanalen. Ring "
        "numret eller skriv till brevlådan själv, och se om det syns.",
    )
    yield Alert(
        name="UnknownQueueOrMailbox",
        kind="truth",
        severity="warning",
        expr=f"{names.increase_series(Monitor.UNKNOWN_PART)} > 0",
        lasting=0,
        board="pipeline",
        summary=f"{{{{ $labels.{Label.CHANNEL} }}}}: events within an hour of a queue, mailbox or "
        f"desk that nobody configured: {COUNT}",
        sammanfattning=f"{KANAL_ALONE}: händelser den senaste timmen från en kö, brevlåda eller "
        f"disk som ingen har konfigurerat: {COUNT}",
        description="They are counted in the totals and shown as `other`. Add the part to the "
        "organisation's file and restart the workers.",
        beskrivning="De räknas i totalen och visas som `other`. Lägg till delen i organisationens "
        "fil och starta om processerna.",
    )
    yield Alert(
        name="EventsRejected",
        kind="truth",
        severity="warning",
        expr=f"{names.increase_series(Monitor.REJECTED)} > 0",
        lasting=0,
        board="pipeline",
        summary=f"{{{{ $labels.{Label.CHANNEL} }}}}: events rejected within an hour "
        f"({{{{ $labels.{Label.REASON} }}}}): {COUNT}",
        sammanfattning=f"{KANAL_ALONE}: händelser som inte kunde tas emot den senaste timmen "
        f"({{{{ $labels.{Label.REASON} }}}}): {COUNT}",
        description="Each is somebody's call or mail that is in no number. `kontaktpuls "
        "dead-letters list` shows them; once the cause is mended, `replay` brings them back.",
        beskrivning="Var och en är någons samtal eller mejl som saknas i siffrorna. "
        "`kontaktpuls dead-letters list` visar dem; när felet är avhjälpt hämtar `replay` dem.",
    )


def _old(series: str, seconds: int, clock: Literal["wall", "events"], speed: float) -> str:
    if clock == "wall":
        return f"time() - {series} > {seconds}"
    # A series that has just begun has not moved either.
    ago = looked_back(seconds, speed)
    return f"changes({series}[{ago}]) == 0 and {series} offset {ago}"


def _moving(series: str, seconds: int, clock: Literal["wall", "events"], speed: float) -> str:
    if clock == "wall":
        return f"time() - {series} <= {seconds}"
    return f"changes({series}[{looked_back(seconds, speed)}]) > 0"


def _no_events(channel: str, hours: int, window: str, ordinary: int) -> str:
    """A channel that was open for so long, today or within the last hour, without any contact."""
    arrived = names.recorded(names.kpi_of(channel, ARRIVALS[channel]), total=True)
    open_now = names.part_series(Monitor.OPEN, channel)
    opened = names.part_series(Monitor.OPEN_SECONDS, channel)
    # A window ends within a second, so that an hour of opening may measure one second less.
    return f"""(
  {arrived}{{window="{window}"}} == 0
  and {on(channel)} ({open_now} == 1)
  and {on(channel)} ({opened}{{window="{window}"}} >= {hours * 3600 - 1})
  unless {on(channel)} ({arrived}{{window="28d"}} > 0 < {ordinary})
)"""
