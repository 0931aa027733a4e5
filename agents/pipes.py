"""Standard output that somebody else reads, and may stop reading."""

from __future__ import annotations

import os
import sys


def forget_standard_output() -> None:
    """After a `BrokenPipeError`: let the interpreter flush what is left into nothing at its end.

    `kontaktpuls ... | head` is no fault, so it deserves no traceback either.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
