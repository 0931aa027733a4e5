"""The core asks nobody for anything: no clock, no environment, no file, no socket, no dice."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

STREAMS = Path(__file__).parents[2] / "streams"

# Of the standard library only what computes. `zoneinfo` and `holidays` bring calendar data;
# `email` reads dates and addresses.
ALLOWED_IMPORTS = frozenset(
    {
        "__future__", "array", "base64", "bisect", "collections", "contextlib", "csv",
        "dataclasses", "datetime", "decimal", "email", "enum", "fractions", "functools", "hashlib",
        "heapq", "hmac", "itertools", "json", "math", "operator", "random", "re", "statistics",
        "string", "struct", "typing", "unicodedata", "zlib", "zoneinfo",
        "holidays", "msgspec", "streams",
    }
)  # fmt: skip
FORBIDDEN_CALLS = frozenset({"__import__", "breakpoint", "eval", "exec", "input", "open", "print"})
CLOCK_READERS = frozenset({"now", "today", "utcnow"})


def impurities(source: str) -> list[str]:
    """What a module does that it must not, as `line: what`."""
    return [
        f"{node.lineno}: {what}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.stmt | ast.expr)
        for what in _impurities_of(node)
    ]


def _impurities_of(node: ast.stmt | ast.expr) -> list[str]:
    match node:
        case ast.Import(names=names):
            return [f"imports `{name.name}`" for name in names if not _allowed(name.name)]
        case ast.ImportFrom(module="random", names=names):
            return [f"throws unseeded dice with `{n.name}`" for n in names if n.name != "Random"]
        case ast.ImportFrom(module="sys", names=[ast.alias(name="intern")]):
            return []
        case ast.ImportFrom(module=str(module)) if not _allowed(module):
            return [f"imports `{module}`"]
        case ast.Call(func=ast.Name(id=name)) if name in FORBIDDEN_CALLS:
            return [f"calls `{name}`"]
        case ast.Call(func=ast.Attribute(attr="Random") | ast.Name(id="Random"), args=[]):
            return ["throws unseeded dice with `Random()`"]
        case ast.Attribute(
            value=ast.Name(id="datetime" | "date") | ast.Attribute(attr="datetime" | "date"),
            attr=name,
        ) if name in CLOCK_READERS:
            return [f"reads the clock with `{name}`"]
        case ast.Attribute(value=ast.Name(id="random"), attr=name) if name != "Random":
            return [f"throws unseeded dice with `{name}`"]
        case _:
            return []


def _allowed(module: str) -> bool:
    return module.partition(".")[0] in ALLOWED_IMPORTS


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, id=path.relative_to(STREAMS).as_posix())
        for path in sorted(STREAMS.rglob("*.py"))
    ],
)
def test_streams_is_pure(path: Path) -> None:
    """Nothing in `streams/` depends on when, where or how often it runs."""
    found = impurities(path.read_text(encoding="utf-8"))

    assert found == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("import time", "1: imports `time`", id="a clock"),
        pytest.param("import os.path", "1: imports `os.path`", id="the environment"),
        pytest.param("from pathlib import Path", "1: imports `pathlib`", id="a file"),
        pytest.param("import agents.app", "1: imports `agents.app`", id="what runs"),
        pytest.param("open('x')", "1: calls `open`", id="a file opened"),
        pytest.param("print(1)", "1: calls `print`", id="a line printed"),
        pytest.param(
            "from datetime import datetime\n\n\ndatetime.now()",
            "4: reads the clock with `now`",
            id="the clock read",
        ),
        pytest.param(
            "from datetime import date\nread = date.today",
            "2: reads the clock with `today`",
            id="the clock handed on",
        ),
        pytest.param(
            "import datetime as dt\nread = dt.datetime.utcnow",
            "2: reads the clock with `utcnow`",
            id="the clock under another name",
        ),
        pytest.param(
            "import random\nrandom.random()",
            "2: throws unseeded dice with `random`",
            id="the shared dice",
        ),
        pytest.param(
            "from random import choice",
            "1: throws unseeded dice with `choice`",
            id="the shared dice imported",
        ),
        pytest.param(
            "import random\nrandom.Random()",
            "2: throws unseeded dice with `Random()`",
            id="dice without a seed",
        ),
    ],
)
def test_the_check_sees_every_kind_of_impurity(source: str, expected: str) -> None:
    """A module that does what it must not is found out."""
    assert impurities(source) == [expected]


def test_seeded_dice_are_pure() -> None:
    """The simulator may draw, from a seed it is given."""
    assert impurities("import random\n\ndice = random.Random(seed)\ndice.random()") == []
