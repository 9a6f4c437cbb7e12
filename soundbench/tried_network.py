"""Can a network be run that somebody else has made? It is tried in a process of its own, with limits on what it takes.

It is read, loaded and run once, on zeros. Since its file alone settles what it costs (`soundbench.static_network`),
whoever has seen that may run it at any point, in his own process.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from soundbench.errors import InputError
from soundbench.interface import Interface
from soundbench.limited import limit_process
from soundbench.parallel import TaskDied, run_parallel
from soundbench.replay import open_onnx
from soundbench.unpack import refuse_pickle

# Of one processor, so that a busy machine refuses nothing.
CPU_SECONDS = 20
# Beyond what the process has already; and so many times the file, which is held in several forms.
MEMORY_BYTES, COPIES = 2**32, 4

Found = Interface | InputError


def try_networks(networks: Sequence[Path], cpu_seconds: int = CPU_SECONDS) -> Iterator[Found]:
    """What each network takes and gives, or why it cannot be used, one after another."""
    left = list(networks)
    while left:
        for message in run_parallel([partial(_try_all, tuple(left), cpu_seconds)], jobs=1):
            if isinstance(message.content, TaskDied) and left:
                yield InputError(
                    f"{left.pop(0)}: ends the process that loads and runs it, as a crash would, or more than "
                    f"{cpu_seconds} s of a processor; give another network"
                )
            elif isinstance(message.content, Interface | InputError):
                yield message.content
                left.pop(0)
            elif message.content is not None:
                raise message.content


def demand_runnable(networks: Sequence[Path]) -> None:
    """Demand that networks can be run.

    Raises:
        InputError: one cannot; the message says which and why.
    """
    for found in try_networks(networks):
        if isinstance(found, InputError):
            raise found


def _try_all(networks: Sequence[Path], cpu_seconds: int, tell: Callable[[Found], None]) -> None:
    """Try networks in this process, and tell what came of each."""
    for network in networks:
        limit_process(cpu_seconds, MEMORY_BYTES + COPIES * (network.stat().st_size if network.exists() else 0))
        try:
            refuse_pickle(str(network))
            tell(open_onnx(network).interface())
        except InputError as error:
            tell(error)
        except MemoryError:
            tell(InputError(f"{network}: takes more memory than a network of its size may; give another network"))
