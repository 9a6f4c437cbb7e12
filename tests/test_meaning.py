"""The digest changes with whatever a network means, and with nothing else."""

from dataclasses import replace

import numpy as np
import pytest
from random_networks import random_attention, read
from small_networks import unsafe_set

from soundbench.graph import ABS, NEG, Activation, Affine, Graph, Maximum, Product, Selection, Softmax, Step, Sum
from soundbench.meaning import meaning_digest

UNSAFE = unsafe_set(1, 1, "(<= X_0 1.0)", "(>= X_0 0.0)", "(>= Y_0 0.0)")
PAIR, SQUARE = np.arange(2.0), np.arange(4.0).reshape(2, 2)
AFFINE = Affine("A", "X", SQUARE, PAIR, np.array([2, 2]))
PRODUCT, SOFTMAX = Product("A", "X", "Y", (1, 2, 3, 2)), Softmax("A", "X", 4)
ALTERED: dict[str, tuple[Step, Step]] = {
    "a weight": (AFFINE, replace(AFFINE, matrix=SQUARE + 1)),
    "a radius": (AFFINE, replace(AFFINE, bias_radius=PAIR)),
    "a constant": (Sum("A", ("X",), PAIR), Sum("A", ("X",), PAIR + 1)),
    "an order": (Selection("A", ("X",), np.array([0, 1])), Selection("A", ("X",), np.array([1, 0]))),
    "a joined tensor": (Selection("A", ("X", "Y"), np.array([0])), Selection("A", ("X",), np.array([0]))),
    "a group": (Maximum("A", "X", np.array([[0, 1]])), Maximum("A", "X", np.array([[0, 2]]))),
    "a slope": (Activation("A", "X", ABS), Activation("A", "X", NEG)),
    "a shape of matrices": (PRODUCT, replace(PRODUCT, shape=(2, 1, 3, 2))),
    "the operands of a product": (PRODUCT, replace(PRODUCT, left="Y", right="X")),
    "a length": (SOFTMAX, replace(SOFTMAX, length=2)),
    "an input": (SOFTMAX, replace(SOFTMAX, input="Y")),
}


def digest(*steps: Step) -> str:
    return meaning_digest(Graph("X", "A", (1, 1), {}, steps), UNSAFE)


@pytest.mark.parametrize(("first", "second"), ALTERED.values(), ids=ALTERED)
def test_what_is_altered_shows(first, second):
    assert digest(first) != digest(second)


def test_how_a_step_is_computed_does_not_show():
    roundings = replace(AFFINE, terms=np.array([3, 3]), bias_parts=PAIR + 1)
    assert digest(AFFINE) == digest(roundings)
    assert digest(replace(AFFINE, bias=0.0 * PAIR)) == digest(replace(AFFINE, bias=-0.0 * PAIR))


def test_a_transposition_is_written_as_in_the_suites_that_ship():
    graph = Graph("X", "Y", (3,), {"X": 3, "Y": 3}, (Selection("Y", ("X",), np.array([2, 0, 1])),))
    assert meaning_digest(graph, UNSAFE) == "be0357ef30607b963a8fcb25016d5bbf5a92d5719835caf822ef93b45e8a849c"


def test_no_two_networks_have_one_digest():
    graphs = [read(random_attention(np.random.default_rng(seed))) for seed in range(20)]
    assert len({meaning_digest(graph, UNSAFE) for graph in graphs}) == len(graphs)
