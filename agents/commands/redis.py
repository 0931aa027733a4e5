"""`kontaktpuls redis`: the view that other programs read, written anew from Kafka.

It works with no worker running, and beside running ones, because of the offset it claims. The
committed offset of an event partition is asked for before the changelog is read. Workers commit an
offset only after everything that came before it is in the changelog, so what is read then holds at
least that much, and claims no more: rollups are left alone where a worker wrote them later. And no
worker is refused because of what is written here: the next one to flush has read at least to the
committed offset, and whoever has read as far as what is there may write. (The offsets that rows
carry would not do: a worker killed in the middle of a flush leaves rows of which the first claim
more than the others hold, and the next worker would be refused until it had read so far again.)
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from redis.exceptions import RedisError

from agents.changelog import read_desks
from agents.clock import wall_clock
from agents.settings import load_settings
from agents.sinks.redis import connect_redis
from agents.sinks.redis_filling import Filling
from agents.sinks.redis_rollups import RollupWriter
from streams.errors import KontaktpulsError

if TYPE_CHECKING:
    from agents.settings import Settings
    from agents.sinks.redis_filling import Written
    from streams.desk import Desk


class RebuildError(KontaktpulsError):
    """There is no Redis to write to, or no such organisation."""


def rebuild(
    organisation: Annotated[
        list[str] | None,
        typer.Option(help="Only this one; may be repeated.", show_default="all of them"),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="The folder of the configuration.", show_default="config")
    ] = None,
) -> None:
    """Write every rollup into Redis anew, from what the workers stored in Kafka."""
    try:
        settings = load_settings(config)
        newer = _rebuild(settings, _chosen(settings, organisation))
    except KontaktpulsError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    except RedisError as error:
        typer.echo(
            f"`{settings.cluster.redis_url}` does not take it: {error}; repeat it, it writes "
            "everything again",
            err=True,
        )
        raise typer.Exit(1) from None
    if newer:
        typer.echo(f"{newer:,} were left as a worker wrote them, which had read further")


def _chosen(settings: Settings, names: list[str] | None) -> list[str]:
    unknown = sorted(set(names or ()) - settings.organisations.keys())
    if unknown:
        known = ", ".join(f"`{name}`" for name in sorted(settings.organisations))
        msg = f"no organisation `{unknown[0]}` in the configuration; write one of {known}"
        raise RebuildError(msg)
    return names or list(settings.organisations)


def _rebuild(settings: Settings, names: list[str]) -> int:
    """Write what the desks know; how much was left as somebody newer wrote it."""
    cluster = settings.cluster
    if cluster.redis_url is None:
        msg = "there is no Redis: `redis.enabled` is `false`"
        raise RebuildError(msg)
    newer = 0
    asyncio.run(_ping(settings, cluster.redis_url))
    for desk in read_desks(settings, names, tell=lambda line: typer.echo(line, err=True)):
        written = asyncio.run(_write(settings, cluster.redis_url, desk))
        for name, what in sorted(written.items()):
            typer.echo(f"{name} {desk.channel}: {what.days:,} days, {what.rollups:,} rollups")
            newer += what.newer
    return newer


async def _ping(settings: Settings, redis_url: str) -> None:
    """Reading Kafka may take minutes; find out first whether it is worth it."""
    async with connect_redis(settings.cluster, redis_url) as redis:
        await redis.ping()


async def _write(settings: Settings, redis_url: str, desk: Desk) -> dict[str, Written]:
    now = wall_clock() if settings.cluster.clock == "wall" else None
    as_ofs = {name: book.as_of(now) for name, book in desk.books.items()}
    async with connect_redis(settings.cluster, redis_url) as redis:
        writer = RollupWriter(redis, history=settings.cluster.history)
        filling = Filling(writer, desk, beside=False)
        await filling.go_on({name: as_of for name, as_of in as_ofs.items() if as_of is not None})
    return filling.written
