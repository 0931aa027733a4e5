"""What every source is made of: its settings file, its key, its counters."""

from __future__ import annotations

import os
import urllib.request
from typing import TYPE_CHECKING, Literal

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import Field

from agents.embedded import free_port
from agents.settings.environment import PSEUDONYM_KEY, PSEUDONYM_KEY_FILE
from agents.settings.problems import SettingsError
from agents.settings.source_file import SourceFile, load_source, source_from_text
from agents.sources.keys import PseudonymKeyError, pseudonymiser_of
from agents.sources.meter import Meter, MeterError
from streams.conventions import SourceMonitor
from streams.pseudonyms import create_pseudonymiser

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "kept out of the repository"  # noqa: S105 - an example


class TicketMachine(SourceFile):
    """A kind of source for these tests."""

    kind: Literal["ticket-machine"] = Field(examples=["ticket-machine"])
    desk: str = Field(examples=["reception"])


def test_a_source_file_is_read() -> None:
    """What stands there is what holds."""
    source = source_from_text(
        "kind: ticket-machine\ndesk: reception\nmetrics_port: 9465\n", "x.yaml", TicketMachine
    )

    assert (source.desk, source.metrics_port) == ("reception", 9465)


def test_every_problem_of_a_source_file_is_told_with_its_line() -> None:
    """Whoever edits it mends all at once."""
    with pytest.raises(SettingsError) as error:
        source_from_text("kind: imap\ndisk: reception\nmetrics_port: 0\n", "x.yaml", TicketMachine)

    told = str(error.value)

    assert "x.yaml:1: kind: `imap` is not possible here; write `ticket-machine`" in told
    assert "x.yaml:2: disk: is no setting; did you mean `desk`?" in told
    assert "desk: is missing; write e.g. `desk: reception`" in told
    assert "x.yaml:3: metrics_port:" in told


def test_a_source_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """A wrong name on the command line is found by the message alone."""
    with pytest.raises(SettingsError, match=r"none\.yaml.*cannot be read \(No such file"):
        load_source(tmp_path / "none.yaml", TicketMachine)


def test_the_key_may_stand_in_a_file(tmp_path: Path) -> None:
    """With or without a line end it is the same key, and so are the pseudonyms."""
    file = tmp_path / "key"
    file.write_text(SECRET + "\n", encoding="utf-8")
    wanted = create_pseudonymiser(SECRET.encode())("0511-320 00")

    assert pseudonymiser_of({PSEUDONYM_KEY_FILE: str(file)})("0511-320 00") == wanted
    assert pseudonymiser_of({PSEUDONYM_KEY: SECRET})("0511-320 00") == wanted


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({}, "set `KONTAKTPULS_PSEUDONYM_KEY_FILE`"),
        ({PSEUDONYM_KEY: "short"}, "5 bytes"),
        ({PSEUDONYM_KEY: SECRET, PSEUDONYM_KEY_FILE: "/some/file"}, "keep one of them"),
        ({PSEUDONYM_KEY_FILE: "/no/such/file"}, "`/no/such/file` cannot be read"),
    ],
)
def test_without_a_good_key_nobody_leaves(environ: dict[str, str], message: str) -> None:
    """A missing, doubled, lost or short key is an error that never shows the key."""
    with pytest.raises(PseudonymKeyError, match=message) as error:
        pseudonymiser_of(environ)
    assert SECRET not in str(error.value)


def test_a_source_shows_what_it_counted() -> None:
    """Every counter is served under its name, on the loopback interface only."""
    meter = Meter()
    meter.read("exchange", 7)
    meter.delivered("exchange", 5)
    meter.left_out("exchange", "member_event", 2)
    meter.lost("exchange", "bytes", 120)
    meter.through("exchange", 1_772_438_400_000_000)
    meter.connected("exchange", is_up=True)
    port = free_port()
    with meter.served(port), urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as page:
        text = page.read().decode()

    shown = {
        sample.name.removesuffix("_total"): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if not sample.name.endswith("_created")
    }

    assert shown == {
        SourceMonitor.READ: 7,
        SourceMonitor.EVENTS: 5,
        SourceMonitor.LEFT_OUT: 2,
        SourceMonitor.LOST: 120,
        SourceMonitor.THROUGH: 1_772_438_400,
        SourceMonitor.CONNECTED: 1,
    }


def test_without_a_port_nothing_listens() -> None:
    """Counters are kept all the same."""
    meter = Meter()
    with meter.served(None):
        meter.read("exchange")

    value = meter.registry.get_sample_value(f"{SourceMonitor.READ}_total", {"source": "exchange"})

    assert value == 1


def test_a_port_that_is_taken_is_told_as_what_it_was_for() -> None:
    """There are several ports; whoever reads the message must know which one to change."""
    with (
        Meter().served(port := free_port()),
        pytest.raises(MeterError, match=f"metrics_port: 127.0.0.1:{port} .*another port"),
        Meter().served(port),
    ):
        pass


def test_a_key_of_any_bytes_is_the_same_in_the_environment_and_in_a_file(tmp_path: Path) -> None:
    """Random bytes are no text; the environment shows them as Python does, not as UTF-8."""
    key = b"kept out of it \xe5\xff"
    file = tmp_path / "key"
    file.write_bytes(key)

    told = {
        pseudonymiser_of({PSEUDONYM_KEY: os.fsdecode(key)})("0511-320 00"),
        pseudonymiser_of({PSEUDONYM_KEY_FILE: str(file)})("0511-320 00"),
    }

    assert len(told) == 1
