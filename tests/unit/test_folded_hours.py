"""Folded hours: they outlive changes of the configuration, and cost nothing until they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from streams import amounts
from streams import measures as m
from streams.cells import Cell
from streams.cohorts import FRONTIERS, RowKey
from streams.desk import Desk
from streams.errors import RejectedError, StateError
from streams.events import CallAnswered, CallEnded, CallEntered, Heartbeat
from streams.facts import Entered
from streams.folded_hours import FoldedHours
from streams.folded_rows import decode_folded, encode_folded, folded_cells
from streams.folding import folded_number
from streams.instants import DAY, HOUR, MINUTE, to_datetime
from streams.plans import Plan
from streams.rollups import rollup_view
from tests.property.test_same_kpis import records
from tests.strategies import BASE, ORGANISATION

if TYPE_CHECKING:
    from streams.organisations import Organisation

NAME = "provkommun"
PLAN = Plan(ORGANISATION, "calls")
HOUR_OF_BASE = BASE // HOUR
Stored = dict[bytes, bytes]


def new_desk(
    incarnation: str = "w1", organisation: Organisation = ORGANISATION, history: int = 1096 * DAY
) -> Desk:
    """Calls of the sample municipality, as some configuration has them."""
    return Desk(
        channel="calls",
        partition=0,
        organisations={NAME: organisation},
        owns=lambda _name: True,
        incarnation=incarnation,
        horizon=35 * DAY,
        history=history,
        clock="events",
    )


def flush(desk: Desk, stored: Stored) -> None:
    """Store what a desk has to store, as its agent does."""
    stored.update(desk.flush())
    for key in desk.acknowledged():
        del stored[key]


def heartbeat(through: int) -> Heartbeat:
    """The exchange has told everything up to an instant."""
    return Heartbeat(organisation=NAME, source="exchange", through=to_datetime(through))


def call(at: int = BASE, name: str = "c") -> list[Any]:
    """A call to the switchboard about a building permit, answered after one and a half minutes."""
    fields: dict[str, Any] = {"organisation": NAME, "call": name, "queue": "vaxel"}
    return [
        CallEntered(at=to_datetime(at), **fields),
        CallAnswered(at=to_datetime(at + 90_000_000), **fields),
        CallEnded(
            at=to_datetime(at + 5 * MINUTE),
            resolved=True,
            topic="bygglov",
            **fields,
        ),
    ]


def folded(*starts: int) -> Stored:
    """The rows of calls that came long ago."""
    desk, stored = new_desk(), Stored()
    for number, start in enumerate(starts):
        desk.apply(records(call(start, f"c{number}"), "calls"))
    flush(desk, stored)
    desk.apply(records([heartbeat(max(starts) + 40 * DAY)], "calls"))
    flush(desk, stored)
    return stored


def restored(stored: Stored, organisation: Organisation = ORGANISATION) -> Desk:
    """Somebody else's desk, from these rows."""
    desk = new_desk("w2", organisation)
    desk.restore(stored.items())
    return desk


def rollup(desk: Desk, part: str = "vaxel", hour: int = HOUR_OF_BASE) -> dict[str, Any]:
    """What became of those who arrived in an hour."""
    return rollup_view(desk.book(NAME), part, hour, BASE + 60 * DAY, [])


def with_promises(*names: str) -> Organisation:
    """The sample municipality with only these of its promises, in this order, and a new one."""
    kept = tuple(p for name in names for p in ORGANISATION.promises if p.name == name)
    new = msgspec.structs.replace(ORGANISATION.promises[0], name="brand-new")
    return msgspec.structs.replace(ORGANISATION, promises=(new, *kept))


def test_history_outlives_changes_of_the_promises() -> None:
    """Added, taken out, in another order: the others keep their counts, and nothing fails."""
    stored = folded(BASE)
    before = rollup(restored(stored), "")["promises"]

    assert set(before) == {"in-two-minutes", "whole-call"}

    changed = restored(stored, with_promises("two-days", "whole-call", "bygg-in-one"))

    assert rollup(changed, "")["promises"] == {"whole-call": before["whole-call"]}

    changed.apply(records([heartbeat(BASE + 50 * DAY)], "calls"))
    flush(changed, stored)

    assert rollup(restored(stored), "")["promises"] == before


def test_history_outlives_a_queue_that_was_taken_out() -> None:
    """What was counted for it stays, and no board or metric shows the queue again."""
    without = msgspec.structs.replace(ORGANISATION, queues={})
    desk = restored(folded(BASE), without)
    before = rollup(restored(folded(BASE)))

    assert rollup(desk) == before
    assert "vaxel" not in desk.book(NAME).shown_parts()


def test_a_restart_reads_no_cells() -> None:
    """Three years of rows are kept as the bytes they are; whoever asks for an hour pays for it."""
    stored = folded(*(BASE + day * DAY for day in range(20)))
    read: list[int] = []

    def counting(*arguments: Any) -> Any:
        read.append(arguments[2])
        return folded_cells(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("streams.folded_hours.folded_cells", counting)
        desk = restored(stored)

        assert not read
        assert not any(tally.touched for _, tally in desk.book(NAME).every_tally())

        assert rollup(desk)["offered"] == 1
        assert read == [HOUR_OF_BASE]

    values = {key: value for key, value in stored.items() if RowKey.decode(key).cohort < FRONTIERS}
    rows = desk.book(NAME).folded.rows.values()

    assert len(rows) == 20
    assert all(row.value is values[row.key] for row in rows)


def test_a_folded_topic_is_found_under_its_midnight() -> None:
    """One row tells of two hours: of the arrival, and of the beginning of its local day."""
    desk = restored(folded(BASE))
    midnight = (BASE + 10 * MINUTE - DAY) // HOUR
    view = rollup(desk, "topic:bygglov", midnight)

    assert view["topic"] == "bygglov"
    assert (view["handled"], view["coded"], view["resolved"]) == (1, 1, 1)
    assert (view["from"], view["to"]) == ("2026-10-24T00:00:00+02:00", "2026-10-25T00:00:00+02:00")


@pytest.mark.parametrize("order", [1, -1], ids=["older first", "newer first"])
def test_whoever_had_read_further_is_right(order: int) -> None:
    """Of two rows of an hour the one with the higher offset counts, and the other goes."""
    hours = FoldedHours(PLAN)
    rows = [(f"w{offset}".encode(), row(offset, BASE, offered=offset)) for offset in (3, 8)]
    gone = [hours.keep(HOUR_OF_BASE, key, value) for key, value in rows[::order]]

    assert gone == [None, b"w3"]
    assert hours.at(HOUR_OF_BASE)["vaxel"].counts[m.OFFERED] == 8


def row(offset: int, *arrivals: int, offered: int = 1) -> bytes:
    """A row of somebody who arrived at these instants."""
    cells = {}
    for arrival in arrivals:
        cell = cells["vaxel", arrival // HOUR] = Cell(PLAN.width)
        cell.amounts = offered * amounts.once(m.OFFERED)
    return encode_folded(PLAN, cells, offset)


def test_the_checksum_tells_whether_the_same_rows_are_kept() -> None:
    """In any order; and a promise more is another history, though no row has changed."""
    one, other, changed = (
        FoldedHours(PLAN),
        FoldedHours(PLAN),
        FoldedHours(Plan(with_promises("whole-call"), "calls")),
    )
    for hours, numbers in ((one, (5, 6)), (other, (6, 5)), (changed, (5, 6))):
        for number in numbers:
            hours.keep(number, b"k%d" % number, row(1, number * HOUR))

    assert one.checksum == other.checksum != changed.checksum

    one.keep(7, b"k7", row(1, 7 * HOUR))

    assert one.checksum != other.checksum


def test_a_row_goes_when_the_last_day_it_tells_of_is_too_old() -> None:
    """Judged by whole days of UTC, as Redis keeps them."""
    hours = FoldedHours(PLAN)
    start = BASE // DAY * DAY
    hours.keep(start // HOUR, b"old", row(1, start))
    hours.keep(start // HOUR + 1, b"told twice", row(1, start + HOUR, start + DAY))

    assert hours.expire(start + DAY - 1) == []
    assert hours.expire(start + DAY) == [b"old"]
    assert list(hours.hours()) == [start // HOUR + 1, start // HOUR + 24]
    assert hours.expire(start + 2 * DAY) == [b"told twice"]
    assert list(hours.hours()) == []


def test_what_is_older_than_history_is_taken_out_of_the_table() -> None:
    """Its row goes with the next flush, and nobody brings it back by reading an old log again."""
    stored = folded(BASE)
    desk = new_desk("w2", history=100 * DAY)
    desk.restore(stored.items())
    desk.apply(records([heartbeat(BASE + 90 * DAY)], "calls"))
    flush(desk, stored)

    assert rows_of(stored) == [folded_number(HOUR_OF_BASE)]

    desk.apply(records([heartbeat(BASE + 102 * DAY)], "calls"))
    flush(desk, stored)

    assert rows_of(stored) == []
    assert is_refused(desk)

    again = new_desk("w3", history=100 * DAY)
    again.restore(stored.items())

    assert is_refused(again)


def is_refused(desk: Desk) -> bool:
    """Whether the contact that was folded is known as such."""
    with pytest.raises(RejectedError, match="was folded"):
        desk.book(NAME).add("c0", Entered(0, "vaxel", BASE), BASE)
    return "c0" not in desk.book(NAME).contacts


def rows_of(stored: Stored) -> list[int]:
    """The numbers of the folded rows in the table."""
    return [number for key in stored if (number := RowKey.decode(key).cohort) < FRONTIERS]


def test_the_loser_of_two_rows_is_taken_out_of_the_table() -> None:
    """It knows nothing that the other does not know."""
    stored = folded(BASE)
    (key,) = [key for key in stored if RowKey.decode(key).cohort < FRONTIERS]
    stale = RowKey.decode(key)._replace(writing="stale").encode()
    value = decode_folded(stored[key])
    stored[stale] = msgspec.msgpack.encode(msgspec.structs.replace(value, offset=-5))
    desk = restored(stored)
    flush(desk, stored)

    assert stale not in stored
    assert key in stored


@pytest.mark.parametrize("value", [b"", b"\x00", msgspec.msgpack.encode([1, ["x"], []])])
def test_a_damaged_row_stops_a_worker(value: bytes) -> None:
    """It would be forgotten otherwise."""
    key = RowKey(0, "calls", NAME, folded_number(7), "w1").encode()
    with pytest.raises(StateError, match="cannot be read"):
        new_desk().restore([(key, value)])


def test_damaged_cells_are_refused_where_they_are_read() -> None:
    """A row whose hours can be read and whose counts cannot."""
    hours = FoldedHours(PLAN)
    hours.keep(7, b"k", msgspec.msgpack.encode([1, [7], ["no", "cells"]]))
    with pytest.raises(StateError, match="cannot be read"):
        hours.at(7)
