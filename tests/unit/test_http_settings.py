"""The settings of the HTTP source refuse what would leak tokens or could never work."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.settings import SettingsError, load_settings
from agents.settings.http import HttpSource, load_http_source
from agents.settings.source_file import source_from_text
from tests.http_source import TOWN, settings_text

ROOT = Path(__file__).parents[2]


def read(**changes: str) -> HttpSource:
    """The settings of a text."""
    return source_from_text(settings_text(**changes), "http.yaml", HttpSource)


def load(folder: Path, text: str) -> HttpSource:
    """The settings of a file, checked against one organisation."""
    path = folder / "http.yaml"
    path.write_text(text, encoding="utf-8")
    return load_http_source(path, {TOWN.name: TOWN})


def test_the_example_is_right() -> None:
    """Whoever copies it has a file that works with the example organisation."""
    organisations = load_settings(ROOT / "config").organisations
    source = load_http_source(ROOT / "config/sources/http.example.yaml", organisations)

    assert list(source.producers) == ["exchange", "case-system"]
    assert source.tls is None


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        pytest.param({"host": "192.0.2.7"}, "tokens would travel unencrypted", id="no TLS"),
        pytest.param({"host": "'::'"}, "tokens would travel unencrypted", id="no TLS anywhere"),
        pytest.param(
            {"host": "0.0.0.0", "behind_proxy": "true"},  # noqa: S104 - what is refused
            "is no name that clients ask for",
            id="every interface, under no name",
        ),
        pytest.param({"tls": "{certificate: a.pem}"}, "key: is missing", id="half of TLS"),
        pytest.param({"patience": "2 min"}, "is out of range", id="longer than clients wait"),
        pytest.param({"token": "secret"}, "secrets do not belong in this file", id="a secret"),
        pytest.param({"kind": "imap"}, "write `http`", id="another kind"),
    ],
)
def test_what_is_unsafe_or_senseless_is_refused(changes: dict[str, str], complaint: str) -> None:
    """With the place and what to write instead."""
    with pytest.raises(SettingsError) as refused:
        read(**changes)

    assert complaint in str(refused.value)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"host": "192.0.2.7", "behind_proxy": "true"}, id="behind a proxy"),
        pytest.param(
            {"host": "192.0.2.7", "tls": "{certificate: a.pem, key: a.key}"}, id="with TLS"
        ),
        pytest.param({"host": "127.0.0.5"}, id="another loopback address"),
        pytest.param({"host": "localhost"}, id="the loopback name"),
    ],
)
def test_where_tokens_are_safe_it_listens(changes: dict[str, str]) -> None:
    """Encrypted, behind something that encrypts, or on this machine only."""
    assert read(**changes).host == changes["host"]


def test_its_names_are_compared_in_small_letters() -> None:
    """Clients may write names as they like; those of the loopback interface always hold."""
    source = read(hosts="[Events.Skara.example]")

    assert source.names == {"localhost", "127.0.0.1", "::1", "events.skara.example"}


@pytest.mark.parametrize(
    ("producer", "complaint"),
    [
        (
            "{organisation: skra}",
            "producers.a.organisation: `skra` is not configured; did you mean",
        ),
        ("{organisation: skara, sources: exchang}", "producers.a.sources: `exchang` is no source"),
        ("{organisation: skara, vouch_after: 5 s}", "heartbeats, but of no source"),
        ("{organisation: skara, sources: other}", "`other` is reserved"),
    ],
)
def test_every_name_is_checked_at_the_start(tmp_path: Path, producer: str, complaint: str) -> None:
    """An event that could never be applied is not waited for."""
    text = f"version: 1\nkind: http\nproducers:\n  a: {producer}\n"
    with pytest.raises(SettingsError) as refused:
        load(tmp_path, text)

    assert complaint in str(refused.value)
    assert ":4: " in str(refused.value)


def test_a_file_without_producers_takes_nothing(tmp_path: Path) -> None:
    """A server that nobody may use is a slip."""
    with pytest.raises(SettingsError, match="write at least one producer"):
        load(tmp_path, "version: 1\nkind: http\nproducers: {}\n")
