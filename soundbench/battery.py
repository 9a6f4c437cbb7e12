"""What the battery is: the attacks that a hidden counterexample has to withstand, with their settings."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from torch import Generator

from soundbench.auditor import AUDIT_ROUNDS, audit, audit_queries
from soundbench.errors import InputError
from soundbench.graph import Graph
from soundbench.library_attacks import (
    APGD_ITERATIONS,
    SQUARE_ITERATIONS,
    library_version,
    search_with_apgd,
    search_with_square,
)
from soundbench.pgd import PUBLISHED_GRID, Reached, Schedule, descend
from soundbench.sampling import corners_of, search_uniformly
from soundbench.targets import Targets

AUDITOR = "auditor"
# What is lost at most when a run is stopped: so many restarts of descents, or random points, in every box.
RESTARTS_A_CHUNK = 25
POINTS_A_CHUNK = 25_000


@dataclass(frozen=True, slots=True)
class Attack:
    """An attack of the battery: `run(targets, first, count, generator)` makes the restarts from number `first` on.

    `group` is what several attacks can be asked for by. `restarts` are made in each box, at most `per_chunk` at once.
    `queries` says about how many queries a restart takes, and `rounds` how many follow one another, by which time is
    estimated. `one_box`: it attacks one box at
    a time, others all boxes of a network side by side. `together`: it attacks all regions of an instance that share
    a box at once. `splits`: it minds memory itself, however many restarts there are.
    """

    name: str
    group: str
    restarts: int
    per_chunk: int
    rounds: float
    queries: Callable[[Graph], float]
    run: Callable[[Targets, int, int, Generator], Reached]
    one_box: bool = False
    together: bool = False
    splits: bool = False


def battery(restarts: int, points: int, *, with_library: bool) -> tuple[Attack, ...]:
    """The whole battery; descents are restarted so often, and so many random points are looked at, in each box.

    Raises:
        InputError: the library is wanted and not installed.
    """
    attacks = [published(schedule, restarts) for schedule in PUBLISHED_GRID]
    # Without a step there is no loss to descend.
    attacks += [published(schedule, restarts, together=True) for schedule in PUBLISHED_GRID if schedule.iterations]
    attacks += [corners(points), looking("uniform", points, search_uniformly)]
    if with_library:
        attacks += library_attacks(restarts)
    attacks.append(Attack(AUDITOR, AUDITOR, 1, 1, AUDIT_ROUNDS, audit_queries, audit, one_box=True, splits=True))
    return tuple(attacks)


def corners(points: int) -> Attack:
    """So many random corners of every box, or all of them if there are not more."""
    return looking("corners", points, corners_of(points))


def looking(name: str, points: int, run: Callable[[Targets, int, int, Generator], Reached]) -> Attack:
    """An attack that looks at points without following anything, at about a third of the cost of a descent's step."""
    return Attack(name, name, points, POINTS_A_CHUNK, 1.0, lambda _: 1 / 3, run, splits=True)


def published(schedule: Schedule, restarts: int, *, together: bool = False) -> Attack:
    """PGD of the published grid, on the margin of each region, or on the cross-entropy of all of an instance.

    With one region the two descend in the same direction at every point, so cross-entropy is for several only. The
    published step is a share of the one radius that all inputs have: here half of the box's largest width.
    """

    def run(targets: Targets, _first: int, count: int, generator: Generator) -> Reached:
        return descend(
            targets.margins,
            targets.boxes,
            step=schedule.step_share * targets.boxes.half_width(),
            iterations=schedule.iterations,
            restarts=count,
            generator=generator,
            loss=targets.cross_entropy if together else None,
            confirmed=targets.confirmed,
        )

    name = f"{'pgd-ce' if together else 'pgd'} {schedule.name}"
    cost = float(schedule.iterations + 1)
    return Attack(name, "pgd", restarts, RESTARTS_A_CHUNK, cost, lambda _: cost, run, together=together)


def library_attacks(restarts: int) -> list[Attack]:
    """APGD and Square.

    Raises:
        InputError: the library is not installed.
    """
    library_version()
    apgd, square = 2.0 * APGD_ITERATIONS, 3.0 * SQUARE_ITERATIONS
    return [
        Attack("apgd", "apgd", restarts, restarts, apgd, lambda _: apgd, search_with_apgd, one_box=True),
        Attack("square", "square", restarts, restarts, square, lambda _: square, search_with_square, one_box=True),
    ]


def chosen(attacks: Sequence[Attack], names: Collection[str]) -> tuple[Attack, ...]:
    """The attacks of these names or groups; all if there are none.

    Raises:
        InputError: a name is that of no attack.
    """
    known = dict.fromkeys(word for attack in attacks for word in (attack.group, attack.name))
    for name in names:
        if name not in known:
            raise InputError(f"--only: no attack is named {name!r}; there are: {', '.join(known)}")
    return tuple(attack for attack in attacks if not names or {attack.name, attack.group} & set(names))
