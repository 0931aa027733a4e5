"""`exports:` of the cluster and of an organisation: what may be written, and what is refused."""

from __future__ import annotations

from datetime import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agents.settings import SettingsError, load_settings
from agents.settings.exports import Exports, MailServer
from streams.exports.schedule import Weekly
from streams.instants import MINUTE
from streams.organisations import Recipients

if TYPE_CHECKING:
    from agents.settings.cluster import Cluster

AWAY = "mail.kommun.example:587"


def load(folder: Path, exports: str = "{}", *, organisation: str = "{}", **environ: str) -> Cluster:
    """The cluster of a configuration with these sections."""
    (folder / "organisations").mkdir(exist_ok=True)
    (folder / "organisations" / "skara.yaml").write_text(
        "display_name: Skara\ncalendars: {default: {hours: {mon-fri: 08:00-16:30}}}\n"
        f"exports: {organisation}\n",
        "utf-8",
    )
    (folder / "kontaktpuls.yaml").write_text(f"brokers: 'a:1'\nexports: {exports}\n", "utf-8")
    variables = {f"KONTAKTPULS_{name}": value for name, value in environ.items()}
    settings = load_settings(folder, environ=variables)
    assert settings.organisations["skara"].exports.language in {"sv", "en"}
    return settings.cluster


def problem(folder: Path, exports: str = "{}", *, organisation: str = "{}", **environ: str) -> str:
    """The one thing that is wrong, without its place."""
    with pytest.raises(SettingsError) as caught:
        load(folder, exports, organisation=organisation, **environ)
    (found,) = caught.value.problems
    return str(found).partition(": ")[2]


def test_without_a_word_last_week_is_exported_on_monday_at_six(tmp_path: Path) -> None:
    """Into a folder beside the rest of what is kept, mailed to nobody."""
    assert load(tmp_path).exports == Exports(folder=Path(".kontaktpuls/exports"))
    assert Exports().at == Weekly(0, time(6))
    assert Exports().retry == 10 * MINUTE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Monday 06:00", Weekly(0, time(6))),
        ("tue 23:59", Weekly(1, time(23, 59))),
        ("Sunday 00:00", Weekly(6, time(0))),
    ],
)
def test_a_time_of_the_week_is_written_as_people_say_it(
    tmp_path: Path, text: str, expected: Weekly
) -> None:
    """The days as in calendars or in full."""
    assert load(tmp_path, f"{{at: {text}}}").exports.at == expected


def test_everything_can_be_said_by_the_environment(tmp_path: Path) -> None:
    """A container is told where its volume is, and its password by a file."""
    (tmp_path / "secret").write_text("hunter2\n", "utf-8")
    exports = load(
        tmp_path,
        EXPORTS_AT="fri 15:00",
        EXPORTS_ENABLED="false",
        EXPORTS_FOLDER="/var/exports",
        EXPORTS_FORMATS="pdf, csv,pdf",
        EXPORTS_CATCH_UP="0",
        EXPORTS_SMTP_HOST=AWAY,
        EXPORTS_SMTP_USERNAME="me",
        EXPORTS_SMTP_PASSWORD_FILE=str(tmp_path / "secret"),
    ).exports

    assert (exports.at, exports.enabled, exports.catch_up) == (Weekly(4, time(15)), False, 0)
    assert (exports.folder, exports.formats) == (Path("/var/exports"), ("pdf", "csv"))
    assert exports.smtp.password is not None
    assert exports.smtp.password.get_secret_value() == "hunter2"
    assert "hunter2" not in repr(exports)


@pytest.mark.parametrize(
    ("smtp", "expected"),
    [
        ("{}", "none"),
        ("{host: '[::1]:25'}", "none"),
        ("{host: '127.0.0.1:25', tls: starttls}", "starttls"),
        (f"{{host: '{AWAY}'}}", "starttls"),
        ("{host: 'mail.kommun.example:465', tls: tls}", "tls"),
    ],
)
def test_mail_leaves_the_machine_by_tls_only(tmp_path: Path, smtp: str, expected: str) -> None:
    """Without a word it is asked for; on this machine nobody listens in."""
    server: MailServer = load(tmp_path, f"{{smtp: {smtp}}}").exports.smtp

    assert server.tls == expected


def test_recipients_stand_with_their_organisation(tmp_path: Path) -> None:
    """One alone may stand without brackets."""
    load(tmp_path, organisation="{mail: a@skara.example, language: en}")
    organisation = load_settings(tmp_path, environ={}).organisations["skara"]

    assert organisation.exports == Recipients(mail=("a@skara.example",), language="en")


@pytest.mark.parametrize(
    ("exports", "expected"),
    [
        (
            "{at: Monday}",
            "exports.at: `Monday` is no time of the week; write e.g. `Monday 06:00`",
        ),
        (
            "{at: mondag 06:00}",
            "exports.at: `mondag 06:00` is no time of the week; write e.g. `Monday 06:00`",
        ),
        (
            "{at: Monday 24:00}",
            "exports.at: `Monday 24:00` is no time of the week; write e.g. `Monday 06:00`",
        ),
        ("{formats: []}", "exports.formats: is empty; write at least one of `xlsx`, `csv`"),
        (
            "{formats: [xls]}",
            "exports.formats[0]: `xls` is not possible here; did you mean `xlsx`?",
        ),
        ("{catch_up: 53}", "exports.catch_up: `53` is out of range; write 0 to 52"),
        ("{retry: 2 days}", "exports.retry: `2 days` is out of range; write 1 s to 24 h"),
        (
            f"{{smtp: {{host: '{AWAY}', tls: none}}}}",
            (
                "exports.smtp.tls: `none` would send numbers and password as they are to "
                f"`{AWAY}`; write `starttls` (mostly port 587) or `tls` (mostly port 465)"
            ),
        ),
        (
            f"{{smtp: {{host: '{AWAY}', username: me}}}}",
            (
                "exports.smtp: `username` needs a password; write `password_file`, or set "
                "`KONTAKTPULS_EXPORTS_SMTP_PASSWORD` or `KONTAKTPULS_EXPORTS_SMTP_PASSWORD_FILE`"
            ),
        ),
        (
            "{smtp: {password: hunter2}}",
            (
                "exports.smtp.password: secrets do not belong in this file; write `password_file` "
                "with the name of a file"
            ),
        ),
        ("{smtp: {sender: nobody}}", "exports.smtp.sender: "),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, exports: str, expected: str) -> None:
    """Before Monday, with what to write instead."""
    assert problem(tmp_path, exports).startswith(expected)


def test_a_password_without_a_user_is_refused(tmp_path: Path) -> None:
    """It would never be used, and somebody believes that it is."""
    given = {"EXPORTS_SMTP_PASSWORD": "hunter2"}
    secret = str(tmp_path / "secret")
    Path(secret).write_text("hunter2", "utf-8")

    assert problem(tmp_path, **given) == (
        "KONTAKTPULS_EXPORTS_SMTP_PASSWORD: has no effect without `exports.smtp.username`; "
        "write both"
    )
    assert problem(tmp_path, f"{{smtp: {{password_file: {secret}}}}}") == (
        "exports.smtp.password_file: has no effect without `exports.smtp.username`; write both"
    )


def test_an_address_is_named_once(tmp_path: Path) -> None:
    """As with alerts."""
    twice = "{mail: [a@skara.example, a@skara.example]}"

    assert problem(tmp_path, organisation=twice) == (
        "exports.mail: `a@skara.example` is there twice; keep it once"
    )
