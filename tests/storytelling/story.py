"""A story, understood: its steps, and what it expects."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from streams.organisations import Channel, Organisation
    from streams.reports import Attribute, By
    from tests.storytelling.claims import Claim, Place
    from tests.storytelling.sentences import Delivery

CHANNELS: tuple[Channel, ...] = ("calls", "emails", "surveys", "visits")


class Span(NamedTuple):
    """What an expectation looks at: a rolling window, or a period of a report.

    Attributes:
        name: as written.
        window: of the exporter; empty for a period.
        by, attribute: of the report.
        start: instant at which the period begins.
    """

    name: str
    window: str = ""
    by: By = "day"
    attribute: Attribute = "decision"
    start: int = 0


class Told(NamedTuple):
    """Events that reach the worker."""

    events: list[Delivery]


class Clock(NamedTuple):
    """The clock on the wall, as an instant."""

    shows: int


class Kill(NamedTuple):
    """`kill -9` of the worker, and a new one that restores what was stored."""


class Expect(NamedTuple):
    """What holds now.

    Attributes:
        claims: by span and place; no claims = nothing at all.
        as_ofs: by channel, with the line.
        sources: how far each has told, with the line.
        due_next: by channel, with the line.
        lasts: how many hours periods of a report have.
        sums: whether weeks must be the sums of their days.
    """

    line: int
    claims: dict[Span, dict[Place, list[Claim]]]
    as_ofs: dict[Channel, tuple[int, int | None]]
    sources: dict[str, tuple[int, int | None]]
    due_next: dict[Channel, tuple[int, list[int]]]
    lasts: dict[Span, int]
    sums: bool = False


Step = Told | Clock | Kill | Expect


class Story(NamedTuple):
    """One transcript, understood."""

    file: str
    title: str
    why: str
    organisation: Organisation
    steps: list[Step]
