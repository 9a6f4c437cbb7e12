"""How does a process that works on strangers' files end in time? It limits itself, and the kernel ends it.

At the limit of memory an allocation fails, which most code tells in words; at that of CPU time the process is killed.
"""

import math
import os
import resource
from pathlib import Path

from soundbench.machine import memory_for_tasks


def limit_process(cpu_seconds: int, memory_bytes: int) -> None:
    """Let this process take so much more than it has, of a processor's time and of addresses; without a core file.

    It never gets more than it might have before, nor more memory than this machine has for tasks.
    """
    used = resource.getrusage(resource.RUSAGE_SELF)
    held = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    for kind, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, math.ceil(used.ru_utime + used.ru_stime) + cpu_seconds),
        (resource.RLIMIT_AS, held + min(memory_bytes, memory_for_tasks())),
    ):
        highest = resource.getrlimit(kind)[1]
        resource.setrlimit(kind, (most if highest == resource.RLIM_INFINITY else min(most, highest), highest))
