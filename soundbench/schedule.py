"""Which task starts next? The verifiers take turns, and nobody is passed over for ever.

The turn is that of the verifier of which fewest tasks have started. While its task waits for room, it takes what it
needs one resource after the other, as each becomes free: GPUs, then memory, then cores. Others may start with what it
has not come to yet; so cores do not idle while a task waits for the only GPU, and small tasks do not keep out a large
one.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from soundbench.needs import Resources

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Begun(Generic[T]):
    """A task that has started, and what it takes until it ends."""

    task: T
    taken: Resources


@dataclass(slots=True, eq=False)
class _Queue(Generic[T]):
    """A verifier's tasks, what each needs, and how many have started."""

    needs: Resources
    waiting: deque[T]
    begun: int = 0


class Schedule(Generic[T]):
    """Tasks that wait, and those that run; not to be used by two threads at once."""

    def __init__(self, queues: Sequence[tuple[Resources, Sequence[T]]]) -> None:
        """Take the tasks of each verifier in their order, and what one of them needs."""
        self._queues = [_Queue(needs, deque(tasks)) for needs, tasks in queues]
        self._running: set[Begun[T]] = set()

    def begin(self, capacity: Resources) -> Begun[T] | None:
        """Start the next task that fits in the capacity beside what runs; None if there is none.

        A task that needs more than the whole capacity runs alone on what it lacks.
        """
        free = _minus(capacity, *(each.taken for each in self._running))
        waiting = [queue for queue in self._queues if queue.waiting]
        # The sort is stable: of equals the first verifier is the next.
        for queue in sorted(waiting, key=lambda queue: queue.begun):
            needs = Resources(*map(min, queue.needs, capacity))
            if all(wanted <= room for wanted, room in zip(needs, free, strict=True)):
                begun = Begun(queue.waiting.popleft(), needs)
                queue.begun += 1
                self._running.add(begun)
                return begun
            free = _set_aside(needs, free)
        return None

    def end(self, begun: Begun[T]) -> None:
        """Give back what a task took."""
        self._running.remove(begun)


def _set_aside(needs: Resources, free: Resources) -> Resources:
    """What is left for others while a task waits: nothing of the first that it lacks, all of what comes after."""
    left = list(free)
    for kind, (wanted, room) in enumerate(zip(needs, free, strict=True)):
        left[kind] = max(0, room - wanted)
        if wanted > room:
            break
    return Resources(*left)


def _minus(capacity: Resources, *taken: Resources) -> Resources:
    """What is left; nothing of what has become less than is taken."""
    return Resources(*(max(0, total - sum(parts)) for total, *parts in zip(capacity, *taken, strict=True)))
