"""What logrotate does to a log, as far as its rules say; see logrotate(8)."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMMENT = re.compile(r"^\s*#.*$", re.MULTILINE)
SCRIPT = re.compile(
    r"^\s*(?:pre|post)rotate\b.*?^\s*endscript\b|^\s*(?:first|last|pre)action\b.*?^\s*endscript\b",
    re.MULTILINE | re.DOTALL,
)
BLOCK = re.compile(r"([^{}]*)\{([^{}]*)\}")
MAX_RULE_FILE = 256 * 1024


class Rule(NamedTuple):
    """How a log is rotated.

    Attributes:
        file: where that is said.
        copies: by copying and emptying instead of renaming.
        kept: how many older files; `None` = not said there.
    """

    file: Path
    copies: bool
    kept: int | None


def rules_for(log: Path, folder: Path) -> Iterator[Rule]:
    """The rules that name a log, or match it; files that cannot be read are passed over."""
    name = str(log.absolute())
    try:
        files = sorted(path for path in folder.iterdir() if path.is_file())
    except OSError:
        return
    for path in files:
        try:
            text = path.read_text(encoding="utf-8", errors="replace")[:MAX_RULE_FILE]
        except OSError:
            continue
        for names, body in BLOCK.findall(SCRIPT.sub("", COMMENT.sub("", text))):
            patterns = (pattern.strip("\"'") for pattern in names.split())
            if any(fnmatchcase(name, pattern) for pattern in patterns):
                yield _rule(path, body)


def _rule(path: Path, body: str) -> Rule:
    directives = {line.partition(" ")[0]: line.partition(" ")[2] for line in _lines(body)}
    kept = directives.get("rotate", "")
    copies = "copytruncate" in directives and "nocopytruncate" not in directives
    return Rule(path, copies=copies, kept=int(kept) if kept.isdecimal() else None)


def _lines(body: str) -> Iterator[str]:
    for line in body.splitlines():
        if stripped := " ".join(line.split()):
            yield stripped
