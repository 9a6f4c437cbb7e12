"""Networks of strangers are tried in a process of its own: whatever they do there, the next ones are tried, too."""

import resource
import subprocess
import sys

import pytest
from click.testing import CliRunner
from hostile_networks import COSTLY, REFUSED, write
from planted import ARMED, repair_hashes, rows
from small_networks import write_network
from soundbench.cli import main
from vnncomp_tree import row, witness_text, write_benchmark, write_results

from soundbench.errors import InputError, one_line
from soundbench.interface import Interface
from soundbench.suite import load_suite
from soundbench.tried_network import demand_runnable, try_networks


@pytest.fixture
def good(tmp_path):
    return write_network(tmp_path / "good.onnx", [[1, 0], [0, 1]])


def test_every_network_is_tried_whatever_the_others_do(tmp_path, good):
    names = [*COSTLY, *REFUSED]
    makers = {**COSTLY, **{name: make for name, (make, _) in REFUSED.items()}}
    networks = [write(makers[name](), tmp_path / f"{place}.onnx") for place, name in enumerate(names)]
    missing, pickle = tmp_path / "missing.onnx", tmp_path / "model.pt"
    pickle.write_bytes(b"\x80\x04K.")
    networks = [each for bad in (*networks, missing, pickle) for each in (bad, good)]
    before = resource.getrlimit(resource.RLIMIT_AS), resource.getrlimit(resource.RLIMIT_CPU)
    found = list(try_networks(networks, cpu_seconds=2))
    assert len(found) == len(networks)
    for network, bad, fine in zip(networks[::2], found[::2], found[1::2], strict=True):
        assert isinstance(bad, InputError)
        assert one_line(bad).startswith(f"{network}: ")
        assert isinstance(fine, Interface)
        assert (fine.input.size, fine.output.size) == (2, 2)
    assert before == (resource.getrlimit(resource.RLIMIT_AS), resource.getrlimit(resource.RLIMIT_CPU))


def test_what_takes_too_long_is_told(tmp_path, good):
    slow = write(COSTLY["products"](), tmp_path / "slow.onnx")
    with pytest.raises(InputError, match=r"slow\.onnx: ends the process .* or more than 1 s of a processor"):
        list(map(raised, try_networks([good, slow], cpu_seconds=1)))


def raised(found):
    if isinstance(found, InputError):
        raise found


def test_the_first_that_cannot_be_run_is_told(tmp_path, good):
    demand_runnable([good])
    bad = write(REFUSED["branch"][0](), tmp_path / "bad.onnx")
    with pytest.raises(InputError, match=r"bad\.onnx: 'If' is control flow"):
        demand_runnable([good, bad, tmp_path / "missing.onnx"])


def test_within_limits_that_are_there_already(good):
    """As `ulimit` sets them, which a process cannot raise again."""
    code = (
        "import resource, sys, pathlib; from soundbench.tried_network import try_networks; "
        "resource.setrlimit(resource.RLIMIT_AS, (2**34, 2**34)); "
        "resource.setrlimit(resource.RLIMIT_CPU, (500, 500)); "
        "print([found.input.size for found in try_networks([pathlib.Path(sys.argv[1])])])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(good)], capture_output=True, text=True, check=True)
    assert done.stdout == "[2]\n"


def run(*arguments):
    return CliRunner().invoke(main, [str(each) for each in arguments])


def test_an_import_leaves_out_what_does_harm_and_goes_on(tiny_suite, tmp_path):
    benchmark = write_benchmark(tiny_suite, tmp_path / "bench", packed=False)
    onnx, vnnlib, _ = (benchmark / "instances.csv").read_text().splitlines()[0].split(",")
    bad = {"doubling": COSTLY["doubling"], "loop": REFUSED["loop"][0]}
    for name, make in bad.items():
        write(make(), benchmark / f"{name}.onnx")
    listed = "".join(f"{each},{vnnlib},100\n" for each in ("doubling.onnx", onnx, "loop.onnx"))
    (benchmark / "instances.csv").write_text(listed)
    result = run("import", benchmark, "--out", tmp_path / "suite")
    assert result.exit_code == 0, result.output
    doubling, loop, last = result.stdout.splitlines()
    assert "doubling.onnx: ONNX Runtime cannot run it" in doubling
    assert "loop.onnx: 'Loop' is control flow, which may never end" in loop
    assert last.endswith("suite: 1 instances of unknown ground truth")


@pytest.mark.parametrize("name", ["doubling", "branch"])
def test_every_command_refuses_a_network_that_does_harm_in_one_line(suite_copy, tmp_path, name):
    suite = load_suite(suite_copy)
    network, specification = rows(suite_copy)[ARMED]
    results = write_results(tmp_path / "tool" / "2026_tiny", [row(suite, ARMED, "sat", "/home")])
    found = tmp_path / "found.txt"
    found.write_text(witness_text(suite, ARMED))
    write({**COSTLY, "branch": REFUSED["branch"][0]}[name](), network)
    repair_hashes(suite_copy)
    for command in (
        ("certify", suite_copy),
        ("witness", "add", suite_copy, found, "--instance", ARMED),
        ("plant", network, specification, "--out", tmp_path / "planted"),
    ):
        result = run(*command)
        assert (result.exit_code, result.stdout) == (2, ""), result.output
        last = result.stderr.splitlines()[-1]
        assert last.startswith(f"soundbench: {network}: ")
        assert "Traceback" not in result.stderr
    result = run("score", suite_copy, results)
    assert result.exit_code == 2, result.output
    assert result.stderr.splitlines()[-1].startswith(f"{ARMED} is not judged, since it cannot be read: {network}: ")
