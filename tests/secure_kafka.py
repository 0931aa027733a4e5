"""A real Kafka as it runs in production: TLS, a password for each client, and rights."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kafka import KafkaAdminClient
from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ResourcePattern,
    ResourceType,
)
from kafka.errors import KafkaError

from agents.embedded import is_free
from agents.settings.tls import Tls, tls_context
from tests.certificates import Authority
from tests.kafka_server import Kafka

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MANUAL = Path(__file__).parents[1] / "docs" / "security.md"
ROW = re.compile(r"\| `(\w+)` \| (topic|group) \| (.+?) \| (.+?) \| .* \|")
PASSWORDS = {
    "admin": "kp-Avocado-of-the-administrator",
    "worker": "kp-Zebra-of-the-worker",
    "source": "kp-Heron-of-the-source",
    "operator": "kp-Otter-of-the-operator",
}
"""By user; nothing else in the world looks like them."""


def rights_in_the_manual() -> Iterator[tuple[str, str, str, str]]:
    """User, kind of resource, its name (prefix where it ends in `*`), and one operation."""
    for user, kind, names, operations in ROW.findall(MANUAL.read_text(encoding="utf-8")):
        for name in names.split(", "):
            for operation in operations.split(", "):
                yield user, kind, name.strip("`"), operation


class SecureKafka(Kafka):
    """Such a broker; the first of its users may do everything.

    Attributes:
        authority: who signed its certificate.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "broker")
        tls = folder / "tls"
        self.authority = Authority(tls)
        server = self.authority.issue("server")
        users = "".join(f"{user} {password}\n" for user, password in PASSWORDS.items())
        (tls / "users").write_text(users, encoding="ascii")
        assert server.both == tls / "server.pem"
        self._place += ["--tls", str(tls)]

    def options(self, user: str = "admin") -> dict[str, Any]:
        """Of a kafka-python client."""
        return {
            "bootstrap_servers": self.brokers,
            "security_protocol": "SASL_SSL",
            "ssl_context": tls_context(Tls(ca_file=self.authority.file)),
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_plain_username": user,
            "sasl_plain_password": PASSWORDS[user],
        }

    def answers(self) -> bool:
        """Whether the administrator gets the first answers."""
        if is_free(self.port):
            return False
        try:
            KafkaAdminClient(**self.options(), bootstrap_timeout_ms=2_000).close()
        except KafkaError:
            return False
        return True

    def grant(self, rights: Iterable[tuple[str, str, str, str]]) -> None:
        """Allow what is said, in the form of `rights_in_the_manual`."""
        admin = KafkaAdminClient(**self.options())
        try:
            done = admin.create_acls(
                [
                    ACL(
                        principal=f"User:{user}",
                        host="*",
                        operation=ACLOperation[_constant(operation)],
                        permission_type=ACLPermissionType.ALLOW,
                        resource_pattern=ResourcePattern(
                            ResourceType[kind.upper()],
                            name.rstrip("*"),
                            ACLResourcePatternType.PREFIXED
                            if name.endswith("*")
                            else ACLResourcePatternType.LITERAL,
                        ),
                    )
                    for user, kind, name, operation in rights
                ]
            )
        finally:
            admin.close()
        assert not done["failed"], done["failed"]


def _constant(operation: str) -> str:
    """`DescribeConfigs` as `DESCRIBE_CONFIGS`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", operation).upper()
