"""The page that compares families of instances says what came of their trials, good or bad for the planted ones."""

import importlib.util
import sys
from pathlib import Path

import pytest

from soundbench.claim import Claim
from soundbench.level import Level, chosen
from soundbench.suite import load_suite
from soundbench.trial import Reply, Suspect, Trial

FOLDER = Path(__file__).parent.parent / "benchmarks"


@pytest.fixture(scope="module")
def power():
    """The benchmark as a module."""
    sys.path.insert(0, str(FOLDER))
    try:
        spec = importlib.util.spec_from_file_location("benchmark_power", FOLDER / "power.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        yield module
    finally:
        sys.path.remove(str(FOLDER))


def outcome_of(power, title: str, revealed: int):
    """A family of one instance, on which so many faults are live, and nothing else is."""
    suspects = power.suspects(power.STRONGEST)
    replies = {each: Reply(Claim.VERIFIED, 1.0) for each in suspects[:revealed]}
    trial = Trial("a", Reply(Claim.TIMEOUT, 1.0), replies)
    family = power.Family(title, (), frozenset({"a"}))
    live = {each: ("a",) if trial.is_live(each) else () for each in suspects}
    return power.Outcome(family, (trial,), live)


def test_who_detects_more_is_said_whoever_it_is(power):
    planted, other = outcome_of(power, "planted", 3), outcome_of(power, "other", 5)
    text = "\n".join(power.conclusions([planted, other], 2))
    assert "the planted instances detect 3; 2 of them where" in text
    assert "The instances of the kind *other* detect 5, NO FEWER than the planted ones;" in text
    first = [fault.name for fault in power.FAULTS]
    assert f"the planted ones do not: {first[3]}, {first[4]}." in text
    assert f"Detected by none: {', '.join(first[5:])}." in text
    text = "\n".join(power.conclusions([other, planted], 2))
    assert "detect 3, fewer than the planted ones;" in text


def test_only_what_is_known_to_be_violated_and_not_verified_by_the_sound_verifier_reveals(power, tiny_suite, tmp_path):
    suite = load_suite(tiny_suite)
    instances = chosen(suite, Level.SMOKE)[:2]
    nothing_known = power.Family("nothing known", instances, frozenset())
    family = power.Family("planted", instances, power.violated_of(suite, instances))
    budget = power.Budget(20)
    assert power.outcome(nothing_known, budget, tmp_path / "a").detected == 0
    found = power.outcome(family, budget, tmp_path / "b")
    assert found.revealing[Suspect("gave-up-is-verified", 1.0)]
    assert 1 <= power.caught_strictly(suite, found) <= found.detected
    again = power.outcome(family, budget, tmp_path / "b")
    assert again == found, "what was answered is kept"


def test_plain_robustness_is_of_the_twins_networks_and_judged_by_attacks(power, tiny_suite, tmp_path):
    suite = load_suite(tiny_suite)
    origin = power.planted(suite, 100)
    found = power.plain(suite, origin, tmp_path)
    assert {each.onnx for each in found.instances} <= {each.onnx for each in origin.instances}
    assert len(found.instances) == len(power.WIDTHS) * len({each.onnx for each in found.instances})
    assert found.violated <= {each.name for each in found.instances}
    assert all(each.vnnlib.is_file() for each in found.instances)


def row(strength: float, standing: str, live: int, caught: int, *, stands: bool) -> dict:
    return {
        "name": "box-shrunk",
        "strength": strength,
        "standing": standing,
        "stands_for_fault": stands,
        "run": 4,
        "live": live,
        "detected": bool(caught),
        "instances": ["a"] * caught,
    }


def test_a_corruption_stands_as_the_command_says(power):
    assert power.corruption_cell([row(1, "equivalent", 0, 0, stands=True)]) == "equivalent (run on 4, live on 0)"
    rows = [row(0.1, "caught", 3, 2, stands=True), row(0.01, "caught", 1, 1, stands=False)]
    assert power.corruption_cell(rows) == "caught (run on 4, live on 3, caught on 2, at 0.01 on 1)"
    text = power.real_verifiers({"marabou": {"counted": ["a"], "faults": rows}}, 20)
    assert "soundbench power --verifier marabou --level smoke --timeout 20" in text
    assert "| box-shrunk | caught (run on 4" in text
    assert "None was installed" in power.real_verifiers({}, 20)
