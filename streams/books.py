"""A book: one channel of one organisation, kept up to date by facts.

Facts are added first and settled together, so that a contact that changed four times in a batch
is counted once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from streams import calls, conversations, responses
from streams.cohorts import SLICES, Contacts, cohort_of
from streams.conventions import TOTAL
from streams.facts import AnyFact, Facts, conflicts, merge
from streams.frontiers import as_of as frontier_as_of
from streams.instants import DAY, HOUR
from streams.plans import Plan
from streams.tally import Cell, Keeps, Tally

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streams.organisations import Channel, Organisation
    from streams.outcomes import Open, Outcome

OUTCOME = {
    "calls": calls.outcome,
    "emails": conversations.outcome,
    "surveys": responses.survey_outcome,
    "visits": responses.visit_outcome,
}


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
        tallies: cells by part.
        frontiers: how far each source has read.
        conflicts: facts that contradicted a known one at the same revision.
    """

    def __init__(
        self, organisation: Organisation, channel: Channel, keeps: Keeps = "everything"
    ) -> None:
        """An empty book, with the cells that its reader needs."""
        self.plan = Plan(organisation, channel)
        self.contacts: dict[str, Contact] = {}
        self.cohorts: dict[int, list[str]] = {}
        self.tallies: dict[str, Tally] = {}
        self.frontiers: dict[str, int] = {}
        self.conflicts = 0
        self._keeps = keeps
        self._outcome_of = OUTCOME[channel]
        self._changed: dict[str, Facts] = {}
        self._opens: dict[str, list[Open]] = {}

    def add(self, contact_id: str, fact: AnyFact, seen_at: int) -> int | None:
        """Add a fact; the cohort it changed, or `None` when it was known."""
        contact = self.contacts.get(contact_id)
        if contact is None:
            cohort = cohort_of(contact_id, seen_at)
            self.contacts[contact_id] = Contact((fact,), cohort)
            self.cohorts.setdefault(cohort, []).append(contact_id)
            self._changed[contact_id] = ()
            return cohort
        known = contact.facts
        facts = merge(known, fact)
        if len(facts) == len(known) and conflicts(known, fact):
            self.conflicts += 1
        if facts is known:
            return None
        self._changed.setdefault(contact_id, known)
        contact.facts = facts
        return contact.cohort

    def advance(self, source: str, through: int) -> bool:
        """Move a source's frontier; whether it moved."""
        if through <= self.frontiers.get(source, -(2**62)):
            return False
        self.frontiers[source] = through
        return True

    def settle(self) -> None:
        """Bring cells and open promises in step with the contacts that changed."""
        outcome, tally, contacts = self.outcome, self.tally, self.contacts
        for contact_id, before in self._changed.items():
            if before:
                for mark in outcome(before).marks:
                    tally(mark[0]).add(mark, -1)
            after = outcome(contacts[contact_id].facts)
            for mark in after.marks:
                tally(mark[0]).add(mark)
            known_opens = self._opens.pop(contact_id, ())
            if after.opens:
                self._opens[contact_id] = after.opens
            for item in (*known_opens, *after.opens):
                tally(item.part).touched.add(item.opened // HOUR)
        self._changed.clear()

    def outcome(self, facts: Facts) -> Outcome:
        """What the facts of one contact come to here."""
        return self._outcome_of(facts, self.plan)

    def restore(self, cohort: int, contacts: Contacts) -> set[int]:
        """Take in a stored cohort; the cohorts that now differ from what is stored.

        A contact that two writers kept in different cohorts stays where it was met first.
        """
        differing: set[int] = set()
        for contact_id, facts in contacts:
            contact = self.contacts.get(contact_id)
            if contact is None:
                self.contacts[contact_id] = Contact(tuple(facts), cohort)
                self.cohorts.setdefault(cohort, []).append(contact_id)
                self._changed[contact_id] = ()
                continue
            merged = contact.facts
            for fact in facts:
                merged = merge(merged, fact)
            if merged is not contact.facts or contact.cohort != cohort:
                contact.facts = merged
                differing.update((cohort, contact.cohort))
        return differing

    def forget(self, cohort: int, as_of: int) -> None:
        """Let go of the contacts of a cohort; what they came to by `as_of` stays counted."""
        for contact_id in self.cohorts.pop(cohort):
            del self.contacts[contact_id]
            for item in self._opens.pop(contact_id, ()):
                for mark in item.marks(as_of):
                    self.tally(item.part).add(mark)

    def include(self, part: str, hour: int, cell: Cell) -> None:
        """Count contacts that are kept no longer, by the hour they arrived in."""
        tally = self.tally(part)
        if hour not in tally.arrivals:
            tally.arrivals[hour] = Cell(self.plan.width)
        tally.arrivals[hour].include(cell)
        tally.touched.add(hour)

    def prune(self, before: int) -> None:
        """Forget cells that no window and no rollup needs any more.

        Rollups are written whole, so an hour's arrivals stay as long as a contact is kept that
        was first seen no later than two days after it.
        """
        oldest = min(self.cohorts, default=before // HOUR * SLICES) // SLICES * HOUR
        for tally in self.tallies.values():
            tally.prune(before, arrivals_before=min(before, oldest) - 2 * DAY)

    def snapshot(self, cohort: int) -> Contacts:
        """The contacts of a cohort, ready to be stored."""
        ids = self.cohorts.get(cohort, ())
        return [(contact_id, list(self.contacts[contact_id].facts)) for contact_id in ids]

    def as_of(self, now: int | None = None) -> int | None:
        """The instant up to which this channel is known; `None` before the first event."""
        return frontier_as_of(self.frontiers, now)

    def tally(self, part: str) -> Tally:
        """The cells of a part."""
        tally = self.tallies.get(part)
        if tally is None:
            tally = self.tallies[part] = Tally(self.plan.width, self._keeps)
        return tally

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
        tally = self.tally(part)
        total = Cell(self.plan.width)
        arrived = tally.arrivals.get(hour)
        if arrived is not None:
            total.include(arrived)
        for item in opens:
            if item.opened // HOUR == hour:
                for mark in item.marks(as_of):
                    total.add(mark)
        return total
