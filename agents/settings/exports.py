"""`exports:` of the cluster and of an organisation: when, where to, in which forms, and to whom."""

from __future__ import annotations

import re
from datetime import time
from pathlib import Path
from typing import Annotated, Literal, get_args

import msgspec
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainValidator,
    SecretStr,
    ValidationInfo,
    field_validator,
)

from agents.settings.addresses import Broker, FileName, is_loopback
from agents.settings.alerts import SMTP_FROM, SMTP_HOST, Address, Addresses
from agents.settings.problems import quoted
from agents.settings.values import Duration, Section, as_list, from_to, whole_number
from streams.exports.schedule import Weekly
from streams.instants import MINUTE
from streams.organisations import Language, Recipients

Format = Literal["xlsx", "csv", "html", "pdf", "json", "openmetrics"]
Tls = Literal["starttls", "tls", "none"]

FORMATS: tuple[Format, ...] = get_args(Format)
USUAL_FORMATS: tuple[Format, ...] = ("xlsx", "csv", "html", "pdf", "json")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WEEKLY = re.compile(r"([a-z]{3,9}) ([01][0-9]|2[0-3]):([0-5][0-9])")
FOLDER = "exports"
RETRY = 10 * MINUTE
CATCH_UP = 8


def parse_weekly(value: object) -> Weekly:
    """`Monday 06:00`."""
    match = WEEKLY.fullmatch(str(value).strip().lower())
    # `mon` as in calendars.
    days = [] if match is None else [d for d in WEEKDAYS if match[1] in {d, d[:3]}]
    if match is None or not days:
        msg = f"{quoted(value)} is no time of the week; write e.g. `Monday 06:00`"
        raise ValueError(msg)
    return Weekly(WEEKDAYS.index(days[0]), time(int(match[2]), int(match[3])))


def formats_as_list(value: object) -> object:
    """`xlsx, csv` is a list too."""
    if isinstance(value, str):
        return [name.strip() for name in value.split(",")]
    return as_list(value)


def some_formats(formats: list[Format]) -> list[Format]:
    """At least one, each once."""
    if not formats:
        msg = f"is empty; write at least one of {', '.join(f'`{name}`' for name in FORMATS)}"
        raise ValueError(msg)
    return list(dict.fromkeys(formats))


Formats = Annotated[list[Format], BeforeValidator(formats_as_list), AfterValidator(some_formats)]


class MailServerSection(Section):
    """The server that takes the mail with an export."""

    host: Broker = Field(default=SMTP_HOST, examples=["mail.exempelkommun.example:587"])
    sender: Address = Field(default=SMTP_FROM, examples=["kontaktpuls@exempelkommun.example"])
    username: str | None = Field(default=None, examples=["kontaktpuls"])
    password_file: FileName | None = Field(default=None, examples=["/run/secrets/smtp_password"])
    tls: Tls | None = Field(default=None, examples=["starttls"])

    @field_validator("tls")
    @classmethod
    def _never_in_the_clear(cls, tls: Tls | None, info: ValidationInfo) -> Tls | None:
        host = info.data.get("host")
        if tls == "none" and host is not None and not _is_local(host):
            msg = f"`none` would send numbers and password as they are to {quoted(host)}; write "
            msg += "`starttls` (mostly port 587) or `tls` (mostly port 465)"
            raise ValueError(msg)
        return tls


class ExportsSection(Section):
    """Weekly exports."""

    enabled: bool = Field(default=True, examples=["true"])
    at: Annotated[Weekly, PlainValidator(parse_weekly)] = Field(
        default=Weekly(0, time(6)), examples=["Monday 06:00"]
    )
    folder: FileName | None = Field(default=None, examples=["/var/lib/kontaktpuls/exports"])
    formats: Formats = Field(default=list(USUAL_FORMATS), examples=["[xlsx, pdf]"])
    catch_up: Annotated[int, whole_number(0, 52)] = Field(
        default=CATCH_UP, examples=[str(CATCH_UP)]
    )
    retry: Annotated[Duration, from_to("1 s", "24 h")] = Field(default=RETRY, examples=["10 min"])
    smtp: MailServerSection = Field(
        default=MailServerSection(), examples=["{host: mail.exempelkommun.example:587}"]
    )

    def build(self, data_dir: Path, password: SecretStr | None) -> Exports:
        """The settings of a section that is right."""
        smtp = self.smtp
        return Exports(
            enabled=self.enabled,
            at=self.at,
            folder=data_dir / FOLDER if self.folder is None else self.folder,
            formats=tuple(self.formats),
            catch_up=self.catch_up,
            retry=self.retry,
            smtp=MailServer(
                host=smtp.host,
                sender=smtp.sender,
                username=smtp.username,
                password=password,
                tls=smtp.tls or ("none" if _is_local(smtp.host) else "starttls"),
            ),
        )


class RecipientsSection(Section):
    """Who gets an organisation's export by mail, in which language."""

    mail: Addresses = Field(default=[], examples=["[kvalitet@exempelkommun.example]"])
    language: Language = Field(default="sv", examples=["sv"])

    def build(self) -> Recipients:
        """The same as the core knows it."""
        return Recipients(mail=tuple(self.mail), language=self.language)


class MailServer(msgspec.Struct, frozen=True, kw_only=True):
    """How mail is sent.

    Attributes:
        host: with its port.
        sender: whose address stands in it, and gets what cannot be delivered.
        password: given whenever `username` is.
        tls: `none` on this machine only.
    """

    host: str = SMTP_HOST
    sender: str = SMTP_FROM
    username: str | None = None
    password: SecretStr | None = None
    tls: Tls = "none"


class Exports(msgspec.Struct, frozen=True, kw_only=True):
    """When exports are made by themselves, and what of.

    Attributes:
        enabled: whether workers make them.
        at: when a week is due after its end, local to each organisation.
        folder: that holds them, a folder for each organisation.
        formats: in which forms.
        catch_up: how many weeks before the newest one are made after downtime.
        retry: until one that failed is tried again (microseconds).
        smtp: how they are mailed.
    """

    enabled: bool = True
    at: Weekly = Weekly(0, time(6))
    folder: Path = Path(FOLDER)
    formats: tuple[Format, ...] = USUAL_FORMATS
    catch_up: int = CATCH_UP
    retry: int = RETRY
    smtp: MailServer = MailServer()


def _is_local(host: str) -> bool:
    return is_loopback(host.rpartition(":")[0].strip("[]"))
