"""How programs reach Redis: options for redis-py from the cluster's settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streams.instants import SECOND

if TYPE_CHECKING:
    from agents.settings import Cluster


def redis_options(cluster: Cluster) -> dict[str, Any]:
    """The configured user, password, certificates and time-outs, with and without asyncio."""
    password, tls = cluster.redis_password, cluster.redis_tls
    timeout = cluster.redis_timeout / SECOND
    options = {
        "username": cluster.redis_username,
        "password": None if password is None else password.get_secret_value(),
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
    }
    files = {
        "ssl_ca_certs": tls.ca_file,
        "ssl_certfile": tls.certificate_file,
        "ssl_keyfile": tls.key_file,
    }
    # Clients without TLS do not know these.
    return options | {name: str(path) for name, path in files.items() if path is not None}
