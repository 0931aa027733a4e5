"""A real Dovecot on loopback ports, with a configuration and mailboxes of its own.

Debian's `dovecot-imapd` brings it. It runs as whoever runs the tests; as root it keeps mail as its
own user, since it refuses to keep any as root.
"""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import shutil
import subprocess
from typing import TYPE_CHECKING

from imapclient import IMAPClient

from agents.embedded import EmbeddedService, free_port
from agents.settings.addresses import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

PASSWORD = "blåbärssoppa"  # noqa: S105 - of a server that lives as long as a test
PLACES = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin"

CONFIGURATION = """
protocols = imap
listen = {loopback}
base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/dovecot.log
default_internal_user = {internal}
default_internal_group = {group}
default_login_user = {login}
first_valid_uid = 1
disable_plaintext_auth = no
auth_failure_delay = 0
auth_mechanisms = plain login
ssl = {ssl}
{certificate}
mail_location = maildir:{home}/mail/%u
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={internal} gid={group} home={home}/mail/%u
}}
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Skickat {{
    auto = create
    special_use = \\Sent
  }}
  mailbox Skräppost {{
    auto = create
    special_use = \\Junk
  }}
  mailbox Utkast {{
    auto = create
    special_use = \\Drafts
  }}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
  }}
}}
service anvil {{
  chroot =
}}
"""


class DovecotMissingError(Exception):
    """This machine has no Dovecot."""


def find_dovecot() -> str:
    """The server's program; `DovecotMissingError` with what to install if there is none."""
    program = shutil.which("dovecot", path=PLACES)
    if program is None:
        msg = "`dovecot` is not installed; install the system's package `dovecot-imapd`"
        raise DovecotMissingError(msg)
    return program


class Dovecot(EmbeddedService):
    """A mail server in which every user exists and has the same password.

    Attributes:
        port, tls_port: where it speaks without and with TLS; the latter only with `openssl`.
        ca_file: the certificate of `localhost`, which signs itself; `None` without `openssl`.
    """

    name = "dovecot"

    def __init__(self) -> None:
        super().__init__()
        self.tls_port = free_port()
        self.ca_file: Path | None = None
        self._home: Path | None = None

    @property
    def mail(self) -> Path:
        """The folder with a maildir for each user."""
        assert self._home is not None
        return self._home / "mail"

    def program(self, scratch: Path) -> Sequence[str]:
        """The server in the foreground, with all its files in `scratch`."""
        self._home = scratch
        dovecot = find_dovecot()
        # As root its processes are other users, who have to get through here.
        scratch.chmod(0o711)
        internal, login = self._users()
        self.mail.mkdir(mode=0o755)
        if os.geteuid() == 0:
            shutil.chown(self.mail, internal, internal)
        certificate = self._certificate(scratch)
        configuration = scratch / "dovecot.conf"
        configuration.write_text(
            CONFIGURATION.format(
                loopback=LOOPBACK,
                home=scratch,
                internal=internal,
                group=_group(internal),
                login=login,
                port=self.port,
                tls_port=self.tls_port if certificate else 0,
                ssl="yes" if certificate else "no",
                certificate=certificate,
                password=PASSWORD,
            ),
            encoding="utf-8",
        )
        return [dovecot, "-F", "-c", str(configuration)]

    def answers(self) -> bool:
        """Whether somebody can log in."""
        try:
            with self.client("nobody"):
                return True
        except (OSError, IMAPClient.Error):
            return False

    @contextlib.contextmanager
    def client(self, user: str) -> Iterator[IMAPClient]:
        """A user's own mail program."""
        with IMAPClient(LOOPBACK, self.port, ssl=False, timeout=10) as client:
            client.plain_login(user, PASSWORD)
            yield client

    def deliver(self, user: str, folder: str, mails: Iterable[tuple[bytes, datetime]]) -> None:
        """Put mails into a folder as if they had arrived at the moments given."""
        with self.client(user) as client:
            if not client.folder_exists(folder):
                client.create_folder(folder)
            for mail, at in mails:
                client.append(folder, mail, msg_time=at)

    def move(self, user: str, message_id: str, source: str, target: str) -> None:
        """Let a member drag a mail into another folder."""
        with self.client(user) as client:
            if not client.folder_exists(target):
                client.create_folder(target)
            client.select_folder(source)
            found = client.search(["HEADER", "Message-ID", message_id])
            assert len(found) == 1, f"{len(found)} mails in the folder have that id"
            client.move(found, target)

    def renumber(self, user: str) -> None:
        """Lose every UID of a user's mailbox, as after a move to another server."""
        for place in (self.mail / user).rglob("dovecot*"):
            if place.is_file():
                place.unlink(missing_ok=True)

    def hang_up(self, user: str) -> None:
        """Drop the connections of a user."""
        assert self._home is not None
        doveadm = shutil.which("doveadm", path=PLACES)
        assert doveadm is not None
        configuration = str(self._home / "dovecot.conf")
        subprocess.run([doveadm, "-c", configuration, "kick", user], check=True, timeout=10)

    @staticmethod
    def _users() -> tuple[str, str]:
        """Whose processes keep mail, and whose let people in."""
        if os.geteuid() == 0:
            return "dovecot", "dovenull"
        own = pwd.getpwuid(os.geteuid()).pw_name
        return own, own

    def _certificate(self, scratch: Path) -> str:
        openssl = shutil.which("openssl")
        if openssl is None:
            return ""
        key, certificate = scratch / "key.pem", scratch / "certificate.pem"
        subprocess.run(
            [
                openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                "-keyout", str(key), "-out", str(certificate),
            ],
            check=True,
            capture_output=True,
            timeout=30,
        )  # fmt: skip
        self.ca_file = certificate
        return f"ssl_cert = <{certificate}\nssl_key = <{key}"


def _group(user: str) -> str:
    return grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_name
