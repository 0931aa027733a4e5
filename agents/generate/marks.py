"""Pages written by hand with generated blocks in them.

A block stands between `<!-- generated: kontaktpuls generate: NAME -->` and `<!-- end -->`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from streams.errors import KontaktpulsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

COMMAND = "kontaktpuls generate"
_OPENING = f"<!-- generated: {COMMAND}: "
_BLOCK = re.compile(rf"({re.escape(_OPENING)}([\w.-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


class GenerateError(KontaktpulsError):
    """A page does not have the marks its generated blocks belong between."""


def fill(page: str, blocks: Mapping[str, str], *, name: str) -> str:
    r"""The page with every generated block as it has to be.

    Raises:
        GenerateError: the page lacks the place of a block, or marks one that nobody generates.

    >>> page = "By hand.\n<!-- generated: kontaktpuls generate: n -->\nold\n<!-- end -->\n"
    >>> print(fill(page, {"n": "new"}, name="page.md"))
    By hand.
    <!-- generated: kontaktpuls generate: n -->
    <BLANKLINE>
    new
    <BLANKLINE>
    <!-- end -->
    <BLANKLINE>
    """
    marked = [match[2] for match in _BLOCK.finditer(page)]
    if sorted(marked) != sorted(blocks) or page.count(_OPENING) != len(marked):
        msg = (
            f"`{name}` has to mark exactly the blocks {', '.join(f'`{b}`' for b in blocks)}, each "
            f"once, but marks {', '.join(f'`{m}`' for m in marked) or 'none'}; write "
            f"`{_OPENING}NAME -->` and `<!-- end -->` where a block belongs"
        )
        raise GenerateError(msg)
    return _BLOCK.sub(lambda match: f"{match[1]}\n{blocks[match[2]]}\n\n{match[3]}", page)


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table.

    >>> print(table(("field", "type"), [("at", "time")]))
    | field | type |
    | --- | --- |
    | at | time |
    """
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
