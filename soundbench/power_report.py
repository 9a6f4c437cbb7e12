"""What does the reader of a measurement of power see? A table, what escapes, JSON, and a map of faults and triggers."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from soundbench.description_report import line
from soundbench.errors import InputError
from soundbench.ground_truth import GroundTruth
from soundbench.power import Measured, Power, Standing

NOT_CAUGHT = 1


def exit_code(power: Power) -> int:
    """1 if some fault escapes at its greatest strength, or none is caught, else 0."""
    standings = {rows[0].standing for rows in power.by_fault().values()}
    return NOT_CAUGHT if Standing.ESCAPES in standings or Standing.CAUGHT not in standings else 0


def weakest_caught(rows: Sequence[Measured]) -> Measured | None:
    """Of the suspects of a fault, from the strongest on, the weakest that is caught."""
    return next((each for each in reversed(rows) if each.caught), None)


def render(power: Power, console: Console) -> None:
    """Print a line for every fault, at its greatest strength, and what it means.

    `console` decides about colours: rich drops them where its output is not a terminal.
    """
    table = Table(box=None, pad_edge=False)
    for title in ("fault", "strength"):
        table.add_column(title, no_wrap=True)
    for title in ("run", "agrees", "live", "caught", "seconds", "weakest"):
        table.add_column(title, justify="right")
    for fault, rows in power.by_fault().items():
        strongest, weakest = rows[0], weakest_caught(rows)
        table.add_row(
            fault,
            f"{strongest.suspect.strength:.3g}",
            str(strongest.run),
            f"{100 * strongest.agreement:.0f} %",
            str(len(strongest.live)),
            str(len(strongest.caught)),
            "" if strongest.seconds is None else f"{strongest.seconds:.1f}",
            strongest.standing if weakest is None else f"{weakest.suspect.strength:.3g}",
        )
    console.print(table)
    console.print()
    for words in conclusions(power):
        console.print(line(words), soft_wrap=True)


def conclusions(power: Power) -> Iterator[str]:
    """What it comes to, in words."""
    standings = {fault: rows[0].standing for fault, rows in power.by_fault().items()}
    caught = [fault for fault, standing in standings.items() if standing is Standing.CAUGHT]
    yield f"{len(power.counted)} of {power.instances} instances can catch: armed, with a proven twin"
    yield f"{len(caught)} of {len(standings)} faults are caught"
    for standing in (Standing.ESCAPES, Standing.HARMLESS, Standing.NOT_EXERCISED):
        names = [fault for fault, each in standings.items() if each is standing]
        if names:
            yield f"{standing}: {', '.join(names)}"
    if power.smallest:
        yield f"These {len(power.smallest)} instances catch all that is caught: {', '.join(power.smallest)}"


def to_json(power: Power) -> dict[str, Any]:
    """The measurement as values that `json` can write."""
    return {
        "instances": power.instances,
        "counted": list(power.counted),
        "smallest": list(power.smallest),
        "faults": [
            {
                "name": each.suspect.fault,
                "strength": each.suspect.strength,
                "standing": each.standing,
                "run": each.run,
                "agreement": each.agreement,
                "live": len(each.live),
                "detected": bool(each.caught),
                "instances": list(each.caught),
                "live_instances": list(each.live),
                "seconds": each.seconds,
            }
            for each in power.measured
        ],
    }


def shares(power: Power, ground_truth: Mapping[str, GroundTruth]) -> dict[str, dict[str, float]]:
    """By trigger, `FACTOR VALUE`, and fault: on which share of the instances that count it is caught, at its strongest.

    Where a suite records no factors, a trigger is what its ground truth calls one.
    """
    members: dict[str, list[str]] = {}
    for name in power.counted:
        truth = ground_truth[name]
        for factor, value in (truth.factors or {"trigger": truth.trigger}).items():
            members.setdefault(f"{factor} {value}", []).append(name)
    strongest = {fault: frozenset(rows[0].caught) for fault, rows in power.by_fault().items()}
    return {
        trigger: {
            fault: sum(name in caught for name in members[trigger]) / len(members[trigger])
            for fault, caught in strongest.items()
        }
        for trigger in sorted(members)
    }


def draw(power: Power, ground_truth: Mapping[str, GroundTruth], path: Path) -> None:
    """Draw the shares as a map of faults and triggers.

    Raises:
        InputError: matplotlib is not installed, or the file cannot be written.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise InputError("drawing takes matplotlib: pip install 'soundbench[plot]'") from None
    found = shares(power, ground_truth)
    triggers, faults = list(found), list(power.by_fault())
    figure = Figure(figsize=(3 + 0.2 * len(triggers), 3 + 0.2 * len(faults)), layout="constrained")
    axes = figure.add_subplot()
    cells = [[found[trigger][fault] for trigger in triggers] for fault in faults]
    image = axes.imshow(cells, vmin=0, vmax=1, cmap="viridis", aspect="auto")
    axes.set_xticks(range(len(triggers)), triggers, rotation=90, fontsize=6)
    axes.set_yticks(range(len(faults)), faults, fontsize=6)
    figure.colorbar(image, label="share of instances that catch it")
    try:
        figure.savefig(path, dpi=150)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be drawn ({error}); name a .png, .svg or .pdf file") from None
