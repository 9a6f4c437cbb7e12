"""NeuralSAT's adapter: what it is told; and what the real tool answers, which takes its environment, so marked."""

from fractions import Fraction
from pathlib import Path

import pytest
from saved_logs import task_in
from test_marabou import NETWORKS, installed, replays
from test_marabou import write as write  # noqa: PLC0414 (a fixture)

from soundbench.claim import Claim
from soundbench.instance import Constraint, Interval, Property, Region
from soundbench.notation import Notation
from soundbench.registry import resolve, resolve_all
from soundbench.vnnlib import read_property
from soundbench.vnnlib_writing import format_property

ONE = Fraction(1)


@pytest.mark.parametrize(
    ("name", "split"), [("neuralsat", "auto"), ("neuralsat_act", "hidden"), ("neuralsat_input", "input")]
)
def test_what_is_split_goes_with_the_name(tmp_path, name, split):
    found = resolve(name)
    assert found.location() == resolve("neuralsat").location()
    assert f"split={split}" in found.command(task_in(tmp_path))


def test_releases_have_environments_of_their_own():
    assert resolve("neuralsat==0.2.16").location() != resolve("neuralsat").location()
    assert "neuralsat==0.2.16" in resolve("neuralsat==0.2.16").recipe()[-1]


@pytest.mark.parametrize("name", ["neuralsat", "neuralsat_act", "neuralsat_input"])
def test_its_property_can_be_put_plainly(tmp_path, name):
    unsafe = Property(1, 1, (Region((Interval(Fraction(0), Fraction(1)),), (Constraint(((0, ONE),), ONE),)),))
    task = task_in(tmp_path)
    task.vnnlib.write_text(format_property(unsafe, notation=Notation.JOINED))
    (given,), (plain,) = resolve_all([name]), resolve_all([name], [f"{name}.notation=plain"])
    assert given.command(task)[3] == str(task.vnnlib)
    written = Path(plain.command(task)[3])
    assert written.read_text() == format_property(unsafe)
    assert read_property(written) == read_property(task.vnnlib)


@pytest.mark.verifier
@pytest.mark.slow
@pytest.mark.parametrize("attack", ["true", "false"])
def test_it_answers_with_its_attacks_and_without(write, attack):
    installed("neuralsat")
    (found,) = resolve_all(["neuralsat"], [f"neuralsat.attack={attack}"])
    beyond = found.answer(write(NETWORKS["relu"], "(>= Y_0 1000.0)"), timeout_seconds=60.0)
    assert beyond.answer.claim is Claim.VERIFIED, beyond
    within = write(NETWORKS["relu"], "(<= Y_0 1000.0)")
    execution = found.answer(within, timeout_seconds=60.0)
    assert execution.answer.claim is Claim.FALSIFIED, execution
    assert replays(within, execution)
