"""A benchmark in VNN-COMP's form becomes a suite of unknown truth; nothing outside its folder is read."""

import errno
import json

import pytest
from click.testing import CliRunner
from planted import ARMED, CLEAN, MISALIGNED_ARMED, TWIN, rows
from small_networks import write_network
from soundbench.cli import main
from vnncomp_tree import counterexample_name, put, row, witness_text, write_benchmark, write_results

from soundbench.certify import certify_suite
from soundbench.errors import InputError
from soundbench.ground_truth import Expected, Role
from soundbench.import_suite import Origin, import_suite, origin_of
from soundbench.places import place, places_of
from soundbench.seal import seal_suite
from soundbench.suite import load_suite
from soundbench.vnnlib import read_property


def imported(root, out, origin=None, version=None):
    done = import_suite(root, out, origin or origin_of(root), version, lambda _: None)
    return load_suite(out), done


def run(*arguments):
    return CliRunner().invoke(main, ["import", *map(str, arguments)])


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("versions", [("",), ("1.0",), ("2.0",), ("1.0", "2.0")])
def test_every_layout_gives_the_same_suite(tiny_suite, tmp_path, packed, versions):
    benchmark = write_benchmark(tiny_suite, tmp_path / "tiny_bench", packed=packed, versions=versions)
    original = load_suite(tiny_suite)
    suite, done = imported(benchmark, tmp_path / "out")
    assert (done.count, done.left_out, suite.name) == (7, (), "tiny_bench")
    assert [each.name for each in suite.instances] == [each.name for each in original.instances]
    for copy, instance in zip(suite.instances, original.instances, strict=True):
        assert copy.onnx.read_bytes() == instance.onnx.read_bytes()
        assert read_property(copy.vnnlib) == read_property(instance.vnnlib)
        assert copy.timeout_seconds == 100
    truths = suite.ground_truth.values()
    assert {truth.expected for truth in truths} == {Expected.UNKNOWN}
    assert {truth.role for truth in truths} == {Role.OTHER}
    assert certify_suite(suite, lambda _: None)[Expected.UNKNOWN] == 7


def test_the_version_can_be_chosen_and_2_0_is_kept_beside_1_0(tiny_suite, tmp_path):
    benchmark = write_benchmark(tiny_suite, tmp_path / "b", versions=("1.0", "2.0"))
    assert not (imported(benchmark, tmp_path / "one")[0].root / "vnnlib2").exists()
    suite, _ = imported(benchmark, tmp_path / "two", version="2.0")
    assert all(read_property(each.vnnlib2) == read_property(each.vnnlib) for each in suite.instances)
    assert suite.instances[0].vnnlib.read_text().startswith("(declare-const")
    with pytest.raises(InputError, match=r"holds no instances.csv for VNN-LIB 2.0"):
        imported(write_benchmark(tiny_suite, tmp_path / "c", versions=("1.0",)), tmp_path / "three", version="2.0")


def test_one_property_of_several_networks_gives_several_names(tiny_suite, tmp_path):
    original = load_suite(tiny_suite)
    folder = tmp_path / "b"
    for name in ("first", "second"):
        put(folder, f"onnx/{name}.onnx", original.instances[0].onnx.read_bytes(), packed=True)
    put(folder, "vnnlib/prop_1.vnnlib", original.instances[0].vnnlib.read_bytes(), packed=True)
    lines = [f"./onnx/{name}.onnx,./vnnlib/prop_1.vnnlib,100\n" for name in ("first", "second")]
    (folder / "instances.csv").write_text("".join(lines))
    suite, _ = imported(folder, tmp_path / "out")
    assert [each.name for each in suite.instances] == ["first_prop_1", "second_prop_1"]
    (folder / "instances.csv").write_text(lines[0] * 2)
    with pytest.raises(InputError, match=r"b: lists first_prop_1 twice; remove one of the rows"):
        imported(folder, tmp_path / "twice")


def test_a_folder_of_several_models_is_one_suite_and_what_was_published_is_noted(tiny_suite, tmp_path):
    original = load_suite(tiny_suite)
    for model in ("synthetic_a", "synthetic_b"):
        folder = tmp_path / "data" / model
        put(folder, "model.onnx", original.instances[0].onnx.read_bytes(), packed=False)
        for number in range(3):
            put(folder, f"vnnlib/{number}.vnnlib", original.instances[0].vnnlib.read_bytes(), packed=False)
        (folder / "model.pt").write_bytes(b"\x80\x04K.")
        (folder / "instances.csv").write_text("".join(f"model.onnx,vnnlib/{i}.vnnlib,100\n" for i in range(3)))
    suite, _ = imported(tmp_path / "data", tmp_path / "out", Origin("published", published_clean=1))
    names = [f"synthetic_{model}_model_{number}" for model in "ab" for number in range(3)]
    assert [each.name for each in suite.instances] == names
    families = [suite.ground_truth[name].family for name in names]
    assert families == (["imported, published as unverifiable"] * 2 + ["imported, published as clean"]) * 2
    assert {truth.expected for truth in suite.ground_truth.values()} == {Expected.UNKNOWN}
    assert not list(suite.root.rglob("*.pt"))
    found = places_of(suite).find(
        place("/home/u/data/synthetic_b/model.onnx", "/home/u/data/synthetic_b/vnnlib/2.vnnlib")
    )
    assert found == ["synthetic_b_model_2"]


def test_what_nobody_can_judge_is_left_out_with_the_reason(tiny_suite, tmp_path):
    benchmark = write_benchmark(tiny_suite, tmp_path / "b", packed=False)
    (benchmark / "vnnlib" / f"{ARMED}.vnnlib").write_text("(declare-const X_0 Real)(assert (>= X_0 0.0))")
    network = benchmark / "onnx" / rows(tiny_suite)[TWIN][0].name
    network.write_bytes(b"not a network")
    suite, done = imported(benchmark, tmp_path / "out")
    reasons = dict(line.split(": ", 1) for line in done.left_out)
    assert str(benchmark / "vnnlib" / f"{ARMED}.vnnlib") in reasons.pop(ARMED)
    assert TWIN in reasons
    assert all(reason.startswith(f"{network}: not a readable ONNX file") for reason in reasons.values())
    assert {each.name for each in suite.instances} | {ARMED, *reasons} == set(rows(tiny_suite))
    assert {path.name for path in (suite.root / "onnx").iterdir()} == {each.onnx.name for each in suite.instances}


def test_a_pickle_is_never_loaded(tiny_suite, tmp_path):
    benchmark = write_benchmark(tiny_suite, tmp_path / "b")
    (benchmark / "model.pt").write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    with (benchmark / "instances.csv").open("a") as file:
        file.write(f"model.pt,vnnlib/{ARMED}.vnnlib,1\n")
    _, done = imported(benchmark, tmp_path / "out")
    (reason,) = done.left_out
    assert "model.pt: a pickle, which runs its author's code when it is loaded; give the network as ONNX" in reason
    assert done.count == 7


def test_the_command_says_what_it_did(tiny_suite, tmp_path):
    benchmark = write_benchmark(tiny_suite, tmp_path / "b", packed=False)
    (benchmark / "vnnlib" / f"{ARMED}.vnnlib").write_text("(declare-const X_0 Real)(assert (>= X_0 0.0))")
    result = run(benchmark, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    left, last = result.stdout.splitlines()
    assert left.startswith(f"left out: {ARMED}: ")
    assert last == f"{tmp_path / 'out'}: 6 instances of unknown ground truth"
    assert "[6/7]" in result.stderr


def test_counterexamples_beside_results_become_witnesses(tiny_suite, tmp_path):
    original = load_suite(tiny_suite)
    benchmark = write_benchmark(tiny_suite, tmp_path / "tiny_bench")
    text = witness_text(original, ARMED)
    results = write_results(
        tmp_path / "some_tool" / "2025_tiny_bench",
        [row(original, each, "sat", "/elsewhere/tiny_bench") for each in (ARMED, TWIN, CLEAN, MISALIGNED_ARMED)],
        {counterexample_name(original, each): text for each in (ARMED, TWIN)},
    )
    result = run(benchmark, "--out", tmp_path / "out", "--results", results)
    assert result.exit_code == 0, result.output
    assert f"not certified: {TWIN}: " in result.stdout
    counts = "new witnesses: 1; of instances that have one: 0; not certified: 1"
    assert result.stdout.splitlines()[-1] == f"{tmp_path / 'out'}: {counts}"
    suite = load_suite(tmp_path / "out")
    truth = suite.ground_truth[ARMED]
    assert (truth.expected, truth.role) == (Expected.VIOLATED, Role.ARMED)
    assert truth.witness.point == original.ground_truth[ARMED].witness.point
    assert certify_suite(suite, lambda _: None)[Expected.VIOLATED] == 1


def test_results_in_the_folder_itself_are_at_hand(tiny_suite, tmp_path):
    original = load_suite(tiny_suite)
    benchmark = write_benchmark(tiny_suite, tmp_path / "b")
    texts = {counterexample_name(original, ARMED): witness_text(original, ARMED)}
    write_results(benchmark, [row(original, ARMED, "sat", "/b")], texts)
    assert run(benchmark, "--out", tmp_path / "out").exit_code == 0
    assert load_suite(tmp_path / "out").ground_truth[ARMED].expected is Expected.VIOLATED


def test_results_at_hand_of_something_else_are_left_aside(tiny_suite, tmp_path):
    benchmark = write_benchmark(tiny_suite, tmp_path / "b")
    write_results(benchmark, [["other", "/x/onnx/n.onnx", "/x/vnnlib/p.vnnlib", "0", "sat", "1"]])
    result = run(benchmark, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "left aside: " in result.stdout
    assert run(benchmark, "--out", tmp_path / "again", "--results", benchmark).exit_code == 2


def test_a_network_without_exact_meaning_is_imported_and_certifies_as_unknown(tmp_path):
    folder = tmp_path / "b"
    (folder / "onnx").mkdir(parents=True)
    write_network(folder / "onnx" / "erf.onnx", [[1.0]], then=["Erf"])
    text = "(declare-const X_0 Real)(declare-const Y_0 Real)(assert (<= X_0 1))(assert (>= X_0 0))(assert (<= Y_0 0))"
    put(folder, "vnnlib/p.vnnlib", text.encode(), packed=False)
    (folder / "instances.csv").write_text("onnx/erf.onnx,vnnlib/p.vnnlib,1\n")
    suite, _ = imported(folder, tmp_path / "out")
    assert certify_suite(suite, lambda _: None)[Expected.UNKNOWN] == 1


def test_the_published_split_is_noted_by_the_command(tiny_suite, tmp_path):
    benchmark = write_benchmark(tiny_suite, tmp_path / "b")
    assert run(benchmark, "--out", tmp_path / "out", "--published-clean", "3").exit_code == 0
    truth = load_suite(tmp_path / "out").ground_truth
    assert sum(each.family == "imported, published as clean" for each in truth.values()) == 3
    assert {each.expected for each in truth.values()} == {Expected.UNKNOWN}


@pytest.mark.parametrize(
    ("listed", "message"),
    [
        ("../outside.onnx,vnnlib/a.vnnlib,1", "leads out of the folder"),
        ("/etc/passwd,vnnlib/a.vnnlib,1", "leads out of the folder"),
        ("link.onnx,vnnlib/a.vnnlib,1", "leads out of the folder"),
        ("missing.onnx,vnnlib/a.vnnlib,1", "no such file as 'missing.onnx'"),
        ("onnx/a.onnx,vnnlib/a.vnnlib", "not a row of the form"),
        ("onnx/a.onnx,vnnlib/a.vnnlib,soon", "not a row of the form"),
        ("", "lists no instances"),
    ],
)
def test_a_listing_is_not_trusted(tmp_path, listed, message):
    folder = tmp_path / "b"
    (folder / "vnnlib").mkdir(parents=True)
    (folder / "vnnlib" / "a.vnnlib").write_text("")
    (tmp_path / "outside.onnx").write_text("")
    (folder / "link.onnx").symlink_to(tmp_path / "outside.onnx")
    (folder / "instances.csv").write_text(f"{listed}\n")
    result = run(folder, "--out", tmp_path / "out")
    assert (result.exit_code, result.stdout) == (2, "")
    assert len(result.stderr.splitlines()) == 1
    assert message in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_suite_is_not_robbed_of_its_ground_truth(tiny_suite, tmp_path):
    result = run(tiny_suite, "--out", tmp_path / "out")
    assert (result.exit_code, "is a suite already, with its ground truth; use it as it is" in result.stderr) == (
        2,
        True,
    )


def test_a_folder_of_something_else_is_refused(tmp_path):
    for path, message in ((tmp_path / "no", "no such folder"), (tmp_path, "holds no instances.csv")):
        result = run(path, "--out", tmp_path / "out")
        assert (result.exit_code, message in result.stderr) == (2, True), result.stderr


def test_sources_that_were_tampered_with_are_refused(tiny_suite, tmp_path):
    suite, _ = imported(write_benchmark(tiny_suite, tmp_path / "b"), tmp_path / "out")
    manifest = json.loads((suite.root / "suite.json").read_text())
    (suite.root / "suite.json").write_text(json.dumps({**manifest, "sources": [1]}))
    with pytest.raises(InputError, match="sources are no pairs of paths; import the suite again"):
        places_of(load_suite(suite.root))


def test_what_was_exported_comes_back_as_it_was_and_certifies(tiny_suite, tmp_path):
    def files(folder):
        return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    exported = CliRunner().invoke(
        main, ["export", str(tiny_suite), "--format", "vnncomp2026", "--out", str(tmp_path / "benchmark")]
    )
    assert exported.exit_code == 0, exported.output
    result = CliRunner().invoke(main, ["import", str(tmp_path / "benchmark"), "--out", str(tmp_path / "again")])
    assert result.exit_code == 0, result.output
    assert "with the ground truth that they were exported with" in result.stdout
    assert files(tmp_path / "again") == files(tiny_suite)
    assert CliRunner().invoke(main, ["certify", str(tmp_path / "again")]).exit_code == 0


def test_a_sealed_suite_gets_no_witness(tiny_suite, tmp_path):
    seal_suite(load_suite(tiny_suite), tmp_path / "sealed", tmp_path / "file")
    name = load_suite(tmp_path / "sealed").instances[0].name
    (tmp_path / "point.txt").write_text("((X_0 0.0))")
    words = ["witness", "add", str(tmp_path / "sealed"), str(tmp_path / "point.txt"), "--instance", name]
    result = CliRunner().invoke(main, words)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "was sealed" in result.stderr


def test_a_full_disk_is_told_in_one_line_and_nothing_is_left(tiny_suite, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    benchmark = write_benchmark(tiny_suite, tmp_path / "b")
    monkeypatch.setattr("soundbench.import_suite.copy_property", full)
    result = run(benchmark, "--out", tmp_path / "out")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines()[-1] == (
        f"soundbench: {tmp_path / 'out'}: no space is left on the disk; free some, and start again"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["b"]
