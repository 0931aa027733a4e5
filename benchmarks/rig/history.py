"""A made history of contact centres: clean, in order of time, and nothing twice.

So that programs which cannot merge, sort or correct compute the same numbers as one that can.
Twelve organisations, three to a partition, fifty queues and twelve mailboxes; a call tells three or
four events, one contact in seventy is a mail. The same seed makes the same history.
"""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from streams.instants import DAY, HOUR, SECOND, parse_rfc3339, to_rfc3339
from streams.topics import CALLS, EMAILS

if TYPE_CHECKING:
    from collections.abc import Iterator

PARTITIONS: Final = 4
ORGANISATIONS: Final = (
    "boras", "eslov", "skara", "arvika", "lund", "ystad",
    "kalmar", "kiruna", "sala", "alingsas", "falun", "umea",
)  # fmt: skip
"""Kafka's partitioner puts three of them on each of four partitions."""

QUEUES: Final = 50
START: Final = parse_rfc3339("2026-09-07T05:00:00Z")
OPEN: Final = 9 * HOUR
CALLS_A_DAY: Final = 1_400
MAILS_A_DAY: Final = 20
WITHIN: Final = 120 * SECOND

Numbers = dict[tuple[str, str, int], int]
"""What to count: name, queue or mailbox, and hour since 1970 in which it happened."""

QUEUES_OF: Final = {
    name: tuple(f"q{n:02}" for n in range(place, QUEUES, len(ORGANISATIONS)))
    for place, name in enumerate(ORGANISATIONS)
}


class Told(NamedTuple):
    """One event as it goes to Kafka."""

    at: int
    topic: str
    organisation: str
    value: bytes


class History:
    """Events in order of time, and what they come to.

    Attributes:
        events: in the order in which they are told.
    """

    def __init__(self, events: int, *, seed: int = 1) -> None:
        """The first `events` of what happened from `START` on."""
        chance = random.Random(seed)  # noqa: S311 - no secret
        told: list[tuple[Told, tuple[str, str] | None]] = []
        day = 0
        while len(told) < events:
            weekday = day % 7 < 5
            if weekday:
                for name in ORGANISATIONS:
                    told.extend(_day(chance, name, START + day * DAY, day))
            day += 1
        told.sort(key=lambda pair: pair[0].at)
        self._told = told[:events]
        self.events = [event for event, _ in self._told]

    def numbers(self, first: int | None = None) -> Numbers:
        """What the first events come to, counted without any of the programs measured."""
        counts: Numbers = Counter()
        for event, counted in self._told[:first]:
            if counted is None:
                continue
            name, part = counted
            hour = event.at // HOUR
            counts["answered" if name == "within" else name, part, hour] += 1
            if name == "within":
                counts[name, part, hour] += 1
        return dict(counts)


def _day(
    chance: random.Random, organisation: str, begin: int, day: int
) -> Iterator[tuple[Told, tuple[str, str] | None]]:
    """One organisation's day: each event with what it counts as."""
    for number in range(CALLS_A_DAY):
        call = f"{organisation[:2]}{day:02}.{number:05}"
        queue = chance.choice(QUEUES_OF[organisation])
        entered = begin + int(chance.random() * OPEN)
        caller = f"{chance.getrandbits(64):016x}"

        def tell(
            kind: str,
            at: int,
            counted: tuple[str, str] | None,
            *,
            call: str = call,
            **fields: object,
        ) -> tuple[Told, tuple[str, str] | None]:
            event = {
                "type": f"call.{kind}",
                "organisation": organisation,
                "call": call,
                **fields,
                "at": to_rfc3339(at),
            }
            return Told(at, CALLS, organisation, msgspec.json.encode(event)), counted

        yield tell("entered", entered, ("offered", queue), queue=queue, caller=caller)
        waited = 1 + int(chance.expovariate(1 / 50))
        left = entered + waited * SECOND
        if chance.random() < 0.08:
            yield tell("left", left, ("abandoned", queue), queue=queue, reason="abandoned")
            yield tell("ended", left + 1, None)
            continue
        answered = ("within" if left <= entered + WITHIN else "answered", queue)
        member = f"m{chance.randrange(40):02}"
        yield tell("answered", left, answered, queue=queue, member=member)
        ended = left + int(chance.expovariate(1 / 180) * SECOND) + 1
        yield tell("ended", ended, None, queue=queue, resolved=chance.random() < 0.7)
        if chance.random() < 0.5:
            yield tell("ended", ended + 1, None)
    for number in range(MAILS_A_DAY):
        mail = f"{organisation}-{day:02}-{number:02}"
        received = begin + int(chance.random() * OPEN)
        common = {
            "organisation": organisation,
            "conversation": mail,
            "mailbox": f"mail-{organisation}",
            "automatic": False,
        }
        event = {"type": "email.received", **common, "message": "in", "at": to_rfc3339(received)}
        said = Told(received, EMAILS, organisation, msgspec.json.encode(event))
        yield said, ("received", f"mail-{organisation}")
        if chance.random() < 0.8:
            at = received + int(chance.expovariate(1 / 4) * HOUR)
            event = {"type": "email.sent", **common, "message": "out", "at": to_rfc3339(at)}
            said = Told(at, EMAILS, organisation, msgspec.json.encode(event))
            yield said, ("replied", f"mail-{organisation}")
