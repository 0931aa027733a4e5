"""Why Kafka cannot be spoken to: its clients try again until their time is over and say only that.

So one connection is made as they make them, and what went wrong with it is put into a sentence.
"""

from __future__ import annotations

import asyncio
import ssl
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, NamedTuple

from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import (
    AuthenticationFailedError,
    IllegalSaslStateError,
    KafkaConnectionError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)

from agents.kafka_clients import client_options
from agents.settings.cluster import SASL

if TYPE_CHECKING:
    from agents.settings import Cluster

PATIENCE: Final = 5.0
"""Seconds for one broker, and no more than `MOST_ASKED` of them are asked."""

MOST_ASKED: Final = 3
WRONG_NAME: Final = frozenset({62, 64})
NOT_YET, OVER = 9, 10
"""What OpenSSL calls these faults of certificates (`X509_V_ERR_...`)."""

SENT_BY_CLIENTS: Final = frozenset(
    {"ssl_context", "sasl_mechanism", "sasl_plain_username", "sasl_plain_password"}
)


class Refusal(NamedTuple):
    """Why a broker cannot be spoken to.

    Attributes:
        why: a sentence, with what to do.
        lasts: until somebody does it; else it may pass, as when a broker is being restarted.
    """

    why: str
    lasts: bool = True


def why_not(cluster: Cluster, error: Exception) -> str:
    """Why a client could not reach Kafka, and what to do; `error` is what the client said."""
    found = refusal(cluster)
    if found is not None:
        return found.why
    return f"`{cluster.brokers}` does not answer ({error}); is Kafka running there?"


def refusal(cluster: Cluster) -> Refusal | None:
    """Why the first broker that answers does not take us; `None` where it does, or none answers."""
    # The caller's thread may have a running event loop.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, _ask(cluster)).result()


async def _ask(cluster: Cluster) -> Refusal | None:
    for broker in cluster.brokers.split(",")[:MOST_ASKED]:
        try:
            async with asyncio.timeout(PATIENCE):
                await _connect(cluster, broker)
        except (KafkaError, OSError, ValueError) as error:
            found = _refusal_of(cluster, broker, error)
            if found is not None:
                return found
        else:
            return None
    return None


async def _connect(cluster: Cluster, broker: str) -> None:
    """Make one connection as a client does, password included, and close it."""
    host, _, port = broker.rpartition(":")
    options = client_options(cluster)
    shared = {key: value for key, value in options.items() if key in SENT_BY_CLIENTS}
    connection = AIOKafkaConnection(
        host.strip("[]"),
        int(port),
        client_id=cluster.app_id,
        security_protocol=cluster.security.protocol,
        request_timeout_ms=int(PATIENCE * 1_000),
        **shared,
    )
    try:
        await connection.connect()
    except OSError:
        # There was no connection yet, and the end of none would be waited for without end.
        raise
    except KafkaError:
        await connection.close()
        raise
    await connection.close()


def _refusal_of(cluster: Cluster, broker: str, error: Exception) -> Refusal | None:
    """What a failed connection means; `None` if nobody answers."""
    security = cluster.security
    plain = security.protocol == "PLAINTEXT"
    match error:
        case ssl.SSLCertVerificationError():
            fault, advice = error.verify_message.rstrip("."), _advice(error.verify_code)
            return Refusal(
                f"`{broker}` shows a certificate that must not be trusted: {fault}; {advice}"
            )
        case ssl.SSLError() | ConnectionResetError() if not plain:
            return Refusal(
                f"`{broker}` does not speak TLS as `protocol: {security.protocol}` wants it; write "
                "the port on which it does under `brokers`",
                lasts=False,
            )
        case UnsupportedSaslMechanismError() | IllegalSaslStateError():
            return Refusal(
                f"`{broker}` does not take passwords by `{security.mechanism}`; write the "
                "mechanism it knows under `security.mechanism`"
            )
        case AuthenticationFailedError() | SaslAuthenticationFailed():
            return Refusal(
                f"`{broker}` refuses the user `{security.username}` with this password; mend "
                "`security.username` or the password, or have the user made there"
            )
        case KafkaConnectionError() | ConnectionResetError() if plain:
            return Refusal(
                f"`{broker}` hangs up on connections without TLS; write `security.protocol: SSL` "
                f"or `{SASL}`, or the port of another listener under `brokers`",
                lasts=False,
            )
        case KafkaConnectionError() if security.tls.certificate_file is None:
            return Refusal(
                f"`{broker}` hangs up once TLS is spoken; if it demands certificates of its "
                "clients, write `security.certificate_file` and `security.key_file`",
                lasts=False,
            )
        case _:
            return None


def _advice(code: int) -> str:
    if code in WRONG_NAME:
        return "write the name that stands in it under `brokers`"
    if code == OVER:
        return "have it renewed"
    if code == NOT_YET:
        return "set the clock of this machine, or wait"
    return "name the certificate of whoever signed it under `security.ca_file`"
