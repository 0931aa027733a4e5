"""`kontaktpuls publish`: where every event goes, and that none is believed without an answer."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path

import pytest
from kafka.errors import KafkaConnectionError, KafkaTimeoutError
from kafka.partitioner import murmur2
from typer.testing import CliRunner

from agents.cli import create_cli
from agents.commands.publish import publish_lines
from agents.input_files import Input, event_lines, numbered_lines, open_input, with_organisation
from agents.publisher import Publisher, PublishError, topic_of
from agents.settings import load_settings
from streams.codec import decode_event, encode_event
from streams.errors import RejectedError
from streams.topics import CALLS, EMAILS, SURVEYS, VISITS

ROOT = Path(__file__).parents[2]
ORGANISATIONS = load_settings(ROOT / "config").organisations

HEARTBEAT = {
    "type": "heartbeat",
    "organisation": "exempelkommun",
    "source": "exchange",
    "through": "2026-11-16T08:00:00Z",
}
CALL = {
    "type": "call.entered",
    "organisation": "exempelkommun",
    "call": "1",
    "queue": "vaxel",
    "at": "2026-11-16T08:00:00Z",
}
EMAIL = {
    "type": "email.closed",
    "organisation": "exempelkommun",
    "conversation": "1",
    "at": "2026-11-16T08:00:00Z",
    "reason": "spam",
}


class Answer:
    """An acknowledgement that comes, or does not."""

    def __init__(self, producer: FakeProducer, *, fails: bool) -> None:
        self.producer = producer
        self.fails = fails

    def get(self, timeout: float | None = None) -> None:
        """Come at once."""
        assert timeout is not None
        if self.fails:
            raise KafkaTimeoutError
        self.producer.awaited += 1


class FakeProducer:
    """Remembers what it was given, and can lose the n-th record."""

    def __init__(self, *, loses: int | None = None) -> None:
        self.records: list[tuple[str, bytes, bytes]] = []
        self.awaited = 0
        self.closed = False
        self.most_in_flight = 0
        self._loses = loses

    def send(self, topic: str, *, key: bytes, value: bytes) -> Answer:
        """Take a record."""
        self.records.append((topic, key, value))
        self.most_in_flight = max(self.most_in_flight, len(self.records) - self.awaited)
        return Answer(self, fails=len(self.records) == self._loses)

    def close(self, timeout: float | None = None) -> None:
        """Remember that it was asked to."""
        assert timeout is not None
        self.closed = True


def lines(*events: object) -> bytes:
    """Events, and texts that are none, as a file."""
    return b"".join(
        (event if isinstance(event, bytes) else json.dumps(event).encode()) + b"\n"
        for event in events
    )


def publish(content: bytes, *, organisation: str | None = None) -> tuple[FakeProducer, int]:
    """Publish a file's content, and count the lines left out."""
    producer = FakeProducer()
    source = Input("e.jsonl", io.BytesIO(content), len(content))
    left_out = publish_lines(source, Publisher(producer), ORGANISATIONS, organisation=organisation)
    return producer, left_out


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("21", -973_932_308),
        ("foobar", -790_332_482),
        ("a-little-bit-long-string", -985_981_536),
        ("a-little-bit-longer-string", -1_486_304_829),
        ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
        ("abc", 479_470_107),
    ],
)
def test_the_producer_hashes_keys_as_java_does(text: str, expected: int) -> None:
    """Kafka's own test vectors hold, so that all producers agree on an organisation's partition."""
    assert murmur2(text.encode()) == expected % 2**32


@pytest.mark.parametrize(
    ("event", "topic"),
    [
        (CALL, CALLS),
        (EMAIL, EMAILS),
        (HEARTBEAT, CALLS),
        (HEARTBEAT | {"source": "mailbox"}, EMAILS),
        (HEARTBEAT | {"source": "queue-tickets"}, VISITS),
        (HEARTBEAT | {"source": "survey"}, SURVEYS),
    ],
)
def test_every_event_has_its_topic(event: dict[str, str], topic: str) -> None:
    """Facts go by their type, a heartbeat with the facts of its source."""
    decoded = decode_event(json.dumps(event).encode())

    assert topic_of(decoded, ORGANISATIONS) == topic


@pytest.mark.parametrize(
    ("differs", "message"),
    [
        ({"source": "fax"}, "unknown_value: `fax` is no source of `exempelkommun`; it has `exch"),
        ({"organisation": "atlantis"}, "unknown_organisation: no configuration names `atlantis`"),
    ],
)
def test_what_no_configuration_names_is_not_published(
    differs: dict[str, str], message: str
) -> None:
    """A slip of the pen is told here and now instead of ending among the dead letters."""
    event = decode_event(json.dumps(HEARTBEAT | differs).encode())
    with pytest.raises(RejectedError) as caught:
        topic_of(event, ORGANISATIONS)

    assert str(caught.value).startswith(message)


def test_events_are_keyed_by_organisation_and_sent_as_they_were_written() -> None:
    """The value is the line itself: nothing a newer version adds is lost on the way."""
    newer = CALL | {"added_later": 1}
    producer, left_out = publish(lines(newer, EMAIL))

    assert producer.records == [
        (CALLS, b"exempelkommun", json.dumps(newer).encode()),
        (EMAILS, b"exempelkommun", json.dumps(EMAIL).encode()),
    ]
    assert left_out == 0


def test_every_event_is_waited_for() -> None:
    """Publishing ends when Kafka has acknowledged the last event, not when it was sent."""
    producer, _ = publish(lines(*[CALL] * 25))

    assert producer.awaited == len(producer.records) == 25


def test_only_so_many_events_are_on_their_way_at_a_time() -> None:
    """A file of any length needs little memory."""
    producer = FakeProducer()
    publisher = Publisher(producer, max_in_flight=3)
    for _ in range(20):
        publisher.send(CALLS, "exempelkommun", b"{}")
    publisher.flush()

    assert producer.most_in_flight == 3
    assert publisher.acknowledged == 20


def test_an_event_that_is_not_acknowledged_is_an_error_that_says_how_far_it_came() -> None:
    """Losing one silently is what this command exists to prevent."""
    publisher = Publisher(FakeProducer(loses=3))
    for _ in range(4):
        publisher.send(CALLS, "exempelkommun", b"{}")
    with pytest.raises(PublishError, match="it has 2 for certain"):
        publisher.flush()

    assert publisher.acknowledged == 2


def test_a_publisher_drops_its_connections_at_the_end() -> None:
    """Also after an error."""
    producer = FakeProducer(loses=1)
    publisher = Publisher(producer)
    publisher.send(CALLS, "exempelkommun", b"{}")
    with pytest.raises(PublishError), publisher:
        publisher.flush()

    assert producer.closed


def test_bad_lines_are_named_and_the_good_ones_sent(capsys: pytest.CaptureFixture[str]) -> None:
    """Each line stands for itself; blank ones do not count, and numbers are those of an editor."""
    content = lines(b"{", CALL, b"", CALL | {"at": "2026-11-16T08:00:00"}, b"x" * 100_000, EMAIL)
    producer, left_out = publish(content)
    complaints = capsys.readouterr().err.splitlines()

    assert [topic for topic, _, _ in producer.records] == [CALLS, EMAILS]
    assert left_out == 3
    assert [complaint.split(":")[:3] for complaint in complaints] == [
        ["e.jsonl", "1", " not_json"],
        ["e.jsonl", "4", " time_without_offset"],
        ["e.jsonl", "5", " too_large"],
    ]


def test_times_that_no_clock_can_mean_are_named_and_left_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A worker would reject them too, but only after they were believed to be published."""
    years = ("9999", "2200", "2199", "1971", "1970")
    producer, left_out = publish(
        lines(
            *(CALL | {"at": f"{year}-06-01T00:00:00Z"} for year in years),
            HEARTBEAT | {"through": "9999-01-01T00:00:00Z"},
        )
    )
    complaints = capsys.readouterr().err.splitlines()

    assert [json.loads(value)["at"][:4] for _, _, value in producer.records] == ["2199", "1971"]
    assert left_out == 4
    assert complaints == [
        "e.jsonl:1: from_the_future: a time after 2199",
        "e.jsonl:2: from_the_future: a time after 2199",
        "e.jsonl:5: beyond_horizon: a time before 1971",
        "e.jsonl:6: from_the_future: a time after 2199",
    ]


def test_a_missing_organisation_is_filled_in_and_a_present_one_kept() -> None:
    """A source need not know whose it is."""
    nobodys = {name: value for name, value in CALL.items() if name != "organisation"}
    filled = with_organisation(json.dumps(nobodys).encode(), "skara")
    kept = with_organisation(json.dumps(CALL).encode(), "skara")

    assert decode_event(filled).organisation == "skara"
    assert decode_event(kept).organisation == "exempelkommun"
    assert with_organisation(b"[1", "skara") == b"[1"


def test_the_organisation_filled_in_is_also_the_key() -> None:
    """An event without its organisation would be read by nobody."""
    nobodys = {name: value for name, value in CALL.items() if name != "organisation"}
    producer, left_out = publish(lines(nobodys), organisation="exempelkommun")

    assert left_out == 0
    assert producer.records[0][1] == b"exempelkommun"
    assert decode_event(producer.records[0][2]).organisation == "exempelkommun"


def test_a_compressed_file_is_read_as_it_is(tmp_path: Path) -> None:
    """Compression is seen in the bytes; the name of the file does not matter."""
    (tmp_path / "plain").write_bytes(lines(CALL, EMAIL))
    (tmp_path / "packed").write_bytes(gzip.compress(lines(CALL, EMAIL)))

    def read(name: str) -> list[tuple[int, bytes]]:
        with open_input(tmp_path / name) as source:
            return list(event_lines(source.stream))

    assert read("packed") == read("plain")
    assert len(read("plain")) == 2


def test_a_file_that_breaks_off_is_published_as_far_as_it_goes(tmp_path: Path) -> None:
    """What could be read is acknowledged, and the end that is missing counts as a bad line."""
    events = [CALL | {"call": f"{number:09}"} for number in range(5_000)]
    whole = gzip.compress(lines(*events))
    (tmp_path / "e.gz").write_bytes(whole[: len(whole) // 2])
    producer = FakeProducer()
    with open_input(tmp_path / "e.gz") as source:
        left_out = publish_lines(source, Publisher(producer), ORGANISATIONS)

    assert left_out == 1
    assert 0 < len(producer.records) == producer.awaited < 5_000


def test_an_endless_line_costs_no_memory() -> None:
    """What is beyond the longest line is passed over, and numbers go on as in an editor."""
    stream = io.BytesIO(b"a\n" + b"b" * 1_000 + b"\n" + b"c\r\n\nd")

    assert list(numbered_lines(stream, longest=10)) == [
        (1, b"a"),
        (2, b"b" * 11),
        (3, b"c"),
        (4, b""),
        (5, b"d"),
    ]


def test_encoded_events_are_published_as_the_codec_writes_them() -> None:
    """What the tools of this project print is what the command takes."""
    written = encode_event(decode_event(json.dumps(CALL).encode()))
    producer, left_out = publish(written + b"\n")

    assert left_out == 0
    assert producer.records[0][2] == written


def test_the_command_says_when_no_broker_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The exit code is 1, and the message names the address that was tried."""
    (tmp_path / "e.jsonl").write_bytes(lines(CALL))

    def unreachable(**options: object) -> None:
        assert options["bootstrap_servers"] == ["kafka:1"]
        raise KafkaConnectionError

    monkeypatch.setattr("agents.publisher.KafkaProducer", unreachable)
    result = CliRunner().invoke(
        create_cli("publish"),
        ["publish", f"{tmp_path}/e.jsonl", "--brokers", "kafka:1", "--config", f"{ROOT}/config"],
    )

    assert result.exit_code == 1
    assert "`kafka:1` does not answer" in result.stderr


def test_a_file_that_is_not_there_is_told() -> None:
    """Before anybody is connected to."""
    result = CliRunner().invoke(
        create_cli("publish"), ["publish", "nowhere.jsonl", "--config", f"{ROOT}/config"]
    )

    assert result.exit_code == 1
    assert "nowhere.jsonl: cannot be read" in result.stderr
