"""What an export has to find words for; Swedish and English fill it in.

Names and definitions of KPIs are not here: the registry has them.
"""

from __future__ import annotations

import msgspec

from streams.conventions import Reason
from streams.exports.model import Trend
from streams.exports.periods import Kind
from streams.organisations import Channel

NBSP = "\N{NO-BREAK SPACE}"


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """Everything an export says in one language; `{}` is filled in."""

    # How numbers and dates are written.
    decimal: str
    thousands: str
    percent: str
    hours_minutes: str
    minutes_seconds: str
    seconds: str
    of: str
    months: tuple[str, ...]
    weekdays: tuple[str, ...]
    weekdays_short: tuple[str, ...]
    week: str
    short_week: str
    yes: str
    no: str
    no_data: str

    # What the model names.
    report: dict[Kind, str]
    this: dict[Kind, str]
    before: dict[Kind, str]
    year_before: dict[Kind, str]
    recent: dict[Kind, str]
    recent_short: dict[Kind, str]
    channels: dict[Channel, str]
    part: dict[Channel, str]
    by_part: dict[Channel, str]
    total: dict[Channel, str]
    units: dict[str, str]
    choices: dict[str, str]
    reasons: dict[Reason, str]
    promise_within: dict[Channel, str]
    trends: dict[Trend, str]
    short_trends: dict[Trend, str]
    runs: dict[Kind, str]
    too_few_periods: dict[Kind, str]
    too_undecided: str

    # The page.
    title: str
    summary: str
    final: str
    final_why: str
    provisional: str
    pending_contacts: dict[Channel, tuple[str, str]]
    may_change: str
    incomplete: str
    running: str
    still_running: dict[Kind, str]
    incomplete_why: str
    never_heard: str
    known_until: str
    nothing_known: str
    no_source: str
    reached: str
    not_reached: str
    perhaps_reached: str
    no_target: str
    no_verdict: str
    target: str
    interval: str
    pending: tuple[str, str]
    key_figures: str
    kpi: str
    rests_on: str
    uncertainty: str
    trend: str
    share: str
    promise: str
    answer_within: str
    by_hour: str
    weekday: str
    hour_of_day: str
    darker_is_more: str
    in_percent: str
    topics: str
    topic: str
    other_topics: str
    survey_index: str
    question: str
    answers: str
    publishable: str
    not_publishable: str
    chart_legend: str
    axis: dict[Kind, str]
    chart_centre: str
    chart_target: str
    chart_limits: str
    chart_described: str
    chart_not_judged: str
    quality: str
    sources: str
    source: str
    channel: str
    told_until: str
    covers: str
    by_channel: str
    open_hours: str
    silent_hours: str
    decided: str
    undecided: str
    provisional_share: str
    dead_letters: str
    dead_letters_none: str
    dead_letters_unknown: str
    shorter: str
    longer: str
    definitions: str
    terms: tuple[tuple[str, str], ...]
    colophon: str
    page_of: str
    nothing_to_show: str

    # The mail.
    subject: str
    subject_provisional: str
    subject_incomplete: str
    more_in_report: str
    mail_attached: str
    mail_end: str

    # The spreadsheet.
    sheets: dict[str, str]
    promised: str
    sheet_note: str
    lowest: str
    highest: str
    numerator: str
    centre: str
    low_limit: str
    high_limit: str
    value: str
    chart: str
    period: dict[Kind, str]
    status: str
    unit: str
    definition: str
    definition_source: str
    name_in_data: str
    reason: str
    number: str
