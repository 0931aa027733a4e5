"""The server holds a bounded number of connections, waits for none, and speaks TLS."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import aiohttp
import pytest

from agents.settings import load_settings
from agents.settings.http import HttpSource
from agents.settings.source_file import source_from_text
from agents.sources import http_server
from agents.sources.http_diagnosis import diagnose
from agents.sources.http_server import ListenError, Server, tls_context
from agents.sources.http_tokens import Tokens, hash_of
from agents.sources.meter import Meter
from agents.sources.outbox import NotDeliveredError
from streams.events import Heartbeat
from streams.instants import SECOND, from_datetime, parse_rfc3339
from tests.http_source import TOKENS, ScriptedOutbox, running, settings_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from agents.findings import Finding

ROOT = Path(__file__).parents[2]
NOW = parse_rfc3339("2026-03-02T09:00:00Z")

needs_openssl = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="`openssl` is not there to make a certificate"
)


def certificate(folder: Path, *, days: int = 30) -> None:
    """A certificate of its own authority, with its key."""
    make = "req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost "
    make += "-keyout key.pem -out asked.pem"
    sign = f"x509 -req -in asked.pem -signkey key.pem -days {days} -extfile names -out cert.pem"
    (folder / "names").write_text("subjectAltName=DNS:localhost")
    for arguments in (make, sign):
        subprocess.run(
            ["openssl", *arguments.split()], cwd=folder, check=True, capture_output=True, timeout=60
        )


TLS = "{certificate: cert.pem, key: key.pem}"


# -- limits --------------------------------------------------------------------------------


async def test_headers_that_trickle_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that sends a header now and then, but never the last, is closed."""
    monkeypatch.setattr(http_server, "HEADER_SECONDS", 0.2)
    async with running() as desk:
        reader, writer = await asyncio.open_connection("127.0.0.1", desk.source.port)
        writer.write(b"POST /events HTTP/1.1\r\nHost: localhost\r\n")
        async with asyncio.timeout(20):
            answer = await reader.read()
        writer.close()
        await writer.wait_closed()

    assert answer == b""


async def test_a_connection_too_many_is_told_and_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many come, so many are held; room that becomes free is used."""
    monkeypatch.setattr(http_server, "MAX_CONNECTIONS", 2)
    async with running() as desk:
        port = desk.source.port
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        for _, writer in held:
            writer.write(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answers = [await reader.readline() for reader, _ in held]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        refused = await reader.read()
        for _, each in [*held, (reader, writer)]:
            each.close()
            await each.wait_closed()
        async with asyncio.timeout(20):
            while True:
                async with desk.session.get("/livez") as again:
                    if again.status == 200:
                        break

    assert answers == [b"HTTP/1.1 200 OK\r\n"] * 2
    assert refused.startswith(b"HTTP/1.1 503 ")
    assert b"Retry-After: " in refused


async def test_a_taken_port_is_named() -> None:
    """With what to do."""
    async with running() as desk:
        with pytest.raises(ListenError, match=f":{desk.source.port} cannot be listened on"):
            async with running(port=str(desk.source.port)):
                pass


# -- TLS -----------------------------------------------------------------------------------


@needs_openssl
async def test_it_speaks_tls_and_nothing_else(tmp_path: Path) -> None:
    """With the certificate of its settings; names in them are relative to the file."""
    certificate(tmp_path)
    trust = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
    async with running(file=tmp_path / "http.yaml", tls=TLS) as desk:
        url = f"https://localhost:{desk.source.port}/livez"
        async with aiohttp.ClientSession() as session, session.get(url, ssl=trust) as answer:
            status = answer.status
        with pytest.raises(aiohttp.ClientError):
            await desk.session.get("/livez")

    assert status == 200


@needs_openssl
def test_a_certificate_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    """Missing, or not of that key."""
    source = source_from_text(settings_text(tls=TLS), "http.yaml", HttpSource)
    with pytest.raises(ListenError, match="No such file or directory"):
        tls_context(source, tmp_path / "http.yaml")
    certificate(tmp_path)
    (tmp_path / "cert.pem").rename(tmp_path / "old.pem")
    certificate(tmp_path)
    (tmp_path / "old.pem").rename(tmp_path / "cert.pem")

    with pytest.raises(ListenError, match="write PEM files that belong together"):
        tls_context(source, tmp_path / "http.yaml")


# -- heartbeats ----------------------------------------------------------------------------


async def test_it_vouches_once_a_second_while_kafka_takes_events(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """For those producers only that ask for it, and on after Kafka was away; then it stops."""
    monkeypatch.setattr(http_server, "HEARTBEAT_SECONDS", 0.02)
    source = source_from_text(settings_text(), "http.yaml", HttpSource)
    outbox, meter, now = ScriptedOutbox(), Meter(), NOW

    def clock() -> int:
        nonlocal now
        now += SECOND
        return now

    outbox.fails = NotDeliveredError("away")
    server = Server(
        source,
        file=tmp_path / "http.yaml",
        tokens=Tokens((name, hash_of(token)) for name, token in TOKENS.items()),
        outbox=cast("Any", outbox),
        meter=meter,
        contract="",
        clock=clock,
    )
    stop = asyncio.Event()
    running_server = asyncio.create_task(server.run(stop))
    async with asyncio.timeout(20):
        while not outbox.entered.acquire(blocking=False):  # noqa: ASYNC110 - set by a thread
            await asyncio.sleep(0.01)
        outbox.fails = None
        while len(outbox.kept) < 3:  # noqa: ASYNC110 - set by a thread
            await asyncio.sleep(0.01)
        stop.set()
        await running_server

    beats = [event for events in outbox.kept for event in events]
    through = [from_datetime(beat.through) for beat in beats if isinstance(beat, Heartbeat)]
    assert {beat.source for beat in beats if isinstance(beat, Heartbeat)} == {"survey"}
    assert len(through) == len(beats)
    assert through == sorted(set(through))
    assert through[-1] <= now - 2 * SECOND
    told = meter.registry.get_sample_value(
        "kontaktpuls_source_delivered_through_timestamp_seconds", {"source": "survey"}
    )
    assert told == through[-1] / SECOND


# -- the doctor ----------------------------------------------------------------------------


def examined(
    folder: Path, text: str, *, now: Callable[[], int] = lambda: NOW
) -> dict[str, Finding]:
    """What the doctor finds, by subject without the folder."""
    path = folder / "http.yaml"
    path.write_text(text, encoding="utf-8")
    found = diagnose(path, load_settings(ROOT / "config"), now, environ={})
    return {finding.subject.replace(f"{folder}/", ""): finding for finding in found}


def town_settings(**changes: str) -> str:
    """Settings for the example organisation."""
    return settings_text(**changes).replace("skara", "exempelkommun")


def write_tokens(folder: Path, *, mode: int = 0o640) -> None:
    """A token for each producer."""
    path = folder / "http.tokens"
    path.write_text("".join(f"{name} {hash_of(TOKENS[name])}\n" for name in TOKENS))
    path.chmod(mode)


def test_the_doctor_says_who_may_send_and_that_nobody_listens(tmp_path: Path) -> None:
    """All that can be known before the first start."""
    write_tokens(tmp_path)
    found = examined(tmp_path, town_settings())

    assert found["producer pbx"].fact == "events of exempelkommun; heartbeats of: exchange"
    assert found["tokens of cases"].fact == "1"
    assert found["tokens file http.tokens"].remedy is None
    silent = next(finding for name, finding in found.items() if name.startswith("http 127"))
    assert silent.fact == "nobody listens"
    assert "kontaktpuls source http" in str(silent.remedy)


@pytest.mark.parametrize("mode", [0o644, 0o660, 0o641])
def test_the_doctor_sees_who_may_read_the_tokens(tmp_path: Path, mode: int) -> None:
    """Whoever can write there can let himself in."""
    write_tokens(tmp_path, mode=mode)

    assert "chmod 640" in str(examined(tmp_path, town_settings())["tokens file http.tokens"].remedy)


def test_the_doctor_names_what_is_wrong_with_settings_and_tokens(tmp_path: Path) -> None:
    """And looks no further where there is nothing to look at."""
    wrong = examined(tmp_path, settings_text())
    without = examined(tmp_path, town_settings())

    assert "`skara` is not configured" in str(wrong["settings http.yaml"].remedy)
    assert "cannot be read" in str(without["tokens"].remedy)


def test_the_doctor_finds_forgotten_tokens(tmp_path: Path) -> None:
    """Two are a rotation; more are forgotten keys."""
    write_tokens(tmp_path)
    with (tmp_path / "http.tokens").open("a") as file:
        file.writelines(f"pbx {hash_of(str(number))}\n" for number in range(2))
    found = examined(tmp_path, town_settings())

    assert found["tokens of pbx"].fact == "3"
    assert "take out" in str(found["tokens of pbx"].remedy)


@needs_openssl
@pytest.mark.parametrize(
    ("days", "remedy"), [(90, None), (10, "renew it, then restart the source")]
)
def test_the_doctor_says_when_the_certificate_ends(
    tmp_path: Path, days: int, remedy: str | None
) -> None:
    """Three weeks before, it asks for a new one."""
    write_tokens(tmp_path)
    certificate(tmp_path, days=days)
    clock = int((tmp_path / "cert.pem").stat().st_mtime) * SECOND
    found = examined(tmp_path, town_settings(tls=TLS), now=lambda: clock)["certificate cert.pem"]

    assert found.fact.startswith("holds until 20")
    assert found.remedy == remedy


@needs_openssl
def test_the_doctor_refuses_a_certificate_that_has_ended(tmp_path: Path) -> None:
    """Clients refuse it too."""
    write_tokens(tmp_path)
    certificate(tmp_path, days=-1)
    found = examined(tmp_path, town_settings(tls=TLS))["certificate cert.pem"]

    assert found.fact.startswith("is refused")
    assert found.remedy == "renew it, then restart the source"


async def test_the_doctor_knows_our_server_from_another(tmp_path: Path) -> None:
    """What answers on the port is ours, or it is in the way."""
    write_tokens(tmp_path)

    async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        writer.close()

    async with running() as desk, await asyncio.start_server(other, "127.0.0.1", 0) as server:
        theirs, ours = server.sockets[0].getsockname()[1], desk.source.port
        desk.outbox.away_since = 1.0
        found = {
            port: await asyncio.to_thread(examined, tmp_path, town_settings(port=str(port)))
            for port in (ours, theirs)
        }

    assert found[ours][f"http 127.0.0.1:{ours}"].fact == "takes events"
    assert "kafka: does not take events" in str(found[ours][f"http 127.0.0.1:{ours}"].remedy)
    assert found[theirs][f"http 127.0.0.1:{theirs}"].fact == "another program answers"
