"""How many faults of a verifier do instances reveal, by how the instances are made: planted, trained, or plain?

    python benchmarks/power.py [--planted 1000] [--trained 2] [--nodes 30] [--seconds 30] [--out runs/families]
                               [--verifiers marabou auto_lirpa] [--timeout 20] [--jobs 2]

The same faulty verifiers run on all of them, one after the other; then those of the --verifiers that are installed,
each corrupted from outside, on the planted ones. What has been answered is kept in --out, so that the same command goes
on. The page is docs/power.md.
"""

import argparse
import itertools
import json
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from page import load_average, machine, markdown_table
from soundbench.verifiers.reference.faults import FAULTS
from soundbench.verifiers.reference.panel import Budget, suspects, try_faults

from soundbench import __version__
from soundbench.attack import attack
from soundbench.claim import Claim
from soundbench.graph import Graph, evaluate_float64, read_graph
from soundbench.ground_truth import Expected, Role
from soundbench.instance import Constraint, Instance, Interval, Property, Region
from soundbench.level import Level, chosen
from soundbench.power import measure_power
from soundbench.power_journal import asked, open_power_journal
from soundbench.registry import resolve
from soundbench.source_digest import source_digest
from soundbench.suite import Suite, load_suite
from soundbench.trial import Suspect, Trial
from soundbench.vnnlib import read_property
from soundbench.vnnlib_writing import format_property

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "power.md"
# Each fault at its greatest strength.
STRONGEST = tuple(replace(fault, strengths=fault.strengths[:1]) for fault in FAULTS)
# How wide a plain box is, in widths of the box that the suite has for the network.
WIDTHS = (0.25, 1.0, 4.0)
PGD = {"steps": 100, "restarts": 20, "step_share": 0.25}


@dataclass(frozen=True, slots=True)
class Family:
    """Instances made in one way; `violated` are the names of those that are known to be so."""

    title: str
    instances: tuple[Instance, ...]
    violated: frozenset[str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a family: its trials, and for each suspect the violated instances that it falsely says verified of.

    Those of which the sound verifier says so, too, do not count.
    """

    family: Family
    trials: tuple[Trial, ...]
    revealing: Mapping[Suspect, tuple[str, ...]]

    @property
    def detected(self) -> int:
        """How many faults are revealed by some instance."""
        return sum(bool(names) for names in self.revealing.values())

    @property
    def cpu_seconds(self) -> float:
        """What all runs took, the sound verifier's too."""
        return sum(map(seconds_of, self.trials))

    def detected_within(self, cpu_seconds: float) -> int:
        """How many faults are revealed by the first instances, as many as all runs finish in these seconds."""
        spent = itertools.accumulate(map(seconds_of, self.trials))
        first = {trial.instance for trial, after in zip(self.trials, spent, strict=True) if after <= cpu_seconds}
        return sum(not first.isdisjoint(names) for names in self.revealing.values())


def seconds_of(trial: Trial) -> float:
    """What all runs on an instance took."""
    return sum(reply.seconds for reply in (trial.sound, *trial.replies.values()))


def planted(suite: Suite, limit: int) -> Family:
    """The first instances of the level smoke: pairs of an armed network and its twin."""
    instances = chosen(suite, Level.SMOKE)[:limit]
    return Family("planted, level smoke", instances, violated_of(suite, instances))


def trained(folders: Sequence[Path], count: int) -> Family:
    """Of every trained suite the first instances with a hidden counterexample: others can reveal nothing."""
    instances: list[Instance] = []
    for folder in folders:
        suite = load_suite(folder)
        violated = violated_of(suite, suite.instances)
        known = [each for each in suite.instances if each.name in violated][:count]
        instances += [replace(each, name=f"{folder.name}/{each.name}") for each in known]
    return Family("trained", tuple(instances), frozenset(each.name for each in instances))


def violated_of(suite: Suite, instances: Sequence[Instance]) -> frozenset[str]:
    """The names of those that are proven to be violated."""
    return frozenset(each.name for each in instances if suite.ground_truth[each.name].expected is Expected.VIOLATED)


def plain(suite: Suite, origin: Family, folder: Path) -> Family:
    """Robustness around random points, of the networks of a family's twins; violated is where PGD finds that it is."""
    instances, violated = [], set()
    for each, unsafe, is_violated in plain_questions(suite, origin):
        path = folder / f"{each.name}.vnnlib"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(format_property(unsafe))
        instances.append(replace(each, vnnlib=path))
        if is_violated:
            violated.add(each.name)
    return Family("plain robustness, judged by PGD", tuple(instances), frozenset(violated))


def plain_questions(suite: Suite, origin: Family) -> Iterator[tuple[Instance, Property, bool]]:
    """For every network and width an instance, its property, and whether PGD finds a counterexample."""
    random = np.random.default_rng(0)
    networks: dict[str, Instance] = {}
    for each in origin.instances:
        if suite.ground_truth[each.name].role is Role.TWIN:
            networks.setdefault(suite.ground_truth[each.name].factors["network"], each)
    for name, twin in networks.items():
        graph, inputs = read_graph(twin.onnx), read_property(twin.vnnlib).regions[0].inputs
        for width in WIDTHS:
            unsafe = robustness(graph, inputs, width, random)
            found = attack(graph, unsafe, seed=0, **PGD).found  # type: ignore[arg-type]  # integers are integers
            yield replace(twin, name=f"plain-{name}-{width:g}"), unsafe, found


def robustness(graph: Graph, inputs: Sequence[Interval], width: float, random: np.random.Generator) -> Property:
    """That around a random point of a box some other class is as likely as the point's own."""
    lower, upper = (np.array([float(getattr(each, side)) for each in inputs]) for side in ("lower", "upper"))
    centre = lower + random.random(len(lower)) * (upper - lower)
    outputs = evaluate_float64(graph, centre[None])[graph.output][0]
    label, reach = int(outputs.argmax()), width / 2 * (upper - lower)
    ends = zip(centre - reach, centre + reach, strict=True)
    box = tuple(Interval(Fraction(float(np.float32(low))), Fraction(float(np.float32(high)))) for low, high in ends)
    others = [index for index in range(len(outputs)) if index != label]
    terms = [tuple(sorted(((label, Fraction(1)), (other, Fraction(-1))))) for other in others]
    return Property(len(box), len(outputs), tuple(Region(box, (Constraint(each, Fraction(0)),)) for each in terms))


def outcome(family: Family, budget: Budget, folder: Path) -> Outcome:
    """Run what is missing of a family, and sum it up."""
    everyone = suspects(STRONGEST)
    faults = [[each.fault, each.strength] for each in everyone]
    code = source_digest("soundbench.verifiers.reference")
    identity = [__version__, asked(family.instances), faults, budget.nodes, budget.seconds, code]
    with open_power_journal(folder, identity) as journal:
        for number, each in enumerate(family.instances, 1):
            if each.name not in journal.trials:
                journal.append(try_faults(each, STRONGEST, budget))
                print(f"{family.title} [{number}/{len(family.instances)}] {each.name}", file=sys.stderr)
        trials = tuple(journal.trials[each.name] for each in family.instances)
    known = [trial for trial in trials if trial.instance in family.violated]
    live = {suspect: tuple(trial.instance for trial in known if trial.is_live(suspect)) for suspect in everyone}
    return Outcome(family, trials, live)


def caught_strictly(suite: Suite, planted_ones: Outcome) -> int:
    """How many faults the planted instances catch, as `soundbench power` counts."""
    crude = [fault.name for fault in FAULTS if fault.misreads_status]
    power = measure_power(suite.ground_truth, planted_ones.trials, suspects(STRONGEST), crude)
    return sum(bool(each.caught) for each in power.measured)


def corrupted(label: str, timeout: float, jobs: int, folder: Path) -> Mapping[str, Any]:
    """What `soundbench power --verifier` writes of a verifier, on the level smoke of the suite that ships."""
    found = folder / f"{label}.json"
    options = ["--level", "smoke", "--timeout", f"{timeout:g}", "--jobs", str(jobs), "--out", str(folder)]
    command = [str(Path(sys.executable).with_name("soundbench")), "power", "--verifier", label, *options]
    ended = subprocess.run([*command, "--json", str(found)], stdout=subprocess.DEVNULL, check=False)
    if ended.returncode not in (0, 1):
        sys.exit(f"{shlex.join(command)} ended with {ended.returncode}")
    content: Mapping[str, Any] = json.loads(found.read_text())
    return content


def by_corruption(measured: Mapping[str, Mapping[str, Any]]) -> str:
    """A line a corruption: how each verifier stands with it, on how many instances it is caught, how weak at least."""
    cells: dict[str, list[str]] = {}
    for content in measured.values():
        rows: dict[str, list[Mapping[str, Any]]] = {}
        for row in content["faults"]:
            rows.setdefault(row["name"], []).append(row)
        for name, strengths in rows.items():
            cells.setdefault(name, []).append(corruption_cell(strengths))
    return markdown_table(["corruption", *measured], [[name, *found] for name, found in cells.items()])


def corruption_cell(strengths: Sequence[Mapping[str, Any]]) -> str:
    """How a verifier stands with a corruption, of whose strengths these are the rows, from the strongest on."""
    stands = next(row for row in strengths if row["stands_for_fault"])
    weakest = next((row for row in reversed(strengths) if row["detected"]), None)
    words = f"{stands['standing']} (run on {stands['run']}, live on {stands['live']}"
    if weakest is None:
        return f"{words})"
    least = f", at {weakest['strength']:g} on {len(weakest['instances'])}" if len(strengths) > 1 else ""
    return f"{words}, caught on {len(stands['instances'])}{least})"


def real_verifiers(measured: Mapping[str, Mapping[str, Any]], timeout: float) -> str:
    """The section on verifiers that are corrupted from outside."""
    if not measured:
        return "None was installed where this page was made."
    counts = "; ".join(
        f"{label} exercised {len(content['counted'])} of the pairs" for label, content in measured.items()
    )
    commands = "\n".join(
        f"    soundbench power --verifier {label} --level smoke --timeout {timeout:g}" for label in measured
    )
    return f"""{commands}

A verifier that nobody can make wrong from inside is given other files, or its answer is read otherwise
(`soundbench power --verifier NAME --list`). A corruption is caught by the armed members of pairs that the verifier, as
it is, exercises; so what it cannot read, or cannot prove, catches nothing, and a corruption that is live on no instance
was harmless there. Of the level smoke {counts}.

{by_corruption(measured)}"""


def table(outcomes: Sequence[Outcome]) -> str:
    """A line a family."""
    header = ["instances", "number", "known violated", "proven", "refuted", "faults run", "detected", "rate"]
    least = min(each.cpu_seconds for each in outcomes)
    rows = []
    for each in outcomes:
        claims = [trial.sound.claim for trial in each.trials]
        run = {suspect for trial in each.trials for suspect in trial.replies}
        counts = [len(claims), len(each.family.violated), claims.count(Claim.VERIFIED), claims.count(Claim.FALSIFIED)]
        rate = f"{100 * each.detected / len(FAULTS):.0f} %"
        speed = [f"{each.cpu_seconds:.0f}", f"{60 * each.detected / each.cpu_seconds:.1f}"]
        speed.append(str(each.detected_within(least)))
        rows.append([each.family.title, *map(str, counts), str(len(run)), str(each.detected), rate, *speed])
    return markdown_table([*header, "CPU s", "per CPU min", f"in the first {least:.0f} CPU s"], rows)


def by_fault(outcomes: Sequence[Outcome]) -> str:
    """A line a fault: how many instances of each family reveal it."""
    rows = [
        [suspect.fault, f"{suspect.strength:.3g}", *(str(len(each.revealing[suspect]) or "") for each in outcomes)]
        for suspect in suspects(STRONGEST)
    ]
    return markdown_table(["fault", "strength", *(each.family.title for each in outcomes)], rows)


def conclusions(outcomes: Sequence[Outcome], exercised: int) -> Iterator[str]:
    """What it says, in words; `exercised` is how many faults the planted instances detect on exercised pairs."""
    first, *others = outcomes
    yield f"Of {len(FAULTS)} faults the planted instances detect {first.detected}; {exercised} of them where"
    yield "`soundbench power` would count it, on pairs that the sound verifier exercises in that time, by faults that"
    yield "agree with it on most of these instances."
    for other in others:
        alone = [fault.fault for fault, names in other.revealing.items() if names and not first.revealing[fault]]
        compared = "fewer than" if other.detected < first.detected else "NO FEWER than"
        title = other.family.title
        yield f"The instances of the kind *{title}* detect {other.detected}, {compared} the planted ones;"
        yield f"what they detect and the planted ones do not: {', '.join(alone) or 'nothing'}."
    fastest = max(outcomes, key=lambda each: each.detected / each.cpu_seconds)
    soonest = max(outcomes, key=lambda each: each.detected_within(min(other.cpu_seconds for other in outcomes)))
    yield f"Most detected in a CPU minute, over all runs: *{fastest.family.title}*;"
    yield f"most detected within the same CPU time, from the first instance on: *{soonest.family.title}*."
    missed = [fault.fault for fault in first.revealing if not any(each.revealing[fault] for each in outcomes)]
    yield f"Detected by none: {', '.join(missed) or 'nothing'}."


def page(outcomes: Sequence[Outcome], budget: Budget, exercised: int, real: str, load: float) -> str:
    """The page's text; `exercised` as for `conclusions`, and `real` is the section on real verifiers."""
    command = shlex.join(["python", "benchmarks/power.py", *sys.argv[1:]])
    widths = ", ".join(f"{width:g}" for width in WIDTHS)
    return f"""# Which instances reveal a verifier's faults?

`{command}`

The reference verifier with each of {len(FAULTS)} faults (`soundbench power --list`), at its greatest strength, with at
most {budget.nodes} sub-domains and {budget.seconds:g} s an instance. A fault is detected by instances if it makes the
verifier say `verified` of one that they know to be violated, and the sound verifier does not say so.
A fault that an instance does not touch is not run on it, and takes no time.

{table(outcomes)}

{chr(10).join(conclusions(outcomes, exercised))}

- *Planted*: the shipped core suite, from its level `smoke`; what is violated is proven. That level was chosen by what
  its instances cover, and by the faults that they were recorded to catch, if any were.
- *Trained*: `instances/trained`, the same number of each network, those alone whose violation is proven, since the
  others reveal nothing and cost time. The networks are larger, so that there is less time for each sub-domain, and they
  have fewer kinds of operators.
- *Plain robustness*: the networks of the planted twins, whose needles are disarmed, so that nothing is hidden in them.
  Boxes lie around random points of the suite's boxes, {widths} times as wide; asked is whether another class overtakes
  that of the point. What is violated is what PGD finds ({PGD["restarts"]} restarts of {PGD["steps"]} steps a class);
  a false proof of anything else would go unnoticed.
- VNN-COMP's own benchmarks could not be had here, and were not run.

*Proven* and *refuted* are what the sound verifier says. A fault that touches what only some properties or networks
have, such as several boxes, strict bounds or dilations, cannot show in a family that lacks it. The time limit is of
wall-clock time, so what is answered within it depends on the machine and its load. Seconds are CPU seconds of all runs
on a family, those of the sound verifier and those that reveal nothing among them. The last column has what is detected
by the first instances, in the order in which they are run, in the time that the quickest family takes as a whole.
What an earlier start of the command had answered was not measured again; the load below is that of the last start.

## By fault

How many instances reveal each.

{by_fault(outcomes)}

## Real verifiers, corrupted

{real}

{machine(load)}
"""


def main() -> None:
    """Run, print, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--planted", type=int, default=1000, help="instances of the level smoke")
    parser.add_argument("--trained", type=int, default=2, help="violated instances of each trained suite")
    parser.add_argument("--nodes", type=int, default=30, help="sub-domains an instance")
    parser.add_argument("--seconds", type=float, default=30, help="wall-clock time an instance")
    parser.add_argument("--out", type=Path, default=Path("runs") / "families", help="where answers are kept")
    parser.add_argument("--verifiers", nargs="*", default=["marabou", "auto_lirpa"], help="to be corrupted")
    parser.add_argument("--timeout", type=float, default=20, help="seconds that these have for an instance")
    parser.add_argument("--jobs", type=int, default=2, help="how many of these run at once")
    given = parser.parse_args()
    load, budget = load_average(), Budget(given.nodes, given.seconds)
    core = load_suite(ROOT / "instances" / "core")
    first = planted(core, given.planted)
    folders = sorted(path for path in (ROOT / "instances" / "trained").iterdir() if path.is_dir())
    families = [first, plain(core, first, given.out / "plain"), trained(folders, given.trained)]
    outcomes = [outcome(family, budget, given.out) for family in families]
    installed = [label for label in given.verifiers if resolve(label).is_installed()]
    measured = {label: corrupted(label, given.timeout, given.jobs, given.out) for label in installed}
    exercised = caught_strictly(core, outcomes[0])
    PAGE.write_text(page(outcomes, budget, exercised, real_verifiers(measured, given.timeout), load))
    print(f"{table(outcomes)}\n\n{by_fault(outcomes)}\n\n{PAGE}: written")


if __name__ == "__main__":
    main()
