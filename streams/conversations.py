"""An e-mail conversation: messages in and out, the obligations they open, and their outcome.

A citizen's message opens an obligation to answer. Further messages before the answer are
reminders and move nothing; one after the answer opens a new obligation with its own deadline.
Automatic mail neither opens nor meets one. A holding reply ("you will hear from us on ...") is a
human reply but no full answer: a promise says by `met_by` which of the two it asks for, and both
shares are counted side by side.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from streams import measures as m
from streams.amounts import once
from streams.conventions import TOTAL
from streams.facts import Closed, Facts, Forwarded, Received, Sent
from streams.outcomes import NO_WAIT, Open, Outcome
from streams.promises import due

if TYPE_CHECKING:
    from streams.plans import Plan, Rule

NEVER = -1

Moment = tuple[int, int, str, Received | Sent | Closed | Forwarded]
"""Instant, rank at the same instant, id for a fixed order, fact."""


class Obligation(msgspec.Struct, gc=False):
    """A citizen waits for an answer.

    Attributes:
        mailbox, opened: where the message arrived, and when.
        replied: instant of the first human reply, holding replies included.
        answered: instant of the full answer.
        closed: instant of a closing without reply, with its `reason`.
    """

    mailbox: str
    opened: int
    replied: int = NEVER
    answered: int = NEVER
    closed: int = NEVER
    reason: str = ""


def outcome(facts: Facts, plan: Plan) -> Outcome:
    """What a conversation contributes to its mailboxes and to the total."""
    result = Outcome([], [])
    for obligation in obligations_of(facts, result, plan):
        for part in (plan.label(obligation.mailbox), TOTAL):
            _contribute(result, plan, part, obligation)
    return result


def obligations_of(facts: Facts, result: Outcome, plan: Plan) -> list[Obligation]:
    """The obligations that the messages opened, in order.

    Messages that open none (automatic mail, reminders, forwards) are counted in `result` on
    the way.
    """
    moments: list[Moment] = []
    for fact in facts:
        if isinstance(fact, Received):
            moments.append((fact.at, 0, fact.message, fact))
        elif isinstance(fact, Sent):
            moments.append((fact.at, 1, fact.message, fact))
        elif isinstance(fact, Forwarded):
            moments.append((fact.at, 2, fact.unit, fact))
        elif isinstance(fact, Closed):
            moments.append((fact.at, 3, fact.reason, fact))
    obligations: list[Obligation] = []
    current: Obligation | None = None
    mailbox = ""
    for at, _, _, fact in sorted(moments, key=lambda moment: moment[:3]):
        if isinstance(fact, Received):
            mailbox = fact.mailbox
            if fact.automatic:
                _count(result, plan, mailbox, at, m.AUTOMATIC)
            elif current is None:
                current = Obligation(mailbox, at)
                obligations.append(current)
            else:
                _count(result, plan, mailbox, at, m.REMINDERS)
        elif isinstance(fact, Forwarded):
            _count(result, plan, mailbox, at, m.FORWARDED)
        elif current is None:
            continue
        elif isinstance(fact, Closed):
            current.closed, current.reason = at, fact.reason
            current = None
        elif not fact.automatic:
            if current.replied == NEVER:
                current.replied = at
            if not fact.holding:
                current.answered = at
                current = None
    return obligations


def _count(result: Outcome, plan: Plan, mailbox: str, at: int, measure: int) -> None:
    for part in (plan.label(mailbox), TOTAL):
        result.marks.append((part, at, at, once(measure), NO_WAIT))


def _contribute(result: Outcome, plan: Plan, part: str, obligation: Obligation) -> None:
    """Add one obligation, as one part sees it, to an outcome."""
    marks, opened = result.marks, obligation.opened
    marks.append((part, opened, opened, once(m.RECEIVED), NO_WAIT))
    if obligation.replied != NEVER:
        calendar = plan.calendar(plan.label(obligation.mailbox))
        took = calendar.working_time(opened, obligation.replied)
        replied = once(m.FIRST_REPLIES) + took * once(m.REPLY_TIME)
        marks.append((part, opened, obligation.replied, replied, took))
    if obligation.answered != NEVER:
        marks.append((part, opened, obligation.answered, once(m.FULL_ANSWERS), NO_WAIT))
    if obligation.closed != NEVER:
        closed = once(m.CLOSED[obligation.reason])
        marks.append((part, opened, obligation.closed, closed, NO_WAIT))
    dues: list[tuple[int, int]] = []
    for rule in plan.rules(part, opened):
        dues.extend(_keep_promise(result, part, obligation, rule))
    if obligation.answered == NEVER and obligation.closed == NEVER:
        result.opens.append(Open(part, opened, tuple(dues)))


def _keep_promise(
    result: Outcome, part: str, obligation: Obligation, rule: Rule
) -> list[tuple[int, int]]:
    """Count both tracks of a promise; returns what is still to be decided.

    A miss stays a miss: neither a later answer nor a later closing changes it.
    """
    opened = obligation.opened
    due_at = due(opened, rule.promise.within, rule.calendar)
    undecided = []
    for track, stopped in (
        (m.FIRST_REPLY, obligation.replied),
        (m.FULL_ANSWER, obligation.answered),
    ):
        place = rule.base + track
        if stopped != NEVER and stopped <= due_at:
            at, measure = stopped, place + m.TRACK_MET
        elif stopped == NEVER and NEVER != obligation.closed <= due_at:
            at, measure = obligation.closed, place + m.TRACK_EXCLUDED
        elif stopped != NEVER or obligation.closed != NEVER:
            at, measure = due_at, place + m.TRACK_MISSED
        else:
            undecided.append((place + m.TRACK_MISSED, due_at))
            continue
        result.marks.append((part, opened, at, once(measure), NO_WAIT))
    return undecided
