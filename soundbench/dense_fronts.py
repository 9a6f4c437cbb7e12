"""The fronts of dense layers and arithmetic: for each operator or attribute one function that draws it.

All give a row of features, shape (1, features).
"""

import numpy as np

from soundbench.architecture import INPUT, Operation
from soundbench.front import Domain, input_name
from soundbench.front_parts import Chain, carrying, clearance, dense, factors, flat, row_of


def gemm(domain: Domain, random: np.random.Generator) -> Chain:
    """A dense layer that reads a column, transA, with a matrix that is not transposed and factors before its parts."""
    column = Operation("column", "Reshape", (INPUT, np.array([-1, 1])))
    return dense([column], "mixed", carrying(domain.size, random), domain, transA=1, alpha=0.5, beta=-2.0)


def matmul_add(domain: Domain, random: np.random.Generator) -> Chain:
    """A dense layer in two operators."""
    before = row_of(domain)
    product = Operation("product", "MatMul", (input_name(before), carrying(domain.size, random).T))
    added = Operation("mixed", "Add", ("product", clearance([*before, product], domain)))
    return [*before, product, added, Operation("mixed_active", "Relu", ("mixed",))]


def residual(domain: Domain, random: np.random.Generator) -> Chain:
    """A stem, then a block with a skip connection that is added to it and another that is subtracted."""
    stem = dense(row_of(domain), "stem", carrying(domain.size, random), domain, transB=1)
    width = len(stem[-2].reads[1])
    block = dense(stem, "inner", np.diag(random.uniform(0.6, 1.2, width)), domain, transB=1)
    outer, other = (np.diag(random.uniform(low, 2 * low, width)) for low in (0.2, 0.05))
    return [
        *block,
        Operation("outer", "Gemm", ("inner_active", outer), {"transB": 1}),
        Operation("added", "Add", ("stem_active", "outer")),
        Operation("other", "Gemm", ("inner_active", other), {"transB": 1}),
        Operation("stream", "Sub", ("added", "other")),
    ]


def centred(domain: Domain, random: np.random.Generator) -> Chain:
    """The input minus a mean of its shape, as some readers want it, and nothing else."""
    mean = (domain.lower + random.random(domain.size) * (domain.upper - domain.lower)).reshape(1, *domain.shape)
    moved = [Operation("centred", "Sub", (INPUT, mean))]
    return flat(moved) if len(domain.shape) > 1 else moved


def normalised(domain: Domain, random: np.random.Generator) -> Chain:
    """The input minus a mean, divided by a deviation, times factors of both signs, number by number."""
    shape = domain.shape
    mean = (domain.lower + random.random(domain.size) * (domain.upper - domain.lower)).reshape(shape)
    scaled = [
        Operation("centred", "Sub", (INPUT, mean)),
        Operation("scaled", "Div", ("centred", random.uniform(0.3, 0.9, shape))),
        Operation("signed", "Mul", ("scaled", factors(domain.size, random).reshape(shape))),
    ]
    return flat(scaled) if len(shape) > 1 else scaled
