"""How far rounding errors reach, carried through the network with its actual slopes at a point.

Step by step, `step_errors` adds up magnitudes as if every error found the worst signs on its way, which is hopeless
for wide layers. Here each step's own error is carried on as a linear function: exactly through linear steps, a ReLU
whose sign is certain and a maximum whose winner is, elsewhere with a bound of what is not linear, which counts as a new
error.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from soundbench.graph import (
    Activation,
    Affine,
    Array,
    Elementary,
    Elementwise,
    Function,
    Graph,
    Maximum,
    Pieces,
    Product,
    Selection,
    Softmax,
    Step,
    Sum,
    inputs_of,
)
from soundbench.step_errors import (
    ACTIVATION_ERROR,
    SAFETY,
    SMALLEST,
    UNIT,
    Values,
    activation_error,
    affine_rounding,
    bias_size,
    exp_rounding,
    pieces_error,
    product_operands,
    product_rounding,
    softmax_change,
    softmax_rounding,
    square_rounding,
    step_error,
    sum_rounding,
)

# Half the largest second derivative, rounded up: 2 / sqrt(27) of tanh, 1 / sqrt(432) of sigmoid.
CURVATURE = {Function.TANH: 0.385, Function.SIGMOID: 0.0482}


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """Where the error of a tensor comes from: it is d + the sum of paths[name] @ (the d of tensor `name`).

    |d| is at most `fresh`, shape (size,); `paths` has matrices of shape (size, size of the other tensor).
    """

    fresh: Array
    paths: Mapping[str, Array]

    def through(self, function: Callable[[Array], Array], fresh: Array) -> "Spread":
        """The spread after a linear function of columns, `fresh` being what becomes of the fresh part."""
        return Spread(fresh, {name: function(path) for name, path in self.paths.items()})

    def named(self, name: str) -> dict[str, Array]:
        """The paths, with the fresh part as one more of them; left out where it is zero."""
        return {**self.paths, name: np.eye(len(self.fresh))} if self.fresh.any() else dict(self.paths)


Spreads = Mapping[str, Spread]


def carried_errors(graph: Graph, values: Values, stepwise: Values) -> Array:
    """Bounds on |float32 output - real output|, shape (outputs,), none above the finite `stepwise` ones.

    `values` are the real tensors, `stepwise` the errors by `step_error`, that of the input included.
    """
    start = stepwise[graph.input]
    errors, fresh, spreads = {graph.input: start}, {graph.input: start}, {graph.input: Spread(start, {})}
    last_reader = {name: step for step in graph.steps for name in inputs_of(step)}
    # Float64's own rounding of the paths: gamma_n of all sums on the way, of what stepwise bounds add up at least;
    # curvature adds at most half of them once more at each activation.
    rounding = 2.0**-50 * (sum(graph.sizes.values()) + len(graph.steps)) * (1 + len(graph.steps))
    for step in graph.steps:
        spread = spreads[step.output] = carry(step, values, errors, spreads)
        fresh[step.output] = spread.fresh
        reached = sum((np.abs(path) @ fresh[name] for name, path in spread.paths.items()), spread.fresh)
        found = SAFETY * reached + rounding * stepwise[step.output]
        errors[step.output] = np.minimum(found, step_error(step, values, errors))
        for name in set(inputs_of(step)):
            if last_reader[name] is step:
                del spreads[name]
    return errors[graph.output]


def carry(step: Step, values: Values, errors: Values, spreads: Spreads) -> Spread:
    """The spread of a step's output."""
    match step:
        case Affine():
            return carry_affine(step, values[step.input], errors[step.input], spreads[step.input])
        case Sum():
            fresh = sum((spreads[name].fresh for name in step.inputs), sum_rounding(step, values, errors))
            return Spread(fresh, added(*(spreads[name].paths for name in step.inputs)))
        case Activation():
            source = spreads[step.input]
            slope, rest = linearised(step.function, values[step.input], errors[step.input])
            return source.through(lambda path: slope[:, None] * path, np.abs(slope) * source.fresh + rest)
        case Selection():
            return carry_selection(step, spreads)
        case Maximum():
            return carry_maximum(step, values[step.input], errors[step.input], spreads[step.input])
        case Product():
            return carry_product(step, values, errors, spreads)
        case Softmax():
            return carry_softmax(step, values[step.output], errors[step.input], spreads[step.input])


def carry_affine(step: Affine, value: Array, error: Array, source: Spread) -> Spread:
    """Through output = matrix @ input + bias."""
    own = np.minimum(affine_rounding(step, value, error), sorted_rounding(step, value, error))
    diagonal = np.diagonal(step.matrix)
    if step.matrix.shape[0] == step.matrix.shape[1] and np.count_nonzero(step.matrix) == np.count_nonzero(diagonal):
        return source.through(lambda path: diagonal[:, None] * path, np.abs(diagonal) * source.fresh + own)
    carried = source.through(lambda path: step.matrix @ path, own)
    return Spread(own, {**carried.paths, step.input: step.matrix}) if source.fresh.any() else carried


def sorted_rounding(step: Affine, value: Array, error: Array) -> Array:
    """As `affine_rounding`, from the largest partial sums that any order of summation forms.

    A sum of n numbers has n - 1 partial sums, each rounded once; the k-th shortest has at most k + 1 terms.
    """
    if step.bias_parts is not None:
        return np.full(len(step.bias), np.inf)
    reach = np.abs(value) + error
    live = reach > 0
    matrix = step.matrix[:, live]
    absent = np.count_nonzero(matrix == 0, axis=1) + (step.bias == 0)
    roundings = matrix.shape[1] + 1 - absent + (0 if step.matrix_radius is None else 2)
    partial = partial_sums(np.column_stack([matrix * value[live], step.bias]), absent)
    total = np.abs(matrix) @ reach[live] + bias_size(step)
    # The products' roundings, and those of an alpha or an average; then what all this adds to the partial sums.
    own = UNIT * (partial + (1 if step.matrix_radius is None else 3) * total)
    gamma = roundings * UNIT / (1 - roundings * UNIT)
    indirect = 2 * gamma * (np.abs(matrix) @ error[live] + gamma * total)
    found: Array = own + indirect + (roundings + 1) * SMALLEST
    return found


def partial_sums(terms: Array, absent: Array) -> Array:
    """For each row of terms, a bound on the sum of the magnitudes of all partial sums, in any order of summation.

    A sum of at most k terms is at most that of the k largest positive ones, and so with the negative ones. `absent`
    (rows,) counts the zeros among the terms that take no part.
    """
    ascending = np.sort(terms, axis=1)
    highest = np.cumsum(np.maximum(ascending[:, ::-1], 0.0), axis=1)
    lowest = np.cumsum(np.maximum(-ascending, 0.0), axis=1)
    largest = np.maximum(highest, lowest)
    sums: Array = largest[:, 1:].sum(axis=1) - absent * largest[:, -1]
    return np.maximum(sums, 0.0)


def carry_selection(step: Selection, spreads: Spreads) -> Spread:
    """Through output = joined[order]."""
    parts = [spreads[name] for name in step.inputs]
    ends = np.cumsum([0, *(len(part.fresh) for part in parts)])

    def placed(path: Array, first: int) -> Array:
        joined = np.zeros((ends[-1], path.shape[1]))
        joined[first : first + len(path)] = path
        return joined[step.order]

    sides = (
        {name: placed(path, first) for name, path in part.paths.items()}
        for part, first in zip(parts, ends[:-1].tolist(), strict=True)
    )
    return Spread(np.concatenate([part.fresh for part in parts])[step.order], added(*sides))


def carry_maximum(step: Maximum, value: Array, error: Array, source: Spread) -> Spread:
    """Through a maximum: the winner's error where it wins for certain, else what any member's may be."""
    low, high = (value + side * SAFETY * error for side in (-1.0, 1.0))
    places = value[step.groups].argmax(axis=1)
    chosen = np.take_along_axis(step.groups, places[:, None], axis=1)
    rivals = np.where(step.groups == chosen, -np.inf, high[step.groups]).max(axis=1)
    certain, winner = low[chosen[:, 0]] > rivals, chosen[:, 0]
    fresh = np.where(certain, source.fresh[winner], error[step.groups].max(axis=1))
    return source.through(lambda path: np.where(certain[:, None], path[winner], 0.0), fresh)


def linearised(function: Elementwise, value: Array, error: Array) -> tuple[Array, Array]:
    """Slopes of a function at a value, and bounds on what the linear functions leave out within the error.

    A neuron that may change its piece, or is curved too much, has slope zero here, and all of its error left out.
    """
    whole = activation_error(function, value, error)
    match function:
        case Function.RELU:
            certain = np.abs(value) > error
            return np.where(certain, value > 0, 0.0), np.where(certain, 0.0, whole)
        case Function():
            curved = CURVATURE[function] * error**2 + 2.0**-50 * error
            slope = 1.0 - np.tanh(value) ** 2 if function is Function.TANH else 0.25 * (1.0 - np.tanh(0.5 * value) ** 2)
            own: Array | float = ACTIVATION_ERROR
        case Elementary.EXP:
            slope, own = np.exp(value), exp_rounding(value, error)
            curved = (0.5 * np.exp(error) * error**2 + 2.0**-50 * error) * slope
        case Elementary.SIGN:
            return np.zeros_like(value), whole
        case Elementary.SQUARE:
            slope, own = 2.0 * value, square_rounding(value, error)
            curved = error**2 + 2.0**-50 * np.abs(slope) * error
        case Pieces():
            return straightened(function, value, error, whole)
    smooth = curved <= 0.5 * whole
    return np.where(smooth, slope, 0.0), np.where(smooth, curved + own, whole)


def straightened(function: Pieces, value: Array, error: Array, whole: Array) -> tuple[Array, Array]:
    """As `linearised`, for a function of straight pieces: of `whole` only the rounding is left on a certain piece."""
    _, rounding = pieces_error(function, value, error)
    slopes, rest = np.zeros_like(value), whole
    for left, right, slope, _ in function.ranges():
        certain = (value - SAFETY * error > left) & (value + SAFETY * error < right)
        slopes, rest = np.where(certain, slope, slopes), np.where(certain, SAFETY * rounding, rest)
    return slopes, rest


def carry_product(step: Product, values: Values, errors: Values, spreads: Spreads) -> Spread:
    """Through output = left @ right: each error times the other operand, and the product of both errors."""
    (left, right), (first, second) = product_operands(step, values), product_operands(step, errors)
    size = step.shape[0] * step.shape[1] * step.shape[3]
    sides = (
        {
            name: np.einsum("brks,bkc->brcs", path.reshape(*step.left_shape, -1), right).reshape(size, -1)
            for name, path in spreads[step.left].named(step.left).items()
        },
        {
            name: np.einsum("brk,bkcs->brcs", left, path.reshape(*step.right_shape, -1)).reshape(size, -1)
            for name, path in spreads[step.right].named(step.right).items()
        },
    )
    return Spread((first @ second).ravel() + product_rounding(step, values, errors), added(*sides))


def carry_softmax(step: Softmax, shares: Array, error: Array, source: Spread) -> Spread:
    """Through softmax, whose slopes are p_i (1 if i = j else 0) - p_i p_j."""
    change = softmax_change(step.length, shares, error)
    own = softmax_rounding(step.length, shares, change)
    curved = softmax_curvature(step.length, shares, error)
    smooth = curved <= 0.5 * (change + own)
    runs = np.where(smooth, shares, 0.0).reshape(-1, step.length, 1)

    def slopes(path: Array) -> Array:
        along = path.reshape(-1, step.length, path.shape[1])
        mean = (shares.reshape(-1, step.length, 1) * along).sum(axis=1, keepdims=True)
        carried: Array = runs * (along - mean)
        return carried.reshape(path.shape)

    paths = {name: slopes(path) for name, path in source.named(step.input).items()}
    return Spread(np.where(smooth, curved, change) + own, paths)


def softmax_curvature(length: int, shares: Array, error: Array) -> Array:
    """What softmax's linear function leaves out within the error e, the largest of its run.

    A share moves by the factor exp(c - k): c, its input's error less the mean by shares, is at most 2 e, and k, the
    log of the mean power less the mean, at most e^2 / 2 (Hoeffding's lemma). |exp(y) - 1 - y| <= y^2 exp(|y|) / 2.
    """
    largest = np.repeat(error.reshape(-1, length).max(axis=1), length)
    most = 2.0 * largest + 0.5 * largest**2
    left_out = shares * 0.5 * (largest**2 + most**2 * np.exp(np.minimum(most, 3.0))) + 2.0**-46 * largest
    return np.where(most <= 3.0, left_out, np.inf)


def added(*sides: Mapping[str, Array]) -> dict[str, Array]:
    """The sum of paths, those from one tensor added up with their signs."""
    total: dict[str, Array] = {}
    for side in sides:
        for name, path in side.items():
            total[name] = total[name] + path if name in total else path
    return total
