"""Which log is followed as whose: the settings' file, the command line, and what is wrong there."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.settings import SettingsError, load_settings
from agents.settings.queue_log import live_queue_log
from streams.instants import SECOND

ROOT = Path(__file__).parents[2]
ORGANISATIONS = load_settings(ROOT / "config", environ={}).organisations
FILE = """\
kind: asterisk-queue-log
organisation: exempelkommun
file: logs/queue_log
state_dir: /var/lib/kontaktpuls/exchange
margin: 5 s
"""


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """A source's file."""
    path = tmp_path / "exchange.yaml"
    path.write_text(FILE)
    return path


def test_the_example_is_right() -> None:
    """It names the log where Asterisk puts it."""
    example = ROOT / "config/sources/exchange.example.yaml"
    found, path = live_queue_log(ORGANISATIONS, settings=example)

    assert path == Path("/var/log/asterisk/queue_log")
    assert found.metrics_port == 9465


def test_names_of_files_are_relative_to_the_file_they_stand_in(settings: Path) -> None:
    """So the service may be started anywhere."""
    found, path = live_queue_log(ORGANISATIONS, settings=settings)

    assert path == settings.parent / "logs/queue_log"
    assert found.state_dir == Path("/var/lib/kontaktpuls/exchange")
    assert found.margin == 5 * SECOND


def test_the_command_line_goes_before_the_file(settings: Path) -> None:
    """Each of its options by itself; what it does not say stays."""
    found, path = live_queue_log(
        ORGANISATIONS, settings=settings, file=Path("other"), state_dir=Path("here")
    )

    assert path == Path("other")
    assert found.state_dir == Path("here")
    assert found.source == "exchange"


def test_the_command_line_alone_is_enough() -> None:
    """A first look needs no file of settings."""
    found, path = live_queue_log(
        ORGANISATIONS, settings=None, file=Path("queue_log"), organisation="exempelkommun"
    )

    assert path == Path("queue_log")
    assert (found.source, found.state_dir, found.margin) == ("exchange", None, 2 * SECOND)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, ["command line: --organisation: whose calls are these?"]),
        (
            {"organisation": "Å"},
            ["command line: --organisation: `Å`"],
        ),
        (
            {"organisation": "exempelkomun"},
            [
                "command line: --organisation: `exempelkomun` is not configured; did you mean",
                "command line: FILE: is missing; write where Asterisk writes its queue_log",
            ],
        ),
        (
            {"organisation": "exempelkommun", "source": "mailbox", "file": Path("queue_log")},
            ["command line: --source: `mailbox` is no source of calls of `exempelkommun`; write"],
        ),
    ],
)
def test_what_is_wrong_on_the_command_line_is_told_at_once(
    options: dict[str, str], told: list[str]
) -> None:
    """Every problem, by the option that makes it."""
    with pytest.raises(SettingsError) as raised:
        live_queue_log(ORGANISATIONS, settings=None, **options)  # type: ignore[arg-type]
    messages = sorted(str(raised.value).splitlines())

    assert len(messages) == len(told)
    assert all(message.startswith(start) for message, start in zip(messages, told, strict=True))


def test_what_is_wrong_in_the_file_is_told_by_its_line(tmp_path: Path) -> None:
    """Names that the organisation's file does not know, and what is missing."""
    path = tmp_path / "exchange.yaml"
    path.write_text("kind: asterisk-queue-log\norganisation: exempelkommun\nsource: exchnge\n")
    with pytest.raises(SettingsError) as raised:
        live_queue_log(ORGANISATIONS, settings=path)
    missing, unknown = str(raised.value).splitlines()

    assert missing == f"{path}:1: file: is missing; write where Asterisk writes its queue_log"
    assert unknown.startswith(f"{path}:3: source: `exchnge` is no source of calls of")
    assert unknown.endswith("did you mean `exchange`?")
