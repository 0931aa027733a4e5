"""The pulse turns what Faust and the intake leave behind into signs of life."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from faust.types import TP

from agents.pulse import Pulse
from agents.runtime import Telemetry, partition_of
from agents.watchdog import Vitals
from streams.topics import CALLS

PLACE = TP(CALLS, 0)


class FakeApp:
    """Offsets as the broker, Faust and the intake know them."""

    def __init__(self) -> None:
        self.runtime = SimpleNamespace(
            vitals=Vitals(beat_at=0.0),
            telemetry=Telemetry(),
            recovering=False,
            working={},
            handled={},
        )
        self.monitor = SimpleNamespace(tp_committed_offsets={})
        self.positions: dict[TP, tuple[int, int]] = {}
        self.mended_consumer = SimpleNamespace(positions=lambda: self.positions)


def pulse_of(app: FakeApp) -> Pulse:
    """The pulse of such an app."""
    return Pulse(cast("Any", app))


def test_an_offset_is_uncommitted_from_when_it_was_handled_until_a_commit_passes_it() -> None:
    """Under load something is always uncommitted; only a commit that does not come is a fault."""
    app = FakeApp()
    pulse = pulse_of(app)
    handled, committed, since = app.runtime.handled, app.monitor.tp_committed_offsets, []
    for now, offset, done in (
        (1.0, None, None),
        (2.0, 100, None),
        (3.0, 200, None),
        (4.0, 300, 100),
        (5.0, 400, 200),
        (6.0, 400, 400),
    ):
        if offset is not None:
            handled[PLACE] = offset
        if done is not None:
            committed[PLACE] = done
        pulse.take(now)
        since.append(app.runtime.vitals.uncommitted_since)

    #   handled   -   100   200   300   400   400
    #   committed -    -     -    100   200   400
    assert since == [None, 2.0, 2.0, 4.0, 4.0, None]


def test_lag_counts_from_what_was_handled() -> None:
    """What is fetched but waits in a buffer is not done."""
    app = FakeApp()
    app.positions = {PLACE: (500, 700), TP(CALLS, 1): (30, 40)}
    app.runtime.handled[PLACE] = 450
    pulse_of(app).take(1.0)

    assert app.runtime.telemetry.lag == {(CALLS, 0): 250, (CALLS, 1): 10}
    assert app.runtime.vitals.behind == 210


def test_fetching_and_handling_are_both_progress() -> None:
    """A worker that does neither while records wait has stopped."""
    app = FakeApp()
    pulse = pulse_of(app)
    app.positions = {PLACE: (500, 700)}
    pulse.take(1.0)
    pulse.take(2.0)

    assert app.runtime.vitals.advanced_at == 1.0

    app.runtime.handled[PLACE] = 500
    pulse.take(3.0)

    assert app.runtime.vitals.advanced_at == 3.0

    app.positions = {PLACE: (600, 700)}
    pulse.take(4.0)

    assert app.runtime.vitals.advanced_at == 4.0


def test_a_rebalance_counts_from_its_beginning() -> None:
    """However many rebalances follow each other, nobody is served meanwhile."""
    app = FakeApp()
    pulse = pulse_of(app)
    app.runtime.recovering = True
    pulse.take(7.0)
    pulse.take(8.0)

    assert app.runtime.vitals.unsettled_since == 7.0

    app.runtime.recovering = False
    pulse.take(9.0)

    assert app.runtime.vitals.unsettled_since is None


def test_the_oldest_chunk_in_work_counts() -> None:
    """One channel that hangs is seen although the others go on."""
    app = FakeApp()
    app.runtime.working.update(calls=3.0, emails=5.0)
    pulse_of(app).take(6.0)

    assert app.runtime.vitals.busy_since == 3.0
    assert app.runtime.vitals.beat_at == 6.0


def test_organisations_live_where_java_producers_put_them() -> None:
    """Checked against Kafka's own test vectors for murmur2."""
    # murmur2("21") = -973932308, murmur2("foobar") = -790332482
    assert partition_of("21", 7) == (-973932308 & 0x7FFFFFFF) % 7
    assert partition_of("foobar", 512) == (-790332482 & 0x7FFFFFFF) % 512
