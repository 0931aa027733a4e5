"""Reports at the edges: the instant they are read at, and the promises of the time they tell of."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import msgspec

from streams.events import CallEntered, CallLeft, CallRecord, Heartbeat
from streams.instants import DAY, HOUR, MINUTE, SECOND, to_datetime
from streams.organisations import Promise
from streams.promises import parse_within
from streams.reports import Report
from tests.strategies import BASE, ORGANISATION

if TYPE_CHECKING:
    from streams.events import AnyEvent

NOON = BASE + 36 * HOUR + 10 * MINUTE


def record(entered: int, left: int | None = None, ended: int | None = None) -> CallRecord:
    """A whole call, in seconds after noon; with an end it was answered at `left`."""
    instant = [None if s is None else to_datetime(NOON + s * SECOND) for s in (left, ended)]
    answered = ended is not None
    return CallRecord(
        organisation="provkommun",
        call=f"c{entered}",
        queue="vaxel",
        entered_at=to_datetime(NOON + entered * SECOND),
        answered_at=instant[0] if answered else None,
        left_at=None if answered else instant[0],
        reason="abandoned" if instant[0] is not None and not answered else None,
        ended_at=instant[1],
    )


def total(*events: AnyEvent, as_of: int | None = None, by: str = "all") -> list[dict[str, Any]]:
    """The rows of the total."""
    report = Report({"provkommun": ORGANISATION}, as_of)
    for event in events:
        report.add(event)
    return [dict(row) for row in report.rows(by) if row["queue"] is None]  # type: ignore[arg-type]


def test_a_report_reads_at_the_last_thing_a_record_tells() -> None:
    """A record of a long call proves that its end was reached: who waited longer is a miss."""
    waiting = CallEntered(organisation="provkommun", call="w", queue="vaxel", at=to_datetime(NOON))
    row = total(waiting, record(1, 5, 600))[0]

    assert row["missed"] == 1


def test_a_heartbeat_moves_a_report_on() -> None:
    """A source that has read on proves that nobody answered."""
    waiting = CallEntered(organisation="provkommun", call="w", queue="vaxel", at=to_datetime(NOON))
    heard = Heartbeat(
        organisation="provkommun", source="exchange", through=to_datetime(NOON + 10 * MINUTE)
    )

    assert total(waiting)[0]["missed"] == 0
    assert total(waiting, heard)[0]["missed"] == 1


def test_what_a_record_tells_of_that_very_instant_is_known() -> None:
    """Read exactly when the caller hung up, the call is over; a microsecond before, it waits."""
    left = NOON + 30 * SECOND
    then, before = (total(record(0, 30), as_of=at)[0] for at in (left, left - 1))

    assert (then["abandoned"], then["waiting"]) == (1, 0)
    assert (before["abandoned"], before["waiting"]) == (0, 1)


def test_the_end_of_a_conversation_is_known_at_that_very_instant() -> None:
    """Read exactly at the end, the call is handled; a microsecond before, they still talk."""
    end = NOON + 90 * SECOND
    then, before = (total(record(0, 5, 90), as_of=at)[0] for at in (end, end - 1))

    assert (then["handled"], before["handled"]) == (1, 0)


def test_an_event_at_the_instant_of_reading_is_in_the_report() -> None:
    """`as_of` itself is known."""
    gone = CallLeft(
        organisation="provkommun",
        call="c0",
        queue="vaxel",
        at=to_datetime(NOON + 9 * SECOND),
        reason="abandoned",
    )

    assert total(record(0), gone, as_of=NOON + 9 * SECOND)[0]["abandoned"] == 1


def test_a_past_day_is_told_by_the_promises_of_that_day() -> None:
    """A promise that began later has no row in the days before it, however late they are read."""
    since = Promise(
        name="new", channel="calls", within=parse_within("1 min"), target=0.8,
        valid_from=date(2026, 10, 27),
    )  # fmt: skip
    organisation = msgspec.structs.replace(ORGANISATION, promises=(*ORGANISATION.promises, since))
    report = Report({"provkommun": organisation})
    report.add(record(0, 5, 60))
    report.add(msgspec.structs.replace(record(0, 5, 60), call="next",
        entered_at=to_datetime(NOON + DAY), answered_at=to_datetime(NOON + DAY + SECOND),
        ended_at=to_datetime(NOON + DAY + MINUTE)))  # fmt: skip
    monday, tuesday = (row for row in report.rows("day") if row["queue"] is None)

    assert "new" not in monday["promises"]  # type: ignore[operator]
    assert "new" in tuesday["promises"]  # type: ignore[operator]
