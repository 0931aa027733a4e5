"""A book: one channel of one organisation, kept up to date by facts.

Facts are added first and settled together, so that a contact that changed four times in a batch
is counted once. What became of everybody who arrived in one hour is at any time what the folded
rows tell of it, and the contacts that are kept one by one: each contact is in one of the two.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import msgspec

from streams import calls, conversations, responses
from streams.cells import Cell
from streams.cohorts import Contacts, cohort_of
from streams.conventions import TOPIC_PREFIX, TOTAL, Reason
from streams.errors import RejectedError
from streams.facts import AnyFact, Facts, conflicts, merge
from streams.folded_hours import FoldedHours
from streams.frontiers import as_of as frontier_as_of
from streams.instants import HOUR
from streams.plans import Plan
from streams.tally import Keeps, Tally
from streams.whole import Whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from streams.folding import CellsByPlace
    from streams.organisations import Channel, Organisation
    from streams.outcomes import Mark, Open, Outcome

OUTCOME = {
    "calls": calls.outcome,
    "emails": conversations.outcome,
    "surveys": responses.survey_outcome,
    "visits": responses.visit_outcome,
}

UNTOLD = -(2**62)
"""How far a source has read that never told anything."""

MAX_FACTS = 500
"""Of one contact. An exchange that gives every call the same id must not stop a worker."""


class Contact(msgspec.Struct, gc=False):
    """One call, conversation, survey answer or visit: its facts and the cohort it lives in."""

    facts: Facts
    cohort: int


class Book:
    """Contacts, cells and open promises of one channel of one organisation.

    Attributes:
        plan: how it counts.
        contacts: by id.
        cohorts: ids by cohort.
        tallies: cells by part; `topics` those of what calls were about, which nobody but the
            rollups looks at.
        folded: the hours of first sight of which only counts are left.
        frontiers: how far each source has read.
        furthest: what the source that has read most has told.
        conflicts: facts that contradicted a known one at the same revision.
        unstored: cohorts, or `FRONTIERS`, that changed since they were last stored.
    """

    def __init__(
        self, organisation: Organisation, channel: Channel, keeps: Keeps = "everything"
    ) -> None:
        """An empty book, with the cells that its reader needs."""
        self.plan = Plan(organisation, channel)
        self.contacts: dict[str, Contact] = {}
        self.cohorts: dict[int, list[str]] = {}
        self.tallies: dict[str, Tally] = {}
        self.topics: dict[str, Tally] = {}
        self.folded = FoldedHours(self.plan)
        self.frontiers: dict[str, int] = {}
        self.furthest = UNTOLD
        self.conflicts = 0
        self.unstored: set[int] = set()
        self._keeps = keeps
        self._outcome_of = OUTCOME[channel]
        self._changed: dict[str, Facts] = {}
        self._opens: dict[str, list[Open]] = {}
        self._whole: Whole | None = None

    def add(self, contact_id: str, fact: AnyFact, seen_at: int) -> bool:
        """Add a fact; whether it told anything new.

        Raises:
            RejectedError: the contact has more facts than any contact can have, or it was folded.
        """
        contact = self.contacts.get(contact_id)
        if contact is None:
            # Somebody reads the log again from long ago, and it is counted already; or it was, and
            # even the counts are gone.
            folded = self.folded
            if seen_at < folded.begins or seen_at // HOUR in folded.rows:
                detail = "its contact was folded into counts; this was read before"
                raise RejectedError(Reason.BEYOND_HORIZON, detail)
            cohort = cohort_of(contact_id, seen_at)
            self.contacts[contact_id] = Contact((fact,), cohort)
            neighbours = self.cohorts.get(cohort)
            if neighbours is None:
                neighbours = self.cohorts[cohort] = []
            neighbours.append(contact_id)
            self._changed[contact_id] = ()
            self.unstored.add(cohort)
            return True
        known = contact.facts
        if len(known) >= MAX_FACTS:
            detail = f"the contact has {MAX_FACTS} facts already; is its id used for all of them?"
            raise RejectedError(Reason.CONTACT_TOO_LARGE, detail)
        facts = merge(known, fact)
        if len(facts) == len(known) and conflicts(known, fact):
            self.conflicts += 1
        if facts is known:
            return False
        self._changed.setdefault(contact_id, known)
        contact.facts = facts
        self.unstored.add(contact.cohort)
        return True

    def advance(self, source: str, through: int) -> bool:
        """Move a source's frontier; whether it moved."""
        if through <= self.frontiers.get(source, UNTOLD):
            return False
        self.frontiers[source] = through
        self.furthest = max(self.furthest, through)
        return True

    def settle(self) -> None:
        """Bring cells and open promises in step with the contacts that changed."""
        outcome_of, plan, contacts = self._outcome_of, self.plan, self.contacts
        for contact_id, facts in self._settling():
            after = outcome_of(contacts[contact_id].facts, plan)
            if not facts:
                self._count(after.marks, 1, shared=after.shared)
                if after.apart:
                    self._count(after.apart, 1, shared=False)
                if after.opens:
                    self._keep_open(contact_id, after)
                continue
            before = outcome_of(facts, plan)
            if before.shared != after.shared or before.apart != after.apart:
                before, after = before.spelled_out(), after.spelled_out()
            # Mostly something is told that happened after what was known, and nothing goes.
            same = _common(before.marks, after.marks)
            self._count(before.marks[same:], -1, shared=before.shared)
            self._count(after.marks[same:], 1, shared=after.shared)
            if before.opens != after.opens:
                self._keep_open(contact_id, after)
        self._changed.clear()

    def _settling(self) -> Iterable[tuple[str, Facts]]:
        """What changed, and from what; where that is everything, hour by hour, the newest first.

        Neighbours share their cells, and no fine cells are made for what is old.
        """
        if len(self._changed) < len(self.contacts):
            return self._changed.items()
        hours = sorted(self.cohorts, reverse=True)
        newest_first = chain.from_iterable(self.cohorts[cohort] for cohort in hours)
        return ((contact_id, self._changed[contact_id]) for contact_id in newest_first)

    def outcome(self, facts: Facts) -> Outcome:
        """What the facts of one contact come to here."""
        return self._outcome_of(facts, self.plan).spelled_out()

    def restore(self, cohort: int, contacts: Contacts) -> None:
        """Take in a stored cohort; cohorts that now differ from what is stored are `unstored`.

        A contact that two writers kept in different cohorts stays where it was met first.
        """
        for contact_id, facts in contacts:
            contact = self.contacts.get(contact_id)
            if contact is None:
                self.contacts[contact_id] = Contact(facts, cohort)
                self.cohorts.setdefault(cohort, []).append(contact_id)
                self._changed[contact_id] = ()
                continue
            merged = contact.facts
            for fact in facts:
                merged = merge(merged, fact)
            if merged is not contact.facts or contact.cohort != cohort:
                contact.facts = merged
                self.unstored.update((cohort, contact.cohort))

    def forget(self, cohorts: Iterable[int], decided: CellsByPlace) -> None:
        """Let go of the contacts of cohorts that were folded, and of what they have decided."""
        differing: dict[int, Cell] = {}
        for (part, hour), cell in decided.items():
            if self._is_in_total(part):
                differing.setdefault(hour, Cell(self.plan.width)).exclude(cell)
            if part == TOTAL:
                differing.setdefault(hour, Cell(self.plan.width)).include(cell)
            else:
                self.tally(part).release(hour, cell)
        for hour, cell in differing.items():
            self._total().release(hour, cell)
        for cohort in cohorts:
            for contact_id in self.cohorts.pop(cohort):
                del self.contacts[contact_id]
                for item in self._opens.pop(contact_id, ()):
                    # It is not pending any more.
                    self.tally(item.part).touched.add(item.opened // HOUR)

    def prune(self, before: int) -> None:
        """Forget cells that no window needs any more."""
        for tally in self.tallies.values():
            tally.prune(before)
        for tally in self.topics.values():
            tally.prune(before)
        for part in [part for part, t in self.topics.items() if not t.arrivals and not t.touched]:
            del self.topics[part]

    def snapshot(self, cohort: int) -> Contacts:
        """The contacts of a cohort, ready to be stored."""
        ids = self.cohorts.get(cohort, ())
        contacts = self.contacts
        return [(contact_id, contacts[contact_id].facts) for contact_id in ids]

    def as_of(self, now: int | None = None) -> int | None:
        """The instant up to which this channel is known; `None` before the first event."""
        return frontier_as_of(self.frontiers, now)

    def tally(self, part: str) -> Tally:
        """The cells of a part."""
        tally = self.tallies.get(part)
        if tally is None:
            if part == TOTAL:
                return self._total()
            if part.startswith(TOPIC_PREFIX):
                return self._topic(part)
            tally = self.tallies[part] = Tally(self.plan.width, self._keeps)
        return tally

    def _total(self) -> Whole:
        if self._whole is None:
            self._whole = Whole(self.plan.width, self._keeps, self.tallies)
            self.tallies[TOTAL] = self._whole
        return self._whole

    def _topic(self, part: str) -> Tally:
        tally = self.topics.get(part)
        if tally is None:
            tally = self.topics[part] = Tally(self.plan.width, "arrivals")
        return tally

    def every_tally(self) -> Iterator[tuple[str, Tally]]:
        """The cells of every part, those of topics last."""
        return chain(self.tallies.items(), self.topics.items())

    def shown_parts(self) -> list[str]:
        """The total first, then the configured parts, then whatever else was counted."""
        known = [] if self.plan.channel == "surveys" else [TOTAL, *self.plan.parts]
        return known + sorted(part for part in self.tallies if part not in known)

    def opens(self) -> Iterable[Open]:
        """What is undecided, over all contacts."""
        for opens in self._opens.values():
            yield from opens

    @property
    def open_contacts(self) -> int:
        """How many contacts have something undecided."""
        return len(self._opens)

    def rollup(self, part: str, hour: int, as_of: int, opens: Iterable[Open]) -> Cell:
        """What became, by `as_of`, of everybody who arrived in a part in one hour.

        Args:
            part: queue, mailbox, desk or the total.
            hour: hours since 1970-01-01T00:00Z.
            as_of: instant at which open promises are judged.
            opens: the open items of that part.
        """
        total = Cell(self.plan.width)
        tally = (self.topics if part.startswith(TOPIC_PREFIX) else self.tallies).get(part)
        kept = None if tally is None else tally.arrived(hour)
        for cell in (kept, self.folded.at(hour).get(part)):
            if cell is not None:
                total.include(cell)
        for item in opens:
            if item.opened // HOUR == hour:
                for mark in item.marks(as_of):
                    total.add(mark)
        return total

    def _count(self, marks: Sequence[Mark], sign: int, *, shared: bool) -> None:
        """Put marks in their parts, or take them out again; shared ones count in the total too."""
        if shared and marks:
            name, arrival, *_ = marks[0]
            part = self.tallies.get(name) or self.tally(name)
            part.add_all(marks, sign)
            self._total().follow(part, arrival // HOUR)
            return
        for mark in marks:
            part = self.tally(mark[0])
            part.add_all((mark,), sign)
            if self._is_in_total(mark[0]):
                self._total().follow(part, mark[1] // HOUR)
                self._total().add_all((mark,), -sign)

    def _is_in_total(self, part: str) -> bool:
        """Whether the total counts what a part counts, unless it is told otherwise."""
        return not (
            part == TOTAL or part.startswith(TOPIC_PREFIX) or self.plan.channel == "surveys"
        )

    def _keep_open(self, contact_id: str, outcome: Outcome) -> None:
        """Remember what is undecided; the rollups of the hours concerned are to be written."""
        now = outcome.spelled_out().opens
        for item in (*self._opens.pop(contact_id, ()), *now):
            self.tally(item.part).touched.add(item.opened // HOUR)
        if now:
            self._opens[contact_id] = now


def _common(before: Sequence[Mark], after: Sequence[Mark]) -> int:
    """How many marks two outcomes begin with in common."""
    same = 0
    for one, other in zip(before, after, strict=False):
        if one != other:
            break
        same += 1
    return same
