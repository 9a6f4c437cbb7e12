"""What the parsers of ONNX operators take and give, and how they refuse.

A parser takes an operation and its inputs (None where an optional one is left out) and places its output: new nodes,
the same tensor in another shape, or a constant; or, where there are several outputs, a tuple of these. What it does not
know it refuses with UnsupportedError.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .failures import UnsupportedError
from .network import Array, Node

MAX_ENTRIES = 2**24  # of one matrix, and of all matrices of a network together: 128 MB

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """One ONNX node: its operator, its name for messages, its attributes as they are written, its number of outputs."""

    operator: str
    name: str
    attributes: Mapping[str, Any]
    outputs: int = 1

    def refuse(self, reason: str) -> UnsupportedError:
        """The error to raise: it names the operation and says what about it is not supported."""
        return UnsupportedError(f"{self.operator} ({self.name}): {reason}")

    def read(self, defaults: Mapping[str, Any]) -> dict[str, Any]:
        """The attributes with defaults filled in; one that has no default, or not the default's type, is refused."""
        for name, value in self.attributes.items():
            if name not in defaults or type(value) is not type(defaults[name]):
                raise self.refuse(f"attribute {name} = {value!r}")
        return {**defaults, **self.attributes}


@dataclass(frozen=True, slots=True)
class Tensor:
    """A value that depends on the input: the tensor's index in the network, and the shape that it is seen in."""

    index: int
    shape: Shape


@dataclass(frozen=True, slots=True)
class Constant:
    """A value that does not: float64 (holding float32 values) or int64."""

    array: npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Lowered:
    """A new node, those after it, and the shape of the last one's output.

    Each node after the first is made from the index of the tensor that the one before it produces.
    """

    node: Node
    shape: Shape
    after: tuple[Callable[[int], Node], ...] = ()


Value = Tensor | Constant
Placed = Value | Lowered
Parser = Callable[[Operation, tuple[Value | None, ...]], Placed | tuple[Placed, ...]]


def chain(tensor: Tensor, shape: Shape, makers: Sequence[Callable[[int], Node]]) -> Lowered:
    """New nodes one after another, the first one after a tensor."""
    first, *after = makers
    return Lowered(first(tensor.index), shape, tuple(after))


def inputs_of(operation: Operation, inputs: tuple[Value | None, ...], least: int, most: int) -> list[Value | None]:
    """The inputs, filled up with None to `most`; another number of them is refused."""
    if not least <= len(inputs) <= most or None in inputs[:least]:
        raise operation.refuse(f"{len(inputs)} inputs")
    return [*inputs, *[None] * (most - len(inputs))]


def tensor_of(operation: Operation, value: Value | None) -> Tensor:
    """The value, which has to depend on the network's input."""
    if not isinstance(value, Tensor):
        raise operation.refuse("a constant where only a computed tensor is supported")
    return value


def floats_of(operation: Operation, value: Value | None) -> Array:
    """The value, which has to be a constant of floats."""
    if not isinstance(value, Constant) or value.array.dtype != np.float64:
        raise operation.refuse("something other than a constant of floats as a weight")
    return value.array


def integers_of(operation: Operation, value: Value | None) -> list[int] | None:
    """The value, which has to be a constant list of integers, or one; None where it is left out."""
    if value is None:
        return None
    if not isinstance(value, Constant) or value.array.dtype != np.int64 or value.array.ndim > 1:
        raise operation.refuse("something other than a constant list of integers")
    return [int(number) for number in value.array.ravel()]


def axes_of(operation: Operation, axes: Sequence[int], rank: int) -> list[int]:
    """Different axes of so many, counted from either end, as counted from the front."""
    counted = [axis + rank if axis < 0 else axis for axis in axes]
    if len(set(counted)) != len(counted) or not all(0 <= axis < rank for axis in counted):
        raise operation.refuse(f"axes {list(axes)} of {rank}")
    return counted


def listed_axes(operation: Operation, tensor: Tensor, value: Value | None, attribute: Sequence[int]) -> list[int]:
    """The axes that an operand lists, or in earlier versions an attribute; empty where neither does."""
    axes = integers_of(operation, value)
    if axes == []:
        raise operation.refuse("an empty list of axes")
    return axes_of(operation, attribute if axes is None else axes, len(tensor.shape))


def require_size(operation: Operation, entries: int) -> None:
    """Refuse a matrix that is too large to be written out."""
    if entries > MAX_ENTRIES:
        raise operation.refuse(f"a matrix of {entries} entries (at most {MAX_ENTRIES})")
