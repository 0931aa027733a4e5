"""A row of somebody's table of calls -> a call-detail record.

A row says a call either in words (`outcome`) or not at all (`no_call`); what it says twice and
differently is counted as a contradiction, and the row is read as the mapping says all the same.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

from streams.errors import KontaktpulsError
from streams.events import MAX_NAME, CallRecord
from streams.instants import DAY, HOUR, MILLISECOND, SECOND, from_datetime, to_datetime
from streams.parsers.calls_csv_mapping import Unlike

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
        When,
    )
    from streams.pseudonyms import Pseudonymiser

NEXT_DAY = 12 * HOUR
"""A clock that is earlier than the one before it by more than this belongs to the next day."""

BELIEVABLE = 84_000 * DAY
"""Instants from here on (the year 2199) are milliseconds that were read as seconds."""

ENDED_BEFORE_ANSWERED = "ended-before-answered"
EXPLANATIONS = {
    ENDED_BEFORE_ANSWERED: "the conversation ended before it began; the end was left out",
}
"""What the parser itself finds contradictory, beside the mapping's checks."""


class RowError(KontaktpulsError):
    """A row that cannot be read as a call, and why."""


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
        self.columns = mapping.columns()
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
            RowError: the row names an unknown outcome, or a value is no date, clock or number.
        """
        for rule in self.mapping.no_call:
            if fits(row, rule.when):
                return Parsed(None, rule.because, tuple(self._contradictions(row, {})))
        outcome = _outcome(row, self.mapping)
        moments = self._moments(row, outcome)
        contradictions = self._contradictions(row, moments)
        answered, ended = moments["answered"], moments["ended"]
        if answered is not None and ended is not None and ended < answered:
            moments["ended"] = None
            contradictions.append(ENDED_BEFORE_ANSWERED)
        return Parsed(self._record(row, outcome, moments), None, tuple(contradictions))

    def _moments(self, row: Mapping[str, str], outcome: Outcome) -> dict[str, int | None]:
        """Instants of entry, answer, leaving and end, as far as the outcome has them."""
        mapping = self.mapping
        entered = self._instant(mapping.entered, row, None)
        if entered is None:
            msg = "the row does not say when the call entered the queue"
            raise RowError(msg)
        way_out = "answered" if outcome == "answered" else "left"
        where = mapping.answered if outcome == "answered" else mapping.left
        out = self._instant(where, row, entered)
        if out is None:
            msg = f"the outcome is `{outcome}`, but the row does not say when"
            raise RowError(msg)
        if out < entered:
            early = (entered - out) / SECOND
            msg = f"`{way_out}` lies {early:g} s before `entered`; such a row describes no call"
            raise RowError(msg)
        moments: dict[str, int | None] = {
            "entered": entered,
            "answered": None,
            "left": None,
            "ended": None,
            way_out: out,
        }
        # A caller who was never answered has no conversation that could end.
        if outcome == "answered":
            moments["ended"] = self._instant(mapping.ended, row, out)
        return moments

    def _record(
        self, row: Mapping[str, str], outcome: Outcome, moments: dict[str, int | None]
    ) -> CallRecord:
        mapping = self.mapping
        call = "-".join(row[column].strip() for column in mapping.call)
        queue = mapping.queue.name
        if mapping.queue.column is not None:
            written = row[mapping.queue.column].strip()
            queue = mapping.queue.names.get(written, written)
        topic = row[mapping.topic].strip() if mapping.topic else ""
        for text, what in ((call, "call"), (queue or "", "queue")):
            if not text.strip("-") or len(text) > MAX_NAME:
                msg = f"the name of the {what} is {len(text)} characters; write 1 to {MAX_NAME}"
                raise RowError(msg)
        return CallRecord(
            organisation=self.organisation,
            call=call,
            queue=queue or "",
            entered_at=to_datetime(moments["entered"] or 0, self.zone),
            caller=self._caller(row),
            answered_at=self._local(moments["answered"]),
            left_at=self._local(moments["left"]),
            reason=None if outcome == "answered" else outcome,
            ended_at=self._local(moments["ended"]),
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
            return (previous or 0) + _duration(row, moment.seconds)
        formats = self.mapping.formats
        if moment.timestamp is not None:
            text = row[moment.timestamp].strip()
            return _timestamp(text, formats.timestamp, self.zone, moment.timestamp)
        if moment.clock is None or self.mapping.date is None:
            return None
        day = _date(row[self.mapping.date].strip(), formats.date, self.mapping.date)
        if previous is None and moment.since is not None:
            previous = self._at(day, row, moment.since, None)
        return self._at(day, row, moment.clock, previous)

    def _at(self, day: date, row: Mapping[str, str], column: str, previous: int | None) -> int:
        """The instant of a local clock, on the next day where midnight lies in between."""
        clock = _clock(row[column].strip(), self.mapping.formats.clock, column)
        local = datetime(day.year, day.month, day.day, tzinfo=self.zone) + clock
        instant = from_datetime(local)
        if previous is None or instant >= previous:
            return instant
        if instant < previous - NEXT_DAY:
            return from_datetime(local + timedelta(days=1))
        # In the autumn one hour comes twice; its second pass is meant if the first runs backwards.
        again = from_datetime(local.replace(fold=1))
        return again if again >= previous else instant

    def _contradictions(self, row: Mapping[str, str], moments: dict[str, int | None]) -> list[str]:
        return [
            check.name
            for check in self.mapping.checks
            if fits(row, check.when) and self._fails(check, row, moments)
        ]

    def _fails(self, check: Check, row: Mapping[str, str], moments: dict[str, int | None]) -> bool:
        if check.negative is not None:
            return _duration(row, check.negative) < 0
        if check.interval is not None:
            return self._disagrees(check.interval, row)
        if check.near is not None:
            return self._is_far(check.near, row, moments.get(check.near.to))
        return check.order is None or self._runs_backwards(check.name, check.order, row)

    def _disagrees(self, interval: Interval, row: Mapping[str, str]) -> bool:
        start = self._instant(interval.start, row, None)
        end = self._instant(interval.end, row, start)
        if start is None or end is None:
            return False
        error = end - start - _duration(row, interval.seconds)
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


def fits(row: Mapping[str, str], when: When) -> bool:
    """Whether every column of a condition has (one of) its values.

    >>> fits({"outcome": "HANG", "wait": "0"}, {"outcome": ("HANG", "DROP"), "wait": "0"})
    True
    >>> fits({"outcome": "HANG"}, {"outcome": Unlike(other_than="HANG")})
    False
    """
    for column, wanted in when.items():
        value = row[column].strip()
        values = wanted.other_than if isinstance(wanted, Unlike) else wanted
        found = value == values if isinstance(values, str) else value in values
        if found == isinstance(wanted, Unlike):
            return False
    return True


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


def _duration(row: Mapping[str, str], column: str) -> int:
    """Seconds, `M:SS` or `H:MM:SS` in microseconds."""
    text = row[column].strip()
    try:
        seconds = 0.0
        for part in text.removeprefix("-").split(":"):
            seconds = 60 * seconds + float(part)
        duration = round(seconds * SECOND)
    except (ValueError, OverflowError):
        msg = f"`{text}` in `{column}` is no duration; write seconds or H:MM:SS"
        raise RowError(msg) from None
    return -duration if text.startswith("-") else duration


@lru_cache(maxsize=1_000)
def _date(text: str, form: str, column: str) -> date:
    return _strptime(text, form, column, "date").date()


@lru_cache(maxsize=100_000)
def _clock(text: str, form: str, column: str) -> timedelta:
    moment = _strptime(text, form, column, "clock")
    return moment - datetime(1900, 1, 1)  # noqa: DTZ001 - a clock alone, of no day and no zone


def _timestamp(text: str, form: str, zone: ZoneInfo, column: str) -> int:
    if form in {"epoch", "epoch_ms"}:
        try:
            instant = round(float(text) * (SECOND if form == "epoch" else MILLISECOND))
        except (ValueError, OverflowError):
            msg = f"`{text}` in `{column}` is no number; the mapping says `{form}`"
            raise RowError(msg) from None
        if not 0 <= instant < BELIEVABLE:
            other = "epoch_ms" if form == "epoch" else "epoch"
            msg = f"`{text}` in `{column}` is no time as `{form}`; is it `{other}`?"
            raise RowError(msg)
        return instant
    if form == "rfc3339":
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            msg = f"`{text}` in `{column}` is no RFC 3339 time"
            raise RowError(msg) from None
    else:
        moment = _strptime(text, form, column, "timestamp")
    return from_datetime(moment if moment.tzinfo else moment.replace(tzinfo=zone))


def _strptime(text: str, form: str, column: str, what: str) -> datetime:
    try:
        return datetime.strptime(text, form)  # noqa: DTZ007 - the zone is the mapping's
    except ValueError:
        msg = f"`{text}` in `{column}` is no {what} written `{form}`"
        raise RowError(msg) from None
