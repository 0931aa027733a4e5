"""The bad Tuesday, from the events to the mail that a team lead reads: warned while it helps."""

from __future__ import annotations

import re
import sys
import time
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import pytest
from redis import Redis

from agents.children import Child
from agents.embedded import EmbeddedRedis, Tansu, free_port
from agents.publisher import create_publisher
from agents.render import RENDERED
from agents.render import thresholds as t
from agents.render.alertmanager import render_alertmanager
from agents.settings import load_settings
from agents.sources.simulator import Player
from agents.topic_admin import create_topics
from streams.conventions import redis_snapshot
from streams.instants import DAY, HOUR, MINUTE, SECOND, parse_rfc3339, start_of_day
from streams.simulation import SCENARIOS
from tests.monitoring import LOOPBACK, Alertmanager, Prometheus, tool
from tests.post_office import PostOffice

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage

    from agents.settings import Settings
    from streams.organisations import Channel

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden" / "alerts"
TOWN = "exempelkommun"
TUESDAY = date(2026, 11, 17)
SEED = 8
PATIENCE = 60
SPEED = 300.0
"""What the rules are rendered for; the story goes slower where it gets exciting."""

MIDNIGHT = start_of_day(
    TUESDAY, load_settings(ROOT / "config", environ={}).organisations[TOWN].zone
)
RUSH = MIDNIGHT + 10 * HOUR
CLOSES = MIDNIGHT + 17 * HOUR
EVENING = CLOSES + 45 * MINUTE
NEXT_OPENING = MIDNIGHT + DAY + 7 * HOUR + 30 * MINUTE


class Phase(NamedTuple):
    """Until when the story goes how fast."""

    until: int
    speed: float


DUE_SOON = "förfaller inom"
WHOLE_DUE = r"exempelkommun \(reply-in-2-days\): \d+ mejl förfaller inom"
MISSED = "missas just nu"
MISSED_MUCH = "exempelkommun: bara "
ALARMS = "Varning|Bråttom|Warning|Urgent"
OVER = "Över|Over"
EVALUATED_EVERY = 1
STARTS = RUSH - 60 * MINUTE
PHASES = (
    Phase(RUSH - 10 * MINUTE, 300),
    Phase(RUSH + 40 * MINUTE, 200),
    Phase(CLOSES - 4 * HOUR - 10 * MINUTE, 600),
    Phase(EVENING, 400),
    Phase(NEXT_OPENING - 30 * MINUTE, 3600),
)


class OverError(Exception):
    """The last phase has been played."""


class StoryClock:
    """The time of the story while the wall's goes on evenly; it begins when it is first asked."""

    def __init__(self) -> None:
        self._began: float | None = None

    def __call__(self) -> int:
        """The instant in the story."""
        if self._began is None:
            self._began = time.monotonic()
        left = time.monotonic() - self._began
        instant = STARTS
        for until, speed in PHASES:
            lasts = (until - instant) / SECOND / speed
            if left < lasts:
                return instant + int(left * speed * SECOND)
            left -= lasts
            instant = until
        return instant


class Received(NamedTuple):
    """A mail, when it came by the wall and in the story, and the next deadline of any mail then."""

    message: EmailMessage
    wall: float
    story: int
    next_due: int | None

    @property
    def text(self) -> str:
        """The part that every mail program can show."""
        body = self.message.get_body(("plain",))
        assert body is not None
        return str(body.get_content()).replace("\r\n", "\n")


class Story:
    """Everything that runs, and what came of it.

    Attributes:
        mails: all of them.
        seen: wall time and story time, several times a second.
        prometheus: what evaluates the rules, from the beginning of the story on.
    """

    prometheus: Prometheus

    def __init__(self, settings: Settings, redis: Redis, worker: Child) -> None:
        self.mails: list[Received] = []
        self.seen: list[tuple[float, int]] = []
        self._settings = settings
        self._redis = redis
        self._worker = worker
        self._clock = StoryClock()
        self._player = Player(
            settings.organisations[TOWN],
            seed=SEED,
            speed=1,
            start=STARTS,
            backfill=7,
            profile=SCENARIOS["bad-tuesday"],
            clock=self._clock,
            sleep=self._tick,
        )

    def tell_the_past(self) -> None:
        """Publish the week before, and wait until the worker knows it."""
        with create_publisher(self._settings.cluster, one_per_batch=False) as publisher:
            self._player.publish_history(publisher)
        deadline = time.monotonic() + PATIENCE
        while self._known("calls") < STARTS - 5 * MINUTE:
            assert time.monotonic() < deadline, self._worker.last_lines()
            time.sleep(0.2)

    def play(self) -> None:
        """Tell it from the beginning to the end."""
        with create_publisher(self._settings.cluster) as publisher, pytest.raises(OverError):
            self._player.play(publisher)

    def _known(self, channel: Channel) -> int:
        snapshot = self._snapshot(channel)
        return 0 if snapshot is None else parse_rfc3339(snapshot["as_of"])

    def _snapshot(self, channel: Channel) -> Any:
        found = self._redis.get(redis_snapshot(TOWN, channel))
        return msgspec.json.decode(found) if isinstance(found, bytes) else None

    def _tick(self, seconds: float) -> None:
        now = self._clock()
        self.seen.append((time.time(), now))
        if now >= PHASES[-1].until:
            raise OverError
        time.sleep(seconds)

    def note(self, message: EmailMessage) -> None:
        """A mail has come."""
        snapshot = self._snapshot("emails")
        due = snapshot["due_next"] if snapshot else []
        next_due = parse_rfc3339(due[0]["due"]) if due else None
        self.mails.append(Received(message, time.time(), self._clock(), next_due))

    def wall(self, instant: int) -> float:
        """When the story was there."""
        return next(wall for wall, story in self.seen if story >= instant)

    def firing(self, begins: int, ends: int, **labels: str) -> list[tuple[str, list[float]]]:
        """Alerts that fired in a part of the story: their names, and the wall times."""
        inside = "".join(f',{label}="{value}"' for label, value in labels.items())
        query = f'ALERTS{{alertstate="firing"{inside}}}'
        found = self.prometheus.history(query, self.wall(begins), self.wall(ends))
        return [
            (series["metric"]["alertname"], [float(at) for at, _ in series["values"]])
            for series in found
        ]

    def about(self, words: str, *, over: bool = False) -> list[tuple[Received, str]]:
        """The mails in which something begins or is over, with what they say about it."""
        begins = OVER if over else ALARMS
        pattern = re.compile(
            rf"^({begins}): [^\n]*{words}.*?(?=\n\n(--|({ALARMS}|{OVER}): ))",
            re.MULTILINE | re.DOTALL,
        )
        found = ((mail, pattern.search(mail.text)) for mail in self.mails)
        return [(mail, match[0]) for mail, match in found if match is not None]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """The bad Tuesday, told once, with everything that was running then still running."""
    for name in ("prometheus", "prometheus-alertmanager"):
        tool(name)
    folder = tmp_path_factory.mktemp("story")
    with ExitStack() as running:
        broker = running.enter_context(Tansu())
        server = running.enter_context(EmbeddedRedis())
        post = running.enter_context(PostOffice())
        port = free_port()
        environment = {
            "KONTAKTPULS_ALERTS_MAIL": "drift@exempelkommun.example",
            "KONTAKTPULS_ALERTS_SMTP_HOST": post.address,
            "KONTAKTPULS_BROKERS": broker.brokers,
            "KONTAKTPULS_CLOCK": "events",
            "KONTAKTPULS_CONFIG": str(ROOT / "config"),
            "KONTAKTPULS_DATA_DIR": str(folder / "faust"),
            "KONTAKTPULS_EMBEDDED": "true",
            "KONTAKTPULS_PARTITIONS": "2",
            "KONTAKTPULS_REDIS_URL": server.url,
            "KONTAKTPULS_REPLICATION": "1",
            "KONTAKTPULS_WEB_PORT": str(port),
        }
        settings = load_settings(environ=environment)
        create_topics(settings.cluster)
        rules = {
            Path(name).name: render(settings, SPEED)
            for name, render in RENDERED.items()
            if name.endswith(".rules.yml")
        }
        (folder / "alertmanager").mkdir()
        config = folder / "alertmanager" / "alertmanager.yml"
        config.write_text(render_alertmanager(settings, SPEED), encoding="utf-8")
        templates = ROOT / "config" / "alertmanager" / "templates"
        (folder / "alertmanager" / "templates").symlink_to(templates)
        command = [sys.executable, "-m", "agents", "worker"]
        worker = running.enter_context(
            Child("worker", command, log=folder / "worker.log", environment=environment)
        )
        redis = running.enter_context(Redis.from_url(server.url, socket_timeout=5))
        story = Story(settings, redis, worker)
        post.when_received = story.note
        story.tell_the_past()
        alertmanager = running.enter_context(Alertmanager(config, log=folder / "alertmanager.log"))
        story.prometheus = running.enter_context(
            Prometheus(
                rules,
                worker=f"{LOOPBACK}:{port}",
                alertmanager=f"{LOOPBACK}:{alertmanager.port}",
                log=folder / "prometheus.log",
            )
        )
        story.play()
        yield story


def test_the_mail_about_mails_comes_before_the_first_of_them_is_late(story: Story) -> None:
    """There is still time to answer what is promised for today."""
    warned, _ = story.about(DUE_SOON)[0]

    assert warned.next_due is not None
    assert warned.story < warned.next_due <= CLOSES


def test_the_call_alert_comes_within_two_evaluations_of_the_drop(story: Story) -> None:
    """Nobody has to watch the board to notice that the phones have begun to ring."""
    share = 'kontaktpuls_calls_service_level_ratio{promise="answered-in-2-minutes"'
    count = share.replace("_ratio", "_events")
    drop = (
        f'{share},window="15m"}} <= 0.6'
        f' and ignoring (window) {count},window="15m"}} >= {t.FAST_MIN_EVENTS}'
        f' and ignoring (window) {share},window="1h"}} <= 0.9'
        f' and ignoring (window) {count},window="1h"}} >= {t.HOUR_MIN_EVENTS}'
    )
    (dropped,) = story.prometheus.history(drop, story.wall(STARTS), story.wall(CLOSES))
    begins = float(dropped["values"][0][0])
    fired = story.firing(STARTS, CLOSES, alertname="CallServiceLevelFalling", queue="")
    told, _ = story.about(MISSED)[0]

    assert story.wall(RUSH) < begins
    assert fired[0][1][0] - begins <= 2 * EVALUATED_EVERY
    assert told.story < RUSH + HOUR


def test_what_was_warned_of_is_over_in_the_end(story: Story) -> None:
    """Whoever was warned is told that it is over."""
    for name in ("EmailsDueSoon", "CallServiceLevelFalling", "CallServiceLevelVeryLow"):
        fired = story.firing(STARTS, EVENING, alertname=name)

        assert fired
        assert all(times[-1] < story.wall(EVENING - 10 * MINUTE) for _, times in fired)
    assert story.about(DUE_SOON, over=True)
    assert story.about(MISSED_MUCH, over=True)


def test_nothing_begins_at_night(story: Story) -> None:
    """Closing time is calm, and so is the night: no mail, no call alert, and no other anew."""
    night = EVENING, NEXT_OPENING - 40 * MINUTE
    before = story.firing(CLOSES, EVENING)
    during = [name for name, _ in story.firing(*night)]
    alarms = [
        mail.text
        for mail in story.mails
        if night[0] < mail.story < night[1] and re.match(ALARMS, mail.text)
    ]

    assert alarms == []
    assert [name for name in during if name.startswith("Call")] == []
    assert set(during) <= {name for name, _ in before}


def test_the_whole_organisation_is_told_once_not_queue_by_queue(story: Story) -> None:
    """While everything burns, a team lead does not read a mail for each queue."""
    worst, _ = story.about(MISSED_MUCH)[0]
    over, _ = story.about(MISSED_MUCH, over=True)[-1]
    between = [
        mail
        for mail in story.mails
        if worst.story + 15 * MINUTE < mail.story < over.story - 5 * MINUTE
    ]
    queues = [mail.message["subject"] for mail in between if ", " in mail.message["subject"][:40]]

    assert queues == []


@pytest.mark.parametrize(
    ("golden", "words", "over"),
    [
        ("emails-due-soon", WHOLE_DUE, False),
        ("emails-due-soon-over", WHOLE_DUE, True),
        ("calls-missed", "exempelkommun: många samtal missas", False),
        ("calls-missed-much", "exempelkommun: bara ", False),
        ("source-never-seen", "anonymous-bank, calls, exchange: the source", False),
    ],
)
def test_the_mail_reads_as_it_should(story: Story, golden: str, words: str, *, over: bool) -> None:
    """The words of a mail change on purpose only."""
    _, said = story.about(words, over=over)[0]
    path = GOLDEN / f"{golden}.txt"

    assert without_chance(said) == path.read_text(encoding="utf-8")


def without_chance(text: str) -> str:
    """What a mail says, without the numbers and times that depend on the moment."""
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "TIME", text)
    return re.sub(r"(: |bara |av |hinner )\d+(?= )", r"\1N", text) + "\n"
