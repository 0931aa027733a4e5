"""Logs are events with context: readable for machines, silent about what passes through."""

from __future__ import annotations

import io
import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from agents.logs import configure_logging

if TYPE_CHECKING:
    from collections.abc import Iterator


class FakeTerminal(io.StringIO):
    """A stream that a person looks at."""

    def isatty(self) -> bool:
        """Yes."""
        return True


@pytest.fixture(autouse=True)
def _leave_logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    """What was logged."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_every_line_is_one_event_with_its_context() -> None:
    """For whatever collects logs from containers."""
    stream = io.StringIO()
    configure_logging(stream)
    structlog.stdlib.get_logger("kontaktpuls.test").info("recovered", rows=17, name="Växjö")
    [event] = lines(stream)

    assert event.pop("timestamp").endswith("Z")
    assert event == {
        "event": "recovered",
        "rows": 17,
        "name": "Växjö",
        "level": "info",
        "logger": "kontaktpuls.test",
    }


def test_libraries_speak_in_the_same_form_but_only_when_something_is_wrong() -> None:
    """Faust names loggers after our own modules, too."""
    stream = io.StringIO()
    configure_logging(stream)
    logging.getLogger("faust.tables").info("a table of forty lines")
    logging.getLogger("agents.app").info("[^-App]: Stopping...")
    logging.getLogger("aiokafka").warning("Heartbeat failed for group %s", "kontaktpuls")

    assert [(event["logger"], event["event"]) for event in lines(stream)] == [
        ("aiokafka", "Heartbeat failed for group kontaktpuls")
    ]


@pytest.mark.parametrize(
    "stream", [pytest.param(io.StringIO(), id="file"), pytest.param(FakeTerminal(), id="terminal")]
)
def test_a_traceback_shows_no_variables(stream: io.StringIO) -> None:
    """They may hold what a citizen wrote, or a password."""
    configure_logging(stream)

    def fail(body: str) -> None:
        raise ValueError(len(body))

    try:
        fail("my neighbour " + "Agda")
    except ValueError as error:
        structlog.stdlib.get_logger("kontaktpuls.test").critical("bug", exc_info=error)

    assert "ValueError: 17" in stream.getvalue()
    assert "neighbour Agda" not in stream.getvalue()


def test_a_person_on_a_terminal_gets_text() -> None:
    """Not JSON."""
    stream = FakeTerminal()
    configure_logging(stream)
    structlog.stdlib.get_logger("kontaktpuls.test").warning("view fails", view="redis")

    assert "view fails" in stream.getvalue()
    assert not stream.getvalue().startswith("{")
