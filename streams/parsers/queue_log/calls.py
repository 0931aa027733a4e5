"""What happens to callers, one line at a time -> the events of their calls.

Lines tell whole seconds, and a caller may leave a queue and enter it again within one. Whoever
reads the events may get them in any order, so the second stay begins a microsecond after the first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.events import CallAnswered, CallEnded, CallEntered, CallEvent, CallLeft, LeaveReason
from streams.instants import MILLISECOND, SECOND, to_datetime
from streams.parsers.queue_log.counts import Contradiction, Counts, LeftOut
from streams.parsers.queue_log.in_flight import InFlight, Key, Talk

if TYPE_CHECKING:
    from datetime import datetime

TOLERANCE = 5 * SECOND
"""So much may clocks of whole seconds, and a database that is slow, lie apart."""


class Calls:
    """Tells events; durations are as Asterisk writes them, `None` where there is none.

    Attributes:
        events: told since the list was last replaced.
        in_flight: who waits and talks.
    """

    def __init__(self, organisation: str, counts: Counts) -> None:
        self.events: list[CallEvent] = []
        self.in_flight = InFlight()
        self._organisation = organisation
        self._counts = counts
        self._at = 0
        self._moment = to_datetime(0)

    def set_time(self, at: int) -> None:
        """What follows happens at an instant."""
        self._at, self._moment = at, to_datetime(at)

    def enter(self, key: Key, caller: str | None) -> None:
        """Somebody enters a queue."""
        entered = self._at
        waits_since = self.in_flight.waiting.pop(key, None)
        if waits_since is not None:
            self._counts.contradict(Contradiction.ENTERED_TWICE)
            entered = max(entered, waits_since + 1)
            self._tell_left(key, entered - 1, "unknown")
        self._let_in(key, entered, caller)

    def answer(
        self, key: Key, hold: int | None, rang: int | None, member: str | None
    ) -> str | None:
        """A member answers; `hold` and `rang` in seconds. The reason why it is no event, if so."""
        entered = self.in_flight.waiting.get(key)
        if entered is None:
            reason = self._seek_entry(key, hold, is_answer=True)
            if reason is not None:
                return reason
            entered = self.in_flight.waiting.get(key, self._at)
        else:
            self._compare(entered, hold, Contradiction.HOLD_TIME_DIFFERS)
        if rang is not None:
            self._check_ring(self._at - entered, rang * SECOND)
        self._tell_answered(key, entered, max(self._at, entered), member)
        return None

    def leave(self, key: Key, reason: LeaveReason, wait: int | None) -> str | None:
        """Somebody leaves a queue; `wait` in seconds. The reason why it is no event, if so."""
        entered = self.in_flight.waiting.get(key)
        if entered is None:
            left_out = self._seek_entry(key, wait, is_answer=False)
            if left_out is not None:
                return left_out
            entered = self.in_flight.waiting.get(key, self._at)
        else:
            self._compare(entered, wait, Contradiction.HOLD_TIME_DIFFERS)
        self.in_flight.waiting.pop(key, None)
        self._tell_left(key, max(self._at, entered), reason)
        return None

    def end(self, key: Key, hold: int | None, spoke: int | None) -> str | None:
        """A conversation is over, or handed on; both in seconds."""
        talk = self.in_flight.talking.get(key)
        if talk is None:
            return self._seek_answer(key, hold, spoke)
        self._compare(talk.answered, spoke, Contradiction.TALK_TIME_DIFFERS)
        self._tell_ended(key, max(self._at, talk.answered))
        return None

    def ring(self, key: Key, rang: int | None) -> None:
        """A telephone rang in vain, for so many milliseconds; the caller goes on waiting."""
        entered = self.in_flight.waiting.get(key)
        if entered is not None and rang is not None:
            self._check_ring(self._at - entered, rang * MILLISECOND)

    def start_anew(self, before: int) -> str | None:
        """Asterisk has started: nobody will hear how the calls in flight ended.

        Conversations end at the line before, since a night without Asterisk is nobody's talk.
        """
        waiting, talking = self.in_flight.waiting, self.in_flight.talking
        self.in_flight.waiting, self.in_flight.talking = {}, {}
        for key, entered in waiting.items():
            self._tell_left(key, max(self._at, entered), "unknown")
        for key, talk in talking.items():
            self._tell_ended(key, max(min(before, self._at), talk.answered))
        in_flight = len(waiting) + len(talking)
        self._counts.closed += in_flight
        return None if in_flight else LeftOut.NOBODY_IN_FLIGHT

    # -- lines that are missing ------------------------------------------------------------

    def _seek_entry(self, key: Key, wait: int | None, *, is_answer: bool) -> str | None:
        """Let somebody in who waits without having entered; a reason if the wait is over.

        A caller whom a member transfers takes the place of the member's consultation call, and
        what follows is told under the caller's id.
        """
        since = None if wait is None else self._at - wait * SECOND
        talk, gone = self.in_flight.talking.get(key), self.in_flight.gone_since(key)
        if talk is not None and (since is None or since < talk.answered):
            return LeftOut.ALREADY_ANSWERED
        if gone is not None and (since is None or since < gone):
            return LeftOut.ALREADY_GONE
        place = None if since is None else self.in_flight.place(key[1], since)
        if place is not None:
            # The place is one, so the consultation call never waited in it.
            since = self.in_flight.waiting.pop(place)
            self._counts.contradict(Contradiction.PLACE_HANDED_ON)
            self._tell_left(place, since, "transferred")
            self._let_in(key, since, None)
        elif is_answer:
            self._counts.contradict(Contradiction.ANSWERED_WITHOUT_ENTERING)
            if since is not None:
                self._let_in(key, since, None)
        elif talk is not None:
            return LeftOut.ALREADY_ANSWERED
        else:
            self._counts.contradict(Contradiction.LEFT_WITHOUT_ENTERING)
        return None

    def _seek_answer(self, key: Key, hold: int | None, spoke: int | None) -> str | None:
        """End a conversation whose beginning is missing, or was told under another id."""
        answered = None if spoke is None else self._at - spoke * SECOND
        entered = None if answered is None or hold is None else answered - hold * SECOND
        waits_since = self.in_flight.waiting.get(key)
        if waits_since is not None and answered is not None and entered is not None:
            if abs(waits_since - entered) <= TOLERANCE:
                self._counts.contradict(Contradiction.ENDED_WITHOUT_ANSWER)
                self._tell_answered(key, waits_since, max(answered, waits_since), None)
                self._tell_ended(key, max(self._at, waits_since))
                return None
        elif waits_since is None and self.in_flight.gone_since(key) is not None:
            return LeftOut.ALREADY_GONE
        if answered is not None and entered is not None:
            other = self.in_flight.conversation(key[1], entered, answered)
            if other is not None:
                self._tell_ended(other, max(self._at, self.in_flight.talking[other].answered))
                return None
        self._counts.contradict(Contradiction.ENDED_WITHOUT_ANSWER)
        self.in_flight.waiting.pop(key, None)
        self._tell_ended(key, self._at if waits_since is None else max(self._at, waits_since))
        return None

    def _compare(self, start: int, seconds: int | None, kind: Contradiction) -> None:
        if seconds is not None and abs(self._at - start - seconds * SECOND) > TOLERANCE:
            self._counts.contradict(kind)

    def _check_ring(self, waited: int, rang: int) -> None:
        if rang > waited + TOLERANCE:
            self._counts.contradict(Contradiction.RUNG_LONGER_THAN_WAITED)

    # -- events ----------------------------------------------------------------------------

    def _let_in(self, key: Key, entered: int, caller: str | None) -> None:
        gone = self.in_flight.gone_since(key)
        talk = self.in_flight.talking.pop(key, None)
        if gone is not None:
            entered = max(entered, gone + 1)
        if talk is not None:
            entered = max(entered, talk.answered + 1)
        forgotten = self.in_flight.enter(key, entered)
        if forgotten:
            self._counts.contradict(Contradiction.NEVER_ENDED, forgotten)
        self.events.append(
            CallEntered(
                organisation=self._organisation,
                call=key[0],
                queue=key[1],
                at=self._when(entered),
                caller=caller,
            )
        )

    def _tell_answered(self, key: Key, entered: int, at: int, member: str | None) -> None:
        self.in_flight.waiting.pop(key, None)
        self.in_flight.talking[key] = Talk(entered, at)
        self.events.append(
            CallAnswered(
                organisation=self._organisation,
                call=key[0],
                queue=key[1],
                at=self._when(at),
                member=member,
            )
        )

    def _tell_left(self, key: Key, at: int, reason: LeaveReason) -> None:
        self.in_flight.go(key, at, self._at)
        self.events.append(
            CallLeft(
                organisation=self._organisation,
                call=key[0],
                queue=key[1],
                at=self._when(at),
                reason=reason,
            )
        )

    def _tell_ended(self, key: Key, at: int) -> None:
        self.in_flight.talking.pop(key, None)
        self.in_flight.go(key, at, self._at)
        self.events.append(
            CallEnded(organisation=self._organisation, call=key[0], queue=key[1], at=self._when(at))
        )

    def _when(self, at: int) -> datetime:
        return self._moment if at == self._at else to_datetime(at)
