"""February 1999 of a real call centre, from its raw file to every place where KPIs are shown.

The judge is `truth.json`, which a separate batch program counted from the columns alone.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import defaultdict
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from prometheus_client.parser import text_string_to_metric_families
from redis import Redis

from agents.children import Child
from agents.embedded import EmbeddedRedis, Tansu, free_port
from streams.instants import HOUR, SECOND, parse_rfc3339, to_datetime

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data" / "calls"
MARCH = "1999-03-01T00:00:00+02:00"
JERUSALEM = ZoneInfo("Asia/Jerusalem")

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not DATA.exists(), reason=f"{DATA} is not there: nothing to measure with"),
    pytest.mark.timeout(300),
]


def kontaktpuls(
    *arguments: str, stdin: bytes = b"", environment: dict[str, str] | None = None
) -> bytes:
    """What a command prints; it has to succeed."""
    done = subprocess.run(
        [sys.executable, "-m", "agents", *arguments],
        input=stdin,
        capture_output=True,
        check=False,
        cwd=ROOT,
        timeout=240,
        env=os.environ | (environment or {}),
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@pytest.fixture(scope="module")
def truth() -> dict[str, Any]:
    """What the batch program counted."""
    text = (DATA / "anonymous-bank-1999-02.truth.json").read_text(encoding="utf-8")
    february: dict[str, Any] = json.loads(text)["february_1999"]
    return february


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The month as events, by `kontaktpuls convert`."""
    path = tmp_path_factory.mktemp("february") / "events.jsonl"
    path.write_bytes(
        kontaktpuls(
            "convert",
            "calls-csv",
            str(DATA / "anonymous-bank-1999-02.tsv.gz"),
            "--mapping",
            "config/mappings/anonymous-bank.yaml",
        )
    )
    return path


def per_day(truth: dict[str, Any]) -> dict[str, list[int]]:
    """Offered, answered, answered within 120 s and abandoned of each of the 28 days."""
    days: dict[str, list[int]] = truth["per_day [offered,answered,answered<=120s,abandoned]"]
    return {f"19{day[:2]}-{day[2:4]}-{day[4:]}": counts for day, counts in days.items()}


def month(truth: dict[str, Any]) -> list[int]:
    """The same four of the whole month."""
    return [
        truth["offered_to_agents(AGENT or q_time>0)"],
        truth["answered"],
        truth["answered_with_q_time<=120"],
        truth["abandoned_in_queue"],
    ]


def test_the_report_equals_the_truth_of_every_day(events: Path, truth: dict[str, Any]) -> None:
    """Converted and reported, each of the 28 days has exactly the counts of the batch program."""
    rows = json.loads(kontaktpuls("report", str(events), "--by", "day", "--format", "json"))
    reported = {
        row["from"][:10]: [
            row["offered"],
            row["answered"],
            row["answered_within"],
            row["abandoned"],
        ]
        for row in rows
        if row["queue"] is None
    }

    assert per_day(truth) == reported


def test_the_report_equals_the_truth_of_the_month(events: Path, truth: dict[str, Any]) -> None:
    """The month's totals are exact and its mean wait agrees to the millisecond."""
    rows = json.loads(kontaktpuls("report", str(events), "--by", "all", "--format", "json"))
    (row,) = [row for row in rows if row["queue"] is None]

    assert month(truth) == [
        row["offered"],
        row["answered"],
        row["answered_within"],
        row["abandoned"],
    ]
    assert truth["ASA_s(answered, q_time)"] == round(row["wait_mean"], 3)


def test_the_worker_shows_the_same_month_in_prometheus_and_redis(
    events: Path, truth: dict[str, Any], tmp_path: Path
) -> None:
    """Published and consumed by a worker, the 28-day gauges and the hourly rollups are exact."""
    with Tansu() as broker, EmbeddedRedis() as redis:
        port = free_port()
        cluster = {
            "KONTAKTPULS_BROKERS": broker.brokers,
            "KONTAKTPULS_REDIS_URL": redis.url,
            "KONTAKTPULS_CLOCK": "events",
            "KONTAKTPULS_PARTITIONS": "4",
            "KONTAKTPULS_REPLICATION": "1",
            "KONTAKTPULS_WEB_PORT": str(port),
            "KONTAKTPULS_DATA_DIR": str(tmp_path),
        }
        kontaktpuls("topics", "create", environment=cluster | {"KONTAKTPULS_EMBEDDED": "true"})
        kontaktpuls("publish", str(events), environment=cluster)
        heartbeat = {
            "type": "heartbeat",
            "organisation": "anonymous-bank",
            "source": "exchange",
            "through": MARCH,
        }
        kontaktpuls("publish", "-", stdin=json.dumps(heartbeat).encode(), environment=cluster)
        with Child(
            "worker",
            [sys.executable, "-m", "agents", "worker"],
            log=tmp_path / "worker.log",
            environment=cluster | {"KONTAKTPULS_EMBEDDED": "true"},
        ) as worker:
            gauges = wait_for_gauges(port, parse_rfc3339(MARCH) / SECOND, worker)
            rollups = wait_for_rollups(
                Redis.from_url(redis.url, decode_responses=True), month(truth)[0], worker
            )

    assert month(truth) == [
        gauges["kontaktpuls_calls_offered"],
        gauges["kontaktpuls_calls_answered"],
        gauges["kontaktpuls_calls_answered_within"],
        gauges["kontaktpuls_calls_abandoned"],
    ]
    assert truth["ASA_s(answered, q_time)"] == round(
        gauges["kontaktpuls_calls_wait_mean_seconds"], 3
    )
    assert per_day(truth) == rollups


def wait_for_gauges(port: int, as_of: float, worker: Child) -> dict[str, float]:
    """The totals' 28-day gauges, once the worker knows everything up to `as_of`."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert worker.poll() is None, worker.last_lines(40)
        try:
            url = f"http://127.0.0.1:{port}/metrics"
            with urllib.request.urlopen(url, timeout=5) as answer:
                text = answer.read().decode()
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            text = ""
        gauges = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                labels = sample.labels
                if (
                    labels.get("organisation") == "anonymous-bank"
                    and labels.get("window", "28d") == "28d"
                ):
                    gauges[sample.name] = sample.value
        if gauges.get("kontaktpuls_as_of_timestamp_seconds") == as_of:
            return gauges
        time.sleep(0.2)
    raise AssertionError(worker.last_lines(40))


def wait_for_rollups(redis: Redis, offered: int, worker: Child) -> dict[str, list[int]]:
    """The hourly rollups of the total, summed by local day, once they are complete."""
    deadline = time.monotonic() + 60
    days: dict[str, list[int]] = {}
    while sum(counts[0] for counts in days.values()) != offered:
        assert worker.poll() is None, worker.last_lines(40)
        assert time.monotonic() < deadline, days
        time.sleep(0.2)
        days = defaultdict(lambda: [0, 0, 0, 0])
        for key in redis.scan_iter("kontaktpuls:rollup:anonymous-bank:calls:*"):
            for field, value in redis.hgetall(key).items():
                hour, _, part = str(field).partition("|")
                if hour == "offset" or part:
                    continue
                rollup = json.loads(value)
                day = days[to_datetime(int(hour) * HOUR, JERUSALEM).date().isoformat()]
                promise = rollup.get("promises", {}).get("answered-in-2-minutes", {})
                for place, n in enumerate(
                    (
                        rollup.get("offered", 0),
                        rollup.get("answered", 0),
                        promise.get("met", 0),
                        rollup.get("exit_abandoned", 0),
                    )
                ):
                    day[place] += n
    return dict(days)
