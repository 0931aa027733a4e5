"""Cohorts: the contacts of one organisation first seen in one hour, in slices, as one value.

A contact lives in exactly one slice, so one changelog record carries everything about it. The
last part of a key says which *writing* it was: the incarnation of the worker, and the number of
its flush. Changelog values are last-write-wins and nothing fences a worker that was frozen through
a rebalance, so no key is ever written twice, and restoring takes the union.
"""

from __future__ import annotations

from typing import NamedTuple
from zlib import crc32

import msgspec

from streams.errors import StateError
from streams.facts import Facts
from streams.instants import HOUR

SLICES = 8
FRONTIERS = -1
"""The cohort number under which an organisation's source frontiers are kept.

Numbers below it are folded hours.
"""

Contacts = list[tuple[str, Facts]]

_encoder = msgspec.msgpack.Encoder()
_contacts = msgspec.msgpack.Decoder(Contacts)
_frontiers = msgspec.msgpack.Decoder(dict[str, int])


class RowKey(NamedTuple):
    """Key of a row in the table of cohorts.

    >>> RowKey.decode(RowKey(3, "calls", "skara", 77, "w1.5").encode())
    RowKey(partition=3, channel='calls', organisation='skara', cohort=77, writing='w1.5')
    """

    partition: int
    channel: str
    organisation: str
    cohort: int
    writing: str

    def encode(self) -> bytes:
        """As bytes; no field may contain a vertical bar."""
        return "|".join(map(str, self)).encode()

    @classmethod
    def decode(cls, key: bytes) -> RowKey:
        """From bytes; `StateError` for anything else."""
        try:
            partition, channel, organisation, cohort, writing = key.decode().split("|")
            return cls(int(partition), channel, organisation, int(cohort), writing)
        except ValueError:
            msg = f"`{key!r}` is no key of a cohort"
            raise StateError(msg) from None


def cohort_of(contact: str, first_seen: int) -> int:
    """The cohort a contact joins: the hour of the first fact seen, and a slice by its id."""
    return first_seen // HOUR * SLICES + crc32(contact.encode()) % SLICES


def encode_contacts(contacts: Contacts) -> bytes:
    """The value of a cohort."""
    return _encoder.encode(contacts)


def decode_contacts(value: bytes) -> Contacts:
    """The contacts in a cohort's value; `StateError` when it cannot be read."""
    try:
        return _contacts.decode(value)
    except msgspec.MsgspecError as fault:
        msg = f"a cohort of {len(value)} bytes cannot be read: {fault}"
        raise StateError(msg) from None


def encode_frontiers(frontiers: dict[str, int]) -> bytes:
    """The value of an organisation's frontiers."""
    return _encoder.encode(frontiers)


def decode_frontiers(value: bytes) -> dict[str, int]:
    """How far each source had read; `StateError` when it cannot be read."""
    try:
        return _frontiers.decode(value)
    except msgspec.MsgspecError as fault:
        msg = f"frontiers of {len(value)} bytes cannot be read: {fault}"
        raise StateError(msg) from None
