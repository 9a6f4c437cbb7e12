"""Proofs are found where they exist, refused where they do not hold, and never exist for a violated property."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from random_networks import Layer, build, random_attention, random_network, random_point, read
from small_networks import unsafe_set

from soundbench.errors import CertificateError
from soundbench.graph import Graph, evaluate_float64
from soundbench.ground_truth import Leaf, Proof, ProofTree, Split
from soundbench.instance import Constraint, Interval, Property, Region
from soundbench.prove import (
    INFLATION,
    MOST_MIDDLES,
    MOST_PLANES,
    Box,
    Hints,
    check,
    middles,
    region_box,
    search,
    slacks,
)
from soundbench.rigorous import evaluate

pytestmark = pytest.mark.filterwarnings("error")
UNIT_BOX = ("(>= X_0 -1.0)", "(<= X_0 1.0)")


def gemm(*rows: Sequence[float], bias: Sequence[float] | None = None) -> Layer:
    """A layer with one row of weights an output."""
    matrix = np.array(rows, dtype=np.float32)
    operands = (None, matrix) if bias is None else (None, matrix, np.array(bias, dtype=np.float32))
    return Layer("Gemm", operands, {"transB": 1})


def network(*layers: Layer, inputs: int = 1) -> Graph:
    return read(build((1, inputs), layers))


# |x|
ABSOLUTE = network(gemm([1], [-1]), Layer("Relu"), gemm([1, 1]))
# relu(z) + relu(0.5 - z) >= 0.5
KINK = network(gemm([1], [-1], bias=[0, 0.5]), Layer("Relu"), gemm([1, 1]))
# A tent of height 0.5 over zero, of which one relaxation makes more.
TENT = network(gemm([1], [1], [1], bias=[0.5, 0, -0.5]), Layer("Relu"), gemm([1, -2, 1]))
DOUBLE = network(gemm([2]))


def box_property(*assertions: str, inputs: int = 1, outputs: int = 1) -> Property:
    boxes = [f"({sign} X_{index} {end})" for index in range(inputs) for sign, end in ((">=", "-1.0"), ("<=", "1.0"))]
    return unsafe_set(inputs, outputs, *boxes, *assertions)


def prove(graph: Graph, unsafe: Property, required: float = 0.01, most_boxes: int = 500, **hints) -> Proof | None:
    return search(graph, unsafe, required, Hints(**hints), most_boxes)


def leaves_of(tree: ProofTree) -> list[Leaf]:
    return [tree] if isinstance(tree, Leaf) else leaves_of(tree.below) + leaves_of(tree.above)


class TestSearch:
    def test_one_leaf_is_enough_for_a_line(self):
        proof = prove(DOUBLE, box_property("(>= Y_0 2.5)"))
        assert proof.trees == (Leaf(0, {}),)
        assert proof.inflation == INFLATION
        assert proof.slack == pytest.approx(0.5 - 2 * INFLATION)
        assert check(DOUBLE, box_property("(>= Y_0 2.5)"), proof) == proof.slack

    def test_the_leaf_names_the_constraint_that_it_refutes(self):
        proof = prove(DOUBLE, box_property("(>= Y_0 0.0)", "(>= Y_0 2.5)", "(<= Y_0 9.0)"))
        assert proof.trees == (Leaf(1, {}),)

    def test_attention_is_proven_by_splits(self):
        graph = read(random_attention(np.random.default_rng(1)))
        box = Box(np.full(graph.input_count, -0.1), np.full(graph.input_count, 0.1))
        values = evaluate_float64(graph, np.random.default_rng(0).uniform(box.lower, box.upper, (500, len(box.lower))))
        least = float(values[graph.output][:, 0].min())
        inputs = [
            f"({sign} X_{i} {end})" for i in range(graph.input_count) for sign, end in ((">=", -0.1), ("<=", 0.1))
        ]
        (root,) = slacks(graph, unsafe_set(graph.input_count, 2, *inputs, "(<= Y_0 0.0)").regions[0].outputs, box, {})
        unsafe = unsafe_set(graph.input_count, 2, *inputs, f"(<= Y_0 {root + 1e-3 * (least - root):.9f})")
        proof = prove(graph, unsafe, 1e-9, most_boxes=50)
        assert len(leaves_of(proof.trees[0])) > 1
        assert check(graph, unsafe, proof) == proof.slack

    def test_splits_where_one_leaf_is_not_enough(self):
        unsafe = box_property("(>= Y_0 0.6)")
        proof = prove(TENT, unsafe)
        assert len(leaves_of(proof.trees[0])) > 1
        assert proof.slack >= 0.01
        assert check(TENT, unsafe, proof) == proof.slack

    def test_slopes_prove_what_splits_hardly_can(self):
        unsafe = box_property("(<= Y_0 0.49)")
        assert prove(KINK, unsafe, 0.009, most_boxes=1) is None
        proof = prove(KINK, unsafe, 0.009, most_boxes=1, slopes=({}, {"T1": "11"}))
        assert proof.trees == (Leaf(0, {"T1": "11"}),)
        assert proof.slack == pytest.approx(0.01)

    def test_hinted_planes_come_first(self):
        proof = prove(TENT, box_property("(>= Y_0 0.6)"), planes=((0, 0.25),))
        assert isinstance(proof.trees[0], Split)
        assert (proof.trees[0].dimension, proof.trees[0].value) == (0, 0.25)

    def test_every_region_needs_its_own_tree(self):
        boxes = [(-1.0, -0.5), (0.5, 1.0)]
        regions = [f"(and (>= X_0 {low}) (<= X_0 {high}) (<= Y_0 0.25))" for low, high in boxes]
        unsafe = unsafe_set(1, 1, f"(or {' '.join(regions)})")
        proof = prove(ABSOLUTE, unsafe)
        assert len(proof.trees) == 2
        assert check(ABSOLUTE, unsafe, proof) == pytest.approx(0.25 - INFLATION)
        one_violated = unsafe_set(1, 1, f"(or {regions[0]} (and (>= X_0 -0.1) (<= X_0 0.1) (<= Y_0 0.25)))")
        assert prove(ABSOLUTE, one_violated) is None

    def test_a_conjunction_that_needs_both_constraints(self):
        # |x| <= 0.4 fails on one part of the box and |x| >= 0.6 on the other; neither fails everywhere.
        unsafe = box_property("(<= Y_0 0.4)", "(>= Y_0 0.6)")
        proof = prove(ABSOLUTE, unsafe)
        assert {leaf.refutes for leaf in leaves_of(proof.trees[0])} == {0, 1}
        assert prove(ABSOLUTE, box_property("(<= Y_0 0.4)")) is None
        assert prove(ABSOLUTE, box_property("(>= Y_0 0.6)")) is None

    def test_the_boxes_are_inflated(self):
        assert prove(DOUBLE, box_property("(>= Y_0 2.001)"), 1e-6) is not None
        assert prove(DOUBLE, box_property("(>= Y_0 2.0001)"), 1e-6) is None

    @pytest.mark.parametrize("strict", ["<", "<="])
    def test_touching_is_not_refuting(self, strict):
        # Y_0 = 2 x >= -2.0002 on the inflated box: the leaf's slack must be positive, whatever the constraint says.
        threshold = -2 - 2 * INFLATION
        assert prove(DOUBLE, box_property(f"({strict} Y_0 {threshold!r})"), 1e-9) is None
        assert prove(DOUBLE, box_property(f"({strict} Y_0 {threshold - 1e-6!r})"), 1e-9) is not None

    @pytest.mark.parametrize("required", [0.0, -1.0])
    def test_a_slack_that_must_not_be_positive_proves_nothing_more(self, required):
        assert prove(DOUBLE, box_property("(>= Y_0 1.0)"), required, most_boxes=50) is None
        assert prove(DOUBLE, box_property("(>= Y_0 2.5)"), required) is not None

    @pytest.mark.parametrize("most_boxes", [0, 1, 7, 5000])
    def test_it_gives_up_within_its_budget(self, most_boxes):
        assert prove(DOUBLE, box_property("(>= Y_0 1.5)"), most_boxes=most_boxes) is None

    def test_it_gives_up_where_no_float_lies_between_the_ends(self):
        far = Fraction(2) ** 60
        unsafe = Property(1, 1, (Region((Interval(far, far),), (Constraint(((0, Fraction(-1)),), -far),)),))
        assert prove(DOUBLE, unsafe, most_boxes=100) is None

    def test_a_region_without_constraints_holds_nowhere(self):
        unsafe = Property(1, 1, (Region((Interval(Fraction(0), Fraction(1)),), ()),))
        assert prove(DOUBLE, unsafe, most_boxes=100) is None

    def test_a_property_without_regions_holds(self):
        assert prove(DOUBLE, Property(1, 1, ())).trees == ()

    @pytest.mark.parametrize("power", [400, -400])
    @pytest.mark.parametrize("sign", [1, -1])
    def test_numbers_that_float64_cannot_hold(self, power, sign):
        """Neither a wrong proof nor another exception."""
        huge = sign * Fraction(10) ** power
        unit, one = Interval(Fraction(-1), Fraction(1)), ((0, Fraction(1)),)
        constraints = [
            Constraint(one, huge),
            Constraint(((0, huge),), Fraction(1)),
            Constraint(((0, huge),), huge),
            Constraint(((0, Fraction(1)), (1, huge)), Fraction(0)),
        ]
        graph = network(gemm([2], [1]))
        for constraint in constraints:
            unsafe = Property(1, 2, (Region((unit,), (constraint,)),))
            proof = prove(graph, unsafe, 1e-300, most_boxes=20)
            violated = any(unsafe.is_violated_by((x,), (2 * x, x)) for x in (Fraction(-1), Fraction(0), Fraction(1)))
            assert not (violated and proof)
        wide = Property(1, 2, (Region((Interval(-abs(huge), abs(huge)),), (Constraint(one, Fraction(-1)),)),))
        assert (prove(graph, wide, most_boxes=20) is None) == (power > 0)


class TestCheck:
    UNSAFE = box_property("(<= Y_0 0.4)", "(>= Y_0 0.6)")

    @pytest.fixture(scope="class")
    @staticmethod
    def proof():
        return prove(ABSOLUTE, TestCheck.UNSAFE)

    def refuse(self, proof: Proof, reason: str, graph: Graph = ABSOLUTE, unsafe: Property = UNSAFE) -> None:
        with pytest.raises(CertificateError, match=reason):
            check(graph, unsafe, proof)

    def test_a_good_proof_is_accepted(self, proof):
        assert check(ABSOLUTE, self.UNSAFE, proof) == proof.slack > 0

    def test_a_missing_tree(self, proof):
        self.refuse(replace(proof, trees=()), "0 proof trees for 1 regions")
        self.refuse(replace(proof, trees=proof.trees * 2), "2 proof trees for 1 regions")

    @pytest.mark.parametrize("value", [-2.0, 1.5, 1.0 + 2 * INFLATION, np.nan, np.inf, -np.inf])
    def test_a_split_outside_its_box(self, proof, value):
        leaf = leaves_of(proof.trees[0])[0]
        self.refuse(replace(proof, trees=(Split(0, value, leaf, leaf),)), "lies outside its box")

    @pytest.mark.parametrize("dimension", [-1, 1, 7])
    def test_a_split_of_an_input_that_does_not_exist(self, proof, dimension):
        self.refuse(replace(proof, trees=(Split(dimension, 0.0, *proof.trees * 2),)), "lies outside its box")

    def test_a_split_outside_its_part_of_the_box(self, proof):
        inner = Split(0, 0.5, Leaf(0, {}), Leaf(0, {}))
        self.refuse(replace(proof, trees=(Split(0, 0.0, inner, Leaf(0, {})),)), "lies outside its box")

    @pytest.mark.parametrize("number", [-1, 2, 100])
    def test_a_constraint_that_does_not_exist(self, proof, number):
        self.refuse(replace(proof, trees=(Leaf(number, {}),)), f"refutes constraint {number}, which does not exist")

    def test_a_leaf_that_does_not_refute(self, proof):
        self.refuse(replace(proof, trees=(Leaf(0, {}),)), "does not refute")

    def test_leaves_in_each_others_place(self, proof):
        def swapped(tree: ProofTree) -> ProofTree:
            if isinstance(tree, Leaf):
                return replace(tree, refutes=1 - tree.refutes)
            return replace(tree, below=swapped(tree.below), above=swapped(tree.above))

        self.refuse(replace(proof, trees=(swapped(proof.trees[0]),)), "does not refute")

    def test_a_lost_child(self, proof):
        def collapsed(tree: ProofTree) -> ProofTree:
            return tree if isinstance(tree, Leaf) else collapsed(tree.below)

        self.refuse(replace(proof, trees=(collapsed(proof.trees[0]),)), "does not refute")

    def test_an_altered_weight(self, proof):
        altered = network(gemm([1], [-1]), Layer("Relu"), gemm([1, 0.25]))
        self.refuse(proof, "does not refute", graph=altered)

    def test_an_altered_bias(self, proof):
        altered = network(gemm([1], [-1]), Layer("Relu"), gemm([1, 1], bias=[0.2]))
        self.refuse(proof, "does not refute", graph=altered)

    def test_a_larger_box(self):
        small, large = (unsafe_set(1, 1, f"(>= X_0 {-end})", f"(<= X_0 {end})", "(>= Y_0 2.5)") for end in (1.0, 1.3))
        proof = prove(DOUBLE, small)
        check(DOUBLE, small, proof)
        self.refuse(proof, "does not refute", graph=DOUBLE, unsafe=large)

    def test_a_box_between_splits_is_not_forgotten(self):
        # Both halves of [-1, 1] belong to the proof; that of the outer half alone is none.
        tree = Split(0, 0.6, Leaf(1, {}), Leaf(0, {}))
        self.refuse(Proof(0.0, 0.1, 0.1, (tree,)), "does not refute")

    @pytest.mark.parametrize("inflation", [-1e-4, np.nan, np.inf, -np.inf])
    def test_an_inflation_that_is_none(self, proof, inflation):
        self.refuse(replace(proof, inflation=inflation), "inflat")

    def test_a_larger_inflation_is_checked(self):
        unsafe = box_property("(>= Y_0 2.5)")
        proof = prove(DOUBLE, unsafe)
        assert check(DOUBLE, unsafe, replace(proof, inflation=0.1)) == pytest.approx(0.3)
        self.refuse(replace(proof, inflation=0.3), "does not refute", graph=DOUBLE, unsafe=unsafe)

    @pytest.mark.parametrize("slopes", ["", "1", "111", "1" * 50])
    def test_slopes_for_other_neurons(self, slopes):
        unsafe = box_property("(<= Y_0 0.49)")
        self.refuse(Proof(0.0, 0.01, 0.01, (Leaf(0, {"T1": slopes}),)), "slopes", graph=KINK, unsafe=unsafe)

    def test_slopes_that_are_none(self):
        unsafe = box_property("(<= Y_0 0.49)")
        self.refuse(Proof(0.0, 0.01, 0.01, (Leaf(0, {"T1": "12"}),)), "slopes", graph=KINK, unsafe=unsafe)

    def test_slopes_matter(self):
        unsafe = box_property("(<= Y_0 0.49)")
        assert check(KINK, unsafe, Proof(0.0, 0.01, 0.01, (Leaf(0, {"T1": "11"}),))) == pytest.approx(0.01)
        for slopes in ({}, {"T1": "10"}, {"elsewhere": "11"}):
            self.refuse(Proof(0.0, 0.01, 0.01, (Leaf(0, slopes),)), "does not refute", graph=KINK, unsafe=unsafe)

    def test_a_network_of_another_size(self, proof):
        self.refuse(proof, "inputs", graph=network(gemm([1, 1]), inputs=2))
        self.refuse(proof, "outputs", graph=network(gemm([1], [1])))

    def test_a_property_without_constraints(self):
        unsafe = Property(1, 1, (Region((Interval(Fraction(0), Fraction(1)),), ()),))
        self.refuse(Proof(0.0, 0.0, 0.0, (Leaf(0, {}),)), "does not exist", graph=DOUBLE, unsafe=unsafe)

    @pytest.mark.parametrize("threshold", [Fraction(-2), Fraction(-2) - Fraction(1, 10**40)])
    def test_a_violation_that_float64_cannot_tell_from_none(self, threshold):
        unit = (Interval(Fraction(-1), Fraction(1)),)
        unsafe = Property(1, 1, (Region(unit, (Constraint(((0, Fraction(1)),), threshold),)),))
        self.refuse(Proof(0.0, 0.0, 0.0, (Leaf(0, {}),)), "does not refute", graph=DOUBLE, unsafe=unsafe)

    def test_coefficients_that_float64_rounds_the_wrong_way(self):
        # The left side is (1 + 2^-60) * Y_0, which float64 takes for Y_0.
        wider = 1 + Fraction(1, 2**60)
        unit = (Interval(Fraction(-1), Fraction(-1)),)
        for bound in (Fraction(-2) - Fraction(1, 2**60), Fraction(-2) * wider):
            unsafe = Property(1, 1, (Region(unit, (Constraint(((0, wider),), bound),)),))
            self.refuse(Proof(0.0, 0.0, 0.0, (Leaf(0, {}),)), "does not refute", graph=DOUBLE, unsafe=unsafe)


class TestBox:
    def test_a_region_is_inflated_outwards(self):
        third = Fraction(1, 3)
        region = Region((Interval(-third, third),), ())
        for inflation in (0.0, INFLATION):
            box = region_box(region, inflation)
            assert Fraction(float(box.lower[0])) <= -third - Fraction(inflation)
            assert Fraction(float(box.upper[0])) >= third + Fraction(inflation)
            assert box.upper[0] == pytest.approx(1 / 3 + inflation, rel=1e-15)

    def test_halves_share_the_plane_and_cover_the_box(self):
        box = Box(np.array([-1.0, 0.0]), np.array([1.0, 2.0]))
        below, above = box.split(1, 0.5)
        assert (below.lower.tolist(), below.upper.tolist()) == ([-1.0, 0.0], [1.0, 0.5])
        assert (above.lower.tolist(), above.upper.tolist()) == ([-1.0, 0.5], [1.0, 2.0])
        assert (box.lower.tolist(), box.upper.tolist()) == ([-1.0, 0.0], [1.0, 2.0])

    @pytest.mark.parametrize("constraint", [0, 1])
    def test_slacks_are_proven(self, constraint):
        unsafe = box_property("(<= Y_0 0.1)", "(>= Y_0 0.7)")
        constraints = unsafe.regions[0].outputs
        box = Box(np.array([0.25]), np.array([0.5]))
        found = Fraction(float(slacks(ABSOLUTE, constraints, box, {})[constraint]))
        for x in (Fraction(1, 4), Fraction(1, 3), Fraction(1, 2)):
            assert found <= constraints[constraint].excess([x])


def constraint_at(random: np.random.Generator, outputs: Sequence[tuple[Fraction, Fraction]], room: float) -> Constraint:
    """A constraint that outputs within these bounds satisfy with at least `room` to spare."""
    factors = [Fraction(float(value)) for value in random.normal(size=len(outputs))]
    most = sum(factor * ball[factor > 0] for factor, ball in zip(factors, outputs, strict=True))
    return Constraint(tuple(enumerate(factors)), most + Fraction(room))


class TestViolatedProperties:
    @pytest.mark.parametrize("seed", range(40))
    def test_no_proof_exists_for_them(self, seed):
        random = np.random.default_rng(seed)
        graph = read(random_network(random))
        half = 10 ** random.uniform(-4, 0)
        point = random_point(random, np.full(graph.input_count, -1.0), np.full(graph.input_count, 1.0))
        width = Fraction(float(half))
        inputs = tuple(Interval(value - width, value + width * int(random.integers(2))) for value in point)
        room = random.choice([0.0, 1e-12, 1e-3])
        outputs = tuple(constraint_at(random, evaluate(graph, point), room) for _ in range(2))
        unsafe = Property(graph.input_count, graph.output_count, (Region(inputs, outputs),))
        assert unsafe.is_violated_by(point, [low for low, _ in evaluate(graph, point)])
        assert search(graph, unsafe, 1e-12, Hints(), 4 if graph.input_count < 10 else 1) is None
        for number in (0, 1):
            with pytest.raises(CertificateError):
                check(graph, unsafe, Proof(0.0, 0.0, 0.0, (Leaf(number, {}),)))

    @pytest.mark.parametrize("seed", range(40))
    def test_a_proof_that_is_found_holds_at_every_sampled_point(self, seed):
        random = np.random.default_rng(seed)
        graph = read(random_network(random))
        centre = random_point(random, np.full(graph.input_count, -1.0), np.full(graph.input_count, 1.0))
        half = Fraction(1, 100)
        inputs = tuple(Interval(value - half, value + half) for value in centre)
        margin = 10 ** random.uniform(-3, 0)
        unsafe = Property(
            graph.input_count,
            graph.output_count,
            (Region(inputs, (constraint_at(random, evaluate(graph, centre), -margin),)),),
        )
        proof = search(graph, unsafe, 1e-6, Hints(), 10 if graph.input_count < 10 else 1)
        lower, upper = ([float(getattr(each, side)) for each in inputs] for side in ("lower", "upper"))
        for _ in range(10):
            corner = np.where(random.random(graph.input_count) < 0.5, lower, upper)
            point = tuple(map(Fraction, np.clip(random.choice([corner, random.uniform(lower, upper)]), lower, upper)))
            (constraint,) = unsafe.regions[0].outputs
            left = min(constraint.excess([ball[side] for ball in evaluate(graph, point)]) for side in (0, 1))
            assert proof is None or left >= Fraction(proof.slack)


class TestManyInputs:
    """Of a box with very many inputs, only some can be tried for a cut."""

    COUNT = MOST_MIDDLES + 36
    GRAPH = network(gemm(np.where(np.arange(COUNT) % 20 == 7, 5.0, 0.001).tolist()), inputs=COUNT)

    def test_those_are_tried_that_move_the_output(self):
        box = Box(np.zeros(self.COUNT), np.ones(self.COUNT))
        constraints = unsafe_set(1, 1, *UNIT_BOX, "(<= Y_0 0.0)").regions[0].outputs
        planes = middles(self.GRAPH, constraints, box)
        assert len(planes) == MOST_PLANES
        assert {dimension for dimension, _ in planes} >= {7, 27, 47, 67, 87}
        assert all(value == 0.5 for _, value in planes)

    def test_what_has_no_width_is_not_cut_and_of_few_inputs_all_are_tried(self):
        upper = np.where(np.arange(self.COUNT) < 10, 1.0, 0.0)
        planes = middles(self.GRAPH, (), Box(np.zeros(self.COUNT), upper))
        assert [dimension for dimension, _ in planes] == list(range(10))
