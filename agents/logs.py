"""Log events with their context: for people on a terminal, as JSON lines anywhere else."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, TextIO

import structlog

if TYPE_CHECKING:
    from collections.abc import Collection

    from structlog.typing import Processor

OURS = "kontaktpuls"
"""Our own loggers are named `kontaktpuls.MODULE`.

Faust names the loggers of subclasses after *our* modules and tells every rebalance through them in
tables of many lines; what matters of that we log ourselves.
"""


def configure_logging(
    stream: TextIO | None = None, *, level: int = logging.INFO, quiet: Collection[str] = ()
) -> None:
    """Send our own events and those of the libraries to one stream, standard error by default.

    What the loggers in `quiet` complain of is told by somebody else, once and not at every attempt.
    """
    out = sys.stderr if stream is None else stream
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    # Plain tracebacks: the variables in them may hold what citizens wrote, or a password.
    if out.isatty():
        plain = structlog.dev.plain_traceback
        last.append(structlog.dev.ConsoleRenderer(exception_formatter=plain))
    else:
        last += [
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=last)
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger(OURS).setLevel(level)
    for name in quiet:
        logging.getLogger(name).setLevel(logging.CRITICAL)
