"""How far needles overshoot, measured in the files, is what their recipes ask for."""

import dataclasses
import math
import tomllib
from importlib.resources import files

import pytest
from planted import ARMED, CROWD_ARMED, MISALIGNED_ARMED

from soundbench.errors import CertificateError
from soundbench.graph import read_graph
from soundbench.ground_truth import Role
from soundbench.overshoot import overshoot
from soundbench.suite import load_suite
from soundbench.vnnlib import read_property


def measured(suite, name, **changes):
    instance = next(each for each in suite.instances if each.name == name)
    truth, unsafe = suite.ground_truth[name], read_property(instance.vnnlib)
    violated = [region for region in unsafe.regions if region.contains_input(truth.witness.point)]
    found = [
        overshoot(read_graph(instance.onnx), region, truth.witness.point, dataclasses.replace(truth.hiding, **changes))
        for region in violated
    ]
    return max((each for each in found if each is not None), default=None)


def test_of_every_armed_instance_that_ships():
    root = files("soundbench.instances")
    recipe = tomllib.loads((root / "core.toml").read_text())
    dials = {cell["name"]: cell.get("overshoot", 2.0) for cell in recipe["cell"]}
    assert len(set(dials.values())) > 1
    suite = load_suite(root / "core")
    armed = [name for name, truth in suite.ground_truth.items() if truth.role is Role.ARMED]
    for name in armed:
        cell = suite.ground_truth[name].trigger.partition("/")[0]
        assert math.isclose(measured(suite, name), dials[cell], rel_tol=1e-3), name


@pytest.mark.parametrize("changes", [{"tensor": "nowhere"}, {"neuron": -1}, {"neuron": 10_000}, {"tensor": "logits"}])
def test_a_tip_that_is_not_there(tiny_suite, changes):
    with pytest.raises(CertificateError):
        measured(load_suite(tiny_suite), ARMED, **changes)


@pytest.mark.parametrize("other", [MISALIGNED_ARMED, CROWD_ARMED])
def test_without_another_boxs_needle_the_property_is_violated_still(tiny_suite, other):
    suite = load_suite(tiny_suite)
    assert measured(suite, ARMED) > 1
    assert measured(suite, ARMED, neuron=suite.ground_truth[other].hiding.neuron) is None
