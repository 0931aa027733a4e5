"""How many events of a period were rejected, by organisation and reason, from the dead letters."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final

import msgspec
import structlog

from agents.dead_letters import decode_letter, raw_key
from agents.kafka_reading import ReadingError, open_consumer, places_of, read_on
from streams.instants import MILLISECOND
from streams.topics import DEAD_LETTERS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from agents.envelopes import DeadLetter
    from agents.settings import Cluster

Rejected = dict[str, dict[str, int]]
"""Events by organisation and reason."""

PATIENCE: Final = 20.0
"""Seconds without an answer after which an export is made without the number."""

log = structlog.stdlib.get_logger("kontaktpuls.exports")


class _Value(msgspec.Struct):
    organisation: str = ""


def count_rejected(
    cluster: Cluster, span: tuple[int, int], organisations: Collection[str], *, now: int
) -> Rejected | None:
    """The events that were rejected between two instants; `None` where nobody knows.

    An event that was rejected twice, because a worker was killed in between, counts once; one of
    which nobody can tell the organisation counts for none. Nobody knows when the period began
    before the oldest letter that Kafka keeps, when Kafka does not answer, and when events are
    replayed: then a letter's time is that of the replay.
    """
    start, end = span
    if cluster.clock == "events" or start < now - cluster.horizon:
        return None
    letters: defaultdict[str, set[tuple[str, int, int, str]]] = defaultdict(set)
    try:
        for letter in _letters(cluster, start // MILLISECOND, -(-end // MILLISECOND)):
            organisation = _organisation(letter)
            if organisation in organisations:
                origin = (letter.topic, letter.partition, letter.offset, letter.reason)
                letters[organisation].add(origin)
    except ReadingError as error:
        log.warning("dead letters cannot be counted", error=str(error))
        return None
    return {
        organisation: dict(sorted(Counter(reason for *_, reason in origins).items()))
        for organisation, origins in letters.items()
    }


def _organisation(letter: DeadLetter) -> str:
    """Whose event it was, by its record key, else by what it says itself; empty = nobody knows."""
    key = (raw_key(letter) or b"").decode(errors="replace")
    try:
        value = msgspec.json.decode(letter.value or "", type=_Value)
    except (ValueError, msgspec.MsgspecError):
        return key
    return value.organisation or key


def _letters(cluster: Cluster, start: int, end: int) -> Iterator[DeadLetter]:
    """The letters that were appended between two instants (milliseconds)."""
    with open_consumer(cluster) as consumer:
        places = places_of(consumer, DEAD_LETTERS)
        firsts = consumer.offsets_for_times(dict.fromkeys(places, start))
        ends = consumer.end_offsets(places)
        for place in places:
            if firsts[place] is None:
                continue
            consumer.assign([place])
            consumer.seek(place, firsts[place].offset)
            for record in read_on(consumer, place, ends[place], patience=PATIENCE):
                # Workers write by their own clocks, so that what is out of order is looked at too.
                if start <= record.timestamp < end:
                    try:
                        yield decode_letter(record.value)
                    except ValueError:
                        continue  # `kontaktpuls dead-letters list` names what is no letter
