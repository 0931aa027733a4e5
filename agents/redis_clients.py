"""How programs reach Redis: options for redis-py from the cluster's settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streams.instants import SECOND

if TYPE_CHECKING:
    from agents.settings import Cluster


def redis_options(cluster: Cluster) -> dict[str, Any]:
    """The configured password and time-outs, for clients with and without asyncio."""
    password = cluster.redis_password
    timeout = cluster.redis_timeout / SECOND
    return {
        "password": None if password is None else password.get_secret_value(),
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
    }
