"""`kontaktpuls export contacts`: from what happened, by way of a worker, to the survey's list."""

from __future__ import annotations

import csv
import json
import shutil
import stat
import sys
import time
from codecs import BOM_UTF8
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import typer
from typer.testing import CliRunner

from agents.children import Child
from agents.commands.export_contacts import contacts
from agents.commands.pseudonyms import pseudonyms
from agents.embedded import Tansu, free_port
from agents.publisher import create_publisher
from agents.settings import load_settings
from agents.topic_admin import create_topics
from streams import events as ev
from streams.codec import encode_event
from streams.instants import HOUR, MINUTE, SECOND, parse_rfc3339, to_datetime
from streams.pseudonyms import create_pseudonymiser
from streams.topics import CALLS, EMAILS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typer.testing import Result

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
NAME = "exempelkommun"
DAY = date(2026, 11, 20)
NINE = parse_rfc3339("2026-11-20T09:00:00+01:00")
KEY = "kept out of the repository"
PATIENCE = 120.0
RUN = "import sys; from pathlib import Path; from agents.commands.worker import worker; "
RUN += "worker(Path(sys.argv[1]))"

pseudonym = create_pseudonymiser(KEY.encode())
BERG, LUND, DAHL = (pseudonym(person) for person in ("+46511320", "0700123456", "d@example.org"))


def call(number: int, caller: str | None, after: int, *, answered: bool = True) -> Iterator[Any]:
    """Somebody calls the switchboard, so long after nine."""
    common: dict[str, Any] = {"organisation": NAME, "call": f"c{number}", "queue": "vaxel"}
    yield ev.CallEntered(**common, at=to_datetime(NINE + after), caller=caller)
    if answered:
        yield ev.CallAnswered(**common, at=to_datetime(NINE + after + 20 * SECOND))
        ended = to_datetime(NINE + after + MINUTE)
        yield ev.CallEnded(**common, at=ended, resolved=True, topic="bygglov")


def mail(number: int, sender: str, replied: int) -> Iterator[Any]:
    """Somebody wrote the day before."""
    common: dict[str, Any] = {
        "organisation": NAME,
        "conversation": f"k{number}",
        "mailbox": "kontaktcenter",
        "automatic": False,
    }
    yield ev.EmailReceived(**common, message="q", at=to_datetime(NINE - 20 * HOUR), sender=sender)
    yield ev.EmailSent(**common, message="a", at=to_datetime(NINE + replied))


def heartbeat(source: str, through: int) -> ev.Heartbeat:
    """Everything up to then was read."""
    return ev.Heartbeat(organisation=NAME, source=source, through=to_datetime(through))


TOLD: dict[str, list[ev.AnyEvent]] = {
    CALLS: [
        *call(1, BERG, 0),
        *call(2, BERG, HOUR),
        *call(3, LUND, 2 * HOUR),
        *call(4, None, 3 * HOUR),
        *call(5, "x", 4 * HOUR, answered=False),
        heartbeat("exchange", NINE + 16 * HOUR),
    ],
    EMAILS: [*mail(1, DAHL, 30 * MINUTE), *mail(2, "s2", 5 * HOUR), heartbeat("mailbox", NINE)],
}


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The configuration of a broker whose changelog a worker has filled and left."""
    folder = tmp_path_factory.mktemp("contacts")
    config = folder / "config"
    shutil.copytree(ROOT / "config" / "organisations", config / "organisations")
    with Tansu() as broker:
        (config / "kontaktpuls.yaml").write_text(
            f'version: 1\nbrokers: ["{broker.brokers}"]\npartitions: 2\nreplication: 1\n'
            f'clock: events\nembedded: true\ndata_dir: "{folder / "data"}"\n'
            f"redis: {{enabled: false}}\nweb: {{port: {free_port()}}}\n",
            encoding="utf-8",
        )
        cluster = load_settings(config, environ={}).cluster
        create_topics(cluster)
        with create_publisher(cluster) as publisher:
            for topic, events in TOLD.items():
                for event in events:
                    publisher.send(topic, NAME, encode_event(event))
            publisher.flush()
        environment = {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        command = [sys.executable, "-c", RUN, str(config)]
        with Child("worker", command, log=folder / "log", environment=environment) as worker:
            deadline = time.monotonic() + PATIENCE
            while run(config).stdout.count("\n") < 5:
                assert worker.poll() is None, worker.last_lines(40)
                assert time.monotonic() < deadline, worker.last_lines(40)
                time.sleep(0.5)
        yield config


def run(config: Path, *arguments: str, day: date = DAY) -> Result:
    """Ask for the list of a day."""
    app = typer.Typer()
    app.command()(contacts)
    return CliRunner().invoke(app, ["--day", str(day), "--config", str(config), *arguments])


@pytest.mark.timeout(240)
def test_the_list_says_who_was_answered_each_citizen_once(config: Path) -> None:
    """A worker's changelog becomes rows; the rest is counted, and what is not known is said."""
    result = run(config)
    rows = list(csv.DictReader(result.stdout.removeprefix(BOM_UTF8.decode()).splitlines()))

    assert result.exit_code == 0
    assert [(row["channel"], row["contact"], row["further"]) for row in rows] == [
        ("calls", "c1", "1"),
        ("calls", "c3", "0"),
        ("emails", "k1", "0"),
        ("emails", "k2", "0"),
    ]
    assert rows[0] == {
        "organisation": NAME, "date": "2026-11-20", "time": "09:00", "channel": "calls",
        "part": "vaxel", "topic": "bygglov", "resolved": "true", "pseudonym": BERG,
        "contact": "c1", "further": "1",
    }  # fmt: skip
    assert "2026-11-20: 4 listed; left out: 1 repeated, 0 opted out, 1 unknown" in result.stderr
    assert "exempelkommun emails: known until 2026-11-20T09:00:00+01:00 only" in result.stderr
    assert "exempelkommun calls" not in result.stderr


@pytest.mark.timeout(240)
def test_who_said_no_is_on_no_list(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By number in another spelling, by address in capitals and by pseudonym; with a key or not."""
    refused = tmp_path / "refused.txt"
    refused.write_text("# said no\n+46 700-12 34 56\nD@Example.ORG\n", encoding="utf-8")
    without_key = run(config, "--opt-outs", str(refused))
    monkeypatch.setenv("KONTAKTPULS_PSEUDONYM_KEY", KEY)
    with_key = run(config, "--opt-outs", str(refused), "--format", "json")
    app = typer.Typer()
    app.command()(pseudonyms)
    made = CliRunner().invoke(app, ["--opt-outs", str(refused)])
    monkeypatch.delenv("KONTAKTPULS_PSEUDONYM_KEY")
    refused.write_text(made.stdout + f"{BERG}\n", encoding="utf-8")
    by_pseudonym = run(config, "--opt-outs", str(refused), "--format", "json")

    assert without_key.exit_code == 1
    assert "refused.txt: line 2: " in without_key.stderr
    assert "KONTAKTPULS_PSEUDONYM_KEY_FILE" in without_key.stderr
    assert "700" not in without_key.stderr
    listed = json.loads(with_key.stdout)
    assert [row["contact"] for row in listed["rows"]] == ["c1", "k2"]
    assert (listed["opted_out"], listed["complete"]) == (2, False)
    assert [row["contact"] for row in json.loads(by_pseudonym.stdout)["rows"]] == ["k2"]


@pytest.mark.timeout(240)
def test_the_file_is_whole_and_its_owners_only(config: Path, tmp_path: Path) -> None:
    """Written beside its place and moved there; nobody else on the machine reads who called."""
    place = tmp_path / "list.csv"
    place.write_text("of yesterday", encoding="utf-8")
    result = run(config, "--out", str(place), "--organisation", NAME)

    assert result.exit_code == 0
    assert result.stdout == ""
    assert place.read_text(encoding="utf-8-sig").splitlines()[0].startswith("organisation,date")
    assert stat.S_IMODE(place.stat().st_mode) == stat.S_IRUSR | stat.S_IWUSR
    assert [path.name for path in tmp_path.iterdir()] == ["list.csv"]


@pytest.mark.timeout(240)
def test_a_day_beyond_the_horizon_is_refused_and_one_without_contacts_is_empty(
    config: Path,
) -> None:
    """Of what is long over there are counts only; a list of nobody would be a wrong answer."""
    beyond = run(config, day=DAY - timedelta(days=36))
    quiet = run(config, "--format", "json", day=DAY - timedelta(days=3))

    assert beyond.exit_code == 1
    assert "beyond the horizon of 35 days" in beyond.stderr
    assert beyond.stdout == ""
    assert quiet.exit_code == 0
    assert msgspec.json.decode(quiet.stdout)["rows"] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--day", "yesterday"], "`yesterday` is no day; write e.g. `2026-11-20`"),
        (["--organisation", "nowhere"], "no organisation `nowhere`; write one of"),
        (["--out", "/nowhere/list.csv"], "/nowhere/list.csv: cannot be written: No such file"),
        (["--opt-outs", "/nowhere/no.txt"], "/nowhere/no.txt: cannot be read"),
    ],
)
@pytest.mark.timeout(240)
def test_what_cannot_be_done_is_said(config: Path, arguments: list[str], said: str) -> None:
    """A cron job that fails says why on standard error and ends with 1."""
    result = run(config, *arguments)

    assert result.exit_code == 1
    assert said in result.stderr
