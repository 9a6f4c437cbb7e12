"""What does the reader of a description see? What there is how often, which pairs never meet, and what it means."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import median_low
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from soundbench.coverage import Counts, Coverage, Value, count
from soundbench.description import Description
from soundbench.ground_truth import Role

GROUND_TRUTH_REFUTED = 3


def exit_code(description: Description) -> int:
    """3 if the files refute what the ground truth says, else 0."""
    return GROUND_TRUTH_REFUTED if description.problems else 0


def render(description: Description, console: Console) -> None:
    """Print the tables, a line for every value with pairs that never meet, the problems, and what it means.

    `console` decides about colours: rich drops them where its output is not a terminal.
    """
    console.print(line(heading(description)), soft_wrap=True)
    for title, table in counts(description).items():
        console.print()
        console.print(count_table(title, table))
    console.print()
    console.print(number_table(description))
    console.print()
    for words in coverage_lines(description.coverage):
        console.print(line(words), soft_wrap=True)
    for problem in description.problems:
        console.print(line(f"ground truth refuted: {problem}", style="red"), soft_wrap=True)
    console.print(line(conclusion(description)), soft_wrap=True)


def line(words: str, style: str = "") -> Text:
    """Words from files, without what a terminal would obey."""
    return Text("".join(each if each.isprintable() else "?" for each in words), style=style)


def to_json(description: Description) -> dict[str, Any]:
    """The description as values that `json` can write."""
    coverage = description.coverage
    return {
        "suite": description.title,
        "files": description.files,
        "bytes": description.bytes,
        "networks": description.networks,
        "counts": counts(description),
        "factors": coverage.factors,
        "pairs_met": coverage.met,
        "pairs_missing": coverage.missing,
        "pairs_forbidden": coverage.forbidden,
        "unknown": description.unknown,
        "problems": description.problems,
        "instances": {
            each.name: {
                "role": each.role,
                "features": {feature: sorted(words) for feature, words in each.features.items()},
                "numbers": each.numbers,
                "factors": each.recorded,
            }
            for each in description.instances
        },
    }


def heading(description: Description) -> str:
    """The sizes, in one line."""
    size = f"{description.files} files of {description.bytes / 1e6:,.1f} MB"
    return f"{description.title}: {len(description.instances)} instances of {description.networks} networks, {size}"


def counts(description: Description) -> Mapping[str, Counts]:
    """How many instances of each role have what, in their files and by their recipe."""
    tables = {
        "in the files": count((each.role, each.features) for each in description.instances),
        "by the recipe": count((each.role, each.meant) for each in description.instances),
    }
    return {title: table for title, table in tables.items() if table}


def count_table(title: str, table: Counts) -> Table:
    """A row a value, a column a role."""
    roles = [role for role in Role if any(found[role] for values in table.values() for found in values.values())]
    made = Table(box=None, pad_edge=False)
    made.add_column(title, no_wrap=True)
    for role in roles:
        made.add_column(str(role), justify="right")
    for factor, values in table.items():
        made.add_row(line(factor, style="bold"))
        for value, found in values.items():
            made.add_row(line(f"  {value}"), *(str(found[role]) for role in roles))
    return made


def numbers(description: Description) -> dict[str, list[float]]:
    """The numbers of all instances, by what they are."""
    found: dict[str, list[float]] = {}
    for instance in description.instances:
        for name, value in instance.numbers.items():
            found.setdefault(name, []).append(value)
    return found


def number_table(description: Description) -> Table:
    """A row a number: the least, the median and the largest of the instances that have it."""
    made = Table(box=None, pad_edge=False)
    made.add_column("numbers", no_wrap=True)
    for column in ("least", "median", "largest"):
        made.add_column(column, justify="right")
    for name, values in numbers(description).items():
        made.add_row(name, *(shown(value) for value in (min(values), median_low(values), max(values))))
    return made


def shown(value: float) -> str:
    """A number: whole ones with all digits up to a million."""
    return f"{value:,.0f}" if value == int(value) and abs(value) < 1e7 else f"{value:.4g}"


def coverage_lines(coverage: Coverage) -> Iterator[str]:
    """A line a value: which values of other factors it never meets, and which it may not."""
    for words, pairs in (("never with", coverage.missing), ("forbidden with", coverage.forbidden)):
        lines: dict[Value, dict[str, list[str]]] = {}
        for first, (factor, value) in pairs:
            lines.setdefault(first, {}).setdefault(factor, []).append(value)
        for (factor, value), others in lines.items():
            listed = "; ".join(f"{other} {', '.join(values)}" for other, values in others.items())
            yield f"{factor} {value}: {words} {listed}"


def conclusion(description: Description) -> str:
    """What it means, in a line of plain words."""
    return " ".join((pairs_sentence(description.coverage), *unknown_sentence(description.unknown)))


def pairs_sentence(coverage: Coverage) -> str:
    """How many pairs of values meet."""
    if not coverage.met:
        return "No two values of different factors meet in an armed instance."
    missing, forbidden, factors = len(coverage.missing), len(coverage.forbidden), len(coverage.factors)
    but = f", besides {forbidden} that the recipe forbids" if forbidden else ""
    if not missing:
        return f"Every two values of {factors} factors meet in at least one armed instance{but}."
    total = coverage.met + missing + forbidden
    return f"{missing} of {total} pairs of values of {factors} factors never meet in an armed instance{but}."


def unknown_sentence(unknown: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Which recorded values were taken at their word."""
    if unknown:
        listed = "; ".join(f"{factor} {', '.join(values)}" for factor, values in unknown.items())
        yield f"Files do not tell, so the recipe is believed: {listed}."
