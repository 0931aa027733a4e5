"""`kontaktpuls validate`, as it is called."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from agents.commands.validate import validate

ROOT = Path(__file__).parents[2]

app = typer.Typer()
app.command()(validate)


def test_problems_go_to_stderr_and_the_exit_code_is_1() -> None:
    """A script that calls it can tell, and the output is only problems, one a line."""
    broken = ROOT / "tests" / "golden" / "broken-config"
    result = CliRunner().invoke(app, ["--config", str(broken)])

    assert result.exit_code == 1
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == len(
        (broken / "expected.txt").read_text(encoding="utf-8").splitlines()
    )
    assert f"{broken}/kontaktpuls.yaml:2: version: `2` is not possible here" in result.stderr


def test_a_right_configuration_is_summed_up() -> None:
    """Whoever connects an organisation sees what was understood, in one table."""
    result = CliRunner().invoke(
        app, ["--config", str(ROOT / "config")], env={"COLUMNS": "400", "TERM": "dumb"}
    )

    assert result.exit_code == 0
    assert result.stderr == ""
    assert "config is right" in result.stdout
    for understood in (
        "queues (5): vaxel, bygg-och-miljo, skola-och-barnomsorg, omsorg, gata-och-vatten",
        "switchboard-in-60-seconds: 90 % of calls for vaxel within 60 s (ignore_early_abandons)",
        "reply-in-2-days: 85 % of emails within 2 working days (any_human_reply)",
        "default from 2027-01-01: mon-wed 07:30-17:00, thu 07:30-18:00, fri 07:30-16:00",
        "bygg: mon-fri 08:00-12:00 13:00-16:30; closed on holidays and eves of SE, half days until",
    ):
        assert understood in result.stdout


EXAMPLES = ("exchange", "http", "mailboxes")


def test_every_example_of_a_source_is_right(tmp_path: Path) -> None:
    """Copied under its own name, each fits the organisation that is shipped with it."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    sources = tmp_path / "config" / "sources"
    for name in EXAMPLES:
        (sources / f"{name}.example.yaml").rename(sources / f"{name}.yaml")
    result = CliRunner().invoke(app, ["--config", str(tmp_path / "config")])

    assert result.stderr == ""
    assert result.exit_code == 0


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("kind: asterisk-queuelog\n", ":1: kind: `asterisk-queuelog` is no source; did you mean"),
        (
            "kind: asterisk-queue-log\norganisation: exempelkommun\nsource: mailbox\n",
            ":3: source: `mailbox` is no source of calls of `exempelkommun`; write `exchange`",
        ),
        ("port: 9466\n", "kind: is missing; write e.g. `kind: imap`"),
        ("port: 9466\nkind: htp\n", ":2: kind: `htp` is no source; did you mean `http`?"),
    ],
)
def test_a_source_that_is_wrong_is_told(tmp_path: Path, text: str, problem: str) -> None:
    """What stands in config/sources belongs to the configuration."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    (tmp_path / "config" / "sources" / "mine.yaml").write_text(text, encoding="utf-8")
    result = CliRunner().invoke(app, ["--config", str(tmp_path / "config")])

    assert result.exit_code == 1
    assert problem in result.stderr
    assert "is no setting" not in result.stderr
