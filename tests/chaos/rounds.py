"""A round: a site of its own, some faults in a row, and the comparison after each."""

from __future__ import annotations

import signal
import time
from contextlib import ExitStack
from random import Random
from typing import TYPE_CHECKING, Any

from tests.chaos.faults import FAULTS
from tests.chaos.judge import Judge
from tests.chaos.site import ORGANISATIONS, Site
from tests.chaos.workload import Workload
from tests.kafka_server import Brokers, Kafka

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

FAULTS_A_ROUND = 3
CALLS_BEFORE = 150
CALLS_AT_STAKE = 400
CALLS_MEANWHILE = 60
TRIES = 5


def play(
    seed: int, number: int, folder: Path, *, names: Sequence[str] = (), brokers: int = 0
) -> dict[str, Any]:
    """Play one round; what happened and what was compared.

    Args:
        seed: decides everything that chance decides, together with the number.
        number: of the round.
        folder: for the files of brokers and workers.
        names: of the faults; chosen by chance unless given.
        brokers: 1 or 3; by chance unless given.

    Raises:
        UnequalError: something is not what the facts say.
    """
    random = Random(f"{seed}/{number}")  # noqa: S311 - faults, not secrets
    count = random.choice((1, 3))
    static = random.random() < 0.5
    chosen = random.sample(sorted(FAULTS), FAULTS_A_ROUND)
    count, chosen = brokers or count, list(names) or chosen
    began = time.monotonic()
    report: dict[str, Any] = {"seed": seed, "round": number, "brokers": count, "static": static}
    workload = Workload(random, ORGANISATIONS)
    with ExitStack() as running:
        broker: Kafka | Brokers = Kafka(folder / "kafka")
        if count > 1:
            broker = Brokers(folder / "kafka", count)
        running.enter_context(broker)
        site = running.enter_context(
            Site(folder, broker, replication=count, static=static, slots=3)
        )
        judge = Judge(site, workload)
        for slot in site.slots[:2]:
            slot.start()
        site.publish(workload.more(CALLS_BEFORE))
        site.wait_until_ready()
        report["faults"] = [_shake(name, site, workload, judge, random) for name in chosen]
        # What the changelog holds is what would be restored, so everybody has to restore it.
        for slot in site.slots:
            slot.kill()
        for slot in site.slots[:2]:
            slot.start()
        site.publish(workload.beat())
        restored = judge.wait_until_caught_up()
        report["restored"] = judge.compare() | {"seconds": round(restored, 1)}
        report["ended by themselves"] = {slot.name: slot.ends for slot in site.slots if slot.ends}
    report["misses sampled"] = judge.sampled
    report["events"] = len(workload.distinct)
    report["seconds"] = round(time.monotonic() - began)
    return report


def _shake(
    name: str, site: Site, workload: Workload, judge: Judge, random: Random
) -> dict[str, Any]:
    """One fault while work is left, and what holds afterwards."""
    left = _leave_work(site, workload, random)
    fault = FAULTS[name](site, workload, random)
    next(fault)
    began = time.monotonic()
    site.publish(workload.more(CALLS_MEANWHILE))
    while time.monotonic() - began < random.uniform(1.0, 4.0):
        site.supervise()
        judge.sample()
        time.sleep(0.2)
    next(fault, None)
    site.publish(workload.beat())
    recovered = judge.wait_until_caught_up()
    compared = judge.compare()
    return {"fault": name, "left": left, "recovered": round(recovered, 1), "equal": compared}


def _leave_work(site: Site, workload: Workload, random: Random) -> int:
    """Records that nobody has acknowledged at the moment of the fault; never none."""
    for more in range(1, TRIES + 1):
        for slot in site.slots:
            slot.signal(signal.SIGSTOP)
        # Some machines do in no time what keeps others busy for a while.
        site.publish(workload.more(CALLS_AT_STAKE * more))
        for slot in site.slots:
            slot.signal(signal.SIGCONT)
        time.sleep(random.uniform(0.05, 0.4) / more)
        left = site.left()
        if left > 0:
            return left
    msg = f"after {TRIES} tries the workers were always done before the fault: it proves nothing"
    raise AssertionError(msg)
