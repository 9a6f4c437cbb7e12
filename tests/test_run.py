import csv
import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from fake_verifiers import Missing, SaysFalsified, SaysVerified, Slow
from hypothesis import given, settings
from hypothesis import strategies as st

from soundbench.claim import Claim, Ending, EndReason, TaskResult
from soundbench.errors import InputError
from soundbench.instance import Instance, VariantKind
from soundbench.level import Level
from soundbench.run import file_name, identify, open_run
from soundbench.suite import Suite
from soundbench.verifier import Selection

INSTANCES = tuple(Instance(f"i{n}", Path(f"/s/onnx/i{n}.onnx"), Path(f"/s/vnnlib/i{n}.vnnlib"), 5.0) for n in range(4))
SUITE = Suite(Path("/s"), "small", "1.0", INSTANCES, {}, "digest")
IDENTITY = identify(SUITE, [SaysVerified(), SaysFalsified()], 5.0, None)
ENDING = Ending(EndReason.EXIT, 0, None, 1.25, 1.0, 1 << 20)


def result(instance: str, verifier: str = "says-verified", **changes) -> TaskResult:
    plain = TaskResult(verifier, "1", instance, Claim.VERIFIED, "unsat", ENDING, None, "logs/x.txt")
    return replace(plain, **changes)


def record(folder: Path, *results: TaskResult) -> None:
    with open_run(folder, IDENTITY) as run:
        for each in results:
            run.append(each)


def recorded(folder: Path) -> list[TaskResult]:
    with open_run(folder, IDENTITY) as run:
        return run.results


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
seconds = st.floats(0, 1e6)
endings = st.builds(
    Ending,
    reason=st.sampled_from(EndReason),
    exit_code=st.none() | st.integers(0, 255),
    signal=st.none() | st.integers(1, 64),
    wall_seconds=seconds,
    cpu_seconds=seconds,
    peak_memory_bytes=st.integers(0, 1 << 40),
)
results = st.builds(
    TaskResult,
    verifier=texts,
    version=texts,
    instance=texts,
    claim=st.sampled_from(Claim),
    raw=texts,
    ending=endings,
    counterexample=st.none() | texts,
    log=st.none() | texts,
    prepare_seconds=seconds,
    variant=st.none() | st.sampled_from(VariantKind),
)


@settings(deadline=None)
@given(st.lists(results, max_size=4))
def test_what_is_recorded_reads_back(tmp_path_factory, written):
    folder = tmp_path_factory.mktemp("run")
    record(folder, *written[:2])
    record(folder, *written[2:])
    assert recorded(folder) == written


@given(st.lists(results, min_size=1, max_size=3), st.data())
def test_a_torn_last_line_is_cut_off(tmp_path_factory, written, data):
    folder = tmp_path_factory.mktemp("run")
    record(folder, *written)
    lines = folder / "results.jsonl"
    whole = lines.read_bytes().splitlines(keepends=True)
    kept = data.draw(st.integers(0, len(whole[-1]) - 1))
    lines.write_bytes(b"".join([*whole[:-1], whole[-1][:kept]]))
    record(folder, written[-1])
    assert recorded(folder) == written


def test_a_damaged_line_in_between_is_named(tmp_path):
    record(tmp_path, result("i0"), result("i1"), result("i2"))
    lines = (tmp_path / "results.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "results.jsonl").write_text("".join([lines[0], "{}\n", lines[2]]))
    before = (tmp_path / "results.jsonl").read_text()
    with pytest.raises(InputError, match=r"results\.jsonl: line 2"):
        recorded(tmp_path)
    assert (tmp_path / "results.jsonl").read_text() == before


@pytest.mark.parametrize(
    ("other", "word"),
    [
        (identify(replace(SUITE, digest="other"), [SaysVerified(), SaysFalsified()], 5.0, None), "suite_digest"),
        (identify(SUITE, [SaysVerified()], 5.0, None), "verifiers"),
        (identify(SUITE, [SaysVerified(), SaysFalsified()], 6.0, None), "timeout_seconds"),
        (identify(SUITE, [SaysVerified(), SaysFalsified()], None, None), "timeout_seconds"),
        (identify(SUITE, [SaysVerified(), SaysFalsified()], 5.0, 1 << 30), "memory_bytes"),
        (identify(SUITE, [SaysVerified(), SaysFalsified()], 5.0, None, cpu_seconds=2.0), "cpu_seconds was not set"),
        (identify(SUITE, [SaysVerified(), SaysFalsified()], 5.0, None, Level.SMOKE), 'level was "standard"'),
    ],
)
def test_another_run_is_refused_and_left_alone(tmp_path, other, word):
    record(tmp_path, result("i0"))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(InputError, match=word) as error, open_run(tmp_path, other):
        pass
    assert "\n" not in str(error.value)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_verifiers_version_and_settings_identify_a_run():
    newer = SaysVerified()
    newer.version = lambda: "2"
    slow, slower = Slow(), Slow(Selection("slow", options={"seconds": "70"}))
    assert identify(SUITE, [newer], None, None) != identify(SUITE, [SaysVerified()], None, None)
    assert identify(SUITE, [slow], None, None) != identify(SUITE, [slower], None, None)
    assert identify(SUITE, [Missing()], None, None) == identify(SUITE, [Missing()], None, None)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"schema": 0}'])
def test_a_damaged_description_is_refused(tmp_path, content):
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(InputError, match=r"run\.json"):
        recorded(tmp_path)


def test_a_folder_with_other_files_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(InputError, match="no run"):
        recorded(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="choose another --out"):
        recorded(tmp_path / "file" / "run")


def test_a_run_has_one_writer(tmp_path):
    with open_run(tmp_path, IDENTITY), pytest.raises(InputError, match="another process"):
        recorded(tmp_path)
    assert recorded(tmp_path) == []


def test_the_description_tells_where_and_when(tmp_path):
    record(tmp_path)
    described = json.loads((tmp_path / "run.json").read_text())
    assert described["suite"] == "small 1.0"
    assert [each["verifier"] for each in described["verifiers"]] == ["says-verified", "says-falsified"]
    assert {"at", "host", "soundbench"} <= described["started"].keys()


def test_tables_are_in_the_suites_order_with_vnn_comps_columns(tmp_path):
    with open_run(tmp_path, IDENTITY) as run:
        run.append(result("i2", claim=Claim.TIMEOUT, prepare_seconds=0.5))
        run.append(result("i0", verifier="vnncomp:/a/b", claim=Claim.FALSIFIED))
        run.append(result("i0"))
        run.write_tables(SUITE)
    (other,) = {path.name for path in tmp_path.glob("results-*.csv")} - {"results-says-verified.csv"}
    assert other.startswith("results-vnncomp_a_b-")
    rows = list(csv.reader((tmp_path / "results-says-verified.csv").open()))
    assert rows == [
        ["small", "onnx/i0.onnx", "vnnlib/i0.vnnlib", "0.000", "unsat", "1.250"],
        ["small", "onnx/i2.onnx", "vnnlib/i2.vnnlib", "0.500", "timeout", "1.250"],
    ]


def test_the_table_of_a_verifier_on_its_own_has_the_usual_name(tmp_path):
    with open_run(tmp_path, IDENTITY) as run:
        run.append(result("i0"))
        run.write_tables(SUITE)
    assert [path.name for path in tmp_path.glob("*.csv")] == ["results.csv"]


@given(texts, texts)
def test_file_names_are_safe_and_differ(one, other):
    for text in (one, other):
        name = file_name(text)
        assert name == Path(name).name
        assert name
        assert not name.startswith(".")
        assert len(name) < 120
        assert name.isascii()
    assert one == other or file_name(one) != file_name(other)


def test_texts_of_a_task_lie_below_the_run(tmp_path):
    with open_run(tmp_path, IDENTITY) as run:
        path = run.save("logs", "vnncomp:../../x", replace(INSTANCES[0], name="../i0"), "text \udcff")
    assert (tmp_path / path).resolve().is_relative_to(tmp_path)
    assert (tmp_path / path).read_text() == "text ?"


def test_texts_of_variants_lie_apart(tmp_path):
    """Even from those of an instance that is named like a kind of variant."""
    kinds, names = (None, *VariantKind), ("i0", "permuted")
    with open_run(tmp_path, IDENTITY) as run:
        paths = {
            run.save("logs", "a", replace(INSTANCES[0], name=name, variant=kind), f"{name} {kind}")
            for name in names
            for kind in kinds
        }
    assert len(paths) == len(kinds) * len(names)
    assert {(tmp_path / path).read_text() for path in paths} == {f"{name} {kind}" for name in names for kind in kinds}


def test_results_from_before_there_were_variants_are_read(tmp_path):
    record(tmp_path, result("i0"))
    lines = tmp_path / "results.jsonl"
    fields = json.loads(lines.read_text())
    del fields["variant"]
    lines.write_text(json.dumps(fields) + "\n")
    assert recorded(tmp_path) == [result("i0")]


def test_a_kind_of_variant_that_does_not_exist_is_damage(tmp_path):
    record(tmp_path, result("i0", variant=VariantKind.PERMUTED), result("i1"))
    lines = tmp_path / "results.jsonl"
    lines.write_text(lines.read_text().replace('"permuted"', '"inverted"'))
    with pytest.raises(InputError, match="line 1 is damaged"):
        recorded(tmp_path)


def test_numbers_of_a_counterexample_are_text(tmp_path):
    with open_run(tmp_path, IDENTITY) as run:
        path = run.save("counterexamples", "a", INSTANCES[0], f"((X_0 {float(Fraction(1, 3))!r}))")
    assert "0.3333333333333333" in (tmp_path / path).read_text()
