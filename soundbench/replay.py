"""Is a claimed counterexample one? It is replayed in ONNX Runtime and in rigorous arithmetic.

The rules are those of VNN-COMP 2026: the point is cast to the network's own input type before anything else,
the network runs in ONNX Runtime on the CPU, the solver's outputs are ignored, and a point is valid strictly
or within 1e-4 (absolute, on the inputs; nothing on the outputs). Ours goes further: the violation must also
be proven over the reals.
"""

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as ort_state

from soundbench.errors import InputError, SoundbenchError
from soundbench.explain import describe_disagreement, describe_outputs, describe_outside, is_proven
from soundbench.graph import Graph, UnsupportedOperator, load_onnx, read_graph
from soundbench.instance import Property, Region
from soundbench.interface import Declaration, Interface
from soundbench.rigorous import affine_matrices, evaluate
from soundbench.rounding import float32_error

TOLERANCE = Fraction(1, 10_000)
TYPES = {"tensor(float16)": "float16", "tensor(float)": "float32", "tensor(double)": "float64"}
# ONNX Runtime's exceptions have no common base below Exception.
ONNXRUNTIME_ERRORS = (
    ort_state.Fail,
    ort_state.InvalidArgument,
    ort_state.InvalidGraph,
    ort_state.InvalidProtobuf,
    ort_state.NotImplemented,
    ort_state.RuntimeException,
    UnicodeDecodeError,  # a name that is no text
)

Point = tuple[Fraction, ...]
OutputBounds = tuple[tuple[Fraction, Fraction], ...]


class NonFiniteOutputError(SoundbenchError):
    """The network's output has a NaN or an infinity, which violates no property."""


@dataclass(frozen=True, slots=True)
class Replay:
    """What came of replaying a point.

    `point` is the point after the cast, shape (inputs,); `outputs` are ONNX Runtime's, exactly, shape
    (outputs,), or () where there are none. One region must hold the point and be reached in both arithmetics:
    `strict` with the point exactly in its box, `within_tolerance` with the point at most `TOLERANCE` away.
    `rigorous` says whether the violation is proven over the reals; None if that was not tried (the point is
    far from every box) or cannot be (an operator without an exact meaning: ONNX Runtime alone decides).
    `rounding`: only one of the arithmetics finds the property violated, or neither does but both miss by less
    than float32 rounding can move the outputs; the point is not valid, and nobody can be accused of it.
    """

    point: Point
    outputs: Point
    strict: bool
    within_tolerance: bool
    rigorous: bool | None
    rounding: bool
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class OnnxNetwork:
    """A network with one input and one output, loaded into ONNX Runtime.

    Runs on the CPU with one thread and without graph optimisations, so that every operator is computed as the
    file says it; a symbolic dimension (the batch) counts as 1.
    """

    path: Path
    session: Any
    input_name: str
    input_shape: tuple[int, ...]
    input_type: str
    output_name: str
    output_type: str

    @property
    def input_count(self) -> int:
        """How many inputs it takes."""
        return math.prod(self.input_shape)

    def cast(self, point: Sequence[Fraction]) -> Point:
        """The point, shape (inputs,), rounded to the network's input type.

        Raises:
            InputError: a value is too large for the type, or the number of values is not the network's.
        """
        if len(point) != self.input_count:
            raise InputError(f"{self.path.name} takes {self.input_count} inputs, but the point has {len(point)}")
        largest = float(np.finfo(self.input_type).max)
        values = [_rounded(value) for value in point]
        for index, value in enumerate(values):
            # Only what floats cannot tell apart is compared exactly, which takes longer.
            if abs(value) >= largest and abs(point[index]) > Fraction(largest):
                raise InputError(f"X_{index} is too large for {self.path.name}, whose input is {self.input_type}")
        return tuple(Fraction(value) for value in np.array(values).astype(self.input_type).tolist())

    def run(self, point: Sequence[Fraction]) -> Point:
        """The outputs at the cast point, flattened in row-major order, as the exact values of the floats.

        Raises:
            InputError: the point does not fit, or ONNX Runtime fails.
            NonFiniteOutputError: an output is NaN or infinite.
        """
        return self.run_cast(self.cast(point))

    def run_cast(self, point: Point) -> Point:
        """The same of a point that has been cast."""
        outputs = self._run([float(value) for value in point]).ravel().tolist()
        for index, value in enumerate(outputs):
            if not np.isfinite(value):
                raise NonFiniteOutputError(f"output Y_{index} is {value} in ONNX Runtime, which violates nothing")
        return tuple(Fraction(value) for value in outputs)

    def interface(self) -> Interface:
        """What it takes and gives; the output's shape is that of a run, since files may leave it open.

        Raises:
            InputError: ONNX Runtime fails.
        """
        output = self._run([0.0] * self.input_count)
        return Interface(
            Declaration(self.input_name, self.input_type, self.input_shape),
            Declaration(self.output_name, self.output_type, output.shape),
        )

    def sizes(self) -> tuple[int, int]:
        """How many inputs and outputs it has: see `interface`."""
        found = self.interface()
        return found.input.size, found.output.size

    def _run(self, values: Sequence[float]) -> NDArray[Any]:
        entry = np.array(values, dtype=self.input_type).reshape(self.input_shape)
        try:
            output: NDArray[Any] = self.session.run(None, {self.input_name: entry})[0]
        except ONNXRUNTIME_ERRORS as error:
            raise InputError(f"{self.path}: ONNX Runtime cannot run it ({_first_line(error)})") from None
        return output


class OpenNetwork:
    """A network to replay many points on: loaded once into ONNX Runtime, and read for real arithmetic when needed."""

    def __init__(self, path: Path) -> None:
        """Load an ONNX file.

        Raises:
            InputError: see `open_onnx`.
        """
        self.path = path
        self.session = open_onnx(path)

    @functools.cached_property
    def graph(self) -> Graph | None:
        """The network over the reals; None if an operator has no exact meaning here."""
        try:
            return read_graph(self.path)
        except UnsupportedOperator:
            return None

    @functools.cached_property
    def interface(self) -> Interface:
        """See `OnnxNetwork.interface`."""
        return self.session.interface()

    @functools.cached_property
    def _matrices(self) -> Mapping[str, Any]:
        return {} if self.graph is None else affine_matrices(self.graph)

    def bound(self, point: Sequence[Fraction]) -> OutputBounds | None:
        """Proven bounds of every output over the reals; None where they are unknown."""
        return None if self.graph is None else evaluate(self.graph, point, self._matrices)

    def blur(self, point: Sequence[Fraction], moved: Sequence[Fraction]) -> Point:
        """How far float32 rounding, the cast of the input included, can move each output; () where that is unknown."""
        if self.graph is None:
            return ()
        return tuple(Fraction(error) for error in float32_error(self.graph, point, moved).tolist())


def open_onnx(path: Path) -> OnnxNetwork:
    """Load an ONNX file, gzipped or not, into ONNX Runtime.

    Raises:
        InputError: the file cannot be read or run, or has not exactly one float input and one float output.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    model = load_onnx(path).SerializeToString()
    try:
        # Its fallback would print, and try the same again.
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"], enable_fallback=0)
    except ONNXRUNTIME_ERRORS as error:
        raise InputError(f"{path}: ONNX Runtime cannot load it ({_first_line(error)})") from None
    for kind, tensors in (("input", session.get_inputs()), ("output", session.get_outputs())):
        if len(tensors) != 1 or tensors[0].type not in TYPES:
            found = ", ".join(f"{tensor.name}: {tensor.type}" for tensor in tensors)
            raise InputError(f"{path}: it must have one {kind} of float type, but it has {found or 'none'}")
    (entry,), (output,) = session.get_inputs(), session.get_outputs()
    shape = tuple(size if isinstance(size, int) else 1 for size in entry.shape)
    return OnnxNetwork(path, session, entry.name, shape, TYPES[entry.type], output.name, TYPES[output.type])


def run_onnx(path: Path, point: Sequence[Fraction]) -> Point:
    """The network's outputs at a point, shape (inputs,) -> (outputs,): see `OnnxNetwork.run`."""
    return open_onnx(path).run(point)


def cast_to_model(path: Path, point: Sequence[Fraction]) -> Point:
    """The point rounded to the network's own input type, shape (inputs,): see `OnnxNetwork.cast`."""
    return open_onnx(path).cast(point)


def replay(onnx: Path, unsafe: Property, point: Sequence[Fraction]) -> Replay:
    """Replay a claimed counterexample of shape (inputs,).

    Raises:
        InputError: the network cannot be read or run (a bad point is an answer, not an error).
    """
    return replay_on(OpenNetwork(onnx), unsafe, point)


def replay_on(
    network: OpenNetwork,
    unsafe: Property,
    point: Sequence[Fraction],
    bound: Callable[[Point], OutputBounds | None] | None = None,
) -> Replay:
    """The same of a network that is open; `bound` supplies the rigorous arithmetic in place of its own.

    Raises:
        InputError: the network cannot be run.
    """
    session = network.session
    require_equal(session.path, "inputs", session.input_count, unsafe.input_count)
    try:
        cast = session.cast(point)
    except InputError as error:
        return _failed(tuple(point), (), str(error))
    try:
        outputs = session.run_cast(cast)
    except NonFiniteOutputError as error:
        return _failed(cast, (), str(error))
    require_equal(session.path, "outputs", len(outputs), unsafe.output_count)
    near = tuple(region for region in unsafe.regions if region.contains_input(cast, TOLERANCE))
    if not near:
        return _failed(cast, outputs, describe_outside(unsafe.regions, cast))
    verdict = _weigh(near, cast, outputs, (bound or network.bound)(cast))
    if verdict.within_tolerance or verdict.rounding:
        return verdict
    blur = network.blur(cast, [given - used for given, used in zip(point, cast, strict=True)])
    return replace(verdict, rounding=any(_is_blurred(region, outputs, blur) for region in near))


def require_equal(path: Path, kind: str, network: int, unsafe: int) -> None:
    """Refuse a network whose inputs or outputs (`kind`) are not as many as its property's.

    Raises:
        InputError: they are not.
    """
    if network != unsafe:
        raise InputError(f"{path}: has {network} {kind}, its property {unsafe}; check which belong together")


def _failed(point: Point, outputs: Point, reason: str) -> Replay:
    return Replay(point, outputs, strict=False, within_tolerance=False, rigorous=None, rounding=False, reason=reason)


def _weigh(near: Sequence[Region], point: Point, outputs: Point, bounds: OutputBounds | None) -> Replay:
    """The verdict over the regions whose boxes are within the tolerance of the point."""
    by_float = [region for region in near if all(each.is_satisfied(outputs) for each in region.outputs)]
    if bounds is None:
        by_proof = list(near)
    else:
        by_proof = [region for region in near if all(is_proven(each, bounds) for each in region.outputs)]
    both = [region for region in by_float if region in by_proof]
    strict = [region for region in both if region.contains_input(point)]
    rigorous = None if bounds is None else bool(by_proof)
    disagree = not both and bool(by_float or rigorous)
    if strict:
        reason = f"the input is in the box and {describe_outputs(strict[0], outputs)}"
    elif both:
        reason = f"{describe_outside(both, point)}, which is within the tolerance"
    elif disagree and bounds is not None:
        reason = describe_disagreement((by_float or by_proof)[0], outputs, bounds)
    else:
        closest = min(near, key=lambda region: _distance(region, outputs))
        reason = f"the outputs do not satisfy the property: {describe_outputs(closest, outputs)}"
    return Replay(point, outputs, bool(strict), bool(both), rigorous, disagree, reason)


def _is_blurred(region: Region, outputs: Point, blur: Point) -> bool:
    """Whether every constraint that the outputs miss is missed by less than rounding can move it."""
    return bool(blur) and all(
        constraint.excess(outputs) <= sum(abs(factor) * blur[index] for index, factor in constraint.terms)
        for constraint in region.outputs
    )


def _distance(region: Region, outputs: Point) -> Fraction:
    return max(constraint.excess(outputs) for constraint in region.outputs)


def _rounded(value: Fraction) -> float:
    """The nearest float64; infinite beyond them all."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0].strip()
