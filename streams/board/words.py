"""The words of the board, in the two languages it speaks."""

from __future__ import annotations

from typing import Literal

import msgspec

Language = Literal["sv", "en"]


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the board says in one language; `{}` is filled in."""

    title: str
    organisations: str
    no_organisations: str
    calls: str
    emails: str
    waiting: str
    longest_wait: str
    answered_within: str
    answered: str
    abandoned: str
    open_mails: str
    overdue: str
    due_next: str
    due_soon: str
    mails: tuple[str, str]
    nothing_due: str
    no_promise: str
    last_minutes: str
    last_hour: str
    today: str
    last_week: str
    share_of: str
    of_departed: str
    nobody_waits: str
    within_promise: str
    over_promise: str
    far_over_promise: str
    since: str
    no_calls: str
    no_mails: str
    no_calls_yet: str
    no_mails_yet: str
    reached: str
    near: str
    below: str
    too_few: str
    none_overdue: str
    some_overdue: str
    many_overdue: str
    open: str
    open_until: str
    closed: str
    opens: str
    tomorrow: str
    at: str
    other_part: str
    more_queues: str
    more_mailboxes: str
    waiting_short: str
    longest_short: str
    share_short: str
    week_short: str
    open_short: str
    overdue_short: str
    as_of: str
    no_numbers: str
    no_numbers_why: str
    percent: str
    decimal: str
    weekdays: tuple[str, str, str, str, str, str, str]
    months: tuple[str, ...]
    units: dict[str, tuple[str, str]]
    live: str
    replay: str
    stale: str
    lost: str
    loading: str
    needs_script: str


SV = Words(
    title="Läget just nu",
    organisations="Välj tavla",
    no_organisations="Ingen organisation är inlagd ännu.",
    calls="Telefon",
    emails="E-post",
    waiting="Väntar nu",
    longest_wait="Längsta väntan",
    answered_within="Svar inom {}",
    answered="Besvarade",
    abandoned="Tappade",
    open_mails="Obesvarade",
    overdue="Försenade",
    due_next="Nästa svar",
    due_soon="{} inom {}\N{NO-BREAK SPACE}arbetstimmar",
    mails=("mejl", "mejl"),
    nothing_due="Inga kommande svarstider.",
    no_promise="Inget mål är satt",
    last_minutes="senaste 15 min",
    last_hour="senaste timmen",
    today="i dag",
    last_week="senaste 7 dagarna",
    share_of="{} av {}",
    of_departed="av {} samtal",
    nobody_waits="Ingen väntar",
    within_promise="Inom {}",
    over_promise="Över {}",
    far_over_promise="Långt över {}",
    since="sedan {}",
    no_calls="Inga samtal",
    no_mails="Inga mejl",
    no_calls_yet="Inga samtal ännu",
    no_mails_yet="Inga mejl ännu",
    reached="Når målet {}",
    near="Nära målet {}",
    below="Under målet {}",
    too_few="För få för att bedöma",
    none_overdue="Inga försenade",
    some_overdue="Svara på dem först",
    many_overdue="Många är försenade",
    open="Öppet",
    open_until="Öppet till {}",
    closed="Stängt",
    opens="Stängt till {}",
    tomorrow="i morgon",
    at="{} {}",
    other_part="Övriga",
    more_queues="och {} lugnare köer till",
    more_mailboxes="och {} lugnare brevlådor till",
    waiting_short="väntar",
    longest_short="längst",
    share_short="i dag",
    week_short="7 dagar",
    open_short="öppna",
    overdue_short="sena",
    as_of="kl {}",
    no_numbers="Inga siffror ännu",
    no_numbers_why="Läget visas här så snart det finns siffror.",
    percent="{}\N{NO-BREAK SPACE}%",
    decimal=",",
    weekdays=("mån", "tis", "ons", "tors", "fre", "lör", "sön"),
    months=(
        "jan", "feb", "mars", "april", "maj", "juni",
        "juli", "aug", "sep", "okt", "nov", "dec",
    ),
    units={
        "second": ("sekund", "sekunder"),
        "minute": ("min", "min"),
        "hour": ("timme", "timmar"),
        "calendar_days": ("dag", "dagar"),
        "working_days": ("arbetsdag", "arbetsdagar"),
        "working_time": ("arbetstimme", "arbetstimmar"),
    },
    live="Aktuellt",
    replay="Uppspelning",
    stale="Gamla siffror. Läget kan vara ett annat.",
    lost="Ingen kontakt. Siffrorna är gamla.",
    loading="Hämtar siffror …",
    needs_script="Tavlan behöver JavaScript.",
)  # fmt: skip

EN = Words(
    title="Right now",
    organisations="Choose a board",
    no_organisations="No organisation is configured yet.",
    calls="Calls",
    emails="E-mail",
    waiting="Waiting now",
    longest_wait="Longest wait",
    answered_within="Answered in {}",
    answered="Answered",
    abandoned="Abandoned",
    open_mails="Unanswered",
    overdue="Overdue",
    due_next="Next replies",
    due_soon="{} within {}\N{NO-BREAK SPACE}working hours",
    mails=("e-mail", "e-mails"),
    nothing_due="No upcoming deadlines.",
    no_promise="No target is set",
    last_minutes="last 15 min",
    last_hour="last hour",
    today="today",
    last_week="last 7 days",
    share_of="{} of {}",
    of_departed="of {} calls",
    nobody_waits="Nobody is waiting",
    within_promise="Within {}",
    over_promise="Over {}",
    far_over_promise="Far over {}",
    since="since {}",
    no_calls="No calls",
    no_mails="No e-mails",
    no_calls_yet="No calls yet",
    no_mails_yet="No e-mails yet",
    reached="On target {}",
    near="Near target {}",
    below="Below target {}",
    too_few="Too few to judge",
    none_overdue="None overdue",
    some_overdue="Answer these first",
    many_overdue="Many are overdue",
    open="Open",
    open_until="Open until {}",
    closed="Closed",
    opens="Closed until {}",
    tomorrow="tomorrow",
    at="{} {}",
    other_part="Other",
    more_queues="and {} calmer queues",
    more_mailboxes="and {} calmer mailboxes",
    waiting_short="waiting",
    longest_short="longest",
    share_short="today",
    week_short="7 days",
    open_short="open",
    overdue_short="late",
    as_of="at {}",
    no_numbers="No numbers yet",
    no_numbers_why="The state is shown here as soon as there are numbers.",
    percent="{}%",
    decimal=".",
    weekdays=("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    months=(
        "Jan", "Feb", "Mar", "Apr", "May", "June",
        "July", "Aug", "Sep", "Oct", "Nov", "Dec",
    ),
    units={
        "second": ("second", "seconds"),
        "minute": ("min", "min"),
        "hour": ("hour", "hours"),
        "calendar_days": ("day", "days"),
        "working_days": ("working day", "working days"),
        "working_time": ("working hour", "working hours"),
    },
    live="Live",
    replay="Replay",
    stale="Old numbers. Things may have changed.",
    lost="No connection. The numbers are old.",
    loading="Fetching numbers …",
    needs_script="The board needs JavaScript.",
)  # fmt: skip

WORDS: dict[Language, Words] = {"sv": SV, "en": EN}
