"""KPIs of calls.

A = answered, A_T = answered within the promise, B = abandoned, B_T = abandoned within the
promise, B_s = short abandons, M = promise missed: the threshold passed with the caller still
waiting, whatever became of the call. Service levels count these *service-level events* at their
own instants, so that a caller who waits too long is a miss the moment it happens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from streams import measures as m
from streams.conventions import Label
from streams.instants import SECOND
from streams.kpis.definition import QUANTILES, Kpi, Now, at, chosen, in_block
from streams.organisations import ServiceLevel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streams.plans import Rule

VARIANTS: tuple[str, ...] = get_args(ServiceLevel)
OTHER_EXITS = {reason: place for reason, place in m.EXIT.items() if reason != "abandoned"}
CISCO = "Cisco, contact centre reporting guides: service-level event"
CALLCENTREHELPER = "callcentrehelper.com, service level formulas"


def departures(counts: Sequence[int], _base: int, _choice: str) -> int:
    """Everybody who stopped waiting: answered, abandoned, and left for another reason."""
    return counts[m.ANSWERED] + sum(counts[place] for place in m.EXIT.values())


def service_level_numerator(counts: Sequence[int], base: int, variant: str) -> int:
    """What counts as kept.

    >>> block = [860, 180, 20, 10, 0, 140]
    >>> service_level_numerator(block, 0, "positive_abandons")
    880
    """
    met = counts[base + m.MET]
    if variant == "positive_abandons":
        return met + counts[base + m.EARLY_ABANDONED]
    if variant == "short_abandons_credited":
        return met + counts[base + m.SHORT_ABANDONED]
    return met


def service_level_denominator(counts: Sequence[int], base: int, variant: str) -> int:
    """What counts at all.

    >>> block = [860, 180, 20, 10, 0, 140]
    >>> [service_level_denominator(block, 0, variant) for variant in VARIANTS]
    [1000, 1060, 1040, 1060, 1060, 1050]
    """
    met = counts[base + m.MET]
    if variant == "answered_only":
        return met + counts[base + m.ANSWERED_LATE]
    events = met + counts[base + m.MISSED]
    if variant == "ignore_early_abandons":
        return events
    events += counts[base + m.EARLY_ABANDONED]
    if variant == "short_abandons_excluded":
        events -= counts[base + m.SHORT_ABANDONED]
    return events


def _waiting(now: Now, _rule: Rule | None, _choice: str) -> float:
    return sum(item.waiting(now.as_of) for item in now.opens)


def _longest_wait(now: Now, _rule: Rule | None, _choice: str) -> float | None:
    oldest = min((i.opened for i in now.opens if i.waiting(now.as_of)), default=None)
    return None if oldest is None else (now.as_of - oldest) / SECOND


def _pending(now: Now, rule: Rule | None, _choice: str) -> float:
    place = rule.base + m.MISSED if rule else -1
    return sum(
        item.waiting(now.as_of) and any(p == place and due >= now.as_of for p, due in item.dues)
        for item in now.opens
    )


CALL_KPIS = (
    Kpi(
        name="offered",
        channel="calls",
        kind="count",
        counts_arrivals=True,
        numerator=at(m.OFFERED),
        sv="Inkomna samtal",
        en="Calls offered",
        definition="Callers who entered the queue, at the instant of entry. Hang-ups in a menu "
        "before the queue are no calls. The total counts a citizen once over all queues.",
        definition_sv="De som ställde sig i kön, när de gjorde det. Den som lägger på i en meny "
        "före kön är inget samtal. Totalen räknar en medborgare en gång över alla "
        "köer.",
    ),
    Kpi(
        name="answered",
        channel="calls",
        kind="count",
        numerator=at(m.ANSWERED),
        sv="Besvarade samtal",
        en="Calls answered",
        definition="Calls a member answered, at the instant of the answer, however late.",
        definition_sv="Samtal som en medarbetare besvarade, när det skedde, hur sent det än var.",
    ),
    Kpi(
        name="abandoned",
        channel="calls",
        kind="count",
        better="less",
        numerator=at(m.ABANDONED),
        sv="Tappade samtal",
        en="Calls abandoned",
        definition="Callers who hung up while waiting, at that instant, short abandons included.",
        definition_sv="De som lade på medan de väntade, när de gjorde det, även efter kort tid.",
    ),
    Kpi(
        name="exits",
        channel="calls",
        kind="count",
        label=Label.REASON,
        choices=tuple(OTHER_EXITS),
        numerator=chosen(OTHER_EXITS),
        sv="Lämnade kön av annan orsak",
        en="Left the queue for another reason",
        definition="Callers who left unanswered without hanging up, by reason. `unknown` also "
        "closes visits whose end was lost, after the configured longest wait.",
        definition_sv="De som lämnade kön utan svar och utan att lägga på, efter orsak. "
        "`unknown` är också väntan vars slut gick förlorat, efter den längsta "
        "tillåtna väntetiden.",
    ),
    Kpi(
        name="departures",
        channel="calls",
        kind="count",
        numerator=departures,
        sv="Avslutade väntetider",
        en="Waits ended",
        definition="Answered, abandoned and left for another reason, each at its instant.",
        definition_sv="Besvarade, tappade och de som lämnade kön av annan orsak, var och en när "
        "det skedde.",
    ),
    Kpi(
        name="abandonment",
        channel="calls",
        kind="ratio",
        unit="ratio",
        better="less",
        numerator=at(m.ABANDONED),
        denominator=departures,
        parts=("abandoned", "departures"),
        sv="Andel tappade samtal",
        en="Abandonment rate",
        definition="Abandoned divided by all who stopped waiting (departures). Who still waits "
        "is not in it.",
        definition_sv="Tappade delat med alla som slutade vänta. De som väntar än räknas inte.",
    ),
    Kpi(
        name="wait_mean",
        channel="calls",
        kind="mean",
        unit="seconds",
        better="less",
        numerator=at(m.WAIT),
        denominator=at(m.ANSWERED),
        scale=SECOND,
        sv="Genomsnittlig väntetid",
        en="Average speed of answer",
        definition="Mean wait of answered calls from entry to answer, ringing included; in the "
        "total from the first entry. A true mean, not a smoothed one.",
        definition_sv="Medelväntan för besvarade samtal, från kön till svaret, ringtiden "
        "inräknad; i totalen från den första kön. Ett verkligt medelvärde, inte "
        "ett utjämnat.",
    ),
    Kpi(
        name="wait",
        channel="calls",
        kind="quantile",
        unit="seconds",
        better="less",
        label=Label.QUANTILE,
        choices=QUANTILES,
        sv="Väntetid",
        en="Wait of answered calls",
        definition="Median, 90th percentile and maximum (quantile 1) of the wait of answered "
        "calls, nearest rank over whole seconds.",
        definition_sv="Median, 90:e percentil och längsta (kvantil 1) väntan för besvarade "
        "samtal, i hela sekunder.",
    ),
    Kpi(
        name="handled",
        channel="calls",
        kind="count",
        numerator=at(m.HANDLED),
        sv="Avslutade samtal",
        en="Calls handled",
        definition="Answered calls whose conversation has ended, at its end.",
        definition_sv="Besvarade samtal som har avslutats, när de avslutades.",
    ),
    Kpi(
        name="handle_time_mean",
        channel="calls",
        kind="mean",
        unit="seconds",
        numerator=at(m.HANDLE_TIME),
        denominator=at(m.HANDLED),
        scale=SECOND,
        sv="Genomsnittlig samtalstid",
        en="Average handle time",
        definition="Mean time from answer to end of conversation; over several queues the sum "
        "of each member's part.",
        definition_sv="Medeltid från svar till samtalets slut; över flera köer summan av varje "
        "medarbetares del.",
    ),
    Kpi(
        name="coded",
        channel="calls",
        kind="count",
        numerator=at(m.CODED),
        sv="Samtal med lösningskod",
        en="Calls coded",
        definition="Handled calls for which somebody coded whether the question was closed.",
        definition_sv="Avslutade samtal där någon angav om frågan löstes.",
    ),
    Kpi(
        name="resolved",
        channel="calls",
        kind="count",
        numerator=at(m.RESOLVED),
        sv="Lösta vid första kontakten",
        en="Resolved at first contact (calls)",
        definition="Coded calls whose question was handled and closed at this contact.",
        definition_sv="Samtal med lösningskod där frågan löstes vid denna kontakt.",
    ),
    Kpi(
        name="coded_share",
        channel="calls",
        kind="ratio",
        unit="ratio",
        better="more",
        numerator=at(m.CODED),
        denominator=at(m.HANDLED),
        parts=("coded", "handled"),
        sv="Andel med lösningskod",
        en="Coded share",
        definition="Coded divided by handled: how far the first-contact resolution can be trusted.",
        definition_sv="Samtal med lösningskod delat med avslutade samtal: hur långt "
        "lösningsgraden är att lita på.",
    ),
    Kpi(
        name="resolution",
        channel="calls",
        kind="ratio",
        unit="ratio",
        better="more",
        numerator=at(m.RESOLVED),
        denominator=at(m.CODED),
        parts=("resolved", "coded"),
        sv="Lösningsgrad",
        en="First-contact resolution",
        definition="Resolved divided by coded. Uncoded calls are not in it: see the coded share.",
        definition_sv="Lösta delat med samtal med lösningskod. Samtal utan kod räknas inte: se "
        "andelen med lösningskod.",
        source="Örebro and Norrköping: lösningsgrad, handled and closed at the contact centre",
    ),
    Kpi(
        name="answered_within",
        channel="calls",
        kind="count",
        promise=True,
        numerator=in_block(m.MET),
        sv="Besvarade i tid",
        en="Answered within the promise",
        definition="A_T: answered no later than the promise allows (exactly then is in time).",
        definition_sv="A_T: besvarade senast när löftet säger (exakt då är i tid).",
    ),
    Kpi(
        name="missed",
        channel="calls",
        kind="count",
        promise=True,
        numerator=in_block(m.MISSED),
        sv="Missade",
        en="Promise missed",
        definition="M: the allowed wait passed with the caller still waiting; counted at that "
        "instant and never again, whatever becomes of the call.",
        definition_sv="M: den tillåtna väntan gick ut medan den som ringde väntade; räknas just "
        "då och aldrig igen, vad som än händer sedan.",
        source=CISCO,
    ),
    Kpi(
        name="answered_late",
        channel="calls",
        kind="count",
        promise=True,
        numerator=in_block(m.ANSWERED_LATE),
        sv="Besvarade för sent",
        en="Answered late",
        definition="Answered after the promise was missed; counts for waits, not for the share.",
        definition_sv="Besvarade sedan löftet missats; räknas i väntetider, inte i andelen.",
    ),
    Kpi(
        name="abandoned_within",
        channel="calls",
        kind="count",
        promise=True,
        numerator=in_block(m.EARLY_ABANDONED),
        sv="Tappade inom målet",
        en="Abandoned within the promise",
        definition="B_T: hung up no later than the promise allows.",
        definition_sv="B_T: lade på inom den tid som löftet tillåter.",
    ),
    Kpi(
        name="short_abandons",
        channel="calls",
        kind="count",
        promise=True,
        numerator=in_block(m.SHORT_ABANDONED),
        sv="Korta tappade samtal",
        en="Short abandons",
        definition="B_s: hung up no later than the promise's short-abandon limit.",
        definition_sv="B_s: lade på inom löftets gräns för korta samtal.",
    ),
    Kpi(
        name="excluded",
        channel="calls",
        kind="count",
        promise=True,
        numerator=in_block(m.EXCLUDED),
        sv="Undantagna",
        en="Excluded",
        definition="Left in time for another reason (timeout, key, callback, ...): in no share.",
        definition_sv="Lämnade kön i tid av annan orsak (tidsgräns, knappval, återuppringning "
        "...): ingår inte i någon andel.",
    ),
    Kpi(
        name="service_level_kept",
        channel="calls",
        kind="count",
        promise=True,
        numerator=service_level_numerator,
        official=lambda promise: promise.service_level,
        sv="Hållna löften",
        en="Service-level events kept",
        definition="Numerator of the service level, by the promise's own formula.",
        definition_sv="Servicenivåns täljare, enligt löftets egen formel.",
    ),
    Kpi(
        name="service_level_events",
        channel="calls",
        kind="count",
        promise=True,
        numerator=service_level_denominator,
        official=lambda promise: promise.service_level,
        sv="Underlag för servicenivån",
        en="Service-level events",
        definition="Denominator of the service level, by the promise's own formula.",
        definition_sv="Servicenivåns nämnare, enligt löftets egen formel.",
    ),
    Kpi(
        name="service_level",
        channel="calls",
        kind="ratio",
        unit="ratio",
        better="more",
        promise=True,
        numerator=service_level_numerator,
        denominator=service_level_denominator,
        parts=("service_level_kept", "service_level_events"),
        official=lambda promise: promise.service_level,
        sv="Servicenivå",
        en="Service level",
        definition="Share of service-level events that kept the promise, by the formula the "
        "promise names; `ignore_early_abandons` unless it names another.",
        definition_sv="Andelen där löftet hölls, enligt den formel som löftet anger; annars "
        "besvarade i tid delat med besvarade i tid och missade.",
        source=CISCO,
    ),
    Kpi(
        name="service_level_by_variant",
        channel="calls",
        kind="ratio",
        unit="ratio",
        better="more",
        promise=True,
        label=Label.VARIANT,
        choices=VARIANTS,
        totals_only=True,
        numerator=service_level_numerator,
        denominator=service_level_denominator,
        sv="Servicenivå enligt de sex formlerna",
        en="Service level by each of six formulas",
        definition="answered_only A_T/A; negative_abandons A_T/(A_T+M+B_T); "
        "ignore_early_abandons A_T/(A_T+M); positive_abandons (A_T+B_T)/(A_T+M+B_T); "
        "short_abandons_credited (A_T+B_s)/(A_T+M+B_T); "
        "short_abandons_excluded A_T/(A_T+M+B_T-B_s).",
        definition_sv="answered_only A_T/A; negative_abandons A_T/(A_T+M+B_T); "
        "ignore_early_abandons A_T/(A_T+M); positive_abandons "
        "(A_T+B_T)/(A_T+M+B_T); short_abandons_credited (A_T+B_s)/(A_T+M+B_T); "
        "short_abandons_excluded A_T/(A_T+M+B_T-B_s).",
        source=CALLCENTREHELPER,
    ),
    Kpi(
        name="waiting",
        channel="calls",
        kind="now",
        now=_waiting,
        sv="Väntar nu",
        en="Waiting now",
        definition="Callers in the queue at `as_of`; nobody waits longer than the configured "
        "longest wait.",
        definition_sv="De som väntar i kön nu; ingen väntar längre än den längsta tillåtna tiden.",
    ),
    Kpi(
        name="longest_wait",
        channel="calls",
        kind="now",
        unit="seconds",
        now=_longest_wait,
        sv="Längsta väntetid nu",
        en="Longest wait now",
        definition="How long the first in line has waited at `as_of`; absent when nobody waits.",
        definition_sv="Hur länge den som står först har väntat; saknas när ingen väntar.",
    ),
    Kpi(
        name="pending",
        channel="calls",
        kind="now",
        promise=True,
        now=_pending,
        sv="Väntar, ännu i tid",
        en="Waiting, still in time",
        definition="Callers who wait and whose promise has not been missed yet.",
        definition_sv="De som väntar och vars löfte ännu kan hållas.",
    ),
)
