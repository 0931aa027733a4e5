"""Certificates: whom to believe, and how to prove who we are, when Kafka or Redis is called."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

TLS_FILES = ("ca_file", "certificate_file", "key_file")
"""The keys under which they stand, and the fields of `Tls`."""


class Tls(msgspec.Struct, frozen=True, kw_only=True):
    """PEM files.

    Attributes:
        ca_file: who may have signed the server's certificate; `None` = whom the system trusts.
        certificate_file, key_file: our own, for servers that ask for one.
    """

    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None


def tls_context(tls: Tls) -> ssl.SSLContext:
    """What checks the server's certificate and its name; `OSError` when a file cannot be used."""
    context = ssl.create_default_context(cafile=tls.ca_file)
    if tls.certificate_file is not None:
        context.load_cert_chain(tls.certificate_file, tls.key_file, password=_no_password)
    return context


def unusable(tls: Tls) -> Iterator[tuple[str, str]]:
    """Key and fault of each file that cannot be used."""
    missing = False
    for key in TLS_FILES:
        path: Path | None = getattr(tls, key)
        if path is not None and not path.is_file():
            missing = True
            kind = "a private key" if key == "key_file" else "certificates"
            yield key, f"`{path}` is no file; write the name of one with {kind}"
    if missing:
        return
    try:
        tls_context(Tls(ca_file=tls.ca_file))
    except OSError as error:
        yield "ca_file", f"`{tls.ca_file}` holds no certificates ({_reason(error)}); write PEM"
        return
    try:
        tls_context(tls)
    except OSError as error:
        message = f"`{tls.certificate_file}` and `{tls.key_file}` cannot be used "
        message += f"({_reason(error)}); write PEM files that belong together, the key without a "
        yield "certificate_file", f"{message}password"


def _reason(error: OSError) -> str:
    reason = error.reason if isinstance(error, ssl.SSLError) else error.strerror
    return (reason or "not PEM").replace("_", " ").lower()


def _no_password() -> str:
    """Nobody is there to type one."""
    return ""
