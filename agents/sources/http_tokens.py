"""The tokens by which producers of events are known; only their hashes are kept.

A line is `PRODUCER SHA-256`; a producer may have several, so that a new one can be handed out
before the old one is taken away.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from typing import TYPE_CHECKING

from agents.settings.document import ENVIRONMENT, WHOLE_FILE
from agents.settings.environment import HTTP_TOKENS
from agents.settings.problems import Problem, SettingsError, suggestion

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from agents.settings.http import HttpSource

TOKEN_BYTES = 32
TOKEN_MARK = "kp_"  # noqa: S105 - by which scanners of repositories and logs can tell ours
MAX_TOKEN = 256
MAKE_ONE = "`kontaktpuls source http-token PRODUCER` makes one"

_HASH = re.compile(r"[0-9a-f]{64}")
_COLUMNS = re.compile(r"[\s:]+")


def create_token() -> str:
    """A new token, fit for an `Authorization` header (RFC 6750)."""
    return TOKEN_MARK + secrets.token_urlsafe(TOKEN_BYTES)


def hash_of(token: str) -> str:
    """What is kept of a token.

    >>> hash_of("kp_example")[:16]
    '13b553c5186f90f4'
    """
    # Slow hashes protect passwords that people think of; 256 random bits cannot be tried out.
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


class Tokens:
    """Tells whose token one is."""

    def __init__(self, hashes: Iterable[tuple[str, str]]) -> None:
        self._hashes = [(producer, known.encode()) for producer, known in hashes]

    def producer_of(self, token: str) -> str | None:
        """Whose it is; `None` for anything else. The time it takes says nothing about tokens."""
        presented = hash_of(token[:MAX_TOKEN]).encode()
        found = None
        for producer, known in self._hashes:
            if hmac.compare_digest(presented, known):
                found = producer
        return found

    def count(self, producer: str) -> int:
        """How many tokens a producer has."""
        return sum(owner == producer for owner, _ in self._hashes)


def load_tokens(source: HttpSource, file: Path, environ: Mapping[str, str]) -> Tokens:
    """The tokens of a source's producers, from its `tokens_file` or the environment.

    Args:
        source: the settings.
        file: where they stand; names in them are relative to it.
        environ: may hold `KONTAKTPULS_HTTP_TOKENS` instead of a file.

    Raises:
        SettingsError: with every problem.
    """
    given = environ.get(HTTP_TOKENS, "")
    if (source.tokens_file is None) == (not given):
        both = f"`{HTTP_TOKENS}` is set too; keep one of them"
        none = f"is missing; write the name of a file with tokens, or set `{HTTP_TOKENS}`; "
        text = both if given else none + MAKE_ONE
        raise SettingsError([Problem(str(file), 0, "tokens_file", text)])
    if source.tokens_file is None:
        return parse_tokens(given, ENVIRONMENT, source.producers)
    path = file.parent / source.tokens_file
    try:
        return parse_tokens(path.read_text(encoding="utf-8-sig"), str(path), source.producers)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        text = f"`{path}` cannot be read ({reason}); write the name of a file that can"
        raise SettingsError([Problem(str(file), 0, "tokens_file", text)]) from None


def parse_tokens(text: str, file: str, producers: Iterable[str]) -> Tokens:
    """The tokens in a text of lines `PRODUCER SHA-256`; `#` begins a comment.

    Raises:
        SettingsError: with every problem; it never repeats what may be a token.
    """
    names = list(producers)
    problems: list[Problem] = []
    found: dict[str, str] = {}
    for line, producer, known in _entries(text):
        if producer not in names:
            wrong = f"begins with no producer of the source's file; {suggestion('', names)}"
        elif not _HASH.fullmatch(known):
            wrong = f"is not followed by the SHA-256 of a token (64 of 0-9 and a-f); {MAKE_ONE}"
        elif found.setdefault(known, producer) != producer:
            wrong = f"has the token of `{found[known]}`; give each its own"
        else:
            continue
        place = producer if producer in names else WHOLE_FILE
        problems.append(Problem(file, line if file != ENVIRONMENT else 0, place, wrong))
    for name in names:
        if name not in found.values() and not problems:
            problems.append(Problem(file, 0, name, f"has no token; {MAKE_ONE}"))
    if problems:
        raise SettingsError(problems)
    return Tokens((producer, known) for known, producer in found.items())


def _entries(text: str) -> Iterator[tuple[int, str, str]]:
    """Line, producer and hash; in a variable, commas stand for line ends."""
    for line, content in enumerate(text.splitlines(), 1):
        for entry in content.partition("#")[0].split(","):
            words = _COLUMNS.split(entry.strip(), maxsplit=1)
            if words != [""]:
                yield line, words[0], words[1] if len(words) > 1 else ""
