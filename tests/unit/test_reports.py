"""Reports: the same core over a file, period by period."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from streams.conventions import Reason
from streams.errors import RejectedError
from streams.events import CallAnswered, CallEntered, CallRecord, Heartbeat
from streams.instants import DAY, HOUR, MINUTE, SECOND, parse_rfc3339, to_datetime
from streams.reports import Report
from tests.strategies import ORGANISATION

if TYPE_CHECKING:
    from streams.reports import Attribute

MIDNIGHT = parse_rfc3339("2026-10-27T00:00:00+01:00")


def record(entered: int, answered: int, call: str = "a") -> CallRecord:
    """A whole call, answered."""
    return CallRecord(
        organisation="provkommun",
        call=call,
        queue="vaxel",
        entered_at=to_datetime(entered),
        answered_at=to_datetime(answered),
        ended_at=to_datetime(answered + MINUTE),
    )


def report_of(*events: CallRecord, as_of: int | None = None) -> Report:
    """A report over some calls."""
    report = Report({"provkommun": ORGANISATION}, as_of)
    for event in events:
        report.add(event)
    return report


@pytest.mark.parametrize(
    ("attribute", "days"),
    [
        pytest.param("arrival", ["2026-10-26"], id="a contact counts where it arrived"),
        pytest.param(
            "decision", ["2026-10-26", "2026-10-27"], id="each thing counts where it was decided"
        ),
    ],
)
def test_a_call_over_midnight_counts_by_attribute(attribute: Attribute, days: list[str]) -> None:
    """Entered before midnight and answered after it: one day by arrival, two by decision."""
    report = Report({"provkommun": ORGANISATION}, attribute=attribute)
    report.add(record(MIDNIGHT - 10 * SECOND, MIDNIGHT + 10 * SECOND))
    rows = [row for row in report.rows("day") if row["queue"] is None]

    assert [str(row["from"])[:10] for row in rows] == days
    assert sum(int(str(row["answered"])) for row in rows) == 1


def test_a_report_of_then_knows_only_what_was_known_then() -> None:
    """Read as of a minute into the wait, the call still waits and has missed its promise."""
    call = record(MIDNIGHT, MIDNIGHT + 5 * MINUTE)
    (row, *_) = report_of(call, as_of=MIDNIGHT + 3 * MINUTE).rows("all")

    assert row["answered"] == 0
    assert row["waiting"] == 1
    assert row["longest_wait"] == 180
    assert row["missed"] == 1


def test_days_of_clock_changes_have_23_and_25_hours() -> None:
    """A day of local time begins and ends at local midnight, however long it is."""
    autumn = parse_rfc3339("2026-10-25T00:00:00+02:00")
    spring = parse_rfc3339("2026-03-29T00:00:00+01:00")
    rows = report_of(
        record(autumn, autumn + SECOND, "a"), record(spring, spring + SECOND, "b")
    ).rows("day")
    lengths = {
        (parse_rfc3339(str(row["to"])) - parse_rfc3339(str(row["from"]))) // HOUR for row in rows
    }

    assert lengths == {23, 25}


def test_hours_add_up_to_days_and_days_to_weeks() -> None:
    """Whatever the period, every call is in exactly one."""
    calls = [record(MIDNIGHT + n * 7 * HOUR, MIDNIGHT + n * 7 * HOUR, f"c{n}") for n in range(60)]
    report = report_of(*calls)
    offered = {
        by: sum(int(str(row["offered"])) for row in report.rows(by) if row["queue"] is None)
        for by in ("hour", "day", "week", "all")
    }

    assert set(offered.values()) == {60}


@pytest.mark.parametrize(
    ("year", "reason"),
    [(9999, Reason.FROM_THE_FUTURE), (1, Reason.BEYOND_HORIZON)],
)
def test_a_time_that_no_clock_can_mean_is_refused(year: int, reason: Reason) -> None:
    """The year 9999 neither ends the report nor becomes its `as_of`."""
    moment = datetime(year, 6, 1, tzinfo=UTC)
    report = report_of(record(MIDNIGHT, MIDNIGHT))
    for event in (
        Heartbeat(organisation="provkommun", source="exchange", through=moment),
        CallEntered(organisation="provkommun", call="x", queue="vaxel", at=moment),
        CallAnswered(organisation="provkommun", call="x", queue="vaxel", at=moment),
    ):
        with pytest.raises(RejectedError) as refused:
            report.add(event)

        assert refused.value.reason == reason
    assert report.as_of < MIDNIGHT + DAY
    assert len(report.rows("all")) == 2
