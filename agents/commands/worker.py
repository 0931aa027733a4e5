"""`kontaktpuls worker`: consumes events, keeps the KPIs, serves `/metrics` and `/board`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from faust.worker import Worker
from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from agents.app import create_app
from agents.board.assets import Assets
from agents.board.feed import Feed
from agents.board.pages import BoardPages
from agents.board.readers import SnapshotReader
from agents.clock import wall_clock
from agents.exporter import create_exposition
from agents.exports.service import ExportService
from agents.kafka_clients import client_options
from agents.kafka_refusals import why_not
from agents.kafka_rights import refuse_missing_rights
from agents.logs import configure_logging
from agents.preflight import RuntimeRefusedError, refuse_partitions
from agents.settings import SettingsError, load_settings
from agents.sinks.redis import connect_redis, create_redis_sink
from agents.topic_admin import topic_specs
from agents.watchdog import Watchdog
from agents.web import WebServer

if TYPE_CHECKING:
    from agents.app import KontaktpulsApp
    from agents.runtime import Runtime
    from agents.settings import Cluster, Settings


def worker(
    config: Annotated[
        Path | None, typer.Option(help="Folder of the configuration; `config` by default.")
    ] = None,
) -> None:
    """Run one worker in the foreground until Ctrl-C or SIGTERM."""
    # What its clients try in vain is told once, as the refusal to start.
    configure_logging(quiet=["kafka"])
    try:
        settings = load_settings(config)
        check_topics(settings.cluster)
        app = compose(settings)
    except (SettingsError, RuntimeRefusedError) as refusal:
        typer.echo(str(refusal), err=True)
        raise typer.Exit(1) from None
    process = Worker(app, quiet=True, override_logging=False, redirect_stdouts=False)
    process.spinner = None
    process.execute_from_commandline()


def compose(settings: Settings) -> KontaktpulsApp:
    """The worker with everything around it: views, web server and watchdog, which runs at once."""
    views = {}
    if settings.cluster.redis_url is not None:
        views["redis"] = create_redis_sink(settings, settings.cluster.redis_url, wall_clock)
    app = create_app(settings, clock=wall_clock, on_flushed=views)
    watchdog = Watchdog(app.runtime.vitals, app.runtime.limits)
    if (exports := compose_exports(app.runtime)) is not None:
        app.early.append(exports)
    pages = compose_boards(app.runtime)
    app.early.append(
        WebServer(
            app.runtime,
            exposition=create_exposition(app.runtime, wall_clock),
            ailing=watchdog.reason,
            host=settings.cluster.web_host,
            port=settings.cluster.web_port,
            names=settings.cluster.web_hosts,
            mount=pages.mount,
        )
    )
    watchdog.start()
    return app


def compose_exports(runtime: Runtime) -> ExportService | None:
    """The schedule of weekly exports; nothing falls due by itself where events tell the time."""
    cluster = runtime.settings.cluster
    if cluster.redis_url is None or cluster.clock == "events" or not cluster.exports.enabled:
        return None
    return ExportService(
        runtime.settings,
        runtime.exports,
        redis=connect_redis(cluster, cluster.redis_url),
        clock=wall_clock,
        is_ready=lambda: not runtime.recovering,
        is_stopping=lambda: runtime.vitals.stopping_since is not None,
    )


def compose_boards(runtime: Runtime) -> BoardPages:
    """The boards of every organisation, read on a connection of their own."""
    settings = runtime.settings
    cluster, assets = settings.cluster, Assets()
    redis = None if cluster.redis_url is None else connect_redis(cluster, cluster.redis_url)
    feed = Feed(
        settings.organisations,
        cluster.clock,
        read=SnapshotReader(runtime, redis, clock=wall_clock),
        clock=wall_clock,
        version=assets.version,
    )
    return BoardPages(settings.organisations, feed, assets)


def check_topics(cluster: Cluster) -> None:
    """Refuse to start without the topics and the rights, or with other partition counts.

    Raises:
        RuntimeRefusedError: says which, and what to do.
    """
    counts: dict[str, int | None] = dict.fromkeys(spec.name for spec in topic_specs(cluster))
    try:
        admin = KafkaAdminClient(**client_options(cluster))
        try:
            topics = admin.describe_topics(list(counts))
            refuse_missing_rights(admin, cluster, topics)
            for topic in topics:
                if topic["error_code"] == 0:
                    counts[topic["name"]] = len(topic["partitions"])
        finally:
            admin.close()
    except KafkaError as error:
        raise RuntimeRefusedError(why_not(cluster, error)) from error
    refuse_partitions(counts, cluster.partitions)
