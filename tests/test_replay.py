"""A point is a counterexample if it is in the box and violates, in ONNX Runtime and over the reals."""

import gzip
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto
from small_networks import unsafe_set, write_network

from soundbench.errors import InputError
from soundbench.explain import describe_outputs
from soundbench.interface import Declaration, Interface
from soundbench.replay import (
    TOLERANCE,
    NonFiniteOutputError,
    OpenNetwork,
    cast_to_model,
    open_onnx,
    replay,
    replay_on,
    run_onnx,
)
from soundbench.vnnlib_text import decimal_text

HALF = Fraction(1, 2)
BOX = ("(>= X_0 0.25)", "(<= X_0 0.5)", "(>= X_1 0.0)", "(<= X_1 0.0)")
SUM = [[1.0, 1.0]]


@pytest.fixture
def network(tmp_path):
    """Y_0 = X_0 + X_1."""
    return write_network(tmp_path / "sum.onnx", SUM)


def float32(value) -> Fraction:
    return Fraction(float(np.float32(value)))


class TestRunning:
    def test_outputs_are_the_exact_floats(self, tmp_path):
        path = write_network(tmp_path / "n.onnx", [[0.1, 0.0], [0.0, 3.0]], then=["Relu"])
        outputs = run_onnx(path, (Fraction(1), Fraction(-1)))
        assert outputs == (float32(0.1), Fraction(0))

    def test_a_symbolic_batch_counts_as_one(self, tmp_path):
        path = write_network(tmp_path / "n.onnx", SUM, batch="N")
        assert open_onnx(path).input_shape == (1, 2)
        assert run_onnx(path, (HALF, HALF)) == (1,)

    @pytest.mark.parametrize(
        ("element", "kind"),
        [
            (TensorProto.FLOAT16, np.float16),
            (TensorProto.FLOAT, np.float32),
            (TensorProto.DOUBLE, np.float64),
        ],
    )
    def test_the_point_is_cast_to_the_networks_own_type(self, tmp_path, element, kind):
        path = write_network(tmp_path / "n.onnx", [[1.0]], element=element)
        third = Fraction(1, 3)
        assert cast_to_model(path, (third,)) == (Fraction(float(kind(1 / 3))),)
        assert run_onnx(path, (third,)) == cast_to_model(path, (third,))

    @given(st.lists(st.fractions(-1000, 1000, max_denominator=10**6), min_size=2, max_size=2))
    @settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_a_cast_point_stays_as_it_is(self, network, point):
        cast = cast_to_model(network, point)
        assert cast_to_model(network, cast) == cast
        assert run_onnx(network, point) == run_onnx(network, cast)

    def test_a_gzipped_network_is_read(self, network, tmp_path):
        packed = tmp_path / "sum.onnx.gz"
        packed.write_bytes(gzip.compress(network.read_bytes()))
        assert run_onnx(packed, (HALF, HALF)) == (1,)

    @pytest.mark.parametrize(("operator", "value"), [("Sqrt", -1), ("Log", 0), ("Reciprocal", 0)])
    def test_an_output_that_is_not_finite_is_no_output(self, tmp_path, operator, value):
        path = write_network(tmp_path / "n.onnx", [[1.0]], then=[operator])
        with pytest.raises(NonFiniteOutputError, match="Y_0 is"):
            run_onnx(path, (Fraction(value),))

    def test_a_wrong_number_of_values_is_refused(self, network):
        with pytest.raises(InputError, match="takes 2 inputs, but the point has 1"):
            run_onnx(network, (HALF,))

    def test_a_value_beyond_the_type_is_refused(self, network):
        with pytest.raises(InputError, match="X_1 is too large"):
            cast_to_model(network, (HALF, Fraction(10) ** 400))

    @pytest.mark.parametrize("content", [b"", b"not onnx"])
    def test_a_broken_file_is_named(self, tmp_path, content):
        path = tmp_path / "broken.onnx"
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"broken\.onnx"):
            run_onnx(path, (HALF,))

    def test_an_operator_that_onnxruntime_lacks_is_named(self, tmp_path):
        path = write_network(tmp_path / "n.onnx", [[1.0]], then=["NoSuchOperator"])
        with pytest.raises(InputError, match=r"n\.onnx.*NoSuchOperator"):
            run_onnx(path, (HALF,))


class TestReplay:
    def test_inside_and_violating_is_strict(self, network):
        found = replay(network, unsafe_set(2, 1, *BOX, "(>= Y_0 0.5)"), (HALF, Fraction(0)))
        assert (found.strict, found.within_tolerance, found.rigorous, found.rounding) == (
            True,
            True,
            True,
            False,
        )
        assert found.point == (HALF, 0)
        assert found.outputs == (HALF,)
        assert found.reason == "the input is in the box and Y_0 = 0.5 >= 0.5"

    def test_the_point_is_cast_before_the_box_check(self, network):
        # 0.5 + 1e-12 is outside as written and inside as float32.
        point = (HALF + Fraction(1, 10**12), Fraction(0))
        assert replay(network, unsafe_set(2, 1, *BOX, "(>= Y_0 0.5)"), point).strict

    def test_a_bound_that_float32_cannot_hold_excludes_its_own_rounding(self, tmp_path):
        path = write_network(tmp_path / "n.onnx", [[1.0]])
        unsafe = unsafe_set(1, 1, "(>= X_0 0.0)", "(<= X_0 0.1)", "(>= Y_0 0.0)")
        assert float32(0.1) > Fraction("0.1")
        found = replay(path, unsafe, (Fraction("0.1"),))
        assert (found.strict, found.within_tolerance) == (False, True)

    def test_outputs_that_do_not_satisfy_are_told(self, network):
        found = replay(network, unsafe_set(2, 1, *BOX, "(>= Y_0 0.75)"), (HALF, Fraction(0)))
        assert (found.strict, found.within_tolerance, found.rigorous) == (False, False, False)
        assert found.reason == "the outputs do not satisfy the property: Y_0 = 0.5 < 0.75"

    @pytest.mark.parametrize(("above", "valid"), [(TOLERANCE / 2, True), (TOLERANCE * 2, False)])
    def test_the_tolerance_is_for_inputs(self, network, above, valid):
        found = replay(network, unsafe_set(2, 1, *BOX, "(>= Y_0 0.5)"), (HALF + above, Fraction(0)))
        assert (found.strict, found.within_tolerance) == (False, valid)
        assert "above its upper bound 0.5" in found.reason
        assert found.reason.startswith("X_0 = 0.50")

    def test_a_tiny_shortfall_of_the_outputs_is_not_tolerated(self, network):
        unsafe = unsafe_set(2, 1, *BOX, "(>= Y_0 0.50000001)")
        assert not replay(network, unsafe, (HALF, Fraction(0))).within_tolerance

    @pytest.mark.parametrize(
        ("point", "reason"),
        [
            ((1.0, 0.0), "X_0 = 1 is 0.5 above its upper bound 0.5"),
            ((0.0, 0.0), "X_0 = 0 is 0.25 below its lower bound 0.25"),
            ((0.6, 3.0), "X_1 = 3 is 3 above its upper bound 0"),
        ],
    )
    def test_the_input_that_misses_by_most_is_told(self, network, point, reason):
        found = replay(network, unsafe_set(2, 1, *BOX, "(>= Y_0 0.0)"), tuple(map(Fraction, point)))
        assert (found.reason, found.rigorous) == (reason, None)

    def test_strict_bounds_exclude_their_own_value(self, tmp_path):
        path = write_network(tmp_path / "n.onnx", [[1.0]])
        unsafe = unsafe_set(1, 1, "(> X_0 0.25)", "(< X_0 0.5)", "(>= Y_0 0.0)")
        found = replay(path, unsafe, (HALF,))
        assert (found.strict, found.within_tolerance) == (False, True)
        assert found.reason.startswith("X_0 = 0.5 lies on its upper bound, which is excluded")
        assert replay(path, unsafe, (Fraction(3, 8),)).strict

    def test_a_strict_output_constraint_excludes_its_bound(self, network):
        found = replay(network, unsafe_set(2, 1, *BOX, "(> Y_0 0.5)"), (HALF, Fraction(0)))
        assert not found.within_tolerance
        assert found.reason.endswith("Y_0 = 0.5 <= 0.5")

    @pytest.mark.parametrize("operator", ["Sqrt", "Log"])
    def test_nan_and_infinity_violate_nothing(self, tmp_path, operator):
        path = write_network(tmp_path / "n.onnx", [[1.0]], then=[operator])
        unsafe = unsafe_set(1, 1, "(>= X_0 -1.0)", "(<= X_0 0.0)", "(<= Y_0 0.0)")
        found = replay(path, unsafe, (Fraction(-1 if operator == "Sqrt" else 0),))
        assert (found.strict, found.within_tolerance, found.outputs) == (False, False, ())
        assert "violates nothing" in found.reason

    def test_a_point_that_does_not_fit_is_an_answer(self, network):
        found = replay(network, unsafe_set(2, 1, *BOX, "(>= Y_0 0.0)"), (HALF,))
        assert not found.within_tolerance
        assert "takes 2 inputs, but the point has 1" in found.reason

    def test_a_property_of_another_network_is_an_error(self, network):
        unsafe = unsafe_set(1, 1, "(>= X_0 0.0)", "(<= X_0 1.0)", "(>= Y_0 0.0)")
        with pytest.raises(InputError, match="2 inputs"):
            replay(network, unsafe, (HALF,))
        wide = unsafe_set(2, 2, *BOX, "(>= Y_0 Y_1)")
        with pytest.raises(InputError, match="1 outputs"):
            replay(network, wide, (HALF, HALF))


class TestDisjunction:
    REGIONS = "(or (and (>= X_0 0.0) (<= X_0 1.0) (>= Y_0 5.0)) (and (>= X_0 2.0) (<= X_0 3.0) (<= Y_0 2.5)))"

    @pytest.mark.parametrize(
        ("value", "strict"),
        [
            ("0.5", False),  # in the first box, and its outputs are those of the second region
            ("2.25", True),
            ("2.75", False),  # in the second box with outputs of neither
            ("1.5", False),
        ],
    )
    def test_one_region_must_hold_input_and_outputs(self, tmp_path, value, strict):
        path = write_network(tmp_path / "n.onnx", [[1.0]])
        found = replay(path, unsafe_set(1, 1, self.REGIONS), (Fraction(value),))
        assert (found.strict, found.within_tolerance) == (strict, strict)

    def test_both_arithmetics_must_agree_on_the_region(self, tmp_path):
        path = write_network(tmp_path / "n.onnx", [[1.0]])
        unsafe = unsafe_set(1, 1, "(>= X_0 0.0)", "(<= X_0 1.0)", "(or (<= Y_0 0.5) (>= Y_0 0.75))")
        claims_another_region = replay_on(OpenNetwork(path), unsafe, (HALF,), lambda *_: ((Fraction(1), Fraction(1)),))
        assert not claims_another_region.strict
        assert claims_another_region.rounding

    def test_the_nearest_region_is_told(self, tmp_path):
        path = write_network(tmp_path / "n.onnx", [[1.0]])
        found = replay(path, unsafe_set(1, 1, self.REGIONS), (Fraction("1.75"),))
        assert found.reason == "X_0 = 1.75 is 0.25 below its lower bound 2"


class TestArithmetics:
    UNSAFE_LOW = ("(>= X_0 0.0)", "(<= X_0 1.0)", "(<= Y_0 0.25)")
    UNSAFE_HIGH = ("(>= X_0 0.0)", "(<= X_0 1.0)", "(>= Y_0 0.25)")

    @pytest.fixture
    def absorbing(self, tmp_path):
        """X + 1e9 - 1e9: 0 in float32, X over the reals."""
        return write_network(tmp_path / "absorbing.onnx", [[1.0]], shift=[1e9, -1e9])

    def test_a_violation_of_rounding_is_not_strict(self, absorbing):
        found = replay(absorbing, unsafe_set(1, 1, *self.UNSAFE_LOW), (HALF,))
        assert found.outputs == (0,)
        assert (found.strict, found.within_tolerance, found.rigorous, found.rounding) == (
            False,
            False,
            False,
            True,
        )
        assert found.reason == "Y_0 = 0 <= 0.25 in ONNX Runtime, but Y_0 = 0.5 > 0.25 in rigorous arithmetic"

    def test_a_violation_that_rounding_hides_is_not_strict(self, absorbing):
        found = replay(absorbing, unsafe_set(1, 1, *self.UNSAFE_HIGH), (HALF,))
        assert (found.strict, found.within_tolerance, found.rigorous, found.rounding) == (
            False,
            False,
            True,
            True,
        )
        assert found.reason == "Y_0 = 0 < 0.25 in ONNX Runtime, but Y_0 = 0.5 >= 0.25 in rigorous arithmetic"

    def test_far_from_the_box_rigorous_arithmetic_is_spared(self, absorbing):
        def fail(*_):
            raise AssertionError("not needed")

        found = replay_on(OpenNetwork(absorbing), unsafe_set(1, 1, *self.UNSAFE_LOW), (Fraction(2),), fail)
        assert found.rigorous is None

    def test_bounds_too_wide_to_decide_prove_nothing(self, network):
        unsafe = unsafe_set(2, 1, *BOX, "(>= Y_0 0.25)")
        opened, point = OpenNetwork(network), (HALF, Fraction(0))
        wide = replay_on(opened, unsafe, point, lambda _: ((Fraction(0), Fraction(1)),))
        assert (wide.strict, wide.rigorous, wide.rounding) == (False, False, True)
        assert replay_on(opened, unsafe, point, lambda _: ((HALF - TOLERANCE, Fraction(1)),)).strict

    def test_an_operator_without_exact_meaning_leaves_it_to_onnxruntime(self, tmp_path):
        path = write_network(tmp_path / "n.onnx", [[1.0]], then=["Erf"])
        assert OpenNetwork(path).bound((HALF,)) is None
        unsafe = unsafe_set(1, 1, "(>= X_0 0.0)", "(<= X_0 1.0)", "(>= Y_0 0.5)")
        found = replay(path, unsafe, (HALF,))
        assert (found.strict, found.within_tolerance, found.rigorous, found.rounding) == (
            True,
            True,
            None,
            False,
        )
        assert not replay(path, unsafe, (Fraction(0),)).rounding

    @given(st.integers(-64, 64), st.integers(-64, 64), st.integers(-128, 128))
    @settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_where_float32_is_exact_replay_is_the_propertys_own_meaning(self, network, first, second, limit):
        point = (Fraction(first, 32), Fraction(second, 32))
        assertion = f"(>= Y_0 {limit / 32:f})"
        unsafe = unsafe_set(2, 1, "(>= X_0 -1.0)", "(<= X_0 1.0)", "(>= X_1 -1.5)", "(<= X_1 1.5)", assertion)
        found = replay(network, unsafe, point)
        assert found.strict == unsafe.is_violated_by(point, (sum(point),))
        assert found.within_tolerance == found.strict
        assert not found.rounding


class TestOnTheEdge:
    """A solver that works in float64 puts its counterexample on the very edge of the unsafe set."""

    @pytest.fixture
    def tenth(self, tmp_path):
        """Y_0 = 0.1 * X_0, with a float32 tenth."""
        return write_network(tmp_path / "tenth.onnx", [[0.1]])

    @staticmethod
    def unsafe_at(value: Fraction):
        """Unsafe: the output reaches down to what 0.1 * X_0 really is at X_0 = `value`."""
        limit = float32(0.1) * value
        assertions = ("(>= X_0 0.0)", "(<= X_0 1.0)", f"(<= Y_0 {decimal_text(limit)})")
        return unsafe_set(1, 1, *assertions)

    def test_a_miss_that_the_cast_explains_is_rounding(self, tenth):
        third = Fraction(round(Fraction(10**12, 3)), 10**12)  # its float32 lies above it, and so does the output
        found = replay(tenth, self.unsafe_at(third), (third,))
        assert (found.strict, found.within_tolerance, found.rigorous, found.rounding) == (False, False, False, True)

    def test_a_miss_that_rounding_cannot_explain_is_one(self, tenth):
        third = Fraction(round(Fraction(10**12, 3)), 10**12)
        found = replay(tenth, self.unsafe_at(third), (third + Fraction(1, 10**5),))
        assert (found.strict, found.rounding) == (False, False)


class TestWording:
    @pytest.mark.parametrize(
        ("assertion", "text"),
        [
            ("(<= Y_0 Y_1)", "Y_0 - Y_1 = -1 <= 0"),
            ("(>= Y_0 Y_1)", "Y_0 - Y_1 = -1 < 0"),
            ("(< (+ (* 2.0 Y_0) Y_1) 0.5)", "2*Y_0 + Y_1 = 2.5 >= 0.5"),
            ("(> Y_1 0.5)", "Y_1 = 1.5 > 0.5"),
        ],
    )
    def test_a_constraint_is_told_with_its_value(self, assertion, text):
        region = unsafe_set(1, 2, "(>= X_0 0.0)", "(<= X_0 1.0)", assertion).regions[0]
        assert describe_outputs(region, (HALF, 3 * HALF)) == text

    def test_the_constraint_that_fails_by_most_is_told(self):
        assertions = ("(<= Y_0 9.0)", "(<= Y_0 0.25)", "(<= Y_0 -1.0)")
        region = unsafe_set(1, 1, "(>= X_0 0.0)", "(<= X_0 1.0)", *assertions).regions[0]
        assert describe_outputs(region, (HALF,)) == "Y_0 = 0.5 > -1"


def test_a_name_that_is_no_text_is_one_line(tmp_path, capfd):
    path = write_network(tmp_path / "network.onnx", [[1.0], [-1.0]], then=["Relu"])
    path.write_bytes(path.read_bytes().replace(b"\x22\x04Relu", b"\x22\x04\xa2elu"))
    with pytest.raises(InputError, match=r"network\.onnx: ") as error:
        open_onnx(path)
    assert "\n" not in str(error.value)
    assert capfd.readouterr() == ("", "")


def test_the_shape_of_the_output_is_that_of_a_run(tmp_path):
    network = open_onnx(write_network(tmp_path / "network.onnx", [[1.0, 2.0, 3.0], [1.0, 1.0, 1.0]]))
    assert network.sizes() == (3, 2)
    assert network.interface() == Interface(Declaration("X", "float32", (1, 3)), Declaration("T0", "float32", (1, 2)))
