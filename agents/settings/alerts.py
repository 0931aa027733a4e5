"""`alerts:` of the cluster and of an organisation: who hears of what, in which language, and how.

Files with secrets are read by Alertmanager, on its machine: only their names pass through here.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator

from agents.settings.addresses import Broker, is_loopback
from agents.settings.mailboxes import parse_address
from agents.settings.problems import quoted
from agents.settings.values import Section, as_list, whole_number
from streams.organisations import Contact, Language

HOLIDAYS_THROUGH = 2028
SMTP_HOST = "127.0.0.1:25"
SMTP_FROM = "kontaktpuls@localhost.localdomain"


def parse_secret_file(value: object) -> str:
    """The name of a file as Alertmanager sees it, from the root."""
    text = str(value)
    if not text.startswith("/") or not text.isprintable():
        msg = f"{quoted(value)} is not named from the root of Alertmanager's machine; write e.g. "
        msg += "`/run/secrets/teams_webhook`"
        raise ValueError(msg)
    return text


def addresses_as_list(value: object) -> object:
    """`a@x.se, b@x.se` is a list too."""
    parts = value.split(",") if isinstance(value, str) else value
    return as_list(parts)


def each_once(addresses: list[str]) -> list[str]:
    """Nobody gets the same message twice."""
    for place, address in enumerate(addresses):
        if address in addresses[:place]:
            msg = f"{quoted(address)} is there twice; keep it once"
            raise ValueError(msg)
    return addresses


SecretFile = Annotated[str, PlainValidator(parse_secret_file)]
Address = Annotated[str, PlainValidator(parse_address)]
Addresses = Annotated[list[Address], BeforeValidator(addresses_as_list), AfterValidator(each_once)]


class ContactSection(Section):
    """Who hears of alerts: everything that is named here gets everything."""

    language: Language = Field(default="sv", examples=["sv"])
    mail: Addresses = Field(default=[], examples=["[teamledare@exempelkommun.example]"])
    teams_file: SecretFile | None = Field(default=None, examples=["/run/secrets/teams_webhook"])
    webhook_file: SecretFile | None = Field(default=None, examples=["/run/secrets/alert_webhook"])

    def contact(self) -> Contact:
        """The same as the core knows it."""
        return Contact(
            language=self.language,
            mail=tuple(self.mail),
            teams_file=self.teams_file,
            webhook_file=self.webhook_file,
        )


class SmtpSection(Section):
    """The server that takes Alertmanager's mail."""

    host: Broker = Field(default=SMTP_HOST, examples=["mail.exempelkommun.example:587"])
    sender: Address = Field(default=SMTP_FROM, examples=["kontaktpuls@exempelkommun.example"])
    username: str | None = Field(default=None, examples=["kontaktpuls"])
    password_file: SecretFile | None = Field(default=None, examples=["/run/secrets/smtp_password"])


class AlertsSection(ContactSection):
    """What holds for all of them, and those who run the cluster."""

    language: Literal["sv", "en"] = Field(default="en", examples=["en"])
    heartbeat_file: SecretFile | None = Field(
        default=None, examples=["/run/secrets/heartbeat_webhook"]
    )
    holidays_through: Annotated[int, whole_number(2026, 2099)] = Field(
        default=HOLIDAYS_THROUGH, examples=[str(HOLIDAYS_THROUGH)]
    )
    smtp: SmtpSection = Field(
        default=SmtpSection(), examples=["{host: mail.exempelkommun.example:587}"]
    )

    def build(self) -> Alerting:
        """The settings of a section that is right."""
        return Alerting(
            operators=self.contact(),
            heartbeat_file=self.heartbeat_file,
            holidays_through=self.holidays_through,
            smtp_host=self.smtp.host,
            smtp_from=self.smtp.sender,
            smtp_username=self.smtp.username,
            smtp_password_file=self.smtp.password_file,
        )


class Alerting(msgspec.Struct, frozen=True, kw_only=True):
    """What Alertmanager is told.

    Attributes:
        operators: those who run the cluster.
        heartbeat_file: file with the address that hears once a minute that alerts still work.
        holidays_through: last year whose holidays are written out.
        smtp_host, smtp_from, smtp_username, smtp_password_file: how mail is sent.
    """

    operators: Contact = Contact(language="en")
    heartbeat_file: str | None = None
    holidays_through: int = HOLIDAYS_THROUGH
    smtp_host: str = SMTP_HOST
    smtp_from: str = SMTP_FROM
    smtp_username: str | None = None
    smtp_password_file: str | None = None

    @property
    def smtp_is_local(self) -> bool:
        """Whether mail does not leave the machine until somebody else sends it on."""
        return is_loopback(self.smtp_host.rpartition(":")[0].strip("[]"))
