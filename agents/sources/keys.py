"""The secret that turns callers and addresses into pseudonyms, from the environment or a file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from agents.settings.environment import PSEUDONYM_KEY, PSEUDONYM_KEY_FILE
from streams.errors import KontaktpulsError
from streams.pseudonyms import create_pseudonymiser

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streams.pseudonyms import Pseudonymiser


class PseudonymKeyError(KontaktpulsError):
    """There is no key for pseudonyms, or none that keeps a secret."""


def pseudonymiser_of(environ: Mapping[str, str] | None = None) -> Pseudonymiser:
    """What makes pseudonyms under the operator's key.

    Raises:
        PseudonymKeyError: the key is missing, given twice, unreadable or too short.
    """
    env = os.environ if environ is None else environ
    given, file = env.get(PSEUDONYM_KEY, ""), env.get(PSEUDONYM_KEY_FILE, "")
    if given and file:
        msg = f"`{PSEUDONYM_KEY}` and `{PSEUDONYM_KEY_FILE}` are both set; keep one of them"
        raise PseudonymKeyError(msg)
    if not given and not file:
        msg = (
            f"people leave as pseudonyms only; set `{PSEUDONYM_KEY_FILE}` to the name of a file "
            f"with 32 random characters, or `{PSEUDONYM_KEY}` to those characters"
        )
        raise PseudonymKeyError(msg)
    variable = PSEUDONYM_KEY_FILE if file else PSEUDONYM_KEY
    try:
        key = Path(file).read_bytes().rstrip(b"\r\n") if file else os.fsencode(given)
    except OSError as error:
        msg = f"`{variable}`: `{file}` cannot be read ({error.strerror}); write a file that can"
        raise PseudonymKeyError(msg) from None
    try:
        return create_pseudonymiser(key)
    except ValueError as error:
        msg = f"`{variable}`: {error}"
        raise PseudonymKeyError(msg) from None
