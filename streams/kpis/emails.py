"""KPIs of e-mails: obligations to answer, counted from arrival at the mailbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams import measures as m
from streams.conventions import Label
from streams.instants import HOUR, SECOND
from streams.kpis.definition import QUANTILES, Formula, Kpi, Now, at, chosen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streams.organisations import Promise
    from streams.plans import Rule

DUE_WITHIN_HOURS = ("1", "4", "8")
KKIK = "KKiK, e-mail answered within two working days: from arrival until an answer was sent"
LOCAL = "Skara, Kristinehamn, Krokom: a full answer, or word of when one will come"


def _met_by(promise: Promise) -> str:
    return promise.met_by


def _counted(what: int) -> Formula:
    """A measure of the track that the promise asks for."""
    return lambda counts, base, met_by: counts[base + m.TRACK_OF_MET_BY[met_by] + what]


def _kept(track: int) -> Formula:
    return lambda counts, base, _choice: counts[base + track + m.TRACK_MET]


def _decided(track: int) -> Formula:
    return lambda counts, base, _choice: (
        counts[base + track + m.TRACK_MET] + counts[base + track + m.TRACK_MISSED]
    )


def _events(counts: Sequence[int], base: int, met_by: str) -> int:
    return _decided(m.TRACK_OF_MET_BY[met_by])(counts, base, met_by)


def _dues(now: Now, rule: Rule | None) -> list[int]:
    """Due instants of the open obligations under one promise."""
    if rule is None:
        return []
    place = rule.base + m.TRACK_OF_MET_BY[rule.promise.met_by] + m.TRACK_MISSED
    return [
        due
        for item in now.opens
        if item.opened <= now.as_of
        for measure, due in item.dues
        if measure == place
    ]


def _open(now: Now, _rule: Rule | None, _choice: str) -> float:
    return sum(item.opened <= now.as_of for item in now.opens)


def _oldest_open(now: Now, _rule: Rule | None, _choice: str) -> float | None:
    oldest = min((i.opened for i in now.opens if i.opened <= now.as_of), default=None)
    return None if oldest is None else oldest / SECOND


def _pending(now: Now, rule: Rule | None, _choice: str) -> float:
    return sum(due >= now.as_of for due in _dues(now, rule))


def _overdue(now: Now, rule: Rule | None, _choice: str) -> float:
    return sum(due < now.as_of for due in _dues(now, rule))


def _due_within(now: Now, rule: Rule | None, hours: str) -> float:
    if rule is None:
        return 0
    limit = rule.calendar.add_working_time(now.as_of, int(hours) * HOUR)
    return sum(now.as_of <= due <= limit for due in _dues(now, rule))


EMAIL_KPIS = (
    Kpi(
        name="received",
        channel="emails",
        kind="count",
        counts_arrivals=True,
        numerator=at(m.RECEIVED),
        sv="Inkomna mejl",
        en="E-mails received",
        definition="Citizens' messages that opened an obligation to answer, at arrival on the "
        "server. Automatic mail and reminders are counted apart.",
        definition_sv="Medborgares brev som ska besvaras, när de kom till servern. Automatiska "
        "brev och påminnelser räknas för sig.",
    ),
    Kpi(
        name="automatic",
        channel="emails",
        kind="count",
        counts_arrivals=True,
        numerator=at(m.AUTOMATIC),
        sv="Automatiska mejl",
        en="Automatic e-mails",
        definition="Out-of-office notes, bounces, lists: they open no obligation.",
        definition_sv="Frånvarobesked, studsar och utskick: de behöver inget svar.",
    ),
    Kpi(
        name="reminders",
        channel="emails",
        kind="count",
        counts_arrivals=True,
        numerator=at(m.REMINDERS),
        sv="Påminnelser",
        en="Reminders",
        definition="Further messages of a citizen who has not been answered yet; the first "
        "one's deadline stands.",
        definition_sv="Fler brev från någon som inte har fått svar; det första brevets tid gäller.",
    ),
    Kpi(
        name="forwarded",
        channel="emails",
        kind="count",
        counts_arrivals=True,
        numerator=at(m.FORWARDED),
        sv="Vidarebefordrade",
        en="Forwarded",
        definition="Handed to another unit; the citizen's clock keeps running.",
        definition_sv="Lämnade till en annan enhet; medborgarens tid går vidare.",
    ),
    Kpi(
        name="first_replies",
        channel="emails",
        kind="count",
        numerator=at(m.FIRST_REPLIES),
        sv="Första svar",
        en="First human replies",
        definition="Obligations that got their first human reply, holding replies included.",
        definition_sv="Ärenden som fick sitt första svar av en människa, även besked om att "
        "svar kommer.",
    ),
    Kpi(
        name="full_answers",
        channel="emails",
        kind="count",
        numerator=at(m.FULL_ANSWERS),
        sv="Fullständiga svar",
        en="Full answers",
        definition="Obligations that got a human answer which is no holding reply.",
        definition_sv="Ärenden som fick svar av en människa, som inte bara är ett besked om att "
        "svar kommer.",
    ),
    Kpi(
        name="no_reply_needed",
        channel="emails",
        kind="count",
        label=Label.REASON,
        choices=tuple(m.CLOSED),
        numerator=chosen(m.CLOSED),
        sv="Avslutade utan svar",
        en="Closed without reply",
        definition="Obligations closed without a reply, by reason. Closed before it was due, a "
        "promise leaves the share; a miss stays a miss.",
        definition_sv="Ärenden som avslutades utan svar, efter orsak. Avslutas det i tid ingår "
        "det inte i andelen; en miss förblir en miss.",
    ),
    Kpi(
        name="reply_time_mean",
        channel="emails",
        kind="mean",
        unit="seconds",
        better="less",
        numerator=at(m.REPLY_TIME),
        denominator=at(m.FIRST_REPLIES),
        scale=SECOND,
        sv="Genomsnittlig svarstid (arbetstid)",
        en="Mean time to first reply (working time)",
        definition="Working time from arrival to the first human reply, at the reply. Unanswered "
        "mail is not in it: see overdue and the share.",
        definition_sv="Arbetstid från brevets ankomst till första svaret av en människa, när "
        "svaret gavs. Obesvarade brev ingår inte: se försenade och andelen.",
    ),
    Kpi(
        name="reply_time",
        channel="emails",
        kind="quantile",
        unit="seconds",
        better="less",
        label=Label.QUANTILE,
        choices=QUANTILES,
        sv="Svarstid (arbetstid)",
        en="Time to first reply (working time)",
        definition="Median, 90th percentile and maximum (quantile 1), nearest rank over whole "
        "seconds of working time.",
        definition_sv="Median, 90:e percentil och längsta (kvantil 1), i hela sekunder arbetstid.",
    ),
    Kpi(
        name="met",
        channel="emails",
        kind="count",
        promise=True,
        numerator=_counted(m.TRACK_MET),
        official=_met_by,
        sv="Besvarade i tid",
        en="Promise met",
        definition="Replies, of the kind the promise asks for, no later than due.",
        definition_sv="Svar av det slag som löftet kräver, senast när det skulle ges.",
    ),
    Kpi(
        name="missed",
        channel="emails",
        kind="count",
        promise=True,
        numerator=_counted(m.TRACK_MISSED),
        official=_met_by,
        sv="Missade",
        en="Promise missed",
        definition="Due without such a reply; counted at the due instant, for ever, answered "
        "later or never.",
        definition_sv="Tiden gick ut utan ett sådant svar; räknas just då och för alltid, "
        "oavsett om svar kommer senare.",
    ),
    Kpi(
        name="excluded",
        channel="emails",
        kind="count",
        promise=True,
        numerator=_counted(m.TRACK_EXCLUDED),
        official=_met_by,
        sv="Undantagna",
        en="Excluded",
        definition="Closed without reply before due: in no share, counted by reason.",
        definition_sv="Avslutade utan svar i tid: ingår inte i någon andel, räknas efter orsak.",
    ),
    Kpi(
        name="service_level_events",
        channel="emails",
        kind="count",
        promise=True,
        numerator=_events,
        official=_met_by,
        sv="Underlag för andelen",
        en="Service-level events",
        definition="Met plus missed: the denominator of the share.",
        definition_sv="Besvarade i tid och missade: andelens nämnare.",
    ),
    Kpi(
        name="service_level",
        channel="emails",
        kind="ratio",
        unit="ratio",
        better="more",
        promise=True,
        numerator=_counted(m.TRACK_MET),
        denominator=_events,
        official=_met_by,
        parts=("met", "service_level_events"),
        sv="Andel besvarade i tid",
        en="Share answered in time",
        definition="Met divided by met plus missed, each at its own instant. Pending mail is in "
        "neither; never-answered mail is a miss.",
        definition_sv="Besvarade i tid delat med besvarade i tid och missade, var och en när "
        "det skedde. Brev som ännu är i tid ingår inte; brev som aldrig besvaras "
        "är missade.",
        source=KKIK,
    ),
    Kpi(
        name="first_reply_share",
        channel="emails",
        kind="ratio",
        unit="ratio",
        better="more",
        promise=True,
        numerator=_kept(m.FIRST_REPLY),
        denominator=_decided(m.FIRST_REPLY),
        sv="Andel med första svar i tid",
        en="Share with a first human reply in time",
        definition="As the share answered in time, met by any human reply.",
        definition_sv="Som andelen besvarade i tid, men varje svar av en människa räknas.",
        source=LOCAL,
    ),
    Kpi(
        name="full_answer_share",
        channel="emails",
        kind="ratio",
        unit="ratio",
        better="more",
        promise=True,
        numerator=_kept(m.FULL_ANSWER),
        denominator=_decided(m.FULL_ANSWER),
        sv="Andel med fullständigt svar i tid",
        en="Share with a full answer in time",
        definition="As the share answered in time, met by a full answer only.",
        definition_sv="Som andelen besvarade i tid, men bara fullständiga svar räknas.",
        source=KKIK,
    ),
    Kpi(
        name="open",
        channel="emails",
        kind="now",
        now=_open,
        sv="Öppna mejl",
        en="Open e-mails",
        definition="Obligations without a full answer, not closed.",
        definition_sv="Ärenden utan fullständigt svar, inte avslutade.",
    ),
    Kpi(
        name="oldest_open",
        channel="emails",
        kind="now",
        unit="timestamp_seconds",
        now=_oldest_open,
        sv="Äldsta öppna",
        en="Oldest open",
        definition="Arrival of the oldest open obligation; absent when none is open.",
        definition_sv="När det äldsta öppna brevet kom; saknas när inget är öppet.",
    ),
    Kpi(
        name="pending",
        channel="emails",
        kind="now",
        promise=True,
        now=_pending,
        sv="Väntar, ännu i tid",
        en="Pending",
        definition="Open obligations whose promise can still be kept.",
        definition_sv="Öppna ärenden vars löfte ännu kan hållas.",
    ),
    Kpi(
        name="overdue",
        channel="emails",
        kind="now",
        promise=True,
        now=_overdue,
        sv="Försenade och öppna",
        en="Overdue and still open",
        definition="Open obligations whose promise was missed and which still wait for the reply "
        "it asks for.",
        definition_sv="Öppna ärenden vars löfte är missat och som ännu väntar på sitt svar.",
    ),
    Kpi(
        name="due_within",
        channel="emails",
        kind="now",
        promise=True,
        label=Label.HOURS,
        choices=DUE_WITHIN_HOURS,
        now=_due_within,
        sv="Förfaller inom (arbetstimmar)",
        en="Due within (working hours)",
        definition="Open obligations that fall due within the next 1, 4 or 8 working hours.",
        definition_sv="Öppna ärenden som ska vara besvarade inom 1, 4 eller 8 arbetstimmar.",
    ),
)
