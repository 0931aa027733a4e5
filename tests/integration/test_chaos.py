"""Nothing is lost or counted twice on Apache Kafka, and the harness that says so can say no.

Longer: `make chaos`.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from contextlib import ExitStack
from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.chaos.judge import Judge, UnequalError
from tests.chaos.rounds import play
from tests.chaos.site import ORGANISATIONS, Site
from tests.chaos.worker import WITHOUT
from tests.chaos.workload import Workload
from tests.kafka_server import Kafka

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]

SESSION = 20.0
"""Seconds after which a member that stands still is taken for dead."""


@pytest.fixture(autouse=True)
def _real_servers(request: pytest.FixtureRequest) -> None:
    """A round has servers of its own, but needs the programs."""
    # For the reason to skip.
    request.getfixturevalue("kafka")
    if shutil.which("redis-server") is None:
        if os.environ.get("REQUIRE_KAFKA"):
            pytest.fail("no redis-server; install the package redis-server")
        pytest.skip("no redis-server; install the package redis-server")


PROMPT = 10.0
"""Seconds within which small chunks are acknowledged, however many they were; the watchdog would
help out after 20."""


class Scene:
    """A site with all it takes to judge it."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.workload = Workload(Random(1), ORGANISATIONS)  # noqa: S311 - facts, not secrets
        self.judge = Judge(site, self.workload)

    def publish(self, calls: int) -> None:
        """Some calls of every organisation."""
        self.site.publish(self.workload.more(calls))


@pytest.fixture
def scene(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Scene]:
    """Workers that lack the mend that the test is told of, on one broker."""
    with ExitStack() as running:
        broker = running.enter_context(Kafka(tmp_path / "kafka"))
        site = running.enter_context(
            Site(tmp_path, broker, static=True, slots=2, mend=request.param)
        )
        yield Scene(site)


def chunk_by_chunk(scene: Scene) -> None:
    """What arrives little by little is acknowledged as soon as it is stored."""
    scene.site.slots[0].start()
    scene.publish(5)
    scene.judge.wait_until_caught_up()
    for _ in range(100):
        scene.publish(5)
        time.sleep(0.08)
    # Without the mend each commit, four a second, gets past one chunk.
    scene.judge.wait_until_caught_up(within=PROMPT)
    scene.judge.compare(within=PROMPT)


def killed_when_it_says_done(scene: Scene) -> None:
    """A worker that has acknowledged everything dies at that moment; the next one restores."""
    first = scene.site.slots[0]
    first.start()
    scene.publish(5)
    scene.judge.wait_until_caught_up()
    # All at once, and nothing to forward: what it reads last shall be worth storing.
    first.signal(signal.SIGSTOP)
    scene.site.publish(record._replace(astray=False) for record in scene.workload.more(300))
    first.signal(signal.SIGCONT)
    scene.judge.wait_until_caught_up()
    first.kill()
    first.start()
    scene.site.publish(scene.workload.beat())
    scene.judge.wait_until_caught_up()
    scene.judge.compare(within=5.0)


def thawed_after_its_session(scene: Scene) -> None:
    """A worker frozen with unflushed state wakes up behind its successor; a third one restores."""
    first, second = scene.site.slots
    first.start()
    scene.publish(5)
    scene.judge.wait_until_caught_up()
    scene.publish(400)
    while "kontaktpuls_contacts_retained" not in first.metrics() or scene.site.left() == 0:
        scene.publish(100)
    first.signal(signal.SIGSTOP)

    assert scene.site.left() > 0, "it was done before it was frozen: that proves nothing"

    second.start()
    scene.publish(50)
    scene.judge.wait_until_caught_up(within=SESSION + 60.0)
    first.wanted = False
    first.signal(signal.SIGCONT)
    # What it had in hand it writes at once, before it learns that it is nobody any more.
    time.sleep(5.0)
    for slot in (first, second):
        slot.kill()
    second.start()
    scene.site.publish(scene.workload.beat())
    scene.judge.wait_until_caught_up()
    scene.judge.compare(within=5.0)


STORIES: dict[str, Callable[[Scene], None]] = {
    "gap": chunk_by_chunk,
    "flush": killed_when_it_says_done,
    "ack order": killed_when_it_says_done,
    "writing": thawed_after_its_session,
}


def test_every_mend_has_a_story() -> None:
    """Whatever can be taken out is taken out below."""
    assert STORIES.keys() == WITHOUT.keys()


@pytest.mark.parametrize(
    ("scene", "story"),
    [
        ("as it is", chunk_by_chunk),
        ("slow", killed_when_it_says_done),
        ("slow", thawed_after_its_session),
    ],
    indirect=["scene"],
)
def test_with_every_mend_nothing_is_lost(scene: Scene, story: Callable[[Scene], None]) -> None:
    """However slowly Kafka acknowledges."""
    story(scene)

    assert scene.judge.sampled > 0


@pytest.mark.parametrize("scene", list(WITHOUT), indirect=True)
def test_without_a_mend_the_harness_says_no(scene: Scene, request: pytest.FixtureRequest) -> None:
    """The same story, one mend less: the comparison is lost."""
    mend = request.node.callspec.params["scene"]

    with pytest.raises(UnequalError):
        STORIES[mend](scene)


def test_a_short_round(tmp_path: Path) -> None:
    """A killed worker, an emptied Redis and a bounced broker: equal after each."""
    report = play(1, 0, tmp_path, names=("kill", "flush redis", "bounce broker"), brokers=1)

    assert [fault["left"] > 0 for fault in report["faults"]] == [True] * 3
    assert report["restored"]["metrics"] > 1_000
    assert report["misses sampled"] > 0
