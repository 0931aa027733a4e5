"""Puts a live queue_log together: state, parser and follower as the last run left them."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import structlog

from agents.clock import wall_clock
from agents.sources.checkpoint import CheckpointFile
from agents.sources.queue_log import create_parser
from agents.sources.queue_log_source import LiveQueueLog
from agents.sources.rotation import Follower
from agents.sources.state_folder import locked, state_folder
from streams.errors import StateError

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator
    from pathlib import Path

    from agents.settings import Cluster
    from agents.settings.queue_log import QueueLogSource
    from agents.sources.checkpoint import Checkpoint
    from agents.sources.meter import Meter
    from agents.sources.outbox import Outbox
    from streams.parsers.queue_log import QueueLogParser

log = structlog.stdlib.get_logger("kontaktpuls.queue_log")

CHECKPOINT = "queue_log.json"
LOCK = "queue_log.lock"


def state_dir(settings: QueueLogSource, cluster: Cluster) -> Path:
    """Where the checkpoint is."""
    if settings.state_dir is not None:
        return settings.state_dir
    return state_folder(cluster.data_dir, settings.organisation, settings.source)


@contextlib.contextmanager
def opened_queue_log(
    settings: QueueLogSource,
    path: Path,
    cluster: Cluster,
    outbox: Outbox,
    meter: Meter,
    *,
    stopping: threading.Event,
) -> Iterator[LiveQueueLog]:
    """A source for the log at `path` that goes on where the last one stopped.

    Raises:
        StateFolderError: another source runs on the same state, or it cannot be written.
        CheckpointError: the state is of another log, or of another version.
        PseudonymKeyError: there is a key for pseudonyms that cannot be used.
    """
    folder = state_dir(settings, cluster)
    with locked(folder, LOCK):
        checkpoints = CheckpointFile(folder / CHECKPOINT)
        parser = create_parser(settings)
        checkpoint = checkpoints.load()
        if checkpoint is not None:
            _restore(parser, checkpoint, checkpoints, settings, path)
        follower = Follower(path, None if checkpoint is None else checkpoint.position)
        log.info(
            "follows a queue_log",
            file=str(path),
            organisation=settings.organisation,
            heartbeats=settings.source,
            state=str(folder),
            resumes=checkpoint is not None,
            people="as pseudonyms" if parser.reads_people else "not read, there is no key",
        )
        yield LiveQueueLog(
            settings,
            follower=follower,
            parser=parser,
            deliver=outbox.deliver,
            checkpoints=checkpoints,
            meter=meter,
            # Whoever replays history with the clock of the events wants the old ones too.
            horizon=cluster.horizon if cluster.clock == "wall" else None,
            clock=wall_clock,
            stopping=stopping,
        )


def _restore(
    parser: QueueLogParser,
    checkpoint: Checkpoint,
    checkpoints: CheckpointFile,
    settings: QueueLogSource,
    path: Path,
) -> None:
    if (checkpoint.log, checkpoint.organisation) != (str(path.absolute()), settings.organisation):
        of = f"it is of `{checkpoint.log}` and `{checkpoint.organisation}`"
        raise checkpoints.unusable(of)
    try:
        parser.restore(checkpoint.parser)
    except StateError as error:
        raise checkpoints.unusable(str(error)) from None
