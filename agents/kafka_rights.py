"""Whether a worker has the rights it needs in Kafka: without some of them it would wait in silence.

`docs/security.md` lists them for whoever hands them out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kafka.errors import (
    GroupAuthorizationFailedError,
    KafkaError,
    TopicAuthorizationFailedError,
)

from agents.preflight import RuntimeRefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kafka import KafkaAdminClient

    from agents.settings import Cluster

NEEDED: Final = ("READ", "WRITE")
"""On every topic: a worker writes to those of events what came on the wrong partition."""


def refuse_missing_rights(
    admin: KafkaAdminClient, cluster: Cluster, topics: Sequence[dict[str, Any]]
) -> None:
    """Refuse to start where Kafka would not let this worker work.

    Args:
        admin: connected as the worker will be.
        cluster: the settings.
        topics: all that the worker uses, as `describe_topics` tells.

    Raises:
        RuntimeRefusedError: names what is missing.
    """
    if cluster.security.protocol == "PLAINTEXT":
        return
    missing = [*_of_topics(topics), *_of_group(admin, cluster.app_id)]
    if missing:
        who = cluster.security.username or "this certificate"
        msg = (
            f"Kafka does not let `{who}` {', '.join(missing)}; give it the rights of a worker in "
            "docs/security.md"
        )
        raise RuntimeRefusedError(msg)


def _of_topics(topics: Sequence[dict[str, Any]]) -> Iterator[str]:
    for topic in topics:
        allowed = topic.get("authorized_operations") or NEEDED
        if topic["error_code"] == TopicAuthorizationFailedError.errno:
            allowed = ()
        for operation in NEEDED:
            if operation not in allowed:
                yield f"{operation.lower()} topic `{topic['name']}`"


def _of_group(admin: KafkaAdminClient, group: str) -> Iterator[str]:
    try:
        admin.describe_groups([group])
    except GroupAuthorizationFailedError:
        yield f"read as group `{group}`"
    except KafkaError as error:
        # A new Kafka knows no coordinator before the first group.
        if not error.retriable:
            raise
