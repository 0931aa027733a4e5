"""Names that tell callers apart without telling who they are."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable

Pseudonymiser = Callable[[str], str]
"""From a telephone number, a customer or an address to its pseudonym."""

MIN_KEY_BYTES = 16


def create_pseudonymiser(key: bytes) -> Pseudonymiser:
    """A keyed one-way function: the same person has the same 16 hexadecimal digits.

    Without a key a pseudonym is none: there are few enough telephone numbers to try them all.

    Raises:
        ValueError: the key is shorter than 16 bytes.

    >>> create_pseudonymiser(b"kept out of the repository")("0511-320 00")
    '4038ced5f85cb30e'
    """
    if len(key) < MIN_KEY_BYTES:
        msg = f"the key has {len(key)} bytes; write {MIN_KEY_BYTES} or more, e.g. 32 random ones"
        raise ValueError(msg)

    def pseudonymise(value: str) -> str:
        return hmac.new(key, value.encode(), hashlib.sha256).hexdigest()[:16]

    return pseudonymise
