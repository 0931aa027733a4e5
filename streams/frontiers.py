"""How far the truth reaches: `as_of` of one channel of one organisation.

Each source moves its own frontier, by its heartbeats ("I have read everything up to T") and by
its facts. The channel is true up to the slowest of its sources; but a source that has fallen
behind by more than `LEFT_BEHIND` holds nobody back (it is reported as stale instead), so that one
silent mailbox does not freeze the others. When such a source comes back, `as_of` returns to where
it has read: what was counted as missed in between is judged again with its facts.

Facts and heartbeats that belong to no configured source count only where there is none.
"""

from __future__ import annotations

from streams.conventions import OTHER
from streams.instants import MINUTE

LEFT_BEHIND = 15 * MINUTE
UNATTRIBUTED = ""
"""Facts of parts that no configured source covers."""


def as_of(frontiers: dict[str, int], now: int | None = None) -> int | None:
    """The instant up to which a channel is known, never past the clock; `None` without events.

    >>> as_of({"exchange": 100, UNATTRIBUTED: 900})
    100
    >>> as_of({UNATTRIBUTED: 900}, now=500)
    500
    """
    known = {s: f for s, f in frontiers.items() if s not in (UNATTRIBUTED, OTHER)} or frontiers
    if not known:
        return None
    newest = max(known.values())
    slowest = min(f for f in known.values() if f >= newest - LEFT_BEHIND)
    return slowest if now is None else min(slowest, now)
