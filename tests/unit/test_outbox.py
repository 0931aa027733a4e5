"""The outbox believes nothing that Kafka has not acknowledged, and never gives up on its own."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from kafka.errors import KafkaConnectionError, KafkaError, KafkaTimeoutError
from kafka.future import Future

from agents.settings.organisation import organisation_from_text
from agents.sources import outbox as module
from agents.sources.outbox import NotDeliveredError, Outbox, StoppedError
from streams.codec import decode_event
from streams.errors import RejectedError
from streams.events import CallEntered, Heartbeat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MUNICIPALITY = organisation_from_text(
    """
    version: 1
    display_name: Skara
    queues: {vaxel: Växel}
    sources: [{name: exchange, channel: calls}]
    calendars: {default: {hours: {mon-fri: "08:00-16:00"}}}
    """,
    "skara",
)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
EVENTS = [
    CallEntered(organisation="skara", call=str(number), queue="vaxel", at=NOON)
    for number in range(12)
]

Fate = Future | KafkaError
"""What becomes of a record: an answer, or a refusal to take it."""


class ScriptedKafka:
    """Does with each record what the script says, and keeps what it acknowledged."""

    def __init__(self, fates: Iterator[str]) -> None:
        self.fates = fates
        self.kept: list[tuple[str, bytes, bytes]] = []
        self.closed = False

    def send(self, topic: str, *, key: bytes, value: bytes) -> Future:
        """One record."""
        fate = next(self.fates)
        if fate == "refused":
            raise KafkaTimeoutError(fate)
        answer = Future()
        if fate == "kept":
            self.kept.append((topic, key, value))
            answer.success(None)
        elif fate == "kept in silence":
            self.kept.append((topic, key, value))
        elif fate == "failed":
            answer.failure(KafkaTimeoutError(fate))
        return answer

    def close(self, timeout: float | None = None) -> None:
        """The connections are gone."""
        self.closed = timeout is not None


@pytest.fixture(autouse=True)
def _no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FIRST_PAUSE", "LONGEST_PAUSE", "ANSWER_SECONDS"):
        monkeypatch.setattr(module, name, 0.01)


def outbox_to(connect: Callable[[], Any], stopping: threading.Event | None = None) -> Outbox:
    """An outbox of one municipality."""
    return Outbox({"skara": MUNICIPALITY}, stopping=stopping or threading.Event(), connect=connect)


def fates(*first: str) -> Iterator[str]:
    """These, and then everything is kept."""
    yield from first
    while True:
        yield "kept"


@pytest.mark.parametrize("fate", ["refused", "failed", "silent", "kept in silence"])
@pytest.mark.parametrize("at", [0, 5, 11])
def test_what_was_not_acknowledged_is_sent_again(fate: str, at: int) -> None:
    """Whatever becomes of a record, at the end every event is there."""
    kafka = ScriptedKafka(fates(*["kept"] * at, fate))
    outbox = outbox_to(lambda: kafka)

    outbox.deliver(EVENTS)

    assert {decode_event(value) for _, _, value in kafka.kept} == set(EVENTS)
    assert outbox.delivered == len(EVENTS)
    assert outbox.away_since is None


def test_what_was_acknowledged_is_not_sent_again() -> None:
    """A fault costs its own record a second try, not all the others."""
    kafka = ScriptedKafka(fates("kept", "failed", "kept"))

    outbox_to(lambda: kafka).deliver(EVENTS)

    assert set(Counter(kafka.kept).values()) == {1}


def test_records_go_to_their_topic_under_their_organisation() -> None:
    """Facts and the heartbeat that vouches for them meet on one partition of one topic."""
    kafka = ScriptedKafka(fates())

    outbox_to(lambda: kafka).deliver(
        [EVENTS[0], Heartbeat(organisation="skara", source="exchange", through=NOON)]
    )

    assert [(topic, key) for topic, key, _ in kafka.kept] == [("kontaktpuls.calls", b"skara")] * 2


def test_a_heartbeat_is_sent_after_the_facts_beside_it() -> None:
    """It says that they are there; whoever sends both at once may put them in any order."""
    kafka = ScriptedKafka(fates("kept", "failed"))
    lost = ScriptedKafka(iter(lambda: "failed", ""))
    heartbeat = Heartbeat(organisation="skara", source="exchange", through=NOON)

    outbox_to(lambda: kafka).deliver([heartbeat, *EVENTS[:2]])
    with pytest.raises(NotDeliveredError, match="1 of 1"):
        outbox_to(lambda: lost).deliver([heartbeat, EVENTS[0]], within=0.02)

    assert [decode_event(value) for _, _, value in kafka.kept] == [*EVENTS[:2], heartbeat]


def test_a_broker_that_comes_late_is_waited_for() -> None:
    """No broker at the start is no reason to end."""
    kafka = ScriptedKafka(fates())
    absences = iter([True, True, False])

    def connect() -> ScriptedKafka:
        if next(absences):
            raise KafkaConnectionError
        return kafka

    outbox_to(connect).deliver(EVENTS)

    assert len(kafka.kept) == len(EVENTS)


def test_a_connection_that_never_recovers_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """A producer may refuse for good, though Kafka is back; nobody should have to restart it."""
    monkeypatch.setattr(module, "RENEW_SECONDS", 0.05)
    dead, alive = ScriptedKafka(iter(lambda: "failed", "")), ScriptedKafka(fates())
    connections = iter([dead, alive])

    outbox_to(lambda: next(connections)).deliver(EVENTS, within=10)

    assert len(alive.kept) == len(EVENTS)
    assert dead.closed


def test_a_connection_that_works_for_others_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """One record that Kafka does not take is no reason to disturb the others on their way."""
    monkeypatch.setattr(module, "RENEW_SECONDS", 0.0)
    kafka = ScriptedKafka(fates("kept", *["failed"] * 11, "kept", *["failed"] * 10))

    outbox_to(iter([kafka]).__next__).deliver(EVENTS)

    assert len(kafka.kept) == len(EVENTS)
    assert not kafka.closed


def test_whoever_cannot_wait_is_told_in_time() -> None:
    """A webhook gets its answer although Kafka gives none."""
    kafka = ScriptedKafka(iter(lambda: "silent", ""))
    outbox = outbox_to(lambda: kafka)

    with pytest.raises(NotDeliveredError, match="12 of 12"):
        outbox.deliver(EVENTS, within=0.05)
    assert outbox.delivered == 0
    assert outbox.away_since is not None


def test_a_stop_ends_the_wait_for_kafka() -> None:
    """However long Kafka is away, a source can be stopped."""
    stopping = threading.Event()
    kafka = ScriptedKafka(iter(lambda: "refused", ""))
    outbox = outbox_to(lambda: kafka, stopping)
    threading.Timer(0.1, stopping.set).start()

    with pytest.raises(StoppedError, match="next start"):
        outbox.deliver(EVENTS)


def test_more_than_a_batch_never_waits_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A long list is delivered in parts: memory does not grow with it."""
    monkeypatch.setattr(module, "MAX_BATCH", 5)
    kafka = ScriptedKafka(fates("kept", "kept", "failed"))

    outbox_to(lambda: kafka).deliver(EVENTS)

    first_tries = [decode_event(value) for _, _, value in kafka.kept]

    assert first_tries == [*EVENTS[:2], *EVENTS[3:5], EVENTS[2], *EVENTS[5:]]


def test_an_event_that_nobody_configured_is_an_error_at_once() -> None:
    """Before anything is sent: waiting would not mend it."""
    kafka = ScriptedKafka(fates())
    stranger = Heartbeat(organisation="skara", source="mailbox", through=NOON)

    with pytest.raises(RejectedError, match="`exchange`"):
        outbox_to(lambda: kafka).deliver([EVENTS[0], stranger])
    assert kafka.kept == []


def test_several_threads_share_one_connection() -> None:
    """Every request of a webhook has its own thread, and every event arrives once."""
    kafka = ScriptedKafka(fates())
    connections: list[ScriptedKafka] = []

    def connect() -> ScriptedKafka:
        connections.append(kafka)
        return kafka

    outbox = outbox_to(connect)
    threads = [threading.Thread(target=outbox.deliver, args=([event],)) for event in EVENTS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=5)
    outbox.close()

    assert outbox.delivered == len(kafka.kept) == len(EVENTS)
    assert len(connections) == 1
    assert kafka.closed
