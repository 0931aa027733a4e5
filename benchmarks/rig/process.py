"""What a process costs, as Linux tells it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

_TICKS = os.sysconf("SC_CLK_TCK")


class Cost(NamedTuple):
    """Of a process so far.

    Attributes:
        cpu: seconds of processor time, in user mode and in the kernel.
        peak: the most memory it ever had resident, in MB.
    """

    cpu: float
    peak: float


def cost_of(pid: int) -> Cost | None:
    """What a process has cost so far; `None` when it is gone."""
    try:
        # The name, in parentheses, may hold spaces.
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return None
    lines = dict(line.partition(":")[::2] for line in status.splitlines())
    if "VmHWM" not in lines:
        return None
    return Cost((int(fields[11]) + int(fields[12])) / _TICKS, int(lines["VmHWM"].split()[0]) / 1e3)
