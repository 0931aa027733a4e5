"""A page of HTML, read back by nothing but the standard library."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

VOID = frozenset(("meta", "link", "img", "br", "hr", "input"))


@dataclass
class Node:
    """An element, its attributes, and what is in it."""

    tag: str
    attributes: dict[str, str]
    children: list[Node | str] = field(default_factory=list)

    def all(self, *tags: str) -> Iterator[Node]:
        """The elements of these kinds below it, in the order of the page."""
        for child in self.children:
            if isinstance(child, Node):
                if child.tag in tags:
                    yield child
                yield from child.all(*tags)

    def first(self, tag: str) -> Node:
        """The first of them."""
        return next(self.all(tag))

    @property
    def classes(self) -> list[str]:
        """What style sheets know it by."""
        return self.attributes.get("class", "").split()

    @property
    def text(self) -> str:
        """What is read, without what only screen readers say."""
        told = (
            child if isinstance(child, str) else child.text
            for child in self.children
            if isinstance(child, str) or "unseen" not in child.classes
        )
        return " ".join("".join(told).replace("\N{NO-BREAK SPACE}", " ").split())


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open = [Node("", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].children.append(Node(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        closed = self.open.pop()
        if closed.tag != tag:
            msg = f"`</{tag}>` closes `<{closed.tag}>`"
            raise ValueError(msg)

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def read_html(text: str) -> Node:
    """The page as a tree.

    Raises:
        ValueError: an element is closed that is not open, or never closed.
    """
    reader = _Reader()
    reader.feed(text)
    reader.close()
    root = reader.open[0]
    if len(reader.open) != 1:
        msg = f"never closed: {[node.tag for node in reader.open[1:]]}"
        raise ValueError(msg)
    return root


def rows_of(table: Node) -> dict[str, list[str]]:
    """The cells of a table's rows, by the heads of its rows."""
    return {
        row.first("th").text: [cell.text for cell in row.all("td")]
        for body in table.all("tbody")
        for row in body.all("tr")
        if any(row.all("th"))
    }
