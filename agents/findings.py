"""What a check of the surroundings found, said to whoever can mend it."""

from __future__ import annotations

from typing import NamedTuple


class Finding(NamedTuple):
    """One thing that `kontaktpuls doctor` looked at.

    Attributes:
        subject: what was looked at, e.g. `mailbox kontaktcenter: sent folder`.
        fact: what was found, e.g. `1,204 mails, newest today 09:12`.
        remedy: what to do; `None` when all is well.
    """

    subject: str
    fact: str
    remedy: str | None = None
