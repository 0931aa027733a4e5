"""What an operator writes about mailboxes: all of it right, or every problem said."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agents.settings import SettingsError, load_settings
from agents.settings.imap import FoldersSection, load_imap_source
from agents.sources.conversation_index import ConversationIndex
from agents.sources.imap_account import SecretError, accounts_of
from agents.sources.imap_errors import FolderError
from agents.sources.imap_folders import Positions, Span, absent, folders_of
from agents.sources.imap_session import FolderState, ListedFolder
from streams.instants import DAY, SECOND
from streams.parsers.mail.folders import Folder, Role

if TYPE_CHECKING:
    from agents.settings.imap import ImapFile
    from streams.events import CloseReason

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "config" / "sources" / "mailboxes.example.yaml"
ORGANISATIONS = load_settings(ROOT / "config", environ={}).organisations

GOOD = """
kind: imap
source: mailbox
server: {host: mail.exempelkommun.se}
accounts:
  kontaktcenter: {user: kontakt@exempelkommun.se, password_file: one}
  bygg: {user: bygg@exempelkommun.se, oauth2_token_file: /run/two}
mails:
  organisation: exempelkommun
  mailboxes:
    kontaktcenter: {addresses: [kontakt@exempelkommun.se]}
    bygg: {addresses: [bygg@exempelkommun.se]}
"""


def loaded(tmp_path: Path, text: str) -> ImapFile:
    """The settings in a text."""
    path = tmp_path / "mailboxes.yaml"
    path.write_text(text, encoding="utf-8")
    return load_imap_source(path, ORGANISATIONS)


def problems(tmp_path: Path, text: str) -> str:
    """All that is wrong with a text, a line each, without the file's name."""
    with pytest.raises(SettingsError) as caught:
        loaded(tmp_path, text)
    return str(caught.value).replace(f"{tmp_path / 'mailboxes.yaml'}:", "")


def test_the_example_can_be_copied() -> None:
    """It is right as it stands, for the organisation that is shipped beside it."""
    source = load_imap_source(EXAMPLE, ORGANISATIONS)

    assert set(source.accounts) == {"kontaktcenter", "bygg"}
    assert source.accounts["bygg"].folders.sent == ["Skickat", "Skickat från disken"]


def test_defaults_are_safe(tmp_path: Path) -> None:
    """TLS on its own port, INBOX, IDLE; file names are relative to the file."""
    source = loaded(tmp_path, GOOD)
    kontakt, bygg = accounts_of(source, tmp_path)

    assert (kontakt.security, kontakt.port, kontakt.folders.inbox) == ("tls", 993, ["INBOX"])
    assert (source.idle, source.poll, source.since) == (True, 5 * SECOND, None)
    assert kontakt.password_file == tmp_path / "one"
    assert bygg.oauth2_token_file == Path("/run/two")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param(
            "{host: mail.exempelkommun.se}",
            "{host: mail.exempelkommun.se, security: none}",
            "`none` sends the password over the network as it is",
            id="no TLS to another machine",
        ),
        pytest.param(
            ", password_file: one", "", "has no secret; write `password_file`", id="no secret"
        ),
        pytest.param(
            "password_file: one",
            "password_file: one, password_variable: TWO",
            "`password_file` and `password_variable`; keep one of them",
            id="two secrets",
        ),
        pytest.param(
            "password_file: one",
            "password: hemligt",
            "secrets do not belong in this file",
            id="a secret in the file",
        ),
        pytest.param(
            "password_file: one",
            "password_variable: KONTAKTPULS_IMAP",
            "does not begin with `KONTAKTPULS_`",
            id="a variable that would be taken for a setting",
        ),
        pytest.param(
            "user: kontakt@exempelkommun.se",
            'user: "kontakt\\r\\nA1 DELETE INBOX"',
            "write one line of text",
            id="a user that is a command",
        ),
        pytest.param(
            "source: mailbox",
            "source: mailbx",
            "`mailbx` is no source of e-mails of `exempelkommun`; did you mean `mailbox`?",
            id="an unknown source",
        ),
        pytest.param(
            "source: mailbox",
            "source: exchange",
            "`exchange` is no source of e-mails",
            id="a source of calls",
        ),
        pytest.param(
            "organisation: exempelkommun",
            "organisation: exempel",
            "`exempel` is not configured; did you mean `exempelkommun`?",
            id="an unknown organisation",
        ),
        pytest.param(
            "  bygg: {user: bygg@exempelkommun.se, oauth2_token_file: /run/two}\n",
            "",
            "`mailbox` also vouches for `bygg`, which no account here reads",
            id="a mailbox that nobody reads",
        ),
        pytest.param(
            "  bygg: {user",
            "  byggt: {user",
            "`byggt` is not under `mails.mailboxes`; did you mean `bygg`?",
            id="an account of no mailbox",
        ),
        pytest.param("kind: imap", "kind: imap\npoll: 100 ms", "out of range", id="too often"),
        pytest.param(
            "{user: kontakt@exempelkommun.se,",
            "{user: kontakt@exempelkommun.se, folders: {inbox: []},",
            "inbox",
            id="no inbox",
        ),
    ],
)
def test_whatever_is_wrong_is_said(tmp_path: Path, old: str, new: str, expected: str) -> None:
    """With what to write instead."""
    assert old in GOOD
    assert expected in problems(tmp_path, GOOD.replace(old, new))


def test_plain_connections_stay_on_this_machine(tmp_path: Path) -> None:
    """A server beside it needs no TLS."""
    text = GOOD.replace("{host: mail.exempelkommun.se}", "{host: 127.0.0.1, security: none}")

    assert accounts_of(loaded(tmp_path, text), tmp_path)[0].port == 143


def test_a_secret_is_read_anew_each_time(tmp_path: Path) -> None:
    """Whoever renews a token writes the file, and that is all."""
    source = loaded(tmp_path, GOOD.replace("/run/two", "two"))
    kontakt, bygg = accounts_of(source, tmp_path)
    (tmp_path / "one").write_text("åäö 1\n", encoding="utf-8")
    (tmp_path / "two").write_text("token", encoding="utf-8")

    assert kontakt.login().secret.get_secret_value() == "åäö 1"
    assert (bygg.login().is_token, kontakt.login().is_token) == (True, False)

    (tmp_path / "one").write_text("åäö 2\r\n", encoding="utf-8")

    assert kontakt.login().secret.get_secret_value() == "åäö 2"
    assert "åäö" not in repr(kontakt.login())


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "cannot be read \\(No such file or directory\\)"),
        (b"", "does not hold one line"),
        (b"one\ntwo\n", "does not hold one line"),
        (b"\xff\xfe", "is not UTF-8 text"),
    ],
)
def test_a_secret_that_is_none_is_said(
    tmp_path: Path, content: bytes | None, expected: str
) -> None:
    """And its content is not."""
    (account, _) = accounts_of(loaded(tmp_path, GOOD), tmp_path)
    if content is not None:
        (tmp_path / "one").write_bytes(content)

    with pytest.raises(SecretError, match=expected):
        account.login()


def test_a_secret_may_be_in_a_variable(tmp_path: Path) -> None:
    """Of the operator's own name."""
    text = GOOD.replace("password_file: one", "password_variable: IMAP_PASSWORD")
    (account, _) = accounts_of(loaded(tmp_path, text), tmp_path)

    assert account.login({"IMAP_PASSWORD": "x"}).secret.get_secret_value() == "x"
    with pytest.raises(SecretError, match="`IMAP_PASSWORD` is not set"):
        account.login({})


def listed(**attributes: str) -> list[ListedFolder]:
    """Folders as a server lists them."""
    return [ListedFolder(name, frozenset(text.split())) for name, text in attributes.items()]


def roles(
    folders: list[ListedFolder],
    wanted: FoldersSection | None = None,
    closed: dict[str, CloseReason] | None = None,
) -> dict[str, Role]:
    """What each folder is read as, in the order of reading."""
    found = folders_of(
        folders, mailbox="kontakt", wanted=wanted or FoldersSection(), closed=closed or {}
    )
    assert {folder.mailbox for folder in found.values()} <= {"kontakt"}
    return {name: folder.role for name, folder in found.items()}


def test_folders_are_what_the_server_says_or_what_they_are_called() -> None:
    """New mail is read first, sent mail last; drafts and views are not read."""
    found = roles(
        listed(
            Skickat="\\HasNoChildren", Gesendet="\\Sent", Utkast="", Ideer="\\Drafts", Bygg="",
            inbox="", All="\\All", Skrot="\\Junk", Papperskorgen="", Skräppost="",
        )
    )  # fmt: skip

    assert list(found.items()) == [
        ("INBOX", Role.INBOX),
        ("Bygg", Role.OTHER),
        ("Papperskorgen", Role.TRASH),
        ("Skrot", Role.SPAM),
        ("Skräppost", Role.SPAM),
        ("Gesendet", Role.SENT),
        ("Skickat", Role.SENT),
    ]


def test_what_the_operator_wrote_counts_more() -> None:
    """Than the server's word, and than a name."""
    wanted = FoldersSection(inbox=["Inbox", "In"], sent=["Ut"], spam=["Bygg"], skip=["Arkiv"])
    there = listed(INBOX="", In="\\Junk", Ut="\\Drafts", Bygg="\\Sent", Arkiv="", Klart="", Rest="")

    assert roles(there, wanted, {"Klart": "no_reply_needed"}) == {
        "INBOX": Role.INBOX,
        "In": Role.INBOX,
        "Ut": Role.SENT,
        "Bygg": Role.SPAM,
        "Klart": Role.CLOSED,
        "Rest": Role.OTHER,
    }
    assert folders_of(there, mailbox="kontakt", wanted=wanted, closed={"Klart": "duplicate"})[
        "Klart"
    ] == Folder("kontakt", Role.CLOSED, "duplicate")


def test_other_folders_can_be_left_alone() -> None:
    """All but those of new, sent and closed mail, spam and trash."""
    there = listed(INBOX="", Skickat="", Bygg="", Skräppost="", Klart="")
    wanted = FoldersSection(others=False)

    assert set(roles(there, wanted, {"Klart": "duplicate"})) == {
        "INBOX", "Skickat", "Skräppost", "Klart",
    }  # fmt: skip


def test_a_folder_that_matters_has_to_be_there() -> None:
    """The message lists those that are; a folder of closed mail may still be made."""
    there = listed(INBOX="", Skickat="")

    with pytest.raises(FolderError, match="no folder `Sänt`; it has `INBOX`, `Skickat`"):
        roles(there, FoldersSection(sent=["Sänt"]))

    assert roles(there, closed={"Klart": "duplicate"}).keys() == {"INBOX", "Skickat"}
    assert absent(there, FoldersSection(skip=["Arkiv"]), {"Klart": "duplicate"}) == [
        "Klart",
        "Arkiv",
    ]


def test_nobody_follows_a_thousand_folders() -> None:
    """What to write instead is said."""
    there = listed(INBOX="", **{f"Ärende {number}": "" for number in range(1_000)})

    with pytest.raises(FolderError, match=r"1001 folders, too many .* `others: false`"):
        roles(there)
    assert len(roles(there, FoldersSection(others=False))) == 1


def test_a_folder_is_read_from_where_it_was_left_off() -> None:
    """Unless its mails have new numbers, or it was never read."""
    with ConversationIndex(None) as index:
        positions = Positions(index.connection)
        state = FolderState(validity=7, next_uid=40)
        first = positions.unread("kontakt", "INBOX", state)
        positions.save("kontakt", "INBOX", first)

        assert first == Span(1, 40, 7, is_first=True, was_renumbered=False)
        assert positions.unread("kontakt", "INBOX", state) == Span(40, 40, 7, False, False)
        assert positions.unread("kontakt", "INBOX", FolderState(7, 43)).first == 40
        assert positions.unread("bygg", "INBOX", state).is_first
        assert positions.unread("kontakt", "INBOX", FolderState(8, 41)) == Span(
            1, 41, 8, is_first=True, was_renumbered=True
        )


def test_a_history_longer_than_the_horizon_may_be_read(tmp_path: Path) -> None:
    """The workers decide what is too old."""
    assert loaded(tmp_path, GOOD + "since: 400 days\n").since == 400 * DAY
