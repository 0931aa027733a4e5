"""Certificates in `kontaktpuls.yaml`: what goes together, what cannot be used, what arrives."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agents.redis_clients import redis_options
from agents.settings import SettingsError, load_settings
from tests.certificates import Authority, needs_openssl

if TYPE_CHECKING:
    from agents.settings.cluster import Cluster

CONFIG = Path(__file__).parents[2] / "config"


def load(folder: Path, section: str) -> Cluster:
    """The settings with a section."""
    shutil.copytree(CONFIG / "organisations", folder / "organisations")
    text = f"version: 1\nbrokers: kafka-1:9092\n{section}\n"
    (folder / "kontaktpuls.yaml").write_text(text, encoding="utf-8")
    return load_settings(folder, environ={}).cluster


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        (
            "security: {protocol: SSL, certificate_file: a.pem}",
            (
                "security.key_file: `certificate_file` and `key_file` belong together; write "
                "both, or take both out"
            ),
        ),
        (
            "security: {protocol: SSL, key_file: a.key}",
            (
                "security.key_file: `certificate_file` and `key_file` belong together; write "
                "both, or take both out"
            ),
        ),
        (
            "redis: {url: 'rediss://redis:6379/0', key_file: a.key}",
            (
                "redis.key_file: `certificate_file` and `key_file` belong together; write both, or "
                "take both out"
            ),
        ),
        (
            "redis: {url: 'redis://redis:6379/0', ca_file: ca.pem}",
            "redis.ca_file: has no effect without TLS; write `url: rediss://...` or take it out",
        ),
        (
            "redis: {url: 'redis://me@redis:6379/0', username: you}",
            "redis.username: `url` names a user too; keep one of them",
        ),
        (
            "redis: {url: 'rediss://redis:6379/0', ca_file: none.pem}",
            (
                "redis.ca_file: `{folder}/none.pem` is no file; write the name of one with "
                "certificates"
            ),
        ),
        (
            "security: {protocol: SSL, ca_file: kontaktpuls.yaml}",
            (
                "security.ca_file: `{folder}/kontaktpuls.yaml` holds no certificates (no "
                "certificate or crl found); write PEM"
            ),
        ),
    ],
)
def test_what_does_not_go_together_is_told(tmp_path: Path, section: str, problem: str) -> None:
    """By file, line and key, before anything is connected."""
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, section)

    assert str(caught.value).endswith(f"kontaktpuls.yaml:3: {problem.format(folder=tmp_path)}")


@needs_openssl
def test_a_key_of_another_certificate_is_told(tmp_path: Path) -> None:
    """And not at the first connection."""
    authority = Authority(tmp_path / "tls")
    mine, other = authority.issue("mine"), authority.issue("other")

    with pytest.raises(SettingsError, match=r"write PEM files that belong together"):
        load(
            tmp_path,
            f"security: {{protocol: SSL, certificate_file: {mine.file}, key_file: {other.key}}}",
        )


@needs_openssl
def test_file_names_are_relative_to_the_configuration(tmp_path: Path) -> None:
    """Those of Kafka and those of Redis."""
    authority = Authority(tmp_path / "tls")
    authority.issue("mine")
    files = "ca_file: tls/ca.pem, certificate_file: tls/mine.crt, key_file: tls/mine.key"
    cluster = load(
        tmp_path,
        f"security: {{protocol: SSL, {files}}}\n"
        f"redis: {{url: 'rediss://redis:6379/0', username: me, {files}}}",
    )
    options = redis_options(cluster)

    assert cluster.security.tls == cluster.redis_tls
    assert cluster.security.tls.key_file == tmp_path / "tls" / "mine.key"
    assert options["username"] == "me"
    assert options["ssl_ca_certs"] == str(authority.file)
    assert options["ssl_certfile"] == str(tmp_path / "tls" / "mine.crt")
