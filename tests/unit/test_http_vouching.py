"""What is said on a producer's behalf is never more than what can be known here."""

from __future__ import annotations

from agents.sources.http_vouching import Vouching
from streams.instants import MINUTE, SECOND, from_datetime

START = 1_000 * SECOND
AFTER = 10 * SECOND


def vouching() -> Vouching:
    """For one source, ten seconds behind."""
    return Vouching("skara", ("exchange",), after=AFTER, started=START)


def through(it: Vouching, now: int) -> int | None:
    """Up to when the heartbeat of this instant speaks."""
    beats = it.heartbeats(now)
    return from_datetime(beats[0].through) if beats else None


def test_it_waits_for_what_came_while_nobody_listened() -> None:
    """Senders that found nobody need the time to try again."""
    it = vouching()

    assert through(it, START + AFTER - 1) is None
    assert through(it, START + AFTER) == START
    assert through(it, START + MINUTE) == START + MINUTE - AFTER


def test_whoever_was_turned_away_before_a_restart_has_time_to_come_back() -> None:
    """However short the delay: senders were told to wait for five seconds."""
    it = Vouching("skara", ("exchange",), after=SECOND, started=START)

    assert through(it, START + 10 * SECOND - 1) is None
    assert through(it, START + 10 * SECOND) == START + 9 * SECOND


def test_a_request_on_its_way_holds_it_back() -> None:
    """Its events are up to ten seconds older than its arrival."""
    it = vouching()
    early = it.arrived(START + 20 * SECOND)
    late = it.arrived(START + 25 * SECOND)
    it.delivered(late)
    held = through(it, START + MINUTE)
    it.delivered(early)

    assert held == START + 10 * SECOND
    assert through(it, START + MINUTE) == START + MINUTE - AFTER


def test_a_request_turned_away_holds_it_back_until_one_gets_through() -> None:
    """What was to be sent again is missing until then, however long it takes."""
    it = vouching()
    other = it.arrived(START + 19 * SECOND)
    it.turned_away(it.arrived(START + 20 * SECOND), START + 22 * SECOND)
    it.turned_away(it.arrived(START + 30 * SECOND), START + 32 * SECOND)
    it.delivered(other)
    held = through(it, START + 5 * MINUTE)
    it.delivered(it.arrived(START + 6 * MINUTE))

    assert held == START + 10 * SECOND
    assert through(it, START + 7 * MINUTE) == START + 7 * MINUTE - AFTER


def test_a_request_that_was_wrong_holds_nothing_back() -> None:
    """Sending it again would not help, and everybody else's events have arrived."""
    it = vouching()
    it.refused(it.arrived(START + 20 * SECOND))

    assert through(it, START + MINUTE) == START + MINUTE - AFTER


def test_every_source_of_a_producer_is_spoken_for() -> None:
    """One heartbeat each, of its organisation."""
    it = Vouching("skara", ("exchange", "survey"), after=AFTER, started=START)
    beats = it.heartbeats(START + MINUTE)

    assert [(beat.organisation, beat.source) for beat in beats] == [
        ("skara", "exchange"),
        ("skara", "survey"),
    ]
