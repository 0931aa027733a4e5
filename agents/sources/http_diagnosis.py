"""What `kontaktpuls doctor` looks at for the HTTP source."""

from __future__ import annotations

import contextlib
import os
import ssl
import stat
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TYPE_CHECKING, Any

import msgspec

from agents.findings import Finding
from agents.settings import SettingsError
from agents.settings.addresses import LOOPBACK
from agents.settings.http import is_any, load_http_source
from agents.sources.http_server import ListenError, tls_context
from agents.sources.http_tokens import load_tokens
from streams.conventions import PREFIX
from streams.instants import DAY, SECOND, to_datetime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from agents.settings import Settings
    from agents.settings.http import HttpSource

ANSWER_SECONDS = 3.0
MAX_ANSWER = 100_000
RENEW_BEFORE = 21 * DAY
MANY_TOKENS = 2
TAKEN = "end what listens there, or write another `port`"


def diagnose(
    path: Path,
    settings: Settings,
    clock: Callable[[], int],
    *,
    environ: Mapping[str, str] | None = None,
) -> Iterator[Finding]:
    """Look at the settings, the tokens, the certificate and the port.

    Args:
        path: the source's file.
        settings: the configuration of cluster and organisations.
        clock: the present instant.
        environ: the environment; that of this process unless told.
    """
    try:
        source = load_http_source(path, settings.organisations)
    except SettingsError as error:
        yield from _problems(f"settings {path}", error)
        return
    for name, producer in source.producers.items():
        heartbeats = ", ".join(producer.sources) or "none"
        yield Finding(
            f"producer {name}", f"events of {producer.organisation}; heartbeats of: {heartbeats}"
        )
    yield from _tokens(source, path, os.environ if environ is None else environ)
    yield from _certificate(source, path, clock())
    yield from _port(source, path)


def _problems(subject: str, error: SettingsError) -> Iterator[Finding]:
    for problem in error.problems:
        yield Finding(subject, "cannot be used", str(problem))


def _tokens(source: HttpSource, file: Path, environ: Mapping[str, str]) -> Iterator[Finding]:
    try:
        tokens = load_tokens(source, file, environ)
    except SettingsError as error:
        yield from _problems("tokens", error)
        return
    for name in source.producers:
        count = tokens.count(name)
        remedy = None
        if count > MANY_TOKENS:
            remedy = "take out those that are no longer used; each is a key to the same door"
        yield Finding(f"tokens of {name}", str(count), remedy)
    if source.tokens_file is None:
        return
    path = file.parent / source.tokens_file
    mode = stat.S_IMODE(path.stat().st_mode)
    remedy = None
    if mode & (stat.S_IWGRP | stat.S_IRWXO):
        remedy = f"`chmod 640 {path}`: others than its owner's group have no business with it"
    yield Finding(f"tokens file {path}", f"mode {mode:o}", remedy)


def _certificate(source: HttpSource, file: Path, now: int) -> Iterator[Finding]:
    if source.tls is None:
        return
    certificate = file.parent / source.tls.certificate
    subject, renew = f"certificate {certificate}", "renew it, then restart the source"
    try:
        context = tls_context(source, file)
        expires = None if context is None else _expiry(context, certificate)
    except ListenError as error:
        yield Finding(subject, "cannot be used", str(error))
    except ssl.SSLError as error:
        yield Finding(subject, f"is refused: {error}", renew)
    else:
        if expires is not None:
            fact = f"holds until {to_datetime(expires):%Y-%m-%d}"
            yield Finding(subject, fact, renew if expires - now < RENEW_BEFORE else None)


def _expiry(server: ssl.SSLContext, certificate: Path) -> int | None:
    """When the certificate ends; `ssl.SSLError` if it has ended or is not valid yet.

    The standard library reads a certificate only as that of a peer who was trusted; so both ends of
    a connection are played here, in memory, and the certificate is trusted for itself.
    """
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    client.load_verify_locations(certificate)
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(down, up)
    theirs = server.wrap_bio(up, down, server_side=True)
    for _ in range(4):
        for end in (ours, theirs):
            with contextlib.suppress(ssl.SSLWantReadError):
                end.do_handshake()
    peer = ours.getpeercert() or {}
    until = peer.get("notAfter")
    return ssl.cert_time_to_seconds(until) * SECOND if isinstance(until, str) else None


def _port(source: HttpSource, file: Path) -> Iterator[Finding]:
    host = LOOPBACK if is_any(source.host) else source.host
    subject = f"http {host}:{source.port}"
    connection = HTTPConnection(host, source.port, timeout=ANSWER_SECONDS)
    if source.tls is not None:
        # Whether the certificate is right is seen above; here only who answers.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = HTTPSConnection(host, source.port, timeout=ANSWER_SECONDS, context=context)
    try:
        # By its address a server on every interface would not know its own name.
        connection.request("GET", "/readyz", headers={"Host": "localhost"})
        answer = connection.getresponse()
        told = answer.read(MAX_ANSWER)
    except ConnectionRefusedError:
        yield Finding(subject, "nobody listens", f"start `kontaktpuls source http {file}`")
    except (OSError, HTTPException) as error:
        yield Finding(subject, f"no answer that can be read ({error!r})", TAKEN)
    else:
        if answer.headers.get("Server") == PREFIX:
            yield Finding(subject, "takes events", _what_fails(told))
        else:
            yield Finding(subject, "another program answers", TAKEN)
    finally:
        connection.close()


def _what_fails(told: bytes) -> str | None:
    failing = msgspec.json.decode(told, type=dict[str, Any]).get("failing")
    if not failing:
        return None
    what = "; ".join(f"{name}: {wrong}" for name, wrong in failing.items())
    return f"see what is wrong there: {what}"
