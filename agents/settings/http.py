"""`config/sources/http.yaml`: where webhooks are taken in, and from whom."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from agents.settings.addresses import LOOPBACK_NAMES, FileName, Host, Port, is_loopback
from agents.settings.problems import quoted, suggestion
from agents.settings.source_file import SourceFile, load_source
from agents.settings.values import Duration, Label, Section, Slug, as_list, from_to
from streams.instants import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from agents.settings.document import Loc
    from streams.organisations import Organisation

DEFAULT_PORT = 9466


class TlsSection(Section):
    """The server's certificate; names are relative to the file they stand in."""

    certificate: FileName = Field(examples=["/etc/ssl/kontaktpuls.pem"])
    key: FileName = Field(examples=["/etc/ssl/private/kontaktpuls.key"])


class ProducerSection(Section):
    """Who sends events with tokens of its own.

    Attributes:
        organisation: whose events they are, and no other's.
        sources: the source names it may send heartbeats of.
        vouch_after: heartbeats are said on its behalf, this far behind (microseconds).
    """

    organisation: Slug = Field(examples=["exempelkommun"])
    sources: Annotated[list[Label], BeforeValidator(as_list)] = Field(
        default=[], examples=["[exchange]"]
    )
    vouch_after: Annotated[Duration, from_to("1 s", "10 min")] | None = Field(
        default=None, examples=["10 s"]
    )

    @field_validator("vouch_after")
    @classmethod
    def _vouches_for_something(cls, after: int | None, info: ValidationInfo) -> int | None:
        if after is not None and not info.data.get("sources"):
            msg = "says heartbeats, but of no source; write `sources` beside it, or take it out"
            raise ValueError(msg)
        return after


class HttpSource(SourceFile):
    """The whole file.

    Attributes:
        hosts: names, beside `host` and those of the loopback interface, that clients may ask for.
        patience: how long a request may wait for its turn and for Kafka (microseconds).
    """

    kind: Literal["http"] = Field(examples=["http"])
    hosts: Annotated[list[Host], BeforeValidator(as_list)] = Field(
        default=[], examples=["[events.exempelkommun.se]"]
    )
    tls: TlsSection | None = Field(default=None, examples=["{certificate: FILE, key: FILE}"])
    behind_proxy: bool = Field(default=False, examples=["true"])
    host: Host = Field(default="127.0.0.1", examples=["127.0.0.1"])
    port: Port = Field(default=DEFAULT_PORT, examples=[str(DEFAULT_PORT)])
    tokens_file: FileName | None = Field(default=None, examples=["http.tokens"])
    patience: Annotated[Duration, from_to("1 s", "60 s")] = Field(
        default=5 * SECOND, examples=["5 s"]
    )
    producers: dict[Label, ProducerSection] = Field(
        examples=["{exchange: {organisation: exempelkommun, sources: exchange}}"]
    )

    @field_validator("producers")
    @classmethod
    def _some(cls, producers: dict[str, ProducerSection]) -> dict[str, ProducerSection]:
        if not producers:
            msg = "is empty; write at least one producer"
            raise ValueError(msg)
        return producers

    @field_validator("host")
    @classmethod
    def _is_safe_to_reach(cls, host: str, info: ValidationInfo) -> str:
        said = info.data
        if not is_loopback(host) and said.get("tls", ...) is None and not said.get("behind_proxy"):
            msg = f"{quoted(host)} is reached from other machines, and tokens would travel "
            msg += "unencrypted; write `tls`, or `behind_proxy: true` if a proxy does TLS, or "
            msg += "`host: 127.0.0.1`"
            raise ValueError(msg)
        if is_any(host) and said.get("hosts", ...) == []:
            msg = f"{quoted(host)} is no name that clients ask for; write theirs beside it, e.g. "
            msg += "`hosts: [events.exempelkommun.se]`"
            raise ValueError(msg)
        return host

    @property
    def names(self) -> frozenset[str]:
        """Every name, in small letters, under which clients may ask for this server."""
        return frozenset({*LOOPBACK_NAMES, self.host.casefold(), *map(str.casefold, self.hosts)})


def load_http_source(path: Path, organisations: Mapping[str, Organisation]) -> HttpSource:
    """The settings in a file, all names in it known to the organisations' configuration.

    Raises:
        SettingsError: with every problem.
    """
    return load_source(path, HttpSource, lambda source: _unknown_names(source, organisations))


def _unknown_names(
    source: HttpSource, organisations: Mapping[str, Organisation]
) -> Iterator[tuple[Loc, str]]:
    for name, producer in source.producers.items():
        organisation = organisations.get(producer.organisation)
        at = ("producers", name)
        if organisation is None:
            near = suggestion(producer.organisation, organisations)
            yield (
                (*at, "organisation"),
                f"{quoted(producer.organisation)} is not configured; {near}",
            )
            continue
        known = [known.name for known in organisation.sources]
        for wrong in (said for said in producer.sources if said not in known):
            text = f"{quoted(wrong)} is no source of `{organisation.name}`; "
            yield (*at, "sources"), text + suggestion(wrong, known)


def is_any(host: str) -> bool:
    """Whether it stands for every address of this machine."""
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False
