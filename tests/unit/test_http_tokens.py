"""Tokens are random, kept as hashes only, and never repeated in a message."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from agents.commands.source_http import http_token
from agents.settings import SettingsError
from agents.settings.environment import HTTP_TOKENS
from agents.settings.http import HttpSource
from agents.settings.source_file import source_from_text
from agents.sources.http_tokens import (
    TOKEN_BYTES,
    TOKEN_MARK,
    Tokens,
    create_token,
    hash_of,
    load_tokens,
    parse_tokens,
)
from tests.http_source import settings_text

ONE, TWO = hash_of("kp_one"), hash_of("kp_two")


def test_a_token_has_its_full_strength() -> None:
    """32 random bytes, another each time, in letters that fit a header."""
    tokens = {create_token() for _ in range(100)}

    assert len(tokens) == 100
    for token in tokens:
        secret = token.removeprefix(TOKEN_MARK)
        assert len(base64.urlsafe_b64decode(secret + "=")) == TOKEN_BYTES


def test_a_producer_may_have_several_tokens() -> None:
    """While one is replaced by another, both hold."""
    tokens = parse_tokens(f"pbx {ONE}  # of March\n\npbx:{TWO}\r\n", "http.tokens", ["pbx"])

    assert tokens.producer_of("kp_one") == tokens.producer_of("kp_two") == "pbx"
    assert tokens.count("pbx") == 2


@pytest.mark.parametrize(
    "token",
    ["", "kp_", "kp_on", "kp_one ", "kp_onE", "kp_three", ONE, "kp_one" * 1000, "\udcff", "å"],
)
def test_only_the_whole_token_opens(token: str) -> None:
    """Not its beginning, not its hash, and nothing that cannot be a token raises."""
    assert Tokens([("pbx", ONE)]).producer_of(token) is None


def test_every_hash_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time an answer takes must not say which of them was near."""
    compared: list[bytes] = []

    def compare(presented: bytes, known: bytes) -> bool:
        compared.append(known)
        return presented == known

    monkeypatch.setattr("agents.sources.http_tokens.hmac.compare_digest", compare)
    tokens = Tokens([("pbx", ONE), ("cases", TWO)])

    assert tokens.producer_of("kp_one") == "pbx"
    assert compared == [ONE.encode(), TWO.encode()]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (f"pbx {ONE}\npbc {TWO}", "http.tokens:2: (file): begins with no producer"),
        ("kp_a-token-by-mistake", "http.tokens:1: (file): begins with no producer"),
        ("pbx kp_a-token-by-mistake", "http.tokens:1: pbx: is not followed by the SHA-256"),
        ("pbx", "http.tokens:1: pbx: is not followed by the SHA-256"),
        (f"pbx {ONE.upper()}", "is not followed by the SHA-256"),
        (f"pbx {ONE}\ncases {ONE}", "http.tokens:2: cases: has the token of `pbx`"),
        (f"pbx {ONE}", "http.tokens: cases: has no token"),
        ("", "http.tokens: pbx: has no token"),
    ],
)
def test_a_wrong_line_is_named_and_not_repeated(text: str, complaint: str) -> None:
    """What stands there may be a token in the wrong place."""
    with pytest.raises(SettingsError) as refused:
        parse_tokens(text, "http.tokens", ["pbx", "cases"])

    assert complaint in str(refused.value)
    assert "by-mistake" not in str(refused.value)


def source_of(**changes: str) -> HttpSource:
    """Settings with one producer after another."""
    return source_from_text(settings_text(**changes), "http.yaml", HttpSource)


def test_tokens_come_from_a_file_beside_the_settings(tmp_path: Path) -> None:
    """A file that Windows wrote is one too."""
    (tmp_path / "http.tokens").write_text(f"\ufeffpbx {ONE}\r\ncases {TWO}\r\n", encoding="utf-8")
    tokens = load_tokens(source_of(), tmp_path / "http.yaml", {})

    assert tokens.producer_of("kp_two") == "cases"


def test_tokens_may_come_from_the_environment() -> None:
    """Where files are hard to come by, commas stand for line ends."""
    text = settings_text().replace("tokens_file: http.tokens\n", "")
    source = source_from_text(text, "http.yaml", HttpSource)
    tokens = load_tokens(source, Path("http.yaml"), {HTTP_TOKENS: f"pbx:{ONE},cases:{TWO}"})

    assert tokens.producer_of("kp_one") == "pbx"
    with pytest.raises(SettingsError, match="environment: cases: has no token"):
        load_tokens(source, Path("http.yaml"), {HTTP_TOKENS: f"pbx:{ONE}"})
    with pytest.raises(SettingsError, match="write the name of a file with tokens"):
        load_tokens(source, Path("http.yaml"), {})


@pytest.mark.parametrize(
    ("environ", "complaint"),
    [({HTTP_TOKENS: f"pbx {ONE}"}, "keep one of them"), ({}, "No such file or directory")],
)
def test_it_is_said_where_tokens_are_missing(
    tmp_path: Path, environ: dict[str, str], complaint: str
) -> None:
    """Neither both places nor none."""
    with pytest.raises(SettingsError, match=complaint):
        load_tokens(source_of(), tmp_path / "http.yaml", environ)


def run(*arguments: str) -> tuple[int, str, str]:
    """Exit code and outputs of `kontaktpuls source http-token`."""
    app = typer.Typer()
    app.command()(http_token)
    result = CliRunner().invoke(app, arguments)
    return result.exit_code, result.stdout, result.stderr


def test_the_command_keeps_only_the_hash(tmp_path: Path) -> None:
    """The token is printed once; the file is its owner's alone and says who may open it with."""
    path = tmp_path / "http.tokens"
    first = run("pbx", "--append-to", str(path))
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    second = run("cases", "--append-to", str(path))
    tokens = parse_tokens(path.read_text(encoding="utf-8"), str(path), ["pbx", "cases"])

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for (code, out, err), owner in ((first, "pbx"), (second, "cases")):
        assert (code, err) == (0, "")
        assert tokens.producer_of(out.strip()) == owner
        assert out.strip() not in path.read_text(encoding="utf-8")


def test_without_a_file_the_line_is_shown_beside_the_token() -> None:
    """On standard error, so that the token alone can be piped on."""
    code, out, err = run("pbx")

    assert code == 0
    assert err.strip().endswith(f"pbx {hash_of(out.strip())}")
    assert out.strip() not in err


@pytest.mark.parametrize("arguments", [["other"], ["a b"], ["pbx", "--append-to", "/nowhere/x"]])
def test_a_token_that_could_not_be_used_is_not_made(arguments: list[str]) -> None:
    """Nothing is printed that somebody might hand out."""
    code, out, err = run(*arguments)

    assert (code, out) == (1, "")
    assert err
