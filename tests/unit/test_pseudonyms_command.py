"""`kontaktpuls pseudonyms`: the same pseudonyms as the sources make, line by line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from agents.cli import create_cli
from streams.pseudonyms import create_pseudonymiser

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

CLI = create_cli("pseudonyms")
KEY = "kept out of the repository"
PEOPLE = "0511-320 00\n\nAnna.Berg@Example.org\n"
OF_NUMBER, OF_ADDRESS = map(
    create_pseudonymiser(KEY.encode()), ("0511-320 00", "anna.berg@example.org")
)


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator's key."""
    monkeypatch.setenv("KONTAKTPULS_PSEUDONYM_KEY", KEY)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of people, as a spreadsheet program of Windows saves it."""
    path = tmp_path / "people.txt"
    path.write_text(PEOPLE, encoding="utf-8-sig", newline="\r\n")
    return path


def run(file: Path, *arguments: str) -> Result:
    """Give it a file of people."""
    return CliRunner().invoke(CLI, ["pseudonyms", str(file), *arguments])


def test_each_line_becomes_its_pseudonym_and_empty_ones_stay(file: Path) -> None:
    """So that the output can be pasted beside the input."""
    assert run(file).stdout == f"{OF_NUMBER}\n\n{OF_ADDRESS}\n"


def test_a_table_says_who_is_who(file: Path) -> None:
    """To join the contact list with a municipality's own records by."""
    assert run(file, "--beside").stdout.splitlines() == [
        "person,pseudonym",
        f"0511-320 00,{OF_NUMBER}",
        ",",
        f"Anna.Berg@Example.org,{OF_ADDRESS}",
    ]


def test_opt_outs_have_a_line_for_every_spelling(file: Path) -> None:
    """Made where the key is, used where it must not be; sorted, so that they tell no order."""
    lines = run(file, "--opt-outs").stdout.splitlines()

    assert OF_NUMBER in lines
    assert create_pseudonymiser(KEY.encode())("+4651132000") in lines
    assert lines == sorted(lines)
    assert all(re.fullmatch("[0-9a-f]{16}", line) for line in lines)


def test_a_slip_among_opt_outs_is_said_and_not_quoted(file: Path) -> None:
    """Who said no with a slip of the pen must not be asked after all."""
    file.write_text("0511-320 00\nAnna Berg\n", encoding="utf-8")
    result = run(file, "--opt-outs")

    assert result.exit_code == 1
    assert "people.txt: line 2: is no pseudonym, telephone number or mail address" in result.stderr
    assert "Anna" not in result.stderr


def test_without_a_key_nothing_is_printed(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pseudonym without a key would be none."""
    monkeypatch.delenv("KONTAKTPULS_PSEUDONYM_KEY")
    result = run(file)

    assert (result.exit_code, result.stdout) == (1, "")
    assert "KONTAKTPULS_PSEUDONYM_KEY_FILE" in result.stderr


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    """As for every other command."""
    result = CliRunner().invoke(CLI, ["pseudonyms", str(tmp_path / "none.txt")])

    assert result.exit_code == 1
    assert "none.txt: cannot be read to its end" in result.stderr
