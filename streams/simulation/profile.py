"""How much happens in a simulated week, when, and how long people take over it.

The volumes are those of a Swedish municipality with some tens of thousands of inhabitants; the
rest was chosen so that four weekdays in five look ordinary and one does not.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from datetime import time, timedelta
from typing import TYPE_CHECKING

import msgspec

from streams.instants import MILLISECOND, SECOND, local_date, local_instant

if TYPE_CHECKING:
    from datetime import datetime
    from random import Random
    from zoneinfo import ZoneInfo

TUESDAY = 1


class Spread(msgspec.Struct, frozen=True):
    """A lognormal duration: half of them are shorter than `median` (seconds).

    `sigma` is the standard deviation of its logarithm: 0.5 is close together, 1 far apart.
    """

    median: float
    sigma: float

    @property
    def mean(self) -> float:
        """The expected duration in seconds."""
        return self.median * math.exp(self.sigma**2 / 2)

    def draw(self, rng: Random) -> int:
        """One duration in microseconds, whole milliseconds as exchanges write them."""
        seconds = self.median * math.exp(rng.gauss(0, self.sigma))
        return max(1, round(seconds * 1000)) * MILLISECOND


class Hours(msgspec.Struct, frozen=True):
    """Some hours of one weekday, in minutes of the local day, `start` included."""

    weekday: int
    start: int
    end: int

    def has(self, moment: datetime) -> bool:
        """Whether a local moment lies in it."""
        minute = moment.hour * 60 + moment.minute
        return moment.weekday() == self.weekday and self.start <= minute < self.end


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of week.

    Attributes:
        calls, emails, visits: in a week without holidays; messages of citizens for e-mails.
        weekdays: relative volumes, Monday first.
        day: relative volume over the minutes of the day, straight lines between the points.
        mail_day: the same for e-mails, which arrive at night too.
        lunch: minutes of the day at which some members eat.
        at_lunch: share of them that does.
        spare: members beyond the expected load, in square roots of that load.
        short_staffed: weekday on which members are missing.
        missing: share of them.
        patience, handling, wrap_up, ringing: of a call.
        short_abandons: share of callers who hang up within five seconds.
        key_presses: share of callers who choose to leave by a key, for an answer by machine.
        transferred: share of first conversations that go on to another queue.
        overflow_after: wait in seconds after which a caller moves on to the first queue.
        callback_after: wait in seconds from which a call back is offered.
        callbacks: share of callers who take it.
        coded: share of conversations whose outcome is noted; `resolved`, of these, solved.
        rush: when more people call than anybody reckoned with, if so.
        rush_factor: how many times more.
        no_mail: when nobody has time to answer mail; what they would have answered waits.
        surveyed_calls, surveyed_emails: share of citizens who answer a survey the day after.
    """

    calls: int = 6_500
    emails: int = 120
    visits: int = 400
    weekdays: tuple[float, ...] = (1.25, 1.02, 0.98, 0.93, 0.82, 0.12, 0.1)
    day: tuple[tuple[int, float], ...] = (
        (0, 0.02), (360, 0.05), (450, 0.5), (480, 1.0), (570, 1.4), (630, 1.3), (690, 1.05),
        (735, 0.62), (780, 0.95), (840, 1.15), (900, 0.95), (960, 0.65), (1020, 0.4),
        (1200, 0.15), (1440, 0.02),
    )  # fmt: skip
    mail_day: tuple[tuple[int, float], ...] = (
        (0, 0.08), (360, 0.1), (480, 1.0), (600, 1.4), (720, 0.9), (840, 1.2), (960, 0.9),
        (1080, 0.6), (1260, 0.6), (1380, 0.3), (1440, 0.08),
    )  # fmt: skip
    lunch: tuple[int, int] = (690, 780)
    at_lunch: float = 0.12
    spare: float = -0.05
    short_staffed: int = TUESDAY
    missing: float = 0.21
    patience: Spread = Spread(300, 1.0)
    handling: Spread = Spread(170, 0.75)
    wrap_up: Spread = Spread(22, 0.6)
    ringing: Spread = Spread(5, 0.4)
    short_abandons: float = 0.015
    key_presses: float = 0.008
    transferred: float = 0.07
    overflow_after: float = 300
    callback_after: float = 180
    callbacks: float = 0.12
    coded: float = 0.85
    resolved: float = 0.51
    rush: Hours | None = None
    rush_factor: float = 1
    no_mail: Hours | None = None
    surveyed_calls: float = 0.02
    surveyed_emails: float = 0.08

    def share_of_week(self, weekday: int) -> float:
        """The part of a week's volume that a weekday has; Monday to Friday make a whole."""
        return self.weekdays[weekday] / sum(self.weekdays[:5])


MUNICIPAL = Profile()
BAD_TUESDAY = Profile(
    emails=200,
    missing=0,
    spare=0.5,
    rush=Hours(TUESDAY, 10 * 60, 12 * 60),
    rush_factor=2.5,
    no_mail=Hours(TUESDAY, 7 * 60, 14 * 60 + 30),
)
"""Well staffed, until on Tuesday at ten the water is gone: all phones ring, and no mail is answered
until half past two. Whoever is warned then can still answer all that is promised for five."""

SCENARIOS = {"ordinary": MUNICIPAL, "bad-tuesday": BAD_TUESDAY}


def height(curve: tuple[tuple[int, float], ...], minute: float) -> float:
    """A curve's value between its points.

    >>> height(((0, 0.0), (60, 1.0)), 15)
    0.25
    """
    place = bisect_right([point for point, _ in curve], minute)
    (left, low), (right, high) = curve[max(0, place - 1)], curve[min(place, len(curve) - 1)]
    return low if left == right else low + (high - low) * (minute - left) / (right - left)


def next_stretch(hours: Hours, instant: int, zone: ZoneInfo) -> tuple[int, int]:
    """The first time from an instant on that these hours of a weekday come, or the present one.

    >>> from zoneinfo import ZoneInfo
    >>> next_stretch(Hours(3, 60, 120), 0, ZoneInfo("UTC"))  # 1970 began on a Thursday
    (3600000000, 7200000000)
    """
    day = local_date(instant, zone)
    day += timedelta(days=(hours.weekday - day.weekday()) % 7)
    while True:
        begins, ends = (
            local_instant(day, time(*divmod(minute, 60)), zone)
            for minute in (hours.start, hours.end)
        )
        if instant < ends:
            return begins, ends
        day += timedelta(days=7)


def weights(count: int) -> list[float]:
    """Shares of `count` queues or mailboxes: the first is the switchboard and has the most.

    >>> [round(share, 2) for share in weights(3)]
    [0.55, 0.27, 0.18]
    """
    raw = [1 / (place + 1) for place in range(count)]
    return [share / sum(raw) for share in raw]


def seconds(amount: float) -> int:
    """Seconds in microseconds, cut to whole milliseconds."""
    return int(amount * SECOND) // MILLISECOND * MILLISECOND
