"""The steps of the reference verifier, each a function that can be replaced.

A variant of the verifier is `dataclasses.replace(DEFAULT, split=another)`, or, for one entry of a table,
`replace(DEFAULT, upper_line={**DEFAULT.upper_line, Relu: another})`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from soundbench.claim import Claim
from soundbench.instance import Property, Region

from . import (
    arithmetic_operators,
    backward,
    bounding,
    branching,
    candidates,
    function_operators,
    intervals,
    linear_operators,
    relaxation,
    selection_operators,
    shape_operators,
    subdomains,
    targets,
    verdict,
    window_operators,
)
from .backward import LinearForm, Relaxation, Substitution
from .bounding import ConstraintBounds
from .intervals import Bounds
from .line import LineTable
from .network import Array, Exp, LeakyRelu, Network, Node, Relu, Sigmoid, Sign, Tanh
from .operators import Parser
from .subdomains import Ending, Expansion, SubDomain
from .targets import Constraints, Target
from .verdict import Counterexample, Verdict


@dataclass(frozen=True, slots=True)
class Steps:
    """One field a step, named after the function that fills it by default; its contract stands there.

    Tables are by operator name (`parsers`) or by node type; their functions take that type of node (hence Any).
    """

    parsers: Mapping[str, Parser]
    interval: Mapping[type[Node], Callable[[Any, Sequence[Bounds], float], Bounds]]
    lower_lines: tuple[LineTable, ...]
    upper_line: LineTable
    backward: Mapping[type[Node], Callable[[Any, int, Array, Relaxation], Substitution]]

    targets: "Callable[[Property, Network, Steps], tuple[Target, ...]]"
    box: Callable[[Region], Bounds]
    constraints: Callable[[Region, int], Constraints]

    relax: "Callable[[Network, Bounds, Steps], tuple[Relaxation, ...]]"
    worth_refining: Callable[[Node, Bounds], npt.NDArray[np.bool_]]
    refine: "Callable[[Network, Node, int, tuple[Relaxation, ...], Steps], Bounds]"
    back_substitute: "Callable[[Network, LinearForm, Relaxation, Steps], tuple[LinearForm, ...]]"
    concretise: Callable[[LinearForm, Sequence[Bounds]], Array]
    sensitivity: Callable[[Network, Array, Relaxation], Array]
    bound_constraints: "Callable[[Network, Bounds, Constraints, Steps], ConstraintBounds]"

    choose_dimension: Callable[[Bounds, ConstraintBounds], int]
    choose_cut: Callable[[Bounds, int], float]
    split: Callable[[Bounds, int, float], tuple[Bounds, ...]]

    push: Callable[[list[SubDomain], SubDomain], None]
    pop: Callable[[list[SubDomain]], SubDomain]
    priority: Callable[[ConstraintBounds], float]
    expand: "Callable[[Network, SubDomain, Steps], Expansion]"
    is_refuted: Callable[[Constraints, ConstraintBounds], bool]
    candidates: Callable[[Bounds, ConstraintBounds], Iterable[Array]]
    find_counterexample: Callable[[Network, Target, Iterable[Array]], Counterexample | None]
    conclude: Callable[[Ending], Claim]
    report: Callable[[Verdict], str]


PARSERS: Mapping[str, Parser] = {
    "Abs": function_operators.activation_parser(partial(LeakyRelu, slope=-1.0)),
    "Add": arithmetic_operators.parse_add,
    "AveragePool": window_operators.parse_average_pool,
    "BatchNormalization": arithmetic_operators.parse_batch_normalization,
    "Clip": function_operators.parse_clip,
    "Concat": selection_operators.parse_concat,
    "Constant": shape_operators.parse_constant,
    "Conv": window_operators.parse_conv,
    "ConvTranspose": window_operators.parse_conv_transpose,
    "Div": arithmetic_operators.parse_div,
    "Exp": function_operators.activation_parser(Exp),
    "Flatten": shape_operators.parse_flatten,
    "Gather": selection_operators.parse_gather,
    "Gemm": linear_operators.parse_gemm,
    "Identity": shape_operators.parse_identity,
    "LeakyRelu": function_operators.parse_leaky_relu,
    "MatMul": linear_operators.parse_matmul,
    "MaxPool": window_operators.parse_max_pool,
    "Mul": arithmetic_operators.parse_mul,
    "Neg": arithmetic_operators.parse_neg,
    "PRelu": function_operators.parse_prelu,
    "Pow": function_operators.parse_power,
    "ReduceMean": linear_operators.reduction_parser(np.mean),
    "ReduceSum": linear_operators.reduction_parser(np.sum),
    "Relu": function_operators.activation_parser(Relu),
    "Reshape": shape_operators.parse_reshape,
    "Sigmoid": function_operators.activation_parser(Sigmoid),
    "Sign": function_operators.activation_parser(Sign),
    "Slice": selection_operators.parse_slice,
    "Softmax": function_operators.parse_softmax,
    "Split": selection_operators.parse_split,
    "Squeeze": shape_operators.parse_squeeze,
    "Sub": arithmetic_operators.parse_sub,
    "Tanh": function_operators.activation_parser(Tanh),
    "Transpose": selection_operators.parse_transpose,
    "Unsqueeze": shape_operators.parse_unsqueeze,
}

DEFAULT = Steps(
    parsers=PARSERS,
    interval=intervals.INTERVAL,
    lower_lines=(relaxation.LOWER_LINE, relaxation.STEEP_LOWER_LINE),
    upper_line=relaxation.UPPER_LINE,
    backward=backward.BACKWARD,
    targets=targets.targets,
    box=targets.box,
    constraints=targets.constraints,
    relax=bounding.relax,
    worth_refining=bounding.worth_refining,
    refine=bounding.refine,
    back_substitute=backward.back_substitute,
    concretise=backward.concretise,
    sensitivity=branching.sensitivity,
    bound_constraints=bounding.bound_constraints,
    choose_dimension=branching.choose_dimension,
    choose_cut=branching.choose_cut,
    split=branching.split,
    push=subdomains.push,
    pop=subdomains.pop,
    priority=subdomains.priority,
    expand=subdomains.expand,
    is_refuted=subdomains.is_refuted,
    candidates=candidates.candidates,
    find_counterexample=candidates.find_counterexample,
    conclude=subdomains.conclude,
    report=verdict.report,
)
