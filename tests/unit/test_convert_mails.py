"""`kontaktpuls convert mbox` and `maildir`, from the archive to the events on standard output."""

from __future__ import annotations

import errno
import gzip
import json
import os
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from agents.cli import create_cli
from agents.sources.mail_archive import ArchiveError, mails_of_folders, mails_of_mbox
from agents.sources.mail_conversion import EXPLANATIONS, Clock, arrival_of
from streams.codec import decode_event
from streams.instants import SECOND, parse_rfc3339
from streams.parsers.mail.correspondence import LeftOut, Note
from streams.parsers.mail.headers import MAX_HEADER_BYTES, MailError, Unreadable, read_headers
from tests.letters import ANNA, CITIZEN, KONTAKT, MONDAY, letter, refs

if TYPE_CHECKING:
    from typer.testing import Result

ROOT = Path(__file__).parents[2]
MAILS = ROOT.parent / "shared" / "data" / "mails"
KEY = "kept out of the repository"
CLI = create_cli("convert")
WHO = ("--mailbox", KONTAKT, "--organisation", "provkommun")

SETTINGS = f"""version: 1
kind: mails
mails:
  organisation: provkommun
  mailboxes:
    kontakt:
      addresses: {KONTAKT}
      closed_folders: {{Avslutat utan svar: no_reply_needed}}
  own_domains: prov.example
"""


def convert(*arguments: object, **environment: str) -> Result:
    """What the command answers."""
    env = {"KONTAKTPULS_PSEUDONYM_KEY": KEY} | environment
    return CliRunner().invoke(CLI, ["convert", *map(str, arguments)], env=env)


def told(result: Result) -> list[str]:
    """The events, in short."""
    lines: list[dict[str, Any]] = [json.loads(line) for line in result.stdout.splitlines()]
    return [f"{line['type']} {line['at'][:16]}" for line in lines]


def put(folder: Path, name: str, block: bytes, *, at: int = MONDAY) -> Path:
    """A mail in a Maildir's folder, with the file's time."""
    path = folder / "cur" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(block)
    os.utime(path, (at / SECOND, at / SECOND))
    return path


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A Maildir with an inbox, a sent folder, spam, drafts and a folder that closes."""
    root = tmp_path / "Maildir"
    put(root, "1:2,S", letter("q"))
    put(root, "2:2,", letter("r", From="annan@post.example"))
    put(root / ".Skickat", "3:2,S", reply("a", "q", "10:30"))
    put(root / ".INBOX.Skr&AOQ-ppost", "4:2,", letter("s", From="spam@x.example"))
    put(root / ".Utkast", "5:2,D", reply("d", "r", "11:00"))
    put(root / ".Avslutat utan svar", "6:2,S", letter("t", From="tack@post.example"))
    put(root / ".Skickat", "7:2,DS", reply("e", "r", "11:00"))
    return root


def reply(message_id: str, parent: str, clock: str) -> bytes:
    """An answer in a sent folder: no server has touched it."""
    date = f"Mon, 16 Nov 2026 {clock}:00 +0100"
    return letter(message_id, From=KONTAKT, To=CITIZEN, References=refs(parent), Date=date)


def test_a_maildir_tells_its_story(archive: Path, tmp_path: Path) -> None:
    """Folders are known by their names and by the settings; drafts were never sent."""
    (tmp_path / "mails.yaml").write_text(SETTINGS)
    result = convert("maildir", archive, "--settings", tmp_path / "mails.yaml")

    assert result.exit_code == 0, result.stderr
    assert told(result) == [
        "email.received 2026-11-16T08:00",
        "email.received 2026-11-16T08:00",
        "email.received 2026-11-16T08:00",
        "email.closed 2026-11-16T08:00",
        "email.received 2026-11-16T08:00",
        "email.closed 2026-11-16T08:00",
        "email.sent 2026-11-16T09:30",
    ]
    assert "Utkast: not read" in result.stderr
    assert "INBOX.Skräppost: read as spam" in result.stderr
    assert "2 draft: never sent" in result.stderr
    assert "1 Date" in result.stderr


def test_the_file_of_the_live_source_serves_its_archive(archive: Path, tmp_path: Path) -> None:
    """Both read a mail alike, so what is written once is enough."""
    server = "kind: imap\nsource: mailbox\nserver: {host: mail.prov.example}\n"
    account = "accounts: {kontakt: {user: kontakt, password_file: /run/secrets/kontakt}}\n"
    live = SETTINGS.replace("kind: mails\n", server + account)
    (tmp_path / "mails.yaml").write_text(SETTINGS)
    (tmp_path / "live.yaml").write_text(live)
    outputs = [
        convert("maildir", archive, "--settings", tmp_path / name).stdout
        for name in ("mails.yaml", "live.yaml")
    ]

    assert outputs[0] == outputs[1] != ""


def test_the_order_of_the_files_does_not_matter(tmp_path: Path) -> None:
    """Mails are told in the order of their arrival, whatever their files are called."""
    chain = [f"m{number}" for number in range(12)]
    outputs = set()
    for seed in range(3):
        names = list(range(12))
        random.Random(seed).shuffle(names)  # noqa: S311 - no secret
        root = tmp_path / str(seed)
        for number, name in enumerate(names):
            # Only the parent is named, so that the chain is found link by link.
            parent = {"In_Reply_To": refs(chain[number - 1])} if number else {}
            sent = {"From": ANNA, "To": CITIZEN, "Cc": KONTAKT} if number % 2 else {}
            at = MONDAY + number * SECOND
            block = letter(chain[number], Date="", **parent, **sent)
            put(root, f"{name:03}", block, at=at)
        outputs.add(convert("maildir", root, *WHO).stdout)
    (text,) = outputs

    assert len({json.loads(line)["conversation"] for line in text.splitlines()}) == 1


def test_the_same_archive_twice_is_the_same_events(archive: Path) -> None:
    """Events are facts: what was published once may be published again."""
    assert convert("maildir", archive, *WHO).stdout == convert("maildir", archive, *WHO).stdout


def test_mbox_files_of_inbox_and_sent_folder_are_one_mailbox(tmp_path: Path) -> None:
    """Each file is a folder, by its name; the answers are found by the questions."""
    from_line = b"From a@b.example Mon Nov 16 08:00:00 2026\n"
    sent = b"From a@b.example Mon Nov 16 09:30:00 2026\n" + reply("a", "q", "10:30")
    inbox = from_line + letter("q", Date="") + b"\nFrom the office, bye\n\n"
    (tmp_path / "Inbox.mbox").write_bytes(inbox + from_line + letter("r", Date=""))
    (tmp_path / "Skickat.gz").write_bytes(gzip.compress(sent))
    result = convert("mbox", tmp_path / "Skickat.gz", tmp_path / "Inbox.mbox", *WHO)

    assert result.exit_code == 0, result.stderr
    assert sorted(told(result)) == [
        "email.received 2026-11-16T08:00",
        "email.received 2026-11-16T08:00",
        "email.sent 2026-11-16T09:30",
    ]
    assert "Skickat: read as sent" in result.stderr


@pytest.mark.parametrize(
    ("text", "places"),
    [
        pytest.param(b"%(from)sA: 1\n\nbody\n\n%(from)sB: 2\n\n", [1, 6], id="two mails"),
        pytest.param(b"%(from)sA: 1\n\nx\n%(from)sB: 2\n", [1], id="no blank line before"),
        pytest.param(b"%(from)sA: 1\n\nx\n\n%(from)sand so on\n", [1], id="no header behind"),
        pytest.param(b"%(from)sA: 1\n\nx\n\n%(from)s\nB: 2\n", [1, 6], id="a blank line behind"),
        pytest.param(b"%(from)sA: 1\n\nx\n\nFrom c@d.example\nB: 2\n", [1, 6], id="no date"),
        pytest.param(b"%(from)sA: 1\n\nx\n\nFrom c@d.example\n\nhi\n", [1], id="an address"),
        pytest.param(b"\n\n%(from)sA: 1\n\n", [3], id="blank lines first"),
        pytest.param(b"%(from)s", [], id="nothing but its first line"),
        pytest.param(b"", [], id="empty"),
    ],
)
def test_an_mbox_is_cut_where_mails_begin(tmp_path: Path, text: bytes, places: list[int]) -> None:
    """Mails quote mails, and few programs escape that as they should."""
    path = tmp_path / "box"
    path.write_bytes(text.replace(b"%(from)s", b"From a@b.example Mon Nov 16 08:00:00 2026\n"))

    assert [mail.place for mail in mails_of_mbox(path)] == [f"{path}:{line}" for line in places]


def test_a_header_without_end_costs_bounded_memory(tmp_path: Path) -> None:
    """What is longer than the limit is counted, not kept."""
    path = tmp_path / "box"
    endless = b"X-Long: " + b"x" * 1000 + b"\n"
    path.write_bytes(b"From a@b.example Mon Nov 16 08:00:00 2026\n" + endless * 1000)
    (mail,) = mails_of_mbox(path)

    assert mail.block is not None
    assert MAX_HEADER_BYTES < len(mail.block) < 2 * MAX_HEADER_BYTES
    with pytest.raises(MailError):
        read_headers(mail.block)


def test_what_cannot_be_read_is_named_and_the_rest_converted(tmp_path: Path) -> None:
    """The exit code tells that something is missing, the message tells where and why."""
    put(tmp_path, "1", letter("q"))
    bad = put(tmp_path, "2", b"no header at all\n")
    result = convert("maildir", tmp_path, *WHO)

    assert result.exit_code == 1
    assert told(result) == ["email.received 2026-11-16T08:00"]
    assert f"{bad}: no_header" in result.stderr
    assert "1 no_header: no mail: there is no header in it" in result.stderr


@pytest.mark.parametrize(
    ("received", "stamp", "dated", "is_outgoing", "expected"),
    [
        (True, True, True, False, Clock.RECEIVED),
        (False, True, True, False, Clock.ARCHIVE),
        (False, False, True, False, Clock.DATE),
        (False, True, True, True, Clock.DATE),
        (False, True, False, True, Clock.ARCHIVE),
        (False, False, False, True, None),
    ],
)
def test_the_clock_of_a_stranger_is_believed_last(
    *, received: bool, stamp: bool, dated: bool, is_outgoing: bool, expected: Clock | None
) -> None:
    """A citizen's `Date` is the last resort; one's own survives the copying of an archive."""
    headers = {
        "Received": "from a by b; Mon, 16 Nov 2026 09:00:00 +0100" if received else "",
        "Date": "Mon, 16 Nov 2026 09:00:00 +0100" if dated else "",
    }
    mail = read_headers(letter("m", **headers))
    told_at = arrival_of(mail, stamp=MONDAY if stamp else None, is_outgoing=is_outgoing)

    assert told_at == (None if expected is None else (MONDAY, expected))
    assert parse_rfc3339("2026-11-16T09:00:00+01:00") == MONDAY


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "whose mails are these? Write `--mailbox ADDRESS`"),
        ((), "whose mailbox is it? Write `--organisation NAME`"),
        (("--mailbox", "kontakt", "--organisation", "x"), "`kontakt` is no address"),
        (("--mailbox", KONTAKT, "--organisation", "X Y"), "`--organisation`: `X Y` is no name"),
        ((*WHO, "--name", "total"), "`--name`: `total` is reserved"),
        (("--settings", "{settings}", "--mailbox", ANNA), "is no address in the settings; "),
        (("--settings", "{settings}", "--name", "x"), "`--name` is what `--settings` says"),
        (("--settings", "{settings}x"), "cannot be read"),
    ],
)
def test_what_is_not_said_is_asked_before_the_first_mail(
    archive: Path, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    """No event is printed when the question itself is incomplete."""
    (tmp_path / "mails.yaml").write_text(SETTINGS)
    settings = str(tmp_path / "mails.yaml")
    result = convert("maildir", archive, *(a.format(settings=settings) for a in arguments))

    assert (result.exit_code, result.stdout) == (1, "")
    assert message in result.stderr


def test_the_documentation_explains_every_reason() -> None:
    """What is counted in the summary is looked up there."""
    text = (ROOT / "docs" / "sources" / "mail-archives.md").read_text(encoding="utf-8")
    reasons = [*LeftOut, *Note, *Unreadable]

    assert [reason for reason in reasons if f"`{reason}`" not in text] == []
    assert [reason for reason in reasons if reason not in EXPLANATIONS] == []


def test_without_a_key_nothing_is_read(archive: Path) -> None:
    """People leave as pseudonyms only."""
    result = convert("maildir", archive, *WHO, KONTAKTPULS_PSEUDONYM_KEY="")

    assert (result.exit_code, result.stdout) == (1, "")
    assert "set `KONTAKTPULS_PSEUDONYM_KEY_FILE`" in result.stderr


def test_what_is_no_archive_is_told(tmp_path: Path) -> None:
    """The message says what was looked for."""
    (tmp_path / "text").write_text("not a mail\n")
    with pytest.raises(ArchiveError, match="is no mbox: line 1"):
        list(mails_of_mbox(tmp_path / "text"))
    with pytest.raises(ArchiveError, match="is no Maildir"):
        list(mails_of_folders(tmp_path))
    with pytest.raises(ArchiveError, match="is no folder"):
        list(mails_of_folders(tmp_path / "text"))
    with pytest.raises(ArchiveError, match="cannot be read to its end"):
        list(mails_of_mbox(tmp_path / "nowhere"))


@pytest.fixture
def breakers() -> list[Path]:
    """Mails that broke a parser once, where they are at hand."""
    if not MAILS.is_dir():
        pytest.skip(f"the mails that break parsers are not at {MAILS}")
    return [path for path in sorted(MAILS.rglob("*")) if path.is_file()]


@pytest.mark.parametrize("closed", [".Skickat", "cur"])
def test_a_folder_that_may_not_be_read_is_told(
    archive: Path, monkeypatch: pytest.MonkeyPatch, closed: str
) -> None:
    """Without the sent mail every question would look unanswered, and nobody would know why."""
    scandir, listdir = os.scandir, os.listdir

    def deny(path: str) -> None:
        if Path(path).name == closed:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))

    def scan(path: str) -> Any:
        deny(path)
        return scandir(path)

    def list_names(path: str) -> list[str]:
        deny(path)
        return listdir(path)

    monkeypatch.setattr(os, "scandir", scan)
    monkeypatch.setattr(os, "listdir", list_names)
    result = convert("maildir", archive, *WHO)

    assert result.exit_code == 1
    assert f"{closed}` cannot be read (Permission denied); run the command" in result.stderr
    assert "Traceback" not in result.stderr


def test_every_mail_that_breaks_parsers_becomes_an_event_or_a_reason(
    breakers: list[Path], tmp_path: Path
) -> None:
    """Read from a Maildir; what is counted adds up to the files, and events can be read."""
    for number, path in enumerate(breakers):
        put(tmp_path, f"{number:03}:2,S", path.read_bytes())
    result = convert("maildir", tmp_path, *WHO)
    events = [decode_event(line.encode()) for line in result.stdout.splitlines()]
    counted = {
        words[1]: int(words[0])
        for line in result.stderr.splitlines()
        if len(words := line.replace(":", "").split()) > 1 and words[0].isdigit()
    }
    left_out = sum(counted.get(reason, 0) for reason in ("seen_before", "no_header"))

    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert len(breakers) > 100
    assert len({event.message for event in events}) + left_out == len(breakers)  # type: ignore[union-attr]


def test_every_mail_that_breaks_parsers_is_found_in_an_mbox(
    breakers: list[Path], tmp_path: Path
) -> None:
    """Whatever a mail holds, it ends where the next one begins."""
    mails = [path for path in breakers if path.suffix == ".eml"]
    begins = b"\nFrom a@b.example Mon Nov 16 08:00:00 2026\n"
    whole = b"".join(begins + path.read_bytes() + b"\n" for path in mails)
    (tmp_path / "box").write_bytes(whole)

    def outcome(block: bytes | None) -> object:
        try:
            return read_headers(block or b"")
        except MailError as error:
            return error.reason

    found = [outcome(mail.block) for mail in mails_of_mbox(tmp_path / "box")]
    expected = [outcome(path.read_bytes()[:MAX_HEADER_BYTES]) for path in mails]

    assert [mail for mail in expected if mail not in found] == []
