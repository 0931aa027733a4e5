"""A row of somebody's table of calls -> a call-detail record.

A row says a call either in words (`outcome`) or not at all (`no_call`); what it says twice and
differently is counted as a contradiction, and the row is read as the mapping says all the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from streams.events import MAX_NAME, CallRecord
from streams.instants import (
    EARLIEST,
    FIRST_YEAR,
    LAST_YEAR,
    MILLISECOND,
    SECOND,
    TOO_LATE,
    from_datetime,
    to_datetime,
)
from streams.parsers.calls_csv_contradictions import ContradictionFinder, Times
from streams.parsers.calls_csv_moments import MomentReader
from streams.parsers.rows import RowError, fits

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from streams.parsers.calls_csv_mapping import CallsCsvMapping
    from streams.parsers.calls_csv_outcomes import Outcome
    from streams.pseudonyms import Pseudonymiser

IMPLAUSIBLE = (
    f"a time lies before {FIRST_YEAR} or after {LAST_YEAR}; is the mapping's format the file's?"
)

PREFERRED = 2**52
"""More than any millisecond there is; with one of them still less than a revision may be."""

ENDED_BEFORE_ANSWERED = "ended-before-answered"
EXPLANATIONS = {
    ENDED_BEFORE_ANSWERED: "the conversation ended before it began; the end was left out",
}
"""What the parser itself finds contradictory, beside the mapping's checks."""


class Parsed(msgspec.Struct, frozen=True):
    """What one row says.

    Attributes:
        event: the call, or `None`.
        no_call: why the row is no call to a queue, when it is none.
        contradictions: names of the checks the row failed.
    """

    event: CallRecord | None
    no_call: str | None
    contradictions: tuple[str, ...]


class CallsCsvParser:
    """Reads rows by one mapping, in file order (a check may compare a row with the one before)."""

    def __init__(
        self,
        mapping: CallsCsvMapping,
        *,
        organisation: str,
        zone: ZoneInfo,
        pseudonymise: Pseudonymiser | None = None,
    ) -> None:
        self.mapping = mapping
        self.organisation = organisation
        self.zone = zone
        self.pseudonymise = pseudonymise
        self._moments = MomentReader(mapping, zone)
        self._contradictions = ContradictionFinder(mapping.checks, self._moments)

    def explanation(self, contradiction: str) -> str:
        """What a contradiction's name means."""
        for check in self.mapping.checks:
            if check.name == contradiction:
                return check.explanation
        return EXPLANATIONS[contradiction]

    def parse(self, row: Mapping[str, str]) -> Parsed:
        """What a row says.

        Raises:
            RowError: the row names an unknown outcome, a value is no date, clock or number, or
                the call was answered or left before it came.
        """
        try:
            return self._parse(self._with_derived(row))
        except OverflowError:
            raise RowError(IMPLAUSIBLE) from None

    def _with_derived(self, row: Mapping[str, str]) -> Mapping[str, str]:
        """The row with the columns that the mapping makes of others."""
        if not self.mapping.derived:
            return row
        made = {}
        for name, derived in self.mapping.derived.items():
            values = (row[column].strip() for column in derived.first_of)
            made[name] = derived.cut(next(filter(None, values), ""))
        return {**row, **made}

    def _parse(self, row: Mapping[str, str]) -> Parsed:
        for rule in self.mapping.no_call:
            if fits(row, rule.when):
                return Parsed(None, rule.because, tuple(self._contradictions.found(row, None)))
        outcome = _outcome(row, self.mapping)
        times = self._times(row, outcome)
        contradictions = self._contradictions.found(row, times)
        if times.answered and times.ended and times.ended < times.answered:
            times = msgspec.structs.replace(times, ended=None)
            contradictions.append(ENDED_BEFORE_ANSWERED)
        return Parsed(self._record(row, outcome, times), None, tuple(contradictions))

    def _times(self, row: Mapping[str, str], outcome: Outcome) -> Times:
        mapping, instant = self.mapping, self._moments.instant
        entered = instant(mapping.entered, row)
        if entered is None:
            msg = "the row does not say when the call entered the queue"
            raise RowError(msg)
        answered = outcome == "answered"
        out = instant(mapping.answered if answered else mapping.left, row, entered)
        if out is None:
            msg = f"the outcome is `{outcome}`, but the row does not say when"
            raise RowError(msg)
        if out < entered:
            what = "answered" if answered else "left"
            early = (entered - out) / SECOND
            msg = f"`{what}` lies {early:g} s before `entered`; such a row describes no call"
            raise RowError(msg)
        # A caller who was never answered has no conversation that could end.
        ended = instant(mapping.ended, row, out) if answered else None
        if entered < EARLIEST or max(out, ended or 0) >= TOO_LATE:
            raise RowError(IMPLAUSIBLE)
        return Times(entered, out, None, ended) if answered else Times(entered, None, out)

    def _record(self, row: Mapping[str, str], outcome: Outcome, times: Times) -> CallRecord:
        mapping = self.mapping
        call = "-".join(row[column].strip() for column in mapping.call)
        queue = mapping.queue.name or ""
        if mapping.queue.column is not None:
            written = row[mapping.queue.column].strip()
            queue = mapping.queue.names.get(written, written)
        for text, what in ((call, "call"), (queue, "queue")):
            if not text.strip("-") or len(text) > MAX_NAME:
                msg = f"the name of the {what} is {len(text)} characters; write 1 to {MAX_NAME}"
                raise RowError(msg)
        topic = row[mapping.topic].strip() if mapping.topic else ""
        return CallRecord(
            organisation=self.organisation,
            revision=self._revision(row, outcome),
            call=call,
            queue=queue,
            entered_at=to_datetime(times.entered, self.zone),
            caller=self._caller(row),
            answered_at=self._local(times.answered),
            left_at=self._local(times.left),
            reason=None if outcome == "answered" else outcome,
            ended_at=self._local(times.ended),
            resolved=_resolved(row, mapping),
            topic=topic[:MAX_NAME] or None,
        )

    def _revision(self, row: Mapping[str, str], outcome: Outcome) -> int:
        """Milliseconds since 1970: small enough for an event, and no update is faster."""
        revision = self.mapping.revision
        if revision is None:
            return 0
        at = from_datetime(self._moments.stamp(row, revision.column))
        if not EARLIEST <= at < TOO_LATE:
            raise RowError(IMPLAUSIBLE)
        return at // MILLISECOND + (PREFERRED if outcome == revision.prefer else 0)

    def _local(self, instant: int | None) -> datetime | None:
        return None if instant is None else to_datetime(instant, self.zone)

    def _caller(self, row: Mapping[str, str]) -> str | None:
        caller = self.mapping.caller
        if caller is None or self.pseudonymise is None:
            return None
        values = [row[column].strip() for column in caller.columns]
        if all(value in caller.none for value in values):
            return None
        return self.pseudonymise("-".join(values))


def _outcome(row: Mapping[str, str], mapping: CallsCsvMapping) -> Outcome:
    outcomes = mapping.outcome
    for rule in outcomes.rules:
        if fits(row, rule.when):
            return rule.means
    if outcomes.column is None:
        if outcomes.otherwise is not None:
            return outcomes.otherwise
        msg = (
            "no rule under `outcome` fits this row; add one, write `otherwise`, or name such rows "
            "under `no_call` if they are none"
        )
        raise RowError(msg)
    value = row[outcomes.column].strip()
    found = outcomes.values.get(value, outcomes.otherwise)
    if found is None:
        msg = (
            f"`{value}` in `{outcomes.column}` is not among the mapping's outcomes; "
            "add it under `outcome`, or under `no_call` if such rows are none"
        )
        raise RowError(msg)
    return found


def _resolved(row: Mapping[str, str], mapping: CallsCsvMapping) -> bool | None:
    if mapping.resolved is None:
        return None
    value = row[mapping.resolved.column].strip()
    if value in mapping.resolved.yes:
        return True
    return False if value in mapping.resolved.no else None
