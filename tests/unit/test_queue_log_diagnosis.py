"""What the doctor finds at a queue_log, and what he prescribes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agents.settings import load_settings
from agents.sources.checkpoint import Checkpoint, CheckpointFile
from agents.sources.log_files import LogFile
from agents.sources.logrotate import Rule, rules_for
from agents.sources.queue_log_diagnosis import diagnose
from agents.sources.queue_log_running import CHECKPOINT, LOCK
from agents.sources.state_folder import locked
from streams.instants import DAY, SECOND

if TYPE_CHECKING:
    from agents.findings import Finding

ROOT = Path(__file__).parents[2]
SETTINGS = load_settings(ROOT / "config", environ={})
NOON = 1_772_449_200
LINE = b"%d|1.1|%s|NONE|ENTERQUEUE||0511|1\n"


class Surgery:
    """A log, a source's file and a folder of logrotate's rules."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "queue_log"
        self.state = folder / "state"
        self.rules = folder / "logrotate.d"
        self.rules.mkdir()
        self.file = folder / "exchange.yaml"
        self.file.write_text(
            "kind: asterisk-queue-log\norganisation: exempelkommun\nfile: queue_log\n"
            'state_dir: state\nqueues: {"1501": vaxel}\n'
        )
        self.write(LINE % (NOON, b"1501"))

    def write(self, data: bytes, *, changed: int = NOON) -> None:
        """What the log holds, and when it was written."""
        self.log.write_bytes(data)
        os.utime(self.log, (changed, changed))

    def examine(self, now: int = NOON * SECOND) -> dict[str, Finding]:
        """The findings by what was looked at."""
        found = list(diagnose(self.file, SETTINGS, lambda: now, logrotate=self.rules))
        return {finding.subject.split(" /")[0]: finding for finding in found}


@pytest.fixture
def surgery(tmp_path: Path) -> Surgery:
    """Where all is well, except that no source runs."""
    return Surgery(tmp_path)


def test_a_log_that_is_well_has_nothing_to_mend(surgery: Surgery) -> None:
    """With a source that runs on it."""
    surgery.state.mkdir()
    with locked(surgery.state, LOCK):
        found = surgery.examine()

    assert [finding for finding in found.values() if finding.remedy is not None] == []
    assert found["clock of the exchange"].fact == "agrees with that of the folder"
    assert found["queues in the last lines"].fact == "all known"


def test_a_source_that_does_not_run_is_to_be_started(surgery: Surgery) -> None:
    """The remedy is the command; and looking leaves nothing behind."""
    found = surgery.examine()

    assert found["state"].remedy == (
        f"start `kontaktpuls source asterisk-queue-log --settings {surgery.file}`"
    )
    assert not surgery.state.exists()


def test_wrong_settings_are_told_one_by_one(surgery: Surgery) -> None:
    """With file and line, and nothing else is looked at."""
    surgery.file.write_text("kind: asterisk-queue-log\norganisation: nowhere\nfile: queue_log\n")
    found = list(diagnose(surgery.file, SETTINGS, lambda: 0))

    assert [finding.fact for finding in found] == ["is not right"]
    assert f"{surgery.file}:2: organisation" in str(found[0].remedy)


def test_a_log_that_is_not_there_or_no_log_says_so(surgery: Surgery) -> None:
    """Each with what to look at."""
    surgery.write(b"2026-03-02 Asterisk is up\n")
    other = surgery.examine()["log"]
    surgery.log.unlink()
    missing = surgery.examine()["log"]

    assert "no line of a queue_log" in other.fact
    assert other.remedy is not None
    assert missing.fact == "is not there"
    assert "logger.conf" in str(missing.remedy)


@pytest.mark.parametrize(
    ("line", "changed", "now", "fact"),
    [
        (NOON - 90, NOON, NOON, "the last line is 90 s behind the moment it was written"),
        (NOON + 90, NOON, NOON, "the last line is 90 s ahead of the moment it was written"),
        (NOON + 90, NOON + 90, NOON, "the last line is 90 s ahead of the moment it was written"),
        (NOON - 3, NOON, NOON + 3600, "agrees with that of the folder"),
    ],
)
def test_a_clock_that_is_wrong_shows_at_the_last_line(
    surgery: Surgery, line: int, changed: int, now: int, fact: str
) -> None:
    """A line is written when its file changes; a log of the future has a clock that is ahead."""
    surgery.write(LINE % (line, b"1501"), changed=changed)
    found = surgery.examine(now * SECOND)["clock of the exchange"]

    assert found.fact == fact
    assert (found.remedy is None) == fact.startswith("agrees")


def test_a_log_that_has_been_silent_for_days_may_be_the_wrong_one(surgery: Surgery) -> None:
    """Over a weekend nobody calls; beyond that somebody would have."""
    weekend = surgery.examine(NOON * SECOND + 3 * DAY)["log"]
    week = surgery.examine(NOON * SECOND + 7 * DAY)["log"]

    assert weekend.remedy is None
    assert "logger show channels" in str(week.remedy)


def test_queues_that_nobody_configured_are_named(surgery: Surgery) -> None:
    """Of the last lines, by the names that Asterisk gives them."""
    surgery.write(LINE % (NOON, b"1501") + LINE % (NOON, b"1599"))
    found = surgery.examine()["queues in the last lines"]

    assert found.fact == "not configured: `1599`"
    assert "`vaxel`" in str(found.remedy)


def test_it_says_how_far_was_read_and_whether_that_is_still_there(surgery: Surgery) -> None:
    """Also in a file that was renamed since; and that one is gone cannot be mended afterwards."""
    surgery.state.mkdir()
    with LogFile(surgery.log) as log:
        position = log.position
    CheckpointFile(surgery.state / CHECKPOINT).save(
        Checkpoint(log="", organisation="", position=position, parser=b"")
    )
    here = surgery.examine()["read so far"]
    surgery.log.rename(surgery.log.with_name("queue_log.1"))
    surgery.write(LINE % (NOON + 1, b"1501"))
    renamed = surgery.examine()["read so far"]
    surgery.log.with_name("queue_log.1").unlink()
    gone = surgery.examine()["read so far"]
    size = surgery.log.stat().st_size
    surgery.file.write_text(surgery.file.read_text().replace(" queue_log\n", " away/queue_log\n"))
    away = surgery.examine()["read so far"]

    assert here.fact == f"0 bytes of {surgery.log}, {size} to go in that file"
    assert renamed.fact == f"0 bytes of {surgery.log}.1, {size} to go in that file"
    assert gone.remedy is not None
    assert away.remedy is not None
    assert "No such file" in away.remedy


RULES = """
# rotated {{ weekly }} by us
weekly
/var/log/asterisk/full /var/log/asterisk/*log {{
    rotate {kept}
    compress
    {how}
    postrotate
        asterisk -rx 'logger reload' > /dev/null || {{ true; }}
    endscript
}}
"/somewhere/else" {{
    rotate 0
}}
"""


@pytest.mark.parametrize(
    ("how", "kept", "copies"),
    [("missingok", 52, False), ("copytruncate", 4, True), ("nocopytruncate", 0, False)],
)
def test_the_rules_of_logrotate_are_read(
    tmp_path: Path,
    how: str,
    kept: int,
    copies: bool,  # noqa: FBT001 - a parameter
) -> None:
    """Those that match the log's name; scripts and comments do not confuse them."""
    file = tmp_path / "asterisk"
    file.write_text(RULES.format(how=how, kept=kept))
    rules = list(rules_for(Path("/var/log/asterisk/queue_log"), tmp_path))

    assert rules == [Rule(file, copies=copies, kept=kept)]
    assert list(rules_for(Path("/var/log/other"), tmp_path)) == []
    assert list(rules_for(Path("/var/log/other"), tmp_path / "nowhere")) == []


@pytest.mark.parametrize(
    ("how", "remedy"),
    [("copytruncate\nrotate 4", "copytruncate"), ("rotate 0", "rotate 7"), ("rotate 9", None)],
)
def test_rotation_that_loses_lines_is_told(surgery: Surgery, how: str, remedy: str | None) -> None:
    """Copying loses what comes in between; keeping nothing loses what was not read in time."""
    (surgery.rules / "asterisk").write_text(f"{surgery.log} {{\n{how}\n}}\n")
    found = surgery.examine()["rotation by"]

    assert (found.remedy is None) == (remedy is None)
    assert remedy is None or remedy in str(found.remedy)
