"""`kontaktpuls.yaml`: what may be written about the cluster, and the settings it makes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec
from pydantic import BeforeValidator, Field, SecretStr, ValidationInfo, field_validator

from agents.settings.addresses import (
    Brokers,
    FileName,
    Host,
    Port,
    RedisUrl,
    WebPlace,
    brokers_as_list,
)
from agents.settings.alerts import Alerting, AlertsSection
from agents.settings.exports import Exports, ExportsSection
from agents.settings.tls import TLS_FILES, Tls
from agents.settings.values import Duration, Section, Slug, Word, from_to, whole_number
from streams.folded_hours import KEPT
from streams.instants import DAY, MINUTE, SECOND

SASL = "SASL_SSL"
TLS_SCHEME = "rediss://"
RUNBOOKS = "docs/runbooks"
BOARDS = "http://127.0.0.1:3000"


def refuse_half(key: Path | None, info: ValidationInfo) -> Path | None:
    """A certificate is of no use without its key, nor a key without its certificate."""
    certificate = info.data.get("certificate_file", key)
    if (key is None) != (certificate is None):
        msg = "`certificate_file` and `key_file` belong together; write both, or take both out"
        raise ValueError(msg)
    return key


class SecuritySection(Section):
    """How to speak to Kafka."""

    protocol: Literal["PLAINTEXT", "SSL", "SASL_SSL"] = Field(
        default="PLAINTEXT", examples=["SASL_SSL"]
    )
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = Field(
        default=None, examples=["SCRAM-SHA-512"]
    )
    username: str | None = Field(default=None, examples=["kontaktpuls"], validate_default=True)
    password_file: FileName | None = Field(default=None, examples=["/run/secrets/kafka_password"])
    ca_file: FileName | None = Field(default=None, examples=["/etc/ssl/kafka-ca.pem"])
    certificate_file: FileName | None = Field(default=None, examples=["/etc/ssl/worker.pem"])
    key_file: FileName | None = Field(
        default=None, examples=["/etc/ssl/private/worker.key"], validate_default=True
    )

    @field_validator("protocol", mode="before")
    @classmethod
    def _never_sends_passwords_in_the_clear(cls, protocol: object) -> object:
        if protocol == "SASL_PLAINTEXT":
            msg = "`SASL_PLAINTEXT` sends the password over the network as it is; write `SASL_SSL`"
            raise ValueError(msg)
        return protocol

    @field_validator("mechanism", "username", "password_file")
    @classmethod
    def _only_with_sasl(cls, value: object, info: ValidationInfo) -> object:
        protocol = info.data.get("protocol", SASL)
        if value is not None and protocol != SASL:
            msg = f"has no effect with the protocol `{protocol}`; write `protocol: {SASL}` or "
            msg += "take it out"
            raise ValueError(msg)
        return value

    @field_validator("username")
    @classmethod
    def _sasl_has_a_user(cls, username: str | None, info: ValidationInfo) -> str | None:
        if username is None and info.data.get("protocol") == SASL:
            msg = f"is missing; `protocol: {SASL}` needs one, e.g. `username: kontaktpuls`"
            raise ValueError(msg)
        return username

    @field_validator(*TLS_FILES)
    @classmethod
    def _only_with_tls(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if value is not None and info.data.get("protocol") == "PLAINTEXT":
            msg = (
                "has no effect with the protocol `PLAINTEXT`; write `protocol: SSL` or take it out"
            )
            raise ValueError(msg)
        return value

    @field_validator("key_file")
    @classmethod
    def _key_and_certificate(cls, key: Path | None, info: ValidationInfo) -> Path | None:
        return refuse_half(key, info)


class RedisSection(Section):
    """The view that boards and other programs read."""

    enabled: bool = Field(default=True, examples=["false"])
    url: RedisUrl = Field(default="redis://127.0.0.1:6379/0", examples=["redis://127.0.0.1:6379/0"])
    username: str | None = Field(default=None, examples=["kontaktpuls-worker"])
    password_file: FileName | None = Field(default=None, examples=["/run/secrets/redis_password"])
    ca_file: FileName | None = Field(default=None, examples=["/etc/ssl/redis-ca.pem"])
    certificate_file: FileName | None = Field(default=None, examples=["/etc/ssl/worker.pem"])
    key_file: FileName | None = Field(
        default=None, examples=["/etc/ssl/private/worker.key"], validate_default=True
    )
    snapshot_ttl: Annotated[Duration, from_to("5 s", "1 h")] = Field(
        default=30 * SECOND, examples=["30 s"]
    )

    @field_validator("username")
    @classmethod
    def _one_user(cls, username: str | None, info: ValidationInfo) -> str | None:
        if username is not None and "@" in info.data.get("url", ""):
            msg = "`url` names a user too; keep one of them"
            raise ValueError(msg)
        return username

    @field_validator(*TLS_FILES)
    @classmethod
    def _only_with_tls(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if value is not None and info.data.get("url", TLS_SCHEME).startswith("redis://"):
            msg = f"has no effect without TLS; write `url: {TLS_SCHEME}...` or take it out"
            raise ValueError(msg)
        return value

    @field_validator("key_file")
    @classmethod
    def _key_and_certificate(cls, key: Path | None, info: ValidationInfo) -> Path | None:
        return refuse_half(key, info)


class WebSection(Section):
    """Where metrics, health and boards are served."""

    host: Host = Field(default="127.0.0.1", examples=["127.0.0.1"])
    port: Port = Field(default=9464, examples=["9464"])
    hosts: Annotated[list[Host], BeforeValidator(brokers_as_list)] = Field(
        default=[], examples=["[board.exempelkommun.se]"]
    )


class LinksSection(Section):
    """Where the messages of alerts lead to."""

    runbooks: WebPlace = Field(default=RUNBOOKS, examples=["https://intranet.example/runbooks"])
    boards: WebPlace = Field(default=BOARDS, examples=["https://grafana.example"])


class TimeoutsSection(Section):
    """How long to wait for others before saying so."""

    request: Annotated[Duration, from_to("1 s", "10 min")] = Field(
        default=60 * SECOND, examples=["60 s"]
    )
    produce: Annotated[Duration, from_to("1 s", "10 min")] = Field(
        default=30 * SECOND, examples=["30 s"]
    )
    redis: Annotated[Duration, from_to("100 ms", "1 min")] = Field(
        default=2 * SECOND, examples=["2 s"]
    )
    recovery: Annotated[Duration, from_to("10 s", "24 h")] = Field(
        default=10 * MINUTE, examples=["10 min"]
    )
    stall: Annotated[Duration, from_to("5 s", "1 h")] = Field(
        default=60 * SECOND, examples=["60 s"]
    )
    stop: Annotated[Duration, from_to("1 s", "5 min")] = Field(
        default=10 * SECOND, examples=["10 s"]
    )


class ClusterSection(Section):
    """The whole of `kontaktpuls.yaml`."""

    version: Literal[1] = Field(default=1, examples=["1"])
    brokers: Brokers = Field(examples=["[kafka-1:9092, kafka-2:9092]"])
    application_id: Slug = Field(default="kontaktpuls", examples=["kontaktpuls"])
    instance_id: Word | None = Field(default=None, examples=["worker-1"])
    partitions: Annotated[int, whole_number(1, 512)] = Field(default=8, examples=["8"])
    replication: Annotated[int, whole_number(1, 7)] = Field(default=3, examples=["3"])
    clock: Literal["wall", "events"] = Field(default="wall", examples=["wall"])
    horizon: Annotated[Duration, from_to("30 days", "400 days")] = Field(
        default=35 * DAY, examples=["35 days"]
    )
    history: Annotated[Duration, from_to("60 days", "3653 days")] = Field(
        default=KEPT, examples=["1096 days"]
    )
    flush_interval: Annotated[Duration, from_to("100 ms", "1 min")] = Field(
        default=1 * SECOND, examples=["1 s"]
    )
    data_dir: FileName = Field(default=Path(".kontaktpuls"), examples=["/var/lib/kontaktpuls"])
    embedded: bool = Field(default=False, examples=["false"])
    security: SecuritySection = Field(default=SecuritySection(), examples=["{protocol: SSL}"])
    redis: RedisSection = Field(default=RedisSection(), examples=["{enabled: false}"])
    web: WebSection = Field(default=WebSection(), examples=["{port: 9464}"])
    links: LinksSection = Field(
        default=LinksSection(), examples=["{boards: https://grafana.example}"]
    )
    alerts: AlertsSection = Field(
        default=AlertsSection(), examples=["{mail: drift@exempelkommun.example}"]
    )
    exports: ExportsSection = Field(default=ExportsSection(), examples=['{at: "Monday 06:00"}'])
    timeouts: TimeoutsSection = Field(default=TimeoutsSection(), examples=["{redis: 2 s}"])

    @field_validator("history")
    @classmethod
    def _longer_than_the_horizon(cls, history: int, info: ValidationInfo) -> int:
        horizon = info.data.get("horizon", 0)
        if history <= horizon:
            msg = f"is not longer than `horizon`; write more than `{horizon // DAY} days`"
            raise ValueError(msg)
        return history


class Security(msgspec.Struct, frozen=True, kw_only=True):
    """How to speak to Kafka; `password` is given whenever `mechanism` is."""

    protocol: Literal["PLAINTEXT", "SSL", "SASL_SSL"] = "PLAINTEXT"
    mechanism: str | None = None
    username: str | None = None
    password: SecretStr | None = None
    tls: Tls = Tls()


class Cluster(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for every organisation. Durations in microseconds.

    Attributes:
        brokers: `host:port`, several joined by commas.
        app_id: prefix of the changelog's name, and the consumer group.
        instance_id: static group membership; `None` = a new member at each start.
        partitions, replication: of every topic.
        clock: whose time `as_of` follows.
        horizon: how long single contacts are kept.
        history: how long hourly counts are kept.
        flush_interval: longest time between two flushes under backlog.
        data_dir: what Faust itself writes, and what sources remember.
        embedded: the broker is the embedded one (memory only, one record a batch).
        redis_url: without password; `None` = no Redis.
        redis_username, redis_password, redis_tls: whom Redis knows us as, and whom we believe.
        redis_ttl: how long a live snapshot stays.
        web_host, web_port: where metrics, health and boards are served.
        web_hosts: further names under which browsers may ask for boards.
        runbooks, boards: where the messages of alerts lead to, without a slash at the end.
        alerts: whom Alertmanager writes to, and how.
        exports: when weeks are exported, and what of.
        request_timeout, produce_timeout, redis_timeout: for one answer of Kafka or Redis.
        recovery_timeout: for reading the changelog after an assignment.
        stall_timeout: without progress, before the worker gives up and exits.
        stop_timeout: for a clean stop.
    """

    brokers: str
    app_id: str
    instance_id: str | None
    partitions: int
    replication: int
    clock: Literal["wall", "events"]
    horizon: int
    flush_interval: int
    data_dir: Path
    embedded: bool
    security: Security
    redis_url: str | None
    redis_password: SecretStr | None
    redis_ttl: int
    web_host: str
    web_port: int
    request_timeout: int
    produce_timeout: int
    redis_timeout: int
    recovery_timeout: int
    stall_timeout: int
    stop_timeout: int
    runbooks: str = RUNBOOKS
    boards: str = BOARDS
    alerts: Alerting = Alerting()
    exports: Exports = Exports()
    web_hosts: tuple[str, ...] = ()
    history: int = KEPT
    redis_username: str | None = None
    redis_tls: Tls = Tls()


def build_cluster(
    section: ClusterSection,
    *,
    kafka_password: SecretStr | None,
    redis_password: SecretStr | None,
    smtp_password: SecretStr | None,
    config_dir: Path,
) -> Cluster:
    """The settings of a file that is right; file names in it are relative to `config_dir`."""
    security, redis, limits = section.security, section.redis, section.timeouts
    return Cluster(
        brokers=",".join(section.brokers),
        app_id=section.application_id,
        instance_id=section.instance_id,
        partitions=section.partitions,
        replication=section.replication,
        clock=section.clock,
        horizon=section.horizon,
        history=section.history,
        flush_interval=section.flush_interval,
        data_dir=section.data_dir,
        embedded=section.embedded,
        security=Security(
            protocol=security.protocol,
            mechanism=(security.mechanism or "SCRAM-SHA-512")
            if security.protocol == SASL
            else None,
            username=security.username,
            password=kafka_password,
            tls=build_tls(security, config_dir),
        ),
        redis_url=redis.url if redis.enabled else None,
        redis_username=redis.username,
        redis_password=redis_password,
        redis_tls=build_tls(redis, config_dir),
        redis_ttl=redis.snapshot_ttl,
        web_host=section.web.host,
        web_port=section.web.port,
        web_hosts=tuple(section.web.hosts),
        request_timeout=limits.request,
        produce_timeout=limits.produce,
        redis_timeout=limits.redis,
        recovery_timeout=limits.recovery,
        stall_timeout=limits.stall,
        stop_timeout=limits.stop,
        runbooks=section.links.runbooks,
        boards=section.links.boards,
        alerts=section.alerts.build(),
        exports=section.exports.build(section.data_dir, smtp_password),
    )


def build_tls(section: SecuritySection | RedisSection, config_dir: Path) -> Tls:
    """The files of a section, from wherever one stands."""
    found = {key: getattr(section, key) for key in TLS_FILES}
    return Tls(**{key: config_dir / path for key, path in found.items() if path is not None})
