"""`kontaktpuls report` as an impatient user runs it."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CALL = {
    "type": "call.record",
    "organisation": "exempelkommun",
    "call": "1",
    "queue": "vaxel",
    "entered_at": "2026-11-20T09:00:00+01:00",
    "answered_at": "2026-11-20T09:00:40+01:00",
}


def run(*arguments: str, stdin: bytes = b"") -> tuple[int, str, str]:
    """Exit code, standard output and standard error."""
    done = subprocess.run(
        [sys.executable, "-m", "agents", "report", *arguments],
        input=stdin,
        capture_output=True,
        check=False,
        cwd=ROOT,
        timeout=60,
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def line(**more: object) -> bytes:
    """A call as a line of a file."""
    return json.dumps(CALL | more).encode() + b"\n"


def test_bad_lines_are_named_and_good_ones_counted() -> None:
    """`file:line: reason` for each fault, exit code 1, and still a report."""
    code, out, err = run("-", "--format", "json", stdin=line() + b"{\n" + line(call="2"))

    assert code == 1
    assert err.startswith("<stdin>:2: not_json: ")
    assert json.loads(out)[0]["offered"] == 2


def test_a_file_that_breaks_off_is_reported_as_far_as_it_goes(tmp_path: Path) -> None:
    """Half a gzip is better than nothing, as long as that is said."""
    path = tmp_path / "calls.jsonl.gz"
    packed = gzip.compress(b"".join(line(call=str(n)) for n in range(20_000)))
    path.write_bytes(packed[: len(packed) // 2])
    code, out, err = run(str(path), "--by", "all", "--format", "json")

    assert code == 1
    assert f"{path}: cannot be read to its end" in err
    assert json.loads(out)[0]["offered"] > 1_000


def test_a_missing_organisation_can_be_filled_in() -> None:
    """Whoever exports one organisation need not write its name on every line."""
    nobodys = json.dumps({k: v for k, v in CALL.items() if k != "organisation"}).encode()
    code, out, _ = run("-", "--organisation", "exempelkommun", "--format", "json", stdin=nobodys)

    assert code == 0
    assert json.loads(out)[0]["organisation"] == "exempelkommun"


def test_a_byte_order_mark_is_no_event() -> None:
    """Windows programs begin their files with one."""
    code, out, _ = run("-", "--format", "json", stdin=b"\xef\xbb\xbf" + line())

    assert code == 0
    assert json.loads(out)[0]["offered"] == 1


@pytest.mark.parametrize(
    ("as_of", "told"),
    [
        pytest.param("9999-12-31T00:00Z", "out of range; write a time from", id="the year 9999"),
        pytest.param("yesterday", "is no time; write e.g.", id="no time"),
        pytest.param("2026-11-20T16:55", "has no offset", id="no offset, several time zones"),
    ],
)
def test_an_impossible_as_of_says_what_to_write(as_of: str, told: str) -> None:
    """No traceback, whatever is asked."""
    code, out, err = run("-", "--as-of", as_of, stdin=line())

    assert code == 1
    assert told in err
    assert not out


def test_nothing_to_report_on_is_said() -> None:
    """An empty table would leave one wondering."""
    code, _, err = run("-", stdin=b"")

    assert code == 0
    assert "no events to report on" in err


def test_the_table_shows_shares_with_their_interval() -> None:
    """People see how sure a share is."""
    code, out, _ = run("-", stdin=line())

    assert code == 0
    assert "100.0% (21%-100%)" in out
