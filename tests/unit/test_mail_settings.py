"""What operators write about their mail."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from agents.settings import SettingsError
from agents.settings.mailboxes import MailsFile, MailsSection
from agents.settings.source_file import source_from_text
from streams.instants import DAY
from streams.parsers.mail.rules import Holding, Rules

WHOLE = """version: 1
kind: mails
mails:
  organisation: provkommun
  mailboxes:
    kontakt:
      addresses: [Kontakt@Prov.example, info@prov.example]
      closed_folders: {Avslutat utan svar: no_reply_needed}
    bygglov: {addresses: bygg@prov.example}
  own_domains: prov.example
  units: {vatten@prov.example: vatten och avlopp}
  forms: formular@prov.example
  own_lists: <kontakt.prov.example>
  auto_message_id_prefixes: ["<FS_autoreply-"]
  holding:
    subject_tags: "[Handläggs]"
    senders: arende@prov.example
    keywords: Handläggs
    headers: ["X-Mall: Handläggs", X-Template]
  match_window: 14 days
"""


PAGE = Path(__file__).parents[2] / "docs" / "sources" / "mail-archives.md"


def problems(text: str) -> list[str]:
    """What is wrong with a file."""
    with pytest.raises(SettingsError) as caught:
        source_from_text(text, "m.yaml", MailsFile)
    return [str(problem) for problem in caught.value.problems]


def test_a_file_becomes_rules_in_small_letters() -> None:
    """Addresses, domains and texts are compared without regard to capitals."""
    mails = source_from_text(WHOLE, "m.yaml", MailsFile).mails

    assert mails.mailboxes["kontakt"].closed_folders == {"Avslutat utan svar": "no_reply_needed"}
    assert mails.rules() == Rules(
        addresses={
            "kontakt@prov.example": "kontakt",
            "info@prov.example": "kontakt",
            "bygg@prov.example": "bygglov",
        },
        domains=frozenset({"prov.example"}),
        units={"vatten@prov.example": "vatten och avlopp"},
        forms=frozenset({"formular@prov.example"}),
        own_lists=frozenset({"kontakt.prov.example"}),
        automatic_ids=("FS_autoreply-",),
        holding=Holding(
            subject_tags=("[handläggs]",),
            senders=frozenset({"arende@prov.example"}),
            keywords=frozenset({"handläggs"}),
            headers=(("x-mall", "handläggs"), ("x-template", "")),
        ),
        match_window=14 * DAY,
    )


def test_the_example_in_the_documentation_can_be_used() -> None:
    """What an operator copies has to work."""
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    mails = source_from_text(example, "example.yaml", MailsFile).mails

    assert list(mails.mailboxes) == ["kontaktcenter", "bygg"]


def test_every_setting_is_in_the_documentation() -> None:
    """Nobody finds what is not written down."""
    text = PAGE.read_text(encoding="utf-8")

    assert [key for key in MailsSection.model_fields if f"| `{key}` |" not in text] == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("kind: mails", "kind: mail", "`mail` is not possible here; did you mean `mails`?"),
        ("info@prov.example", "info", "`info` is no address; write e.g."),
        ("own_domains: prov", "own_domains: a@prov", "`a@prov.example` is no domain"),
        ("no_reply_needed", "spamm", "`spamm` is not possible here; did you mean `spam`?"),
        ("bygg@", "info@", "`kontakt` and `bygglov` have the same address"),
        ("14 days", "2 years", "`2 years` is no duration"),
        ("X-Template", "X Template", "`X Template` is no header"),
        ("addresses: bygg@prov.example", "addresses: []", "is empty; write the addresses"),
        ('"[Handläggs]"', '""', "an empty text is no text"),
        ("vatten och avlopp", '""', "is no unit's name"),
        ('"<FS_autoreply-"', '"<"', "begins no Message-ID"),
        ("organisation:", "organization:", "did you mean `organisation`?"),
    ],
)
def test_a_mistake_is_told_with_what_to_write(old: str, new: str, message: str) -> None:
    """Each problem names its key and its line."""
    assert old in WHOLE

    found = problems(WHOLE.replace(old, new, 1))

    assert message in "\n".join(found)
    assert all(problem.startswith("m.yaml:") for problem in found)


def test_a_file_without_mailboxes_is_refused() -> None:
    """There would be nothing to read."""
    text = "version: 1\nkind: mails\nmails: {organisation: provkommun, mailboxes: {}}\n"

    assert problems(text) == [
        "m.yaml:3: mails.mailboxes: is empty; write at least one mailbox with its addresses"
    ]
