"""Who does not want to be asked: pseudonyms, telephone numbers and mail addresses, a line each.

Citizens say no to a municipality, which knows them by number or address; contacts carry pseudonyms
only. A number has many spellings and only one of them is in the exchange's log, so all usual ones
are tried: to ask nobody who said no matters more than a pseudonym too many in a set.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from streams.errors import KontaktpulsError
from streams.parsers.mail.addresses import read_addresses

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from streams.pseudonyms import Pseudonymiser

SWEDEN = "46"
"""Country code of the numbers that are written without one."""

COMMENT = "#"

_PSEUDONYM = re.compile(r"[0-9a-f]{16}", re.ASCII)
_NUMBER = re.compile(r"\+?[\d ()/.\u00a0\u2009\u2010-\u2013-]+", re.ASCII)
_SHORTEST_NUMBER = 3
_LONGEST_NUMBER = 17
"""15 digits (ITU-T E.164) and the two zeros in front."""


class OptOutError(KontaktpulsError):
    """A line that names nobody, or that needs a key where there is none."""


def as_told(text: str) -> str:
    """A number or an address as the sources spell it before they make its pseudonym.

    Exchanges tell numbers as they are, and mailboxes addresses in small letters.

    >>> as_told(" 0511-320 00 "), as_told("Anna Berg <Anna.Berg@Example.org>")
    ('0511-320 00', 'anna.berg@example.org')
    """
    addresses = read_addresses([text])
    return addresses[0] if "@" in text and addresses else text.strip()


def spellings(number: str, country: str = SWEDEN) -> set[str]:
    """The ways in which exchanges write a telephone number, the given one included.

    >>> sorted(spellings("0511-320 00"))
    ['+4651132000', '004651132000', '0511-320 00', '051132000', '4651132000']
    """
    digits = re.sub(r"\D", "", number, flags=re.ASCII)
    international = ""
    if number.lstrip().startswith("+"):
        # People write +46 (0)511: the zero is for those who call from inside.
        international = digits
    elif digits.startswith("00"):
        international = digits[2:]
    elif digits.startswith("0"):
        international = country + digits[1:]
    elif digits.startswith(country) and len(digits) > len(country) + 6:
        international = digits
    found = {number.strip(), digits}
    if international:
        if international.startswith(f"{country}0"):
            international = country + international[len(country) + 1 :]
        found |= {f"+{international}", f"00{international}", international}
        if international.startswith(country):
            found.add(f"0{international[len(country) :]}")
    return found


def read_opt_outs(
    lines: Iterable[str], pseudonymise: Pseudonymiser | None, country: str = SWEDEN
) -> frozenset[str]:
    """The pseudonyms of everybody on the lines; empty ones and those after `#` are left alone.

    Args:
        lines: each a pseudonym, a number or an address.
        pseudonymise: under the operator's key; not needed where there are pseudonyms only.
        country: code of the numbers that are written without one.

    Raises:
        OptOutError: a line is none of the three, or needs a key; names its number, never the line.
    """
    found: set[str] = set()
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text.startswith(COMMENT):
            continue
        people = set(_people(text, number, country))
        if _PSEUDONYM.fullmatch(text):
            found.add(text)
        if people and pseudonymise is None:
            msg = (
                f"line {number}: a number or an address needs the key that pseudonyms are made with"
            )
            raise OptOutError(msg)
        if pseudonymise is not None:
            found.update(pseudonymise(person) for person in people)
    return frozenset(found)


def _people(text: str, line: int, country: str) -> Iterator[str]:
    """What the pseudonyms of a line may have been made of."""
    if _PSEUDONYM.fullmatch(text):
        return
    if "@" in text and read_addresses([text]):
        yield as_told(text)
        return
    digits = sum(character.isdigit() for character in text)
    if not _NUMBER.fullmatch(text) or not _SHORTEST_NUMBER <= digits <= _LONGEST_NUMBER:
        msg = (
            f"line {line}: is no pseudonym, telephone number or mail address; write one of them, "
            f"or `{COMMENT}` in front of what is a comment"
        )
        raise OptOutError(msg)
    yield from spellings(text, country)
