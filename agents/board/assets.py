"""The files of the page, read once; their version tells a page on the wall that it is outdated."""

from __future__ import annotations

from hashlib import sha256
from importlib.resources import files
from string import Template
from typing import NamedTuple

FOLDER = "static"
PAGE = "board.html"


class Asset(NamedTuple):
    """What is sent for one address."""

    body: bytes
    content_type: str


class Assets:
    """All of them.

    Attributes:
        served: style, script and icon by file name.
        page: the frame that every page has, with `$` places.
        version: changes whenever any of them does.
    """

    def __init__(self) -> None:
        folder = files(__package__) / FOLDER
        self.served = {
            name: Asset((folder / name).read_bytes(), content_type)
            for name, content_type in (
                ("board.css", "text/css"),
                ("board.js", "text/javascript"),
                ("icon.svg", "image/svg+xml"),
            )
        }
        text = (folder / PAGE).read_text(encoding="utf-8")
        self.page = Template(text)
        digest = sha256(text.encode())
        for asset in self.served.values():
            digest.update(asset.body)
        self.version = digest.hexdigest()[:12]
