"""Measure mails: reading headers, and converting an archive.

    python benchmarks/mails.py [MAILS]

Headers: every mail in `../shared/data/mails`, each read and told thirty times in a process that
has read others before; its median and its worst. Archive: a Maildir of many mails in conversations
of three, converted by the command, beside the time that only opening and reading the files takes.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from agents.sources.conversation_index import ConversationIndex
from streams.instants import HOUR, SECOND, parse_rfc3339, to_datetime
from streams.parsers.mail.correspondence import Correspondence
from streams.parsers.mail.folders import Folder, Role
from streams.parsers.mail.headers import MAX_HEADER_BYTES, MailError, read_headers
from streams.parsers.mail.rules import Rules
from streams.pseudonyms import create_pseudonymiser

ROOT = Path(__file__).parents[1]
BREAKERS = ROOT.parent / "shared" / "data" / "mails"
KEY = "a key for measurements"
KONTAKT = "kontakt@bench.example"
START = parse_rfc3339("2026-09-28T07:00:00Z")
RUNS = 30
LIMIT_MS = 10.0


def headers(table: Table) -> None:
    """Each mail that broke a parser once."""
    rules = Rules(addresses={KONTAKT: "kontakt"})
    correspondence = Correspondence(
        rules, organisation="bench", pseudonymise=create_pseudonymiser(KEY.encode())
    )
    inbox = Folder("kontakt", Role.INBOX)
    medians: dict[str, float] = {}
    worst: dict[str, float] = {}
    for path in sorted(BREAKERS.rglob("*")):
        if not path.is_file():
            continue
        block = path.read_bytes()[:MAX_HEADER_BYTES]
        took = []
        for _ in range(RUNS):
            with ConversationIndex(None) as index:
                began = time.perf_counter()
                with contextlib.suppress(MailError):
                    correspondence.read(read_headers(block), index, folder=inbox, arrived_at=START)
                took.append((time.perf_counter() - began) * 1e3)
        name = str(path.relative_to(BREAKERS))
        medians[name], worst[name] = statistics.median(took), max(took)
    slowest = max(medians, key=lambda name: medians[name])
    table.add_row("mails that break parsers", f"{len(medians):,}")
    table.add_row("median of their medians (ms)", f"{statistics.median(medians.values()):.2f}")
    table.add_row(f"slowest median, {slowest} (ms)", f"{medians[slowest]:.2f}")
    table.add_row("slowest single reading (ms)", f"{max(worst.values()):.2f}")
    table.add_row(
        f"mails over {LIMIT_MS:g} ms", str(sum(took > LIMIT_MS for took in medians.values()))
    )


def write_archive(folder: Path, mails: int) -> None:
    """Conversations of a question, an answer and a thank-you, an hour apart."""
    for number in range(mails):
        conversation, turn = divmod(number, 3)
        at = START + conversation * SECOND + turn * HOUR
        citizen = f"medborgare{conversation % 5000}@post.example"
        sender, to = (KONTAKT, citizen) if turn == 1 else (citizen, KONTAKT)
        before = " ".join(f"<{conversation}.{n}@x.example>" for n in range(turn))
        lines = [
            *[f"Received: from mx{hop} by mx; {to_datetime(at):%a, %d %b %Y %T} +0000"
              for hop in range(4)],
            f"Message-ID: <{conversation}.{turn}@x.example>",
            f"References: {before}" if before else "MIME-Version: 1.0",
            f"From: =?utf-8?q?N=C3=A5gon?= <{sender}>",
            f"To: Kontaktcenter <{to}>",
            "Subject: =?utf-8?q?Fr=C3=A5ga_om_bygglov?=",
            f"Date: {to_datetime(at):%a, %d %b %Y %T} +0000",
            "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;",
            *[" b=" + "x" * 70 for _ in range(20)],
            "Content-Type: text/plain; charset=utf-8",
            "",
            *["a line of a body that nobody reads" for _ in range(50)],
        ]  # fmt: skip
        part = folder / ".Sent" / "cur" if turn == 1 else folder / "cur"
        part.mkdir(parents=True, exist_ok=True)
        (part / f"{number:07}:2,S").write_bytes("\r\n".join(lines).encode())


def archive(table: Table, mails: int) -> None:
    """The command over a whole Maildir."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_archive(folder, mails)
        began = time.perf_counter()
        size = sum(len(path.read_bytes()) for path in folder.rglob("*:2,S"))
        plain = time.perf_counter() - began
        command = [sys.executable, "-m", "agents", "convert", "maildir", str(folder)]
        command += ["--mailbox", KONTAKT, "--organisation", "bench"]
        began = time.perf_counter()
        subprocess.run(  # noqa: S603 - ourselves
            command,
            check=True,
            capture_output=True,
            cwd=ROOT,
            env=os.environ | {"KONTAKTPULS_PSEUDONYM_KEY": KEY},
            timeout=1800,
        )
        took = time.perf_counter() - began
        usage = os.times()
        table.add_row(f"plain read of {mails:,} files, {size / 1e6:.0f} MB (s)", f"{plain:.2f}")
        table.add_row("conversion (s)", f"{took:.2f}")
        table.add_row("conversion, its processor (s)", f"{usage.children_user:.2f}")
        table.add_row("mails a second", f"{mails / took:,.0f}")


def main() -> None:
    """Run everything and print a table."""
    table = Table("measured", "value")
    if BREAKERS.is_dir():
        headers(table)
    archive(table, int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
    Console().print(table)


if __name__ == "__main__":
    main()
