"""A header block as its fields, however damaged (RFC 5322, section 2.2)."""

from __future__ import annotations

import re
from email.errors import HeaderParseError
from email.header import decode_header

MAX_FIELDS = 2_000
MAX_VALUE_BYTES = 64 * 1024
"""Longer values are cut off: no header that is read here needs as much."""

_FIELD = re.compile(rb"([!-9;-~]{1,128})[ \t]*:")
_SPACE = re.compile(r"\s+")


class Fields:
    r"""The fields of one header block, in their order; names in small letters.

    A line that is neither a field nor the rest of one is skipped: mail servers and forms write
    such lines, and what stands below them is as true as what stands above.

    >>> fields = Fields(b"To: a@example.org,\r\n b@example.org\r\n\r\nbody: not read\r\n")
    >>> fields.all("to"), fields.first("body")
    (['a@example.org, b@example.org'], None)
    """

    def __init__(self, block: bytes) -> None:
        self._values: dict[str, list[str]] = {}
        name: str | None = None
        parts: list[bytes] = []
        read = 0
        for line in block.split(b"\n"):
            text = line.rstrip(b"\r")
            if not text:
                # A blank line before the first field is an export's, not the end of the headers.
                if read or name is not None:
                    break
                continue
            if text[:1] in b" \t":
                parts.append(text)
                continue
            match = _FIELD.match(text)
            if match is None:
                continue
            self._keep(name, parts)
            name, parts = match[1].decode("ascii").lower(), [text[match.end() :]]
            read += 1
            if read >= MAX_FIELDS:
                break
        self._keep(name, parts)

    def __len__(self) -> int:
        """How many different fields there are."""
        return len(self._values)

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def all(self, name: str) -> list[str]:
        """Every value of a field."""
        return self._values.get(name, [])

    def first(self, name: str) -> str | None:
        """The topmost value of a field; `None` if it is not there."""
        values = self._values.get(name)
        return values[0] if values else None

    def _keep(self, name: str | None, parts: list[bytes]) -> None:
        if name is not None:
            value = b"".join(parts)[:MAX_VALUE_BYTES].replace(b"\r", b" ").strip()
            self._values.setdefault(name, []).append(_text(value))


def decoded(value: str) -> str:
    """A value with its encoded words read (RFC 2047) and its white space evened out.

    What cannot be read stays as it is written.

    >>> decoded("=?utf-8?q?Fr=C3=A5nvarande=3A?= till  torsdag")
    'Frånvarande: till torsdag'
    >>> decoded("=?no-charset?b?VEVTVA==?=")
    '=?no-charset?b?VEVTVA==?='
    """
    if "=?" not in value:
        return _SPACE.sub(" ", value).strip()
    try:
        words = [
            word if isinstance(word, str) else word.decode(charset or "latin-1", "replace")
            for word, charset in decode_header(value)
        ]
    except (HeaderParseError, ValueError, LookupError, AssertionError):
        return _SPACE.sub(" ", value).strip()
    return _SPACE.sub(" ", "".join(words)).strip()


def _text(value: bytes) -> str:
    """As UTF-8 (RFC 6532), or as what old programs write where they should not."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("cp1252", "replace")
