"""Whom a header names: addresses without names, all in small letters."""

from __future__ import annotations

import re
from email.utils import getaddresses
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_ADDRESSES = 100
"""A mail to more is a mass mailing, whoever the others are."""

MAX_ADDRESS = 254
"""RFC 5321, section 4.5.3.1.3, without the angle brackets."""

MAX_LIST = 16 * 1024

_ADDRESS = re.compile(r"[^\s<>()\[\],;:\"@]+@[^\s<>()\[\],;:\"@]+")


def read_addresses(values: Iterable[str]) -> tuple[str, ...]:
    """Every address in some values, each once, in their order; what is none is left out.

    >>> read_addresses(['"Berg, Anna" <Anna.Berg@Example.org>, (nobody)', "anna.berg@example.org"])
    ('anna.berg@example.org',)
    >>> read_addresses(["undisclosed-recipients:;"])
    ()
    """
    found: dict[str, None] = {}
    for value in values:
        for text in _split(value[:MAX_LIST]):
            address = text.strip().strip("<>'\"").casefold()
            local, at, domain = address.rpartition("@")
            if at and local and domain and len(address) <= MAX_ADDRESS and address.isprintable():
                found[address] = None
                if len(found) >= MAX_ADDRESSES:
                    return tuple(found)
    return tuple(found)


def _split(value: str) -> list[str]:
    try:
        return [text for _, text in getaddresses([value])]
    except RecursionError:
        # The library follows brackets as deep as somebody cares to nest them.
        return _ADDRESS.findall(value)


def local_part(address: str) -> str:
    """What stands before the `@`."""
    return address.rpartition("@")[0]


def in_domains(address: str, domains: Iterable[str]) -> bool:
    """Whether an address belongs to one of some domains, or to one below it.

    >>> in_domains("rektor@skola.example.org", {"example.org"})
    True
    >>> in_domains("anna@notexample.org", {"example.org"})
    False
    """
    domain = address.rpartition("@")[2]
    return any(domain == own or domain.endswith(f".{own}") for own in domains)
