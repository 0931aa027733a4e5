"""Simulated answers to the survey that goes out the day after a contact."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from streams.events import SurveyAnswered
from streams.instants import HOUR, MINUTE, local_date, start_of_day, to_datetime
from streams.simulation.profile import Spread, seconds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from streams.events import Event, Question, SurveyChannel
    from streams.organisations import Organisation
    from streams.simulation.mailboxes import Asked
    from streams.simulation.profile import Profile
    from streams.simulation.telephone import Handled

SENT_AT = 10 * HOUR
TIME_TO_ANSWER = Spread(40 * 60, 1.2)
MOODS = {
    "bemotande": (0.02, 0.04, 0.1, 0.28, 0.56),
    "enkelhet": (0.06, 0.08, 0.16, 0.3, 0.4),
    "tydlighet": (0.04, 0.05, 0.13, 0.3, 0.48),
}
"""Shares of the scores 1-5 among people with nothing to complain about."""

LONG_WAIT = 3 * MINUTE


def call_surveys(
    organisation: Organisation, handled: list[Handled], *, rng: Random, profile: Profile
) -> Iterator[tuple[int, Event]]:
    """What callers answer to the text message of the next day; a long wait costs them points."""
    for call in handled:
        if rng.random() < profile.surveyed_calls:
            grudge = (call.waited > LONG_WAIT) + (call.resolved is False)
            yield from _answers(
                organisation,
                f"{call.call}-sms",
                channel="calls",
                questions=("bemotande", "enkelhet"),
                contact=call.ended,
                grudge=grudge,
                rng=rng,
            )


def email_surveys(
    organisation: Organisation, asked: list[Asked], *, rng: Random, profile: Profile
) -> Iterator[tuple[int, Event]]:
    """What writers answer; those who got no reply say so and are asked nothing else."""
    for mail in asked:
        if rng.random() < profile.surveyed_emails:
            yield from _answers(
                organisation,
                f"{mail.conversation}-survey",
                channel="emails",
                questions=("enkelhet", "tydlighet"),
                contact=mail.at,
                grudge=0 if mail.got_reply else 2,
                rng=rng,
                got_reply=mail.got_reply,
            )


def _answers(
    organisation: Organisation,
    answer: str,
    *,
    channel: SurveyChannel,
    questions: tuple[Question, ...],
    contact: int,
    grudge: int,
    rng: Random,
    got_reply: bool | None = None,
) -> Iterator[tuple[int, Event]]:
    zone = organisation.zone
    tomorrow = local_date(contact, zone) + timedelta(days=1)
    at = start_of_day(tomorrow, zone) + SENT_AT + TIME_TO_ANSWER.draw(rng)
    for question in questions:
        score = rng.choices((1, 2, 3, 4, 5), weights=MOODS[question])[0]
        yield (
            at,
            SurveyAnswered(
                organisation=organisation.name,
                answer=answer,
                channel=channel,
                question=question,
                score=max(1, score - grudge),
                at=to_datetime(at, zone),
                got_reply=got_reply,
            ),
        )
        at += seconds(rng.uniform(5, 30))
