"""`kontaktpuls export` as an operator uses it: what it writes, says, refuses and mails."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from typer.testing import CliRunner

from agents.cli import create_cli
from agents.commands import export
from agents.embedded import EmbeddedRedis, free_port
from agents.exports.files import read_manifest
from agents.settings import load_settings
from agents.sinks.redis import RedisSink
from streams.codec import encode_event
from streams.desk import Desk
from streams.events import CallAnswered, CallEntered, Heartbeat
from streams.instants import DAY, HOUR, MILLISECOND, MINUTE, SECOND, parse_rfc3339, to_datetime
from tests.kafka_records import Record
from tests.post_office import PostOffice

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agents.settings import Settings

pytestmark = pytest.mark.integration

MONDAY = parse_rfc3339("2026-11-09T09:00:00+01:00")
TUESDAY_AFTER = "2026-11-24T08:00+01:00"
ORGANISATION = """\
display_name: {name}
queues: {{vaxel: Växel}}
sources: [{{name: exchange, channel: calls}}]
calendars: {{default: {{hours: {{mon-fri: 08:00-16:30}}}}}}
promises:
  - {{name: answered-in-2-minutes, channel: calls, within: 2 min, target: 80 %}}
exports: {{mail: kvalitet@{name}.example}}
"""


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedRedis]:
    """One Redis for these tests."""
    with EmbeddedRedis() as redis:
        yield redis


class Shell:
    """Where the operator stands."""

    def __init__(self, folder: Path, redis_url: str, smtp: str = "127.0.0.1:25") -> None:
        self.config = folder / "config"
        self.out = folder / "out"
        (self.config / "organisations").mkdir(parents=True)
        for name in ("orust", "skara", "ny"):
            path = self.config / "organisations" / f"{name}.yaml"
            path.write_text(ORGANISATION.format(name=name), "utf-8")
        (self.config / "kontaktpuls.yaml").write_text(
            f"brokers: '127.0.0.1:1'\nclock: events\nredis: {{url: '{redis_url}'}}\n"
            f"exports:\n  formats: [json, csv]\n  folder: {self.out}\n"
            f"  smtp: {{host: '{smtp}', sender: kontaktpuls@kommun.example}}\n",
            "utf-8",
        )

    @property
    def settings(self) -> Settings:
        """As configured."""
        return load_settings(self.config, environ={})

    def export(self, *arguments: str) -> tuple[int, str]:
        """Exit code, and what was said to either stream."""
        command = ["export", "--config", str(self.config), *arguments]
        result = CliRunner().invoke(create_cli("export"), command)
        return result.exit_code, " ".join(result.output.split())

    def names(self, organisation: str, period: str) -> list[str]:
        """The files of a set."""
        return sorted(path.name for path in (self.out / organisation / period).iterdir())


@pytest.fixture
def shell(server: EmbeddedRedis, tmp_path: Path) -> Shell:
    """Two organisations with two weeks of calls, and one of which nothing is known."""
    found = Shell(tmp_path, server.url)
    with Redis.from_url(server.url) as client:
        client.flushall()
    for name in ("orust", "skara"):
        fill(found.settings, server.url, name)
    return found


def fill(settings: Settings, url: str, name: str) -> None:
    """Two weeks of calls of one organisation, as a worker writes them."""
    desk = Desk(
        channel="calls",
        partition=0 if name == "orust" else 1,
        organisations=settings.organisations,
        owns=lambda _name: True,
        incarnation="w",
        horizon=35 * DAY,
        clock="events",
    )
    events: list[CallEntered | CallAnswered | Heartbeat] = []
    for day in range(12):
        for n in range(10):
            at = MONDAY + day * DAY + n * MINUTE
            who: dict[str, Any] = {"organisation": name, "call": f"{day}-{n}", "queue": "vaxel"}
            events.append(CallEntered(**who, at=to_datetime(at)))
            events.append(CallAnswered(**who, at=to_datetime(at + n * 20 * SECOND)))
    through = parse_rfc3339("2026-11-23T06:00:00+01:00")
    events.append(Heartbeat(organisation=name, source="exchange", through=to_datetime(through)))
    desk.apply(
        [
            Record(encode_event(e), None, (through + HOUR) // MILLISECOND, n, "", 0)
            for n, e in enumerate(events)
        ]
    )

    async def show() -> None:
        connection = AsyncRedis.from_url(url, socket_timeout=10, socket_connect_timeout=10)
        sink = RedisSink(connection, clock=None, snapshot_ttl=30 * SECOND)
        while await sink(desk):
            pass
        await sink.close()

    asyncio.run(show())


@pytest.mark.parametrize("few", [99, 1], ids=["one after the other", "on all cores"])
def test_every_known_organisation_gets_its_files_and_a_line(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    """Whoever has no history yet is no failure; what is last is told by the newest event."""
    monkeypatch.setattr(export, "FEW", few)
    code, said = shell.export("--week", "last")

    assert code == 0
    assert said == (
        f"orust 2026-W47: complete and final; 3 files in {shell.out}/orust/2026-W47 "
        f"skara 2026-W47: complete and final; 3 files in {shell.out}/skara/2026-W47"
    )
    assert shell.names("skara", "2026-W47") == [
        "kontaktpuls-skara-2026-W47.json",
        "kontaktpuls-skara-2026-W47.sv.csv",
        "kontaktpuls-skara-2026-W47.sv.txt",
        "manifest.json",
    ]
    assert not (shell.out / "ny").exists()


def test_months_and_years_are_made_by_the_same_command(shell: Shell) -> None:
    """What is still going on says so."""
    one = ("--organisation", "skara", "--format", "json")

    line = f"skara 2026-11: still running, known until 2026-11-23T06:00; 2 files in {shell.out}"

    assert shell.export("--month", "2026-11", *one) == (0, f"{line}/skara/2026-11")
    assert shell.export("--year", "current", *one)[0] == 0
    told = json.loads((shell.out / "skara" / "2026" / "kontaktpuls-skara-2026.json").read_bytes())
    assert told["period"] == {"kind": "year", "year": 2026, "number": 0}


def test_a_set_tells_one_truth_also_when_it_grows(shell: Shell) -> None:
    """Another form or language comes in beside what was there, and all of it is made anew."""
    one = ("--week", "2026-W47", "--organisation", "skara", "--format")
    shell.export(*one, "csv", "--as-of", "2026-11-20T12:00+01:00")
    early = read_manifest(shell.out / "skara" / "2026-W47")
    shell.export(*one, "json", "--lang", "en", "--as-of", TUESDAY_AFTER)
    late = read_manifest(shell.out / "skara" / "2026-W47")

    assert early is not None
    assert late is not None
    assert (early.complete, late.complete) == (False, True)
    assert shell.names("skara", "2026-W47") == [
        "kontaktpuls-skara-2026-W47.en.csv",
        "kontaktpuls-skara-2026-W47.en.txt",
        "kontaktpuls-skara-2026-W47.json",
        "kontaktpuls-skara-2026-W47.sv.csv",
        "kontaktpuls-skara-2026-W47.sv.txt",
        "manifest.json",
    ]
    name = "kontaktpuls-skara-2026-W47.sv.csv"
    assert early.sums[name] != late.sums[name]


def test_the_same_question_has_the_same_answer(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Byte by byte, with the instant given either way."""
    one = ("--week", "2026-W47", "--organisation", "skara", "--format", "xlsx")
    shell.export(*one, "--as-of", TUESDAY_AFTER)
    first = read_manifest(shell.out / "skara" / "2026-W47")
    monkeypatch.setenv(
        "SOURCE_DATE_EPOCH", str(parse_rfc3339(f"{TUESDAY_AFTER[:-6]}:00+01:00") // SECOND)
    )
    shell.export(*one)
    second = read_manifest(shell.out / "skara" / "2026-W47")

    assert first is not None
    assert first == second


def test_the_past_of_a_prometheus_is_one_of_the_forms(shell: Shell) -> None:
    """It is asked for by its name, and ends as the format wants it to."""
    one = ("--week", "2026-W47", "--organisation", "skara", "--format", "openmetrics")
    assert shell.export(*one, "--as-of", TUESDAY_AFTER)[0] == 0
    path = shell.out / "skara" / "2026-W47" / "kontaktpuls-skara-2026-W47.openmetrics"

    assert path.read_text("utf-8").endswith("# EOF\n")


def test_a_mail_that_is_sent_by_hand_is_a_new_one(
    shell: Shell, tmp_path: Path, server: EmbeddedRedis
) -> None:
    """A correction is shown beside the first one; sent twice by accident it is shown once."""
    with PostOffice() as office:
        there = Shell(tmp_path / "mailing", server.url, office.address)
        one = ("--week", "2026-W47", "--organisation", "skara", "--format", "xlsx", "--email")
        code, said = there.export(*one, "--as-of", TUESDAY_AFTER)
        there.export(*one, "--as-of", TUESDAY_AFTER)
        there.export(*one, "--as-of", "2026-11-25T08:00+01:00", "--lang", "en")
    ids = [mail["Message-ID"] for mail in office.received]
    body = office.received[2].get_body()

    assert (code, said.endswith("; mailed to 1")) == (0, True)
    assert ids[0] == ids[1] != ids[2]
    assert [mail["To"] for mail in office.received] == ["kvalitet@skara.example"] * 3
    assert [part.get_filename() for part in office.received[0].iter_attachments()] == [
        "kontaktpuls-skara-2026-W47.sv.xlsx"
    ]
    assert [part.get_filename() for part in office.received[2].iter_attachments()] == [
        "kontaktpuls-skara-2026-W47.en.xlsx"
    ]
    assert body is not None
    assert body.get_content().startswith("Week 47, 16\N{EN DASH}22 November 2026: complete")
    assert shell.out != there.out


def test_what_fails_for_one_organisation_stops_no_other(
    shell: Shell, server: EmbeddedRedis
) -> None:
    """The exit code tells it, the line says what to do."""
    with Redis.from_url(server.url) as client:
        client.set("kontaktpuls:truth:orust:calls", "{")
    code, said = shell.export("--week", "2026-W47", "--as-of", TUESDAY_AFTER)

    assert code == 1
    assert "orust: the truth `{` cannot be read" in said
    assert "skara 2026-W47: complete and final" in said


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), "write one of `--week 2026-W47`, `--month 2026-11` and `--year 2026`; `last` and"),
        (("--week", "last", "--year", "2026"), "write one of `--week 2026-W47`"),
        (("--week", "2027-W53"), "`2027-W53` does not exist; 2027 has the weeks 1 to 52"),
        (("--week", "47"), "`47` is no week; write e.g. `2026-W47`, `last` or `current`"),
        (("--week", "2026-W51"), "`2026-W51` has not begun at 2026-11-23T06:00; write an earlier"),
        (
            ("--week", "last", "--organisation", "skarra"),
            "`skarra` is no organisation of `{config}`; did you mean `skara`?",
        ),
        (
            ("--week", "last", "--organisation", "ny"),
            "ny: redis holds no history of `ny`; if it was emptied, write `kontaktpuls redis",
        ),
        (("--week", "last", "--format", "xls"), "--format: there is no `xls`; did you mean `xlsx`"),
        (("--week", "last", "--as-of", "noon"), "--as-of: `noon` is no time; write e.g."),
    ],
)
def test_what_cannot_be_made_is_answered_with_what_to_write(
    shell: Shell, arguments: tuple[str, ...], expected: str
) -> None:
    """Nothing is written in its place."""
    code, said = shell.export(*arguments)

    assert code == 1
    assert expected.format(config=shell.config) in said
    assert not shell.out.exists()


def test_an_empty_redis_is_told_from_one_that_is_away(
    tmp_path: Path, server: EmbeddedRedis
) -> None:
    """One wants to be filled, the other one to be started."""
    with Redis.from_url(server.url) as client:
        client.flushall()
    empty, away = (
        Shell(tmp_path / "empty", server.url),
        Shell(tmp_path / "away", f"redis://127.0.0.1:{free_port()}/0"),
    )

    assert empty.export("--week", "last") == (
        1,
        "redis holds no history; if it was emptied, write `kontaktpuls redis rebuild`",
    )
    code, said = away.export("--week", "last")
    assert code == 1
    assert said.startswith("redis does not answer: ")
    assert said.endswith("is it running where `redis.url` says?")


def test_a_redis_that_is_being_filled_is_not_taken_for_the_truth(
    shell: Shell, server: EmbeddedRedis
) -> None:
    """Half of the days would look like a collapse."""
    with Redis.from_url(server.url) as client:
        client.delete("kontaktpuls:truth:skara:calls")
    code, said = shell.export("--week", "2026-W47", "--organisation", "skara")

    assert code == 1
    assert "redis is being filled with the history of `skara`" in said
