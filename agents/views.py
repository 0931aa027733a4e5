"""Views are shown what was stored: copies for others to read, which may fail or lag behind."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Final

import structlog
from mode import Service

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from streams.desk import Desk
    from streams.organisations import Channel

    OnFlushed = Callable[[Desk], Awaitable[bool | None]]
    """Shows a desk; true when it wants to be shown the same one again, as it is not done."""

TIMEOUT: Final = 10.0
"""Seconds one view may take for one desk."""

RETRY: Final = 1.0

log = structlog.stdlib.get_logger("kontaktpuls.views")


class Views(Service):
    """Shows flushed desks to every view, beside the intake, so that no view can slow it down.

    A desk that is flushed again before its turn is shown once, as it is then.

    Attributes:
        troubles: why each view failed when last tried, by its name.
        failures: since the process began, by its name.
    """

    def __init__(self, on_flushed: Mapping[str, OnFlushed]) -> None:
        super().__init__()
        self.troubles: dict[str, str | None] = dict.fromkeys(on_flushed)
        self.failures: Counter[str] = Counter()
        self._on_flushed = on_flushed
        self._waiting: dict[tuple[Channel, int], Desk] = {}
        self._wake = asyncio.Event()

    def show(self, desk: Desk) -> None:
        """What this desk knows is stored."""
        if self._on_flushed:
            self._waiting[desk.channel, desk.partition] = desk
            self._wake.set()

    @Service.task
    async def _show_for_ever(self) -> None:
        while not self.should_stop:
            await self._wake.wait()
            self._wake.clear()
            waiting, self._waiting = self._waiting, {}
            again = {
                place: (desk, pause)
                for place, desk in waiting.items()
                if (pause := await self._show_all(desk)) is not None
            }
            if again:
                await self.sleep(max(pause for _, pause in again.values()))
                self._waiting = {place: desk for place, (desk, _) in again.items()} | self._waiting
                self._wake.set()

    async def _show_all(self, desk: Desk) -> float | None:
        """Seconds after which it is to be shown again; `None` = it was shown."""
        pauses = [await self._show(name, view, desk) for name, view in self._on_flushed.items()]
        return max((pause for pause in pauses if pause is not None), default=None)

    async def _show(self, name: str, view: OnFlushed, desk: Desk) -> float | None:
        try:
            is_unfinished = await asyncio.wait_for(view(desk), TIMEOUT)
        except Exception as error:  # noqa: BLE001 - it is only a view, however it fails
            if self.troubles[name] is None:
                log.warning("view fails", view=name, error=repr(error))
            self.troubles[name] = repr(error)
            self.failures[name] += 1
            return RETRY
        if self.troubles[name] is not None:
            log.info("view works again", view=name)
        self.troubles[name] = None
        return 0.0 if is_unfinished else None
