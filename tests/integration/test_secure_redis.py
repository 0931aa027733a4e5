"""Redis with TLS, passwords and rights: all of it works, and every refusal says what is wrong."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from redis import Redis
from redis.exceptions import NoPermissionError, RedisError

from agents.doctor import examine_redis
from agents.exports.lock import ExportLock
from agents.exports.reading import connect, has_days, newest_truth, read_truths
from agents.redis_clients import redis_options
from agents.settings import Settings, load_settings
from agents.sinks.redis import RedisSink, connect_redis
from streams.conventions import PREFIX, redis_snapshot
from streams.instants import MINUTE, SECOND
from tests.certificates import Authority, needs_openssl
from tests.integration.test_redis_sink import entered, heartbeat, new_desk, tell
from tests.secure_redis import (
    READER,
    REDIS_PASSWORDS,
    WORKER,
    SecureRedis,
    require_redis_server,
    users_in_the_manual,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.integration, needs_openssl]

CONFIG = Path(__file__).parents[2] / "config"
TOWN = "provkommun"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureRedis]:
    """One such server, with the users of the manual."""
    require_redis_server()
    with SecureRedis(tmp_path_factory.mktemp("secure-redis")) as running:
        yield running


def settings(server: SecureRedis, user: str = WORKER, **environ: str) -> Settings:
    """The settings of one of its clients."""
    variables = {
        "REDIS_URL": server.url,
        "REDIS_USERNAME": user,
        "REDIS_PASSWORD": REDIS_PASSWORDS[user],
        "REDIS_CA_FILE": str(server.authority.file),
        "CLOCK": "events",
    }
    return load_settings(
        CONFIG, environ={f"KONTAKTPULS_{name}": v for name, v in (variables | environ).items()}
    )


def url_of(configured: Settings) -> str:
    """Where Redis is."""
    assert configured.cluster.redis_url is not None
    return configured.cluster.redis_url


async def flush_and_refill(configured: Settings) -> None:
    """What a worker does: write, correct, notice that Redis was emptied, fill it again."""
    redis = connect_redis(configured.cluster, url_of(configured))
    sink = RedisSink(redis, clock=None, snapshot_ttl=30 * SECOND)
    desk = new_desk()
    tell(desk, entered("a"), heartbeat(MINUTE))
    while await sink(desk):
        pass
    tell(desk, entered("b", 2 * MINUTE), heartbeat(3 * MINUTE), first_offset=2)
    while await sink(desk):
        pass
    await sink.close()


async def take_and_give_back(configured: Settings) -> int:
    """What a worker does to be the only one that exports."""
    async with (
        connect_redis(configured.cluster, url_of(configured)) as redis,
        ExportLock(redis, f"{TOWN}|2026-W47") as lock,
    ):
        assert await lock.take(above=6)
        await lock.check()
        return lock.token


def test_a_worker_gets_along_with_the_rights_in_the_manual(server: SecureRedis) -> None:
    """It writes and fills, locks, shows boards, and its doctor sees the clock."""
    configured = settings(server)
    asyncio.run(flush_and_refill(configured))
    token = asyncio.run(take_and_give_back(configured))
    answers, clock = list(examine_redis(configured.cluster, lambda: 0))
    with server.admin() as redis:
        held = set(redis.scan_iter("*"))

    assert token == 7
    assert (answers.fact, clock.subject) == ("answers", "clock of Redis")
    assert redis_snapshot(TOWN, "calls") in held
    assert all(str(name).startswith(f"{PREFIX}:") for name in held)


def test_a_reader_reads_and_changes_nothing(server: SecureRedis) -> None:
    """An export by hand, and programs of your own, need no more."""
    asyncio.run(flush_and_refill(settings(server)))
    with connect(settings(server, READER).cluster) as redis:
        live = redis.mget([redis_snapshot(TOWN, "calls")])
        days = has_days(redis, [TOWN])
        truths = read_truths(redis, TOWN)
        newest = newest_truth(redis, [TOWN])
        with pytest.raises(NoPermissionError):
            redis.set(redis_snapshot(TOWN, "calls"), "{}")

    assert live != [None]
    assert days == {TOWN: True}
    assert newest == truths["calls"].as_of


@pytest.mark.parametrize(
    "command",
    [
        ["FLUSHALL"],
        ["CONFIG", "GET", "*"],
        ["KEYS", "*"],
        ["ACL", "LIST"],
        ["GET", "somebody:else"],
        ["SET", "somebody:else", "1"],
        ["EVAL", "return redis.call('SET', KEYS[1], '1')", "1", "somebody:else"],
        ["EVAL", "return redis.call('SET', 'somebody:else', '1')", "0"],
        ["EVAL", "return redis.call('FLUSHALL')", "0"],
        ["SHUTDOWN"],
        ["PUBLISH", "somebody", "1"],
        ["REPLICAOF", "NO", "ONE"],
    ],
)
def test_whoever_has_a_workers_password_has_nothing_else(
    server: SecureRedis, command: list[str]
) -> None:
    """Neither what others keep in the same Redis, nor the server."""
    configured = settings(server)
    with (
        Redis.from_url(url_of(configured), **redis_options(configured.cluster)) as redis,
        pytest.raises(RedisError, match=r"(?i)no permissions|can't (run|access)"),
    ):
        redis.execute_command(*command)


def test_nobody_comes_in_without_a_name(server: SecureRedis) -> None:
    """The user that every Redis has from the beginning is switched off."""
    with (
        Redis.from_url(server.url, ssl_ca_certs=str(server.authority.file)) as redis,
        pytest.raises(RedisError, match=r"authenticate|Authentication required"),
    ):
        redis.ping()


@pytest.mark.parametrize(
    ("environ", "reason"),
    [
        pytest.param(
            {"REDIS_PASSWORD": "kp-Weasel-is-wrong"},
            "invalid username-password pair",
            id="wrong password",
        ),
        pytest.param(
            {"REDIS_CA_FILE": "{stranger}"},
            "certificate verify failed",
            id="unknown authority",
        ),
        pytest.param(
            {"REDIS_URL": "rediss://localhost:{port}/0"},
            "Hostname mismatch, certificate is not valid for 'localhost'",
            id="certificate of another host",
        ),
        pytest.param(
            {"REDIS_URL": "redis://127.0.0.1:{port}/0", "REDIS_CA_FILE": ""},
            "Connection",
            id="without TLS",
        ),
    ],
)
def test_every_refusal_is_told_and_never_the_password(
    server: SecureRedis, tmp_path: Path, environ: dict[str, str], reason: str
) -> None:
    """By the doctor in a line; by the sink as an error that names no secret."""
    stranger = Authority(tmp_path)
    names: dict[str, Any] = {"stranger": stranger.file, "port": server.port}
    configured = settings(server, **{key: text.format(**names) for key, text in environ.items()})
    (found,) = examine_redis(configured.cluster, lambda: 0)

    with pytest.raises((RedisError, OSError)) as refused:
        asyncio.run(flush_and_refill(configured))
    assert reason in found.fact
    assert found.remedy is not None
    for said in (found.fact, found.remedy, repr(refused.value)):
        assert not any(password in said for password in REDIS_PASSWORDS.values())
        assert "Weasel" not in said


def test_a_client_proves_itself_by_its_certificate(tmp_path: Path) -> None:
    """Where Redis demands one, it is sent; without, there is no connection."""
    require_redis_server()
    with SecureRedis(tmp_path, of_clients=True) as server:
        shown = {
            "REDIS_CERTIFICATE_FILE": str(server.client.file),
            "REDIS_KEY_FILE": str(server.client.key),
        }
        with_one = list(examine_redis(settings(server, **shown).cluster, lambda: 0))
        without = list(examine_redis(settings(server).cluster, lambda: 0))

    assert with_one[0].fact == "answers"
    assert "does not answer" in without[0].fact


def test_the_manual_names_every_user_that_it_speaks_of() -> None:
    """No password is left as the manual writes it."""
    users = users_in_the_manual()

    assert f"user {WORKER} on >{REDIS_PASSWORDS[WORKER]} " in users
    assert f"user {READER} on >{REDIS_PASSWORDS[READER]} " in users
