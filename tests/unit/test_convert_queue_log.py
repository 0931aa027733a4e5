"""`kontaktpuls convert asterisk-queue-log`, from the files to the events on standard output."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from agents.cli import create_cli
from agents.settings import SettingsError
from agents.settings.queue_log import QueueLogSource, load_queue_log
from agents.settings.source_file import source_from_text
from agents.sources import queue_log
from agents.sources.queue_log import QueueLogFiles
from streams.codec import decode_event, encode_event
from streams.events import CallAnswered, CallEntered, CallLeft
from streams.parsers.queue_log import QueueLogParser

if TYPE_CHECKING:
    from typer.testing import Result

    from streams.events import CallEvent

ROOT = Path(__file__).parents[2]
CLI = create_cli("convert")
COMMAND = (sys.executable, "-m", "agents", "convert", "asterisk-queue-log")
NO_KEY = {"KONTAKTPULS_PSEUDONYM_KEY": "", "KONTAKTPULS_PSEUDONYM_KEY_FILE": ""}
KEY = "kept out of the repository"
EXAMPLE = ROOT / "config" / "sources" / "exchange.example.yaml"

LOG = """\
1792400000|1792400000.1|1501|NONE|ENTERQUEUE||0700000001|1
1792400010|1792400000.1|1501|PJSIP/7009|RINGNOANSWER|10000
1792400012|1792400000.1|1501|PJSIP/7010|CONNECT|12|1792400010.2|1
1792400020|1792400020.3|1501|NONE|ENTERQUEUE||0700000002|1
1792400072|1792400000.1|1501|PJSIP/7010|COMPLETEAGENT|12|60|1
1792400090|1792400020.3|1501|NONE|EXITWITHKEY|2|1|1|70
1792400095|1792400095.4|1509|NONE|ENTERQUEUE||0700000003|1
"""


def convert(*arguments: object, **environment: str) -> Result:
    """What the command answers; there is no key unless a test brings one."""
    return CliRunner().invoke(
        CLI,
        ["convert", "asterisk-queue-log", *map(str, arguments)],
        env=NO_KEY | environment,
    )


def events_of(result: Result) -> list[object]:
    """What was printed, read as a worker reads it."""
    return [decode_event(line.encode()) for line in result.stdout.splitlines()]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log of three callers."""
    path = tmp_path / "queue_log"
    path.write_text(LOG)
    return path


def test_a_log_becomes_events_and_a_summary(log: Path) -> None:
    """Every line is told of: as an event, or by its reason, or as a call that has no end yet."""
    result = convert(log, "--organisation", "exempelkommun")
    summary = " ".join(result.stderr.split())

    assert result.exit_code == 0
    assert len(events_of(result)) == 6
    assert "7 lines read 6 events 1 lines that are no event 1 ringnoanswer" in summary
    assert "0 lines that could not be read 0 contradictions" in summary
    assert "1 calls without an end 1 wait 0 talk to a member" in summary


def test_settings_name_queues_and_keys_of_the_exchange(log: Path) -> None:
    """With the shipped example, numbers become the queues of the shipped organisation."""
    result = convert(log, "--settings", EXAMPLE, "--config", ROOT / "config")
    events = events_of(result)
    (left,) = [event for event in events if isinstance(event, CallLeft)]

    assert result.exit_code == 0, result.stderr
    assert {event.queue for event in events} == {"vaxel", "1509"}  # type: ignore[attr-defined]
    assert left.reason == "callback"
    assert "counted as `other`, since the configuration does not name them: `1509`" in result.stderr


def test_people_leave_as_pseudonyms_where_there_is_a_key(log: Path, tmp_path: Path) -> None:
    """The key may be in a file; without one nobody is read, and the summary says so."""
    (tmp_path / "key").write_text(f"{KEY}\n")
    in_file = convert(
        log, "--organisation", "x", KONTAKTPULS_PSEUDONYM_KEY_FILE=str(tmp_path / "key")
    )
    in_variable = convert(log, "--organisation", "x", KONTAKTPULS_PSEUDONYM_KEY=KEY)
    without = convert(log, "--organisation", "x")
    callers = {event.caller for event in events_of(in_file) if isinstance(event, CallEntered)}
    members = {event.member for event in events_of(in_file) if isinstance(event, CallAnswered)}

    assert in_file.stdout == in_variable.stdout
    assert len(callers) == 3
    assert len(members) == 1
    assert "07000000" not in in_file.stdout
    assert "PJSIP" not in in_file.stdout
    assert "callers and members were not read" in without.stderr
    assert "callers and members were not read" not in in_file.stderr


def test_several_files_are_one_log(tmp_path: Path) -> None:
    """Rotated files tell what the whole would, packed or not, wherever the calls were cut."""
    (tmp_path / "whole").write_text(LOG)
    whole = convert(tmp_path / "whole", "--organisation", "x")
    for cut in [place + 1 for place, character in enumerate(LOG) if character == "\n"]:
        (tmp_path / "queue_log.1.gz").write_bytes(gzip.compress(LOG[:cut].encode()))
        (tmp_path / "queue_log").write_text(LOG[cut:])
        parts = convert(tmp_path / "queue_log.1.gz", tmp_path / "queue_log", "--organisation", "x")

        assert (parts.stdout, parts.stderr) == (whole.stdout, whole.stderr)


def test_standard_input_is_a_log_too(log: Path) -> None:
    """`zcat queue_log*.gz | kontaktpuls convert asterisk-queue-log -`."""
    done = subprocess.run(
        [*COMMAND, "-", "--organisation", "x"],
        input=gzip.compress(LOG.encode()),
        capture_output=True,
        check=True,
        cwd=ROOT,
        timeout=60,
        env=os.environ | NO_KEY,
    )

    assert done.stdout.decode() == convert(log, "--organisation", "x").stdout


def test_half_a_line_at_the_end_is_not_read(log: Path) -> None:
    """Asterisk may be writing it just now: the live source waits for the rest of it as well."""
    log.write_text(LOG + "1792400099|1792400095.4|1509|NONE|ABANDON|1|1")
    result = convert(log, "--organisation", "x")

    assert result.exit_code == 0
    assert len(events_of(result)) == 6
    assert "1 unfinished" in result.stderr


def test_lines_that_cannot_be_read_are_told_and_the_others_converted(log: Path) -> None:
    """Exit code 1, the reason, and where the first of them stands; never what stands on it."""
    log.write_text(LOG + "0700000009|half\n" + "x|a|b|c|ABANDON|\n" + "x|a|b|c|ABANDON|\n")
    result = convert(log, "--organisation", "x")

    assert result.exit_code == 1
    assert len(events_of(result)) == 6
    assert "1 truncated (first on line 8)" in result.stderr
    assert "2 no_time (first on line 9)" in result.stderr
    assert "0700000009" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "whose calls are these?"),
        (["--organisation", "Skåra"], "--organisation: `Skåra` is no name"),
        (["--organisation", "exempelkomun", "--config", ROOT / "config"], "`exempelkommun`?"),
        (["--settings", "nowhere.yaml"], "nowhere.yaml:1:"),
    ],
)
def test_what_is_missing_is_said_before_anything_is_read(
    log: Path, arguments: list[object], message: str
) -> None:
    """A message that says what to write, and no event."""
    result = convert(log, *arguments)

    assert result.exit_code == 1
    assert result.stdout == ""
    assert message in result.stderr


def test_a_file_that_breaks_off_is_told(tmp_path: Path) -> None:
    """What was read until there is printed, and the exit code is 1."""
    packed = gzip.compress(LOG.encode() * 2_000)
    (tmp_path / "log.gz").write_bytes(packed[: len(packed) // 2])
    result = convert(tmp_path / "log.gz", "--organisation", "x")
    missing = convert(tmp_path / "none", "--organisation", "x")

    assert result.exit_code == missing.exit_code == 1
    assert "log.gz: cannot be read to its end" in result.stderr
    assert "none: cannot be read to its end" in missing.stderr


def test_a_key_that_keeps_no_secret_is_refused(log: Path) -> None:
    """Better no events than numbers that can be guessed."""
    result = convert(log, "--organisation", "x", KONTAKTPULS_PSEUDONYM_KEY="short")

    assert result.exit_code == 1
    assert result.stdout == ""
    assert "`KONTAKTPULS_PSEUDONYM_KEY`: the key has 5 bytes" in result.stderr


def test_a_reader_that_has_seen_enough_is_no_fault(tmp_path: Path) -> None:
    """`kontaktpuls convert ... | head -1` ends without a traceback."""
    (tmp_path / "log").write_text(LOG * 5_000)
    with subprocess.Popen(
        [*COMMAND, tmp_path / "log", "--organisation", "x"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        first = child.stdout.readline()
        child.stdout.close()
        complaint = child.stderr.read()
        child.wait(timeout=60)

    assert first.startswith(b'{"type":"call.entered"')
    assert complaint == b""


def test_half_a_line_of_an_older_file_costs_no_line_of_the_next(log: Path, tmp_path: Path) -> None:
    """A line that was cut off when the log was rotated is counted, and the next file is whole."""
    older = tmp_path / "queue_log.1"
    older.write_text("1792400000|1792400000.1|1509|NONE|ENTERQ")
    result = convert(older, str(log), "--organisation", "x")

    assert events_of(result) == events_of(convert(log, "--organisation", "x"))
    assert "1 unfinished" in result.stderr


def test_files_are_read_in_chunks_of_any_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lines come whole out of chunks that cut them, and one without end is not kept."""
    text = LOG.encode() + b"x" * 100_000 + b"\n" + LOG.replace("17924000", "17924100").encode()
    (tmp_path / "log").write_bytes(text)
    told = set()
    for size in (1, 7, 64, 1_000_000):
        monkeypatch.setattr(queue_log, "CHUNK", size)
        events: list[CallEvent] = []
        parser = QueueLogParser(organisation="x", queues={}, pseudonymise=None)
        files = QueueLogFiles(parser, events.extend)
        with (tmp_path / "log").open("rb") as stream:
            files.read(stream)
        told.add(b"".join(map(encode_event, events)))

        assert parser.counts.left_out == {"ringnoanswer": 2, "too_long": 1}
    assert len(told) == 1


def test_the_example_is_right() -> None:
    """What is shipped to be copied can be read."""
    source = load_queue_log(EXAMPLE)

    assert source.organisation == "exempelkommun"
    assert source.queues["1501"] == "vaxel"
    assert source.callback_keys == ["2"]


def test_every_problem_of_the_settings_is_told() -> None:
    """All at once, each with its line and what to write instead."""
    text = """
version: 1
kind: asterisk-queue-log
queues: {"1501": "the switchboard"}
callback_keys: [two]
queue: vaxel
"""
    with pytest.raises(SettingsError) as refused:
        source_from_text(text, "exchange.yaml", QueueLogSource)
    told = "\n".join(str(problem) for problem in refused.value.problems)

    assert "organisation: is missing; write e.g. `organisation: exempelkommun`" in told
    assert "exchange.yaml:4: queues.1501: `the switchboard` is no name" in told
    assert "exchange.yaml:5: callback_keys[0]: `two` is on no telephone" in told
    assert "exchange.yaml:6: queue: is no setting; did you mean `queues`?" in told
