"""A call: facts in, outcome out.

A call may visit several queues under one id. Queue KPIs count visits; the total counts the
citizen once, waiting since the first entry and answered at the first answer. Each visit and
promise has exactly one *service-level event* (the term and the idea: Cisco's contact centre
reporting guides): met at the answer, missed when the threshold passes with the caller still
waiting, or excluded when the caller leaves for another reason before that.
"""

from __future__ import annotations

from bisect import bisect_left
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

from streams import measures as m
from streams.amounts import once
from streams.conventions import TOPIC_PREFIX, TOTAL
from streams.facts import Answered, Ended, Entered, Facts, Left, Recorded
from streams.instants import HOUR, local_date, start_of_day
from streams.outcomes import NO_WAIT, Mark, Open, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo

    from streams.plans import Plan, Rule

NEVER = -1
END_OF_TIME = 2**62
ANSWERED = "answered"
WAITING = ""
OFFERED, A_WAIT, A_HANDLE_TIME = once(m.OFFERED), once(m.WAIT), once(m.HANDLE_TIME)
EXIT = {ANSWERED: once(m.ANSWERED)} | {reason: once(place) for reason, place in m.EXIT.items()}
CODED = {
    None: once(m.HANDLED),
    False: once(m.HANDLED) + once(m.CODED),
    True: once(m.HANDLED) + once(m.CODED) + once(m.RESOLVED),
}
"""What a conversation that ended counts, by whether it was coded as resolved."""

Entry = tuple[int, str]
"""Instant, queue."""

Step = tuple[int, int, str, str]
"""Instant, rank (an answer before a departure at the same instant), queue, what happened."""

End = tuple[int, str, bool | None, str | None]
"""Instant, queue (empty when the whole call ended), whether it was coded as resolved, topic."""


class Visit(msgspec.Struct, gc=False):
    """One stay in one queue.

    Attributes:
        queue, entered: which, and since when.
        left: instant of the answer or of the departure; `NEVER` while waiting.
        how: `answered`, a reason for leaving, or empty while waiting.
        ended: instant at which the answered conversation ended.
        resolved: whether the question was closed at this contact, where it was coded.
        topic: what it was about, where that was coded.
    """

    queue: str
    entered: int
    left: int = NEVER
    how: str = WAITING
    ended: int = NEVER
    resolved: bool | None = None
    topic: str | None = None

    def step(self, at: int, how: str) -> None:
        """Take in an answer or a departure; they come in order of time."""
        if self.how == WAITING:
            self.left, self.how = at, how
        elif self.how == ANSWERED and how != ANSWERED and self.ended == NEVER:
            # Handed on after the answer: this queue's part of the conversation is over.
            self.ended = at

    def end(self, at: int) -> bool:
        """Take in an end of the call; whether it ended a conversation of this queue."""
        if self.how == WAITING:
            self.left, self.how = at, "unknown"
        elif self.how == ANSWERED and self.left <= at:
            if self.ended == NEVER or at < self.ended:
                self.ended = at
            return True
        return False

    def code(self, resolved: bool | None, topic: str | None) -> None:  # noqa: FBT001 - as coded
        """Take in what an end of the conversation was coded as; they come in order.

        The first end that says whether the question was closed decides, for the topic too if it
        names one; else the first topic that any end names.
        """
        if self.resolved is None and resolved is not None:
            self.resolved = resolved
            self.topic = self.topic if topic is None else topic
        elif self.topic is None:
            self.topic = topic


def outcome(facts: Facts, plan: Plan) -> Outcome:
    """What a call contributes to its queues and to the total."""
    result = Outcome([], [])
    calls = calls_of(facts, plan.max_wait)
    for visits in calls:
        for visit in visits:
            part, rules = plan.part_and_rules(visit.queue, visit.entered)
            until = visit.entered + plan.max_wait
            handle_time = NEVER if visit.ended == NEVER else visit.ended - visit.left
            _contribute(result, part, rules, visit, until=until, handle_time=handle_time)
        total_rules = plan.rules(TOTAL, visits[0].entered)
        if len(calls) == len(visits) == 1 and rules == total_rules:
            result.shared = True
            if visit.topic is not None and handle_time != NEVER:
                result.apart = (_topic_mark(visit, handle_time, plan.zone),)
            return result
        whole, handle_time = _whole_call(visits)
        waiting_since = max((v.entered for v in visits if v.how == WAITING), default=NEVER)
        until = waiting_since + plan.max_wait
        _contribute(result, TOTAL, total_rules, whole, until=until, handle_time=handle_time)
        if whole.topic is not None and handle_time != NEVER:
            result.apart += (_topic_mark(whole, handle_time, plan.zone),)
    return result


def calls_of(facts: Facts, max_wait: int) -> list[list[Visit]]:
    """The stays in queues that the facts tell of, by call and in order of entry.

    Mostly the facts are of one call. Exchanges that count from 1 again use an id twice: when it is
    silent for longer than `max_wait` and then enters a queue, somebody else is calling.

    A visit that is open for longer than `max_wait` ends there as `unknown`, whatever comes
    later: lost events must leave no ghost callers.
    """
    plain = _plain_visit(facts, max_wait)
    if plain is not None:
        return [[plain]]
    entries, steps, ends = _expand(facts)
    if len(steps) > 1:
        steps = sorted(set(steps))
    if len(ends) > 1:
        ends.sort(key=_order_of_ends)
    if len(entries) == 1:
        calls = [[_only_visit(entries[0], steps, ends)]]
    elif not entries:
        return []
    else:
        entries = sorted(set(entries))
        calls = [_visits(*told) for told in _by_call(entries, steps, ends, max_wait)]
    for visits in calls:
        for visit in visits:
            if visit.left != NEVER and visit.left > visit.entered + max_wait:
                visit.left, visit.how = visit.entered + max_wait, "unknown"
                visit.ended, visit.resolved = NEVER, None
    return calls


def _plain_visit(facts: Facts, max_wait: int) -> Visit | None:
    """The stay of a caller who was in one queue, told of as it happened, one after the other.

    Nearly all calls are like that. `None` for any other, which takes more thought.
    """
    entered = facts[0]
    if type(entered) is not Entered:
        return None
    queue, at = entered.queue, entered.at
    visit = Visit(queue, at)
    told = 1
    if len(facts) > 1:
        step = facts[1]
        if type(step) is Answered or type(step) is Left:
            if step.queue != queue or step.at < at:
                return None
            at = step.at
            visit.left, visit.how = at, step.reason if type(step) is Left else ANSWERED
            told = 2
    for fact in facts[told:]:
        if type(fact) is not Ended or fact.at < at or fact.queue not in (None, queue):
            return None
        if visit.end(fact.at):
            visit.code(fact.resolved, fact.topic)
        # Of two ends at the same instant it depends on what they say which one counts first.
        at = fact.at + 1
    return None if visit.left > visit.entered + max_wait else visit


def _by_call(
    entries: list[Entry], steps: list[Step], ends: list[End], max_wait: int
) -> Iterator[tuple[list[Entry], list[Step], list[End]]]:
    """What was told of each of the calls that had the same id, one after the other."""
    known = [entry[0] for entry in entries]
    known += [step[0] for step in steps]
    known += [end[0] for end in ends]
    known.sort()
    starts = [entries[0][0]]
    for at, _ in entries[1:]:
        before = bisect_left(known, at)
        if before and at - known[before - 1] > max_wait:
            starts.append(at)
    for start, end in zip(starts, [*starts[1:], END_OF_TIME], strict=True):
        yield (
            [entry for entry in entries if start <= entry[0] < end],
            [step for step in steps if start <= step[0] < end],
            [one for one in ends if start <= one[0] < end],
        )


def _visits(entries: list[Entry], steps: list[Step], ends: list[End]) -> list[Visit]:
    """The visits of one call."""
    visits = [Visit(queue, at) for at, queue in entries]
    for at, _, queue, how in steps:
        visit = _last_visit(visits, queue, at)
        if visit is not None:
            visit.step(at, how)
    _close_conversations(visits, ends)
    return visits


def _expand(facts: Facts) -> tuple[list[Entry], list[Step], list[End]]:
    """Entries, steps and ends; a record states all of them at once."""
    entries: list[Entry] = []
    steps: list[Step] = []
    ends: list[End] = []
    for fact in facts:
        if type(fact) is Entered:
            entries.append((fact.at, fact.queue))
        elif type(fact) is Answered:
            steps.append((fact.at, 0, fact.queue, ANSWERED))
        elif type(fact) is Ended:
            ends.append((fact.at, fact.queue or "", fact.resolved, fact.topic))
        elif type(fact) is Left:
            steps.append((fact.at, 1, fact.queue, fact.reason))
        elif type(fact) is Recorded:
            entries.append((fact.at, fact.queue))
            if fact.answered_at is not None:
                steps.append((fact.answered_at, 0, fact.queue, ANSWERED))
            if fact.left_at is not None:
                steps.append((fact.left_at, 1, fact.queue, fact.reason or "unknown"))
            if fact.ended_at is not None:
                ends.append((fact.ended_at, fact.queue, fact.resolved, fact.topic))
    return entries, steps, ends


def _order_of_ends(end: End) -> tuple[int, str, bool, bool, str]:
    """At the same instant what was resolved counts first, then what names a topic."""
    at, queue, resolved, topic = end
    return at, queue, resolved is not True, topic is None, topic or ""


def _only_visit(entry: Entry, steps: list[Step], ends: list[End]) -> Visit:
    """The visit of a caller who was in one queue only, as most are."""
    entered, queue = entry
    visit = Visit(queue, entered)
    for at, _, where, how in steps:
        if at >= entered and where == queue:
            visit.step(at, how)
    for at, where, resolved, topic in ends:
        if at >= entered and where in ("", queue) and visit.end(at):
            visit.code(resolved, topic)
    return visit


def _last_visit(visits: list[Visit], queue: str, at: int) -> Visit | None:
    for visit in reversed(visits):
        if visit.queue == queue and visit.entered <= at:
            return visit
    return None


def _close_conversations(visits: list[Visit], ends: list[End]) -> None:
    """Ends reach answered visits; a visit nobody answered is over when its call is."""
    for visit in visits:
        if visit.how == ANSWERED:
            # The next queue begins where the member let go of the caller.
            following = [v.entered for v in visits if v.entered > visit.left]
            if following and (visit.ended == NEVER or following[0] < visit.ended):
                visit.ended = following[0]
    for at, queue, resolved, topic in ends:
        if queue:
            visit_of_queue = _last_visit(visits, queue, at)
            reached = [] if visit_of_queue is None else [visit_of_queue]
        else:
            reached = [visit for visit in visits if visit.entered <= at]
        answered = [visit for visit in reached if visit.end(at)]
        if answered:
            answered[-1].code(resolved, topic)


def _whole_call(visits: list[Visit]) -> tuple[Visit, int]:
    """The citizen's view of several visits, and the time members spent with them.

    Of several that were coded the last one counts, for the topic too if it names one.
    """
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
    coded = [visit for visit in answered if visit.resolved is not None][-1:]
    for visit in (*answered, *coded):
        whole.topic = whole.topic if visit.topic is None else visit.topic
    if coded:
        whole.resolved = coded[0].resolved
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
    entered, left, how = visit.entered, visit.left, visit.how
    marks = result.marks
    marks.append((part, entered, entered, OFFERED, NO_WAIT))
    if how == WAITING:
        dues = tuple([(rule.base + m.MISSED, entered + rule.within) for rule in rules])
        result.opens.append(Open(part, entered, dues, until, m.EXIT["unknown"]))
        return
    answered, abandoned = how == ANSWERED, how == "abandoned"
    wait = left - entered
    amounts = EXIT[how]
    if answered:
        amounts += wait * A_WAIT
    for _, ones, _, _, _, within, short_abandon in rules:
        if wait > within:
            marks.append((part, entered, entered + within, ones[m.MISSED], NO_WAIT))
            if answered:
                amounts += ones[m.ANSWERED_LATE]
        elif answered:
            amounts += ones[m.MET]
        elif abandoned:
            amounts += ones[m.EARLY_ABANDONED]
        else:
            amounts += ones[m.EXCLUDED]
        if abandoned and wait <= short_abandon:
            amounts += ones[m.SHORT_ABANDONED]
    marks.append((part, entered, left, amounts, wait if answered else NO_WAIT))
    if handle_time != NEVER:
        handled = CODED[visit.resolved] + handle_time * A_HANDLE_TIME
        marks.append((part, entered, visit.ended, handled, NO_WAIT))


def _topic_mark(whole: Visit, handle_time: int, zone: ZoneInfo) -> Mark:
    """An ended call as its topic counts it: in the hour in which its local day began."""
    handled = CODED[whole.resolved] + handle_time * A_HANDLE_TIME
    midnight = _midnight(whole.entered // HOUR, zone)
    return f"{TOPIC_PREFIX}{whole.topic}", midnight, whole.ended, handled, NO_WAIT


@lru_cache(maxsize=4096)
def _midnight(hour: int, zone: ZoneInfo) -> int:
    """The instant at which the local day began that an hour belongs to.

    Days begin at whole hours of UTC, since offsets are whole hours.
    """
    return start_of_day(local_date(hour * HOUR, zone), zone)
