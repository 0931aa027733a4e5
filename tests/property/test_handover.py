"""Whatever a worker shows is right, also while one that was replaced still writes.

The machine below is the protocol of `agents.intake` without Kafka: rows land one after the other,
some of them late; a partition changes hands at any moment, and whoever had it does not know; only
the owner can commit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from streams import events as ev
from streams.cohorts import SLICES, cohort_of
from streams.conventions import TOTAL
from streams.instants import DAY, SECOND, to_datetime
from streams.views import opens_by_part, window_sum
from streams.windows import WINDOWS
from tests.kafka_records import record
from tests.property.test_same_kpis import assert_same, counted, new_desk, told
from tests.strategies import BASE, ORGANISATION
from tests.twin import Twin

if TYPE_CHECKING:
    from tests.kafka_records import Record

CALLS = 12
WAITS = (20, 300, 45, 700, 10)
"""Seconds; a promise of two minutes is kept by some and broken by others."""


def history() -> list[tuple[int, Any]]:
    """Calls that wait and are answered, as one exchange tells of them: in order, each at once."""
    told_at: list[tuple[int, Any]] = []
    # All in one or two rows, so that whoever deletes one deletes much.
    ids = [name for n in range(999) if cohort_of(name := f"c{n}", BASE) % SLICES < 2]
    for n, call in enumerate(ids[:CALLS]):
        at = BASE + n * 61 * SECOND + n
        answered = at + WAITS[n % len(WAITS)] * SECOND
        for kind, when in ((ev.CallEntered, at), (ev.CallAnswered, answered)):
            event = kind(organisation="provkommun", call=call, queue="vaxel", at=to_datetime(when))
            told_at.append((when, event))
    return sorted(told_at, key=lambda told: told[0])


HISTORY = history()
LOG: list[Record] = [record(event, BASE + DAY, n) for n, (_, event) in enumerate(HISTORY)]


class Worker:
    """A desk, what it read, and what it wrote that has not landed yet."""

    def __init__(self, name: str, stored: dict[bytes, bytes], committed: int) -> None:
        self.desk = new_desk("calls", name)
        self.desk.restore(stored.items())
        self.next = committed
        self.flushed: int | None = None
        self.on_its_way: list[tuple[bytes, bytes | None]] = []


class Handover(RuleBasedStateMachine):
    """Workers that take a partition over from each other, in whatever way."""

    def __init__(self) -> None:
        super().__init__()
        self.stored: dict[bytes, bytes] = {}
        self.committed = 0
        self.workers = [Worker("w0", {}, 0)]

    @property
    def owner(self) -> Worker:
        """Who may commit."""
        return self.workers[-1]

    def one_of(self, which: int) -> Worker:
        """The owner, or one who was."""
        return self.workers[-1 - which % len(self.workers)]

    @rule(which=st.integers(0, 2), count=st.integers(1, 9))
    def read(self, which: int, count: int) -> None:
        """A chunk is applied."""
        worker = self.one_of(which)
        worker.desk.apply(LOG[worker.next : worker.next + count])
        worker.next = min(worker.next + count, len(LOG))

    @rule(which=st.integers(0, 2))
    def flush(self, which: int) -> None:
        """Rows are on their way."""
        worker = self.one_of(which)
        if worker.flushed is None:
            worker.on_its_way += worker.desk.flush()
            worker.flushed = worker.next

    @rule(which=st.integers(0, 2), count=st.sampled_from([99, -1, 1, 4]))
    def land(self, which: int, count: int) -> None:
        """Some of them arrive, in order: all, all but the last, the first."""
        worker = self.one_of(which)
        for key, row in worker.on_its_way[:count]:
            if row is None:
                self.stored.pop(key, None)
            else:
                self.stored[key] = row
        del worker.on_its_way[:count]

    @rule(which=st.integers(0, 2))
    def acknowledge(self, which: int) -> None:
        """All of a flush has arrived; its worker goes on as if the partition were its own."""
        worker = self.one_of(which)
        if worker.flushed is not None and not worker.on_its_way:
            worker.on_its_way += [(key, None) for key in worker.desk.acknowledged()]
            if worker is self.owner:
                self.committed = max(self.committed, worker.flushed)
            worker.flushed = None

    @rule(which=st.integers(0, 2))
    def store(self, which: int) -> None:
        """All of that without a pause."""
        for _ in range(2):
            self.flush(which)
            self.land(which, 99)
            self.acknowledge(which)

    @precondition(lambda self: len(self.workers) < 6)
    @rule()
    def take_over(self) -> None:
        """Somebody else restores what is there."""
        self.workers.append(Worker(f"w{len(self.workers)}", self.stored, self.committed))

    @invariant()
    def what_is_shown_is_right(self) -> None:
        """Promises kept and broken, as of what the owner says it knows."""
        book = self.owner.desk.book("provkommun")
        as_of = book.as_of()
        if as_of is None:
            return
        twin = Twin(ORGANISATION, [event for at, event in HISTORY if at <= as_of], as_of)
        opens = opens_by_part(book).get(TOTAL, [])
        for window in WINDOWS:
            shown = window_sum(book, TOTAL, opens, as_of, window)
            assert counted(book, shown) == told(twin.window(TOTAL, window)), window

    def teardown(self) -> None:
        """Nothing was lost: whoever comes next and reads the rest knows everything."""
        heir = Worker("heir", self.stored, self.committed)
        heir.desk.apply(LOG[self.committed :])
        events = [event for _, event in HISTORY]
        assert_same(heir.desk.book("provkommun"), Twin(ORGANISATION, events, HISTORY[-1][0]))


def test_what_a_successor_deletes_was_not_written_again_meanwhile() -> None:
    """Whoever restored in between believes that the row is there, and does not write it again."""
    partition = Handover()
    partition.read(0, 4)
    partition.store(0)
    partition.read(0, 9)
    partition.take_over()
    # The first does not know that it was replaced; then the second does not.
    partition.store(1)
    partition.read(0, 4)
    partition.take_over()
    partition.read(0, 9)
    partition.store(1)
    partition.store(0)

    assert partition.committed == 13
    partition.teardown()


def test_frontiers_never_outlive_the_contacts_they_were_written_with() -> None:
    """Half of what somebody writes late lands before its successor deletes rows, half after."""
    partition = Handover()
    partition.read(0, 4)
    partition.store(0)
    partition.take_over()
    partition.read(1, 18)
    partition.flush(1)
    partition.land(1, -1)
    partition.read(0, 3)
    partition.store(0)
    partition.land(1, 99)
    partition.take_over()

    assert partition.owner.desk.book("provkommun").as_of() == HISTORY[21][0]
    partition.what_is_shown_is_right()
    partition.teardown()


Handover.TestCase.settings = settings(max_examples=150, stateful_step_count=40)
TestHandover = Handover.TestCase
