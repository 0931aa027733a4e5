"""`kontaktpuls redis rebuild`: what workers wrote, byte by byte, from what they stored in Kafka."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from redis import Redis

from agents.changelog import read_desks
from agents.kafka_reading import ReadingError
from agents.runtime import partition_of
from agents.settings import load_settings
from streams.conventions import redis_filled, redis_truth
from streams.instants import DAY, HOUR, MINUTE, SECOND, parse_rfc3339, to_rfc3339
from streams.topics import TOPIC_OF_CHANNEL
from tests.integration.test_worker import ORGANISATION, PARTITIONS, Site, wait_for
from tests.kafka_server import Kafka

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agents.children import Child
    from agents.embedded import EmbeddedRedis, Tansu
    from streams.organisations import Channel

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[2]
START = parse_rfc3339("2025-09-01T08:00:00+02:00")
LATER = START + 60 * DAY
"""Everything of the first days is folded by then."""

PATIENCE = 90.0
SEEN = ("kontaktpuls:rollup:*", "kontaktpuls:days:*", "kontaktpuls:truth:*")
SOURCES: dict[Channel, str] = {"calls": "exchange", "emails": "mailbox"}
HOME = partition_of(ORGANISATION, PARTITIONS)


class Story:
    """A site with a Redis, and what was told there.

    Attributes:
        site, redis: the two.
        told: events published, by topic.
    """

    def __init__(self, site: Site, url: str) -> None:
        path = site.config / "kontaktpuls.yaml"
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("{enabled: false}", f"{{url: {url}}}"), encoding="utf-8")
        self.site = site
        self.redis = Redis.from_url(url, decode_responses=True)
        self.told: Counter[str] = Counter()

    def publish(self, channel: Channel, *events: dict[str, Any]) -> None:
        """Send events in order."""
        topic = TOPIC_OF_CHANNEL[channel]
        self.site.publish((encoded(event) for event in events), topic=topic)
        self.told[topic] += len(events)

    def tell_everything(self, worker: Child) -> None:
        """A few days, two months of silence in which they are folded, and a few days more."""
        for channel, story in STORIES.items():
            self.publish(channel, *story(START, 4, "early"), heartbeat(channel, START + 5 * DAY))
        self.wait_until_shown(worker)
        for channel in STORIES:
            self.publish(channel, heartbeat(channel, LATER - HOUR))
        self.wait_until_shown(worker)
        for channel, story in STORIES.items():
            self.publish(channel, *story(LATER, 2, "late"), heartbeat(channel, LATER + 2 * DAY))
        self.wait_until_shown(worker)

    def say_nothing_new(self) -> None:
        """A heartbeat that everybody has heard before: nothing changes but the offset."""
        for channel in STORIES:
            self.publish(channel, heartbeat(channel, LATER + 2 * DAY))

    def wait_until_shown(self, worker: Child) -> None:
        """Everything told is acknowledged, and all that Redis is to hold is there."""
        wait_for(
            lambda: all(self._is_shown(channel) for channel in STORIES),
            worker=worker,
            within=PATIENCE,
        )

    def _is_shown(self, channel: Channel) -> bool:
        topic = TOPIC_OF_CHANNEL[channel]
        truth = self.redis.get(redis_truth(ORGANISATION, channel))
        mark = str(self.redis.get(redis_filled(channel, HOME)))
        return (
            truth is not None
            and json.loads(str(truth))["offset"] == self.told[topic] - 1
            and " " not in mark
            and self.site.committed(topic)[HOME] == self.told[topic]
        )

    def rebuild(self, *options: str) -> str:
        """What the command prints."""
        program = [sys.executable, "-m", "agents", "redis", "rebuild"]
        done = subprocess.run(
            [*program, "--config", str(self.site.config), *options],
            capture_output=True,
            check=False,
            text=True,
            cwd=ROOT,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def dump(self) -> tuple[dict[str, Any], dict[str, int]]:
        """Everything that is kept of the past, and for how many seconds more."""
        redis, found = self.redis, dict[str, Any]()
        names = sorted(str(name) for pattern in SEEN for name in redis.scan_iter(pattern))
        for name in names:
            match redis.type(name):
                case "hash":
                    found[name] = redis.hgetall(name)
                case "set":
                    found[name] = redis.smembers(name)
                case _:
                    found[name] = redis.get(name)
        return found, {name: int(str(redis.ttl(name))) for name in names}


@pytest.fixture(params=["embedded", "kafka"])
def story(
    request: pytest.FixtureRequest, tmp_path: Path, embedded_redis: EmbeddedRedis
) -> Iterator[Story]:
    """Nothing told yet, on either broker."""
    if request.param == "embedded":
        yield Story(Site(request.getfixturevalue("tansu"), tmp_path), embedded_redis.url)
        return
    # For the reason to skip; its topics belong to others.
    request.getfixturevalue("kafka")
    with Kafka(tmp_path / "kafka") as broker:
        yield Story(Site(broker, tmp_path), embedded_redis.url)


on_the_embedded_broker = pytest.mark.parametrize("story", ["embedded"], indirect=True)


def calls(start: int, days: int, name: str) -> list[dict[str, Any]]:
    """Ten calls a day: answered after any time, given up, handed on, with topics or none."""
    told: list[dict[str, Any]] = []
    for number in range(10 * days):
        at = start + number // 10 * DAY + number % 10 * 37 * MINUTE
        call = {"organisation": ORGANISATION, "call": f"{name}-{number}"}
        queue = ("vaxel", "omsorg", "nobody-configured")[number % 3]
        told.append({"type": "call.entered", **call, "queue": queue, "at": at})
        left = at + (number * 41 % 200) * SECOND
        if number % 7 == 0:
            gone = {"type": "call.left", **call, "queue": queue, "at": left}
            told.append(gone | {"reason": "abandoned"})
            continue
        told.append({"type": "call.answered", **call, "queue": queue, "at": left})
        end: dict[str, Any] = {"type": "call.ended", **call, "at": left + number * SECOND}
        if number % 2:
            end |= {"resolved": number % 4 == 1, "topic": f"Ämne {number % 5}"}
        told.append(end)
    return told


def mails(start: int, days: int, name: str) -> list[dict[str, Any]]:
    """Three mails a day, of which every fifth is never answered."""
    told: list[dict[str, Any]] = []
    for number in range(3 * days):
        at = start + number // 3 * DAY + number % 3 * HOUR
        mail = {
            "organisation": ORGANISATION,
            "conversation": f"{name}-{number}",
            "mailbox": "kontaktcenter",
            "automatic": False,
        }
        told.append({"type": "email.received", **mail, "message": "in", "at": at})
        if number % 5:
            reply = at + number * 3 * HOUR
            told.append({"type": "email.sent", **mail, "message": "out", "at": reply})
    return told


def heartbeat(channel: Channel, through: int) -> dict[str, Any]:
    """A source has read everything up to an instant."""
    source = SOURCES[channel]
    beat = {"type": "heartbeat", "organisation": ORGANISATION, "source": source}
    return beat | {"through": through}


def encoded(event: dict[str, Any]) -> bytes:
    """As JSON, with its instants as people write them."""
    return json.dumps(
        {
            key: to_rfc3339(value) if key in ("at", "through") else value
            for key, value in event.items()
        }
    ).encode()


STORIES: dict[Channel, Callable[[int, int, str], list[dict[str, Any]]]] = {
    "calls": calls,
    "emails": mails,
}


def rows(dumped: dict[str, Any]) -> dict[str, Any]:
    """The rollups, without the offset of whoever wrote them."""
    return {
        name: {key: row for key, row in value.items() if key != "offset"}
        for name, value in dumped.items()
        if isinstance(value, dict)
    }


def rows_of(dumped: dict[str, Any], channel: Channel) -> dict[str, Any]:
    """The rollups of a channel by day."""
    return {
        name.rpartition(":")[2]: row
        for name, row in rows(dumped).items()
        if name.startswith(f"kontaktpuls:rollup:{ORGANISATION}:{channel}:")
    }


def test_what_workers_wrote_is_rebuilt_byte_by_byte(story: Story) -> None:
    """Folded history too: by a running worker after FLUSHALL, and with none by the command."""
    with story.site.worker() as worker:
        story.tell_everything(worker)
        at_first, _ = story.dump()
        story.redis.flushall()
        story.say_nothing_new()
        story.wait_until_shown(worker)
        by_worker, kept = story.dump()
    story.redis.flushall()
    said = story.rebuild()
    by_command, kept_now = story.dump()

    assert rows(at_first) == rows(by_worker)
    assert by_worker == by_command
    assert all(abs(kept[name] - left) < PATIENCE for name, left in kept_now.items())

    settings = load_settings(story.site.config, environ={})
    desks = {desk.channel: desk for desk in read_desks(settings, [ORGANISATION])}
    folded = desks["calls"].books[ORGANISATION].folded
    assert len(folded.rows) > 20
    assert f"{ORGANISATION} calls: {len(rows_of(by_command, 'calls'))} days" in said

    # The first local day began on the day before, as UTC counts.
    first = rows_of(by_command, "calls")["2025-08-31"]
    assert all("|topic:" in field for field in first)


@on_the_embedded_broker
def test_a_rebuild_beside_a_worker_takes_nothing_back(story: Story) -> None:
    """What the worker wrote stays, and the worker goes on writing."""
    with story.site.worker() as worker:
        story.tell_everything(worker)
        before, _ = story.dump()
        story.rebuild("--organisation", ORGANISATION)
        after, _ = story.dump()

        assert rows(before) == rows(after)

        story.say_nothing_new()
        story.publish("calls", *calls(LATER + 2 * DAY, 1, "next"))
        story.wait_until_shown(worker)

    assert any("2025-11-02" in name for name in story.dump()[0])


@on_the_embedded_broker
def test_only_what_is_stored_is_read(story: Story) -> None:
    """Without any worker ever: no rows, nothing to claim, and no error."""
    assert story.rebuild() == ""

    settings = load_settings(story.site.config, environ={})
    desks = list(read_desks(settings))

    assert {(desk.channel, desk.offset, len(desk.books)) for desk in desks} == {
        (channel, 0, 0) for channel in TOPIC_OF_CHANNEL
    }


def test_a_changelog_that_is_missing_is_named(tansu: Tansu, tmp_path: Path) -> None:
    """And what to do about it."""
    site = Site(tansu, tmp_path, create=False)
    with pytest.raises(ReadingError, match="kontaktpuls topics create"):
        list(read_desks(site.settings))
