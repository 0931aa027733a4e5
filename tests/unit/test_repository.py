"""The repository is laid out as its documents say, pinned, and free of what does not belong."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPOSITORY = Path(__file__).parents[2]
PYPROJECT: dict[str, Any] = tomllib.loads(
    (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
)
PROJECT: dict[str, Any] = PYPROJECT["project"]

# Which extras and groups of pyproject.toml a lock file holds.
LOCKS = {
    "runtime": {"build"},
    "embedded": {"build", "embedded"},
    "dev": {"build", "embedded", "bench", "dev"},
}
every_lock = pytest.mark.parametrize("lock", LOCKS)

# What a computer or a person left in a file by mistake. Written so that none finds itself here.
FORBIDDEN = {
    "a path of one machine": re.compile(r"/(work|root|home)/[a-z]"),
    "a scratch folder": re.compile(r"/tm[p]/kp"),
    "an issue by number": re.compile(r"\b[Ii]ssue #?\d|\(#\d+\)"),
    "a session": re.compile(r"\b[Ss]ession \d"),
    "a package index": re.compile(r"py[p]i\.org|pythonhoste[d]|--(extra-)?index-url [^ ]"),
    "a task left behind": re.compile(r"\b(TO[D]O|FIXM[E]|XX[X])\b"),
    "a conflict of git": re.compile(r"^(<{7}|>{7}) ", re.MULTILINE),
}


def files() -> list[Path]:
    """Every text file that is or would be committed."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    paths = [REPOSITORY / name for name in listed.split("\0") if name]
    return [path for path in paths if path.is_file() and b"\0" not in path.read_bytes()]


FILES = files() if (REPOSITORY / ".git").exists() else []
needs_git = pytest.mark.skipif(not FILES, reason="no git checkout")


def pins(lock: str) -> dict[str, str]:
    """Package -> version of a lock file."""
    text = (REPOSITORY / "requirements" / f"{lock}.lock").read_text(encoding="utf-8")
    found = re.findall(r"^([a-z0-9._-]+)==([^ ;\\]+)", text, re.MULTILINE)
    return {canonicalize_name(name): version for name, version in found}


def wanted(lock: str) -> list[Requirement]:
    """What pyproject.toml asks for, by the extras of a lock file; our own extras left out."""
    texts = list(PROJECT["dependencies"])
    for name in LOCKS[lock]:
        texts += PROJECT["optional-dependencies"].get(name, [])
        texts += PYPROJECT["dependency-groups"].get(name, [])
    requirements = [Requirement(text) for text in texts]
    return [requirement for requirement in requirements if requirement.name != PROJECT["name"]]


@pytest.mark.parametrize(
    "name",
    [
        "streams", "agents", "config", "grafana", "tests", "docs", "docker-compose.yml",
        "pyproject.toml", "README.md", "Makefile", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md",
    ],
)  # fmt: skip
def test_the_top_level_is_as_announced(name: str) -> None:
    """Whoever opens the repository finds what the documents speak of."""
    assert (REPOSITORY / name).exists()


@every_lock
def test_every_requirement_is_pinned_within_its_bounds(lock: str) -> None:
    """The lock files are in step with pyproject.toml; `make lock` brings them there."""
    pinned = pins(lock)
    outside = [
        str(requirement)
        for requirement in wanted(lock)
        if not requirement.specifier.contains(pinned.get(canonicalize_name(requirement.name), "0"))
    ]

    assert outside == []


@every_lock
def test_every_pin_has_hashes(lock: str) -> None:
    """Pip refuses a file that is not one of those pinned."""
    text = (REPOSITORY / "requirements" / f"{lock}.lock").read_text(encoding="utf-8")
    blocks = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    without = [block.split()[0] for block in blocks if "--hash=sha256:" not in block]

    assert len(blocks) == len(pins(lock))
    assert without == []


@every_lock
def test_a_lock_file_names_no_place_to_install_from(lock: str) -> None:
    """Whoever installs brings the package index."""
    text = (REPOSITORY / "requirements" / f"{lock}.lock").read_text(encoding="utf-8")
    options = [line for line in text.splitlines() if line.startswith("-") or "://" in line]

    assert options == []


@every_lock
def test_a_lock_file_says_how_it_was_made(lock: str) -> None:
    """The head of the file is the command of `make lock`."""
    lines = (REPOSITORY / "requirements" / f"{lock}.lock").read_text(encoding="utf-8").splitlines()
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    tool = re.search(r"^COMPILE := \$\(BIN\)/(.*)$", makefile, re.MULTILINE)
    recipes = re.findall(r"^\t\$\(COMPILE\) (.*)$", makefile, re.MULTILINE)

    assert tool is not None
    assert lines[1].removeprefix("#    ") in {
        f"{tool[1]} {recipe.replace('--upgrade ', '')}" for recipe in recipes
    }


def test_all_lock_files_pin_the_same_versions() -> None:
    """What was tested is what runs."""
    tested = pins("dev")

    assert pins("runtime").items() <= pins("embedded").items() <= tested.items()


def test_the_build_needs_what_the_lock_files_bring() -> None:
    """`pip install --no-build-isolation` finds its build backend."""
    assert PYPROJECT["dependency-groups"]["build"] == PYPROJECT["build-system"]["requires"]


@pytest.mark.parametrize("root", ["streams", "agents"])
def test_every_folder_of_modules_is_a_package(root: str) -> None:
    """What is not a package is not installed."""
    folders = {path.parent for path in (REPOSITORY / root).rglob("*.py")}
    without = [folder for folder in folders if not (folder / "__init__.py").exists()]

    assert without == []


@pytest.mark.parametrize("root", ["streams", "agents"])
def test_modules_are_named_after_what_they_hold(root: str) -> None:
    """A module named after nothing holds everything sooner or later."""
    vague = {"common", "helpers", "misc", "util", "utils"}
    found = [path for path in (REPOSITORY / root).rglob("*.py") if path.stem in vague]

    assert found == []


@needs_git
@pytest.mark.parametrize("what", FORBIDDEN)
def test_nothing_was_left_behind(what: str) -> None:
    """No file speaks of the machine or the day it was written on."""
    found = [
        f"{path.relative_to(REPOSITORY)}: {match[0]}"
        for path in FILES
        if (match := FORBIDDEN[what].search(path.read_text(encoding="utf-8")))
    ]

    assert found == []


@needs_git
def test_every_text_ends_with_one_line_feed() -> None:
    """Files are as `.editorconfig` says: no carriage returns, a last line that ends."""
    odd = [
        str(path.relative_to(REPOSITORY))
        for path in FILES
        if (data := path.read_bytes()) and (b"\r" in data or not data.endswith(b"\n"))
    ]

    assert odd == []


def test_continuous_integration_runs_what_everybody_runs() -> None:
    """The script can be started, and ends with exactly `make test`."""
    script = REPOSITORY / ".ci" / "run"

    assert os.access(script, os.X_OK)
    assert script.read_text(encoding="utf-8").splitlines()[-1] == "make test"


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_every_make_target_that_is_mentioned_exists(page: str) -> None:
    """A document names no command that is not there."""
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    text = (REPOSITORY / page).read_text(encoding="utf-8")
    mentioned = set(re.findall(r"(?:^|`)make ([a-z]+)", text, re.MULTILINE))

    assert mentioned <= targets


def test_every_make_target_explains_itself() -> None:
    """`make help` lists all there is."""
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    match = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    explained = set(re.findall(r"^([a-z]+):.*## [A-Z]", makefile, re.MULTILINE))

    assert match is not None
    assert explained == set(match[1].split())
