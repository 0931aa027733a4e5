"""When an alert fires: every number in one place, with its reason.

A burn of 1 uses up exactly what a promise allows to be missed: with a target of 80 % one call in
five. A burn of 2 is two in five. The large factors of services that promise 99.9 % can never be
reached here: 14.4 times 20 % is more than everything.
"""

from __future__ import annotations

FAST_BURN = 2.0
"""Misses come twice as fast as the promise allows: below 60 % with a target of 80 %."""
EARLY_BURN = 0.5
"""Half of what an hour may miss has been missed: the hour can still be saved."""
FAST_MIN_EVENTS = 10
"""In a quarter of an hour; below that two slow calls look like a collapse."""
HOUR_MIN_EVENTS = 20
PAGE_MIN_EVENTS = 50
"""In an hour; nobody is called for what a handful of callers met with."""

LONGEST_WAIT_PROMISES = 5
"""A caller waits this many times as long as the strictest promise of the queue allows."""
ABANDONMENT_LIMIT = 0.10
"""One in ten gives up; judged by the lower bound of its interval, so a few cannot make it."""

DUE_HOURS = "4"
"""Working hours ahead that are looked at: half a day, enough to move members to the mailbox."""
DUE_MIN = 3
SHORTFALL_MIN = 2
"""Mails that would be left over; one is within what the pace varies by anyway."""
PACE_MEMORY = 3 * 3600
"""Seconds over which the pace is averaged, each sample of it counting an hour: the last four."""
PACE_MIN_OPEN = 900
"""Mean open seconds in those hours; soon after opening the pace of the day before still holds."""
MANY_OVERDUE = 3
WEEK_MIN_EVENTS = 20
"""Fewer decided mails in a week make a share that one mail moves by five points or more."""

HELD = 300
"""Seconds an alert about numbers goes on without them: a worker that restarts, or hands its
organisations over, shows none for about a minute, and nobody is to be told that it is over."""
TRUTH_BEHIND = SOURCE_BEHIND = 15 * 60
"""Seconds; as long as a channel waits for a slow source before it goes on without (ADR 10). Readers
may be configured to stay ten minutes behind."""
SILENCES = {
    "calls": ((1, "1h", 3000), (4, "today", 600)),
    "visits": ((4, "today", 400),),
    "emails": ((4, "today", 300),),
}
"""Open hours without a single contact, the window that shows it, and from how many contacts in four
weeks on that is no chance: with fewer it happened more than once in two years by chance alone, with
arrivals as on an ordinary day (a dip at lunch, a quiet last hour)."""

CRASH_LOOP = 4 * 60
"""Seconds for which a worker that was up counts as one that comes back; less than the five minutes
after which partitions without an owner are told, so that workers gone for good are told once."""
EXPORT_MEMORY = 10 * 60
"""Seconds for which what a worker said about exports counts after it is gone. One that was started
anew says nothing for the first minutes, and one that is cut off from Kafka nothing at all."""
LAG_RECORDS = 1_000
"""More than ten seconds of the busiest hour of all municipalities together."""
