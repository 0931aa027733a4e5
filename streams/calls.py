"""A call: facts in, outcome out.

A call may visit several queues under one id. Queue KPIs count visits; the total counts the
citizen once, waiting since the first entry and answered at the first answer. Each visit and
promise has exactly one *service-level event* (the term and the idea: Cisco's contact centre
reporting guides): met at the answer, missed when the threshold passes with the caller still
waiting, or excluded when the caller leaves for another reason before that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from streams import measures as m
from streams.conventions import TOTAL
from streams.facts import Answered, Ended, Entered, Facts, Left, Recorded
from streams.outcomes import NO_WAIT, Mark, Open, Outcome

if TYPE_CHECKING:
    from streams.plans import Plan, Rule

NEVER = -1
ANSWERED = "answered"
WAITING = ""

Step = tuple[int, int, str, str]
"""Instant, rank (an answer before a departure at the same instant), queue, what happened."""


class Visit(msgspec.Struct, gc=False):
    """One stay in one queue.

    Attributes:
        queue, entered: which, and since when.
        left: instant of the answer or of the departure; `NEVER` while waiting.
        how: `answered`, a reason for leaving, or empty while waiting.
        ended: instant at which the answered conversation ended.
        resolved: whether the question was closed at this contact, where it was coded.
    """

    queue: str
    entered: int
    left: int = NEVER
    how: str = WAITING
    ended: int = NEVER
    resolved: bool | None = None


def outcome(facts: Facts, plan: Plan) -> Outcome:
    """What a call contributes to its queues and to the total."""
    visits = visits_of(facts, plan.max_wait)
    result = Outcome([], [])
    if not visits:
        return result
    for visit in visits:
        part = plan.label(visit.queue)
        rules = plan.rules(part, visit.entered)
        until = visit.entered + plan.max_wait
        _contribute(result, part, rules, visit, until=until, handle_time=_handle_time(visit))
    first = visits[0].entered
    total_rules = plan.rules(TOTAL, first)
    if len(visits) == 1 and rules == total_rules:
        # Most calls visit one queue, and the total sees them as that queue does.
        result.marks.extend([(TOTAL, *mark[1:]) for mark in result.marks])
        result.opens.extend([item._replace(part=TOTAL) for item in result.opens])
        return result
    whole, handle_time = _whole_call(visits)
    waiting_since = max((v.entered for v in visits if v.how == WAITING), default=NEVER)
    until = waiting_since + plan.max_wait
    _contribute(result, TOTAL, total_rules, whole, until=until, handle_time=handle_time)
    return result


def visits_of(facts: Facts, max_wait: int) -> list[Visit]:
    """The stays in queues that the facts tell of, in order of entry.

    A visit that is open for longer than `max_wait` ends there as `unknown`, whatever comes
    later: lost events must leave no ghost callers.
    """
    entries, steps, ends = _expand(facts)
    if len(entries) > 1:
        entries = sorted(set(entries))
    if len(steps) > 1:
        steps = sorted(set(steps))
    visits = [Visit(queue, at) for at, queue in entries]
    for at, _, queue, how in steps:
        visit = _last_visit(visits, queue, at)
        if visit is None:
            continue
        if visit.how == WAITING:
            visit.left, visit.how = at, how
        elif visit.how == ANSWERED and how != ANSWERED and visit.ended == NEVER:
            # Handed on after the answer: this queue's part of the conversation is over.
            visit.ended = at
    _close_conversations(visits, ends)
    for visit in visits:
        if visit.left != NEVER and visit.left > visit.entered + max_wait:
            visit.left, visit.how = visit.entered + max_wait, "unknown"
            visit.ended, visit.resolved = NEVER, None
    return visits


def _expand(facts: Facts) -> tuple[list[tuple[int, str]], list[Step], list[Ended]]:
    """Entries, steps and ends; a record states all of them at once."""
    entries: list[tuple[int, str]] = []
    steps: list[Step] = []
    ends: list[Ended] = []
    for fact in facts:
        if isinstance(fact, Entered):
            entries.append((fact.at, fact.queue))
        elif isinstance(fact, Answered):
            steps.append((fact.at, 0, fact.queue, ANSWERED))
        elif isinstance(fact, Left):
            steps.append((fact.at, 1, fact.queue, fact.reason))
        elif isinstance(fact, Ended):
            ends.append(fact)
        elif isinstance(fact, Recorded):
            entries.append((fact.at, fact.queue))
            if fact.answered_at is not None:
                steps.append((fact.answered_at, 0, fact.queue, ANSWERED))
            if fact.left_at is not None:
                steps.append((fact.left_at, 1, fact.queue, fact.reason or "unknown"))
            if fact.ended_at is not None:
                end = Ended(0, fact.queue, fact.ended_at, fact.resolved, fact.topic)
                ends.append(end)
    return entries, steps, ends


def _last_visit(visits: list[Visit], queue: str, at: int) -> Visit | None:
    for visit in reversed(visits):
        if visit.queue == queue and visit.entered <= at:
            return visit
    return None


def _close_conversations(visits: list[Visit], ends: list[Ended]) -> None:
    """Ends reach answered visits; a visit nobody answered is over when its call is."""
    for visit in visits if len(visits) > 1 else ():
        if visit.how == ANSWERED:
            # The next queue begins where the member let go of the caller.
            following = [v.entered for v in visits if v.entered > visit.left]
            if following and (visit.ended == NEVER or following[0] < visit.ended):
                visit.ended = following[0]
    if len(ends) > 1:
        ends.sort(key=lambda end: (end.at, end.queue or "", end.resolved is not True))
    for end in ends:
        if end.queue is not None:
            visit_of_queue = _last_visit(visits, end.queue, end.at)
            reached = [] if visit_of_queue is None else [visit_of_queue]
        else:
            reached = [visit for visit in visits if visit.entered <= end.at]
        answered = None
        for visit in reached:
            if visit.how == WAITING:
                visit.left, visit.how = end.at, "unknown"
            elif visit.how == ANSWERED and visit.left <= end.at:
                answered = visit
                if visit.ended == NEVER or end.at < visit.ended:
                    visit.ended = end.at
        if answered is not None and answered.resolved is None:
            answered.resolved = end.resolved


def _handle_time(visit: Visit) -> int:
    return NEVER if visit.ended == NEVER else visit.ended - visit.left


def _whole_call(visits: list[Visit]) -> tuple[Visit, int]:
    """The citizen's view of several visits, and the time members spent with them."""
    whole = Visit(TOTAL, visits[0].entered)
    answered = [visit for visit in visits if visit.how == ANSWERED]
    if not answered:
        if all(visit.how != WAITING for visit in visits):
            last = max(visits, key=lambda visit: (visit.left, visit.entered))
            whole.left, whole.how = last.left, last.how
        return whole, NEVER
    whole.left, whole.how = min(visit.left for visit in answered), ANSWERED
    if any(visit.ended == NEVER for visit in answered):
        return whole, NEVER
    whole.ended = max(visit.ended for visit in answered)
    for visit in answered:
        if visit.resolved is not None:
            whole.resolved = visit.resolved
    return whole, sum(visit.ended - visit.left for visit in answered)


def _contribute(
    result: Outcome,
    part: str,
    rules: tuple[Rule, ...],
    visit: Visit,
    *,
    until: int,
    handle_time: int,
) -> None:
    """Add one visit (or the whole call, for the total) to an outcome."""
    entered, left = visit.entered, visit.left
    marks = result.marks
    marks.append((part, entered, entered, ((m.OFFERED, 1),), NO_WAIT))
    if visit.how == WAITING:
        dues = tuple((r.base + m.MISSED, entered + r.promise.within.amount) for r in rules)
        result.opens.append(Open(part, entered, dues, until, m.EXIT["unknown"]))
        return
    answered = visit.how == ANSWERED
    wait = left - entered
    counts = [(m.ANSWERED, 1), (m.WAIT, wait)] if answered else [(m.EXIT[visit.how], 1)]
    for rule in rules:
        base, within = rule.base, rule.promise.within.amount
        if wait > within:
            missed = ((base + m.MISSED, 1),)
            marks.append((part, entered, entered + within, missed, NO_WAIT))
            if answered:
                counts.append((base + m.ANSWERED_LATE, 1))
        elif answered:
            counts.append((base + m.MET, 1))
        elif visit.how == "abandoned":
            counts.append((base + m.EARLY_ABANDONED, 1))
        else:
            counts.append((base + m.EXCLUDED, 1))
        if visit.how == "abandoned" and wait <= rule.promise.short_abandon:
            counts.append((base + m.SHORT_ABANDONED, 1))
    marks.append((part, entered, left, tuple(counts), wait if answered else NO_WAIT))
    if handle_time != NEVER:
        marks.append(_ended_mark(part, visit, handle_time))


def _ended_mark(part: str, visit: Visit, handle_time: int) -> Mark:
    counts = [(m.HANDLED, 1), (m.HANDLE_TIME, handle_time)]
    if visit.resolved is not None:
        counts.append((m.CODED, 1))
        if visit.resolved:
            counts.append((m.RESOLVED, 1))
    return (part, visit.entered, visit.ended, tuple(counts), NO_WAIT)
