"""Mails of an invented municipality, written as headers and read by its rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from agents.sources.conversation_index import ConversationIndex
from streams.instants import DAY, parse_rfc3339
from streams.parsers.mail.correspondence import Correspondence, Told
from streams.parsers.mail.folders import Folder, Role
from streams.parsers.mail.headers import read_headers
from streams.parsers.mail.rescues import ARCHIVE, Look
from streams.parsers.mail.rules import Holding, Rules
from streams.pseudonyms import create_pseudonymiser

if TYPE_CHECKING:
    from types import TracebackType

    from streams.events import EmailEvent

KONTAKT, BYGG = "kontakt@prov.example", "bygg@prov.example"
ANNA, EXPERT = "anna.berg@prov.example", "vatten@prov.example"
CITIZEN, OTHER_CITIZEN = "medborgare@post.example", "granne@post.example"
FORM = "formular@prov.example"
MONDAY = parse_rfc3339("2026-11-16T09:00:00+01:00")

RULES = Rules(
    addresses={KONTAKT: "kontakt", BYGG: "bygglov"},
    domains=frozenset({"prov.example"}),
    units={EXPERT: "vatten och avlopp"},
    forms=frozenset({FORM}),
    own_lists=frozenset({"kontakt.prov.example"}),
    automatic_ids=("ack-",),
    holding=Holding(
        subject_tags=("[handläggs]",),
        senders=frozenset({"arende@prov.example"}),
        keywords=frozenset({"handläggs"}),
        headers=(("x-mall", "handläggs"),),
    ),
    match_window=30 * DAY,
)
INBOX, SENT = Folder("kontakt", Role.INBOX), Folder("kontakt", Role.SENT)
SPAM, TRASH = Folder("kontakt", Role.SPAM), Folder("kontakt", Role.TRASH)
CLOSED = Folder("kontakt", Role.CLOSED, "no_reply_needed")
OTHER_INBOX = Folder("bygglov", Role.INBOX)
pseudonymise = create_pseudonymiser(b"kept out of the repository")


def letter(message_id: str | None = None, **headers: str) -> bytes:
    """A header block: `In_Reply_To="<a>"` writes that header; a citizen's mail unless it says."""
    fields = {
        "From": CITIZEN,
        "To": KONTAKT,
        "Subject": "Bygglov",
        "Date": "Mon, 16 Nov 2026 08:59:00 +0100",
    }
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    if message_id is not None:
        fields["Message-ID"] = f"<{message_id}@x.example>"
    lines = [f"{name}: {value}" for name, value in fields.items() if value]
    return "\r\n".join([*lines, "", "a body that nobody reads", ""]).encode()


def refs(*message_ids: str) -> str:
    """What `References` says."""
    return " ".join(f"<{message_id}@x.example>" for message_id in message_ids)


class Postman:
    """Brings mails to a correspondence, and keeps what they told."""

    def __init__(self, rules: Rules = RULES) -> None:
        self.events: list[EmailEvent] = []
        self.index = ConversationIndex(None)
        self._correspondence = Correspondence(
            rules, organisation="provkommun", pseudonymise=pseudonymise
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.index.connection.close()

    def bring(
        self,
        block: bytes,
        folder: Folder = INBOX,
        *,
        at: int = MONDAY,
        flags: tuple[str, ...] = (),
        seen_at: int | None = None,
        reread: bool = False,
        at_last: bool = True,
    ) -> Told:
        """What one mail tells, as in an archive unless its mailbox was looked into."""
        look = ARCHIVE if seen_at is None else Look(seen_at, seen_at, reread, at_last)
        mail = read_headers(block, also=self._correspondence.extra_headers)
        told = self._correspondence.read(
            mail, self.index, folder=folder, arrived_at=at, flags=flags, look=look
        )
        self.events += told.events
        return told

    @property
    def conversations(self) -> set[str]:
        """The ids of all that was told."""
        return {event.conversation for event in self.events}
