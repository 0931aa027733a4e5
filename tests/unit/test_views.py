"""Views are shown what was stored; their failures are told, retried, and stop nothing else."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from agents import views as module
from agents.views import Views

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from streams.desk import Desk


class FakeDesk:
    """Has a place, and nothing on it."""

    def __init__(self, partition: int) -> None:
        self.channel = "calls"
        self.partition = partition


class FakeView:
    """Remembers what it was shown; fails while told to, or hangs."""

    def __init__(self) -> None:
        self.shown: list[int] = []
        self.tries = 0
        self.broken = False
        self.hangs = False

    async def __call__(self, desk: Desk) -> None:
        """Take a desk."""
        self.tries += 1
        if self.hangs:
            await asyncio.Event().wait()
        if self.broken:
            msg = "no room"
            raise OSError(msg)
        self.shown.append(desk.partition)


async def until(condition: Callable[[], bool]) -> None:
    """Wait until it is true."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - a view has no event to wait for
            await asyncio.sleep(0.005)


def desk(partition: int) -> Desk:
    """A desk of that partition."""
    return cast("Desk", FakeDesk(partition))


async def test_a_desk_flushed_again_before_its_turn_is_shown_once() -> None:
    """A slow view falls behind without a queue that grows."""
    view = FakeView()
    views = Views({"redis": view})
    for partition in (0, 1, 0, 0):
        views.show(desk(partition))
    async with views:
        await until(lambda: view.tries >= 2)
        await asyncio.sleep(0.05)

    assert sorted(view.shown) == [0, 1]


async def test_a_view_that_fails_is_tried_again_until_it_has_everything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Redis may be away for hours, and is complete after it came back."""
    monkeypatch.setattr(module, "RETRY", 0.01)
    view, other = FakeView(), FakeView()
    view.broken = True
    views = Views({"redis": view, "other": other})
    async with views:
        views.show(desk(3))
        await until(lambda: view.tries >= 3)

        assert views.troubles == {"redis": "OSError('no room')", "other": None}

        assert views.failures["redis"] >= 2
        assert set(other.shown) == {3}

        view.broken = False
        await until(lambda: bool(view.shown))

    assert view.shown == [3]
    assert views.troubles == {"redis": None, "other": None}


async def test_a_view_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every await has a time-out, and the next desk gets its turn."""
    monkeypatch.setattr(module, "TIMEOUT", 0.01)
    monkeypatch.setattr(module, "RETRY", 0.01)
    view = FakeView()
    view.hangs = True
    views = Views({"redis": view})
    async with views:
        views.show(desk(0))
        await until(lambda: view.tries >= 2)

    assert views.troubles == {"redis": "TimeoutError()"}


async def test_without_views_nothing_is_kept() -> None:
    """A worker without Redis does not collect desks for it."""
    views = Views({})
    views.show(desk(0))

    assert views._waiting == {}
