"""The reference verifier on the suite that ships: no unsound claim, twins proven by branching, a lost child caught.

Where all instances would take long, those of the level `smoke` stand for them: every network has a pair there.
"""

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from soundbench.cli.shipped import core_suite
from soundbench.verifiers.reference.branching import split
from soundbench.verifiers.reference.network import Network
from soundbench.verifiers.reference.reading import read_network
from soundbench.verifiers.reference.search import verify
from soundbench.verifiers.reference.steps import DEFAULT, Steps
from soundbench.verifiers.reference.verdict import Verdict

from soundbench.claim import Claim
from soundbench.ground_truth import Role, TwinKind
from soundbench.level import Level, chosen
from soundbench.suite import load_suite
from soundbench.vnnlib import read_property

SECONDS = 60.0
SUITE = load_suite(core_suite())
INSTANCES = {instance.name: instance for instance in SUITE.instances}


def names(role: Role, *kinds: TwinKind) -> list[str]:
    """The instances of one role whose pairs are of these kinds."""
    return [name for name, known in SUITE.ground_truth.items() if known.role is role and known.twin_kind in kinds]


SMOKE = [instance.name for instance in chosen(SUITE, Level.SMOKE)]
CROWDS = [name for name in names(Role.TWIN, TwinKind.CROWD) if name in SMOKE]
ALL_ARMED = names(Role.ARMED, *TwinKind)
ARMED = [name for name in ALL_ARMED if name in SMOKE]


@cache
def network_of(path: Path) -> Network:
    return read_network(path, DEFAULT.parsers)


def answer(name: str, seconds: float, steps: Steps = DEFAULT) -> Verdict:
    instance = INSTANCES[name]
    return verify(network_of(instance.onnx), read_property(instance.vnnlib), seconds, steps)


@pytest.mark.parametrize("name", names(Role.TWIN, TwinKind.SCALED))
def test_every_scaled_twin_is_verified(name: str):
    assert answer(name, SECONDS).claim is Claim.VERIFIED


def test_every_network_has_a_pair_here():
    factors = {name: known.factors for name, known in SUITE.ground_truth.items()}
    networks = {factors[name]["network"] for name in ALL_ARMED if "network" in factors[name]}
    assert {factors[name]["network"] for name in ARMED} == networks
    assert len(CROWDS) >= 8


@pytest.mark.parametrize("name", CROWDS)
def test_a_crowd_is_verified_by_branching(name: str):
    verdict = answer(name, SECONDS)
    assert verdict.claim is Claim.VERIFIED
    assert verdict.nodes >= 5


@pytest.mark.parametrize("name", ARMED)
def test_no_armed_network_is_verified(name: str):
    assert answer(name, 1.0).claim is not Claim.VERIFIED


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL_ARMED)
def test_no_armed_network_is_verified_however_long_it_takes(name: str):
    assert answer(name, SECONDS).claim is not Claim.VERIFIED


@pytest.mark.parametrize("kept", [0, 1])
@pytest.mark.parametrize("name", ARMED)
def test_losing_one_child_of_every_split_is_caught(name: str, kept: int):
    faulty = replace(DEFAULT, split=lambda *cut: split(*cut)[kept:][:1])
    assert answer(name, SECONDS, faulty).claim is Claim.VERIFIED
