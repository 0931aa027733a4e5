"""Simulated e-mail conversations: written at any hour, answered in working hours.

Every case that is easily counted wrong occurs: automatic acknowledgements and absence notices,
holding replies, a "thank you" after the answer, spam, and questions that nobody ever answers.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from streams.calendars import CalendarError
from streams.events import EmailClosed, EmailForwarded, EmailReceived, EmailSent
from streams.instants import DAY, start_of_day, to_datetime
from streams.simulation.arrivals import draw_instants, stretches
from streams.simulation.profile import Spread, next_stretch, seconds, weights

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from random import Random

    from streams.calendars import Calendar
    from streams.events import CloseReason, Event
    from streams.organisations import Organisation
    from streams.simulation.profile import Hours, Profile

WRITTEN_AGAIN = 0.2
"""Messages that follow an answer, for each conversation."""

CATCH_UP = 100 * 60
"""Seconds within which is answered what nobody had time for."""

OLD = 2 * DAY
"""What has waited for so long is answered first."""

REPLY = Spread(5.5 * 3600, 1.1)
TRIAGE = Spread(1.2 * 3600, 0.8)
FULL_ANSWER = Spread(20 * 3600, 0.5)
FOLLOW_UP = Spread(5 * 3600, 1.0)
"""The first three are working time, the last is the citizen's own."""

NO_REPLY: tuple[CloseReason, ...] = ("spam", "spam", "wrong_address", "duplicate")
UNITS = ("bygg", "socialtjanst", "skola", "teknik")


class Asked(msgspec.Struct, frozen=True):
    """A citizen who wrote, for those who ask how it was; `at` is the answer, or the question."""

    conversation: str
    at: int
    got_reply: bool


class Mailboxes:
    """The conversations that begin on one local day.

    Attributes:
        asked: who wrote a question, in the order of `events()`; complete when these are.
    """

    def __init__(
        self, organisation: Organisation, day: date, *, rng: Random, profile: Profile, prefix: str
    ) -> None:
        """`prefix` begins the name of every conversation."""
        self.asked: list[Asked] = []
        self._organisation = organisation
        self._day = day
        self._rng = rng
        self._profile = profile
        self._prefix = prefix

    def events(self) -> Iterator[tuple[int, Event]]:
        """Everything that happens in these conversations, with its instant; not in time order."""
        mailboxes = self._organisation.mailboxes
        zone = self._organisation.zone
        begins = start_of_day(self._day, zone)
        ends = start_of_day(self._day + timedelta(days=1), zone)
        pieces = stretches([(begins, ends)], self._profile.mail_day, zone)
        expected = self._profile.emails / (1 + WRITTEN_AGAIN)
        expected *= self._profile.share_of_week(self._day.weekday())
        number = 0
        for share, (mailbox, part) in zip(weights(len(mailboxes)), mailboxes.items(), strict=True):
            calendar = self._organisation.calendars[part.calendar]
            for at in draw_instants(self._rng, expected * share, pieces):
                number += 1
                name = f"{self._prefix}-{number:04}"
                thread = Thread(
                    self._organisation,
                    mailbox,
                    calendar,
                    name,
                    self._rng,
                    no_mail=self._profile.no_mail,
                )
                yield from self._play(thread, at)

    def _play(self, thread: Thread, at: int) -> Iterator[tuple[int, Event]]:
        """One conversation, from the citizen's first message on."""
        rng = self._rng
        if rng.random() < 0.04:
            # An absence notice or a newsletter: a machine writes, and nobody has to answer.
            yield thread.received(at, automatic=True)
            return
        yield thread.received(at)
        if rng.random() < 0.09:
            yield thread.closed(thread.working(at, TRIAGE), rng.choice(NO_REPLY))
            return
        yield thread.sent(at + seconds(rng.uniform(2, 40)), automatic=True)
        if rng.random() < 0.04:
            self.asked.append(Asked(thread.conversation, at, got_reply=False))
            return
        taken = at
        if rng.random() < 0.15:
            taken = thread.working(at, TRIAGE)
            if rng.random() < 0.1:
                yield thread.closed(taken, "handled_elsewhere")
                return
            yield thread.forwarded(taken, rng.choice(UNITS))
        answer = thread.working(taken, REPLY)
        if rng.random() < 0.1:
            later = thread.working(answer, FULL_ANSWER)
            yield thread.sent(answer, promised_by=later + seconds(3600))
            answer = later
        yield thread.sent(answer)
        self.asked.append(Asked(thread.conversation, answer, got_reply=True))
        yield from self._afterwards(thread, answer)

    def _afterwards(self, thread: Thread, answer: int) -> Iterator[tuple[int, Event]]:
        rng = self._rng
        if rng.random() < 0.05:
            yield thread.received(answer + seconds(rng.uniform(1, 9)), automatic=True)
        if rng.random() >= WRITTEN_AGAIN:
            return
        again = answer + FOLLOW_UP.draw(rng)
        yield thread.received(again)
        if rng.random() < 0.6:
            # "Tack!" needs no answer, but somebody has to read it to know.
            yield thread.closed(thread.working(again, TRIAGE), "no_reply_needed")
        else:
            yield thread.sent(thread.working(again, REPLY))


class Thread:
    """One conversation in the making: names its messages and knows when somebody works."""

    def __init__(
        self,
        organisation: Organisation,
        mailbox: str,
        calendar: Calendar,
        conversation: str,
        rng: Random,
        *,
        no_mail: Hours | None,
    ) -> None:
        self.conversation = conversation
        self._organisation = organisation.name
        self._zone = organisation.zone
        self._mailbox = mailbox
        self._calendar = calendar
        self._rng = rng
        self._no_mail = no_mail
        self._sender = f"{rng.getrandbits(64):016x}"
        self._messages = 0

    def working(self, since: int, effort: Spread) -> int:
        """When something is done that takes `effort` of open time, or of any if never open."""
        duration = effort.draw(self._rng)
        try:
            done = self._calendar.add_working_time(since, duration)
        except CalendarError:
            done = since + duration
        return done if self._no_mail is None else self._after(self._no_mail, since, done)

    def _after(self, pause: Hours, since: int, done: int) -> int:
        """When it is done if nobody has time during a pause, and the oldest comes first then."""
        begins, ends = next_stretch(pause, since, self._zone)
        overtaken = done >= ends and ends - since >= OLD
        if not begins <= done < ends and not overtaken:
            return done
        return max(since, ends) + seconds(self._rng.uniform(0, CATCH_UP))

    def received(self, at: int, *, automatic: bool = False) -> tuple[int, Event]:
        """The citizen's next message, or a machine's in their name."""
        return at, EmailReceived(
            organisation=self._organisation,
            conversation=self.conversation,
            message=self._next_message(),
            mailbox=self._mailbox,
            at=to_datetime(at, self._zone),
            automatic=automatic,
            sender=self._sender,
        )

    def sent(
        self, at: int, *, automatic: bool = False, promised_by: int | None = None
    ) -> tuple[int, Event]:
        """A message to the citizen; with `promised_by` it is a holding reply."""
        return at, EmailSent(
            organisation=self._organisation,
            conversation=self.conversation,
            message=self._next_message(),
            mailbox=self._mailbox,
            at=to_datetime(at, self._zone),
            automatic=automatic,
            holding=promised_by is not None,
            promised_by=None if promised_by is None else to_datetime(promised_by, self._zone),
        )

    def closed(self, at: int, reason: CloseReason) -> tuple[int, Event]:
        """Put aside without a reply."""
        return at, EmailClosed(
            organisation=self._organisation,
            conversation=self.conversation,
            at=to_datetime(at, self._zone),
            reason=reason,
        )

    def forwarded(self, at: int, unit: str) -> tuple[int, Event]:
        """Handed to another unit."""
        return at, EmailForwarded(
            organisation=self._organisation,
            conversation=self.conversation,
            at=to_datetime(at, self._zone),
            unit=unit,
        )

    def _next_message(self) -> str:
        self._messages += 1
        return f"{self.conversation}-{self._messages}"
