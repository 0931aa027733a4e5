"""What boards show now: one look at Redis for all organisations that somebody watches."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import msgspec
import structlog

from streams.board.compose import CHANNELS, BoardMaker, Known
from streams.board.snapshots import SnapshotError, read_snapshot
from streams.board.words import WORDS
from streams.instants import SECOND

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
    from typing import Literal

    from agents.board.readers import Place, Reader
    from streams.board.words import Language
    from streams.organisations import Organisation

LOOK_EVERY = 0.5
"""Seconds; a change is on the wall about a second after it was flushed."""

PULSE_EVERY = 2.0
"""Seconds after which a page hears that the server is there, even if nothing changed."""

REWORD_EVERY = 10
"""Seconds after which opening hours and times of day are told anew, even if nothing happened."""

log = structlog.stdlib.get_logger(__name__)


class Shown:
    """One organisation as boards show it.

    Attributes:
        boards: the encoded board in every language; replaced, never changed.
    """

    def __init__(self, organisation: Organisation, clock: Literal["wall", "events"]) -> None:
        self.boards: dict[Language, bytes] = {}
        self._name = organisation.name
        self._maker = BoardMaker(organisation, clock)
        self._known: dict[str, Known] = {}
        self._made_from: object = None

    def update(self, stored: Mapping[Place, bytes], now: int) -> None:
        """Make the boards anew if what is stored, or what time it is, calls for it."""
        texts = {channel: stored.get((self._name, channel)) for channel in CHANNELS}
        made_from = (texts, now // (REWORD_EVERY * SECOND))
        if made_from == self._made_from:
            return
        self._made_from = made_from
        for channel, text in texts.items():
            self._take(channel, text)
        encoded = {
            language: msgspec.json.encode(self._maker.make(self._known, language, now))
            for language in WORDS
        }
        if encoded != self.boards:
            self.boards = encoded

    def forget(self) -> None:
        """Nobody watches: what is known grows old, and is no news to the next who looks."""
        self.boards = {}
        self._made_from = None
        self._known = {c: Known(known.snapshot, live=False) for c, known in self._known.items()}

    def _take(self, channel: str, text: bytes | None) -> None:
        """Keep the newest snapshot; without one, the last is kept and marked as old."""
        before = self._known.get(channel)
        if text is not None:
            try:
                self._known[channel] = Known(read_snapshot(text), live=True)
            except SnapshotError as error:
                log.warning(
                    "a snapshot cannot be read",
                    organisation=self._name,
                    channel=channel,
                    error=str(error),
                )
            else:
                return
        if before is not None:
            self._known[channel] = Known(before.snapshot, live=False)


class Feed:
    """Tells followers what changed; looks only while there are any.

    Args:
        organisations: that have a board.
        clock_kind: whether waits run on with the wall's clock.
        read: where snapshots come from; closed with the feed.
        clock: the instant now.
        version: of the page; a page of another version loads itself again.
    """

    def __init__(
        self,
        organisations: Mapping[str, Organisation],
        clock_kind: Literal["wall", "events"],
        *,
        read: Reader,
        clock: Callable[[], int],
        version: str,
    ) -> None:
        self._shown = {
            name: Shown(organisation, clock_kind) for name, organisation in organisations.items()
        }
        self._read = read
        self._clock = clock
        self._version = version
        self._followers: Counter[str] = Counter()
        self._looking: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._closed = False

    @property
    def followers(self) -> int:
        """How many pages listen."""
        return self._followers.total()

    async def messages(self, organisation: str, language: Language) -> AsyncGenerator[bytes]:
        """Messages in the format of server-sent events, until the feed is closed.

        `board` whenever what is shown has changed; `pulse` otherwise, which says no more than that
        the server is there and what time it is, so that a page can tell old numbers from new.
        """
        sent: bytes | None = None
        shown = self._shown[organisation]
        with self._followed(organisation):
            while not self._closed:
                news, board = self._news, shown.boards.get(language)
                now = self._clock() // 1_000
                head = b'{"now":%d,"version":"%s"' % (now, self._version.encode())
                if board is not None and board != sent:
                    yield b"event: board\ndata: " + head + b',"board":' + board + b"}\n\n"
                    sent = board
                elif board is not None:
                    yield b"event: pulse\ndata: " + head + b"}\n\n"
                else:
                    # A page that has left is noticed only by writing to it.
                    yield b": no board yet\n\n"
                with suppress(TimeoutError):
                    async with asyncio.timeout(PULSE_EVERY):
                        await news.wait()

    async def close(self) -> None:
        """Let all followers go, and stop looking."""
        self._closed = True
        self._tell()
        if self._looking is not None:
            self._looking.cancel()
            with suppress(asyncio.CancelledError):
                await self._looking
        await self._read.close()

    @contextmanager
    def _followed(self, organisation: str) -> Iterator[None]:
        self._followers[organisation] += 1
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_for_ever())
        try:
            yield
        finally:
            self._followers[organisation] -= 1
            if not self._followers[organisation]:
                self._shown[organisation].forget()

    async def _look_for_ever(self) -> None:
        """Until nobody watches any more."""
        while watched := [name for name, pages in self._followers.items() if pages > 0]:
            try:
                stored = await self._read(watched)
            except Exception:
                log.exception("snapshots cannot be read")
                stored = {}
            # Who was left alone meanwhile has been forgotten, and stays so.
            changed = [self._update(name, stored) for name in watched if self._followers[name]]
            if any(changed):
                self._tell()
            await asyncio.sleep(LOOK_EVERY)

    def _update(self, organisation: str, stored: Mapping[Place, bytes]) -> bool:
        """Whether the board has changed; one that cannot be made grows old and hurts no other."""
        shown = self._shown[organisation]
        before = shown.boards
        try:
            shown.update(stored, self._clock())
        except Exception:
            log.exception("a board cannot be made", organisation=organisation)
        return shown.boards is not before

    def _tell(self) -> None:
        """Wake everybody who waits for news."""
        self._news.set()
        self._news = asyncio.Event()
