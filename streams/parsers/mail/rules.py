"""What an organisation says about its mail: whose addresses are its own, and what replies mean."""

from __future__ import annotations

import msgspec

from streams.conventions import OTHER
from streams.instants import DAY
from streams.parsers.mail.addresses import in_domains

DEFAULT_MATCH_WINDOW = 30 * DAY


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """How a holding reply shows; each sign is enough.

    Attributes:
        subject_tags: texts in the subject, in small letters.
        senders: addresses that send nothing else.
        keywords: IMAP keywords that members set, in small letters.
        headers: header names in small letters, with the value they must begin with.
    """

    subject_tags: tuple[str, ...] = ()
    senders: frozenset[str] = frozenset()
    keywords: frozenset[str] = frozenset()
    headers: tuple[tuple[str, str], ...] = ()


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """The rules of one organisation; addresses and domains in small letters.

    Attributes:
        addresses: the mailboxes' own addresses, with the mailbox's name in the configuration.
        domains: where colleagues have their addresses; those below count too.
        units: addresses that mail is handed on to, with the unit's name.
        forms: senders that write on behalf of citizens, such as a web form.
        own_lists: ids of mailing lists by which citizens' mail comes.
        automatic_ids: how the Message-IDs of our own automatic mail begin.
        holding: how a holding reply shows.
        match_window: how long after a question an answer without references may come.
    """

    addresses: dict[str, str]
    domains: frozenset[str] = frozenset()
    units: dict[str, str] = {}
    forms: frozenset[str] = frozenset()
    own_lists: frozenset[str] = frozenset()
    automatic_ids: tuple[str, ...] = ()
    holding: Holding = Holding()
    match_window: int = DEFAULT_MATCH_WINDOW

    def is_own(self, address: str) -> bool:
        """Whether it is a mailbox's, a unit's or a colleague's."""
        return (
            address in self.addresses or address in self.units or in_domains(address, self.domains)
        )

    def unit_of(self, recipients: tuple[str, ...]) -> str:
        """Which unit a mail to own addresses is handed to."""
        for known in (self.units, self.addresses):
            for address in recipients:
                if address in known:
                    return known[address]
        return OTHER
