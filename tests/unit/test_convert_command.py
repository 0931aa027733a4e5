"""`kontaktpuls convert calls-csv`, from the file to the events on standard output."""

from __future__ import annotations

import gzip
import json
from collections import Counter, defaultdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from agents.cli import create_cli
from streams.codec import decode_event
from streams.events import CallRecord

if TYPE_CHECKING:
    from typer.testing import Result

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data" / "calls"
BANK = ROOT / "config" / "mappings" / "anonymous-bank.yaml"
CLI = create_cli("convert")

MAPPING = """
version: 1
organisation: exempelkommun
formats: {timestamp: epoch}
call: [id]
queue: {column: queue}
entered: {timestamp: entered}
left: {seconds: wait}
outcome: {column: outcome, values: {H: abandoned}}
no_call: [{when: {wait: "0"}, because: hung up at once}]
checks: [{name: long-wait, explanation: longer than believed, when: {wait: "9999"}}]
"""

TABLE = """id,queue,entered,wait,outcome
1,vaxel,1792915200,60,H
2,vaxel,1792915200,0,H
3,vaxel,yesterday,60,H
4,vaxel,1792915200,9999,H
"""


def convert(*arguments: object, **environment: str) -> Result:
    """What the command answers."""
    return CliRunner().invoke(
        CLI, ["convert", "calls-csv", *map(str, arguments)], env=dict(environment)
    )


def table(folder: Path, mapping: str = MAPPING, rows: str = TABLE) -> tuple[Path, str, Path]:
    """The arguments for a mapping and a table written into a folder."""
    (folder / "calls.csv").write_text(rows)
    (folder / "mapping.yaml").write_text(mapping)
    return folder / "calls.csv", "--mapping", folder / "mapping.yaml"


def answered_within(record: CallRecord, seconds: int) -> bool:
    """Whether a call was answered, and in time."""
    answered = record.answered_at
    return answered is not None and (answered - record.entered_at).total_seconds() <= seconds


@pytest.fixture(scope="module")
def february() -> tuple[list[CallRecord], str]:
    """The events and the summary of the real month, where its file is at hand."""
    if not DATA.is_dir():
        pytest.skip(f"the call centre data are not at {DATA}")
    result = convert(DATA / "anonymous-bank-1999-02.tsv.gz", "--mapping", BANK)
    assert result.exit_code == 0, result.stderr
    events = [decode_event(line.encode()) for line in result.stdout.splitlines()]
    return [event for event in events if isinstance(event, CallRecord)], result.stderr


@pytest.fixture(scope="module")
def truth() -> dict[str, Any]:
    """What a batch program counted in the columns of the same file."""
    text = (DATA / "anonymous-bank-1999-02.truth.json").read_text()
    month: dict[str, Any] = json.loads(text)["february_1999"]
    return month


def test_every_day_of_february_1999_has_its_true_counts(
    february: tuple[list[CallRecord], str], truth: dict[str, Any]
) -> None:
    """Offered, answered, answered in 120 s and abandoned are those of the batch count, each day."""
    days: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for record in february[0]:
        counts = days[f"{record.entered_at:%y%m%d}"]
        counts[0] += 1
        counts[1] += record.answered_at is not None
        counts[2] += answered_within(record, 120)
        counts[3] += record.reason == "abandoned"

    assert days == truth["per_day [offered,answered,answered<=120s,abandoned]"]


def test_february_1999_has_its_true_totals(
    february: tuple[list[CallRecord], str], truth: dict[str, Any]
) -> None:
    """The month is exact, and the mean wait of answered calls agrees to the millisecond."""
    records = february[0]
    waits = [
        (record.answered_at - record.entered_at).total_seconds()
        for record in records
        if record.answered_at is not None
    ]

    assert len(records) == truth["offered_to_agents(AGENT or q_time>0)"] == 31_094
    assert len(waits) == truth["answered"] == 27_162
    assert sum(wait <= 20 for wait in waits) == truth["answered_with_q_time<=20"]
    assert sum(wait <= 120 for wait in waits) == truth["answered_with_q_time<=120"] == 24_111
    assert round(sum(waits) / len(waits), 3) == truth["ASA_s(answered, q_time)"] == 40.774
    assert len({record.call for record in records}) == len(records)


def test_the_contradictions_of_february_1999_are_counted_and_explained(
    february: tuple[list[CallRecord], str], truth: dict[str, Any]
) -> None:
    """What the data's own description calls dirty is found again, with its number and a line."""
    summary = february[1]
    anomalies = truth["anomalies"]

    assert "   33,344 rows read" in summary
    assert f"{truth['outcome']['PHANTOM']} phantom, marked as no call" in summary
    assert f"{truth['hung_up_in_VRU']:,} hung up in the voice menu" in summary
    assert f"{anomalies['negative vru']} negative-menu-time (first on line 2,047): " in summary
    assert f"{anomalies['AGENT with server NO_SERVER']} answered-by-nobody " in summary
    assert f"{anomalies['HANG but ser_time>0']} hang-up-with-conversation " in summary
    assert f"{anomalies['not sorted by date+vru_entry']} row-out-of-order " in summary
    assert "clocks-disagree" not in summary


def test_bad_rows_are_named_and_the_good_ones_converted(tmp_path: Path) -> None:
    """The exit code tells that something is missing, the message tells where and why."""
    result = convert(*table(tmp_path))

    assert result.exit_code == 1
    assert [json.loads(line)["call"] for line in result.stdout.splitlines()] == ["1", "4"]
    assert f"{tmp_path}/calls.csv:4: `yesterday` in `entered` is no number" in result.stderr
    assert "        1 rows that could not be read" in result.stderr
    assert "            1 hung up at once" in result.stderr
    assert "long-wait (first on line 5): longer than believed" in result.stderr


def test_a_compressed_table_is_read_as_it_is(tmp_path: Path) -> None:
    """Compression is seen in the bytes; the name of the file does not matter."""
    arguments = table(tmp_path)
    plain = convert(*arguments).stdout
    arguments[0].write_bytes(gzip.compress(TABLE.encode()))

    assert convert(*arguments).stdout == plain != ""


def test_a_compressed_table_that_breaks_off_is_told(tmp_path: Path) -> None:
    """Half a file is not taken for a whole one."""
    arguments = table(tmp_path)
    arguments[0].write_bytes(gzip.compress(TABLE.encode())[:-9])
    result = convert(*arguments)

    assert result.exit_code == 1
    assert f"{arguments[0]}: cannot be read to its end" in result.stderr


def test_the_organisation_on_the_command_line_wins(tmp_path: Path) -> None:
    """One mapping serves several organisations with the same exchange."""
    result = convert(*table(tmp_path), "--organisation", "anonymous-bank")

    assert Counter(json.loads(line)["organisation"] for line in result.stdout.splitlines()) == {
        "anonymous-bank": 2
    }


def test_clocks_are_those_of_the_organisation_unless_the_mapping_has_a_zone(
    tmp_path: Path,
) -> None:
    """The same epoch is shown with the offset of the place."""
    configured = convert(*table(tmp_path), "--config", ROOT / "config").stdout
    mapped = convert(*table(tmp_path, f"{MAPPING}time_zone: Asia/Jerusalem\n")).stdout

    def entered(text: str) -> datetime:
        return datetime.fromisoformat(json.loads(text.splitlines()[0])["entered_at"])

    assert entered(configured) == entered(mapped)
    assert entered(configured).utcoffset() != entered(mapped).utcoffset()


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        (MAPPING.replace("organisation: exempelkommun", ""), "whose calls are these?"),
        (MAPPING.replace("exempelkommun", "atlantis"), "`atlantis` is not configured"),
        (f"{MAPPING}caller: {{columns: [id]}}", "set `KONTAKTPULS_PSEUDONYM_KEY_FILE`"),
        (MAPPING.replace("call: [id]", "call: id"), "mapping.yaml:5: call: `id` is not a list"),
        (MAPPING.replace("column: queue", "column: que"), "calls.csv:1: no column `que`"),
    ],
)
def test_what_cannot_be_converted_is_refused_before_the_first_row(
    tmp_path: Path, mapping: str, message: str
) -> None:
    """No event is printed when the question itself is incomplete."""
    result = convert(*table(tmp_path, mapping), "--config", ROOT / "config")

    assert (result.exit_code, result.stdout) == (1, "")
    assert message in result.stderr


def test_callers_are_pseudonyms_under_the_key_of_the_environment(tmp_path: Path) -> None:
    """A mapped caller never leaves as it was written."""
    arguments = table(tmp_path, f"{MAPPING}caller: {{columns: [queue]}}")
    result = convert(*arguments, KONTAKTPULS_PSEUDONYM_KEY="sixteen bytes or more")
    callers = {json.loads(line)["caller"] for line in result.stdout.splitlines()}

    assert len(callers) == 1
    assert "vaxel" not in callers
    assert all(len(caller) == 16 for caller in callers)


def test_a_file_or_mapping_that_is_not_there_is_told(tmp_path: Path) -> None:
    """The message names what is missing."""
    file, option, mapping = table(tmp_path)

    assert f"{tmp_path}/x: cannot be read" in convert(tmp_path / "x", option, mapping).stderr
    assert f"{tmp_path}/y:1: (file): cannot be read" in convert(file, option, tmp_path / "y").stderr


def test_the_key_for_callers_may_lie_in_a_file(tmp_path: Path) -> None:
    """What a service finds in a file need not stand in its environment; both at once is a slip."""
    arguments = table(tmp_path, f"{MAPPING}caller: {{columns: [queue]}}")
    (tmp_path / "key").write_text("sixteen bytes or more\n")
    by_file = convert(*arguments, KONTAKTPULS_PSEUDONYM_KEY_FILE=str(tmp_path / "key"))
    by_value = convert(*arguments, KONTAKTPULS_PSEUDONYM_KEY="sixteen bytes or more")
    short = convert(*arguments, KONTAKTPULS_PSEUDONYM_KEY="too short")

    assert by_file.stdout == by_value.stdout != ""
    assert (short.exit_code, short.stdout) == (1, "")
    assert "the key has 9 bytes; write 16 or more" in short.stderr
    assert "or take `caller` out of the mapping" in short.stderr


def test_what_a_mapping_cannot_know_is_the_last_word_of_its_summary(tmp_path: Path) -> None:
    """Whoever reads only the end of the summary has read the warning."""
    warned = convert(*table(tmp_path, f"{MAPPING}warning: waits are not to be believed\n"))

    assert warned.stderr.splitlines()[-1] == "WARNING: waits are not to be believed"
    assert "WARNING" not in convert(*table(tmp_path)).stderr


def test_json_objects_are_converted_by_a_mapping_that_says_so(tmp_path: Path) -> None:
    """The same command reads both forms, and names that no object has are told."""
    mapping = MAPPING.replace("version: 1", "version: 1\nformat: json\ntopic: about")
    call = {"id": 1, "queue": "vaxel", "entered": 1792915200, "wait": 60, "outcome": "H"}
    result = convert(*table(tmp_path, mapping, json.dumps(call) + json.dumps(call | {"id": 2})))

    assert result.exit_code == 0, result.stderr
    assert [json.loads(line)["call"] for line in result.stdout.splitlines()] == ["1", "2"]
    assert "no record has `about` (write one of `entered`, " in result.stderr
