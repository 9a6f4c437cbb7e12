"""What a certificate demands of numbers that it is given."""

from dataclasses import replace

import pytest
from soundbench.cli.shipped import core_suite

from soundbench.certificate import check_margins, hiding_certificate, is_well_hidden
from soundbench.errors import CertificateError
from soundbench.graph import read_graph
from soundbench.ground_truth import Track, Witness
from soundbench.suite import load_suite
from soundbench.vnnlib import read_property

# Float32 is on the other side of the threshold, as far away as its rounding explains.
LOST = Witness(
    point=(), margin_float32=-0.25, margin_float64=0.25, margin_rigorous=0.25, float32_error=0.5, required_margin=0.0
)


@pytest.mark.parametrize(
    ("chance", "queries", "is_enough"),
    [
        (1e-9, 1e8, True),
        (1.1e-9, 1e8, False),
        (1e-7, 1e10, True),
        (1e-9, 1e7, False),
        # What is cut off at one would be any number.
        (1.0, 1e26, False),
        (1.0, 1e17, False),
    ],
)
def test_hiding_is_enough_for_the_main_track_if_fewer_queries_find_as_little(chance, queries, is_enough):
    assert is_well_hidden(chance, queries) is is_enough


def test_on_the_track_tight_float32_may_lose_a_violation_to_rounding():
    check_margins(LOST, Track.TIGHT)
    with pytest.raises(CertificateError, match=r"^the witness's margin_float32 is -0.25, and must be above zero$"):
        check_margins(LOST, Track.MAIN)


@pytest.mark.parametrize("track", Track)
def test_no_track_does_without_a_violation_in_real_arithmetic(track):
    witness = replace(LOST, margin_float32=0.25, margin_rigorous=0.0)
    with pytest.raises(CertificateError, match=r"^the witness's margin_rigorous is 0, and must be above zero$"):
        check_margins(witness, track)


@pytest.mark.parametrize("track", Track)
def test_no_track_has_float32_further_off_than_its_rounding_explains(track):
    with pytest.raises(CertificateError, match="differ by more than the rounding bound"):
        check_margins(replace(LOST, margin_float32=1.5), track)


def test_a_margin_below_what_is_required_is_told_with_both():
    witness = replace(LOST, margin_float32=0.25, required_margin=0.3)
    with pytest.raises(CertificateError, match=r"^the witness's margin_float32 is 0.25, and must be at least 0.3$"):
        check_margins(witness, Track.MAIN)


def test_on_the_track_tight_a_tip_must_rest_at_zero_exactly():
    """The tail of a saturated one might be all that a margin is."""
    suite = load_suite(core_suite())
    instance = next(each for each in suite.instances if each.name.startswith("tanh-") and each.name.endswith("-armed"))
    known, graph = suite.ground_truth[instance.name], read_graph(instance.onnx)
    facts = (graph, read_property(instance.vnnlib), known.witness.point, known.hiding, ())
    assert hiding_certificate(*facts) == known.hiding
    with pytest.raises(CertificateError, match=r"^a tip of tanh never rests quite at zero"):
        hiding_certificate(*facts, Track.TIGHT)
