"""What does the reader of a battery's results see? A table of the attacks, and every instance that was found."""

from collections.abc import Mapping, Sequence
from statistics import mean

from rich.console import Console
from rich.table import Table
from rich.text import Text

from soundbench.battery import AUDITOR
from soundbench.ground_truth import AttackRecord, Expected, GroundTruth, Role

Records = Mapping[str, Sequence[AttackRecord]]


def is_armed(ground_truth: Mapping[str, GroundTruth], name: str) -> bool:
    """Whether an instance has a counterexample that is meant to be hidden."""
    return name in ground_truth and ground_truth[name].role is Role.ARMED


def expected(ground_truth: Mapping[str, GroundTruth], name: str) -> Expected:
    """The ground truth of an instance."""
    return ground_truth[name].expected if name in ground_truth else Expected.UNKNOWN


def found_armed(ground_truth: Mapping[str, GroundTruth], records: Records) -> list[str]:
    """The armed instances whose counterexample an attack other than the auditor found."""
    return [
        name
        for name, each in records.items()
        if is_armed(ground_truth, name) and any(record.found and record.attack != AUDITOR for record in each)
    ]


def found_others(ground_truth: Mapping[str, GroundTruth], records: Records, answer: Expected) -> list[str]:
    """The instances of that ground truth, not armed, in which any attack found a counterexample."""
    return [
        name
        for name, each in records.items()
        if not is_armed(ground_truth, name)
        and expected(ground_truth, name) is answer
        and any(record.found for record in each)
    ]


def exit_code(ground_truth: Mapping[str, GroundTruth], records: Records) -> int:
    """3 if our ground truth was refuted, else 1 if a counterexample was found that should not be, else 0."""
    if found_others(ground_truth, records, Expected.HOLDS):
        return 3
    unwanted = [*found_armed(ground_truth, records), *found_others(ground_truth, records, Expected.UNKNOWN)]
    return 1 if unwanted else 0


def render(ground_truth: Mapping[str, GroundTruth], records: Records, console: Console) -> None:
    """Print a row an attack, a line an instance that was found, and a line that says what it means.

    `console` decides about colours: rich drops them where its output is not a terminal.
    """
    console.print(table(ground_truth, records))
    console.print()
    for line in findings(ground_truth, records):
        console.print(Text(line, style="red"), soft_wrap=True)
    console.print(Text(summary(ground_truth, records)), soft_wrap=True)


def table(ground_truth: Mapping[str, GroundTruth], records: Records) -> Table:
    """One row an attack: how many instances survived it, the smallest margin it reached, its queries an instance."""
    made = Table(box=None, pad_edge=False)
    made.add_column("attack", no_wrap=True)
    for heading in ("armed survived", "margin", "others survived", "margin", "queries"):
        made.add_column(heading, justify="right")
    armed = {name: each for name, each in records.items() if is_armed(ground_truth, name)}
    others = {name: each for name, each in records.items() if name not in armed}
    # Instances that were attacked in more ways come first, so that rows are in the battery's order.
    longest = sorted(records.values(), key=len, reverse=True)
    for attack in dict.fromkeys(record.attack for each in longest for record in each):
        of_armed, of_others = of_attack(armed, attack), of_attack(others, attack)
        queries = mean(record.queries for record in [*of_armed, *of_others])
        made.add_row(attack, *cells(of_armed), *cells(of_others), f"{queries:,.0f}")
    return made


def of_attack(records: Records, attack: str) -> list[AttackRecord]:
    """The records of one attack."""
    return [record for each in records.values() for record in each if record.attack == attack]


def cells(records: Sequence[AttackRecord]) -> tuple[Text, str]:
    """How many of all survived, and the smallest margin."""
    if not records:
        return Text("-"), "-"
    survived = sum(not record.found for record in records)
    style = "" if survived == len(records) else "bold red"
    return Text(f"{survived}/{len(records)}", style=style), f"{min(record.margin for record in records):.3g}"


def findings(ground_truth: Mapping[str, GroundTruth], records: Records) -> list[str]:
    """A line an instance in which something was found that should not be, with the first attack that did."""
    lines = []
    for words, names in (
        (
            "ground truth refuted, a counterexample where none should be",
            found_others(ground_truth, records, Expected.HOLDS),
        ),
        ("violated, though nothing was known", found_others(ground_truth, records, Expected.UNKNOWN)),
        ("not hidden", found_armed(ground_truth, records)),
    ):
        for name in names:
            found = [record for record in records[name] if record.found]
            # Only the armed may be found by the auditor.
            record = min(found, key=lambda each: each.attack == AUDITOR)
            remark = "" if record.replays else ", not in ONNX Runtime"
            lines.append(f"{words}: {name}, by {record.attack} (margin {record.margin:.3g}{remark})")
    return lines


def summary(ground_truth: Mapping[str, GroundTruth], records: Records) -> str:
    """What it means, in a line of plain words."""
    armed = [name for name in records if is_armed(ground_truth, name)]
    found = found_armed(ground_truth, records)
    if not armed:
        return "No armed instance was attacked."
    text = f"{len(armed) - len(found)} of {len(armed)} armed instances survived every attack"
    audited = of_attack({name: records[name] for name in armed}, AUDITOR)
    if not audited:
        return f"{text}."
    caught = sum(record.found for record in audited)
    return f"{text}; the auditor, which reads weights and does not count, found {caught} of {len(audited)}."
