"""The board in a real browser: Redis' numbers, soon, honest when old, and readable for all."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from redis import Redis

from agents.embedded import EmbeddedRedis
from streams.conventions import redis_snapshot
from streams.instants import MINUTE, SECOND
from tests.chromium import CONTRASTS, chromium
from tests.wallboard import (
    RunningClock,
    ServerThread,
    board_server,
    instant_of,
    snapshots_at,
    store,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Literal

    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.integration

SHOTS = Path(__file__).parents[2] / ".artefacts" / "board"
"""Not committed; the continuous integration keeps them."""

WALL = (1920, 1080)
PHONE = (390, 844)
BUSY = instant_of(1, 9, 47)
NIGHT = instant_of(1, 21, 5)
PATIENCE = 15_000
SMALLEST_ON_A_WALL = 26
"""Pixels of 1080: what can still be read six metres from a screen of 55 inches."""

# Text that is cut off, or that runs out of its box or the screen.
OVERFLOWING = """() => [...document.querySelectorAll("body *")]
  .filter((e) => !e.closest(".unseen, noscript, script"))
  .filter((e) => {
    const box = e.getBoundingClientRect();
    const tile = e.closest(".tile");
    const end = tile ? tile.getBoundingClientRect().right : innerWidth;
    return box.right > end + 1 || (getComputedStyle(e).overflow !== "visible" &&
      (e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1));
  })
  .map((e) => `${e.tagName}.${e.className}: ${e.textContent.slice(0, 60)}`)"""

# Tiles and tables of one channel that cover each other.
COVERED = """() => [...document.querySelectorAll(".channel")].flatMap((channel) => {
  const boxes = [...channel.querySelectorAll(".tile, .due, .parts, .more")]
    .map((e) => [e.className, e.getBoundingClientRect()]);
  return boxes.flatMap(([name, a], i) => boxes.slice(i + 1)
    .filter(([, b]) => a.left < b.right - 1 && b.left < a.right - 1 &&
      a.top < b.bottom - 1 && b.top < a.bottom - 1)
    .map(([other]) => `${name} / ${other}`));
})"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium of the system."""
    yield from chromium()


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedRedis]:
    """One Redis for these tests."""
    with EmbeddedRedis() as redis:
        yield redis


@pytest.fixture
def redis(server: EmbeddedRedis) -> Iterator[Redis]:
    """What the workers write to; empty at first."""
    with Redis.from_url(server.url) as client:
        client.flushall()
        yield client


@contextmanager
def serving(
    server: EmbeddedRedis,
    now: int,
    kind: Literal["wall", "events"] = "wall",
    *,
    port: int = 0,
    version: str | None = None,
) -> Iterator[ServerThread]:
    """Boards from that Redis, at an instant from which the clock runs on."""
    clock = RunningClock(now)
    boards = board_server(server.url, clock, kind=kind, port=port, version=version)
    with ServerThread(boards) as thread:
        yield thread


@contextmanager
def looking(
    browser: Browser,
    url: str,
    *,
    size: tuple[int, int] = WALL,
    language: str = "sv-SE",
    scheme: Literal["light", "dark"] = "light",
    path: str = "/board/exempelkommun",
) -> Iterator[Page]:
    """A screen; nothing may go wrong in its console, and it asks nobody else for anything."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        locale=language,
        color_scheme=scheme,
        reduced_motion="reduce",
    )
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    complaints: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    try:
        page.goto(url + path)
        yield page
        assert [one for one in asked if not one.startswith(url)] == []
        assert [one for one in complaints if "ERR_" not in one] == []
    finally:
        context.close()


def wait_for(page: Page, expression: str) -> None:
    """Return when a JavaScript expression holds; polled, as the page forbids foreign script."""
    handle = f"() => Boolean({expression})"
    for _ in range(PATIENCE // 50):
        if page.evaluate(handle):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"never came true: {expression}")


def value(page: Page, channel: str, tile: str) -> str:
    """A big number as it is read."""
    return page.locator(f".{channel} .tile.{tile} .value").inner_text()


def keep(page: Page, name: str) -> None:
    """A picture for people."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png", full_page=name.startswith("phone"))


def seen_sound(page: Page) -> None:
    """Nothing is cut off or covered, and everything can be told from its background."""
    assert page.evaluate(OVERFLOWING) == []
    assert page.evaluate(COVERED) == []
    measured = page.evaluate(CONTRASTS)
    assert measured
    assert [text for text in measured if text["contrast"] < 4.5] == []


@pytest.mark.parametrize("size", [WALL, PHONE], ids=["wall", "phone"])
@pytest.mark.parametrize("language", ["sv-SE", "en-GB"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_numbers_on_the_page_are_those_in_redis(
    browser: Browser,
    server: EmbeddedRedis,
    redis: Redis,
    *,
    size: tuple[int, int],
    language: str,
    scheme: Literal["light", "dark"],
) -> None:
    """In both languages and lights, on the wall and in the hand; and nothing is hard to read."""
    store(redis, snapshots_at(BUSY))
    stored = redis.get(redis_snapshot("exempelkommun", "calls"))
    assert isinstance(stored, bytes)
    total, *queues = json.loads(stored)["parts"]
    today = total["windows"]["today"]
    with (
        serving(server, BUSY) as served,
        looking(browser, served.url, size=size, language=language, scheme=scheme) as page,
    ):
        wait_for(page, "document.querySelector('.emails .parts')")
        keep(page, f"{'wall' if size == WALL else 'phone'}-{language[:2]}-{scheme}")

        assert page.locator("html").get_attribute("lang") == language[:2]
        assert value(page, "calls", "waiting") == str(int(total["now"]["waiting"]))
        assert value(page, "calls", "answered") == str(int(today["answered"]))
        assert value(page, "calls", "abandoned") == str(int(today["abandoned"]))
        percent = int(re.sub(r"\D", "", value(page, "calls", "today")))
        assert percent == int(100 * today["service_level"])
        rows = page.locator(".calls .parts tbody tr").all()
        assert [row.locator("td").first.inner_text() for row in rows] == [
            str(int(queue["now"]["waiting"])) for queue in queues
        ]
        seen_sound(page)


def test_everything_on_a_wall_can_be_read_from_six_metres(
    browser: Browser, server: EmbeddedRedis, redis: Redis
) -> None:
    """The smallest letters are large, and the numbers much larger."""
    store(redis, snapshots_at(BUSY))
    with serving(server, BUSY) as served, looking(browser, served.url) as page:
        wait_for(page, "document.querySelector('.emails .parts')")
        sizes = {text["text"]: text["size"] for text in page.evaluate(CONTRASTS)}

        assert min(sizes.values()) >= SMALLEST_ON_A_WALL
        assert sizes[value(page, "calls", "waiting")] >= 4 * SMALLEST_ON_A_WALL


def test_a_change_is_on_the_wall_within_two_seconds(
    browser: Browser, server: EmbeddedRedis, redis: Redis
) -> None:
    """From Redis to the glass, and the page is not loaded again for it."""
    snapshots: dict[str, Any] = json.loads(json.dumps(snapshots_at(BUSY)))
    store(redis, snapshots)  # type: ignore[arg-type]
    with serving(server, BUSY) as served, looking(browser, served.url) as page:
        wait_for(page, "document.querySelector('.calls .tile.waiting')")
        page.evaluate("() => { document.body.dataset.kept = 'yes' }")
        snapshots["calls"]["parts"][0]["now"]["waiting"] = 78
        began = page.evaluate("() => performance.now()")
        store(redis, snapshots)  # type: ignore[arg-type]
        wait_for(page, "document.querySelector('.tile.waiting .value').textContent === '78'")

        assert page.evaluate("() => performance.now()") - began < 2_000
        assert page.locator("body").get_attribute("data-kept") == "yes"


def test_the_longest_wait_runs_on_between_two_snapshots(
    browser: Browser, server: EmbeddedRedis, redis: Redis
) -> None:
    """Who waits does not wait for the next event; since when is written beside it."""
    store(redis, snapshots_at(BUSY))
    with serving(server, BUSY) as served, looking(browser, served.url) as page:
        wait_for(page, "document.querySelector('.tile.longest')")
        before = value(page, "calls", "longest")
        shown = json.dumps(before)
        wait_for(page, f"document.querySelector('.tile.longest .value').textContent !== {shown}")

        assert value(page, "calls", "longest") > before
        note = page.locator(".tile.longest .note").inner_text()
        assert re.fullmatch(r"sedan \d\d:\d\d:\d\d", note)


@pytest.mark.parametrize("behind", [2 * MINUTE, 10 * MINUTE], ids=["calls", "both"])
def test_old_truth_looks_old(
    browser: Browser, server: EmbeddedRedis, redis: Redis, behind: int
) -> None:
    """The server answers and Redis holds numbers, but their instant has passed long ago."""
    store(redis, snapshots_at(BUSY))
    with serving(server, BUSY + behind) as served, looking(browser, served.url) as page:
        wait_for(page, "document.querySelector('.channel.calls.old')")
        keep(page, "wall-sv-old")
        old_mail = page.locator(".channel.emails.old").count()

        assert page.locator("#status").inner_text() == "Gamla siffror. Läget kan vara ett annat."
        assert old_mail == (behind == 10 * MINUTE)
        assert page.locator(".channel.calls .mark:visible").count() == 0
        assert value(page, "calls", "longest") == "2:09"
        seen_sound(page)


def test_a_page_notices_by_itself_that_the_server_is_gone(
    browser: Browser, server: EmbeddedRedis, redis: Redis
) -> None:
    """And finds back as soon as there is one again, without anybody touching it."""
    store(redis, snapshots_at(BUSY))
    with serving(server, BUSY) as served:
        url = served.url
        with looking(browser, url) as page:
            wait_for(page, "document.querySelector('.calls .tile')")
            assert page.locator(".channel.old").count() == 0
            served.stop()
            wait_for(page, "document.querySelectorAll('.channel.old').length === 2")
            keep(page, "wall-sv-lost")

            assert page.locator("#status").inner_text() == "Ingen kontakt. Siffrorna är gamla."

            with serving(server, BUSY + 20 * SECOND, port=int(url.rpartition(":")[2])):
                wait_for(page, "document.querySelectorAll('.channel.old').length === 0")

                assert page.locator("#status").inner_text() == "Aktuellt"


def test_replayed_history_grows_old_when_it_stands_still(
    browser: Browser, server: EmbeddedRedis, redis: Redis
) -> None:
    """No clock tells the age of a simulated morning; that its snapshot went away does."""
    store(redis, snapshots_at(BUSY))
    with serving(server, NIGHT, "events") as served, looking(browser, served.url) as page:
        wait_for(page, "document.querySelector('.calls .tile')")

        assert page.locator("#status").inner_text() == "Uppspelning"
        assert value(page, "calls", "longest") == "2:09"

        redis.flushall()
        wait_for(page, "document.querySelectorAll('.channel.old').length === 2")


def test_a_closed_centre_is_calm(browser: Browser, server: EmbeddedRedis, redis: Redis) -> None:
    """At night nothing shouts, and it says when somebody is there again."""
    store(redis, snapshots_at(NIGHT))
    with serving(server, NIGHT) as served, looking(browser, served.url, scheme="dark") as page:
        wait_for(page, "document.querySelector('.calls .tile')")
        keep(page, "wall-sv-night")

        assert page.locator(".bad, .warn, .good").count() == 0
        assert page.locator(".calls .hours").inner_text() == "Stängt till i morgon 07:30"
        seen_sound(page)


def test_before_the_first_event_the_board_explains_itself(
    browser: Browser, server: EmbeddedRedis, redis: Redis
) -> None:
    """A new installation is neither broken nor at 0 %."""
    assert redis.dbsize() == 0
    with serving(server, BUSY) as served, looking(browser, served.url) as page:
        wait_for(page, "document.querySelector('.empty')")
        keep(page, "wall-sv-nothing")

        assert page.locator("#status").inner_text() == "Inga siffror ännu"
        assert page.locator(".tile").count() == 0
        seen_sound(page)


def test_a_page_of_another_version_loads_itself_again_but_does_not_flicker(
    browser: Browser, server: EmbeddedRedis, redis: Redis
) -> None:
    """A wall that nobody touches gets the new page, at most once a minute."""
    store(redis, snapshots_at(BUSY))
    with serving(server, BUSY, version="newer") as served, looking(browser, served.url) as page:
        page.clock.install()
        page.reload()
        wait_for(page, "document.querySelector('.calls .tile')")
        page.evaluate("() => { document.body.dataset.kept = 'yes' }")
        page.clock.run_for(5_000)

        assert page.locator("body").get_attribute("data-kept") == "yes"

        with page.expect_event("load"):
            page.clock.run_for(56_000)

        assert page.locator("body").get_attribute("data-kept") is None


@pytest.mark.parametrize("size", [WALL, (1280, 720), (1024, 768), (768, 1024), PHONE])
@pytest.mark.parametrize("language", ["sv-SE", "en-GB"])
def test_large_numbers_fit_on_every_screen(
    browser: Browser,
    server: EmbeddedRedis,
    redis: Redis,
    *,
    size: tuple[int, int],
    language: str,
) -> None:
    """A storm day in a large town covers and cuts off nothing."""
    snapshots: dict[str, Any] = json.loads(json.dumps(snapshots_at(BUSY)))
    calls = snapshots["calls"]["parts"]
    calls += [{**calls[1], "queue": f"new-{n}"} for n in range(3)]
    for part in calls:
        part["now"].update(waiting=188, longest_wait=7_322.0)
        today = part["windows"]["today"]
        today.update(answered=4_321, abandoned=1_234, departures=5_555)
        for kpis in today["promises"].values():
            kpis.update(service_level_n=5_555, service_level_numerator=3_210)
    for part in snapshots["emails"]["parts"]:
        part["now"]["open"] = 1_888
        part["now"]["promises"]["reply-in-2-days"]["overdue"] = 999
    store(redis, snapshots)  # type: ignore[arg-type]
    with (
        serving(server, BUSY) as served,
        looking(browser, served.url, size=size, language=language) as page,
    ):
        wait_for(page, "document.querySelector('.emails .parts')")
        page.screenshot(path=SHOTS / f"storm-{size[0]}-{language[:2]}.png")

        assert page.evaluate(OVERFLOWING) == []
        assert page.evaluate(COVERED) == []


@pytest.mark.parametrize("told", ["dark", "light"])
def test_a_screen_that_cannot_be_set_is_told_its_light(
    browser: Browser, server: EmbeddedRedis, redis: Redis, told: str
) -> None:
    """`?theme=dark` wins over what the browser says, and is readable."""
    store(redis, snapshots_at(BUSY))
    path = f"/board/exempelkommun?theme={told}"
    scheme: Literal["light", "dark"] = "light" if told == "dark" else "dark"
    with (
        serving(server, BUSY) as served,
        looking(browser, served.url, scheme=scheme, path=path) as page,
    ):
        wait_for(page, "document.querySelector('.emails .parts')")
        page_colour = page.evaluate("() => getComputedStyle(document.body).backgroundColor")

        assert (page_colour == "rgb(12, 20, 24)") == (told == "dark")
        seen_sound(page)


def test_a_reader_who_does_not_see_hears_the_board_in_order(
    browser: Browser, server: EmbeddedRedis, redis: Redis
) -> None:
    """Headings, regions with names, row headers, and changes told politely and rarely."""
    store(redis, snapshots_at(BUSY))
    with serving(server, BUSY) as served, looking(browser, served.url, language="en-GB") as page:
        wait_for(page, "document.querySelector('.emails .parts')")
        spoken = page.locator("body").aria_snapshot()
        summary = page.locator("#summary")

        assert spoken.index("Municipality of Exempel") < spoken.index('region "Calls"')
        assert spoken.index('region "Calls"') < spoken.index('region "E-mail"')
        assert 'rowheader "Switchboard"' in spoken
        assert 'columnheader "waiting"' in spoken
        assert summary.get_attribute("aria-live") == "polite"
        assert summary.inner_text().startswith("Calls: Open until 17:00. Below target 80%.")
        assert page.locator("[tabindex], button, input, a").count() == 0


def test_the_list_of_boards_leads_to_one(
    browser: Browser, server: EmbeddedRedis, redis: Redis
) -> None:
    """And keeps the language that was asked for."""
    store(redis, snapshots_at(BUSY))
    with (
        serving(server, BUSY) as served,
        looking(browser, served.url, path="/board?lang=en") as page,
    ):
        seen_sound(page)
        page.get_by_role("link", name="Municipality of Exempel").click()
        wait_for(page, "document.querySelector('.calls .tile')")

        assert page.locator(".calls h2").inner_text() == "Calls"
