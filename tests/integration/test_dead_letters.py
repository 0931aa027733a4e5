"""Rejected events are kept, listed, and brought back once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
import typer
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import CoordinatorNotAvailableError

from agents import envelopes
from agents.commands import dead_letters
from agents.dead_letters import Unreadable, raw_value, read_letters, replay
from agents.envelopes import MAX_VALUE
from agents.kafka_clients import client_options, producer_options
from agents.settings import Cluster, load_settings
from agents.topic_admin import create_topics
from streams.conventions import Reason
from streams.records import Rejection
from streams.topics import CALLS, DEAD_LETTERS, EMAILS
from tests.kafka_records import Record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agents.embedded import Tansu

pytestmark = pytest.mark.integration

CONFIG = Path(__file__).parents[2] / "config"
KEY = b"exempelkommun"


@pytest.fixture
def cluster(tansu: Tansu, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """Topics on a broker of their own."""
    monkeypatch.setenv("KONTAKTPULS_BROKERS", tansu.brokers)
    monkeypatch.setenv("KONTAKTPULS_EMBEDDED", "true")
    monkeypatch.setenv("KONTAKTPULS_PARTITIONS", "2")
    monkeypatch.setenv("KONTAKTPULS_REPLICATION", "1")
    cluster = load_settings(CONFIG).cluster
    create_topics(cluster)
    return cluster


def rejection(
    value: bytes | None = b"{}",
    *,
    reason: Reason = Reason.NOT_JSON,
    topic: str = CALLS,
    key: bytes | None = KEY,
) -> Rejection:
    """A record that a worker could not apply."""
    record = Record(value=value, key=key, timestamp=0, offset=7, topic=topic, partition=1)
    return Rejection(record=record, reason=reason, detail="no object")


def seal(rejection: Rejection) -> bytes:
    """The letter for it."""
    record = cast("Record", rejection.record)
    return envelopes.seal(rejection, record.topic, record.partition)


def bury(cluster: Cluster, *letters: bytes, **options: object) -> None:
    """Put letters into the dead-letter topic, as a worker does."""
    producer = KafkaProducer(**(producer_options(cluster) | options))
    for letter in letters:
        producer.send(DEAD_LETTERS, letter, partition=0)
    producer.flush(timeout=10)
    producer.close(timeout=10)


def everything(cluster: Cluster, topic: str, count: int) -> Sequence[tuple[bytes, bytes]]:
    """Keys and values of a topic, at least `count` of them."""
    consumer = KafkaConsumer(**client_options(cluster), group_id=None, enable_auto_commit=False)
    places = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic)]
    consumer.assign(places)
    consumer.seek_to_beginning(*places)
    found: list[tuple[bytes, bytes]] = []
    for _ in range(50):
        for records in consumer.poll(timeout_ms=200).values():
            found += [(record.key, record.value) for record in records]
        if len(found) >= count:
            break
    # What should not be there gets a chance to show itself.
    for records in consumer.poll(timeout_ms=200).values():
        found += [(record.key, record.value) for record in records]
    consumer.close(autocommit=False)
    return found


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(b'{"type": "call.entered"', id="broken JSON"),
        pytest.param("Växel".encode("latin-1"), id="bytes that are no UTF-8"),
        pytest.param(b"", id="an empty value"),
        pytest.param(None, id="no value at all"),
    ],
)
def test_a_replayed_event_arrives_as_it_was_received(cluster: Cluster, value: bytes | None) -> None:
    """Key and value come back byte for byte, on the topic they came from."""
    bury(cluster, seal(rejection(value, topic=EMAILS)))

    done = replay(cluster)

    assert done.sent == {"not_json": 1}
    assert everything(cluster, EMAILS, 1) == [(KEY, value)]


def test_a_second_replay_sends_nothing_again(cluster: Cluster) -> None:
    """How far a replay got outlives it."""
    bury(cluster, *(seal(rejection(b"%d" % number)) for number in range(3)))

    first, second = replay(cluster), replay(cluster)

    assert (first.sent.total(), first.earlier) == (3, 0)
    assert (second.sent.total(), second.earlier) == (0, 3)
    assert len(everything(cluster, CALLS, 3)) == 3


def test_replaying_one_reason_leaves_the_others_for_later(cluster: Cluster) -> None:
    """A mended source gets its letters back; what lies between stays."""
    bury(
        cluster,
        seal(rejection(b"early", reason=Reason.FROM_THE_FUTURE)),
        seal(rejection(b"mended", reason=Reason.WRONG_TYPE)),
        seal(rejection(b"late", reason=Reason.FROM_THE_FUTURE)),
    )

    mended = replay(cluster, reason=Reason.WRONG_TYPE)
    rest = replay(cluster)

    assert mended.sent == {"wrong_type": 1}
    assert (rest.sent, rest.earlier) == ({"from_the_future": 2}, 1)
    assert len(everything(cluster, CALLS, 3)) == 3


def test_letters_that_arrive_later_are_replayed_later(cluster: Cluster) -> None:
    """A replay ends where the topic ended when it began, and the next one goes on there."""
    bury(cluster, seal(rejection(b"first")))
    replay(cluster)
    bury(cluster, seal(rejection(b"second")))

    done = replay(cluster)

    assert (done.sent.total(), done.earlier) == (1, 1)
    assert sorted(value for _, value in everything(cluster, CALLS, 2)) == [b"first", b"second"]


def test_a_cluster_that_never_kept_an_offset_is_given_time(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kafka makes its topic of offsets when first asked, and answers "not yet" meanwhile."""
    bury(cluster, seal(rejection()))
    ask, answers = KafkaAdminClient.list_group_offsets, iter([CoordinatorNotAvailableError()])

    def list_group_offsets(admin: KafkaAdminClient, groups: object) -> object:
        for error in answers:
            raise error
        return ask(admin, groups)

    monkeypatch.setattr(KafkaAdminClient, "list_group_offsets", list_group_offsets)

    assert replay(cluster).sent == {"not_json": 1}


def test_a_dry_run_only_counts(cluster: Cluster) -> None:
    """Nothing is sent and nothing remembered."""
    bury(cluster, seal(rejection()))

    rehearsed = replay(cluster, dry_run=True)
    done = replay(cluster)

    assert rehearsed.sent == done.sent == {"not_json": 1}
    assert len(everything(cluster, CALLS, 1)) == 1


def test_a_batch_of_letters_is_read_to_its_end(cluster: Cluster) -> None:
    """The broker's wrong answer about the end of a batch loses no letter."""
    letters = [seal(rejection(b"%d" % number)) for number in range(20)]
    bury(cluster, *letters, batch_size=1_000_000, linger_ms=100)

    values = [
        raw_value(letter)
        for _, _, letter in read_letters(cluster)
        if not isinstance(letter, Unreadable)
    ]

    assert values == [b"%d" % number for number in range(20)]


def test_a_value_too_long_to_keep_is_cut_and_not_sent_again(cluster: Cluster) -> None:
    """Half an event helps nobody; the letter says how long it was."""
    bury(cluster, seal(rejection(b"x" * 1_000_000, reason=Reason.TOO_LARGE)))

    [(_, _, letter)] = read_letters(cluster)
    done = replay(cluster)

    assert not isinstance(letter, Unreadable)
    assert letter.cut_from == 1_000_000
    assert len(raw_value(letter) or b"") == MAX_VALUE
    assert (done.sent.total(), done.cut) == (0, 1)


def test_the_longest_letter_fits_a_kafka_record() -> None:
    """A megabyte of the worst characters for JSON stays under Kafka's limit of 1 MB."""
    letter = seal(rejection(b"\x00" * 1_000_000, key=b"\x00" * 1_000_000))

    assert len(letter) < 1_000_000


def test_what_is_no_letter_is_named_and_passed_over(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    """Letters before and after it are still replayed, and the exit code says that it is there."""
    foreign = json.loads(seal(rejection())) | {"topic": "payroll"}
    bury(
        cluster,
        seal(rejection(b"before")),
        b"not a letter",
        json.dumps(foreign).encode(),
        seal(rejection(b"after")),
    )

    with pytest.raises(typer.Exit) as stopped:
        dead_letters.replay(config=CONFIG)

    out, err = capsys.readouterr()
    assert stopped.value.exit_code == 1
    assert "2 sent again, 0 were sent before" in out
    assert "kontaktpuls.dead-letters/0@1: is no dead letter:" in err
    assert "kontaktpuls.dead-letters/0@2: is no dead letter: `payroll` is no event topic" in err


def test_the_list_for_programs_holds_the_newest_letters(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    """JSON with every field, bounded by --limit, filtered by --reason."""
    bury(
        cluster,
        *(seal(rejection(b"%d" % number)) for number in range(5)),
        seal(rejection(b"other", reason=Reason.EMPTY)),
    )

    dead_letters.list_letters(
        reason=Reason.NOT_JSON, limit=2, format=dead_letters.Format.JSON, config=CONFIG
    )

    listed = json.loads(capsys.readouterr().out)
    assert [letter["value"] for letter in listed] == ["3", "4"]
    assert listed[0] == {
        "reason": "not_json",
        "detail": "no object",
        "topic": CALLS,
        "partition": 1,
        "offset": 7,
        "appended_at": "1970-01-01T00:00:00+00:00",
        "key": "exempelkommun",
        "value": "3",
    }


def test_the_list_for_people_says_how_many_there_are(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    """The table shows reason, origin and a short excerpt; markup in a value stays text."""
    bury(cluster, seal(rejection(b"[bold]" + b"x" * 100)))

    dead_letters.list_letters(config=CONFIG)

    out = capsys.readouterr().out
    assert "not_json" in out
    assert "[bold]" in out
    assert "x" * 100 not in out.replace("\n", "")
    assert "1 in kontaktpuls.dead-letters" in out


def test_a_missing_topic_says_how_to_create_it(
    tansu: Tansu, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever asks too early is told what to do first."""
    monkeypatch.setenv("KONTAKTPULS_BROKERS", tansu.brokers)
    monkeypatch.setenv("KONTAKTPULS_EMBEDDED", "true")

    with pytest.raises(typer.Exit):
        dead_letters.list_letters(config=CONFIG)

    assert "`kontaktpuls topics create`" in capsys.readouterr().err
