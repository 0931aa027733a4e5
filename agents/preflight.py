"""Refusals at start: what would lose data, or send passwords in the clear, does not begin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from faust.streams import Stream

from streams.errors import KontaktpulsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faust.types import AppT


class RuntimeRefusedError(KontaktpulsError):
    """The worker must not start like this; the message says what to change."""


def check_stream_iterator() -> None:
    """Refuse Faust's pure-Python stream iterator, which acknowledges what it skips.

    After a rebalance it marks messages of the old generation as processed.

    Raises:
        RuntimeRefusedError: the compiled one is missing.
    """
    if Stream.__aiter__.__globals__["_CStreamIterator"] is None:
        msg = (
            "Faust's compiled stream iterator is not in use; unset `NO_CYTHON` and install "
            "faust-streaming from a wheel"
        )
        raise RuntimeRefusedError(msg)


def refuse_plaintext(app: AppT) -> None:
    """Refuse passwords on an unencrypted connection, which Faust makes without a word.

    Raises:
        RuntimeRefusedError: SASL without an `ssl_context`.
    """
    credentials = app.conf.broker_credentials
    if credentials is not None and "SSL" not in credentials.protocol.value:
        msg = (
            f"`{credentials.protocol.value}` would send the password of Kafka unencrypted; "
            "configure TLS (`SASL_SSL`)"
        )
        raise RuntimeRefusedError(msg)


def refuse_partitions(counts: Mapping[str, int | None], expected: int) -> None:
    """Refuse topics that cannot be processed together.

    Events and their changelog meet on the same partition number; where the counts differ Faust
    fails on every event *and* acknowledges it.

    Args:
        counts: partitions by topic; `None` where there is no such topic.
        expected: what the configuration says.

    Raises:
        RuntimeRefusedError: names every topic that differs.
    """
    wrong = [
        f"`{topic}` does not exist" if count is None else f"`{topic}` has {count}"
        for topic, count in sorted(counts.items())
        if count != expected
    ]
    if wrong:
        msg = (
            f"every topic must have {expected} partitions, but {', '.join(wrong)}; run "
            "`kontaktpuls topics create`, or make `partitions` in `config/kontaktpuls.yaml` agree"
        )
        raise RuntimeRefusedError(msg)
