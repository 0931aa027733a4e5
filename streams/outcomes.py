"""What a contact's facts come to: marks that are decided, and what is still open.

An outcome is a pure function of the facts and of the configuration valid at arrival. When a
fact changes a contact, the marks of the old outcome are taken out of the cells and those of
the new one put in.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from streams.amounts import once
from streams.conventions import TOTAL

Mark = tuple[str, int, int, int, int]
"""Something decided: part, arrival, instant, amounts (`streams.amounts`), and the wait it ended.

The wait is in microseconds, -1 where none ended. It is a plain tuple because a million of them
are made a minute when history is read again.
"""

NO_WAIT = -1


class Open(NamedTuple):
    """A visit or an obligation that still waits, seen from one part.

    Attributes:
        part: queue or mailbox, or the total.
        opened: instant of arrival.
        dues: for each undecided promise the measure that counts its miss, and its due instant.
        until: instant at which it is closed as `unknown` whatever happens; 0 = never.
        exit_measure: the measure that counts that closing.
    """

    part: str
    opened: int
    dues: tuple[tuple[int, int], ...]
    until: int = 0
    exit_measure: int = 0

    def waiting(self, as_of: int) -> bool:
        """Whether it has arrived and nobody has closed it."""
        return self.opened <= as_of and not self.expired(as_of)

    def expired(self, as_of: int) -> bool:
        """Whether it has been open for so long that its end must have been lost."""
        return 0 < self.until <= as_of

    def marks(self, as_of: int) -> list[Mark]:
        """What time alone has decided by `as_of`: promises missed, and the closing.

        A promise is missed when its due instant has passed; what is due exactly now can
        still be met.
        """
        part, opened = self.part, self.opened
        marks: list[Mark] = [
            (part, opened, due, once(measure), NO_WAIT)
            for measure, due in self.dues
            if due < as_of and not 0 < self.until <= due
        ]
        if self.expired(as_of):
            marks.append((part, opened, self.until, once(self.exit_measure), NO_WAIT))
        return marks


class Outcome(msgspec.Struct, gc=False):
    """Everything one contact contributes.

    Attributes:
        marks: decided.
        opens: undecided.
        shared: all of it belongs to one part, and the total counts exactly the same; it is not
            spelled out a second time because most calls are like that.
        apart: decided as well, and neither shared nor in the total: what topics count.
    """

    marks: list[Mark]
    opens: list[Open]
    shared: bool = False
    apart: tuple[Mark, ...] = ()

    def spelled_out(self) -> Outcome:
        """The same with every mark among the marks."""
        if not self.shared:
            return Outcome([*self.marks, *self.apart], self.opens) if self.apart else self
        total: list[Mark] = [(TOTAL, *mark[1:]) for mark in self.marks]
        opens = [item._replace(part=TOTAL) for item in self.opens]
        return Outcome([*self.marks, *total, *self.apart], self.opens + opens)
