"""Debian's Prometheus and Alertmanager on loopback ports, configured as in the checkout."""

from __future__ import annotations

import json
import os
import shutil
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from ruamel.yaml import YAML

from agents.embedded import EmbeddedService

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LOOPBACK = "127.0.0.1"
CONFIG = Path(__file__).parents[1] / "config"
PACKAGES = {
    "prometheus": "prometheus",
    "promtool": "prometheus",
    "prometheus-alertmanager": "prometheus-alertmanager",
    "amtool": "prometheus-alertmanager",
    "redis-server": "redis-server",
}
OUR_JOB = "kontaktpuls"


def tool(name: str) -> str:
    """The path of a program; without it the test is skipped, or fails if REQUIRE_PROMETHEUS."""
    path = shutil.which(name)
    if path is not None:
        return path
    reason = f"`{name}` is not installed; it is in Debian's package `{PACKAGES[name]}`"
    if os.environ.get("REQUIRE_PROMETHEUS"):
        pytest.fail(reason)
    pytest.skip(reason)


class _HttpService(EmbeddedService):
    @property
    def url(self) -> str:
        """Where it answers, without a slash at the end."""
        return f"http://{LOOPBACK}:{self.port}"

    def answers(self) -> bool:
        """Whether it says that it is ready."""
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=2.0) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except OSError:
            return False

    def ask(self, path: str, **parameters: str) -> Any:
        """What its API answers."""
        query = urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(f"{self.url}{path}?{query}", timeout=10.0) as answer:  # noqa: S310
            return json.load(answer)


class Alertmanager(_HttpService):
    """One that stands alone, in Swedish time."""

    name: ClassVar[str] = "alertmanager"

    def __init__(self, config: Path, *, log: Path) -> None:
        """`config` is its `alertmanager.yml`."""
        super().__init__(log=log)
        self._config = config

    def program(self, scratch: Path) -> Sequence[str]:
        """The command line."""
        return [
            "/usr/bin/env", "TZ=Europe/Stockholm", tool("prometheus-alertmanager"),
            f"--config.file={self._config}",
            f"--storage.path={scratch}",
            f"--web.listen-address={LOOPBACK}:{self.port}",
            "--cluster.listen-address=",
        ]  # fmt: skip


class Prometheus(_HttpService):
    """One that asks a worker every second."""

    name: ClassVar[str] = "prometheus"
    every: ClassVar[str] = "1s"

    def __init__(
        self, rules: Mapping[str, str], *, worker: str, alertmanager: str | None, log: Path
    ) -> None:
        """`rules` are texts by file name; `worker` and `alertmanager` are `host:port`."""
        super().__init__(log=log)
        self._rules = rules
        self._worker = worker
        self._alertmanager = alertmanager

    def program(self, scratch: Path) -> Sequence[str]:
        """The command line; its configuration is the checkout's, with other addresses."""
        yaml = YAML(typ="safe")
        config: dict[str, Any] = yaml.load(CONFIG / "prometheus" / "prometheus.yml")
        config["global"] = {
            "scrape_interval": self.every,
            "scrape_timeout": self.every,
            "evaluation_interval": self.every,
        }
        (job,) = (job for job in config["scrape_configs"] if job["job_name"] == OUR_JOB)
        job["static_configs"] = [{"targets": [self._worker]}]
        config["scrape_configs"] = [job]
        targets = [] if self._alertmanager is None else [self._alertmanager]
        config["alerting"]["alertmanagers"] = [{"static_configs": [{"targets": targets}]}]
        (scratch / "rules").mkdir()
        for name, text in self._rules.items():
            (scratch / "rules" / name).write_text(text, encoding="utf-8")
        with (scratch / "prometheus.yml").open("w", encoding="utf-8") as file:
            yaml.dump(config, file)
        return [
            tool("prometheus"),
            f"--config.file={scratch / 'prometheus.yml'}",
            f"--storage.tsdb.path={scratch / 'data'}",
            f"--web.listen-address={LOOPBACK}:{self.port}",
            "--log.level=warn",
        ]  # fmt: skip

    def now(self, query: str) -> list[dict[str, Any]]:
        """The result of an instant query."""
        result: list[dict[str, Any]] = self.ask("/api/v1/query", query=query)["data"]["result"]
        return result

    def history(self, query: str, start: float, end: float) -> list[dict[str, Any]]:
        """The result of a range query with a step of a second."""
        answer = self.ask(
            "/api/v1/query_range", query=query, start=str(start), end=str(end), step="1"
        )
        result: list[dict[str, Any]] = answer["data"]["result"]
        return result
