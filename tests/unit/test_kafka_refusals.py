"""Why Kafka cannot be spoken to is told by one connection, whatever stands at its end."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from pydantic import SecretStr

from agents.embedded import free_port
from agents.kafka_refusals import Refusal, refusal, why_not
from agents.settings import load_settings
from agents.settings.cluster import Security
from agents.settings.tls import Tls
from tests.certificates import Authority, needs_openssl

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from agents.settings import Cluster

SASL = Security(
    protocol="SASL_SSL", mechanism="SCRAM-SHA-512", username="me", password=SecretStr("kp-secret")
)


def cluster_at(port: int, security: Security, *, before: str = "") -> Cluster:
    """Settings that lead there."""
    cluster = load_settings(environ={}).cluster
    return msgspec.structs.replace(cluster, brokers=f"{before}127.0.0.1:{port}", security=security)


def trusting(authority: Authority, **files: Any) -> Security:
    """A user who believes an authority."""
    return msgspec.structs.replace(SASL, tls=Tls(ca_file=authority.file, **files))


@asynccontextmanager
async def server(context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """The port of something that listens, hears a little, and hangs up."""

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0, ssl=context) as listening:
        yield listening.sockets[0].getsockname()[1]


def tls_server(authority: Authority, *, days: int = 30, demanding: bool = False) -> ssl.SSLContext:
    """A certificate of the authority, and perhaps the wish to see one."""
    shown = authority.issue("server", days=days)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(shown.file, shown.key)
    if demanding:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(authority.file)
    return context


async def told(cluster: Cluster) -> Refusal | None:
    """What is found there."""
    return await asyncio.to_thread(refusal, cluster)


@needs_openssl
async def test_a_certificate_that_is_over_is_named(tmp_path: Path) -> None:
    """And will be refused tomorrow too."""
    authority = Authority(tmp_path)
    async with server(tls_server(authority, days=-1)) as port:
        found = await told(cluster_at(port, trusting(authority)))

    assert found == Refusal(
        f"`127.0.0.1:{port}` shows a certificate that must not be trusted: certificate has "
        "expired; have it renewed"
    )


@needs_openssl
async def test_a_server_that_demands_a_certificate_is_guessed_at(tmp_path: Path) -> None:
    """It hangs up, and so does one that is being restarted."""
    authority = Authority(tmp_path)
    async with server(tls_server(authority, demanding=True)) as port:
        found = await told(cluster_at(port, trusting(authority)))

    assert found is not None
    assert "write `security.certificate_file` and `security.key_file`" in found.why
    assert not found.lasts


@needs_openssl
async def test_a_client_shows_its_certificate(tmp_path: Path) -> None:
    """The server hears what is said after it has seen one."""
    authority = Authority(tmp_path)
    own = authority.issue("client")
    security = trusting(authority, certificate_file=own.file, key_file=own.key)
    heard = asyncio.Event()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.read(1):
            heard.set()
        writer.close()

    context = tls_server(authority, demanding=True)
    async with await asyncio.start_server(listen, "127.0.0.1", 0, ssl=context) as listening:
        port = listening.sockets[0].getsockname()[1]
        found = await told(cluster_at(port, security))

    assert heard.is_set()
    assert found is None


@pytest.mark.parametrize(
    ("security", "advice"),
    [
        (SASL, "does not speak TLS as `protocol: SASL_SSL` wants it"),
        (Security(), "hangs up on connections without TLS; write `security.protocol: SSL`"),
    ],
)
async def test_two_who_disagree_about_tls_are_told(security: Security, advice: str) -> None:
    """It may pass: a broker that stops hangs up too."""
    async with server() as port:
        found = await told(cluster_at(port, security))

    assert found is not None
    assert advice in found.why
    assert not found.lasts


@needs_openssl
async def test_the_first_broker_that_answers_is_the_one_that_is_believed(tmp_path: Path) -> None:
    """Others may be away."""
    authority = Authority(tmp_path)
    async with server(tls_server(authority, days=-1)) as port:
        away = f"127.0.0.1:{free_port()},"
        found = await told(cluster_at(port, trusting(authority), before=away))

    assert found is not None
    assert found.lasts


def test_nobody_there_is_no_refusal() -> None:
    """It may come back; what the client said is passed on."""
    cluster = cluster_at(free_port(), SASL)

    assert refusal(cluster) is None
    assert why_not(cluster, TimeoutError("no answer")) == (
        f"`{cluster.brokers}` does not answer (no answer); is Kafka running there?"
    )
