"""The fronts of curves and bends: for each kind of activation one function that draws it.

All give a row of features, shape (1, features).
"""

import numpy as np

from soundbench.architecture import Operation
from soundbench.front import Domain, input_name, reach_of
from soundbench.front_parts import (
    CLEARANCE,
    Chain,
    carrying,
    factors,
    flat,
    halves,
    product,
    reach,
    row_of,
    some_carrying,
)
from soundbench.graph import Array

# How far features reach on either side of zero before a curve: enough to bend, too little to flatten out.
BEND = 2.0
# Where pieces are cut is a multiple of this power of two, so that float32 holds it and the number one below.
GRID = 20
# What attention scores are made of: one entry of each row is above the others by about the square of this.
SCORE = 8.0
TOKENS = 3
# Of an input in such units that its range is so long, bounds of the difference of two equal numbers are about the
# square of a box's half-width; squared so often they are beyond float64 if that is well above one, else next to none.
UNITS, SQUARINGS = 12.0, 9
# How much features would be raised if what is zero were one, of half the range of an input: less than needles notice.
RAISED = 2.0**-17


def within(domain: Domain, weights: Array, low: float, high: float) -> tuple[Array, Array]:
    """Weights and bias of a dense layer each of whose outputs goes from `low` to `high` over the domain."""
    least, most = reach_of(product(row_of(domain), "row", weights), domain)
    scale = (high - low) / (most - least)
    return scale[:, None] * weights, low - scale * least


def joined(first: Chain, second: Chain) -> Chain:
    """Both branches, their outputs in one row."""
    shared = [each for each in second if each.name not in {other.name for other in first}]
    ends = (input_name(first), input_name(second))
    return [*first, *shared, Operation("row", "Concat", ends, {"axis": 1})]


def two_sided(domain: Domain, random: np.random.Generator, weights: Array, name: str) -> Chain:
    """A dense layer of whose outputs some are above zero everywhere in the domain, and the others below."""
    bare = product(row_of(domain), name, weights)
    low, high = reach_of(bare, domain)
    clear = CLEARANCE * (high - low)
    is_above = random.random(len(weights)) < 0.4
    return product(row_of(domain), name, weights, np.where(is_above, clear - low, -clear - high))


def leaky(domain: Domain, random: np.random.Generator) -> Chain:
    """LeakyRelu with a steep slope, of numbers most of which are below zero."""
    before = two_sided(domain, random, carrying(domain.size, random), "mixed")
    return [*before, Operation("leaky", "LeakyRelu", ("mixed",), {"alpha": 0.3})]


def signed(domain: Domain, random: np.random.Generator) -> Chain:
    """Sizes of some inputs, and others times a sign."""
    one, other = halves(domain.size, random)
    sized = two_sided(domain, random, some_carrying(domain.size, one, random), "sized")
    turned = two_sided(domain, random, some_carrying(domain.size, other, random), "turned")
    return joined(
        [*sized, Operation("size", "Abs", ("sized",))],
        [*turned, Operation("sign", "Sign", ("turned",)), Operation("product", "Mul", ("turned", "sign"))],
    )


def clipped(domain: Domain, random: np.random.Generator) -> Chain:
    """Each input in two pieces, one cut off exactly where the other begins."""
    weights = np.vstack([np.diag(factors(domain.size, random))] * 2)
    scaled, shift = within(domain, weights, 0.02, 1.98)
    pieces = (shift * 2.0**GRID).round() / 2.0**GRID - np.repeat([0.0, 1.0], domain.size)
    order = random.permutation(len(weights))
    return [
        *product(row_of(domain), "mixed", scaled[order], pieces[order]),
        Operation("cut", "Clip", ("mixed", np.array(0.0), np.array(1.0))),
    ]


def squashed(domain: Domain, random: np.random.Generator) -> Chain:
    """Sigmoids of some inputs, tanh of others, on both sides of zero."""
    one, other = np.split(random.permutation(domain.size), [domain.size // 3])
    low = product(row_of(domain), "low", *within(domain, some_carrying(domain.size, one, random), -BEND, BEND))
    high = product(
        row_of(domain), "high", *within(domain, some_carrying(domain.size, other, random), -0.5 * BEND, 0.5 * BEND)
    )
    return joined(
        [*low, Operation("sigmoid", "Sigmoid", ("low",))],
        [*high, Operation("tanh", "Tanh", ("high",))],
    )


def powered(domain: Domain, random: np.random.Generator) -> Chain:
    """Squares of some inputs, exponentials of others."""
    one, other = halves(domain.size, random)
    base = product(row_of(domain), "base", *within(domain, some_carrying(domain.size, one, random), 0.5, 2.0))
    exponent = product(
        row_of(domain), "exponent", *within(domain, some_carrying(domain.size, other, random), -0.7, 0.7)
    )
    return joined(
        [*base, Operation("square", "Pow", ("base", np.array(2.0)))],
        [*exponent, Operation("exponential", "Exp", ("exponent",))],
    )


def attention(domain: Domain, random: np.random.Generator) -> Chain:
    """Tokens that each attend to another, one of them twice: products of activations, before and after a Softmax.

    Who attends to whom is not its own inverse, and there are more queries than keys: exchanged axes do not go unseen.
    """
    rows = carrying(domain.size, random)
    rows = np.vstack([rows, rows[: -len(rows) % TOKENS]])
    values = product(row_of(domain), "values", rows, -0.5 * rows @ (domain.lower + domain.upper))
    attended = SCORE * np.roll(np.eye(TOKENS), int(random.choice([-1, 1])), axis=0)
    asked = SCORE * np.eye(TOKENS)[random.permutation([*range(TOKENS), int(random.integers(TOKENS))])]
    keys, queries = (
        random.normal(size=(wanted.size, domain.size)) / (reach_of(values, domain)[1].max() * domain.size)
        for wanted in (attended, asked)
    )
    return flat(
        [
            *values,
            Operation("tokens", "Reshape", ("values", np.array([1, TOKENS, len(rows) // TOKENS]))),
            *product(row_of(domain), "query_row", queries, asked.ravel())[-1:],
            Operation("queries", "Reshape", ("query_row", np.array([1, *asked.shape]))),
            *product(row_of(domain), "key_row", keys, attended.ravel())[-1:],
            Operation("keys", "Reshape", ("key_row", np.array([1, *attended.shape]))),
            Operation("turned", "Transpose", ("keys",), {"perm": [0, 2, 1]}),
            Operation("scores", "MatMul", ("queries", "turned")),
            Operation("weights", "Softmax", ("scores",), {"axis": 2}),
            Operation("attended", "MatMul", ("weights", "tokens")),
        ]
    )


def overflowing(domain: Domain, random: np.random.Generator) -> Chain:
    """Inputs, and to each added what is zero, though its bounds are beyond all numbers unless the box is narrow.

    With a = u + 1 and b = u - 1, a^2 - b^2 - 2 a - 2 b is zero; straight lines leave a square's height between them.
    """
    least, most = domain.lower, domain.upper
    index = int(random.integers(domain.size))
    unit = UNITS / (most[index] - least[index])
    middle = -0.5 * unit * (least[index] + most[index])
    row = row_of(domain)
    chain = [
        *product(row, "shifted", unit * np.eye(domain.size)[[index, index]], middle + np.array([1.0, -1.0])),
        Operation("squared", "Pow", ("shifted", np.array(2.0))),
        Operation("both", "Concat", ("squared", "shifted"), {"axis": 1}),
        Operation("power0", "Gemm", ("both", np.array([[1.0, -1.0, -2.0, -2.0]])), {"transB": 1}),
    ]
    chain += [Operation(f"power{n + 1}", "Pow", (f"power{n}", np.array(2.0))) for n in range(SQUARINGS)]
    weights = carrying(domain.size, random)
    raised = RAISED * reach(domain) * random.choice([-1.0, 1.0], (len(weights), 1))
    return [
        *chain,
        Operation("held", "Tanh", (f"power{SQUARINGS}",)),
        Operation("raised", "Gemm", ("held", raised), {"transB": 1}),
        *product(row, "mixed", weights)[len(row) :],
        Operation("row", "Add", ("mixed", "raised")),
    ]
