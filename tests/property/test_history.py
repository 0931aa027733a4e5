"""History: for every hour, what was folded and who is kept come to the whole, counted once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from streams.cohorts import FRONTIERS, RowKey
from streams.instants import DAY, HOUR, from_datetime, to_datetime
from tests.property.test_folding import Stored, flush, heartbeat
from tests.property.test_same_kpis import assert_same_rollups, new_desk, readable, records
from tests.strategies import BASE, ORGANISATION, call_events, email_events
from tests.twin import Twin

if TYPE_CHECKING:
    from streams.organisations import Channel

TIMES = ("at", "entered_at", "answered_at", "left_at", "ended_at")


def later(event: Any, days: int) -> Any:
    """The same happens to somebody else, so many days later."""
    moved = {
        name: to_datetime(from_datetime(at) + days * DAY)
        for name in TIMES
        if (at := getattr(event, name, None)) is not None
    }
    who = "call" if hasattr(event, "call") else "conversation"
    return msgspec.structs.replace(event, **moved, **{who: f"{getattr(event, who)}-{days}"})


def run(channel: Channel, waves: list[list[Any]], data: st.DataObject) -> None:
    """Years pass in waves of contacts; workers fold, crash, thaw and are restored meanwhile."""
    desk, stored, as_of, offset = new_desk(channel, "w0"), Stored(), BASE, 0
    stale = new_desk(channel, "thawed")
    known: list[Any] = []
    for wave, events in enumerate(waves):
        told = [later(event, (as_of - BASE) // DAY) for event in events]
        known += told
        for chunk in (told, told[::2]):
            desk.apply(at_offset(records(chunk, channel), offset))
            offset += 1
        for step, days in enumerate(data.draw(ages, label="days that pass")):
            as_of = readable(known, as_of + days * DAY)
            desk.apply(at_offset(records([heartbeat(channel, as_of)], channel), offset))
            offset += 1
            match data.draw(events_of_life, label="what happens"):
                case "flush":
                    flush(desk, stored)
                case "die before the rows are superseded":
                    stored.update(desk.flush())
                    desk = new_desk(channel, f"w{wave}-{step}")
                    desk.restore(stored.items())
                case "freeze":
                    flush(desk, stored)
                    stale = new_desk(channel, f"thawed{wave}-{step}")
                    stale.restore(stored.items())
                    stale.offset = offset
                case "thaw":
                    # It knows less of the time than whoever took over, and folds what it can.
                    flush(desk, stored)
                    stale.apply(records([heartbeat(channel, as_of - HOUR)], channel))
                    stored.update(
                        (key, row) for key, row in stale.flush() if is_folded_too(key, stored)
                    )
                    desk = new_desk(channel, f"t{wave}-{step}")
                    desk.restore(stored.items())

            assert_same_rollups(desk.book("provkommun"), Twin(ORGANISATION, known, as_of))


def at_offset(batch: list[Any], offset: int) -> list[Any]:
    """The same records, as the log has them."""
    return [msgspec.structs.replace(record, offset=offset) for record in batch]


def is_folded_too(key: bytes, stored: Stored) -> bool:
    """Whether a row is a folded hour that somebody else has folded as well."""
    number = RowKey.decode(key).cohort
    return number < FRONTIERS and any(RowKey.decode(one).cohort == number for one in stored)


ages = st.lists(st.sampled_from([1, 9, 33, 36, 50]), min_size=1, max_size=4)
events_of_life = st.sampled_from(
    ["nothing", "flush", "die before the rows are superseded", "freeze", "thaw"]
)


@given(waves=st.lists(st.lists(call_events, max_size=6), min_size=1, max_size=3), data=st.data())
def test_every_hour_of_calls_is_whole_and_counted_once(
    waves: list[list[Any]], data: st.DataObject
) -> None:
    """Whatever of them was restored, folded, superseded or told twice, and when."""
    run("calls", waves, data)


@given(waves=st.lists(st.lists(email_events, max_size=6), min_size=1, max_size=3), data=st.data())
def test_every_hour_of_emails_is_whole_and_counted_once(
    waves: list[list[Any]], data: st.DataObject
) -> None:
    """Whatever of them was restored, folded, superseded or told twice, and when."""
    run("emails", waves, data)
