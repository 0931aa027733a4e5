"""`kontaktpuls demo`: everything at once on one machine, and nothing left of it afterwards."""

from __future__ import annotations

import http.client
import os
import signal
import sys
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.live import Live

from agents.children import Child
from agents.embedded import EmbeddedRedis, Tansu, free_port, is_free
from agents.glance import has_numbers, read_metrics, render_glance
from agents.settings import load_settings
from agents.settings.addresses import LOOPBACK
from agents.topic_admin import create_topics
from streams.errors import KontaktpulsError
from streams.simulation import SCENARIOS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agents.settings import Settings

LOGS = Path(".demo")
BIN = ".venv/bin/" if Path(".venv/bin/kontaktpuls").exists() else ""
PARTITIONS = 2
PLAYED = "exempelkommun"
LOOK_EVERY = 1.0


class DemoError(KontaktpulsError):
    """A part of the demo ended by itself."""


def demo(
    speed: Annotated[
        float, typer.Option(min=0.1, help="How much faster than life; 1 is real time.")
    ] = 60.0,
    seed: Annotated[int, typer.Option(help="The same seed plays the same weeks.")] = 1,
    scenario: Annotated[
        str, typer.Option(help=f"What kind of weeks: {', '.join(SCENARIOS)}.")
    ] = "ordinary",
    config: Annotated[
        Path | None, typer.Option(help="The folder of the configuration.", show_default="config")
    ] = None,
) -> None:
    """Play a municipal contact centre on this machine until Ctrl-C."""
    # Whoever stops a container or closes the terminal means the same as Ctrl-C.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    console = Console()
    try:
        with ExitStack() as running:
            began = time.monotonic()
            settings, children = start_everything(
                running, speed=speed, seed=seed, scenario=scenario, config=config
            )
            redis_url = settings.cluster.redis_url or ""
            url = f"http://{LOOPBACK}:{settings.cluster.web_port}"
            typer.echo(where_to_look(url, speed, settings.cluster.brokers, redis_url))
            watch(console, settings, children, url=url, began=began)
    except KeyboardInterrupt:
        console.print("stopped; nothing is left running")
    except (KontaktpulsError, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


def start_everything(
    running: ExitStack, *, speed: float, seed: int, scenario: str, config: Path | None
) -> tuple[Settings, Sequence[Child]]:
    """Broker, Redis, topics, a worker and the simulator; they stop when `running` ends."""
    broker = running.enter_context(Tansu(log=LOGS / "tansu.log"))
    redis = running.enter_context(EmbeddedRedis(log=LOGS / "redis.log"))
    wished = load_settings(config).cluster.web_port
    environment = {
        "KONTAKTPULS_BROKERS": broker.brokers,
        "KONTAKTPULS_CLOCK": "events",
        "KONTAKTPULS_DATA_DIR": str(LOGS / "faust"),
        "KONTAKTPULS_EMBEDDED": "true",
        "KONTAKTPULS_PARTITIONS": str(PARTITIONS),
        "KONTAKTPULS_REDIS_URL": redis.url,
        "KONTAKTPULS_REPLICATION": "1",
        "KONTAKTPULS_WEB_HOST": LOOPBACK,
        "KONTAKTPULS_WEB_PORT": str(wished if is_free(wished) else free_port()),
    }
    settings = load_settings(config, environ={**os.environ, **environment})
    if config is not None:
        environment["KONTAKTPULS_CONFIG"] = str(config)
    create_topics(settings.cluster)
    worker = running.enter_context(start("worker", ["worker"], environment))
    play = ["simulate", "--organisation", PLAYED, "--speed", str(speed), "--seed", str(seed)]
    play += ["--scenario", scenario]
    simulator = running.enter_context(start("simulate", play, environment))
    servers = [service.child for service in (broker, redis) if service.child is not None]
    return settings, [*servers, worker, simulator]


def start(name: str, arguments: Sequence[str], environment: Mapping[str, str]) -> Child:
    """A command of ours as a child, its output in the folder of logs."""
    program = [sys.executable, "-m", "agents", *arguments]
    return Child(name, program, log=LOGS / f"{name}.log", environment=environment)


def where_to_look(url: str, speed: float, brokers: str, redis_url: str) -> str:
    """What to try while it runs."""
    pace = "in real time" if speed == 1 else f"at {speed:g} times the speed of life"
    return (
        f"A municipal contact centre {pace}; Ctrl-C ends it.\n\n"
        f"  {url}/board/{PLAYED}    <- open this one in a browser\n\n"
        f"  curl {url}/metrics | grep kontaktpuls_calls_service_level_ratio\n"
        f"  curl {url}/metrics | grep kontaktpuls_queue_waiting\n"
        f"  curl {url}/metrics | grep kontaktpuls_emails_due_within\n"
        f"  curl {url}/readyz\n"
        f"  KONTAKTPULS_BROKERS={brokers} {BIN}kontaktpuls dead-letters list\n\n"
        "The report that goes out on Mondays, of the week as far as it has come:\n"
        f"  KONTAKTPULS_CLOCK=events KONTAKTPULS_REDIS_URL={redis_url} {BIN}kontaktpuls export "
        f"--week current --out {LOGS}/exports\n\n"
        "It is Monday, five to eight. Watch the queues of the morning, the waits at lunch,\n"
        f"and a Tuesday when people are ill. What each process says: {LOGS}/*.log\n"
    )


def watch(
    console: Console, settings: Settings, children: Sequence[Child], *, url: str, began: float
) -> None:
    """Show the main KPIs until interrupted; `DemoError` when a child ends by itself."""
    first_after: float | None = None
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while True:
            check(children)
            samples = read_metrics(scrape(f"{url}/metrics"))
            if first_after is None and has_numbers(samples):
                first_after = time.monotonic() - began
                console.print(f"first numbers after {first_after:.0f} s", highlight=False)
            if console.is_terminal:
                live.update(render_glance(samples, settings.organisations), refresh=True)
            time.sleep(LOOK_EVERY)


def check(children: Sequence[Child]) -> None:
    """`DemoError` when one has ended, with what it said last."""
    for child in children:
        code = child.poll()
        if code is not None:
            msg = (
                f"`{child.name}` ended by itself with {code}; the end of {child.log}:\n"
                f"{child.last_lines()}"
            )
            raise DemoError(msg)


def scrape(url: str) -> str:
    """The text at a loopback address; empty while nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=2.0) as answer:  # noqa: S310 - our own address
            text: str = answer.read().decode()
            return text
    except (OSError, http.client.HTTPException):
        return ""
