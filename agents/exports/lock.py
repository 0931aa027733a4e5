"""One worker makes an export, by a lock in Redis that is renewed while it does.

A lock with a time to live can be lost by a worker that was frozen, so it comes with a token that
only grows: what is written under a lower one never replaces what was written under a higher one. A
Redis that was flushed counts on from the highest token in the marks.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from time import monotonic
from typing import TYPE_CHECKING, Final, Self

from redis.exceptions import RedisError

from streams.conventions import REDIS_EXPORT_TOKEN, redis_export_lock
from streams.errors import KontaktpulsError

if TYPE_CHECKING:
    from types import TracebackType

    from redis.asyncio import Redis

TTL: Final = 60.0
"""Seconds after which the lock of a worker that was killed is free again."""
RENEWALS: Final = 4
"""Within one time to live; all but the last may fail."""

_TAKE = """
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
local token = math.max(tonumber(redis.call('GET', KEYS[2]) or '0'), tonumber(ARGV[3])) + 1
redis.call('SET', KEYS[2], string.format('%.0f', token))
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return token
"""
_RENEW = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""
_RELEASE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
"""


class LockError(KontaktpulsError):
    """Redis does not answer, so that nobody can tell who may export."""


class LockLostError(LockError):
    """Somebody else may be making the export by now."""


class ExportLock:
    """The lock of one export, held from `take` until the `with` block ends.

    Attributes:
        token: higher than that of everybody who held it before; 0 = not held.
    """

    def __init__(self, redis: Redis, key: str, *, ttl: float = TTL) -> None:
        """A lock on a connection with time-outs set, for `ttl` seconds at a time."""
        self.token = 0
        self._redis = redis
        self._key = redis_export_lock(key)
        self._owner = secrets.token_hex(16)
        self._ttl = ttl
        self._valid_until = 0.0
        self._renewing: asyncio.Task[None] | None = None

    async def take(self, *, above: int) -> bool:
        """Take it with a token above this one; whether nobody else holds it.

        Raises:
            LockError: Redis does not answer.
        """
        asked = monotonic()
        arguments = (self._owner, str(round(self._ttl * 1_000)), str(above))
        try:
            self.token = int(
                await self._redis.eval(_TAKE, 2, self._key, REDIS_EXPORT_TOKEN, *arguments)
            )
        except (RedisError, OSError) as error:
            msg = f"redis does not give a lock: {error!r}"
            raise LockError(msg) from error
        if self.token:
            self._valid_until = asked + self._ttl
            self._renewing = asyncio.create_task(self._renew_for_ever())
        return self.token > 0

    async def check(self) -> None:
        """Make sure of it now, at Redis.

        Raises:
            LockLostError: it is not held any more, or nobody knows.
        """
        if not await self._renew():
            msg = f"the lock `{self._key}` was lost; whoever holds it goes on"
            raise LockLostError(msg)

    async def _renew_for_ever(self) -> None:
        while monotonic() < self._valid_until:
            await asyncio.sleep(self._ttl / RENEWALS)
            with contextlib.suppress(LockLostError):
                await self._renew()

    async def _renew(self) -> bool:
        asked = monotonic()
        if asked >= self._valid_until:
            return False
        try:
            held = await self._redis.eval(
                _RENEW, 1, self._key, self._owner, str(round(self._ttl * 1_000))
            )
        except (RedisError, OSError) as error:
            msg = f"the lock `{self._key}` cannot be looked at: {error!r}"
            raise LockLostError(msg) from error
        self._valid_until = asked + self._ttl if held else 0.0
        return bool(held)

    async def __aenter__(self) -> Self:
        """Itself; nothing is taken yet."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give it back, if it is still held; else its time to live frees it."""
        if self._renewing is not None:
            self._renewing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._renewing
        if self.token:
            self.token = 0
            with contextlib.suppress(RedisError, OSError):
                await self._redis.eval(_RELEASE, 1, self._key, self._owner)
