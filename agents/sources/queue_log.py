"""Whole files of a queue_log -> events, and what became of their lines."""

from __future__ import annotations

import os
from typing import IO, TYPE_CHECKING

from agents.settings.environment import PSEUDONYM_KEY, PSEUDONYM_KEY_FILE
from agents.sources.keys import pseudonymiser_of
from streams.parsers.queue_log import LeftOut, QueueLogParser
from streams.parsers.queue_log.counts import EXPLANATIONS, MEANINGS, UNREADABLE
from streams.parsers.queue_log.fields import LONGEST_LINE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from agents.settings.queue_log import QueueLogSource
    from streams.events import CallEvent

CHUNK = 256 * 1024
"""Bytes read at a time."""

SHOWN_NAMES = 12


def create_parser(
    settings: QueueLogSource, environ: Mapping[str, str] | None = None
) -> QueueLogParser:
    """A parser for one exchange; callers and members are read only where there is a key.

    Raises:
        PseudonymKeyError: there is a key that cannot be used.
    """
    env = os.environ if environ is None else environ
    with_people = bool(env.get(PSEUDONYM_KEY) or env.get(PSEUDONYM_KEY_FILE))
    return QueueLogParser(
        organisation=settings.organisation,
        queues=settings.queues,
        pseudonymise=pseudonymiser_of(env) if with_people else None,
        callback_keys=frozenset(settings.callback_keys),
    )


class QueueLogFiles:
    """Reads files one after the other as one log, as the live source does.

    Asterisk writes whole lines: half a line at the end of a file was cut off, and the next one does
    not go on with it.

    Args:
        parser: takes the lines.
        on_events: gets the events of each chunk.
    """

    def __init__(
        self, parser: QueueLogParser, on_events: Callable[[Sequence[CallEvent]], object]
    ) -> None:
        self._parser = parser
        self._on_events = on_events

    def read(self, stream: IO[bytes]) -> None:
        """Read a file to its end."""
        rest = b""
        while chunk := stream.read(CHUNK):
            lines = (rest + chunk).split(b"\n")
            # Of a line that never ends no more is kept than shows that it is too long.
            rest = lines.pop()[: LONGEST_LINE + 1]
            self._on_events(self._parser.feed(lines))
        if rest:
            self._parser.counts.lines += 1
            self._parser.counts.leave_out(LeftOut.UNFINISHED)


def render_summary(parser: QueueLogParser, strange: Iterable[str]) -> Iterator[str]:
    """The summary in lines for a person; `strange` are queues that are not configured."""
    counts = parser.counts
    yield f"{counts.lines:>9,} lines read"
    yield f"{counts.events:>9,} events"
    yield f"{counts.left_out.total() - counts.unreadable:>9,} lines that are no event"
    for reason, number in counts.left_out.most_common():
        if reason not in UNREADABLE:
            yield f"{number:>13,} {reason}{_explained(reason)}"
        if reason == LeftOut.UNKNOWN_EVENT:
            for name, times in counts.unknown.most_common():
                yield f"{times:>17,} {name}"
    yield f"{counts.unreadable:>9,} lines that could not be read"
    for reason in sorted(UNREADABLE):
        if number := counts.left_out[reason]:
            line = counts.examples[reason]
            yield f"{number:>13,} {reason} (first on line {line:,}){_explained(reason)}"
    yield f"{counts.contradictions.total():>9,} contradictions"
    for kind, number in counts.contradictions.most_common():
        line = counts.examples[kind]
        yield f"{number:>13,} {kind} (first on line {line:,}): {MEANINGS[kind]}"
    if counts.closed:
        yield f"{counts.closed:>9,} calls closed because Asterisk started anew"
    yield f"{parser.waiting + parser.talking:>9,} calls without an end"
    yield f"{parser.waiting:>13,} wait"
    yield f"{parser.talking:>13,} talk to a member"
    if names := sorted(strange):
        shown = ", ".join(f"`{name}`" for name in names[:SHOWN_NAMES])
        more = f" and {len(names) - SHOWN_NAMES:,} more" if len(names) > SHOWN_NAMES else ""
        yield f"counted as `other`, since the configuration does not name them: {shown}{more}"
    if not parser.reads_people:
        yield (
            f"callers and members were not read: they leave as pseudonyms only, and neither "
            f"`{PSEUDONYM_KEY_FILE}` nor `{PSEUDONYM_KEY}` is set"
        )


def _explained(reason: str) -> str:
    return f": {EXPLANATIONS[reason]}" if reason in EXPLANATIONS else ""
