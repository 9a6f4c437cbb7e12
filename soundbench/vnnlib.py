"""How is VNN-LIB 1.0 read and written? The assertions of a file describe the unsafe set.

Format: https://www.vnnlib.org and the VNN-COMP benchmarks, one `X_i` an input and one `Y_i` an output.
"""

import gzip
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from soundbench.errors import InputError
from soundbench.instance import Constraint, Interval, Property, Region
from soundbench.vnnlib_formula import (
    MAXIMUM_ATOMS,
    TRUE,
    VARIABLE,
    Conjunction,
    InputBound,
    conjuncts,
    merge,
    normal_form,
)
from soundbench.vnnlib_text import Expression, Form, TextError, decimal_text, read_forms, shown

__all__ = ["decimal_text", "format_property", "parse_property", "property_text", "read_property"]

MAXIMUM_BYTES = 256 * 2**20
GZIP_MAGIC = b"\x1f\x8b"

Bounds = Mapping[tuple[int, bool], InputBound]


def read_property(path: Path) -> Property:
    """Read a VNN-LIB 1.0 file, plain or gzipped (told by its first bytes, not by its name).

    Raises:
        InputError: the file cannot be read, or holds what a `Property` cannot represent.
    """
    return parse_property(property_text(path), str(path))


def parse_property(text: str, source: str) -> Property:
    """The property that a VNN-LIB 1.0 text describes, in disjunctive normal form with exact numbers.

    Args:
        text: The content of a file.
        source: What error messages call it, usually its path.

    Raises:
        InputError: `SOURCE:LINE: reason; what to do`, for what a `Property` cannot represent.
    """
    try:
        return _property(text)
    except TextError as error:
        raise InputError(f"{source}:{error.line}: {error.reason}") from None


def format_property(unsafe: Property, comments: Sequence[str] = ()) -> str:
    """VNN-LIB 1.0 text that reads back as the same property, in the layout of VNN-COMP's benchmarks.

    Args:
        unsafe: The property.
        comments: Lines for the top of the file, without their `;`.

    Raises:
        ValueError: a number has no finite decimal expansion, a comment spans several lines, or the
            property is one that `parse_property` refuses (no region, an empty box, no output constraint).
    """
    _check_writable(unsafe, comments)
    box = unsafe.regions[0].inputs
    if all(region.inputs == box for region in unsafe.regions):
        shared, cases = _bound_texts(box), [_constraint_texts(region) for region in unsafe.regions]
    else:
        shared = []
        cases = [_bound_texts(region.inputs) + _constraint_texts(region) for region in unsafe.regions]
    if len(cases) == 1:
        shared, cases = shared + cases[0], []
    lines = [
        *(f"; {comment}" for comment in comments),
        *(f"(declare-const X_{index} Real)" for index in range(unsafe.input_count)),
        *(f"(declare-const Y_{index} Real)" for index in range(unsafe.output_count)),
        *(f"(assert {condition})" for condition in shared),
    ]
    if cases:
        lines += ["(assert (or", *(f"    (and {' '.join(case)})" for case in cases), "))"]
    return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class _Script:
    """A file's declarations (with their lines), and its assertions: those of one case, and the `or`s."""

    declared: Mapping[str, int]
    shared: Conjunction
    alternatives: tuple[Expression, ...]
    last_line: int


def property_text(path: Path) -> str:
    """The text of a VNN-LIB file, plain or gzipped.

    Raises:
        InputError: the file cannot be read, or holds no text.
    """
    try:
        with path.open("rb") as file:
            is_gzipped = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
            file.seek(0)
            content = (gzip.GzipFile(fileobj=file) if is_gzipped else file).read(MAXIMUM_BYTES + 1)
        if len(content) > MAXIMUM_BYTES:
            raise InputError(f"{path}: holds more than {MAXIMUM_BYTES:,} bytes; split the property into several files")
        return content.decode("utf-8-sig")
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{path}: damaged gzip data ({error}); fetch or compress the file again") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}:{line}: not UTF-8 text; give a VNN-LIB file, plain or gzipped") from None
    except (OSError, ValueError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or str(error)
        raise InputError(f"{path}: {reason}; give a readable VNN-LIB file") from None


def _property(text: str) -> Property:
    script = _script(text)
    input_count, output_count = (_count(script, letter) for letter in "XY")
    cases = TRUE
    if script.alternatives:
        joined = Form(script.last_line, ("and", *script.alternatives))
        cases = normal_form(joined, script.last_line, script.declared)
    if not cases:
        raise TextError(script.last_line, "no case of the assertions can be true; an unsafe set must not be empty")
    return Property(input_count, output_count, _regions(script, cases, input_count))


def _script(text: str) -> _Script:
    declared: dict[str, int] = {}
    shared: list[Conjunction] = []
    alternatives: list[Expression] = []
    for form in read_forms(text):
        if form.head != "assert":
            name = _declared_name(form)
            if name in declared:
                raise TextError(form.line, f"{name} is already declared on line {declared[name]}; remove one of them")
            declared[name] = form.line
            continue
        for condition in _asserted(form):
            if isinstance(condition, Form) and condition.head == "or":
                alternatives.append(condition)
                continue
            cases = normal_form(condition, form.line, declared)
            if not cases:
                raise TextError(form.line, "this assertion is never true, so nothing is unsafe; correct or remove it")
            shared.extend(cases)
    return _Script(declared, merge(shared), tuple(alternatives), text.count("\n") + 1)


def _declared_name(form: Form) -> str:
    if form.head in ("vnnlib-version", "declare-network"):
        raise TextError(form.line, "a file in VNN-LIB 2.0; give the same property in VNN-LIB 1.0")
    if form.head not in ("declare-const", "declare-fun"):
        raise TextError(form.line, f"{shown(form)} is not supported; only declare-const, declare-fun and assert are")
    match form.items:
        case ("declare-const", str(name), str(sort)) | ("declare-fun", str(name), Form(items=()), str(sort)):
            pass
        case _:
            raise TextError(form.line, f"malformed {form.head}; write it as (declare-const X_0 Real)")
    if VARIABLE.fullmatch(name) is None:
        raise TextError(form.line, f"{shown(name)} is no variable; name inputs X_0, X_1, ... and outputs Y_0, Y_1, ...")
    if sort != "Real":
        raise TextError(form.line, f"{name} has sort {shown(sort)}; declare it as Real, the only sort supported")
    return name


def _asserted(form: Form) -> Iterator[Expression]:
    if len(form.items) != 2:
        raise TextError(form.line, f"'assert' takes one condition but has {len(form.items) - 1}; join them with 'and'")
    return conjuncts(form.items[1])


def _count(script: _Script, letter: str) -> int:
    """How many variables of a letter are declared, without gaps from 0."""
    lines = {int(name[2:]): line for name, line in script.declared.items() if name[0] == letter}
    if not lines:
        raise TextError(script.last_line, f"no {letter}_0 is declared; declare all inputs (X_i) and outputs (Y_i)")
    for expected, index in enumerate(sorted(lines)):
        if index != expected:
            reason = f"{letter}_{index} is declared but {letter}_{expected} is not; number from 0 without gaps"
            raise TextError(lines[index], reason)
    return len(lines)


def _regions(script: _Script, cases: Sequence[Conjunction], input_count: int) -> tuple[Region, ...]:
    """One region a case; cases with the same bounds share one box."""
    shared = _tightest(script.shared.bounds)
    intervals = [_interval(shared.get((index, False)), shared.get((index, True))) for index in range(input_count)]
    boxes: dict[tuple[int, ...], tuple[Interval, ...]] = {}
    regions: list[Region] = []
    for case in cases:
        key = tuple(map(id, case.bounds))  # two choices from the same `or` share their bounds
        if key not in boxes:
            boxes[key] = _box(script, intervals, shared, case.bounds)
        if len(boxes) * input_count + len(regions) * len(script.shared.constraints) > MAXIMUM_ATOMS:
            reason = f"the regions take more than {MAXIMUM_ATOMS:,} bounds; split the property into several files"
            raise TextError(script.last_line, reason)
        constraints = script.shared.constraints + case.constraints
        if not constraints:
            line = max((bound.line for bound in case.bounds), default=script.last_line)
            raise TextError(line, "a region without an output constraint is always violated; constrain an output")
        regions.append(Region(boxes[key], constraints))
    return tuple(regions)


def _box(
    script: _Script, intervals: Sequence[Interval | None], shared: Bounds, own: Sequence[InputBound]
) -> tuple[Interval, ...]:
    """The shared intervals, narrowed by a case's own bounds."""
    touched = dict.fromkeys(bound.variable for bound in own)
    inherited = [shared[side] for index in touched for side in ((index, False), (index, True)) if side in shared]
    bounds = _tightest([*inherited, *own])
    narrowed = list(intervals)
    for index in touched:
        narrowed[index] = _interval(bounds.get((index, False)), bounds.get((index, True)))
    box = tuple(interval for interval in narrowed if interval is not None)
    if len(box) < len(narrowed):
        index = narrowed.index(None)
        side = "upper" if (index, False) in bounds or (index, False) in shared else "lower"
        reason = f"X_{index} has no {side} bound in some region; bound it on both sides"
        raise TextError(script.declared[f"X_{index}"], reason)
    return box


def _tightest(bounds: Iterable[InputBound]) -> Bounds:
    """The tightest bound on each input and side; the strict one where values are equal."""
    kept: dict[tuple[int, bool], InputBound] = {}
    for bound in bounds:
        side = (bound.variable, bound.is_upper)
        if side not in kept or _is_tighter(bound, kept[side]):
            kept[side] = bound
    return kept


def _is_tighter(bound: InputBound, other: InputBound) -> bool:
    if bound.value == other.value:
        return bound.is_strict
    return (bound.value < other.value) == bound.is_upper


def _interval(lower: InputBound | None, upper: InputBound | None) -> Interval | None:
    if lower is None or upper is None:
        return None
    interval = Interval(lower.value, upper.value, lower.is_strict, upper.is_strict)
    if interval.is_empty:
        bounds = f"the bounds of X_{lower.variable} on lines {lower.line} and {upper.line}"
        reason = f"{bounds} leave no value between them; an unsafe region must not be empty"
        raise TextError(max(lower.line, upper.line), reason)
    return interval


def _check_writable(unsafe: Property, comments: Sequence[str]) -> None:
    if any("\n" in comment or "\r" in comment for comment in comments):
        raise ValueError("a comment spans several lines; give one string a line")
    if not unsafe.regions:
        raise ValueError("a property without regions has no unsafe set; give it one region or more")
    for region in unsafe.regions:
        if len(region.inputs) != unsafe.input_count or any(interval.is_empty for interval in region.inputs):
            raise ValueError("a region's box is empty or has the wrong number of inputs; correct it")
        indices = [index for constraint in region.outputs for index, _ in constraint.terms]
        if not all(constraint.terms for constraint in region.outputs) or not indices:
            raise ValueError("a region lacks an output constraint, or a constraint its terms; add them")
        if min(indices) < 0 or max(indices) >= unsafe.output_count:
            raise ValueError("a constraint names an output that the property does not have; correct its index")


def _bound_texts(box: Sequence[Interval]) -> list[str]:
    return [
        text
        for index, interval in enumerate(box)
        for text in (
            f"({'>' if interval.lower_open else '>='} X_{index} {decimal_text(interval.lower)})",
            f"({'<' if interval.upper_open else '<='} X_{index} {decimal_text(interval.upper)})",
        )
    ]


def _constraint_texts(region: Region) -> list[str]:
    return [_constraint_text(constraint) for constraint in region.outputs]


def _constraint_text(constraint: Constraint) -> str:
    """The simplest form that says it, since VNN-COMP's tools read little more than the first three."""
    less, more = ("<", ">") if constraint.strict else ("<=", ">=")
    bound = decimal_text(constraint.bound)
    match constraint.terms:
        case ((index, 1),):
            return f"({less} Y_{index} {bound})"
        case ((index, -1),):
            return f"({more} Y_{index} {decimal_text(-constraint.bound)})"
        case ((first, 1), (second, -1)) | ((second, -1), (first, 1)):
            if constraint.bound == 0:
                return f"({less} Y_{first} Y_{second})"
            return f"({less} (- Y_{first} Y_{second}) {bound})"
    products = [f"(* {decimal_text(factor)} Y_{index})" for index, factor in constraint.terms]
    total = products[0] if len(products) == 1 else f"(+ {' '.join(products)})"
    return f"({less} {total} {bound})"
