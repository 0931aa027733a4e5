"""How far a channel was known when its rollups were written."""

from __future__ import annotations

import msgspec

from streams.errors import KontaktpulsError
from streams.instants import parse_rfc3339


class HistoryError(KontaktpulsError):
    """What Redis keeps of the past cannot be read; `kontaktpuls redis rebuild` writes it anew."""


class Truth(msgspec.Struct, frozen=True):
    """What the writer of rollups says about their age.

    Attributes:
        as_of: instant up to which the channel is known.
        sources: instant up to which each source has told everything.
    """

    as_of: int
    sources: dict[str, int] = {}

    def until(self, clock: int) -> Truth:
        """The same as it was known at an instant: nothing is known of what lies ahead."""
        sources = {name: min(through, clock) for name, through in self.sources.items()}
        return Truth(min(self.as_of, clock), sources)


class _Stored(msgspec.Struct):
    as_of: str
    offset: int = -1
    sources: dict[str, str] = {}


_decode = msgspec.json.Decoder(_Stored).decode


def decode_truth(value: bytes) -> Truth:
    """What Redis keeps under `redis_truth`.

    >>> decode_truth(b'{"as_of": "1970-01-01T01:00:00+01:00", "offset": 7, "sources": {}}')
    Truth(as_of=0, sources={})

    Raises:
        HistoryError: it cannot be read.
    """
    try:
        stored = _decode(value)
        through = {name: parse_rfc3339(said) for name, said in stored.sources.items()}
        return Truth(parse_rfc3339(stored.as_of), through)
    except ValueError as fault:
        msg = f"the truth `{value[:80].decode(errors='replace')}` cannot be read: {fault}"
        raise HistoryError(msg) from None
