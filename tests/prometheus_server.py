"""A Prometheus that keeps what it knows when it is started again, and can be given a past."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from tests.monitoring import Prometheus, tool

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

WAIT = 40
"""Seconds; most of them are for a machine with other work."""


class LastingPrometheus(Prometheus):
    """One whose samples live in a folder of the test; each `with` goes on with them."""

    every: ClassVar[str] = "2s"

    def __init__(self, folder: Path, rules: Mapping[str, str], *, worker: str) -> None:
        """`rules` are texts by file name; `worker` is `host:port`."""
        super().__init__(rules, worker=worker, alertmanager=None, log=folder / "prometheus.log")
        self._folder = folder

    def program(self, scratch: Path) -> Sequence[str]:
        """The command line, with another place for the samples."""
        kept = [argument for argument in super().program(scratch) if "storage" not in argument]
        return [
            *kept,
            f"--storage.tsdb.path={self._folder / 'data'}",
            "--storage.tsdb.retention.time=400d",
        ]

    def backfill(self, text: str) -> None:
        """Gives it samples of the past, in the OpenMetrics format, while it does not run."""
        past = self._folder / "past.om"
        past.write_text(f"{text}# EOF\n", encoding="utf-8")
        subprocess.run(
            [
                tool("promtool"),
                "tsdb",
                "create-blocks-from",
                "openmetrics",
                str(past),
                str(self._folder / "data"),
            ],
            check=True,
            capture_output=True,
            timeout=60,
        )

    def label_values(self, series: str, label: str) -> list[str]:
        """The values of a label of a series, as Grafana asks for those of a variable."""
        answer = self.ask(f"/api/v1/label/{label}/values", **{"match[]": series})
        values: list[str] = answer["data"]
        return values


def until(done: Callable[[], Any], otherwise: str, *, wait: float = WAIT) -> None:
    """Waits for something to become true."""
    deadline = time.monotonic() + wait
    while not done():
        if time.monotonic() > deadline:
            pytest.fail(otherwise)
        time.sleep(0.2)
