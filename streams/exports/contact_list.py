"""Who was answered on a day: the list from which the national service survey invites.

The municipality hands its survey supplier a daily list of answered calls and e-mails (SKR,
service survey by telephone and e-mail). A citizen is invited once: who was in contact several times
stands on it once for each channel and day, with the first contact. Whoever withheld the number, or
said no, is counted and left out.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from itertools import pairwise
from operator import attrgetter
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from streams.calls import ANSWERED, END_OF_TIME, calls_of
from streams.conversations import NEVER, obligations_of
from streams.facts import Entered, Received, Recorded
from streams.instants import start_of_day, to_datetime
from streams.organisations import Channel
from streams.outcomes import Outcome

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator
    from datetime import date

    from streams.books import Book
    from streams.facts import Facts
    from streams.plans import Plan

CHANNELS: tuple[Channel, ...] = ("calls", "emails")
"""Those of which contacts carry a pseudonym."""


Reach = Literal["whole", "unfinished", "beyond"]
"""Of a day: its sources have told all of it; they have not yet; its contacts are counts by now."""


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody to invite; the columns of the list, in their order.

    Attributes:
        organisation: as in events.
        date, time: local day and minute of the answer.
        channel: how the citizen made contact.
        part: queue whose member answered first, or mailbox the question came to.
        topic: as members coded the call, empty where they did not; mails have none.
        resolved: whether the call's question was closed, where members said so.
        pseudonym: of caller or sender.
        contact: id of the call or conversation.
        further: how many more answered contacts the same person had that day in this channel.
    """

    organisation: str
    date: str
    time: str
    channel: Channel
    part: str
    topic: str
    resolved: bool | None
    pseudonym: str
    contact: str
    further: int


class ContactList(msgspec.Struct, frozen=True, kw_only=True):
    """The people to invite, and how many answered contacts are not on the list.

    Attributes:
        rows: in order of organisation, channel and answer.
        opted_out: contacts of people who said no.
        unknown: contacts without a pseudonym.
        repeated: contacts of people who are on the list with an earlier one.
    """

    rows: tuple[Listed, ...] = ()
    opted_out: int = 0
    unknown: int = 0
    repeated: int = 0


class Answer(NamedTuple):
    """An answered contact; they sort by the instant of the answer."""

    at: int
    contact: str
    pseudonym: str
    part: str
    topic: str
    resolved: bool | None


def day_span(book: Book, day: date) -> tuple[int, int]:
    """The instants of a local day, half-open: 23, 24 or 25 hours."""
    zone = book.plan.zone
    return start_of_day(day, zone), start_of_day(day + timedelta(days=1), zone)


def list_contacts(books: Iterable[Book], day: date, opt_outs: Container[str]) -> ContactList:
    """Everybody who was answered on a local day, once for each channel."""
    rows: list[Listed] = []
    opted_out = unknown = repeated = 0
    ordered = sorted(
        (book for book in books if book.plan.channel in CHANNELS),
        key=lambda book: (book.plan.organisation.name, CHANNELS.index(book.plan.channel)),
    )
    for book in ordered:
        by_person: dict[str, list[Answer]] = defaultdict(list)
        for answer in answers_on(book, day):
            by_person[answer.pseudonym].append(answer)
        unknown += len(by_person.pop("", ()))
        listed: list[tuple[Answer, int]] = []
        for pseudonym, answers in by_person.items():
            if pseudonym in opt_outs:
                opted_out += len(answers)
                continue
            repeated += len(answers) - 1
            listed.append((min(answers, key=_order), len(answers) - 1))
        rows += [
            _listed(book, answer, further)
            for answer, further in sorted(listed, key=lambda one: _order(one[0]))
        ]
    return ContactList(rows=tuple(rows), opted_out=opted_out, unknown=unknown, repeated=repeated)


def together(lists: Iterable[ContactList]) -> ContactList:
    """The lists of several desks as one, in the order of a list of all their books."""
    told = list(lists)
    rows = [row for one in told for row in one.rows]
    rows.sort(key=lambda row: (row.organisation, CHANNELS.index(row.channel)))
    return ContactList(
        rows=tuple(rows),
        opted_out=sum(one.opted_out for one in told),
        unknown=sum(one.unknown for one in told),
        repeated=sum(one.repeated for one in told),
    )


def reach(book: Book, day: date, horizon: int) -> Reach:
    """Whether the contacts of a local day are there to be listed.

    Args:
        book: of the channel.
        day: which.
        horizon: what has been over for so many microseconds is kept as counts only.
    """
    start, end = day_span(book, day)
    as_of = book.as_of()
    if as_of is not None and start < as_of - horizon:
        return "beyond"
    sources = book.plan.sources
    through = [book.frontiers.get(source) for source in sources] if sources else [as_of]
    is_whole = all(instant is not None and instant >= end for instant in through)
    return "whole" if is_whole else "unfinished"


def answers_on(book: Book, day: date) -> Iterator[Answer]:
    """The contacts of one channel that were answered on a local day, in no order."""
    start, end = day_span(book, day)
    tell = {"calls": _answered_calls, "emails": _answered_mails}[book.plan.channel]
    for contact_id, contact in book.contacts.items():
        facts = contact.facts
        # Nearly all contacts are of other days.
        if any(fact.at < end and fact.last >= start for fact in facts):
            for answer in tell(contact_id, facts, book.plan):
                if start <= answer.at < end:
                    yield answer


def _answered_calls(call: str, facts: Facts, plan: Plan) -> Iterator[Answer]:
    """Each answered call of an id, at its first answer, however many queues it went through."""
    calls = calls_of(facts, plan.max_wait)
    bounds = [*(visits[0].entered for visits in calls), END_OF_TIME]
    for visits, (since, until) in zip(calls, pairwise(bounds), strict=True):
        answered = [visit for visit in visits if visit.how == ANSWERED]
        if not answered:
            continue
        first = min(answered, key=lambda visit: (visit.left, visit.entered))
        # As in the counts, the code given last holds, for the topic too if it names one.
        coded = [visit for visit in answered if visit.resolved is not None][-1:]
        topics = [visit.topic for visit in (*answered, *coded) if visit.topic]
        yield Answer(
            at=first.left,
            contact=call,
            pseudonym=_caller(fact for fact in facts if since <= fact.at < until),
            part=plan.label(first.queue),
            topic=topics[-1] if topics else "",
            resolved=coded[0].resolved if coded else None,
        )


def _order(answer: Answer) -> tuple[int, str]:
    return answer.at, answer.contact


def _caller(facts: Iterable[object]) -> str:
    told = [f for f in facts if isinstance(f, Entered | Recorded) and f.caller]
    return min(told, key=attrgetter("at", "queue", "caller")).caller or "" if told else ""


def _answered_mails(conversation: str, facts: Facts, plan: Plan) -> Iterator[Answer]:
    """Each question that got a human reply, at the first one; a holding reply is one."""
    for obligation in obligations_of(facts, Outcome([], []), plan):
        if obligation.replied == NEVER:
            continue
        asked = [
            fact
            for fact in facts
            if isinstance(fact, Received) and not fact.automatic and fact.at == obligation.opened
        ]
        yield Answer(
            at=obligation.replied,
            contact=conversation,
            pseudonym=min(asked, key=attrgetter("message")).sender or "",
            part=plan.label(obligation.mailbox),
            topic="",
            resolved=None,
        )


def _listed(book: Book, answer: Answer, further: int) -> Listed:
    plan = book.plan
    moment = to_datetime(answer.at, plan.zone)
    return Listed(
        organisation=plan.organisation.name,
        date=f"{moment:%Y-%m-%d}",
        time=f"{moment:%H:%M}",
        channel=plan.channel,
        part=answer.part,
        topic=answer.topic,
        resolved=answer.resolved,
        pseudonym=answer.pseudonym,
        contact=answer.contact,
        further=further,
    )
