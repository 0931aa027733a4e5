"""What operators write about machines and files: brokers, Redis, where to listen."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, PlainValidator

from agents.settings.problems import quoted
from agents.settings.values import whole_number

BROKER = re.compile(r"(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})")
HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
WEB_PLACE = re.compile(r"[A-Za-z0-9._~:/?#@!$&*+,;=%\[\]-]+")
REDIS_PATH = re.compile(r"(/[0-9]*)?")
MAX_PORT = 65_535
LOOPBACK = "127.0.0.1"
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens there.

    >>> is_loopback("127.0.0.1"), is_loopback("0.0.0.0")
    (True, False)
    """
    if host in LOOPBACK_NAMES:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def parse_broker(value: object) -> str:
    """`host:port` of one broker."""
    text = str(value).strip()
    match = BROKER.fullmatch(text)
    if match is None or not 0 < int(match[2]) <= MAX_PORT:
        msg = f"{quoted(value)} is no broker; write host and port, e.g. `kafka-1:9092`"
        raise ValueError(msg)
    return text


def brokers_as_list(value: object) -> object:
    """`a:9092, b:9092` is a list too."""
    return value.split(",") if isinstance(value, str) else value


def some_brokers(brokers: list[str]) -> list[str]:
    """At least one."""
    if not brokers:
        msg = "is empty; write at least one broker"
        raise ValueError(msg)
    return brokers


def parse_redis_url(value: object) -> str:
    """`redis://host:port/0`, or `rediss://` for TLS, without a password."""
    text = str(value)
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"redis", "rediss"} and parts.hostname and parts.port != 0
        usable = usable and REDIS_PATH.fullmatch(parts.path) and not parts.query
    except ValueError:
        usable = False
    if not usable:
        # The address may hold a password, so it is not repeated.
        msg = "is no Redis address; write e.g. `redis://127.0.0.1:6379/0`, or `rediss://` for TLS"
        raise ValueError(msg)
    if parts.password is not None:
        msg = "holds a password; take it out and write `password_file` beside it"
        raise ValueError(msg)
    return text


def parse_host(value: object) -> str:
    """An address or name to listen on."""
    text = str(value)
    try:
        ipaddress.ip_address(text)
    except ValueError:
        # Four numbers that are no address are no name either.
        if not HOST.fullmatch(text) or text.replace(".", "").isdigit():
            msg = f"{quoted(value)} is no address; write e.g. `127.0.0.1`, the port under `port`"
            raise ValueError(msg) from None
    return text


def parse_web_place(value: object) -> str:
    """A web address, or a folder of the repository, without the slash at its end."""
    text = str(value)
    if not WEB_PLACE.fullmatch(text) or not (text := text.rstrip("/")):
        msg = f"{quoted(value)} is no address to link to; write e.g. `https://grafana.example`"
        raise ValueError(msg)
    return text


def parse_path(value: object) -> Path:
    """The name of a file or folder."""
    if not isinstance(value, str) or not value.strip() or "\x00" in value:
        msg = f"{quoted(value)} is no file name; write e.g. `/run/secrets/kafka_password`"
        raise ValueError(msg)
    return Path(value)


FileName = Annotated[Path, PlainValidator(parse_path)]
Broker = Annotated[str, PlainValidator(parse_broker)]
Brokers = Annotated[list[Broker], BeforeValidator(brokers_as_list), AfterValidator(some_brokers)]
RedisUrl = Annotated[str, PlainValidator(parse_redis_url)]
Host = Annotated[str, PlainValidator(parse_host)]
WebPlace = Annotated[str, PlainValidator(parse_web_place)]
Port = Annotated[int, whole_number(1, MAX_PORT)]
