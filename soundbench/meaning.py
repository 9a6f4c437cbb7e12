"""What a network and a property mean, in one number: a certificate is about that, not about a file."""

import hashlib

import numpy as np

from soundbench.graph import (
    Activation,
    Affine,
    Graph,
    Maximum,
    Product,
    Selection,
    Softmax,
    Step,
    Sum,
    inputs_of,
)
from soundbench.instance import Property


def meaning_digest(graph: Graph, unsafe: Property) -> str:
    """SHA-256 of what a network and a property mean: every step's exact numbers, every bound and constraint."""
    digest = hashlib.sha256()
    for step in graph.steps:
        match step:
            case Affine():
                parts = (step.matrix, step.bias, step.matrix_radius, step.bias_radius)
                arrays = [np.ascontiguousarray(part) for part in parts if part is not None]
            case Sum():
                arrays = [np.ascontiguousarray(step.bias)]
            case Activation() | Selection() | Maximum() | Product() | Softmax():
                arrays = []
        digest.update(f"{kind_of(step)} {step.output} {inputs_of(step)} {setting_of(step)}\n".encode())
        for array in arrays:
            # Adding zero turns -0.0 into 0.0, which means the same.
            digest.update(str(array.shape).encode() + (array + 0.0).astype("<f8").tobytes())
    digest.update(f"{graph.input} {graph.output} {graph.input_shape}\n{unsafe!r}".encode())
    return digest.hexdigest()


def kind_of(step: Step) -> str:
    """What a step is called: a selection that only reorders keeps the name that the digests of older suites hold."""
    if isinstance(step, Selection) and len(step.inputs) == 1 and sorted(step.order) == list(range(len(step.order))):
        return "Permutation"
    return type(step).__name__


def setting_of(step: Step) -> str:
    """What a step is told to do, besides its inputs and numbers."""
    match step:
        case Activation():
            return str(step.function)
        case Selection():
            return str(step.order.tolist())
        case Maximum():
            return str(step.groups.tolist())
        case Product():
            return str(step.shape)
        case Softmax():
            return str(step.length)
        case Affine() | Sum():
            return ""
