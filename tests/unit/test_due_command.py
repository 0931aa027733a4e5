"""`kontaktpuls due`: the due time on the command line, and refusals an operator can act on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import typer
from typer.testing import CliRunner, Result

from agents.commands.due import due

if TYPE_CHECKING:
    from pathlib import Path

CLUSTER = "version: 1\nbrokers: 127.0.0.1:9092\n"
ORGANISATION = """\
version: 1
display_name: {{sv: {name}, en: {name}}}
time_zone: {zone}
mailboxes: {{kontakt: Kontakt}}
sources: [{{name: mailbox, channel: emails}}]
calendars:
  default:
    hours: {{mon-fri: "08:00-17:00"}}
    holidays: SE
  {calendar}:
    hours: {{mon-fri: ["08:00-12:00", "13:00-16:30"]}}
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration of two organisations that each have a calendar of their own."""
    monkeypatch.delenv("KONTAKTPULS_CONFIG", raising=False)
    (tmp_path / "kontaktpuls.yaml").write_text(CLUSTER, encoding="utf-8")
    folder = tmp_path / "organisations"
    folder.mkdir()
    for name, zone, calendar in (
        ("skara", "Europe/Stockholm", "bygg"),
        ("mariehamn", "Europe/Mariehamn", "hamn"),
    ):
        text = ORGANISATION.format(name=name, zone=zone, calendar=calendar)
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return tmp_path


def run(config: Path, *arguments: str) -> Result:
    """Run the command as the shell would."""
    app = typer.Typer()
    app.command()(due)
    return CliRunner().invoke(app, [*arguments, "--config", str(config)])


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param(
            ["2026-11-20T16:55", "--within", "2 working days", "--calendar", "bygg"],
            "2026-11-25T16:30:00+01:00",
            id="a calendar that one organisation has",
        ),
        pytest.param(
            ["2026-11-20T16:55", "--within", "2 working days", "--organisation", "skara"],
            "2026-11-24T17:00:00+01:00",
            id="the default calendar of an organisation",
        ),
        pytest.param(
            ["2026-11-20T16:55", "--within", "2 min", "--calendar", "hamn"],
            "2026-11-20T16:57:00+02:00",
            id="a time without offset is local to the organisation",
        ),
        pytest.param(
            ["2026-11-20T16:55+01:00", "--within", "2 min", "--calendar", "hamn"],
            "2026-11-20T17:57:00+02:00",
            id="a time with offset is that instant",
        ),
        pytest.param(
            ["2026-03-29T02:30", "--within", "1 h", "--calendar", "bygg"],
            "2026-03-29T04:00:00+02:00",
            id="a local time that clocks skip is the jump",
        ),
    ],
)
def test_it_prints_the_due_time_with_local_offset(
    config: Path, arguments: list[str], expected: str
) -> None:
    """One line of RFC 3339 in local time, and nothing else, so that scripts can read it."""
    result = run(config, *arguments)

    assert (result.exit_code, result.stdout, result.stderr) == (0, expected + "\n", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(
            ["2026-11-20T16:55", "--within", "2 working days"],
            "several organisations have a calendar `default`; "
            "add --organisation with one of `mariehamn`, `skara`",
            id="several calendars of one name",
        ),
        pytest.param(
            ["2026-11-20T16:55", "--within", "1 h", "--calendar", "park"],
            "no calendar `park`; write one of `bygg`, `default`, `hamn`",
            id="unknown calendar",
        ),
        pytest.param(
            [
                "2026-11-20T16:55",
                "--within",
                "1 h",
                "--calendar",
                "hamn",
                "--organisation",
                "skara",
            ],
            "no calendar `hamn`; write one of `bygg`, `default`",
            id="the calendar of another organisation",
        ),
        pytest.param(
            ["2026-11-20T16:55", "--within", "1 h", "--organisation", "lund"],
            "no organisation `lund`; write one of `mariehamn`, `skara`",
            id="unknown organisation",
        ),
        pytest.param(
            ["Friday", "--within", "1 h", "--calendar", "bygg"],
            "`Friday` is no time; write e.g. `2026-11-20T16:55`",
            id="no time",
        ),
        pytest.param(
            ["2026-11-20T16:55", "--within", "2 days", "--calendar", "bygg"],
            "`2 days` may mean several things; write `2 working days`",
            id="days of no kind",
        ),
        pytest.param(
            ["9999-12-31T23:59", "--within", "48 h", "--calendar", "bygg"],
            "`9999-12-31T23:59` or its due time lies outside the years 1-9999",
            id="past the last year",
        ),
    ],
)
def test_a_question_without_answer_is_refused_on_stderr(
    config: Path, arguments: list[str], message: str
) -> None:
    """Exit code 1, nothing on stdout, and what to write instead on stderr."""
    result = run(config, *arguments)

    assert (result.exit_code, result.stdout) == (1, "")
    assert message in result.stderr


def test_a_broken_configuration_is_told_with_its_problems(config: Path) -> None:
    """The command prints the problems that `kontaktpuls validate` would print."""
    (config / "kontaktpuls.yaml").unlink()

    result = run(config, "2026-11-20T16:55", "--within", "1 h", "--calendar", "bygg")

    assert result.exit_code == 1
    assert "kontaktpuls.yaml:1:" in result.stderr
