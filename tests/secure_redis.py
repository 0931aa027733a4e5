"""A real Redis as it runs in production: TLS, a password for each client, and rights."""

from __future__ import annotations

import os
import re
import shutil
from typing import TYPE_CHECKING

import pytest
import redis

from agents.embedded import EmbeddedRedis
from agents.settings.addresses import LOOPBACK
from tests.certificates import Authority
from tests.secure_kafka import MANUAL

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

WORKER, READER = "kontaktpuls-worker", "kontaktpuls-reader"
REDIS_PASSWORDS = {
    "admin": "kp-Walrus-of-the-administrator",
    WORKER: "kp-Lynx-of-the-worker",
    READER: "kp-Moose-of-the-reader",
}
BLOCK = re.compile(r"```text\n(user default off\n.*?)```", re.DOTALL)
USER = re.compile(r"^user (\S+) .*$", re.MULTILINE)


def users_in_the_manual() -> str:
    """The file of users that the manual shows, with passwords, and an administrator."""
    (shown,) = BLOCK.findall(MANUAL.read_text(encoding="utf-8"))
    users = USER.sub(
        lambda line: line[0].replace(">PASSWORD", f">{REDIS_PASSWORDS.get(line[1], '')}"), shown
    )
    return f"{users}user admin on >{REDIS_PASSWORDS['admin']} ~* &* +@all\n"


def require_redis_server() -> None:
    """Skip where the system has no Redis, unless REQUIRE_REDIS says that it has to."""
    if shutil.which("redis-server") is None:
        reason = "`redis-server` is not there; install the package redis-server"
        if os.environ.get("REQUIRE_REDIS"):
            pytest.fail(reason)
        pytest.skip(reason)


class SecureRedis(EmbeddedRedis):
    """Such a server.

    Attributes:
        authority: who signed its certificate, and those of its clients.
        url: for clients, without a password.
    """

    def __init__(self, folder: Path, *, of_clients: bool = False) -> None:
        """`of_clients`: clients have to show certificates, as Redis wants unless told otherwise."""
        super().__init__(kind="server")
        self.authority = Authority(folder)
        self._folder = folder
        self._of_clients = of_clients
        self._server = self.authority.issue("redis")
        self.client = self.authority.issue("client")
        (folder / "users.acl").write_text(users_in_the_manual(), encoding="ascii")

    @property
    def url(self) -> str:
        """`rediss://host:port/0`."""
        return f"rediss://{LOOPBACK}:{self.port}/0"

    def program(self, scratch: Path) -> Sequence[str]:
        """The system's server, with TLS only."""
        return [
            "redis-server", "--port", "0", "--tls-port", str(self.port), "--bind", LOOPBACK,
            "--tls-cert-file", str(self._server.file), "--tls-key-file", str(self._server.key),
            "--tls-ca-cert-file", str(self.authority.file),
            "--tls-auth-clients", "yes" if self._of_clients else "no",
            "--aclfile", str(self._folder / "users.acl"),
            "--save", "", "--appendonly", "no", "--daemonize", "no", "--dir", str(scratch),
        ]  # fmt: skip

    def admin(self) -> redis.Redis:
        """A client that may do everything."""
        return redis.Redis.from_url(
            self.url,
            username="admin",
            password=REDIS_PASSWORDS["admin"],
            socket_timeout=5.0,
            ssl_ca_certs=str(self.authority.file),
            ssl_certfile=str(self.client.file),
            ssl_keyfile=str(self.client.key),
            decode_responses=True,
        )

    def answers(self) -> bool:
        """Whether it answers PING."""
        try:
            with self.admin() as client:
                return bool(client.ping())
        except redis.RedisError:
            return False
