"""Lines of a queue_log -> the events of calls.

| line | event |
| --- | --- |
| ENTERQUEUE | `call.entered` |
| CONNECT | `call.answered` |
| ABANDON, EXITWITHTIMEOUT, EXITWITHKEY, EXITEMPTY, WITHDRAW, SYSCOMPAT | `call.left` |
| COMPLETEAGENT, COMPLETECALLER, TRANSFER, BLINDTRANSFER, ATTENDEDTRANSFER | `call.ended` |
| QUEUESTART | `call.left` as `unknown`, or `call.ended`, for everybody in flight |

All other lines tell of members, or of attempts that did not end a wait. AGENTDUMP is one of these:
the member hung up during the announcement, and the caller goes on waiting.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from streams.events import MAX_NAME
from streams.instants import SECOND
from streams.parsers.queue_log import fields as f
from streams.parsers.queue_log.calls import TOLERANCE, Calls
from streams.parsers.queue_log.counts import Contradiction, Counts, LeftOut
from streams.parsers.queue_log.in_flight import Key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streams.events import CallEvent, LeaveReason
    from streams.pseudonyms import Pseudonymiser

MAX_QUEUES = 10_000
"""Queue names remembered; a log that is no log may hold any number."""

MAX_PEOPLE = 20_000
"""Pseudonyms remembered; making one takes longer than reading a line."""

Handler = Callable[[Key, list[bytes]], str | None]
"""Takes in a line; says why it became no event."""


class QueueLogParser:
    """Reads one exchange's queue_log, line by line, from as many files as it is spread over.

    The events depend neither on how the lines are cut into chunks nor on snapshots between them.
    Nothing is invented at the end of the lines: calls in flight stay open.

    Args:
        organisation: whose calls these are.
        queues: names of queues as Asterisk writes them to those of the configuration; others keep
            theirs.
        pseudonymise: turns numbers and members into pseudonyms; without it both are not read.
        callback_keys: digits by which a caller asks to be called back.

    Attributes:
        counts: what became of the lines.
        through: instant of the newest line that has a time; `None` before the first.
    """

    def __init__(
        self,
        *,
        organisation: str,
        queues: Mapping[str, str],
        pseudonymise: Pseudonymiser | None,
        callback_keys: frozenset[str] = frozenset(),
    ) -> None:
        self.counts = Counts()
        self.through: int | None = None
        self._calls = Calls(organisation, self.counts)
        self._renamed = dict(queues)
        self._pseudonym = None if pseudonymise is None else lru_cache(MAX_PEOPLE)(pseudonymise)
        self._callback_keys = frozenset(key.encode() for key in callback_keys)
        self._queues: dict[bytes, str] = {}
        self._stamp = b""
        self._no_caller = {name: name.decode().lower() for name in f.NO_CALLER_EVENTS}
        self._handlers: dict[bytes, Handler] = {
            b"ENTERQUEUE": self._enter,
            b"CONNECT": self._connect,
            b"ABANDON": self._leaves("abandoned"),
            b"EXITWITHTIMEOUT": self._leaves("timeout"),
            b"EXITEMPTY": self._leaves("empty"),
            b"WITHDRAW": self._leaves("withdrawn"),
            b"EXITWITHKEY": self._press_key,
            b"SYSCOMPAT": self._drop,
            b"COMPLETEAGENT": self._complete,
            b"COMPLETECALLER": self._complete,
            b"TRANSFER": self._transfer,
            b"BLINDTRANSFER": self._transfer,
            b"ATTENDEDTRANSFER": self._transfer,
            b"RINGNOANSWER": self._rings("ringnoanswer"),
            b"RINGCANCELED": self._rings("ringcanceled"),
            b"AGENTDUMP": self._rings("agentdump"),
        }

    @property
    def waiting(self) -> int:
        """Callers who wait, as far as the lines tell."""
        return len(self._calls.in_flight.waiting)

    @property
    def talking(self) -> int:
        """Callers who talk to a member, as far as the lines tell."""
        return len(self._calls.in_flight.talking)

    @property
    def queues(self) -> frozenset[str]:
        """Queues that were spoken of since the parser was made, by their names in events."""
        return frozenset(self._queues.values())

    @property
    def reads_people(self) -> bool:
        """Whether callers and members are told."""
        return self._pseudonym is not None

    def feed(self, lines: Sequence[bytes]) -> list[CallEvent]:
        """The events of some lines, with or without their line ends; never raises on content."""
        events = self._calls.events = []
        counts = self.counts
        read = self._read
        for line in lines:
            counts.lines += 1
            reason = read(line)
            if reason is not None:
                counts.leave_out(reason)
        counts.events += len(events)
        return events

    def snapshot(self) -> bytes:
        """What is in flight, to go on from after these lines; a few bytes for each caller."""
        return self._calls.in_flight.pack(self.through)

    def restore(self, data: bytes) -> None:
        """Go on from a snapshot; `StateError` if it is none."""
        self.through = self._calls.in_flight.unpack(data)
        self._stamp = b""

    def _read(self, line: bytes) -> str | None:
        if len(line) > f.LONGEST_LINE:
            return LeftOut.TOO_LONG
        fields = line.rstrip(b"\r\n").split(f.SEPARATOR)
        if len(fields) <= f.EVENT:
            return LeftOut.TRUNCATED if line.strip() else LeftOut.BLANK
        before = self.through
        stamp = fields[f.TIME]
        if stamp != self._stamp and (reason := self._set_time(stamp)):
            return reason
        event = fields[f.EVENT]
        handler = self._handlers.get(event)
        if handler is None:
            return self._tell_nothing(event, before)
        call = fields[f.CALL].decode("utf-8", "backslashreplace")
        if call in f.NO_CALL:
            return LeftOut.NO_CALL
        queue = self._queues.get(fields[f.QUEUE]) or self._name_queue(fields[f.QUEUE])
        if not queue:
            return LeftOut.NO_QUEUE
        if len(call) > MAX_NAME or len(queue) > MAX_NAME:
            return LeftOut.NAME_TOO_LONG
        return handler((call, queue), fields)

    def _set_time(self, stamp: bytes) -> str | None:
        seconds = f.read_seconds(stamp)
        if seconds is None:
            return LeftOut.NO_TIME
        if not f.EARLIEST <= seconds < f.LATEST:
            return LeftOut.IMPLAUSIBLE_TIME
        at = seconds * SECOND
        if self.through is not None and at < self.through - TOLERANCE:
            self.counts.contradict(Contradiction.TIME_WENT_BACK)
        self._stamp = stamp
        self.through = at
        self._calls.set_time(at)
        return None

    def _name_queue(self, field: bytes) -> str:
        if field in f.NOBODY:
            return ""
        name = f.read_name(field)
        queue = self._renamed.get(name, name)
        if len(self._queues) < MAX_QUEUES:
            self._queues[field] = queue
        return queue

    def _tell_nothing(self, event: bytes, before: int | None) -> str | None:
        if event == b"QUEUESTART":
            return self._calls.start_anew(before or 0)
        reason = self._no_caller.get(event)
        if reason is None:
            self.counts.not_known(event)
            return LeftOut.UNKNOWN_EVENT
        return reason

    # -- the fields of each event ----------------------------------------------------------

    def _enter(self, key: Key, fields: list[bytes]) -> None:
        """Address | number of the caller | position [| name of the caller]."""
        caller = None
        if self._pseudonym is not None and len(fields) > f.DATA + 1:
            number = f.read_name(fields[f.DATA + 1]).strip()
            if number.casefold() not in f.ANONYMOUS:
                caller = self._pseudonym(number)
        self._calls.enter(key, caller)

    def _connect(self, key: Key, fields: list[bytes]) -> str | None:
        """Hold (s) | id of the member's call | ring (s)."""
        member = None
        if self._pseudonym is not None and fields[f.MEMBER] not in f.NOBODY:
            member = self._pseudonym(f.read_name(fields[f.MEMBER]))
        rang = f.read_duration(fields, f.DATA + 2)
        return self._calls.answer(key, self._duration(fields, f.DATA), rang, member)

    def _leaves(self, reason: LeaveReason) -> Handler:
        """Position | first position | wait (s) [| what the one who withdrew it wrote]."""

        def leave(key: Key, fields: list[bytes]) -> str | None:
            return self._calls.leave(key, reason, self._duration(fields, f.DATA + 2))

        return leave

    def _press_key(self, key: Key, fields: list[bytes]) -> str | None:
        """Key | position | first position | wait (s)."""
        pressed = fields[f.DATA] if len(fields) > f.DATA else b""
        reason: LeaveReason = "callback" if pressed in self._callback_keys else "key"
        return self._calls.leave(key, reason, self._duration(fields, f.DATA + 3))

    def _drop(self, key: Key, _fields: list[bytes]) -> str | None:
        """Nothing: the channels of caller and member did not fit together."""
        return self._calls.leave(key, "unknown", None)

    def _complete(self, key: Key, fields: list[bytes]) -> str | None:
        """Hold (s) | talk (s) | first position."""
        hold, spoke = f.read_duration(fields, f.DATA), self._duration(fields, f.DATA + 1)
        return self._calls.end(key, hold, spoke)

    def _transfer(self, key: Key, fields: list[bytes]) -> str | None:
        """Whereto, in two fields or three | hold (s) | talk (s) | first position."""
        rest = fields[-3:] if len(fields) >= f.DATA + 5 else []
        return self._calls.end(key, f.read_duration(rest, 0), self._duration(rest, 1))

    def _rings(self, reason: str) -> Handler:
        """Ring (ms), where a telephone rang in vain."""
        tell = self._calls.ring

        def ring(key: Key, fields: list[bytes]) -> str:
            tell(key, f.read_duration(fields, f.DATA, f.LONGEST_MILLISECONDS))
            return reason

        return ring

    def _duration(self, fields: list[bytes], place: int) -> int | None:
        duration = f.read_duration(fields, place)
        if duration is None:
            self.counts.contradict(Contradiction.NO_DURATION)
        return duration
