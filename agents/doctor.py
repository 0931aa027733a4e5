"""Looks at what a cluster stands on: configuration, key, Kafka, Redis, folder and clock."""

from __future__ import annotations

import ctypes
import os
import sys
from typing import TYPE_CHECKING

import redis

from agents.findings import Finding
from agents.redis_clients import redis_options
from agents.sources.keys import PseudonymKeyError, pseudonymiser_of
from agents.topic_admin import TopicsError, inspect_topics
from streams.instants import SECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from agents.settings import Cluster, Settings

CLOCK_TOLERANCE = 2 * SECOND
"""Two clocks that differ by more are not both set by NTP."""

TIME_ERROR = 5
"""What adjtimex(2) returns while nobody keeps the clock right."""

TIMEX_BYTES = 512
"""More than `struct timex` has on any platform."""

KEEP_TIME = "let chrony or systemd-timesyncd keep it; facts are placed by the clocks of the sources"


def examine_cluster(settings: Settings, clock: Callable[[], int]) -> Iterator[Finding]:
    """What every worker and source needs; `clock` tells the instant."""
    count = len(settings.organisations)
    names = ", ".join(list(settings.organisations)[:5]) + (" ..." if count > 5 else "")
    yield Finding(f"configuration {settings.config_dir}", f"{count} organisations: {names}")
    yield examine_key()
    yield from examine_kafka(settings.cluster)
    yield from examine_redis(settings.cluster, clock)
    yield examine_folder(settings.cluster.data_dir)
    yield examine_clock()


def examine_key() -> Finding:
    """Is there a key for pseudonyms?"""
    try:
        pseudonymiser_of()
    except PseudonymKeyError as error:
        return Finding("key for pseudonyms", "none that can be used", str(error))
    return Finding("key for pseudonyms", "there")


def examine_kafka(cluster: Cluster) -> Iterator[Finding]:
    """Does Kafka answer, and are the topics as correctness needs them?"""
    subject = f"Kafka at {cluster.brokers}"
    try:
        reports = inspect_topics(cluster)
    except TopicsError as error:
        yield Finding(subject, "cannot be used", str(error))
        return
    yield Finding(subject, "answers")
    for report in reports:
        if report.problem is None:
            fact = f"{cluster.partitions} partitions, settings as needed"
            yield Finding(f"topic {report.name}", fact)
        else:
            yield Finding(f"topic {report.name}", "is not as it has to be", report.problem)


def examine_redis(cluster: Cluster, clock: Callable[[], int]) -> Iterator[Finding]:
    """Does Redis answer, and does it agree on what time it is?"""
    if cluster.redis_url is None:
        yield Finding("Redis", "switched off in the configuration")
        return
    subject = f"Redis at {cluster.redis_url}"
    try:
        with redis.Redis.from_url(cluster.redis_url, **redis_options(cluster)) as client:
            seconds, microseconds = client.time()
    except redis.RedisError as error:
        remedy = (
            "start it, or mend what stands under `redis`: address, user, password, certificates; "
            "KPIs and alerts go on without it"
        )
        yield Finding(subject, f"does not answer ({error})", remedy)
        return
    yield Finding(subject, "answers")
    apart = seconds * SECOND + microseconds - clock()
    fact = f"{abs(apart) / SECOND:.1f} s {'ahead of' if apart > 0 else 'behind'} this machine"
    yield Finding("clock of Redis", fact, KEEP_TIME if abs(apart) > CLOCK_TOLERANCE else None)


def examine_folder(folder: Path, *, setting: str = "data_dir") -> Finding:
    """May this user write where state is kept, as `setting` says?"""
    subject = f"folder {folder}"
    # It is made at the first start; until then its nearest parent decides.
    # What may not be looked into counts as not there.
    places = (folder, *folder.absolute().parents)
    place = next(path for path in places if os.access(path, os.F_OK))
    if place.is_dir() and os.access(place, os.W_OK | os.X_OK):
        return Finding(subject, "can be written to")
    remedy = f"make `{place}` a folder that user {os.geteuid()} may write to, or write another "
    return Finding(subject, "cannot be written to", f"{remedy}`{setting}`")


def examine_clock() -> Finding:
    """Does somebody keep this machine's clock right?"""
    subject = "clock of this machine"
    if sys.platform != "linux":
        return Finding(subject, "kept right or not: only Linux can tell")
    # Reading needs no privilege: a `struct timex` of zeros asks for nothing to be changed.
    state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(TIMEX_BYTES))
    if state < 0:
        return Finding(subject, "kept right or not: this system does not tell")
    if state == TIME_ERROR:
        return Finding(subject, "nobody keeps it right", KEEP_TIME)
    return Finding(subject, "kept right")
