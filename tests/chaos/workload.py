"""What is published: a known multiset of facts, in the order their sources tell them.

Every contact has a number of its own, each source says how far it has told everything, and what is
sent twice was sent before. So at every `as_of` that a worker shows, it is known what it must show.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from streams import events as ev
from streams.codec import encode_event
from streams.instants import HOUR, MINUTE, SECOND, parse_rfc3339, to_datetime
from streams.topics import CALLS, EMAILS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

START = parse_rfc3339("2026-11-16T07:00:00Z")
WITHIN = 120 * SECOND
"""As the promise `answered-in-2-minutes` says."""
QUEUES = ("vaxel", "bygg-och-miljo", "omsorg", "nowhere")
BEAT = 30 * SECOND
DUPLICATES = 0.05
RECENT = 400
POISON = (
    b"\xff\xfe no text",
    b'{"type": "call.entered", ',
    b'{"type": "call.sung", "organisation": "k1"}',
    b'{"type": "call.entered", "organisation": "k1", "call": "1"}',
    b'{"type": "heartbeat", "organisation": "k1", "source": "exchange", "through": "soon"}',
)


class Sent(NamedTuple):
    """One record.

    Attributes:
        astray: whether it goes to a partition that is not its organisation's.
    """

    topic: str
    organisation: str
    value: bytes
    astray: bool = False


class Workload:
    """Facts of some organisations, without end.

    Attributes:
        distinct: every good event once, in the order published, with its topic.
        poison: how many bad records were published.
    """

    def __init__(
        self,
        random: Random,
        organisations: tuple[str, ...],
        *,
        step: tuple[int, int] = (2, 8),
        replied: float = 0.7,
    ) -> None:
        """Nothing yet.

        Args:
            random: decides everything.
            organisations: whose facts.
            step: fewest and most seconds between two calls of an organisation.
            replied: share of mails that get a reply.
        """
        self.distinct: list[tuple[str, ev.AnyEvent]] = []
        self.poison = 0
        self._step = step
        self._replied = replied
        self._random = random
        self._organisations = organisations
        self._now = START
        self._beaten = START
        self._number = 0
        self._waiting: list[tuple[int, int, str, ev.AnyEvent]] = []
        self._recent: deque[Sent] = deque(maxlen=RECENT)
        self._missed: dict[str, list[int]] = {name: [] for name in organisations}

    def missed(self, organisation: str, as_of: int) -> int:
        """How many calls had missed the promise of two minutes by an instant."""
        due = sorted(self._missed[organisation])
        return bisect_left(due, as_of)

    def more(self, calls: int, *, poison: float = 0.0) -> Iterator[Sent]:
        """Some more calls (and mails) of each organisation, told up to the same instant.

        Args:
            calls: of each organisation.
            poison: share of bad records among all.
        """
        for _ in range(calls):
            self._now += self._random.randint(*self._step) * SECOND
            for organisation in self._organisations:
                self._call(organisation)
                if self._number % 10 == 0:
                    self._mail(organisation)
            yield from self._told(poison)

    def beat(self) -> Iterator[Sent]:
        """Every source says once more how far it has told everything."""
        self._now += BEAT
        yield from self._told(0.0)

    def _told(self, poison: float) -> Iterator[Sent]:
        """What happened until now, and how far it was told."""
        while self._waiting and self._waiting[0][0] <= self._now:
            _, _, topic, event = heapq.heappop(self._waiting)
            yield from self._send(topic, event, poison)
        if self._now - self._beaten >= BEAT:
            self._beaten = self._now
            for organisation in self._organisations:
                for topic, source in ((CALLS, "exchange"), (EMAILS, "mailbox")):
                    through = to_datetime(self._now)
                    beat = ev.Heartbeat(organisation=organisation, source=source, through=through)
                    yield from self._send(topic, beat, 0.0)

    def _send(self, topic: str, event: ev.AnyEvent, poison: float) -> Iterator[Sent]:
        self.distinct.append((topic, event))
        sent = Sent(topic, event.organisation, encode_event(event))
        yield sent
        self._recent.append(sent)
        if self._random.random() < DUPLICATES:
            again = self._random.choice(self._recent)
            yield again._replace(astray=self._random.random() < DUPLICATES)
        while self._random.random() < poison:
            self.poison += 1
            yield Sent(topic, event.organisation, self._random.choice(POISON))

    def _call(self, organisation: str) -> None:
        random = self._random
        self._number += 1
        call, queue, entered = f"c{self._number}", random.choice(QUEUES), self._now
        wait = random.randint(1, 90) if random.random() < 0.8 else random.randint(90, 600)
        left = entered + wait * SECOND
        self._put(
            entered,
            ev.CallEntered(
                organisation=organisation, call=call, queue=queue, at=to_datetime(entered)
            ),
        )
        if left > entered + WITHIN:
            self._missed[organisation].append(entered + WITHIN)
        if random.random() < 0.85:
            ended = left + random.randint(30, 400) * SECOND
            self._put(
                left,
                ev.CallAnswered(
                    organisation=organisation, call=call, queue=queue, at=to_datetime(left)
                ),
            )
            self._put(
                ended,
                ev.CallEnded(
                    organisation=organisation,
                    call=call,
                    at=to_datetime(ended),
                    resolved=random.choice((True, False, None)),
                    topic=random.choice(("bygglov", "avfall", None)),
                ),
            )
        else:
            self._put(
                left,
                ev.CallLeft(
                    organisation=organisation,
                    call=call,
                    queue=queue,
                    at=to_datetime(left),
                    reason="abandoned",
                ),
            )

    def _mail(self, organisation: str) -> None:
        random, received, name = self._random, self._now, f"m{self._number}"
        self._put(
            received,
            ev.EmailReceived(
                organisation=organisation,
                conversation=name,
                message="in",
                mailbox="kontaktcenter",
                at=to_datetime(received),
                automatic=False,
            ),
            EMAILS,
        )
        if random.random() < self._replied:
            at = received + random.randint(5 * MINUTE, 8 * HOUR)
            self._put(
                at,
                ev.EmailSent(
                    organisation=organisation,
                    conversation=name,
                    message="out",
                    mailbox="kontaktcenter",
                    at=to_datetime(at),
                    automatic=False,
                ),
                EMAILS,
            )

    def _put(self, at: int, event: ev.AnyEvent, topic: str = CALLS) -> None:
        self._number += 1
        heapq.heappush(self._waiting, (at, self._number, topic, event))
