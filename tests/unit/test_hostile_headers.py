"""Headers that a stranger wrote to keep the source busy: each is read in a moment.

An expression that tries every way to fit would need hours for these; the time-out of a test is what
would notice.
"""

from __future__ import annotations

import pytest

from streams.parsers.mail.headers import MAX_HEADER_BYTES, MailError, read_headers

LONG = 64 * 1024
FIELDS = ("From", "To", "Message-ID", "References", "Subject", "Date", "Received", "Content-Type")
REPEATED = (
    b"a", b"@", b"a@", b"<", b"<a", b"(", b'"', b'("', b"[", b"\\", b",", b":", b";a=", b" x",
    b"=?", b"=?utf-8?q?", b"=?utf-8?b?AAAA?= ", b"=?x?q?=FF?=", b"out of office ", b"no-", b"\0",
)  # fmt: skip


@pytest.mark.parametrize("repeated", REPEATED)
def test_no_header_keeps_the_source_busy(repeated: bytes) -> None:
    """Whatever is repeated in it, and in whichever field."""
    value = (repeated * LONG)[:LONG] + b"!"
    read = [read_headers(field.encode() + b": " + value + b"\r\n\r\n") for field in FIELDS]

    assert len(read) == len(FIELDS)


@pytest.mark.parametrize("field", FIELDS)
def test_a_block_full_of_such_headers_is_no_worse(field: str) -> None:
    """As many as fit into one mail."""
    line = field.encode() + b": " + b"a@" * 4_000 + b"\r\n"
    mail = read_headers(line * (MAX_HEADER_BYTES // len(line)))

    assert len(mail.recipients) <= 100


def test_a_block_beyond_the_limit_is_not_read() -> None:
    """Not even its beginning."""
    with pytest.raises(MailError, match="too_large"):
        read_headers(b"Subject: a\r\n" * MAX_HEADER_BYTES)
