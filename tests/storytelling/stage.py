"""The stage: one worker of one organisation, what it has stored, and what it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from streams.codec import decode_event
from streams.desk import Desk
from streams.instants import DAY, parse_rfc3339
from streams.kpis.definition import PART_LABEL
from streams.kpis.readings import read_now
from streams.reports import Report
from streams.topics import TOPIC_OF_CHANNEL
from streams.views import live_snapshot, mapping, opens_by_part, window_readings
from tests.kafka_records import record
from tests.storytelling.claims import Place
from tests.storytelling.story import CHANNELS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from streams.books import Book
    from streams.organisations import Channel, Organisation
    from streams.reports import Attribute, By
    from streams.views import View
    from tests.storytelling.sentences import Delivery
    from tests.storytelling.story import Span

HORIZON = 35 * DAY


class RefusedError(Exception):
    """The core refuses an event; `line` is where the story tells of it."""

    def __init__(self, line: int, why: str) -> None:
        self.line = line
        super().__init__(why)


class Stage:
    """The desks of all four channels, as one worker after the other holds them.

    Attributes:
        organisation: whose they are.
        clock: what the clock on the wall shows, if a story says so.
        told: every event so far, in the order in which it came.
    """

    def __init__(self, organisation: Organisation, dice: Random) -> None:
        """A first worker, with nothing stored."""
        self.organisation = organisation
        self.clock: int | None = None
        self.told: list[Delivery] = []
        self._dice = dice
        self._stored: dict[Channel, dict[bytes, bytes]] = {channel: {} for channel in CHANNELS}
        self._workers = 0
        self._desks = self._new_desks()

    def tell(self, batch: list[Delivery]) -> None:
        """One batch from Kafka; `RefusedError` for an event that the core rejects."""
        for channel in {event.channel for event in batch}:
            records = [
                record(event.value, event.told_at, offset, topic=TOPIC_OF_CHANNEL[channel])
                for offset, event in enumerate(batch, len(self.told))
                if event.channel == channel
            ]
            for refusal in self._desks[channel].apply(records).rejected:
                line = next(e.line for e in batch if e.value == refusal.record.value)
                raise RefusedError(line, f"{refusal.reason}: {refusal.detail}")
        self.told += batch

    def kill(self) -> None:
        """The worker dies after a flush, now before and now after the acknowledgement."""
        for channel, desk in self._desks.items():
            rows = self._stored[channel]
            rows |= dict(desk.flush())
            if self._dice.random() < 0.5:
                for key in desk.acknowledged():
                    del rows[key]
        self._desks = self._new_desks()
        for channel, desk in self._desks.items():
            desk.restore(self._stored[channel].items())

    def as_of(self, channel: Channel) -> int | None:
        """The instant up to which a channel is known."""
        return self._book(channel).as_of(self.clock)

    def source_through(self, source: str) -> int | None:
        """How far a source has told everything."""
        channel = next(s.channel for s in self.organisation.sources if s.name == source)
        return self._book(channel).frontiers.get(source)

    def due_next(self, channel: Channel) -> list[int]:
        """When the next promises fall due, the earliest first."""
        as_of = self.as_of(channel)
        if as_of is None:
            return []
        entries = cast("list[View]", live_snapshot(self._book(channel), as_of)["due_next"])
        return [parse_rfc3339(str(entry["due"])) for entry in entries]

    def promises(self, channel: Channel) -> tuple[str, ...]:
        """The promises of a channel, the primary one first."""
        return self._book(channel).plan.promise_names or ("",)

    def views(self, span: Span, channels: set[Channel]) -> dict[Place, View]:
        """What a window or a period shows of every part."""
        if span.window:
            places = [Place(c, part) for c in channels for part in self._book(c).shown_parts()]
            return {place: self._window(place, span.window) for place in places}
        return {
            place: row
            for place, row in self.report(span.by, span.attribute)
            if place.channel in channels and parse_rfc3339(str(row["from"])) == span.start
        }

    def report(self, by: By, attribute: Attribute) -> Iterator[tuple[Place, View]]:
        """The rows of a report over everything told."""
        report = Report({self.organisation.name: self.organisation}, attribute=attribute)
        for event in self.told:
            report.add(decode_event(event.value))
        for row in report.rows(by):
            channel = cast("Channel", row["channel"])
            part = cast("str | None", row[PART_LABEL[channel].value])
            yield Place(channel, part or ""), row

    def _new_desks(self) -> dict[Channel, Desk]:
        self._workers += 1
        return {
            channel: Desk(
                channel=channel,
                partition=0,
                organisations={self.organisation.name: self.organisation},
                owns=lambda _name: True,
                incarnation=f"w{self._workers}",
                horizon=HORIZON,
            )
            for channel in CHANNELS
        }

    def _book(self, channel: Channel) -> Book:
        return self._desks[channel].book(self.organisation.name)

    def _window(self, place: Place, window: str) -> View:
        book = self._book(place.channel)
        as_of = book.as_of(self.clock)
        if as_of is None:
            return {}
        opens = opens_by_part(book).get(place.part, [])
        readings = window_readings(book, place.part, opens, as_of, window)
        readings += read_now(book.plan, place.part, opens, as_of)
        return mapping(readings, self.promises(place.channel)[0])
