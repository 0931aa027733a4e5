"""How command-line tools reach Kafka: options for kafka-python from the cluster's settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agents.settings.tls import tls_context
from streams.instants import MILLISECOND

if TYPE_CHECKING:
    from agents.settings import Cluster

BOOTSTRAP_PATIENCE_MS = 10_000


def client_options(cluster: Cluster) -> dict[str, Any]:
    """Options that every kind of kafka-python client takes."""
    security = cluster.security
    options: dict[str, Any] = {
        "bootstrap_servers": cluster.brokers.split(","),
        "client_id": cluster.app_id,
        "request_timeout_ms": cluster.request_timeout // MILLISECOND,
        "bootstrap_timeout_ms": BOOTSTRAP_PATIENCE_MS,
        "security_protocol": security.protocol,
    }
    if security.protocol != "PLAINTEXT":
        options["ssl_context"] = tls_context(security.tls)
    if security.mechanism is not None and security.password is not None:
        options["sasl_mechanism"] = security.mechanism
        options["sasl_plain_username"] = security.username
        options["sasl_plain_password"] = security.password.get_secret_value()
    return options


def producer_options(cluster: Cluster) -> dict[str, Any]:
    """Options of a producer that loses nothing: every record acknowledged by all replicas."""
    options = client_options(cluster) | {
        "acks": "all",
        "delivery_timeout_ms": 2 * cluster.request_timeout // MILLISECOND,
        "allow_auto_create_topics": False,
    }
    if cluster.embedded:
        # One record a batch, as its ListOffsets needs it; and it knows no producer ids.
        options |= {"batch_size": 0, "enable_idempotence": False}
    return options
