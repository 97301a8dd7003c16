"""How many processor cores this process may use, and how workers and their threads share them."""

import math
import os
from pathlib import Path

from unmask.service_settings import Serving

QUOTA = Path("/sys/fs/cgroup/cpu.max")  # of a container, "200000 100000" for two cores, or "max 100000"


def usable_cores(quota: Path = QUOTA) -> int:
    """Cores that the scheduler gives this process, by its affinity and by its container's quota; at least 1."""
    cores = len(os.sched_getaffinity(0))
    try:
        most, period = quota.read_text(encoding="ascii").split()
        return cores if most == "max" else max(1, min(cores, math.ceil(int(most) / int(period))))
    except (OSError, ValueError, ZeroDivisionError):
        return cores


def count_workers(settings: Serving, cores: int) -> int:
    """Processes of the service; 0 in the settings is one for each core."""
    return settings.workers or cores


def count_threads(settings: Serving, cores: int) -> int:
    """Threads of one worker that decode and infer; 0 in the settings shares the cores out among the workers."""
    return settings.threads or max(1, cores // count_workers(settings, cores))
