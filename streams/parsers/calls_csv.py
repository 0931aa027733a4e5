"""A row of somebody's table of calls -> a call-detail record.

A row says a call either in words (`outcome`) or not at all (`no_call`); what it says twice and
differently is counted as a contradiction, and the row is read as the mapping says all the same.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from streams.events import MAX_NAME, CallRecord
from streams.instants import HOUR, SECOND, from_datetime, to_datetime
from streams.parsers.rows import (
    BELIEVABLE,
    RowError,
    fits,
    read_clock,
    read_date,
    read_duration,
    read_timestamp,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from zoneinfo import ZoneInfo

    from streams.parsers.calls_csv_mapping import (
        CallsCsvMapping,
        Check,
        Interval,
        Moment,
        Near,
        Outcome,
    )
    from streams.pseudonyms import Pseudonymiser

NEXT_DAY = 12 * HOUR
"""A clock that is earlier than the one before it by more than this belongs to the next day."""

UNBELIEVABLE = "a time lies before 1970 or after 2198; is the mapping's format the file's?"

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


class Times(msgspec.Struct, frozen=True):
    """The instants of a call, as far as its outcome has them."""

    entered: int
    answered: int | None = None
    left: int | None = None
    ended: int | None = None


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
        self._latest: dict[str, int] = {}

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
            return self._parse(row)
        except OverflowError:
            raise RowError(UNBELIEVABLE) from None

    def _parse(self, row: Mapping[str, str]) -> Parsed:
        for rule in self.mapping.no_call:
            if fits(row, rule.when):
                return Parsed(None, rule.because, tuple(self._contradictions(row, None)))
        outcome = _outcome(row, self.mapping)
        times = self._times(row, outcome)
        contradictions = self._contradictions(row, times)
        if times.answered and times.ended and times.ended < times.answered:
            times = msgspec.structs.replace(times, ended=None)
            contradictions.append(ENDED_BEFORE_ANSWERED)
        return Parsed(self._record(row, outcome, times), None, tuple(contradictions))

    def _times(self, row: Mapping[str, str], outcome: Outcome) -> Times:
        mapping = self.mapping
        entered = self._instant(mapping.entered, row, None)
        if entered is None:
            msg = "the row does not say when the call entered the queue"
            raise RowError(msg)
        answered = outcome == "answered"
        out = self._instant(mapping.answered if answered else mapping.left, row, entered)
        if out is None:
            msg = f"the outcome is `{outcome}`, but the row does not say when"
            raise RowError(msg)
        if out < entered:
            what = "answered" if answered else "left"
            early = (entered - out) / SECOND
            msg = f"`{what}` lies {early:g} s before `entered`; such a row describes no call"
            raise RowError(msg)
        # A caller who was never answered has no conversation that could end.
        ended = self._instant(mapping.ended, row, out) if answered else None
        if entered < 0 or max(out, ended or 0) >= BELIEVABLE:
            raise RowError(UNBELIEVABLE)
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

    def _instant(
        self, moment: Moment | None, row: Mapping[str, str], previous: int | None
    ) -> int | None:
        """When a moment was, or `None` in rows that do not know it."""
        if moment is None or (moment.unless and fits(row, moment.unless)):
            return None
        if moment.seconds is not None:
            return (previous or 0) + read_duration(row, moment.seconds)
        formats = self.mapping.formats
        if moment.timestamp is not None:
            text = row[moment.timestamp].strip()
            stamp = read_timestamp(text, formats.timestamp, self.zone, moment.timestamp)
            return _second_pass_if_needed(stamp, previous)
        if moment.clock is None or self.mapping.date is None:
            return None
        day = read_date(row[self.mapping.date].strip(), formats.date, self.mapping.date)
        if previous is None and moment.since is not None:
            previous = self._at(day, row, moment.since, None)
        return self._at(day, row, moment.clock, previous)

    def _at(self, day: date, row: Mapping[str, str], column: str, previous: int | None) -> int:
        """The instant of a local clock, on the next day where midnight lies in between."""
        clock = read_clock(row[column].strip(), self.mapping.formats.clock, column)
        local = datetime(day.year, day.month, day.day, tzinfo=self.zone) + clock
        if previous is not None and from_datetime(local) < previous - NEXT_DAY:
            local += timedelta(days=1)
        return _second_pass_if_needed(local, previous)

    def _contradictions(self, row: Mapping[str, str], times: Times | None) -> list[str]:
        return [
            check.name
            for check in self.mapping.checks
            if fits(row, check.when) and self._fails(check, row, times)
        ]

    def _fails(self, check: Check, row: Mapping[str, str], times: Times | None) -> bool:
        if check.negative is not None:
            return read_duration(row, check.negative) < 0
        if check.interval is not None:
            return self._disagrees(check.interval, row)
        if check.near is not None:
            return self._is_far(check.near, row, getattr(times, check.near.to, None))
        return check.order is None or self._runs_backwards(check.name, check.order, row)

    def _disagrees(self, interval: Interval, row: Mapping[str, str]) -> bool:
        start = self._instant(interval.start, row, None)
        end = self._instant(interval.end, row, start)
        if start is None or end is None:
            return False
        error = end - start - read_duration(row, interval.seconds)
        return abs(error) > interval.tolerance * SECOND

    def _is_far(self, near: Near, row: Mapping[str, str], own: int | None) -> bool:
        other = None if own is None else self._instant(near.moment, row, own)
        if own is None or other is None:
            return False
        return abs(other - own) > near.tolerance * SECOND

    def _runs_backwards(self, name: str, moment: Moment, row: Mapping[str, str]) -> bool:
        at = self._instant(moment, row, None)
        if at is None:
            return False
        before = self._latest.get(name, at)
        self._latest[name] = at
        return at < before


def _second_pass_if_needed(local: datetime, previous: int | None) -> int:
    """An instant, in the hour that comes twice in autumn the later one if time ran backwards."""
    instant = from_datetime(local)
    if previous is None or instant >= previous:
        return instant
    again = from_datetime(local.replace(fold=1))
    return again if again >= previous else instant


def _outcome(row: Mapping[str, str], mapping: CallsCsvMapping) -> Outcome:
    value = row[mapping.outcome.column].strip()
    try:
        return mapping.outcome.values[value]
    except KeyError:
        msg = (
            f"`{value}` in `{mapping.outcome.column}` is not among the mapping's outcomes; "
            "add it under `outcome`, or under `no_call` if such rows are none"
        )
        raise RowError(msg) from None


def _resolved(row: Mapping[str, str], mapping: CallsCsvMapping) -> bool | None:
    if mapping.resolved is None:
        return None
    value = row[mapping.resolved.column].strip()
    if value in mapping.resolved.yes:
        return True
    return False if value in mapping.resolved.no else None
