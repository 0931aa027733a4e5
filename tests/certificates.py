"""An authority of one test, and the certificates that it makes with `openssl`."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from pathlib import Path

needs_openssl = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="`openssl` is not there to make a certificate"
)


class Certificate(NamedTuple):
    """Files of one certificate, as PEM.

    Attributes:
        file: the certificate alone.
        key: its private key alone.
        both: key and certificate in one file.
    """

    file: Path
    key: Path
    both: Path


class Authority:
    """Signs certificates; whoever trusts `file` trusts them.

    Attributes:
        file: its own certificate.
    """

    def __init__(self, folder: Path, name: str = "ca") -> None:
        self._folder = folder
        self._name = name
        folder.mkdir(parents=True, exist_ok=True)
        self.file = folder / f"{name}.pem"
        self._key = folder / f"{name}.key"
        openssl(
            f"req -x509 {NEW_KEY} -days 30 -subj /CN={name} -keyout {self._key} -out {self.file} "
            "-addext keyUsage=critical,keyCertSign"
        )

    def issue(self, name: str, *, host: str = "IP:127.0.0.1", days: int = 30) -> Certificate:
        """A certificate for a host, e.g. `DNS:kafka.example`; over since yesterday with -1 days."""
        made = Certificate(*(self._folder / f"{name}.{end}" for end in ("crt", "key", "pem")))
        asked, names = self._folder / f"{name}.asked", self._folder / f"{name}.names"
        names.write_text(f"subjectAltName={host}\n", encoding="ascii")
        openssl(f"req -new {NEW_KEY} -subj /CN={name} -keyout {made.key} -out {asked}")
        openssl(
            f"x509 -req -in {asked} -CA {self.file} -CAkey {self._key} -CAcreateserial "
            f"-days {days} -extfile {names} -out {made.file}"
        )
        made.both.write_bytes(made.key.read_bytes() + made.file.read_bytes())
        return made


NEW_KEY = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"


def openssl(arguments: str) -> None:
    """Run it."""
    subprocess.run(["openssl", *arguments.split()], check=True, capture_output=True, timeout=60)
