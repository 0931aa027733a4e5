"""How many requests may be in memory at a time, and whose."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Turns:
    """Lets in so many at a time, in the order they came; nobody takes more than a share.

    Args:
        names: who may come.
        total: how many may be in at a time.
        share: how many of them may be of one name, so that one that floods leaves room.
    """

    def __init__(self, names: Iterable[str], *, total: int, share: int) -> None:
        self._all = asyncio.Semaphore(total)
        self._own = {name: asyncio.Semaphore(share) for name in names}

    async def take(self, name: str, *, within: float) -> Callable[[], None]:
        """Wait for a turn; returns what ends it.

        Raises:
            TimeoutError: it took longer than `within` seconds.
        """
        own = self._own[name]
        async with asyncio.timeout(within):
            await own.acquire()
            try:
                await self._all.acquire()
            except BaseException:
                own.release()
                raise

        def leave() -> None:
            self._all.release()
            own.release()

        return leave
