"""What is done to a site, and how it is lifted again. Each fault is tried while work is left."""

from __future__ import annotations

import shutil
import signal
import time
from typing import TYPE_CHECKING

from tests.kafka_server import Brokers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random

    from tests.chaos.site import Site, Slot
    from tests.chaos.workload import Workload
    from tests.kafka_server import Kafka

    Fault = Callable[[Site, Workload, Random], Iterator[None]]

FREEZES = (3.0, 15.0, 90.0)
"""Seconds: unnoticed, within a member's session of 20 s, and far past it."""


def kill(site: Site, _workload: Workload, random: Random) -> Iterator[None]:
    """A worker dies and is started again."""
    slot = _somebody(site, random)
    slot.kill()
    yield
    slot.start()


def kill_and_wipe(site: Site, _workload: Workload, random: Random) -> Iterator[None]:
    """A worker dies, and its disk with it."""
    slot = _somebody(site, random)
    slot.kill()
    shutil.rmtree(slot.data, ignore_errors=True)
    yield
    slot.start()


def kill_all(site: Site, _workload: Workload, _random: Random) -> Iterator[None]:
    """Every worker dies at once."""
    slots = [slot for slot in site.slots if slot.wanted]
    for slot in slots:
        slot.kill()
    yield
    for slot in slots:
        slot.start()


def freeze(seconds: float) -> Fault:
    """A worker stands still for some time, and then goes on as if nothing had been."""

    def frozen(site: Site, _workload: Workload, random: Random) -> Iterator[None]:
        slot = _somebody(site, random)
        slot.signal(signal.SIGSTOP)
        began = time.monotonic()
        yield
        time.sleep(max(0.0, seconds - (time.monotonic() - began)))
        slot.signal(signal.SIGCONT)

    return frozen


def terminate(site: Site, _workload: Workload, random: Random) -> Iterator[None]:
    """A worker is asked to end, as at an update, and does within ten seconds."""
    slot = _somebody(site, random)
    began = time.monotonic()
    code = slot.stop()
    took = time.monotonic() - began
    assert code == 0, f"{slot.name} ended with {code}\n{site.last_lines()}"
    assert took < 12.0, f"{slot.name} took {took:.1f} s to end"
    yield
    slot.start()


def join_and_leave(site: Site, _workload: Workload, _random: Random) -> Iterator[None]:
    """One worker more, for a while."""
    spare = next(slot for slot in site.slots if not slot.wanted)
    spare.start()
    yield
    time.sleep(8.0)
    spare.stop()


def freeze_broker(site: Site, _workload: Workload, random: Random) -> Iterator[None]:
    """A broker stands still."""
    broker = _broker(site, random)
    assert broker.child is not None
    broker.child.signal(signal.SIGSTOP)
    time.sleep(random.uniform(3.0, 12.0))
    broker.child.signal(signal.SIGCONT)
    yield


def bounce_broker(site: Site, _workload: Workload, random: Random) -> Iterator[None]:
    """A broker is stopped and started, as at an update."""
    broker = _broker(site, random)
    broker.stop()
    broker.start()
    yield


def kill_broker(site: Site, _workload: Workload, random: Random) -> Iterator[None]:
    """A broker dies, and comes back after a while."""
    broker = _broker(site, random)
    broker.kill()
    time.sleep(random.uniform(1.0, 5.0))
    broker.start()
    yield


def kill_redis(site: Site, _workload: Workload, _random: Random) -> Iterator[None]:
    """Redis dies with everything in it."""
    assert site.redis is not None
    site.redis.kill()
    yield
    site.start_redis()
    _until(site.redis_answers)


def freeze_redis(site: Site, _workload: Workload, _random: Random) -> Iterator[None]:
    """Redis takes connections and does not answer."""
    assert site.redis is not None
    site.redis.signal(signal.SIGSTOP)
    yield
    time.sleep(6.0)
    site.redis.signal(signal.SIGCONT)


def flush_redis(site: Site, _workload: Workload, _random: Random) -> Iterator[None]:
    """Redis is emptied."""
    with site.client() as redis:
        redis.flushall()
    yield


def fill_redis(site: Site, _workload: Workload, _random: Random) -> Iterator[None]:
    """Redis has no memory left for a while."""
    with site.client() as redis:
        redis.config_set("maxmemory", 1)
    yield
    time.sleep(4.0)
    with site.client() as redis:
        redis.config_set("maxmemory", 0)


def poison(site: Site, workload: Workload, _random: Random) -> Iterator[None]:
    """Half of everything is bad for a while."""
    site.publish(workload.more(150, poison=0.5))
    yield


FAULTS: dict[str, Fault] = {
    "kill": kill,
    "kill and wipe": kill_and_wipe,
    "kill all": kill_all,
    "freeze 3 s": freeze(FREEZES[0]),
    "freeze 15 s": freeze(FREEZES[1]),
    "freeze 90 s": freeze(FREEZES[2]),
    "terminate": terminate,
    "join and leave": join_and_leave,
    "freeze broker": freeze_broker,
    "bounce broker": bounce_broker,
    "kill broker": kill_broker,
    "kill redis": kill_redis,
    "freeze redis": freeze_redis,
    "flush redis": flush_redis,
    "fill redis": fill_redis,
    "poison": poison,
}


def _somebody(site: Site, random: Random) -> Slot:
    return random.choice([slot for slot in site.slots if slot.wanted])


def _broker(site: Site, random: Random) -> Kafka:
    return random.choice(site.broker.each) if isinstance(site.broker, Brokers) else site.broker


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30.0
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
