"""`kontaktpuls doctor` finds what is wrong, says what to do, and changes nothing."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from typer.testing import CliRunner

from agents.cli import create_cli
from agents.doctor import (
    examine_clock,
    examine_folder,
    examine_kafka,
    examine_key,
    examine_redis,
)
from agents.embedded import Tansu, free_port
from agents.settings import load_settings
from agents.settings.environment import PSEUDONYM_KEY
from agents.settings.source_kinds import source_files
from agents.sources.diagnoses import examine_source
from agents.topic_admin import create_topics
from streams.instants import SECOND

if TYPE_CHECKING:
    from agents.embedded import EmbeddedRedis

CONFIG = Path(__file__).parents[2] / "config"


def test_a_key_that_is_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without one no source could start."""
    monkeypatch.delenv(PSEUDONYM_KEY, raising=False)
    missing = examine_key()
    monkeypatch.setenv(PSEUDONYM_KEY, "kept out of the repository")
    there = examine_key()

    assert missing.remedy is not None
    assert "KONTAKTPULS_PSEUDONYM_KEY_FILE" in missing.remedy
    assert there.remedy is None


def test_kafka_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The finding names the address that was asked."""
    monkeypatch.setattr("agents.kafka_clients.BOOTSTRAP_PATIENCE_MS", 500)
    cluster = msgspec.structs.replace(
        load_settings(CONFIG).cluster, brokers=f"127.0.0.1:{free_port()}"
    )

    (finding,) = examine_kafka(cluster)

    assert finding.remedy is not None
    assert cluster.brokers in finding.remedy


@pytest.mark.integration
def test_topics_are_looked_at_and_not_made() -> None:
    """Missing ones are named with the command that makes them; afterwards all is well."""
    with Tansu() as broker:
        cluster = msgspec.structs.replace(
            load_settings(CONFIG).cluster, brokers=broker.brokers, embedded=True, replication=1
        )
        before = list(examine_kafka(cluster))
        again = list(examine_kafka(cluster))
        create_topics(cluster)
        after = list(examine_kafka(cluster))

    assert before == again
    assert [finding.remedy for finding in before if finding.subject.startswith("topic")] == [
        f"`{finding.subject.removeprefix('topic ')}` is missing; run `kontaktpuls topics create`"
        for finding in before[1:]
    ]
    assert len(after) == len(before) > 5
    assert all(finding.remedy is None for finding in after)


def test_redis_that_does_not_answer_is_told() -> None:
    """It is worth mending, and the finding says what goes on without it."""
    cluster = msgspec.structs.replace(
        load_settings(CONFIG).cluster, redis_url=f"redis://127.0.0.1:{free_port()}/0"
    )

    (finding,) = examine_redis(cluster, lambda: 0)

    assert finding.remedy is not None
    assert "go on without it" in finding.remedy


@pytest.mark.integration
def test_two_clocks_that_differ_are_told(embedded_redis: EmbeddedRedis) -> None:
    """Redis tells its time; a machine an hour off would place facts an hour off."""
    cluster = msgspec.structs.replace(
        load_settings(CONFIG).cluster, redis_url=embedded_redis.url, redis_password=None
    )

    _, clock = examine_redis(cluster, lambda: 1_772_438_400 * SECOND)

    assert "ahead of this machine" in clock.fact
    assert clock.remedy is not None


def test_a_folder_is_looked_at_and_not_made(tmp_path: Path) -> None:
    """A file in its place is told; one that is not there yet is no fault."""
    (tmp_path / "file").write_text("", encoding="utf-8")

    assert examine_folder(tmp_path / "later" / "on").remedy is None
    assert not (tmp_path / "later").exists()

    refused = examine_folder(tmp_path / "file" / "state")

    assert refused.remedy is not None
    assert str(tmp_path / "file") in refused.remedy


def test_a_folder_that_may_not_be_looked_into_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another user's home is a finding, not the end of the doctor."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "stat", refuse)
    monkeypatch.setattr(os, "access", lambda path, mode: path == tmp_path and mode == os.F_OK)
    monkeypatch.setattr(Path, "is_dir", lambda path: path == tmp_path)

    assert examine_folder(tmp_path / "closed" / "state").remedy is not None


def test_the_clock_of_this_machine_is_looked_at() -> None:
    """Whatever the kernel says, it is said in words."""
    finding = examine_clock()

    assert finding.subject == "clock of this machine"
    assert (finding.fact == "nobody keeps it right") == (finding.remedy is not None)


def test_a_source_of_an_unknown_kind_is_told(tmp_path: Path) -> None:
    """A misspelt kind is found with what was meant; a file that cannot be read, by name."""
    wrong = tmp_path / "exchange.yaml"
    wrong.write_text("kind: asterisk-queuelog\n", encoding="utf-8")
    settings = load_settings(CONFIG)

    (misspelt,) = examine_source(wrong, settings, lambda: 0)
    (missing,) = examine_source(tmp_path / "none.yaml", settings, lambda: 0)

    assert misspelt.remedy is not None
    assert "did you mean `asterisk-queue-log`?" in misspelt.remedy
    assert missing.remedy is not None
    assert "none.yaml" in missing.remedy


def test_examples_are_no_sources(tmp_path: Path) -> None:
    """What is shipped to be copied is not looked at."""
    shutil.copytree(CONFIG / "sources", tmp_path / "sources")
    (tmp_path / "sources" / "mine.yaml").write_text("kind: http\n", encoding="utf-8")

    assert [path.name for path in source_files(tmp_path)] == ["mine.yaml"]


def test_the_command_says_how_much_there_is_to_mend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its exit code can be asked by a script."""
    shutil.copytree(CONFIG, tmp_path / "config")
    monkeypatch.setattr("agents.kafka_clients.BOOTSTRAP_PATIENCE_MS", 500)
    monkeypatch.setenv("KONTAKTPULS_BROKERS", f"127.0.0.1:{free_port()}")
    monkeypatch.setenv("KONTAKTPULS_REDIS_ENABLED", "false")
    monkeypatch.setenv(PSEUDONYM_KEY, "kept out of the repository")
    monkeypatch.setattr("agents.doctor.examine_clock", lambda: examine_folder(tmp_path))

    result = CliRunner().invoke(
        create_cli("doctor"), ["doctor", "--config", str(tmp_path / "config")]
    )

    assert result.exit_code == 1
    assert "MEND  Kafka at 127.0.0.1" in result.output
    assert "ok    key for pseudonyms: there" in result.output
    assert result.output.endswith("\n1 to mend\n")
